// Jobs: asked for once, delivered any number of times, done once. Real queue, real PostgreSQL, emulated tenant.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { doingOf, startQueue } from '../../test/support/jobs.ts'
import { aSyncWorld, type SyncWorld } from '../../test/support/world.ts'
import { BusyError, CancelledError, ConfigError, ConflictError, RunError } from '../base/errors.ts'
import { systemClock } from '../base/clock.ts'
import { silentLog } from '../base/log.ts'
import { update } from '../emulator/operations.ts'
import { thisProcess } from '../base/process.ts'
import { Queue } from '../jobs/queue.ts'
import { addJob, requireJob, takeJob } from '../registry/jobs.ts'
import { beginRun } from '../registry/running.ts'
import { requireRun } from '../registry/runs.ts'
import { requireSource } from '../registry/sources.ts'
import { askForApproval, askForRevert, askForRun, type Asking, takeBackJob } from './asking.ts'
import { doJob, type Doing } from './job.ts'
import { presentRevert } from './revert-document.ts'

let database: TestDatabase
let world: SyncWorld
let queue: Queue
let asking: Asking
let doing: Doing
let seed = 0
const admin = { kind: 'account', name: 'ada', id: 1 } as const
const never = new AbortController().signal

beforeAll(async () => {
  database = await createTestDatabase()
  queue = await startQueue(database)
})
beforeEach(async () => {
  seed += 1
  world = await aSyncWorld(database.db, { users: 20, groups: 2, memberships: 10, seed })
  asking = { engine: world.engine, queue }
  doing = doingOf(world.engine)
})
afterEach(() => world.stop())
afterAll(async () => {
  await queue.stop({ reason: new CancelledError(), withinMs: 1_000 })
  await database.drop()
})

const ask = (more: { kind?: 'sync' | 'plan'; full?: boolean } = {}) =>
  askForRun(asking, { source: world.source, kind: 'sync', full: false, actor: admin, ...more })
const deliver = (id: string, signal = never) => doJob(world.engine, doing, { id, signal })
const job = (id: string) => requireJob(database.db, id)
const countRuns = async () =>
  (await database.db.query('select 1 from runs where source_name = $1', [world.source])).rowCount

/** No run of this kind can end, as on a full disk or by a mistake. */
const refuseEnds = (kind: string) =>
  database.db.query(
    `create function refuse_end() returns trigger language plpgsql as $$ begin raise exception 'no end'; end $$;
     create trigger refuse_end before update on runs for each row when (new.state = 'ended' and new.kind = '${kind}') execute function refuse_end()`,
  )
/** They can again, and the one that could not has been silent for long enough. */
const allowEnds = () =>
  database.db.query(
    `drop trigger refuse_end on runs; drop function refuse_end;
     update runs set heartbeat_at = now() - interval '31 s' where state = 'running'`,
  )

describe('asking for a run', () => {
  it('leaves a job, its delivery and who asked in the audit, all or nothing', async () => {
    const asked = await ask()

    expect(asked).toMatchObject({ source: world.source, kind: 'sync', state: 'queued', run: null, requestedBy: 'ada' })
    const audit = await database.db.query('select action, actor_name, details from audit order by id desc limit 1')
    expect(audit.rows[0]).toMatchObject({ action: 'run.start', actor_name: 'ada' })
    expect(JSON.parse(audit.rows[0]!['details'])).toMatchObject({ kind: 'sync', full: false, job: asked.id })
    const refusing = { ...asking, queue: { send: () => Promise.reject(new Error('no')), wake: () => {} } }
    await expect(
      askForRun(refusing, { source: world.source, kind: 'plan', full: false, actor: admin }),
    ).rejects.toThrow('no')
    const kept = await database.db.query(`select 1 from jobs where source_name = $1 and kind = 'plan'`, [world.source])
    expect(kept.rowCount).toBe(0)
  })

  it('again while it waits is the same job, which becomes what both asked for', async () => {
    const first = await ask()
    const second = await ask({ full: true })
    const preview = await ask({ kind: 'plan' })

    expect(second.id).toBe(first.id)
    expect(preview.id).not.toBe(first.id)
    const taken = await takeJob(database.db, first.id)
    expect(taken).toMatchObject({ kind: 'taken', job: { full: true, trigger: 'manual' } })
  })

  it('of a disabled source is refused at once', async () => {
    await database.db.query('update sources set enabled = false where name = $1', [world.source])

    await expect(ask()).rejects.toThrow(ConfigError)
  })
})

describe('a delivered job', () => {
  it('is run and tells its run', async () => {
    const { id } = await ask()
    await deliver(id)

    const done = await job(id)
    expect(done.state).toBe('ended')
    const run = await requireRun(database.db, Number(done.run))
    expect(run).toMatchObject({ outcome: 'applied', trigger: 'manual' })
  })

  it('E5: delivered again, or by two at once, is done once', async () => {
    const { id } = await ask()
    await Promise.allSettled([deliver(id), deliver(id), deliver(id)])
    await deliver(id)

    expect(await countRuns()).toBe(1)
    expect((await job(id)).state).toBe('ended')
  })

  it('waits in the queue while the source is run by somebody else, and that costs no try', async () => {
    const { id } = await ask()
    const source = await requireSource(database.db, world.source)
    const holder = {
      sourceId: source.id,
      kind: 'sync',
      mode: 'full',
      trigger: 'manual',
      holder: thisProcess(),
    } as const
    const begun = await beginRun(database.db, holder)
    for (let i = 0; i < 5; i += 1) await expect(deliver(id)).rejects.toThrow('is being run')
    expect((await job(id)).state).toBe('queued')

    await database.db.query(`update runs set state = 'ended', outcome = 'cancelled' where id = $1`, [
      begun.kind === 'begun' ? begun.runId : 0,
    ])
    await deliver(id)

    expect((await job(id)).state).toBe('ended')
  })

  it('E13: of a process that died is taken up again by another one', async () => {
    const { id } = await ask()
    const source = await requireSource(database.db, world.source)
    const taken = await takeJob(database.db, id)
    if (taken.kind !== 'taken') throw new Error('not taken')
    const dead = { host: 'elsewhere', pid: 1, started: 'x' }
    const begun = await beginRun(database.db, {
      sourceId: source.id,
      kind: 'sync',
      mode: 'full',
      trigger: 'manual',
      holder: dead,
      job: taken.job,
    })
    const lost = begun.kind === 'begun' ? begun.runId : 0
    expect(await job(id)).toMatchObject({ state: 'running', run: String(lost) })
    await database.db.query(`update runs set heartbeat_at = now() - interval '31 s' where id = $1`, [lost])
    await deliver(id)

    expect(await requireRun(database.db, lost)).toMatchObject({
      outcome: 'failed',
      summary: { error: { code: 'interrupted' } },
    })
    const done = await job(id)
    expect(done.state).toBe('ended')
    expect(Number(done.run)).toBeGreaterThan(lost)
    expect((await requireRun(database.db, Number(done.run))).outcome).toBe('applied')
  })

  it('whose end could not be recorded is taken up again', async () => {
    const { id } = await ask()
    await refuseEnds('sync')
    await expect(deliver(id)).rejects.toThrow('could not be recorded')
    expect((await job(id)).state).toBe('running')
    await allowEnds()
    await deliver(id)

    const done = await job(id)
    expect(done.state).toBe('ended')
    expect(await requireRun(database.db, Number(done.run))).toMatchObject({ outcome: 'applied' })
  })

  it('E13: that ends its process three times is refused with a sentence', async () => {
    const { id } = await ask()
    for (let i = 0; i < 3; i += 1) expect((await takeJob(database.db, id)).kind).toBe('taken')
    await deliver(id)

    expect(await job(id)).toMatchObject({ state: 'refused', run: null, problem: { code: 'given-up' } })
    expect((await job(id)).problem?.detail).toMatch(/3 times/)
    expect(await countRuns()).toBe(0)
  })

  it('E19: returns to the queue when its server stops, and is gone on with', async () => {
    const { id } = await ask()
    const stop = new AbortController()
    const stopped = new CancelledError('the server stops', 'server-stopped')
    const original = doing.run
    doing = {
      ...doing,
      run: (request) =>
        original({
          ...request,
          onProgress: () => stop.abort(stopped),
        }),
    }
    await expect(deliver(id, stop.signal)).rejects.toThrow('the server stops')

    expect(await job(id)).toMatchObject({ state: 'queued', run: null })
    doing = { ...doing, run: original }
    await deliver(id)
    expect((await job(id)).state).toBe('ended')
    const runs = await database.db.query<{ outcome: string; code: string | null }>(
      `select outcome, summary -> 'error' ->> 'code' as code from runs where source_name = $1 order by id`,
      [world.source],
    )
    expect(runs.rows).toEqual([
      { outcome: 'cancelled', code: 'server-stopped' },
      { outcome: 'applied', code: null },
    ])
  })

  it('E20: cancelled by an administrator has ended', async () => {
    const { id } = await ask()
    const original = doing.run
    const cancelled = new CancelledError('cancelled by an administrator')
    const stop = new AbortController()
    doing = {
      ...doing,
      run: (request) => original({ ...request, signal: stop.signal, onProgress: () => stop.abort(cancelled) }),
    }
    await deliver(id)

    const done = await job(id)
    expect(done.state).toBe('ended')
    expect((await requireRun(database.db, Number(done.run))).outcome).toBe('cancelled')
  })

  it('whose source was disabled meanwhile is refused with the reason', async () => {
    const { id } = await ask()
    await database.db.query('update sources set enabled = false where name = $1', [world.source])
    await deliver(id)

    expect(await job(id)).toMatchObject({ state: 'refused', problem: { code: 'config-invalid' } })
  })

  it('O9: of somebody who may not any more is refused', async () => {
    const { id } = await ask()
    doing = {
      ...doing,
      requireStillAllowed: () => Promise.reject(new ConfigError([{ at: '', message: 'ada may not any more' }])),
    }
    await deliver(id)

    expect(await job(id)).toMatchObject({ state: 'refused', problem: { detail: 'ada may not any more' } })
    expect(await countRuns()).toBe(0)
  })

  it('O9: that two asked for, or a schedule too, is done for the one who still may', async () => {
    const bob = { kind: 'account', name: 'bob', id: 2 } as const
    const mayNot = (...names: string[]) => {
      doing = {
        ...doing,
        requireStillAllowed: async ({ actor }) => {
          if (names.includes(actor.name)) throw new ConflictError('not-allowed', `${actor.name} may not any more`)
        },
      }
    }
    const source = await requireSource(database.db, world.source)
    const due = {
      sourceId: source.id,
      source: source.name,
      kind: 'sync' as const,
      actor: { kind: 'schedule' as const, name: 'schedule' },
    }
    const asked = await ask()
    expect((await askForRun(asking, { source: world.source, kind: 'sync', full: false, actor: bob })).id).toBe(asked.id)
    mayNot('bob')
    await deliver(asked.id)
    expect(await job(asked.id)).toMatchObject({ state: 'ended', requestedBy: 'bob' })

    const again = await ask()
    const fire = (slot: string) => addJob(database.db, { ...due, id: crypto.randomUUID(), slot: new Date(slot) })
    for (const slot of ['2026-01-01T00:00:00Z', '2026-01-01T00:15:00Z', '2026-01-01T00:30:00Z'])
      expect((await fire(slot))?.id).toBe(again.id)
    const taken = await takeJob(database.db, again.id)
    expect(taken).toMatchObject({ job: { actor: { name: 'ada' }, alsoAsked: [{ kind: 'schedule' }] } })
    mayNot('ada', 'bob')
    await deliver(again.id)
    const done = await job(again.id)
    expect(done.state).toBe('ended')
    expect(await requireRun(database.db, Number(done.run))).toMatchObject({ trigger: 'schedule' })

    const nobodys = await ask()
    await deliver(nobodys.id)
    expect(await job(nobodys.id)).toMatchObject({ state: 'refused', problem: { code: 'not-allowed' } })
    const audit = await database.db.query(
      `select actor_name, details::text as details from audit where action = 'job.refused' order by id desc limit 1`,
    )
    expect(audit.rows[0]).toMatchObject({ actor_name: 'ada' })
    expect(audit.rows[0]!['details']).toContain('not-allowed')
  })

  describe('that nobody watches and that is refused', () => {
    const alerts = async () =>
      (
        await database.db.query<{ facts: object }>(
          `select facts from alerts where facts ->> 'source' = $1 and facts ->> 'kind' = 'refused' order by id`,
          [world.source],
        )
      ).rows.map(({ facts }) => facts)
    const giveUp = async (id: string) => {
      for (let i = 0; i < 3; i += 1) await takeJob(database.db, id)
      await deliver(id)
    }
    let minute = 0
    const fire = async () => {
      const source = await requireSource(database.db, world.source)
      minute += 1
      const added = await addJob(database.db, {
        id: crypto.randomUUID(),
        sourceId: source.id,
        source: source.name,
        kind: 'sync',
        actor: { kind: 'schedule', name: 'schedule' },
        slot: new Date(Date.UTC(2026, 0, 1, 0, minute)),
      })
      return added!.id
    }

    it('E13: of a schedule raises an alert, once until a run has succeeded', async () => {
      const first = await fire()
      await giveUp(first)
      await giveUp(await fire())

      expect(await alerts()).toEqual([
        {
          kind: 'refused',
          source: world.source,
          code: 'given-up',
          reason: 'It was begun again and again and never came to its end.',
          job: first,
          askedBy: 'schedule',
        },
      ])
      await world.sync()
      await giveUp(await fire())
      expect(await alerts()).toHaveLength(2)
    })

    it('of a token that may not any more raises an alert that names nobody', async () => {
      const actor = { kind: 'token', name: 'nightly of ada', id: 7 } as const
      doing = {
        ...doing,
        requireStillAllowed: async (asked) => {
          throw new ConflictError('not-allowed', `${asked.actor.name} may not any more`)
        },
      }
      const asked = await askForRun(asking, { source: world.source, kind: 'sync', full: false, actor })
      await deliver(asked.id)

      expect(await alerts()).toMatchObject([{ code: 'not-allowed', askedBy: 'token', job: asked.id }])
      expect(JSON.stringify(await alerts())).not.toContain('ada')
    })

    it('because the source was disabled meanwhile, or by a person who sees it, raises none', async () => {
      const due = await fire()
      await database.db.query('update sources set enabled = false where name = $1', [world.source])
      await deliver(due)
      await database.db.query('update sources set enabled = true where name = $1', [world.source])
      const { id } = await ask()
      await giveUp(id)

      expect(await job(due)).toMatchObject({ state: 'refused' })
      expect(await job(id)).toMatchObject({ state: 'refused', problem: { code: 'given-up' } })
      expect(await alerts()).toEqual([])
    })
  })

  it('that waits can be taken back, once, by name; what has begun cannot', async () => {
    const { id } = await ask()
    await takeBackJob(asking, { job: id, actor: admin })
    await deliver(id)

    expect(await job(id)).toMatchObject({ state: 'refused', run: null, problem: { code: 'cancelled' } })
    expect((await job(id)).problem?.detail).toContain('ada')
    expect(await countRuns()).toBe(0)
    const audit = await database.db.query(`select actor_name from audit where action = 'job.cancel'`)
    expect(audit.rows).toEqual([{ actor_name: 'ada' }])
    await expect(takeBackJob(asking, { job: id, actor: admin })).rejects.toMatchObject({ code: 'job-over' })
    const begun = await ask()
    expect(begun.id).not.toBe(id)
    const original = doing.run
    doing = {
      ...doing,
      run: (request) =>
        original({
          ...request,
          onProgress: () => {
            doing = { ...doing, run: original }
          },
        }),
    }
    const running = deliver(begun.id)
    const patience = { timeout: 15_000, interval: 10 }
    await vi.waitFor(async () => expect((await job(begun.id)).state).toBe('running'), patience)
    await expect(takeBackJob(asking, { job: begun.id, actor: admin })).rejects.toMatchObject({
      code: expect.stringMatching(/^job-(begun|over)$/),
    })
    await running
    expect((await job(begun.id)).state).toBe('ended')
  })

  it('waits while the disk is full, and that costs no try', async () => {
    const { id } = await ask()
    const original = doing.run
    doing = { ...doing, run: () => Promise.reject(new RunError('disk-full', 'The disk of the database is full')) }
    for (let i = 0; i < 5; i += 1) await expect(deliver(id)).rejects.toThrow('full')
    doing = { ...doing, run: original }
    await deliver(id)

    expect(await job(id)).toMatchObject({ state: 'ended', problem: null })
  })

  it('met by a mistake of Muster is tried three times', async () => {
    const { id } = await ask()
    doing = { ...doing, run: () => Promise.reject(new TypeError('a bug')) }
    for (let i = 0; i < 3; i += 1) await expect(deliver(id)).rejects.toThrow('again')
    await deliver(id)

    expect((await job(id)).state).toBe('refused')
  })
})

describe('a job that approves', () => {
  it('applies the plan that was looked at, once', async () => {
    await world.sync()
    const leavers = [...world.tenant.live('user')]
      .filter((user) => user.properties['accountEnabled'] !== false)
      .slice(0, 8)
    for (const { id } of leavers) update(world.tenant, id, { accountEnabled: false })
    const held = await world.sync({ mode: 'full' })
    expect(held.outcome).toBe('held')
    const asked = await askForApproval(asking, {
      run: Number(held.run),
      hash: held.planHash!,
      reason: 'they left',
      actor: { kind: 'token', name: 'ada', id: 1 },
    })
    await Promise.allSettled([deliver(asked.id), deliver(asked.id)])
    await deliver(asked.id).catch((error: unknown) => expect(error).toBeInstanceOf(BusyError))

    const done = await job(asked.id)
    expect(done.state).toBe('ended')
    expect(await requireRun(database.db, Number(done.run))).toMatchObject({
      outcome: 'applied',
      kind: 'approve',
      trigger: 'api',
    })
    expect(await requireRun(database.db, Number(held.run))).toMatchObject({ decision: 'approved', decidedBy: 'ada' })
  })

  it('is one for whoever asks the same again, and refused to who asks for another scope; that leaves no audit', async () => {
    await world.sync()
    const leavers = [...world.tenant.live('user')]
      .filter((user) => user.properties['accountEnabled'] !== false)
      .slice(0, 8)
    for (const { id } of leavers) update(world.tenant, id, { accountEnabled: false })
    const { run, planHash } = await world.sync({ mode: 'full' })
    const approve = (name: string, without?: 'removals') =>
      askForApproval(asking, {
        run: Number(run),
        hash: planHash!,
        reason: 'they left',
        without,
        actor: { kind: 'account', name },
      })
    const asked = await approve('ada', 'removals')

    await expect(approve('bob')).rejects.toMatchObject({ code: 'already-asked' })
    expect((await approve('ada', 'removals')).id).toBe(asked.id)
    const audit = await database.db.query(
      `select actor_name from audit where action = 'run.approve' and subject = $1`,
      [`run ${run}`],
    )
    expect(audit.rows.map((row) => row['actor_name'])).toEqual(['ada', 'ada'])
  })
})

describe('a job that takes a run back', () => {
  it('goes on after its server has stopped, and tells what it did and left', async () => {
    const { run, users } = await world.sync()
    const revert = (reason: string, confirmed = true) =>
      askForRevert(asking, { run: Number(run), reason, confirmed, actor: admin })
    const asked = await revert('the wrong tenant')
    expect(asked).toMatchObject({ kind: 'revert', state: 'queued', run: null })
    expect((await revert('the wrong tenant')).id).toBe(asked.id)
    await expect(revert('another reason')).rejects.toMatchObject({ code: 'already-asked' })
    const stop = new AbortController()
    const original = doing.revert
    doing = {
      ...doing,
      revert: (request) => {
        stop.abort(new CancelledError('the server stops', 'server-stopped'))
        return original(request)
      },
    }
    await expect(deliver(asked.id, stop.signal)).rejects.toBeInstanceOf(Error)
    expect((await job(asked.id)).state).toBe('queued')
    doing = { ...doing, revert: original }
    await deliver(asked.id)

    const done = await job(asked.id)
    expect(done.state).toBe('ended')
    expect(await requireRun(database.db, Number(done.run))).toMatchObject({
      kind: 'revert',
      outcome: 'applied',
      reverts: Number(run),
      decidedBy: 'ada',
    })
    expect(await presentRevert(database.db, Number(done.run))).toMatchObject({
      reverts: run,
      outcome: 'applied',
      users: { deleted: users.created },
      left: [],
      confirm: [],
    })
    await expect(presentRevert(database.db, Number(run))).rejects.toMatchObject({ code: 'not-reverting' })
  })

  it('whose end could not be recorded is done again', async () => {
    const { run, users } = await world.sync()
    const { id } = await askForRevert(asking, { run: Number(run), reason: 'x', confirmed: true, actor: admin })
    await refuseEnds('revert')
    await expect(deliver(id)).rejects.toThrow('tried again')
    expect(await job(id)).toMatchObject({ state: 'running', problem: null })
    await allowEnds()
    await deliver(id)

    const done = await job(id)
    expect(done).toMatchObject({ state: 'ended', problem: null })
    expect(await presentRevert(database.db, Number(done.run))).toMatchObject({
      outcome: 'applied',
      users: { deleted: users.created },
    })
    const runs = await database.db.query(
      `select outcome, summary #>> '{error,code}' as code from runs where kind = 'revert' and source_name = $1 order by id`,
      [world.source],
    )
    expect(runs.rows).toEqual([
      { outcome: 'failed', code: 'interrupted' },
      { outcome: 'applied', code: null },
    ])
  })

  it('is shown only where it removes too much and nobody confirmed that', async () => {
    const { run, users } = await world.sync()
    const { id } = await askForRevert(asking, { run: Number(run), reason: 'x', confirmed: false, actor: admin })
    await deliver(id)

    const { run: made } = await job(id)
    const told = await presentRevert(database.db, Number(made))
    expect(told.outcome).toBe('planned')
    expect(told.confirm).toContainEqual({ rule: 'removals.users', count: users.created, limit: 5 })
  })
})

describe('the queue', () => {
  it('delivers what was asked for, also a second time when the first one could not', async () => {
    const { id } = await ask()
    const seen: string[] = []
    const done = Promise.withResolvers<void>()
    const { db } = database
    const working = new Queue(db, { log: silentLog, clock: systemClock })
    await working.start()
    await working.work(
      async (delivered) => {
        if (delivered !== id) return
        seen.push(delivered)
        if (seen.length === 1) throw new Error('not yet')
        done.resolve()
      },
      { atOnce: 2 },
    )
    await done.promise
    await working.stop({ reason: new CancelledError(), withinMs: 2_000 })

    expect(seen).toEqual([id, id])
  })

  it('tells of a job that is there already, under the same slot, nothing', async () => {
    const source = await requireSource(database.db, world.source)
    const slot = new Date('2026-01-01T00:00:00Z')
    const fired = {
      sourceId: source.id,
      source: source.name,
      kind: 'sync' as const,
      actor: { kind: 'schedule' as const, name: 'schedule' },
      slot,
    }
    const first = await addJob(database.db, { ...fired, id: crypto.randomUUID() })
    await database.db.query(`update jobs set state = 'ended' where id = $1`, [first!.id])

    expect(await addJob(database.db, { ...fired, id: crypto.randomUUID() })).toBeUndefined()
  })
})

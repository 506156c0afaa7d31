// A job that several asked for: whoever takes it back takes back what he asked for, and whoever joins late is not forgotten.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { doingOf, startQueue } from '../../test/support/jobs.ts'
import { aSyncWorld, type SyncWorld } from '../../test/support/world.ts'
import { CancelledError } from '../base/errors.ts'
import type { Queue } from '../jobs/queue.ts'
import type { Actor } from '../registry/audit.ts'
import { addJob, requireJob, takeJob } from '../registry/jobs.ts'
import { requireRun } from '../registry/runs.ts'
import { requireSource } from '../registry/sources.ts'
import { askForRun, type Asking, takeBackJob, takeBackUserRun } from './asking.ts'
import { doJob, type Doing } from './job.ts'
import { runSource } from './run.ts'

let database: TestDatabase
let world: SyncWorld
let queue: Queue
let asking: Asking
let doing: Doing
let seed = 0
const ada: Actor = { kind: 'account', name: 'ada', id: 1 }
const bob: Actor = { kind: 'account', name: 'bob', id: 2 }
const program: Actor = { kind: 'token', name: 'nightly', id: 1 }
const schedule: Actor = { kind: 'schedule', name: 'schedule' }

beforeAll(async () => {
  database = await createTestDatabase()
  queue = await startQueue(database)
})
beforeEach(async () => {
  seed += 1
  world = await aSyncWorld(database.db, { users: 6, groups: 1, memberships: 3, seed })
  asking = { engine: world.engine, queue }
  doing = doingOf(world.engine)
})
afterEach(() => world.stop())
afterAll(async () => {
  await queue.stop({ reason: new CancelledError(), withinMs: 1_000 })
  await database.drop()
})

const ask = async (actor: Actor, full = false) =>
  (await askForRun(asking, { source: world.source, kind: 'sync', full, actor })).id
const takeBack = (job: string, actor: Actor) => takeBackJob(asking, { job, actor })
const deliver = (id: string) => doJob(world.engine, doing, { id, signal: new AbortController().signal })
const job = (id: string) => requireJob(database.db, id)
const taken = async (id: string) => {
  const found = await takeJob(database.db, id)
  return found.kind === 'taken' ? found.job : undefined
}
let minute = 0
/** The nightly full compare has come due. */
const fire = async () => {
  const source = await requireSource(database.db, world.source)
  minute += 1
  const added = await addJob(database.db, {
    id: crypto.randomUUID(),
    sourceId: source.id,
    source: source.name,
    kind: 'sync',
    full: true,
    actor: schedule,
    slot: new Date(Date.UTC(2026, 0, 1, 3, minute)),
  })
  return added!.id
}

describe('a job that several asked for', () => {
  it('is taken back for whoever takes it back, and stays what the others asked for', async () => {
    const id = await fire()
    expect(await ask(bob, true)).toBe(id)
    expect(await ask(ada)).toBe(id)
    await takeBack(id, ada)

    expect(await job(id)).toMatchObject({ state: 'queued', requestedBy: 'bob' })
    expect(await taken(id)).toMatchObject({ full: true, trigger: 'manual', actor: bob, alsoAsked: [schedule] })
    await takeBack(id, bob)
    expect(await taken(id)).toMatchObject({ full: true, trigger: 'schedule', actor: schedule, alsoAsked: [] })
    await deliver(id)
    const done = await job(id)
    expect(await requireRun(database.db, Number(done.run))).toMatchObject({ trigger: 'schedule', outcome: 'applied' })
    const audit = await database.db.query<{ actor_name: string; details: string }>(
      `select actor_name, details from audit where action = 'job.cancel' order by id`,
    )
    expect(audit.rows.map((row) => [row.actor_name, JSON.parse(row.details)])).toEqual([
      ['ada', { job: id, isOthersToo: true }],
      ['bob', { job: id, isOthersToo: true }],
    ])
  })

  it('is no more than the others want, once the one who wanted more has taken it back', async () => {
    const id = await ask(program)
    await ask(bob, true)
    await ask(ada)
    expect(await taken(id)).toMatchObject({ full: true, trigger: 'manual', actor: ada, alsoAsked: [program, bob] })
    await takeBack(id, bob)
    expect(await taken(id)).toMatchObject({ full: false, trigger: 'manual', actor: ada })
    await takeBack(id, ada)

    expect(await taken(id)).toMatchObject({ full: false, trigger: 'api', actor: program })
  })

  it('keeps what somebody asked for before when he asks for less, and knows him under another name', async () => {
    const id = await ask(ada, true)
    await ask(bob)
    await ask({ ...ada, name: 'ada.lovelace' })

    expect(await taken(id)).toMatchObject({ full: true, actor: { name: 'ada.lovelace' }, alsoAsked: [bob] })
    await takeBack(id, ada)
    expect(await taken(id)).toMatchObject({ full: false, actor: bob, alsoAsked: [] })
  })

  it('is over when the last one takes it back, or whoever may though he did not ask', async () => {
    const id = await ask(ada)
    await ask(bob)
    await takeBack(id, ada)
    await takeBack(id, bob)
    expect(await job(id)).toMatchObject({ state: 'refused', problem: { code: 'cancelled' } })
    const again = await fire()
    await ask(ada)
    await takeBack(again, bob)

    expect(await job(again)).toMatchObject({ state: 'refused', problem: { detail: expect.stringContaining('bob') } })
  })

  it('is left alone by whoever takes back no more than his own and has not asked, or not any more', async () => {
    const id = await ask(ada)
    await ask(bob)
    const takeOwnBack = (actor: Actor) => takeBackJob(asking, { job: id, actor, onlyOwn: true })
    expect(await requireJob(database.db, id, bob)).toMatchObject({ isYours: true })
    await takeOwnBack(bob)

    expect(await requireJob(database.db, id, bob)).toMatchObject({ isYours: false, requestedBy: 'ada' })
    await expect(takeOwnBack(bob)).rejects.toMatchObject({ code: 'not-asked' })
    await expect(takeOwnBack(program)).rejects.toMatchObject({ code: 'not-asked' })
    expect(await taken(id)).toMatchObject({ actor: ada, alsoAsked: [] })
    await takeOwnBack(ada)
    expect(await job(id)).toMatchObject({ state: 'refused' })
  })

  it('that has begun stays the others’; alone it is cancelled as a run', async () => {
    const id = await ask(ada)
    await ask(bob)
    let run: string | null = null
    const { promise: isBegun, resolve: begun } = Promise.withResolvers<void>()
    const { promise: mayGoOn, resolve: goOn } = Promise.withResolvers<void>()
    const open = world.engine.openGraph
    const held = {
      ...world.engine,
      openGraph: async (...given: Parameters<typeof open>) => {
        begun()
        await mayGoOn
        return open(...given)
      },
    }
    doing = { ...doing, run: (request) => runSource(held, request) }
    const running = deliver(id)
    await isBegun
    ;({ run } = await job(id))
    await takeBack(id, bob)
    await expect(takeBack(id, ada)).rejects.toMatchObject({ code: 'job-begun' })
    goOn()
    await running

    expect(await job(id)).toMatchObject({ state: 'ended', run, requestedBy: 'ada' })
    expect(await requireRun(database.db, Number(run))).toMatchObject({ outcome: 'applied' })
  })
})

describe('a job that somebody joins in the moment it is taken', () => {
  it('E5: is taken anew, and costs no try', async () => {
    const id = await ask(program)
    const original = doing.run
    let late = 0
    doing = {
      ...doing,
      run: async (request) => {
        late += 1
        if (late === 1) expect(await ask(bob, true)).toBe(id)
        return original(request)
      },
    }
    await expect(deliver(id)).rejects.toThrow('More was asked for')
    expect(await job(id)).toMatchObject({ state: 'queued', run: null })
    await deliver(id)

    const { run } = await job(id)
    expect(await requireRun(database.db, Number(run))).toMatchObject({ mode: 'full', trigger: 'manual' })
    const { rows } = await database.db.query('select tries from jobs where id = $1', [id])
    expect(rows).toEqual([{ tries: 1 }])
    expect((await database.db.query('select from runs where source_name = $1', [world.source])).rowCount).toBe(1)
  })

  it('begins all the same when he asks for what he has asked for', async () => {
    const id = await ask(ada)
    const original = doing.run
    doing = {
      ...doing,
      run: async (request) => {
        await ask(ada)
        return original(request)
      },
    }
    await deliver(id)

    expect(await job(id)).toMatchObject({ state: 'ended', requestedBy: 'ada' })
  })
})

describe('one user who is to be synchronized', () => {
  const askOne = async (actor: Actor) => {
    const [somebody] = world.tenant.live('user')
    const asked = { source: world.source, kind: 'sync', full: false, user: somebody!.id, actor } as const
    return (await askForRun(asking, asked)).id
  }
  const takeOneBack = (id: string, actor: Actor) => takeBackUserRun(asking, { job: id, actor })

  it('is taken back by whoever asked, and by nobody else', async () => {
    await world.sync()
    const id = await askOne(ada)
    await expect(takeOneBack(id, bob)).rejects.toMatchObject({ code: 'not-asked' })
    await askOne(bob)
    await takeOneBack(id, ada)
    expect(await job(id)).toMatchObject({ state: 'queued', requestedBy: 'bob' })
    await takeOneBack(id, bob)

    expect(await job(id)).toMatchObject({ state: 'refused', problem: { code: 'cancelled' } })
    await expect(takeOneBack(await ask(ada), ada)).rejects.toMatchObject({ code: 'not-found' })
  })

  it('is cancelled where it has begun', async () => {
    await world.sync()
    const id = await askOne(ada)
    const original = world.engine.openGraph
    const engine = {
      ...world.engine,
      openGraph: async (...given: Parameters<typeof original>) => {
        await takeOneBack(id, ada)
        return original(...given)
      },
    }
    doing = { ...doing, run: (request) => runSource(engine, request) }
    await deliver(id)

    const { run } = await job(id)
    const cancelled = await database.db.query('select cancel_requested from runs where id = $1', [run])
    expect(cancelled.rows).toEqual([{ cancel_requested: true }])
  })
})

// Routes of runs over a real database: jobs, events, plans by pages, decisions.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../test/support/database.ts'
import { type Ask, aServer, type TestServer } from '../../../test/support/server.ts'
import { aSyncWorld, type SyncWorld } from '../../../test/support/world.ts'
import { CancelledError } from '../../base/errors.ts'
import { systemClock } from '../../base/clock.ts'
import { silentLog } from '../../base/log.ts'
import type { Job, RunEvent } from '../../contract/api/runs.ts'
import type { PlanItemLine } from '../../contract/plan-items.ts'
import { addMembers, createGroup, removeMember } from '../../emulator/memberships.ts'
import { update } from '../../emulator/operations.ts'
import { Queue } from '../../jobs/queue.ts'
import { doJob } from '../../sync/job.ts'

let database: TestDatabase
let world: SyncWorld
let queue: Queue
let server: TestServer
let operator: Ask
let viewer: Ask

beforeAll(async () => {
  database = await createTestDatabase()
  world = await aSyncWorld(database.db, { users: 40, groups: 4, memberships: 90 })
  queue = new Queue(database.db, { log: silentLog, clock: systemClock })
  await queue.start()
  server = await aServer(world.engine, { queue })
  operator = await server.as('operator')
  viewer = await server.as('viewer')
})
afterAll(async () => {
  await server.stop()
  await queue.stop({ reason: new CancelledError(), withinMs: 1_000 })
  await world.stop()
  await database.drop()
})

const carryOut = (id: string) =>
  doJob(
    world.engine,
    {
      run: (request) => server.parts.actions.run(request),
      approve: (request) => server.parts.actions.approve(request),
      revert: (request) => server.parts.actions.revert(request),
      requireStillAllowed: async () => {},
    },
    { id, signal: new AbortController().signal },
  )
const start = (body: object = { kind: 'sync' }) => operator('POST', `/api/v1/sources/${world.source}/runs`, body)

/** Every line of a plan, a small page after the other. */
async function everyItem(run: string, query = '', limit = 7): Promise<PlanItemLine[]> {
  const items: PlanItemLine[] = []
  for (let cursor = ''; ; ) {
    const answer = await viewer('GET', `/api/v1/runs/${run}/items?limit=${limit}${query}${cursor}`)
    expect(answer.statusCode).toBe(200)
    const page = answer.json()
    expect(page.items.length).toBeLessThanOrEqual(limit)
    items.push(...page.items)
    if (page.next === null) return items
    cursor = `&cursor=${page.next}`
  }
}

/** What is listed of each object and action, as the buttons of a plan tell it. */
async function countsOf(run: string): Promise<Record<string, number>> {
  const answer = await viewer('GET', `/api/v1/runs/${run}/item-counts`)
  const { items } = answer.json<{ items: { object: string; action: string; count: number }[] }>()
  const counts = Object.fromEntries(items.map(({ object, action, count }) => [`${object} ${action}`, count]))
  const listed = Object.groupBy(await everyItem(run), ({ object, action }) => `${object} ${action}`)
  expect(counts).toEqual(Object.fromEntries(Object.entries(listed).map(([kind, lines]) => [kind, lines!.length])))
  return counts
}

describe('routes of runs', () => {
  let first: string

  it('a run that is asked for is a job, and the job tells the run', async () => {
    const asked = await start()
    expect(asked.statusCode).toBe(202)
    const job: Job = asked.json()
    await carryOut(job.id)
    const done: Job = (await viewer('GET', `/api/v1/jobs/${job.id}`)).json()

    expect(done).toMatchObject({ state: 'ended', requestedBy: 'operator' })
    first = done.run!
    const run = (await viewer('GET', `/api/v1/runs/${first}`)).json()
    expect(run).toMatchObject({
      line: { outcome: 'applied', trigger: 'manual' },
      document: { users: { created: expect.any(Number) } },
      progress: null,
      canRevert: true,
      canApprove: false,
      cancelRequested: false,
      heldInWords: [],
    })
  })

  it('a token that asks is told from a person by the trigger', async () => {
    const byToken = await server.withToken('runs')
    const job: Job = (await byToken('POST', `/api/v1/sources/${world.source}/runs`, { kind: 'plan' })).json()
    await carryOut(job.id)
    const { run } = (await viewer('GET', `/api/v1/jobs/${job.id}`)).json()

    expect((await viewer('GET', `/api/v1/runs/${run}`)).json().line).toMatchObject({ trigger: 'api', kind: 'plan' })
  })

  it('one user can be read and synchronized alone, by the helpdesk too', async () => {
    const [somebody] = world.tenant.live('user')
    const helpdesk = await server.as('helpdesk')
    const asked = await helpdesk('POST', `/api/v1/sources/${world.source}/user-runs`, {
      kind: 'sync',
      user: somebody!.id,
    })
    expect(asked.statusCode).toBe(202)
    await carryOut(asked.json().id)

    expect((await viewer('GET', `/api/v1/jobs/${asked.json().id}`)).json().state).toBe('ended')
    expect(
      (await viewer('POST', `/api/v1/sources/${world.source}/user-runs`, { kind: 'sync', user: 'x' })).statusCode,
    ).toBe(403)
  })

  it('the plan comes by pages, each line once and none left out, whatever is looked for', async () => {
    const whole: PlanItemLine[] = []
    await server.parts.actions
      .listPlanItems({ runId: Number(first), limit: 10_000 })
      .then(({ items }) => whole.push(...items))
    const key = (item: PlanItemLine) => `${item.seq} ${item.userId} ${item.object} ${item.action}`
    const paged = await everyItem(first)
    const memberships = await everyItem(first, '&object=membership')
    const adds = await everyItem(first, '&action=add&object=membership')
    const name = whole.find((item) => item.object === 'user')!.name!
    const found = await everyItem(first, `&search=${encodeURIComponent(name.slice(0, -1).toUpperCase())}`)

    expect(paged.map(key).sort()).toEqual(whole.map(key).sort())
    expect(new Set(paged.map(key)).size).toBe(paged.length)
    expect(memberships.length).toBeGreaterThan(7)
    expect(memberships.map(key).sort()).toEqual(
      whole
        .filter((i) => i.object === 'membership')
        .map(key)
        .sort(),
    )
    expect(adds.map(key)).toEqual(memberships.map(key))
    expect(found.map((item) => item.name)).toContain(name)
    expect(found.length).toBeLessThan(paged.length)
  })

  it('a cursor of another list is refused', async () => {
    const answer = await viewer('GET', `/api/v1/runs/${first}/items?cursor=e30`)

    expect(answer.statusCode).toBe(400)
  })

  it('log and exports of a plan', async () => {
    const log = (await viewer('GET', `/api/v1/runs/${first}/log`)).json()
    expect(log).toMatchObject({ isEnded: true })
    const text = await viewer('GET', `/api/v1/runs/${first}/log.txt`)
    expect(text.headers['content-type']).toContain('text/plain')
    expect(text.payload.trim().split('\n')).toHaveLength(log.items.length)
    // For people, and complete.
    expect(text.payload).toMatch(/^\S+Z info {2}Reading users\. \[phase begins phase=users\]$/m)
    const csv = await viewer('GET', `/api/v1/runs/${first}/items/export?format=csv`)
    expect(csv.payload.split('\n')[0]).toContain('run,seq,object')
  })

  it('events of a run that has ended are its log and its end', async () => {
    const answer = await viewer('GET', `/api/v1/runs/${first}/events`)

    expect(answer.headers['content-type']).toContain('text/event-stream')
    const events = answer.payload
      .split('\n')
      .filter((line) => line.startsWith('data:'))
      .map((line) => JSON.parse(line.slice(5)))
    expect(events.at(-1)).toMatchObject({ type: 'ended', line: { run: first, outcome: 'applied' } })
    expect(events.slice(0, -1).every((event) => event.type === 'log')).toBe(true)
    expect(events.length).toBeGreaterThan(3)
  })

  it('events of several runs come in one stream, each with its run, after the line that is named', async () => {
    const job: Job = (await start({ kind: 'plan' })).json()
    await carryOut(job.id)
    const second: string = (await viewer('GET', `/api/v1/jobs/${job.id}`)).json().run
    const answer = await viewer('GET', `/api/v1/run-events?runs=${first}:2,${second}`)
    const told: { run: string; event: RunEvent }[] = answer.payload
      .split('\n')
      .filter((line) => line.startsWith('data:'))
      .map((line) => JSON.parse(line.slice(5)))
    const of = (run: string) => told.flatMap((one) => (one.run === run ? [one.event] : []))

    for (const run of [first, second]) expect(of(run).at(-1)).toMatchObject({ type: 'ended', line: { run } })
    expect(of(first)[0]).toMatchObject({ type: 'log', line: { seq: 3 } })
    expect(of(second)[0]).toMatchObject({ type: 'log', line: { seq: 1 } })
    expect((await viewer('GET', `/api/v1/run-events?runs=${first},999999`)).statusCode).toBe(404)
    expect((await viewer('GET', '/api/v1/run-events?runs=everything')).statusCode).toBe(400)
    expect((await viewer('GET', `/api/v1/run-events?runs=${first}:2,${first}:4`)).statusCode).toBe(400)
  })

  it('who leaves several runs before he has taken all that came leaves them too', async () => {
    const { db, clock } = world.engine
    const { RunFeeds } = await import('../run-feed.ts')
    const run = await db.query<{ id: number }>(
      `insert into runs (source_name, kind, mode, trigger, fence, host, pid, process_started, settings_version)
       values ('x', 'plan', 'full', 'manual', 0, 'elsewhere', 1, 'x', 1) returning id`,
    )
    const { id } = run.rows[0]!
    await db.query(
      `insert into run_log (run_id, seq, at, level, message, fields)
       select $1, n, now(), 'info', 'line', '{}' from generate_series(1, 3) n`,
      [id],
    )
    let sleeping = Promise.withResolvers<void>()
    let looks = 0
    const sleep = () => ((looks += 1), sleeping.promise)
    const feeds = new RunFeeds({
      db,
      clock: { ...clock, sleep },
      present: async (one) => (await server.parts.actions.getRun(one)).line,
    })
    const watching = feeds.watchAll([{ run: id, after: 0 }], new AbortController().signal)
    const first = await watching.next()
    await expect.poll(() => looks).toBe(1)
    await watching.return(undefined)
    const before = sleeping
    sleeping = Promise.withResolvers()
    before.resolve()
    await new Promise((resolve) => setTimeout(resolve, 100))
    // Where it is looked at still it ends here.
    await db.query(`update runs set state = 'ended', outcome = 'cancelled' where id = $1`, [id])
    sleeping.resolve()

    expect(first.value).toMatchObject({ event: { type: 'log', line: { seq: 1 } } })
    expect(looks).toBe(1)
  })

  it('who leaves while several runs go on leaves all of them', async () => {
    const { db, clock } = world.engine
    const { RunFeeds } = await import('../run-feed.ts')
    const runs = await db.query<{ id: number }>(
      `insert into runs (source_name, kind, mode, trigger, fence, host, pid, process_started, settings_version)
       select 'x', 'plan', 'full', 'manual', 0, 'elsewhere', 1, 'x', 1 from generate_series(1, 3) returning id`,
    )
    let looks = 0
    const feeds = new RunFeeds({
      db,
      clock: {
        ...clock,
        sleep: async () => void ((looks += 1), await new Promise((resolve) => setImmediate(resolve))),
      },
      present: async (one) => (await server.parts.actions.getRun(one)).line,
    })
    const gone = new AbortController()
    const watching = feeds.watchAll(
      runs.rows.map(({ id }) => ({ run: id, after: 0 })),
      gone.signal,
    )
    const all = (async () => {
      const types: string[] = []
      for await (const { event } of watching) types.push(event.type)
      return types
    })()
    await expect.poll(() => looks).toBeGreaterThan(3)
    gone.abort()

    expect(await all).not.toContain('ended')
    await expect
      .poll(async () => {
        const before = looks
        await new Promise((resolve) => setTimeout(resolve, 50))
        return looks - before
      })
      .toBe(0)
    await db.query(
      `update runs set state = 'ended', outcome = 'cancelled' where host = 'elsewhere' and state = 'running'`,
    )
  })

  it('twenty who watch a run cost what one costs, and all of them see its end', async () => {
    let queries = 0
    const { db } = world.engine
    const counting = {
      kysely: db.kysely,
      query: (...args: Parameters<typeof db.query>) => ((queries += 1), db.query(...args)),
    }
    const { RunFeeds } = await import('../run-feed.ts')
    let ticks = 0
    const run = await db.query<{ id: number }>(
      `insert into runs (source_id, source_name, kind, mode, trigger, fence, host, pid, process_started, settings_version)
       select id, name, 'plan', 'full', 'manual', 0, 'elsewhere', 1, 'x', 1 from sources returning id`,
    )
    const { id } = run.rows[0]!
    const feeds = new RunFeeds({
      db: counting as typeof db,
      clock: {
        ...world.engine.clock,
        sleep: async () => {
          ticks += 1
          if (ticks === 5) await db.query(`update runs set state = 'ended', outcome = 'cancelled' where id = $1`, [id])
          await new Promise((resolve) => setImmediate(resolve))
        },
      },
      present: async (one) => (await server.parts.actions.getRun(one)).line,
    })
    const ends = await Promise.all(
      Array.from({ length: 20 }, async () => {
        let last
        for await (const event of feeds.watch(id, { after: 0, signal: new AbortController().signal })) last = event
        return last?.type
      }),
    )

    expect(ends).toEqual(Array.from({ length: 20 }, () => 'ended'))
    expect(queries).toBeLessThanOrEqual(2 * (ticks + 1))
  })

  it('a held plan says why in words, is approved by a job, and is taken back', async () => {
    const leavers = [...world.tenant.live('user')].filter((u) => u.properties['accountEnabled'] !== false).slice(0, 12)
    for (const { id } of leavers) update(world.tenant, id, { accountEnabled: false })
    const held = await world.sync()
    const shown = (await viewer('GET', `/api/v1/runs/${held.run}`)).json()
    expect(shown).toMatchObject({ canApprove: true, canRevert: false })
    expect(shown.heldInWords[0]).toMatch(/^Users deactivated or deleted: \d+; a day may have \d+ without approval\.$/)
    const body = { hash: held.planHash, reason: 'they left' }
    expect((await viewer('POST', `/api/v1/runs/${held.run}/approve`, body)).statusCode).toBe(403)
    const job: Job = (await operator('POST', `/api/v1/runs/${held.run}/approve`, body)).json()
    await carryOut(job.id)
    const done: Job = (await viewer('GET', `/api/v1/jobs/${job.id}`)).json()
    expect(done.state).toBe('ended')
    expect((await viewer('GET', `/api/v1/runs/${held.run}`)).json()).toMatchObject({
      canApprove: false,
      canRevert: true,
      line: { decision: 'approved', decidedBy: 'operator' },
    })

    // The plan of the approval is the one that was looked at.
    expect((await viewer('GET', `/api/v1/runs/${done.run}`)).json().line).toMatchObject({
      approves: held.run,
      planHash: held.planHash,
    })
    const looked = await everyItem(held.run)
    expect(looked.length).toBeGreaterThan(11)
    expect(await everyItem(done.run!)).toEqual(looked)
    const counts = (run: string) => viewer('GET', `/api/v1/runs/${run}/item-counts`)
    expect((await counts(done.run!)).json()).toEqual((await counts(held.run)).json())
    const [one] = looked
    const file = `/api/v1/runs/${done.run}/items/export?format=ndjson&object=user&search=${encodeURIComponent(one!.name!)}`
    expect(
      (await viewer('GET', file)).payload
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual(looked.filter((item) => item.object === 'user' && item.name === one!.name))

    const runs = async () => (await viewer('GET', '/api/v1/runs?limit=500')).json<{ items: unknown[] }>().items
    const before = await runs()
    const dry = await operator('POST', `/api/v1/runs/${done.run}/revert`, { reason: 'they stay', dryRun: true })
    expect(dry.json()).toMatchObject({ run: '', outcome: 'planned', users: { reactivated: 12 }, itemsTotal: 12 })
    expect(dry.json<{ items: unknown[] }>().items).toHaveLength(12)
    expect(await runs()).toEqual(before)
    const reverted = await operator('POST', `/api/v1/runs/${done.run}/revert`, { reason: 'they stay', confirmed: true })
    expect(reverted.statusCode).toBe(200)
    expect(reverted.json()).toMatchObject({ outcome: 'applied', users: { reactivated: 12 } })
  })

  it('what waits is taken back by its job, and that by who may', async () => {
    const job: Job = (await start({ kind: 'plan' })).json()
    expect((await viewer('DELETE', `/api/v1/jobs/${job.id}`)).statusCode).toBe(403)
    expect((await operator('DELETE', `/api/v1/jobs/${job.id}`)).statusCode).toBe(204)
    expect((await viewer('GET', `/api/v1/jobs/${job.id}`)).json()).toMatchObject({
      state: 'refused',
      problem: { code: 'cancelled' },
    })
    expect((await operator('DELETE', `/api/v1/jobs/${job.id}`)).json()).toMatchObject({ code: 'job-over' })
  })

  it('runs are listed by pages, the newest first, by outcome and source', async () => {
    const one = (await viewer('GET', '/api/v1/runs?limit=2')).json()
    const two = (await viewer('GET', `/api/v1/runs?limit=2&cursor=${one.next}`)).json()
    const ids = [...one.items, ...two.items].map((line) => Number(line.run))

    expect(ids).toEqual([...ids].sort((a, b) => b - a))
    expect(new Set(ids).size).toBe(4)
    const waiting = (await viewer('GET', '/api/v1/runs?outcome=held')).json().items
    expect(waiting.map((line: { outcome: string }) => line.outcome)).toEqual(['held'])
    expect((await viewer('GET', '/api/v1/runs?source=nobody')).statusCode).toBe(404)
  })

  it('what an approval left out is still in the plan, and what comes after it too', async () => {
    const choirs = await aSyncWorld(database.db, { users: 30, groups: 1, memberships: 5, seed: 2 })
    const users = [...choirs.tenant.live('user')].filter((u) => u.properties['accountEnabled'] !== false).slice(0, 22)
    const groups = ['Choir', 'Orchestra', 'Quartet'].map((displayName) => createGroup(choirs.tenant, { displayName }))
    const members = [users, users, users.slice(0, 2)]
    for (const [i, { id }] of groups.entries()) addMembers(choirs.tenant, id, members[i]!)
    await choirs.sync()
    for (const [i, { id }] of groups.entries()) for (const user of members[i]!) removeMember(choirs.tenant, id, user.id)
    await choirs.configure({ safeguard: { memberships: { percent: 0, count: 0 } } })
    const held = await choirs.sync()
    const before = await everyItem(held.run, '&action=remove')
    const body = { hash: held.planHash, reason: 'not yet', without: 'removals' }
    const byToken = await server.withToken('runs')
    const job: Job = (await byToken('POST', `/api/v1/runs/${held.run}/approve`, body)).json()
    await carryOut(job.id)

    const { state, run } = (await viewer('GET', `/api/v1/jobs/${job.id}`)).json<Job>()
    expect(state).toBe('ended')
    expect((await viewer('GET', `/api/v1/runs/${run}`)).json().line).toMatchObject({ kind: 'approve', trigger: 'api' })
    const after = await everyItem(held.run, '&action=remove')
    expect((await countsOf(held.run))['membership remove']).toBe(46)
    expect(before.length).toBe(46)
    expect(after).toEqual(before.map((item) => ({ ...item, leftOut: true })))
    const still = await database.db.query<{ count: number }>(
      `select count(*)::int as count from memberships m join groups g on g.id = m.group_id where g.name = any($1)`,
      [['Choir', 'Orchestra', 'Quartet']],
    )
    expect(still.rows[0]!.count).toBe(46)
    // As while an old plan is being removed: many memberships are one item, and its rows go first.
    await database.db.query('delete from plan_memberships where run_id = $1', [held.run])
    expect(await everyItem(held.run, '&action=remove', 1)).toHaveLength(2)
    await choirs.stop()
  })

  it('a plan is counted as it is listed and as its run tells it, also where one item stands for many memberships', async () => {
    const chess = await aSyncWorld(database.db, { users: 40, groups: 2, memberships: 20, seed: 3 })
    const players = [...chess.tenant.live('user')].filter((u) => u.properties['accountEnabled'] !== false).slice(0, 30)
    const club = createGroup(chess.tenant, { displayName: 'Chess' })
    addMembers(chess.tenant, club.id, players)
    const { run, users, groups, memberships } = await chess.sync()
    for (const { id } of players.slice(0, 25)) removeMember(chess.tenant, club.id, id)
    const ended = await chess.sync()

    expect(memberships.added).toBeGreaterThan(30)
    expect(await countsOf(run)).toMatchObject({
      'user create': users.created,
      'group create': groups.created,
      'membership add': memberships.added,
    })
    expect(ended).toMatchObject({ outcome: 'applied', memberships: { removed: 25 } })
    expect(await countsOf(ended.run)).toMatchObject({ 'membership remove': 25 })

    const reverted = await operator('POST', `/api/v1/runs/${ended.run}/revert`, {
      reason: 'they play',
      confirmed: true,
    })
    const document = reverted.json<{ run: string; memberships: { added: number } }>()
    expect(document.memberships).toEqual({ added: 25, removed: 0 })
    expect(await countsOf(document.run)).toEqual({ 'membership add': 25 })
    await chess.stop()
  })

  it('what there is not is not found', async () => {
    for (const path of ['runs/999999', 'runs/999999/items', 'runs/999999/log', `jobs/${crypto.randomUUID()}`])
      expect((await viewer('GET', `/api/v1/${path}`)).statusCode).toBe(404)
    expect((await operator('POST', '/api/v1/runs/999999/cancel')).statusCode).toBe(404)
    expect((await operator('POST', `/api/v1/runs/${first}/cancel`)).statusCode).toBe(409)
  })
})

// Schedules with a clock of the test's own: once whoever looks, once after downtime, in the source's time zone.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { aSyncWorld, type SyncWorld } from '../../test/support/world.ts'
import { CancelledError } from '../base/errors.ts'
import { hire } from '../emulator/operations.ts'
import { listHealth } from '../registry/health.ts'
import { takeJob } from '../registry/jobs.ts'
import { lastDue } from '../registry/schedules.ts'
import { takeTurn } from '../registry/turns.ts'
import { fireDue } from './scheduling.ts'

let database: TestDatabase
let world: SyncWorld
let sent: string[]

beforeAll(async () => {
  database = await createTestDatabase()
})
beforeEach(async () => {
  world = await aSyncWorld(database.db)
  await database.db.query(
    `insert into source_health (source_id, run_id, state, since, failures, refusals, last_success_at)
     select id, null, 'healthy', '2026-11-01', 0, 0, '2026-11-01' from sources`,
  )
  await database.db.query(`update sources set begun_at = '2026-11-01'`)
  sent = []
})
afterEach(async () => {
  await world.stop()
  await database.db.query('delete from sources')
  await database.db.query('delete from jobs')
})
afterAll(() => database.drop())

const queue = { send: (_tx: unknown, id: string) => Promise.resolve(void sent.push(id)), wake: () => {} }
const fire = (at: string) => fireDue({ engine: world.engine, queue }, new Date(at))
const schedule = (delta: string | null, full: string | null, timezone = 'UTC') =>
  database.db.query(
    `update sources set settings = settings || jsonb_build_object('schedule', $2::jsonb, 'timezone', $3::text) where name = $1`,
    [world.source, JSON.stringify({ delta, full }), timezone],
  )
/** Nobody has had it synchronized yet. */
const unbegun = async () => {
  await database.db.query('delete from source_health')
  await database.db.query('update sources set begun_at = null')
}
/** The run is over: the next one is a job of its own. */
const finish = () => database.db.query(`update jobs set state = 'ended', ended_at = now()`)
const jobs = async () =>
  (await database.db.query('select is_full, trigger, slot from jobs order by asked_at')).rows.map((row) => [
    row['is_full'] ? 'full' : 'delta',
    row['slot'].toISOString(),
  ])

describe('schedules', () => {
  it('begin after the first run that somebody asks for, and not with a preview', async () => {
    await unbegun()
    await schedule('*/15 * * * *', null)
    await fire('2026-11-23T10:07:00Z')
    expect(await fire('2026-11-23T10:15:00Z')).toEqual([])
    await world.sync({ kind: 'plan' })
    expect(await fire('2026-11-23T10:30:00Z')).toEqual([])
    await world.sync()
    expect(await fire('2026-11-23T10:44:00Z')).toEqual([])

    expect(await fire('2026-11-23T10:45:00Z')).toHaveLength(1)
  })

  it('begin after a first run that failed, when its time to try again has come', async () => {
    await unbegun()
    await schedule('*/15 * * * *', null)
    world.emulator.setEnabled(world.hosted.app, false)
    expect((await world.sync()).outcome).toBe('failed')
    const { health, hasBegun } = (await listHealth(database.db))[0]!
    expect(hasBegun).toBe(true)
    const at = (minutes: number) => new Date(health!.nextTryAt!.getTime() + minutes * 60_000).toISOString()
    await fire(at(-14))

    expect(await fire(at(-1))).toEqual([])
    expect(await fire(at(15))).toHaveLength(1)
  })

  it('begin after a first run that was held: what waits to be approved is kept up to date', async () => {
    await unbegun()
    await schedule('*/15 * * * *', null)
    hire(world.tenant, { userPrincipalName: 'ann@contoso.com' })
    await database.db.query(
      `with made as (insert into users (user_name) values ('ann@contoso.com') returning id)
       insert into user_names (user_id, kind, value, key, origin, held) select id, 'n', 'ann@contoso.com', 'ann@contoso.com', 'o', true from made`,
    )
    expect((await world.sync()).outcome).toBe('held')
    await fire('2026-11-23T10:07:00Z')

    expect(await fire('2026-11-23T10:15:00Z')).toHaveLength(1)
  })

  it('do not begin with a run that was cancelled, of one user, or a preview, and nobody says that they try again', async () => {
    await unbegun()
    await schedule('*/15 * * * *', null)
    const stop = new AbortController()
    await world.sync({ signal: stop.signal, onProgress: () => stop.abort(new CancelledError()) })
    await world.sync({ user: hire(world.tenant, { userPrincipalName: 'ann@contoso.com' }).id })
    world.emulator.setEnabled(world.hosted.app, false)
    await world.sync({ kind: 'plan' })
    await fire('2026-11-23T10:07:00Z')

    expect(await fire('2026-11-23T10:15:00Z')).toEqual([])
    expect(await listHealth(database.db)).toMatchObject([
      { hasBegun: false, health: { state: 'degraded', nextTryAt: null } },
    ])
  })

  it('are not said to try again where there is none', async () => {
    await schedule(null, null)
    world.emulator.setEnabled(world.hosted.app, false)
    await world.sync()
    const nextTry = async () => (await listHealth(database.db))[0]!.health!.nextTryAt
    expect(await nextTry()).toBeNull()
    await schedule(null, '0 3 * * *')
    await world.sync()

    expect(await nextTry()).not.toBeNull()
  })

  it('count from when they are first seen, and fire each slot once', async () => {
    await schedule('*/15 * * * *', null)
    expect(await fire('2026-11-23T10:07:00Z')).toEqual([])
    expect(await fire('2026-11-23T10:14:59Z')).toEqual([])
    const [id] = await fire('2026-11-23T10:15:00Z')
    await finish()
    await fire('2026-11-23T10:15:10Z')
    await fire('2026-11-23T10:29:59Z')

    expect(sent).toEqual([id])
    expect(await takeJob(database.db, id!)).toEqual({ kind: 'over' })
    expect(await jobs()).toEqual([['delta', '2026-11-23T10:15:00.000Z']])
  })

  it('E7: fire once when several servers look at once', async () => {
    await schedule('*/15 * * * *', null)
    await fire('2026-11-23T10:07:00Z')
    await Promise.all(Array.from({ length: 5 }, () => fire('2026-11-23T10:15:01Z')))

    expect(sent).toHaveLength(1)
  })

  it('catch up once after downtime', async () => {
    await schedule('*/15 * * * *', '0 3 * * *')
    await fire('2026-11-20T10:00:00Z')
    await fire('2026-11-23T10:07:00Z')
    await finish()
    await fire('2026-11-23T10:07:10Z')

    expect(await jobs()).toEqual([['full', '2026-11-23T03:00:00.000Z']])
  })

  it('option schedule: effect: each fires when it is due, and a full run due together with a delta takes its place', async () => {
    await schedule('*/15 * * * *', '0 3 * * *')
    await fire('2026-11-23T02:50:00Z')
    await fire('2026-11-23T03:00:00Z')
    await finish()
    await fire('2026-11-23T03:01:00Z')
    await fire('2026-11-23T03:15:00Z')

    expect(await jobs()).toEqual([
      ['full', '2026-11-23T03:00:00.000Z'],
      ['delta', '2026-11-23T03:15:00.000Z'],
    ])
  })

  it('what waits already is not asked for twice, and becomes full when that comes due', async () => {
    await schedule('*/15 * * * *', '5 3 * * *')
    await fire('2026-11-23T02:50:00Z')
    await fire('2026-11-23T03:00:00Z')
    await fire('2026-11-23T03:05:00Z')

    expect(new Set(sent).size).toBe(1)
    expect(await jobs()).toEqual([['full', '2026-11-23T03:05:00.000Z']])
  })

  it('a changed schedule counts from the change', async () => {
    await schedule(null, '0 3 * * *')
    await fire('2026-11-23T04:00:00Z')
    await schedule(null, '0 9 * * *')
    await fire('2026-11-23T10:00:00Z')
    await fire('2026-11-23T12:00:00Z')
    expect(sent).toEqual([])
    await fire('2026-11-24T09:00:00Z')

    expect(await jobs()).toEqual([['full', '2026-11-24T09:00:00.000Z']])
  })

  it('a disabled source fires nothing, and nothing of that time when it is enabled again', async () => {
    await schedule('*/15 * * * *', null)
    await fire('2026-11-23T10:00:00Z')
    await database.db.query('update sources set enabled = false')
    await fire('2026-11-23T10:20:00Z')
    await database.db.query('update sources set enabled = true')
    await fire('2026-11-23T10:40:00Z')
    expect(sent).toEqual([])
    await fire('2026-11-23T10:45:00Z')

    expect(sent).toHaveLength(1)
  })

  it('a source that keeps failing waits for its next try, and is run once then', async () => {
    await schedule('*/15 * * * *', null)
    await fire('2026-11-23T10:00:00Z')
    await database.db.query(
      `update source_health set state = 'degraded', failures = 2, failing_since = now(), code = 'timeout', reason = 'x', remedy = 'y',
         next_try_at = '2026-11-23T11:07:00Z'`,
    )
    await fire('2026-11-23T10:30:00Z')
    await fire('2026-11-23T11:06:59Z')
    expect(sent).toEqual([])
    await fire('2026-11-23T11:07:00Z')

    expect(await jobs()).toEqual([['delta', '2026-11-23T11:00:00.000Z']])
  })

  it('E7: a clock that jumps a day ahead and back again does not silence them', async () => {
    await schedule('*/15 * * * *', null)
    await fire('2026-11-23T10:00:00Z')
    await fire('2026-11-24T10:00:00Z')
    await finish()
    await fire('2026-11-23T10:01:00Z')
    await fire('2026-11-23T10:15:00Z')

    expect(await jobs()).toEqual([
      ['delta', '2026-11-24T10:00:00.000Z'],
      ['delta', '2026-11-23T10:15:00.000Z'],
    ])
  })
})

describe('E7: days on which the clock is changed', () => {
  const prague = (expression: string, now: string) =>
    lastDue(expression, { timezone: 'Europe/Prague', now: new Date(now) })?.toISOString()

  it('a time that is skipped in spring comes at the change', () => {
    expect(prague('30 2 * * *', '2026-03-29T00:59:59Z')).toBe('2026-03-28T01:30:00.000Z')
    expect(prague('30 2 * * *', '2026-03-29T01:00:00Z')).toBe('2026-03-29T01:00:00.000Z')
  })

  it('a time that comes twice in autumn fires once', () => {
    expect(prague('30 2 * * *', '2026-10-25T00:30:00Z')).toBe('2026-10-25T00:30:00.000Z')
    expect(prague('30 2 * * *', '2026-10-25T01:45:00Z')).toBe('2026-10-25T00:30:00.000Z')
  })

  it('every so many minutes goes on evenly through both', () => {
    const times = (day: string) => {
      const seen = new Set<string | undefined>()
      const start = new Date(`${day}T00:00:00Z`).getTime()
      for (let minute = 0; minute < 240; minute += 1)
        seen.add(prague('*/30 * * * *', new Date(start + minute * 60_000).toISOString()))
      return seen.size
    }

    expect([times('2026-03-29'), times('2026-10-25'), times('2026-06-01')]).toEqual([8, 8, 8])
  })

  it('option timezone: effect: schedules fire once in the zone of the source', async () => {
    await schedule(null, '30 2 * * *', 'Europe/Prague')
    await fire('2026-10-24T12:00:00Z')
    for (let minute = 0; minute < 180; minute += 10) {
      await fire(new Date(Date.UTC(2026, 9, 25, 0, minute)).toISOString())
      await finish()
    }

    expect(await jobs()).toEqual([['full', '2026-10-25T00:30:00.000Z']])
  })
})

describe('work that one server does for all', () => {
  it('is had by one of them, and again when its time has passed', async () => {
    const work = { name: 'test', everyMs: 60_000 }
    const turns = await Promise.all(Array.from({ length: 4 }, () => takeTurn(database.db, work)))
    expect(turns.filter(Boolean)).toHaveLength(1)
    await database.db.query(`update upkeep set begun_at = begun_at - interval '61 s'`)

    expect(await takeTurn(database.db, work)).toBe(true)
    await database.db.query(`update upkeep set begun_at = begun_at + interval '1 day'`)
    expect(await takeTurn(database.db, work)).toBe(true)
  })

  it('is not had twice by one that read the clock, waited, and finds a turn a moment ahead of it', async () => {
    const work = { name: 'another test', everyMs: 60_000 }
    await database.db.query(
      `insert into upkeep (name, begun_at) values ('another test', clock_timestamp() + interval '5 s')`,
    )

    expect(await takeTurn(database.db, work)).toBe(false)
  })
})

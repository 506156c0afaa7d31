// Overview, issues, exports and settings over a real database and an emulated tenant.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../test/support/database.ts'
import { type Ask, aServer, type TestServer } from '../../../test/support/server.ts'
import { aSyncWorld, type SyncWorld } from '../../../test/support/world.ts'
import { CancelledError } from '../../base/errors.ts'
import { systemClock } from '../../base/clock.ts'
import { silentLog } from '../../base/log.ts'
import { loadConfig, showSettings } from '../../config.ts'
import { update } from '../../emulator/operations.ts'
import { Queue } from '../../jobs/queue.ts'
import { notePeopleToday } from '../../registry/overview.ts'

let database: TestDatabase
let world: SyncWorld
let queue: Queue
let server: TestServer
let viewer: Ask
let operator: Ask
let administrator: Ask

beforeAll(async () => {
  database = await createTestDatabase()
  world = await aSyncWorld(database.db, { users: 12, groups: 2, memberships: 20 })
  queue = new Queue(database.db, { log: silentLog, clock: systemClock })
  await queue.start()
  server = await aServer(world.engine, { queue })
  viewer = await server.as('viewer')
  operator = await server.as('operator')
  administrator = await server.as('administrator')
})
afterAll(async () => {
  await server.stop()
  await queue.stop({ reason: new CancelledError(), withinMs: 1_000 })
  await world.stop()
  await database.drop()
})

const overview = async () => (await viewer('GET', '/api/v1/overview')).json()

describe('the overview', () => {
  it('is there before anything was read', async () => {
    expect(await overview()).toMatchObject({
      concerns: [{ level: 'warning', code: 'never-run' }],
      users: { active: 0, deactivated: 0, local: 0 },
      lastChanges: [],
      waiting: [],
      people: [],
      sources: [{ name: world.source, people: 0 }],
    })
  })

  it('tells people, the last change and people by day after a run', async () => {
    const { run } = await world.sync()
    await notePeopleToday(database.db, world.engine.clock.now())
    // Where counting was slow, whoever asks first is shown the figures of before.
    await expect.poll(async () => (await overview()).users.active, { timeout: 30_000 }).toBeGreaterThan(0)
    const told = await overview()

    expect(told.lastChanges).toMatchObject([{ run, outcome: 'applied' }])
    expect(told.people).toEqual([
      { day: world.engine.clock.now().toISOString().slice(0, 10), active: told.users.active },
    ])
  })

  it('the figure of a day is the last one of that day, and days are kept for 90 days', async () => {
    const now = world.engine.clock.now()
    await database.db.query(`insert into people_days (day, active) values ($1::date - 89, 7), ($1::date - 90, 8)`, [
      now,
    ])
    await database.db.query(`update people_days set active = 1 where day = $1::date`, [now])
    await notePeopleToday(database.db, now)
    const { people, users } = await overview()

    expect(people.map(({ active }: { active: number }) => active)).toEqual([7, users.active])
  })

  it('O10: an alert that nobody took is a concern', async () => {
    await database.db.query(
      `with a as (insert into alerts (key, facts, raised_at) values ('x', '{}', now()) returning id)
       insert into alert_deliveries (alert_id, sink, state, tries, next_try_at, problem)
       select id, 'webhook', 'waiting', 3, now() + interval '1 hour', 'the receiver answered 500' from a`,
    )
    const told = await overview()
    const { concerns } = (await administrator('GET', '/api/v1/overview')).json()
    await database.db.query('delete from alerts')

    // Where nobody but administrators can go nobody else is led.
    expect(told.concerns).toMatchObject([{ level: 'warning', code: 'alerts-undelivered', at: null }])
    expect(concerns).toMatchObject([{ code: 'alerts-undelivered', at: '/settings/installation' }])
  })

  it('tells administrators alone of terminals, tokens and accounts', async () => {
    const { rows } = await database.db.query<{ id: number }>(
      `insert into administrators (name, name_key, role, password, created_at) values ('Ann', 'ann', 'administrator', 'none', now()) returning id`,
    )
    const facts = [
      { kind: 'guessing', terminal: 'Door', tried: 'card', misses: 40 },
      { kind: 'codes', account: rows[0]!.id, wrong: 10 },
    ]
    await database.db.query(
      `insert into alerts (key, facts, raised_at) select n, fact::jsonb, now() from unnest($1::text[]) with ordinality as f (fact, n)`,
      [facts.map((fact) => JSON.stringify(fact))],
    )
    const { id } = (
      await administrator('POST', '/api/v1/terminals', {
        name: 'Desk',
        may: ['card'],
        tells: [],
        unknownCard: 'refuse',
        cardTransform: null,
        days: 20,
      })
    ).json()
    const codesFor = async (ask: Ask) =>
      (await ask('GET', '/api/v1/overview')).json().concerns.map(({ code }: { code: string }) => code)

    const codes = ['second-factor-guessed', 'terminal-guessed', 'terminal-expiring']
    expect(await codesFor(administrator)).toEqual(codes)
    expect(await codesFor(await server.withToken('read', 'administer'))).toEqual(codes)
    for (const ask of [viewer, operator, await server.withToken('read')]) expect(await codesFor(ask)).toEqual([])
    await database.db.query('delete from alerts')
    await administrator('DELETE', `/api/v1/terminals/${id}`)
  })
})

describe('issues', () => {
  it('come by pages, each with its remedy, and with how many there are', async () => {
    await world.configure({ users: { properties: { userName: 'employeeId' } } })
    const [first, second] = [...world.tenant.live('user')].filter((u) => u.properties['accountEnabled'] !== false)
    for (const { id } of [first!, second!]) update(world.tenant, id, { employeeId: null })
    await world.sync()
    const page = (await viewer('GET', '/api/v1/issues?limit=1')).json()
    const rest = (await viewer('GET', `/api/v1/issues?limit=50&cursor=${page.next}`)).json()

    expect(page.items).toMatchObject([{ code: 'user-name-empty' }])
    expect(page.items[0].remedy).toContain('attribute')
    expect(page.total).toBeGreaterThan(1)
    expect(rest).toMatchObject({ total: null, next: null })
    expect(new Set([...page.items, ...rest.items].map(({ id }) => id)).size).toBe(page.total)
  })

  it('a cursor that this list has not given is refused', async () => {
    const answer = await viewer('GET', '/api/v1/issues?cursor=nonsense')

    expect(answer.statusCode).toBe(400)
    expect(answer.json()).toMatchObject({ problems: [{ at: 'cursor' }] })
  })
})

describe('exports', () => {
  it('are files, and the audit keeps who exported', async () => {
    const answer = await operator('GET', '/api/v1/exports/users?format=csv')
    const { rows } = await database.db.query<{ actor_name: string; subject: string }>(
      `select actor_name, subject from audit where action = 'registry.export'`,
    )

    expect(answer.headers['content-type']).toContain('text/csv')
    expect(answer.headers['content-disposition']).toContain('muster-users.csv')
    expect(answer.body.split('\n')[0]).toContain('userName')
    expect(rows).toEqual([{ actor_name: 'operator', subject: 'users' }])
  })
})

describe('settings', () => {
  it('are shown with their values, secrets as set or not set only', async () => {
    const config = loadConfig({
      MUSTER_DATABASE_URL: 'postgresql://u:hunter2@db.example/muster',
      MUSTER_LISTEN: '0.0.0.0:9000',
      MUSTER_HISTORY_DAYS: '30',
    })
    const shown = showSettings(config)

    expect(shown).toContainEqual(
      expect.objectContaining({ env: 'MUSTER_DATABASE_URL', value: 'set', isDefault: false }),
    )
    expect(shown).toContainEqual(expect.objectContaining({ env: 'MUSTER_LISTEN', value: '0.0.0.0:9000' }))
    expect(shown).toContainEqual(expect.objectContaining({ env: 'MUSTER_HISTORY_DAYS', value: '30', isDefault: false }))
    expect(shown).toContainEqual(expect.objectContaining({ env: 'MUSTER_SMTP_URL', value: 'not set', isDefault: true }))
    expect(JSON.stringify(shown)).not.toContain('hunter2')
  })

  it('are answered to administrators', async () => {
    expect((await administrator('GET', '/api/v1/settings')).json()).toMatchObject({
      database: 'embedded',
      keyVersion: 0,
    })
    expect((await operator('GET', '/api/v1/settings')).statusCode).toBe(403)
  })
})

describe('one user now', () => {
  it('is asked of the source that owns him', async () => {
    const { rows } = await database.db.query<{ id: number }>('select id from users where source_id is not null limit 1')
    const answer = await operator('POST', `/api/v1/users/${rows[0]!.id}/sync`)

    expect(answer.statusCode).toBe(202)
    expect(answer.json()).toMatchObject({ source: world.source, kind: 'sync', state: 'queued' })
  })

  it('a user of no source is refused', async () => {
    const made = await operator('POST', '/api/v1/users', { userName: 'local@example' })
    const answer = await operator('POST', `/api/v1/users/${made.json().id}/sync`)

    expect(answer.statusCode).toBe(409)
    expect(answer.json().code).toBe('not-synchronized')
  })
})

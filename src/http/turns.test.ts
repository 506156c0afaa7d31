import { setImmediate, setTimeout } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { createTestDatabase } from '../../test/support/database.ts'
import { type Ask, aServer, sessionHeaders, sessionOf, type TestServer } from '../../test/support/server.ts'
import { aSyncWorld } from '../../test/support/world.ts'
import { systemClock } from '../base/clock.ts'
import { withTransaction } from '../database/transaction.ts'
import { holdRegistry } from '../registry/edit.ts'
import { LONGEST_WAIT_MS, TURNS_OF_ONE } from './request-turns.ts'

it('others are answered while somebody asks for very much at once that has to wait', async () => {
  // As many as a server has.
  const test = await createTestDatabase({ max: 10 })
  const world = await aSyncWorld(test.db)
  await test.db.query('update setup set done_at = now()')
  const http = await aServer(world.engine)
  const [many, other] = [await http.as('operator'), await http.as('administrator')]
  const names = Array.from({ length: 30 }, (_, nth) => `group ${nth}`)
  const waiting = `select from pg_locks where not granted and database = (select oid from pg_database where datname = current_database())`
  let answered = 0
  const { asking, seen } = await withTransaction(test.db, async (tx) => {
    await holdRegistry(tx, 'alone')
    const asked = names.map((name) => many('POST', '/api/v1/groups', { name }))
    for (const one of asked) void one.then(() => (answered += 1))
    while (((await tx.query(waiting)).rowCount ?? 0) < TURNS_OF_ONE.atOnce) await setTimeout(5)
    return { asking: Promise.all(asked), seen: [(await other('GET', '/api/v1/users')).statusCode, answered] }
  })
  const statuses = (await asking).map(({ statusCode }) => statusCode)
  await http.stop()
  await world.stop()
  await test.drop()

  expect(seen).toEqual([200, 0])
  expect(statuses).toEqual(names.map(() => 201))
})

it('others are answered while one terminal asks for very much at once that waits for its own row', async () => {
  const test = await createTestDatabase({ max: 10 })
  const world = await aSyncWorld(test.db)
  await test.db.query('update setup set done_at = now()')
  const http = await aServer(world.engine)
  const [many, other, page] = [await http.asTerminal(), await http.asTerminal(), await http.as('viewer')]
  const show = (ask: Ask, body: object) => ask('POST', '/api/v1/terminal/authenticate', body)
  const waiting = 'select from pg_locks where not granted and pg_backend_pid() = any(pg_blocking_pids(pid))'
  const { rows } = await test.db.query<{ id: number }>('select min(id) as id from terminals')
  let answered = 0
  const { asking, seen } = await withTransaction(test.db, async (tx) => {
    await tx.query('select from terminals where id = $1 for update', [rows[0]!.id])
    const asked = Array.from({ length: 120 }, (_, nth) =>
      nth % 2 === 0
        ? show(many, { by: 'pin', pin: `${nth}` })
        : show(many, { by: 'card', card: `nobody's card ${nth}` }),
    )
    for (const one of asked) void one.then(() => (answered += 1))
    while (((await tx.query(waiting)).rowCount ?? 0) === 0) await setTimeout(5)
    const others = [
      (await show(other, { by: 'card', card: 'another card' })).statusCode,
      (await show(other, { by: 'pin', pin: '424242' })).statusCode,
      (await page('GET', '/api/v1/users')).statusCode,
    ]
    return { asking: Promise.all(asked), seen: [...others, answered] }
  })
  const statuses = new Set((await asking).map(({ statusCode }) => statusCode))
  await http.stop()
  await world.stop()
  await test.drop()

  expect(seen).toEqual([200, 200, 200, 0])
  expect(statuses).toEqual(new Set([200, 429]))
})

/** Asks, and waits until each request has come to where it takes its turn. */
async function begun(http: TestServer, ask: () => readonly ReturnType<Ask>[]): Promise<readonly ReturnType<Ask>[]> {
  const before = arrived.get(http) ?? 0
  const asked = ask()
  while ((arrived.get(http) ?? 0) < before + asked.length) await setTimeout(5)
  await setImmediate()
  return asked
}

/** Requests of each server that are parsed and come to their route now. */
const arrived = new Map<TestServer, number>()

function countArrived(http: TestServer): void {
  http.server.addHook('preHandler', async () => void arrived.set(http, (arrived.get(http) ?? 0) + 1))
}

const six = (ask: Ask, name: string) => () =>
  Array.from({ length: TURNS_OF_ONE.atOnce }, (_, nth) => ask('POST', '/api/v1/groups', { name: `${name} ${nth}` }))

it('who had to wait for his turn may no more than he may when it comes', async () => {
  const test = await createTestDatabase({ max: 16 })
  let later = 0
  const clock = { ...systemClock, now: () => new Date(systemClock.now().getTime() + later) }
  const world = await aSyncWorld(test.db, { clock })
  await test.db.query('update setup set done_at = now()')
  const http = await aServer(world.engine)
  countArrived(http)
  const [token, session] = [await http.withToken('people'), await http.as('administrator')]
  const terminal = { name: 'door', may: ['card'], tells: [], unknownCard: 'refuse', cardTransform: null, days: null }
  const waited = await withTransaction(test.db, async (tx) => {
    await holdRegistry(tx, 'alone')
    const running = [...(await begun(http, six(token, 'token'))), ...(await begun(http, six(session, 'session')))]
    const parked = await begun(http, () => [
      token('POST', '/api/v1/groups', { name: 'too late' }),
      session('POST', '/api/v1/terminals', terminal),
    ])
    await test.db.query('update api_tokens set revoked_at = now()')
    later = 11 * 60_000
    return { running, parked }
  })
  const running = (await Promise.all(waited.running)).map(({ statusCode }) => statusCode)
  const parked = (await Promise.all(waited.parked)).map((answer) => [answer.statusCode, answer.json().code])
  const made = await test.db.query(`select from groups where name = 'too late' union all select from terminals`)
  await http.stop()
  const audited = await test.db.query(`select from audit where action like '%.refused'`)
  await world.stop()
  await test.drop()

  expect(running).toEqual(Array.from({ length: 12 }, () => 201))
  expect(parked).toEqual([
    [401, 'token-invalid'],
    [403, 'proof-needed'],
  ])
  expect(made.rowCount).toBe(0)
  expect(audited.rowCount).toBe(1)
})

it('one session that asks for very much keeps nobody from ending it, nor another one of the account from being answered', async () => {
  const test = await createTestDatabase({ max: 12 })
  const world = await aSyncWorld(test.db)
  await test.db.query('update setup set done_at = now()')
  const http = await aServer(world.engine)
  countArrived(http)
  const stolen = await http.as('operator')
  const own = sessionHeaders(await sessionOf(world.engine, 'operator'))
  const owner: Ask = (method, url) => http.server.inject({ method, url, headers: own })
  const { running, ended, seen, again } = await withTransaction(test.db, async (tx) => {
    await holdRegistry(tx, 'alone')
    const first = await begun(http, six(stolen, 'stolen'))
    const parked = await begun(http, six(stolen, 'parked'))
    const listed = await owner('GET', '/api/v1/sessions')
    const { id }: { id: string } = listed.json().items.find((one: { isThis: boolean }) => !one.isThis)
    return {
      running: [first, parked],
      seen: (await owner('GET', '/api/v1/users')).statusCode,
      ended: (await owner('DELETE', `/api/v1/sessions/${id}`)).statusCode,
      again: (await stolen('DELETE', '/api/v1/session')).statusCode,
    }
  })
  const [first, parked] = await Promise.all(
    running.map(async (asked) => (await Promise.all(asked)).map(({ statusCode }) => statusCode)),
  )
  await http.stop()
  await world.stop()
  await test.drop()

  expect([seen, ended, again]).toEqual([200, 204, 401])
  expect(first).toEqual(first!.map(() => 201))
  expect(parked).toEqual(parked!.map(() => 401))
})

it('who waits for his turn for very long is told to ask again', async () => {
  const test = await createTestDatabase({ max: 10 })
  const over = Promise.withResolvers<void>()
  const sleep: typeof systemClock.sleep = (ms, signal) =>
    ms === LONGEST_WAIT_MS ? over.promise : systemClock.sleep(ms, signal)
  const world = await aSyncWorld(test.db, { clock: { ...systemClock, sleep } })
  await test.db.query('update setup set done_at = now()')
  const http = await aServer(world.engine)
  countArrived(http)
  const ask = await http.as('operator')
  const { running, refused } = await withTransaction(test.db, async (tx) => {
    await holdRegistry(tx, 'alone')
    const first = await begun(http, six(ask, 'first'))
    const [parked] = await begun(http, () => [ask('POST', '/api/v1/groups', { name: 'given up' })])
    over.resolve()
    return { running: first, refused: await parked! }
  })
  const statuses = (await Promise.all(running)).map(({ statusCode }) => statusCode)
  await http.stop()
  await world.stop()
  await test.drop()

  expect([refused.statusCode, refused.json().code]).toEqual([429, 'too-many-requests'])
  expect(statuses).toEqual(statuses.map(() => 201))
})

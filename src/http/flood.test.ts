import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { aServer, type TestServer } from '../../test/support/server.ts'
import { aSyncWorld, type SyncWorld } from '../../test/support/world.ts'
import {
  ADDRESS_LIMIT,
  CALLBACK_LIMIT,
  CALLBACK_SITE_LIMIT,
  Flood,
  IDENTITY_LIMIT,
  MADE_UP_CALLBACK_LIMIT,
  MADE_UP_CALLBACK_SITE_LIMIT,
  TERMINAL_LIMIT,
  UNKNOWN_TERMINALS_LIMIT,
} from './flood.ts'
import { FloodGuard } from './flood-guard.ts'

function aFlood(limit = { perSecond: 2, burst: 3 }) {
  let now = 0
  return { flood: new Flood({ monotonicMs: () => now }, limit), pass: (ms: number) => (now += ms) }
}

describe('a caller', () => {
  it('may send a burst, is told then when to ask again, and may when that is over', () => {
    const { flood, pass } = aFlood()

    expect([1, 2, 3].map(() => flood.take('a'))).toEqual([0, 0, 0])
    expect(flood.take('a')).toBe(1)
    pass(1_000)
    expect([1, 2, 3].map(() => flood.take('a'))).toEqual([0, 0, 1])
  })

  it('who is refused again and again is let in all the same as time passes', () => {
    const { flood, pass } = aFlood({ perSecond: 1, burst: 1 })
    flood.take('a')
    for (let refused = 0; refused < 7; refused += 1) {
      pass(125)
      expect(flood.take('a')).toBe(1)
    }
    pass(125)

    expect(flood.take('a')).toBe(0)
  })

  it('does not take anything from another one', () => {
    const { flood } = aFlood({ perSecond: 1, burst: 1 })
    flood.take('a')

    expect(flood.take('a')).toBe(1)
    expect(flood.take('b')).toBe(0)
  })

  it('who comes with many names does not fill the memory, and those who ask now are still known', () => {
    const { flood } = aFlood({ perSecond: 1, burst: 1 })
    for (let name = 0; name < 30_000; name += 1) flood.take(String(name))

    expect(flood.take('29999')).toBe(1)
    // Forgotten, so that it is as if it had never asked.
    expect(flood.take('0')).toBe(0)
  })
})

describe('ways back from Microsoft', () => {
  const site = (count: number) => Array.from({ length: count }, (_, nth) => `2001:db8:1:${nth.toString(16)}::1`)

  it('are counted by site as well, whose networks are many; what is made up takes nothing from who went there', () => {
    const guard = new FloodGuard({ monotonicMs: () => 0 })
    const lets = (isOwn: boolean, times: number) =>
      site(10)
        .flatMap((address) => Array.from({ length: times }, () => guard.letsBack(address, isOwn)))
        .filter(Boolean).length

    expect(lets(false, MADE_UP_CALLBACK_LIMIT.burst)).toBe(MADE_UP_CALLBACK_SITE_LIMIT.burst)
    expect(guard.letsBack('2001:db8:2::1', false)).toBe(true)
    expect(lets(true, CALLBACK_LIMIT.burst)).toBe(CALLBACK_SITE_LIMIT.burst)
    expect(guard.letsBack('2001:db8:2::1', true)).toBe(true)
  })

  it('of one network leave room to the others of its site, and at one address do not end before a school has come', () => {
    let now = 0
    const guard = new FloodGuard({ monotonicMs: () => now })
    const lets = (address: string, times: number) =>
      Array.from({ length: times }, () => guard.letsBack(address, true)).filter(Boolean).length

    expect(lets('2001:db8:1:1::1', 5_000)).toBe(1_000)
    expect(lets('2001:db8:1:2::1', 1)).toBe(1)
    expect(lets('192.0.2.1', 1_000)).toBe(1_000)
    now += 60_000
    expect(lets('192.0.2.1', 2_000)).toBe(1_000)
    now += 1_000
    expect(lets('192.0.2.1', 100)).toBe(CALLBACK_LIMIT.perSecond)
  })
})

describe('the API', () => {
  let test: TestDatabase
  let world: SyncWorld
  let http: TestServer
  beforeAll(async () => {
    test = await createTestDatabase()
    world = await aSyncWorld(test.db)
    await test.db.query('update setup set done_at = now()')
    // No time passes, so that nothing comes back while requests are sent.
    http = await aServer({ ...world.engine, clock: { ...world.engine.clock, monotonicMs: () => 0 } })
  })
  afterAll(async () => {
    await http.stop()
    await world.stop()
    await test.drop()
  })

  it('answers a token that floods it with 429 and when to ask again, others as before', async () => {
    const flooding = await http.withToken('read')
    const other = await http.withToken('read', 'runs')
    const statuses: number[] = []
    for (let sent = 0; sent < IDENTITY_LIMIT.burst; sent += 1)
      statuses.push((await flooding('GET', '/api/v1/sources')).statusCode)
    const refused = await flooding('GET', '/api/v1/sources')

    expect(statuses).not.toContain(429)
    expect(refused.statusCode).toBe(429)
    expect(refused.headers['retry-after']).toBe('1')
    expect(refused.headers['content-type']).toContain('application/problem+json')
    expect(refused.json()).toMatchObject({ code: 'too-many-requests', status: 429 })
    expect((await other('GET', '/api/v1/sources')).statusCode).toBe(200)
  })

  it('counts by address who has not said who he is, and still tells that it lives', async () => {
    const answers = await Promise.all(
      Array.from({ length: ADDRESS_LIMIT.burst + 1 }, () => http.asNobody('GET', '/api/v1/nothing')),
    )

    expect(new Set(answers.map(({ statusCode }) => statusCode))).toEqual(new Set([404, 429]))
    expect((await http.asNobody('GET', '/healthz')).statusCode).toBe(200)
  })

  it('makes no terminal wait for tokens that are none, however many come from the same address', async () => {
    const place = (token: string, url: string) => ({
      url,
      remoteAddress: '192.0.2.50',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    })
    const own = async (token: string) =>
      (await http.server.inject({ method: 'GET', ...place(token, '/api/v1/terminal') })).statusCode
    const card = async (token: string) => {
      const payload = JSON.stringify({ by: 'card', card: 'nobody' })
      const asked = { method: 'POST' as const, ...place(token, '/api/v1/terminal/authenticate'), payload }
      return (await http.server.inject(asked)).statusCode
    }
    const [used, fresh] = [await http.terminalToken(), await http.terminalToken()]
    expect(await card(used)).toBe(200)
    const madeUp = Array.from({ length: UNKNOWN_TERMINALS_LIMIT.burst + 100 }, (_, nth) =>
      (nth % 2 === 0 ? own : card)(`mtt_made-up-${nth}`),
    )
    const statuses = await Promise.all(madeUp)

    expect(statuses.filter((status) => status === 401)).toHaveLength(UNKNOWN_TERMINALS_LIMIT.burst)
    expect(statuses.filter((status) => status === 429)).toHaveLength(100)
    // One that this server has seen before, and one that it sees for the first time.
    expect([await card(used), await own(used), await card(fresh), await own(fresh)]).toEqual([200, 200, 200, 200])
    expect(await own('mtt_one-more')).toBe(429)
    // Nor do people there, and somebody elsewhere is told that the token is none.
    expect((await http.server.inject({ url: '/api/v1/sign-in/options', remoteAddress: '192.0.2.50' })).statusCode).toBe(
      200,
    )
    const elsewhere = { ...place('mtt_one-more', '/api/v1/terminal'), remoteAddress: '198.51.100.8' }
    expect((await http.server.inject(elsewhere)).statusCode).toBe(401)
  })

  it('counts each terminal by itself, also where one of them floods', async () => {
    const [flooding, other] = [await http.asTerminal(), await http.asTerminal()]
    const statuses = new Set<number>()
    for (let sent = 0; sent < TERMINAL_LIMIT.burst; sent += 500) {
      const asked = Array.from({ length: 500 }, () => flooding('GET', '/api/v1/terminal'))
      for (const { statusCode } of await Promise.all(asked)) statuses.add(statusCode)
    }

    expect([...statuses]).toEqual([200])
    expect((await flooding('GET', '/api/v1/terminal')).statusCode).toBe(429)
    expect((await other('GET', '/api/v1/terminal')).statusCode).toBe(200)
  })

  it('counts a terminal’s token by address where it asks for what is no matter of terminals', async () => {
    const remoteAddress = '192.0.2.51'
    const headers = { authorization: 'Bearer mtt_made-up' }
    const ask = (url: string) => http.server.inject({ url, remoteAddress, headers })
    const asked = await Promise.all(
      Array.from({ length: ADDRESS_LIMIT.burst }, () => ask('/api/v1/terminal/nothing/here')),
    )

    expect(new Set(asked.map(({ statusCode }) => statusCode))).toEqual(new Set([404]))
    expect((await ask('/api/v1/terminal/nothing/here')).statusCode).toBe(429)
  })
})

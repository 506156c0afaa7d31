// Sign in with Microsoft at a terminal by a code on another device: over HTTP, through an OpenID provider that is not ours.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../test/support/database.ts'
import type { ProvidedTenant } from '../../../test/support/oidc-provider.ts'
import { type Ask, aServer, type TestServer } from '../../../test/support/server.ts'
import { type KnownPerson, letSignIn } from '../../../test/support/sign-in.ts'
import { aSyncWorld, type SyncWorld } from '../../../test/support/world.ts'
import { systemClock } from '../../base/clock.ts'

const SETTINGS = { safeguard: 'off', users: { options: { useAsAuthenticationServer: true } } } as const
/** Of the tenant, and nobody here. */
const STRANGERS = ['5a5a5a5a-0000-4000-8000-000000000005', '5a5a5a5a-0000-4000-8000-000000000006']
let test: TestDatabase
let world: SyncWorld
let http: TestServer
let second: TestServer
let provider: ProvidedTenant
let people: readonly KnownPerson[]
let terminal: Ask
/** Added to the machine's time, in milliseconds. */
let later = 0
const clock = { ...systemClock, now: () => new Date(systemClock.now().getTime() + later) }
/** What happens in the server after the answer, or without one. */
const PATIENCE = { timeout: 15_000 }

beforeAll(async () => {
  test = await createTestDatabase()
  world = await aSyncWorld(test.db, { users: 3, groups: 1, memberships: 2, settings: SETTINGS, clock })
  await world.sync()
  const stored = await letSignIn(world, (known) => [
    ...known,
    { ...known[0]!, userName: 'stranger', objectId: STRANGERS[0]! },
    { ...known[0]!, userName: 'second stranger', objectId: STRANGERS[1]! },
  ])
  ;({ provider, people } = stored)
  http = await aServer(world.engine)
  second = await aServer(world.engine)
})
afterAll(async () => {
  await http.stop()
  await second.stop()
  await provider.stop()
  await world.stop()
  await test.drop()
})
beforeEach(async () => {
  later = 0
  await test.db.query('truncate terminals, terminal_misses cascade')
  await test.db.query('update users set active = true, deactivated_by = null')
  await test.db.query('update connections set sign_in_with_microsoft = true')
  terminal = await http.asTerminal({ tells: ['email'], unknownCard: 'registerAlsoByCode' })
})

interface Begun {
  readonly flow: string
  readonly userCode: string
  readonly verificationUri: string
  readonly intervalSeconds: number
}

const begin = async (at = terminal) => (await at('POST', '/api/v1/terminal/device-code', {})).json<Begun>()
const read = (flow: string, at = terminal) => at('GET', `/api/v1/terminal/device-code/${flow}`)
const asked = () => provider.countOf('/token')
const pass = (seconds: number) => {
  later += seconds * 1_000
}

/** Open ones of clients. */
const connectionsOf = ({ server }: TestServer) =>
  new Promise<number>((resolve, reject) => {
    server.server.getConnections((error, count) => (error === null ? resolve(count) : reject(error)))
  })

describe('signing in with Microsoft at a terminal', () => {
  it('shows a code, waits and identifies whoever has typed it; where he was is not in the audit', async () => {
    const person = people[0]!
    const begun = await begin()
    pass(begun.intervalSeconds)
    const before = await read(begun.flow)
    await provider.enterCode(begun.userCode, person.userName)
    pass(begun.intervalSeconds)
    const after = await read(begun.flow)
    const again = await read(begun.flow)

    expect(begun.verificationUri).toMatch(/^http/)
    expect(before.json()).toEqual({ kind: 'pending', intervalSeconds: begun.intervalSeconds })
    expect(after.json(), after.body).toMatchObject({
      kind: 'identified',
      by: 'deviceCode',
      user: { id: String(person.userId), userName: person.userName },
      registration: { code: expect.any(String) },
    })
    // An answer that was lost is told again, and gives no second card.
    expect(again.json()).toMatchObject({ kind: 'identified', user: { id: String(person.userId) }, registration: null })
    const { rows } = await test.db.query('select action from audit where subject = $1', [`user ${person.userId}`])
    expect(rows).toEqual([])
    await http.parts.terminals.flush(test.db)
    const seen = await test.db.query('select user_id, way, times from terminal_sightings')
    expect(seen.rows).toEqual([{ user_id: person.userId, way: 'deviceCode', times: 1 }])
    pass(61)
    expect((await read(begun.flow)).json()).toMatchObject({ kind: 'refused', reason: 'expired' })
    // Nobody was refused: he came in, and the answer is forgotten.
    const refusedTo = () =>
      test.db.query(
        `select from audit where action = 'terminal.identify.refused' and details::jsonb ->> 'reason' = 'expired'`,
      )
    expect((await refusedTo()).rowCount).toBe(0)
    const never = await begin()
    pass(3_600)
    expect((await read(never.flow)).json()).toMatchObject({ kind: 'refused', reason: 'expired' })
    expect((await refusedTo()).rowCount).toBe(1)
  })

  it('gives nobody a card for good unless the terminal says so: whoever was talked into typing a code is let in once', async () => {
    const person = people[0]!
    const careful = await http.asTerminal({ unknownCard: 'register' })
    const { flow, userCode, intervalSeconds } = await begin(careful)
    await provider.enterCode(userCode, person.userName)
    pass(intervalSeconds)

    expect((await read(flow, careful)).json()).toMatchObject({
      kind: 'identified',
      user: { id: String(person.userId) },
      registration: null,
    })
    const onlyCode = await http.asTerminal({ may: ['card', 'deviceCode'], unknownCard: 'register' })
    const shown = (at: Ask) => at('POST', '/api/v1/terminal/authenticate', { by: 'card', card: 'nobody-has-it' })
    expect((await shown(onlyCode)).json()).toMatchObject({ mayRegister: false })
    expect((await shown(terminal)).json()).toMatchObject({ mayRegister: true })
  })

  it('asks Microsoft by one server at a time and never faster than it wants', async () => {
    const token = await http.terminalToken({ may: ['deviceCode'] })
    const at =
      (server: TestServer): Ask =>
      (method, url, body) =>
        server.server.inject({
          method,
          url,
          headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
          ...(body === undefined ? {} : { payload: JSON.stringify(body) }),
        })
    const { flow, intervalSeconds } = await begin(at(http))
    const first = asked()
    for (let i = 0; i < 5; i += 1) await read(flow, at(http))
    const early = asked()
    pass(intervalSeconds)
    await read(flow, at(http))
    // Without and with the credential, where the application does not take the first.
    const once = asked() - early
    pass(intervalSeconds)
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, nth) => read(flow, at(nth % 2 === 0 ? http : second))),
    )
    const atOnce = asked()
    pass(intervalSeconds - 1)
    await read(flow, at(second))

    expect(early - first).toBe(0)
    expect(answers.map((answer) => answer.json().kind)).toEqual(Array.from({ length: 10 }, () => 'pending'))
    expect(once).toBeGreaterThan(0)
    expect(atOnce - early).toBe(2 * once)
    expect(asked() - atOnce).toBe(0)
  })

  it.each([
    ['unknown-person', 'stranger', async () => {}],
    [
      'person-inactive',
      undefined,
      async () => {
        await test.db.query(`update users set active = false, deactivated_by = 'source'`)
      },
    ],
    [
      'connection-not-for-sign-in',
      undefined,
      async () => {
        await test.db.query('update connections set sign_in_with_microsoft = false')
      },
    ],
  ])('refuses %s, once and for all', async (reason, who, prepare) => {
    const { flow, userCode, intervalSeconds } = await begin()
    await provider.enterCode(userCode, who ?? people[1]!.userName)
    await prepare()
    pass(intervalSeconds)
    const answers = [await read(flow), await read(flow)]

    for (const answer of answers) expect(answer.json()).toMatchObject({ kind: 'refused', reason, mayRegister: false })
    const { rows } = await test.db.query<{ details: string }>(
      `select details from audit where action = 'terminal.identify.refused' and details like $1`,
      [`%"${reason}"%`],
    )
    expect(rows).toHaveLength(1)
    // Whoever looks into it finds the person, also one whom the registry does not know.
    const known =
      reason === 'connection-not-for-sign-in'
        ? {}
        : reason === 'unknown-person'
          ? { connection: world.source, objectId: '5a5a5a5a-0000-4000-8000-000000000005' }
          : { connection: world.source, objectId: people[1]!.objectId, userId: people[1]!.userId }
    expect(JSON.parse(rows[0]!.details)).toMatchObject({ by: 'deviceCode', reason, ...known })
  })

  it('is refused to two people within a minute, and the audit knows both', async () => {
    const last = (await test.db.query('select max(id) as last from audit')).rows[0]?.['last']
    for (const userName of ['stranger', 'second stranger']) {
      const { flow, userCode, intervalSeconds } = await begin()
      await provider.enterCode(userCode, userName)
      pass(intervalSeconds)
      expect((await read(flow)).json()).toMatchObject({ kind: 'refused', reason: 'unknown-person' })
    }
    const { rows } = await test.db.query<{ who: string }>(
      `select details::jsonb ->> 'objectId' as who from audit
        where action = 'terminal.identify.refused' and id > $1 order by id`,
      [last],
    )

    expect(rows.map(({ who }) => who)).toEqual(STRANGERS)
  })

  it('says to whoever stands there that it cannot be begun, and to the audit why', async () => {
    const own = world.hosted.clientId
    await test.db.query(`update connections set client_id = '99999999-0000-4000-8000-000000000009'`)
    const answer = await terminal('POST', '/api/v1/terminal/device-code', {})
    const { rows } = await test.db.query<{ action: string; details: string }>(
      `select action, details from audit order by id desc limit 1`,
    )
    await test.db.query('update connections set client_id = $1', [own])

    expect(answer.statusCode).toBe(409)
    const { code, detail } = answer.json()
    expect(detail).toContain('Tell whoever looks after this terminal')
    expect(answer.body).not.toContain(world.source)
    expect(rows[0]!.action).toMatch(/refused$/)
    expect(JSON.parse(rows[0]!.details)).toMatchObject({
      by: 'deviceCode',
      reason: code,
      connection: world.source,
      hint: expect.stringMatching(/./),
    })
  })

  it('is kept for a terminal that hung up while Microsoft was asked', async () => {
    const token = await http.terminalToken({ may: ['deviceCode'] })
    const own: Ask = (method, url, body) => http.asNobody(method, url, body, { authorization: `Bearer ${token}` })
    const { flow, userCode, intervalSeconds } = await begin(own)
    await provider.enterCode(userCode, people[0]!.userName)
    pass(intervalSeconds)
    const address = await http.server.listen({ port: 0, host: '127.0.0.1' })
    const asking = provider.holdAt('/token')
    const gone = new AbortController()
    const lost = fetch(`${address}/api/v1/terminal/device-code/${flow}`, {
      headers: { authorization: `Bearer ${token}` },
      signal: gone.signal,
    })
    await asking.arrived
    gone.abort()
    await expect(lost).rejects.toThrow('aborted')
    await expect.poll(() => connectionsOf(http), PATIENCE).toBe(0)
    asking.release()

    await expect.poll(async () => (await read(flow, own)).json().kind, PATIENCE).toBe('identified')
  })

  it('is begun ten times a minute also by a burst, and by one that ends each at once', async () => {
    const burst = await Promise.all(
      Array.from({ length: 14 }, () => terminal('POST', '/api/v1/terminal/device-code', {})),
    )
    const begun = burst.filter((answer) => answer.statusCode === 201)
    for (const answer of begun) await terminal('DELETE', `/api/v1/terminal/device-code/${answer.json().flow}`)

    expect(begun).toHaveLength(10)
    expect((await terminal('POST', '/api/v1/terminal/device-code', {})).statusCode).toBe(429)
  })

  it('goes on when Microsoft does not answer for a moment', async () => {
    const { flow, userCode, intervalSeconds } = await begin()
    await provider.enterCode(userCode, people[0]!.userName)
    provider.failAt('/token', 503)
    pass(intervalSeconds)
    const during = await read(flow)
    provider.failAt('/token', undefined)
    pass(intervalSeconds)

    expect(during.json()).toMatchObject({ kind: 'pending' })
    expect((await read(flow)).json()).toMatchObject({ kind: 'identified' })
  })

  it('goes on when Microsoft has a fault that passes, also where it says so as a bad request', async () => {
    const { flow, userCode, intervalSeconds } = await begin()
    await provider.enterCode(userCode, people[0]!.userName)
    const { microsoft } = http.parts
    const { sender } = microsoft.oidc
    const told = { error: 'invalid_request', error_description: 'AADSTS90033: A transient error.' }
    const body = Buffer.from(JSON.stringify(told))
    const send: typeof sender.send = async (request) => {
      const answer = await sender.send(request)
      return request.path.endsWith('/token') ? { ...answer, status: 400, body } : answer
    }
    Object.assign(http.parts, { microsoft: { ...microsoft, oidc: { ...microsoft.oidc, sender: { ...sender, send } } } })
    provider.failAt('/token', 503)
    pass(intervalSeconds)
    const during = await read(flow)
    provider.failAt('/token', undefined)
    Object.assign(http.parts, { microsoft })
    pass(intervalSeconds)

    expect(during.json()).toMatchObject({ kind: 'pending' })
    expect((await read(flow)).json()).toMatchObject({ kind: 'identified' })
  })

  it('belongs to the terminal that began it, and ends when the person walks away', async () => {
    const other = await http.asTerminal()
    const { flow } = await begin()
    const elsewhere = await read(flow, other)
    await other('DELETE', `/api/v1/terminal/device-code/${flow}`)
    const still = await read(flow)
    await terminal('DELETE', `/api/v1/terminal/device-code/${flow}`)

    expect(elsewhere.statusCode).toBe(404)
    expect(still.json()).toMatchObject({ kind: 'pending' })
    expect((await read(flow)).statusCode).toBe(404)
  })

  it('is offered only where the terminal may and a connection is for it, and begun ten times a minute at most', async () => {
    const cards = await http.asTerminal({ may: ['card'] })
    const own = await terminal('GET', '/api/v1/terminal')
    const starts = []
    for (let i = 0; i < 11; i += 1) starts.push((await terminal('POST', '/api/v1/terminal/device-code', {})).statusCode)
    await test.db.query('update connections set sign_in_with_microsoft = false')

    expect((await cards('POST', '/api/v1/terminal/device-code', {})).json()).toMatchObject({ code: 'way-not-allowed' })
    expect(own.json<{ connections: string[] }>().connections).toHaveLength(1)
    expect(starts).toEqual([...Array.from({ length: 10 }, () => 201), 429])
    pass(60)
    expect((await terminal('POST', '/api/v1/terminal/device-code', {})).statusCode).toBe(404)
  })

  it('keeps the device code sealed', async () => {
    await begin()
    const { rows } = await test.db.query<{ device_code: Buffer }>('select device_code from terminal_device_codes')

    expect(JSON.parse(rows[0]!.device_code.toString())[0]).toBe('terminal device code')
  })
})

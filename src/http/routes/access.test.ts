// First start, signing in, sessions, accounts, tokens: over HTTP, on a real database.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../test/support/database.ts'
import { aServer, SAME_SITE, sessionHeaders, sessionOf, type TestServer } from '../../../test/support/server.ts'
import { aSyncWorld, type SyncWorld } from '../../../test/support/world.ts'
import { systemClock } from '../../base/clock.ts'
import type { OwnSession } from '../../contract/api/access.ts'
import type { Account } from '../../contract/api/administration.ts'
import { verifyAudit } from '../../registry/audit.ts'
import { issueSetupCode, issueSignInCode } from '../../signin/codes.ts'
import { issueLinkCode } from '../../signin/console.ts'

const GOOD = 'kestrel umbrella radish plinth'
const NO = { 'x-nothing': '1' }
let test: TestDatabase
let world: SyncWorld
let http: TestServer
/** Time stands still but for this. */
let later = 0
const BEGIN = Date.now()
const clock = { ...systemClock, now: () => new Date(BEGIN + later), monotonicMs: () => later }

beforeAll(async () => {
  test = await createTestDatabase()
  world = await aSyncWorld(test.db, { clock })
})
afterAll(async () => {
  await world.stop()
  await test.drop()
})
beforeEach(async () => {
  later = 0
  await test.db.query('truncate administrators, api_tokens, one_time_codes, signin_attempts cascade')
  await test.db.query('update setup set done_at = null')
  http = await aServer(world.engine)
  return () => http.stop()
})

const post = (url: string, body: unknown, headers: Record<string, string> = NO) =>
  http.asNobody('POST', url, body, headers)
const cookieOf = (answer: { cookies: readonly { name: string; value: string }[] }, name = 'muster-session') =>
  answer.cookies.find((cookie) => cookie.name === name)
const audited = async (action: string) =>
  (
    await test.db.query<{ actor_name: string; details: string }>(
      'select actor_kind, actor_name, actor_address, subject, details from audit where action = $1 order by id desc limit 20',
      [action],
    )
  ).rows

async function setUp(name = 'Ann', headers?: Record<string, string>) {
  const code = await issueSetupCode(world.engine)
  return post('/api/v1/setup', { code, name, password: GOOD }, headers)
}

it('a browser has one session: signing in again ends the one before, and nobody else’s', async () => {
  const first = cookieOf(await setUp())!.value
  const signIn = async (headers?: Record<string, string>) =>
    cookieOf(await post('/api/v1/session', { name: 'Ann', password: GOOD }, headers))!.value
  const elsewhere = await signIn()
  const works = async (session: string) =>
    (await http.asNobody('GET', '/api/v1/session', undefined, { cookie: `muster-session=${session}` })).statusCode
  const second = await signIn({ cookie: `muster-session=${first}` })

  expect([await works(first), await works(second), await works(elsewhere)]).toEqual([401, 200, 200])
  expect((await test.db.query('select from sessions')).rowCount).toBe(2)
})

describe('the first start', () => {
  it('makes the first administrator with the code of the console and signs him in', async () => {
    expect((await http.asNobody('GET', '/api/v1/setup')).json()).toMatchObject({ isOpen: true })

    const made = await setUp()

    expect(made.statusCode, made.body).toBe(201)
    expect(made.json()).toMatchObject({ account: { name: 'Ann', role: 'administrator' } })
    const session = cookieOf(made)!.value
    const mine = await http.asNobody('GET', '/api/v1/session', undefined, { cookie: `muster-session=${session}` })
    expect(mine.json()).toEqual(made.json())
    expect((await audited('account.setup'))[0]).toMatchObject({ actor_name: 'Ann', actor_address: '127.0.0.1' })
  })

  it('counts a password that is too weak as no guess at the code', async () => {
    const code = await issueSetupCode(world.engine)
    const made = (password: string) => post('/api/v1/setup', { code, name: 'Ann', password })
    for (let n = 0; n < 7; n += 1) expect((await made('password password')).statusCode).toBe(400)

    expect((await made(GOOD)).statusCode).toBe(201)
  })

  it('L13: once it is done, its routes are not there, however often they are tried', async () => {
    await setUp()
    const codes = await Promise.all([issueSetupCode(world.engine), issueSetupCode(world.engine)])
    const nowhere = await post('/api/v1/nowhere', {})

    for (let round = 0; round < 500; round += 1) {
      const tries = [
        await post('/api/v1/setup', { code: `${round}`, name: `eve${round}`, password: GOOD }),
        await http.asNobody('GET', '/api/v1/setup'),
      ]
      for (const answer of tries) expect(answer.statusCode).toBe(404)
      expect(Object.keys(tries[0]!.json())).toEqual(Object.keys(nowhere.json()))
    }

    expect(codes).toEqual([undefined, undefined])
    const { rows } = await test.db.query<{ n: number }>('select count(*)::int as n from administrators')
    expect(rows[0]!.n).toBe(1)
    expect((await audited('account.setup.refused')).length).toBe(1)
  })

  it('stays done when every account is gone', async () => {
    await setUp()
    await test.db.query('delete from administrators')

    expect(await issueSetupCode(world.engine)).toBeUndefined()
    expect((await http.asNobody('GET', '/api/v1/setup')).statusCode).toBe(404)
  })

  it('has one winner of two at once, and a code works once and for 30 minutes', async () => {
    const codes = [await issueSetupCode(world.engine), await issueSetupCode(world.engine)]
    later = 31 * 60_000
    const late = await post('/api/v1/setup', { code: codes[0], name: 'Late', password: GOOD })
    later = 0
    const answers = await Promise.all(
      codes.map((code, i) => post('/api/v1/setup', { code, name: `a${i}`, password: GOOD })),
    )

    expect(late.json()).toMatchObject({ status: 401, code: 'code-invalid' })
    expect(answers.map((answer) => answer.statusCode).sort((a, b) => a - b)).toEqual([201, 404])
  })

  it('answers the machine itself alone until it is done', async () => {
    const from = (remoteAddress: string, headers = {}) =>
      http.server.inject({ method: 'GET', url: '/api/v1/setup', remoteAddress, headers })

    expect((await from('192.0.2.9')).json()).toMatchObject({ status: 403, code: 'not-set-up' })
    expect((await from('127.0.0.1', { 'x-forwarded-for': '192.0.2.9' })).statusCode).toBe(403)
    expect((await from('127.0.0.1')).statusCode).toBe(200)
    expect((await from('::1')).statusCode).toBe(200)
    expect((await http.server.inject({ method: 'GET', url: '/healthz', remoteAddress: '192.0.2.9' })).statusCode).toBe(
      200,
    )

    await setUp()
    expect((await from('192.0.2.9')).statusCode).toBe(404)
  })

  it.each([
    ['short', 'fourteen chars', 'has 14 characters'],
    ['common', 'passwordpassword123', 'tried first'],
    ['a row', 'qwertyuiop1234567890', 'tried first'],
    ['repeated', 'aaaaaaaaaaaaaaaaaaaa', 'tried first'],
    ['the own name', 'Annelise2024Annelise', 'tried first'],
    ['the product', 'Muster-Entra-2024!!', 'tried first'],
    ['common, in other words', 'Trustno1-Jordan23-Ncc1701', 'tried first'],
    ['common in another language', 'Passwort-Sommer-2026', 'tried first'],
    ['a long one of the list', 'abcdefghijklmnopqrstuvwxyz', 'tried first'],
    ['famous', 'correct horse battery staple', 'tried first'],
    ['dressed up', 'P@ssw0rd!P@ssw0rd!', 'tried first'],
  ])('refuses a password that is %s', async (_what, password, message) => {
    const code = await issueSetupCode(world.engine)
    const answer = await post('/api/v1/setup', { code, name: 'Annelise', password })

    expect(answer.statusCode).toBe(400)
    expect(answer.json().problems).toEqual([{ at: 'password', message: expect.stringContaining(message) }])
    expect(answer.body).not.toContain(password)
  })

  it.each(['kestrelumbrellaradish', 'жаркое лето в деревне', 'x7Kq-99vLw-22pTz', `${GOOD} `.repeat(20)])(
    'takes any kind of characters, and long ones: %s',
    async (password) => {
      const code = await issueSetupCode(world.engine)
      expect((await post('/api/v1/setup', { code, name: 'Ann', password })).statusCode).toBe(201)
      expect((await post('/api/v1/session', { name: 'ann', password })).statusCode).toBe(201)
    },
  )
})

describe('a session', () => {
  it('is new with every signing in, whatever the browser brought along', async () => {
    await setUp()
    const planted = { cookie: 'muster-session=planted' }
    const first = cookieOf(await post('/api/v1/session', { name: 'ANN', password: GOOD }, planted))!.value
    const second = cookieOf(
      await post('/api/v1/session', { name: 'Ann', password: GOOD }, { cookie: `muster-session=${first}` }),
    )!.value

    expect(new Set(['planted', first, second]).size).toBe(3)
    expect((await http.asNobody('GET', '/api/v1/session', undefined, planted)).statusCode).toBe(401)
  })

  it('is kept as a digest', async () => {
    const token = cookieOf(await setUp())!.value
    const { rows } = await test.db.query<{ row: string }>('select s::text as row from sessions s')

    expect(Buffer.from(token, 'base64url')).toHaveLength(32)
    expect(rows[0]!.row).not.toContain(token)
  })

  it.each([
    ['http', {}, undefined, 'muster-session', false],
    ['https', { 'x-forwarded-proto': 'https' }, undefined, '__Host-muster-session', true],
    ['https of which a proxy says nothing', {}, 'https://localhost', '__Host-muster-session', true],
    ['http by another name than the public one', {}, 'https://muster.example', 'muster-session', false],
  ])(
    'has a cookie that no script reads and no other site sends, on %s',
    async (_how, headers, publicUrl, name, secure) => {
      const behind = await aServer(world.engine, { trustedProxies: ['127.0.0.1'], publicUrl })
      const code = await issueSetupCode(world.engine)
      const answer = await behind.asNobody('POST', '/api/v1/setup', { code, name: 'Ann', password: GOOD }, headers)
      await behind.stop()

      const line = [answer.headers['set-cookie']].flat().find((cookie) => cookie?.startsWith(`${name}=`))
      expect(line).toMatch(/; Path=\/; HttpOnly;( Secure;)? SameSite=Strict$/)
      expect(line?.includes('Secure')).toBe(secure)
      expect(answer.headers['strict-transport-security'] !== undefined).toBe(secure)
    },
  )

  it('on https counts only by its own name', async () => {
    const token = cookieOf(await setUp())!.value
    const behind = await aServer(world.engine, { trustedProxies: ['127.0.0.1'] })
    const answer = await behind.asNobody('GET', '/api/v1/session', undefined, {
      'x-forwarded-proto': 'https',
      cookie: `muster-session=${token}`,
    })
    await behind.stop()

    expect(answer.statusCode).toBe(401)
  })

  it('ends 30 minutes after its last use and 12 hours after its begin', async () => {
    const token = cookieOf(await setUp())!.value
    const look = async (minutes: number) => {
      later = minutes * 60_000
      return (await http.asNobody('GET', '/api/v1/session', undefined, { cookie: `muster-session=${token}` }))
        .statusCode
    }
    for (let minutes = 25; minutes < 720; minutes += 25) expect(await look(minutes), `${minutes} minutes`).toBe(200)

    expect(await look(719)).toBe(200)
    expect(await look(721)).toBe(401)
    await setUp()
    const other = await sessionOf(world.engine, 'viewer')
    later += 31 * 60_000
    expect((await http.asNobody('GET', '/api/v1/session', undefined, sessionHeaders(other))).statusCode).toBe(401)
  })

  it('is not prolonged by what an open page asks by itself while nobody is there, nor by a stream', async () => {
    const token = await sessionOf(world.engine, 'viewer')
    const ask = async (minutes: number, path: string, headers: Readonly<Record<string, string>> = {}) => {
      later = minutes * 60_000
      return (await http.asNobody('GET', path, undefined, { ...sessionHeaders(token), ...headers })).statusCode
    }
    for (let minutes = 2; minutes < 30; minutes += 2) {
      expect(await ask(minutes, '/api/v1/overview', { 'x-muster-unattended': '1' })).toBe(200)
      // Of a run that is not there; who asks is looked at before.
      expect(await ask(minutes, '/api/v1/runs/999/events')).toBe(404)
    }
    expect(await ask(31, '/api/v1/overview', { 'x-muster-unattended': '1' })).toBe(401)
  })

  it('ends with signing out, and clears what the browser keeps', async () => {
    const token = await sessionOf(world.engine, 'viewer')
    const out = await http.asNobody('DELETE', '/api/v1/session', undefined, sessionHeaders(token))

    expect(out.statusCode).toBe(204)
    expect(out.headers['clear-site-data']).toBe('"cache"')
    expect(cookieOf(out)?.value).toBe('')
    expect((await http.asNobody('GET', '/api/v1/session', undefined, sessionHeaders(token))).statusCode).toBe(401)
  })

  it.each([
    ['disabled', 'PATCH', { enabled: false }],
    ['given another role', 'PATCH', { role: 'helpdesk' }],
    ['given another password', 'PATCH', { password: 'quartz nimbus ferret lathe' }],
    ['removed', 'DELETE', undefined],
  ] as const)('ends at once when its account is %s', async (_what, method, body) => {
    const admin = await http.as('administrator')
    const token = await sessionOf(world.engine, 'viewer', 'bob')
    const { items } = (await admin('GET', '/api/v1/administrators')).json()
    const { id, sessions } = items.find((account: { name: string }) => account.name === 'bob')
    const changed = await admin(method, `/api/v1/administrators/${id}`, body)

    expect(sessions).toBe(1)
    expect(changed.statusCode, changed.body).toBe(method === 'DELETE' ? 204 : 200)
    expect((await http.asNobody('GET', '/api/v1/session', undefined, sessionHeaders(token))).statusCode).toBe(401)
  })

  it('can be ended by its owner and by administrators, and by nobody else', async () => {
    const viewer = await http.as('viewer')
    await sessionOf(world.engine, 'viewer', 'bob')
    const { rows } = await test.db.query<{ id: number; name: string }>(
      'select s.id, a.name from sessions s join administrators a on a.id = s.administrator_id',
    )
    const bobs = rows.find((row) => row.name === 'bob')!.id

    expect((await viewer('DELETE', `/api/v1/sessions/${bobs}`)).statusCode).toBe(404)
    expect((await (await http.as('administrator'))('DELETE', `/api/v1/sessions/${bobs}`)).statusCode).toBe(204)
    const mine = (await viewer('GET', '/api/v1/sessions')).json().items
    expect(mine).toMatchObject([{ isThis: true, userAgent: 'test' }])
    expect((await viewer('DELETE', `/api/v1/sessions/${mine[0].id}`)).statusCode).toBe(204)
    expect((await viewer('GET', '/api/v1/session')).statusCode).toBe(401)
  })

  it('lets one change the own password, which ends the other sessions', async () => {
    const first = cookieOf(await setUp())!.value
    const second = cookieOf(await post('/api/v1/session', { name: 'ann', password: GOOD }))!.value
    const change = (current: string, password: string) =>
      http.asNobody('PUT', '/api/v1/session/password', { current, password }, sessionHeaders(second))

    expect((await change('wrong wrong wrong', 'quartz nimbus ferret lathe')).json()).toMatchObject({
      status: 403,
      code: 'password-wrong',
    })
    expect((await change(GOOD, GOOD)).json().code).toBe('password-unchanged')
    // What is too weak is no guess at the present one.
    for (let n = 0; n < 7; n += 1) expect((await change(GOOD, 'password password')).statusCode).toBe(400)
    expect((await change(GOOD, 'quartz nimbus ferret lathe')).statusCode).toBe(204)

    expect((await http.asNobody('GET', '/api/v1/session', undefined, sessionHeaders(first))).statusCode).toBe(401)
    expect((await http.asNobody('GET', '/api/v1/session', undefined, sessionHeaders(second))).statusCode).toBe(200)
    expect((await post('/api/v1/session', { name: 'ann', password: GOOD })).statusCode).toBe(401)
  })
})

describe('E16: while the audit cannot be written', () => {
  it('nothing is changed over the server, looking goes on, and afterwards all of it works', async () => {
    await setUp()
    const admin = await http.as('administrator')
    const account = { name: 'carl', role: 'viewer', password: GOOD }
    const token = { name: 'reader', scopes: ['read'], days: 30 }
    await test.db.query('alter table audit_head rename to audit_away')
    try {
      for (const [url, body] of [
        ['/api/v1/administrators', account],
        ['/api/v1/tokens', token],
      ] as const)
        expect((await admin('POST', url, body)).json()).toMatchObject({ status: 500, code: 'internal' })
      // Not even a session that nobody would know of.
      expect((await post('/api/v1/session', { name: 'ann', password: GOOD })).statusCode).toBe(500)
      expect((await admin('GET', '/api/v1/administrators')).statusCode).toBe(200)
    } finally {
      await test.db.query('alter table audit_away rename to audit_head')
    }

    const names = (await test.db.query<{ name: string }>('select name from administrators')).rows.map(
      ({ name }) => name,
    )
    expect(names).not.toContain('carl')
    expect((await test.db.query(`select 1 from api_tokens where name = 'reader'`)).rowCount).toBe(0)
    expect((await admin('POST', '/api/v1/administrators', account)).statusCode).toBe(201)
    expect((await admin('POST', '/api/v1/tokens', token)).statusCode).toBe(201)
  })
})

describe('attempts in vain', () => {
  const attempt = (password: string, options: { address?: string; name?: string; cookie?: string } = {}) =>
    http.server.inject({
      method: 'POST',
      url: '/api/v1/session',
      remoteAddress: options.address ?? '198.51.100.1',
      headers: {
        ...SAME_SITE,
        'content-type': 'application/json',
        ...(options.cookie === undefined ? {} : { cookie: options.cookie }),
      },
      payload: JSON.stringify({ name: options.name ?? 'ann', password }),
    })

  it('look the same for a wrong name, a wrong password and a disabled account', async () => {
    await setUp()
    await sessionOf(world.engine, 'viewer', 'bob')
    await test.db.query(`update administrators set enabled = false where name = 'bob'`)
    const answers = [
      await attempt('x'),
      await attempt('x', { name: 'nobody-of-this-name' }),
      await attempt('x', { name: 'bob' }),
    ]
    const bodies = answers.map((answer) => ({ ...answer.json(), requestId: '' }))

    expect(bodies[0]).toMatchObject({ status: 401, code: 'sign-in-failed' })
    expect(bodies[1]).toEqual(bodies[0])
    expect(bodies[2]).toEqual(bodies[0])
  })

  it('are audited, and never with what was typed as a name that nobody has', async () => {
    await setUp()
    await attempt('wrong')
    await attempt('wrong', { name: 'my secret password' })

    const refused = await audited('session.start.refused')
    expect(refused.slice(0, 2)).toMatchObject([
      { actor_name: 'nobody', actor_address: '198.51.100.1' },
      { actor_name: 'Ann', actor_address: '198.51.100.1' },
    ])
    expect(JSON.stringify(refused)).not.toContain('secret')
    expect((await verifyAudit(test.db, world.engine.vault)).isWhole).toBe(true)
  })

  it('make the next one wait, longer each time; the right password is not looked at before', async () => {
    await setUp()
    const waits: number[] = []
    for (let n = 0; n < 12; n += 1) {
      const answer = await attempt('wrong')
      if (answer.statusCode === 429) {
        waits.push(Number(answer.headers['retry-after']))
        expect((await attempt(GOOD)).statusCode).toBe(429)
        later += waits.at(-1)! * 1_000
      } else expect(answer.statusCode).toBe(401)
    }

    expect(waits).toEqual([1, 2, 4, 8])
    const isIn = await attempt(GOOD, { address: '203.0.113.5' })
    expect(isIn.statusCode).toBe(201)
  })

  it('are not forgotten because whoever made them signs in with an account of his own, but little by little', async () => {
    const admin = cookieOf(await setUp())!.value
    const bob = { name: 'bob', role: 'viewer', password: 'quartz nimbus ferret lathe' }
    await http.asNobody('POST', '/api/v1/administrators', bob, sessionHeaders(admin))
    const round = async () => {
      const met: number[] = []
      for (let n = 0; n < 4; n += 1) met.push((await attempt('wrong')).statusCode)
      return { met, own: (await attempt(bob.password, { name: 'bob' })).statusCode }
    }

    expect(await round()).toEqual({ met: [401, 401, 401, 401], own: 201 })
    expect(await round()).toEqual({ met: [401, 429, 429, 429], own: 429 })
    // One each quarter of an hour.
    later += 4 * 900_000
    expect(await round()).toEqual({ met: [401, 401, 401, 401], own: 429 })
  })

  it('at once are counted as many', async () => {
    await setUp()
    const answers = await Promise.all(Array.from({ length: 15 }, () => attempt('wrong')))

    expect(answers.filter((answer) => answer.statusCode === 401)).toHaveLength(5)
    expect(answers.filter((answer) => answer.statusCode === 429)).toHaveLength(10)
  })

  it('from everywhere do not keep the owner out: not from his browser, and not long from another', async () => {
    const made = await setUp()
    const device = `muster-device=${cookieOf(made, 'muster-device')!.value}`
    const flood = async (from: number, to: number) => {
      for (let n = from; n < to; n += 1) await attempt('wrong', { address: `198.51.100.${n}` })
    }
    await flood(1, 26)

    expect((await attempt(GOOD, { address: '198.51.100.250', cookie: device })).statusCode).toBe(201)
    const unknown = await attempt(GOOD, { address: '198.51.100.251' })
    expect(Number(unknown.headers['retry-after'])).toBeLessThanOrEqual(10)
    later += 10_000
    expect((await attempt(GOOD, { address: '198.51.100.251' })).statusCode).toBe(201)
  })

  it('with the mark of another account count as from anybody', async () => {
    await setUp()
    const other = cookieOf(await post('/api/v1/session', { name: 'ann', password: GOOD }), 'muster-device')!.value
    const forged = other.replace(/^\d+/, '999')
    for (let n = 0; n < 5; n += 1) await attempt('wrong', { cookie: `muster-device=${forged}` })

    expect((await attempt('wrong', { cookie: `muster-device=${forged}` })).statusCode).toBe(429)
  })

  it('O12: an address that somebody claims in X-Forwarded-For is not his', async () => {
    await setUp()
    const spoof = (n: number) =>
      http.server.inject({
        method: 'POST',
        url: '/api/v1/session',
        remoteAddress: '198.51.100.77',
        headers: {
          ...SAME_SITE,
          'content-type': 'application/json',
          'x-forwarded-for': `203.0.113.${n}`,
          'x-forwarded-proto': 'https',
        },
        payload: JSON.stringify({ name: 'ann', password: 'wrong' }),
      })
    const answers = []
    for (let n = 0; n < 6; n += 1) answers.push(await spoof(n))

    expect(answers.map((answer) => answer.statusCode)).toEqual([401, 401, 401, 401, 401, 429])
    expect(answers[0]!.headers['strict-transport-security']).toBeUndefined()
  })
})

describe('a link of the console', () => {
  it('signs in once, within 30 minutes, while the account is enabled', async () => {
    await setUp()
    const use = (code: string) => post('/api/v1/session/link', { code })
    const code = await issueSignInCode(world.engine, 'ann')

    expect((await use(code)).json()).toMatchObject({ account: { name: 'Ann' } })
    expect((await use(code)).json()).toMatchObject({ status: 401, code: 'code-invalid' })
    const late = await issueSignInCode(world.engine, 'Ann')
    later = 31 * 60_000
    expect((await use(late)).statusCode).toBe(401)
    const setup = await world.db.query('select 1 from one_time_codes where administrator_id is null')
    expect(setup.rows).toEqual([])
  })
})

describe('an account that two administrators change', () => {
  it('is not given back by the second what the first took away, unless he has seen it', async () => {
    const admin = await http.as('administrator')
    await sessionOf(world.engine, 'operator', 'bob')
    const { items } = (await admin('GET', '/api/v1/administrators')).json<{ items: Account[] }>()
    const { id, role, enabled } = items.find((account) => account.name === 'bob')!
    const change = (body: object, seen: object) => admin('PATCH', `/api/v1/administrators/${id}`, { ...body, seen })
    const first = await change({ role, enabled: false }, { role, enabled })
    const second = await change({ role: 'viewer', enabled: true }, { role, enabled })
    const again = await change({ role: 'viewer' }, { role, enabled: false })

    expect([first.statusCode, second.statusCode, again.statusCode]).toEqual([200, 409, 200])
    expect(second.json()).toMatchObject({ code: 'changed-meanwhile', detail: expect.stringContaining('"bob"') })
    expect(again.json()).toMatchObject({ role: 'viewer', enabled: false })
  })
})

describe('one’s own password', () => {
  it('is not changed like somebody else’s, which asks for no old one', async () => {
    const admin = await http.as('administrator')
    const own = (await admin('GET', '/api/v1/session')).json<OwnSession>().account.id
    const url = `/api/v1/administrators/${own}`
    const { rows: before } = await test.db.query('select password from administrators where id = $1', [own])
    const refused = await admin('PATCH', url, { password: 'quartz nimbus ferret lathe' })

    expect(refused.json()).toMatchObject({
      status: 409,
      code: 'own-password',
      detail: expect.stringContaining('My account'),
    })
    expect((await test.db.query('select password from administrators where id = $1', [own])).rows).toEqual(before)
    expect((await admin('GET', '/api/v1/session')).statusCode).toBe(200)
  })
})

describe('a forgotten password', () => {
  const FRESH = 'quartz nimbus ferret lathe'
  const MINUTE = 60_000
  const NEEDED = { status: 400, problems: [{ at: 'current', message: expect.stringContaining('sign-in-link') }] }
  /** Signs Ann in by a link that the console prints. */
  async function comeByLink() {
    const actor = { kind: 'command line', name: 'root@host' } as const
    const code = await issueLinkCode(world.engine, { name: 'ann', resetSecondFactor: false, actor })
    const token = cookieOf(await post('/api/v1/session/link', { code }))!.value
    const ask = (method: 'GET' | 'POST' | 'PUT', url: string, body?: object) =>
      http.asNobody(method, url, body, sessionHeaders(token))
    return {
      prove: (password: string) => ask('POST', '/api/v1/session/proof', { password }),
      session: async () => (await ask('GET', '/api/v1/session')).json<OwnSession>(),
      set: (body: { current?: string; password: string }) => ask('PUT', '/api/v1/session/password', body),
    }
  }
  const enters = async (password: string) =>
    (await post('/api/v1/session', { name: 'ann', password })).statusCode === 201

  it('is replaced by whoever came by a link of the console, once, which ends the other sessions and is audited', async () => {
    const before = cookieOf(await setUp())!.value
    const { session, set } = await comeByLink()
    // Less than ten minutes: what a page sends is on its way for some time.
    expect((await session()).setsPasswordUntil).toBe(new Date(BEGIN + 9.5 * MINUTE).toISOString())
    const weak = await set({ password: 'password password' })
    expect(weak.json()).toMatchObject({ status: 400, problems: [{ at: 'password' }] })

    expect((await set({ password: FRESH })).statusCode).toBe(204)

    expect([await enters(GOOD), await enters(FRESH)]).toEqual([false, true])
    expect((await http.asNobody('GET', '/api/v1/session', undefined, sessionHeaders(before))).statusCode).toBe(401)
    expect(await session()).toMatchObject({ account: { name: 'Ann' }, setsPasswordUntil: null })
    expect((await audited('account.password'))[0]).toMatchObject({ actor_name: 'Ann', details: '{"by":"link"}' })
    expect((await set({ password: 'tundra velvet anchor mosaic' })).json()).toMatchObject(NEEDED)
    expect(await enters(FRESH)).toBe(true)
    expect((await set({ current: FRESH, password: 'tundra velvet anchor mosaic' })).statusCode).toBe(204)
  })

  it('stays where two of that session set another one at once, but for the first', async () => {
    await setUp()
    const { set } = await comeByLink()
    const wanted = [FRESH, 'tundra velvet anchor mosaic']
    const answers = await Promise.all(wanted.map((password) => set({ password })))

    expect(answers.map(({ statusCode }) => statusCode).toSorted((a, b) => a - b)).toEqual([204, 400])
    const first = answers.findIndex(({ statusCode }) => statusCode === 204)
    expect([await enters(wanted[first]!), await enters(wanted[1 - first]!)]).toEqual([true, false])
  })

  it('stays after ten minutes, also where that session has proved itself by it since', async () => {
    await setUp()
    const { prove, session, set } = await comeByLink()
    later = 10 * MINUTE
    expect((await session()).setsPasswordUntil).toBeNull()
    expect((await set({ password: FRESH })).json()).toMatchObject(NEEDED)
    expect((await prove(GOOD)).json()).toMatchObject({ provenUntil: expect.any(String), setsPasswordUntil: null })
    expect((await set({ password: FRESH })).json()).toMatchObject(NEEDED)
    expect(await enters(GOOD)).toBe(true)
  })

  it('stays where the session was begun in another way', async () => {
    const begun = [await setUp(), await post('/api/v1/session', { name: 'ann', password: GOOD })]
    for (const answer of begun) {
      expect(answer.json()).toMatchObject({ setsPasswordUntil: null })
      const headers = sessionHeaders(cookieOf(answer)!.value)
      const set = await http.asNobody('PUT', '/api/v1/session/password', { password: FRESH }, headers)
      expect(set.json()).toMatchObject(NEEDED)
    }
    expect(await enters(GOOD)).toBe(true)
  })
})

describe('the last administrator', () => {
  it.each([
    ['demoted', { role: 'operator' }],
    ['disabled', { enabled: false }],
    ['removed', undefined],
  ] as const)('is not %s', async (_what, body) => {
    const admin = await http.as('administrator')
    const { items } = (await admin('GET', '/api/v1/administrators')).json()
    const url = `/api/v1/administrators/${items[0].id}`
    const answer = await admin(body === undefined ? 'DELETE' : 'PATCH', url, body)

    expect(answer.json()).toMatchObject({ status: 409, code: 'last-administrator' })
    expect((await admin('GET', '/api/v1/session')).statusCode).toBe(200)
  })

  it('stays one of two who remove each other at the same time', async () => {
    for (let round = 0; round < 5; round += 1) {
      await test.db.query('truncate administrators cascade')
      const tokens = [
        await sessionOf(world.engine, 'administrator', 'a'),
        await sessionOf(world.engine, 'administrator', 'b'),
      ]
      const { rows } = await test.db.query<{ id: number }>('select id from administrators order by name')
      const answers = await Promise.all(
        tokens.map((token, i) =>
          http.asNobody(
            'PATCH',
            `/api/v1/administrators/${rows[1 - i]!.id}`,
            { enabled: false },
            sessionHeaders(token),
          ),
        ),
      )
      const left = await test.db.query('select 1 from administrators where enabled')

      expect(left.rows).toHaveLength(1)
      expect(answers.map((answer) => answer.statusCode).filter((status) => status === 200)).toHaveLength(1)
    }
  })
})

describe('an API token', () => {
  it('is shown once, kept as a digest, and works until it ends or is revoked', async () => {
    const admin = await http.as('administrator')
    const made = (await admin('POST', '/api/v1/tokens', { name: 'ci', scopes: ['read', 'read'], days: 7 })).json()
    const { token, id } = made
    const use = () =>
      http.server.inject({ method: 'GET', url: '/api/v1/runs', headers: { authorization: `Bearer ${token}` } })

    expect(token).toMatch(/^mst_[\w-]{43}$/)
    expect((await use()).statusCode).toBe(200)
    const listed = (await admin('GET', '/api/v1/tokens')).json().items
    expect(listed).toMatchObject([
      { name: 'ci', prefix: token.slice(0, 10), scopes: ['read'], createdBy: 'administrator' },
    ])
    expect(listed[0].lastUsedAt).not.toBeNull()
    const { rows } = await test.db.query<{ row: string }>('select t::text as row from api_tokens t')
    expect(rows[0]!.row).not.toContain(token.slice(10))

    later = 8 * 86_400_000
    expect((await use()).json()).toMatchObject({ status: 401, code: 'token-invalid' })
    later = 0
    expect((await admin('DELETE', `/api/v1/tokens/${id}`)).statusCode).toBe(204)
    expect((await use()).statusCode).toBe(401)
    expect((await admin('GET', '/api/v1/tokens')).json().items).toEqual([])
    expect((await audited('runs.refused')).concat(await audited('access.refused')).length).toBeGreaterThan(0)
    expect(JSON.stringify(await audited('token.create'))).not.toContain(token.slice(10))
  })

  it.each(['mst_wrong', 'Basic YTpi', ''])('that is none is refused, also beside a good session: %s', async (value) => {
    const token = await sessionOf(world.engine, 'administrator')
    const headers = { ...sessionHeaders(token), authorization: value.startsWith('Basic') ? value : `Bearer ${value}` }

    expect((await http.asNobody('GET', '/api/v1/runs', undefined, headers)).statusCode).toBe(401)
  })

  it('in an address is none', async () => {
    const admin = await http.as('administrator')
    const { token } = (await admin('POST', '/api/v1/tokens', { name: 'ci', scopes: ['read'], days: null })).json()

    expect((await http.asNobody('GET', `/api/v1/runs?token=${token}&access_token=${token}`)).statusCode).toBe(401)
  })
})

// Second factors of local accounts, over HTTP on a real database. Codes are worked out without the library.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../test/support/database.ts'
import { aServer, SAME_SITE, sessionHeaders, type TestServer } from '../../../test/support/server.ts'
import { timeCode } from '../../../test/support/time-code.ts'
import { aSyncWorld, type SyncWorld } from '../../../test/support/world.ts'
import { systemClock } from '../../base/clock.ts'
import { issueSetupCode } from '../../signin/codes.ts'
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

const codeOf = (secret: string, steps = 0) => timeCode(secret, clock.now(), steps)

/** One that is right neither now nor in the minute around it. */
function wrongCode(secret: string): string {
  const right = [-2, -1, 0, 1, 2].map((steps) => codeOf(secret, steps))
  return ['000000', '111111', '222222', '333333', '444444', '555555'].find((code) => !right.includes(code))!
}

type Ask = (
  method: 'GET' | 'POST' | 'PUT' | 'DELETE',
  url: string,
  body?: unknown,
) => ReturnType<TestServer['asNobody']>
const OWN = '/api/v1/session/second-factor'
const withSession =
  (token: string): Ask =>
  (method, url, body) =>
    http.asNobody(method, url, body, sessionHeaders(token))
const cookieOf = (answer: { cookies: readonly { name: string; value: string }[] }) =>
  answer.cookies.find(({ name }) => name === 'muster-session')?.value ?? ''
const signIn = (code?: string, password = GOOD, address = '198.51.100.1') =>
  http.server.inject({
    method: 'POST',
    url: '/api/v1/session',
    remoteAddress: address,
    headers: { ...SAME_SITE, 'content-type': 'application/json' },
    payload: JSON.stringify({ name: 'Ann', password, ...(code === undefined ? {} : { code }) }),
  })
const audited = async () =>
  (await test.db.query<{ action: string }>('select action from audit order by id desc limit 20')).rows.map(
    ({ action }) => action,
  )

async function ann(): Promise<Ask> {
  const code = await issueSetupCode(world.engine)
  return withSession(cookieOf(await http.asNobody('POST', '/api/v1/setup', { code, name: 'Ann', password: GOOD }, NO)))
}

/** With a second factor that was turned on a minute ago. */
async function annWithFactor(): Promise<{ ask: Ask; secret: string; recoveryCodes: string[] }> {
  const ask = await ann()
  const { secret } = (await ask('POST', OWN, { password: GOOD })).json()
  const { recoveryCodes } = (await ask('PUT', OWN, { code: codeOf(secret) })).json()
  later += 60_000
  return { ask, secret, recoveryCodes }
}

describe('turning it on', () => {
  it('asks for the password and a first code, gives ten recovery codes once, and ends other sessions', async () => {
    const ask = await ann()
    const other = withSession(cookieOf(await signIn()))
    expect((await ask('GET', OWN)).json()).toEqual({ isOn: false, since: null, recoveryCodesLeft: 0 })
    expect((await ask('POST', OWN, { password: 'not the password' })).json()).toMatchObject({
      status: 403,
      code: 'password-wrong',
    })
    const begun = (await ask('POST', OWN, { password: GOOD })).json()
    expect(begun.uri).toBe(
      `otpauth://totp/Muster:Ann?issuer=Muster&secret=${begun.secret}&algorithm=SHA1&digits=6&period=30`,
    )
    // Not asked for before a code was right.
    expect((await signIn()).statusCode).toBe(201)
    expect((await ask('PUT', OWN, { code: codeOf(begun.secret, 5) })).json()).toMatchObject({
      status: 403,
      code: 'code-wrong',
    })
    const confirmed = await ask('PUT', OWN, { code: codeOf(begun.secret) })

    expect(new Set(confirmed.json().recoveryCodes).size).toBe(10)
    expect((await ask('GET', OWN)).json()).toMatchObject({ isOn: true, recoveryCodesLeft: 10 })
    expect((await other('GET', '/api/v1/session')).statusCode).toBe(401)
    expect((await ask('GET', '/api/v1/administrators')).json().items).toMatchObject([
      { name: 'Ann', secondFactor: true },
    ])
    expect((await ask('POST', OWN, { password: GOOD })).json()).toMatchObject({ status: 409, code: 'second-factor-on' })
    expect((await ask('PUT', OWN, { code: codeOf(begun.secret, 1) })).json().code).toBe('second-factor-not-begun')
    expect((await audited()).slice(0, 5)).toContain('second-factor.on')
  })

  it('keeps the secret sealed, recovery codes as digests, and neither in the audit', async () => {
    const { secret, recoveryCodes } = await annWithFactor()
    const { rows } = await test.db.query<{ all: string }>(
      `select (select string_agg(f::text, '') from second_factors f) || (select string_agg(c::text, '') from recovery_codes c)
         || (select string_agg(a::text, '') from audit a) as all`,
    )
    const text = rows[0]?.all ?? ''

    expect(text.length).toBeGreaterThan(500)
    for (const clear of [secret, Buffer.from(secret).toString('hex'), ...recoveryCodes])
      expect(text).not.toContain(clear)
  })
})

describe('signing in', () => {
  it('asks for the code when the password is right, and not before', async () => {
    const { secret } = await annWithFactor()
    await test.db.query('truncate audit')

    expect((await signIn(undefined, 'wrong')).json()).toMatchObject({ status: 401, code: 'sign-in-failed' })
    expect((await signIn(codeOf(secret), 'wrong')).json().code).toBe('sign-in-failed')
    expect((await signIn()).json()).toMatchObject({ status: 401, code: 'second-factor-needed' })
    const answer = await signIn(codeOf(secret))
    expect(answer.statusCode).toBe(201)
    expect((await withSession(cookieOf(answer))('GET', '/api/v1/session')).json().account.name).toBe('Ann')
    // The two with a wrong password are equal.
    expect(await audited()).toEqual(['session.start', 'session.start.code-asked', 'session.start.refused'])
  })

  it('takes each code once, also of two at once, and those of half a minute before and after', async () => {
    const { secret } = await annWithFactor()
    const code = codeOf(secret)
    const both = await Promise.all([signIn(code), signIn(code, GOOD, '203.0.113.9')])
    expect(both.map(({ statusCode }) => statusCode).toSorted((a, b) => a - b)).toEqual([201, 401])
    expect((await signIn(code)).json().code).toBe('second-factor-wrong')
    // One of before the one that was used is over with it.
    expect((await signIn(codeOf(secret, -1))).json().code).toBe('second-factor-wrong')
    expect((await signIn(codeOf(secret, 1))).statusCode).toBe(201)
    later += 120_000
    expect((await signIn(codeOf(secret, 2))).json().code).toBe('second-factor-wrong')
    expect((await signIn(codeOf(secret, -2))).json().code).toBe('second-factor-wrong')
    later += 60_000
    expect((await signIn(codeOf(secret, -1))).statusCode).toBe(201)
  })

  it('takes each recovery code once, however it is typed', async () => {
    const { ask, recoveryCodes } = await annWithFactor()
    const [first = '', second = ''] = recoveryCodes

    expect((await signIn(first)).statusCode).toBe(201)
    expect((await signIn(first)).json().code).toBe('second-factor-wrong')
    expect((await signIn(second.replaceAll('-', ' ').toUpperCase())).statusCode).toBe(201)
    expect((await ask('GET', OWN)).json().recoveryCodesLeft).toBe(8)
    const details = await test.db.query<{ details: string }>(
      `select details from audit where action = 'session.start' order by id desc limit 1`,
    )
    expect(JSON.parse(details.rows[0]?.details ?? '')).toEqual({ by: 'password', secondFactor: 'recovery code' })
  })

  it('codes that are guessed make the next try wait, and the right password in between makes nothing undone', async () => {
    await annWithFactor()
    const met: number[] = []
    for (let n = 0; n < 9; n += 1) {
      met.push((await signIn('000000')).statusCode)
      const between = await signIn()
      if (between.statusCode !== 429) expect(between.json().code).toBe('second-factor-needed')
    }

    expect(met.slice(0, 5)).toEqual([401, 401, 401, 401, 401])
    expect(met.slice(5)).toEqual([429, 429, 429, 429])
  })

  it('codes that are guessed from everywhere make the next one wait, and administrators are told of ten', async () => {
    const { secret, recoveryCodes } = await annWithFactor()
    const facts = async () =>
      (await test.db.query<{ facts: unknown }>('select facts from alerts order by id')).rows.map((row) => row.facts)
    await test.db.query('truncate alerts cascade')
    const waits: number[] = []
    const told: number[] = []
    for (let nth = 0; waits.length < 7; nth += 1) {
      const answer = await signIn(wrongCode(secret), GOOD, `203.0.113.${nth}`)
      if (answer.statusCode === 429) {
        waits.push(Number(answer.headers['retry-after']))
        if (waits.length < 7) later += waits.at(-1)! * 1_000
      } else {
        expect(answer.json().code).toBe('second-factor-wrong')
        told.push((await facts()).length)
      }
    }

    expect(waits).toEqual([30, 60, 120, 240, 480, 960, 1920])
    // The tenth and, once a day, no other.
    expect(told).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1])
    expect(await facts()).toEqual([{ kind: 'codes', account: expect.any(Number), wrong: 10 }])
    expect((await audited()).filter((action) => action === 'second-factor.guessed')).toHaveLength(1)
    // The owner has a way in nevertheless, and whoever guesses gets nothing out of it.
    const refused = await signIn(codeOf(secret), GOOD, '192.0.2.7')
    expect(refused.json()).toMatchObject({ status: 429, detail: expect.stringContaining('recovery code') })
    expect((await signIn(recoveryCodes[0], GOOD, '192.0.2.7')).statusCode).toBe(201)
    expect((await signIn(wrongCode(secret), GOOD, '203.0.113.200')).statusCode).toBe(429)
  })

  it('codes at once are counted as many', async () => {
    const { secret } = await annWithFactor()
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, nth) => signIn(wrongCode(secret), GOOD, `203.0.113.${nth}`)),
    )

    expect(answers.filter(({ statusCode }) => statusCode === 401)).toHaveLength(5)
    expect(answers.filter(({ statusCode }) => statusCode === 429)).toHaveLength(7)
  })

  it('nobody buys tries with an account of his own, nor with the right password', async () => {
    const { ask, secret } = await annWithFactor()
    await ask('POST', '/api/v1/administrators', { name: 'Vic', role: 'viewer', password: GOOD })
    const met: number[] = []
    for (let n = 0; n < 20; n += 1) {
      met.push((await signIn(wrongCode(secret))).statusCode)
      if (n % 4 === 3) {
        const vics = await http.asNobody('POST', '/api/v1/session', { name: 'Vic', password: GOOD }, NO)
        if (vics.statusCode !== 429) expect(vics.statusCode).toBe(201)
      }
    }

    expect(met.filter((status) => status === 401)).toHaveLength(5)
  })

  it('nor with the password at a session that is not his', async () => {
    const { ask, secret } = await annWithFactor()
    const passwords = [GOOD, 'quartz nimbus ferret lathe']
    const met: number[] = []
    for (let n = 0; n < 12; n += 1) {
      met.push((await ask('POST', `${OWN}/removal`, { password: passwords[0], code: wrongCode(secret) })).statusCode)
      if (n % 4 !== 3) continue
      const [current, password] = passwords
      if ((await ask('PUT', '/api/v1/session/password', { current, password })).statusCode === 204) passwords.reverse()
    }

    expect(met.filter((status) => status === 403)).toHaveLength(5)
    expect(met.at(-1)).toBe(429)
  })

  it('asked for the code again and again with the right password nobody waits', async () => {
    const { secret } = await annWithFactor()
    for (let n = 0; n < 12; n += 1) expect((await signIn()).json().code).toBe('second-factor-needed')
    expect((await signIn(codeOf(secret))).statusCode).toBe(201)
  })
})

describe('losing it', () => {
  it('one turns it off oneself with password and a code', async () => {
    const { ask, secret, recoveryCodes } = await annWithFactor()
    const off = (password: string, code: string) => ask('POST', `${OWN}/removal`, { password, code })

    expect((await off('wrong wrong', codeOf(secret))).json().code).toBe('password-wrong')
    expect((await off(GOOD, '000000')).json().code).toBe('code-wrong')
    expect((await off(GOOD, recoveryCodes[0]!)).statusCode).toBe(204)
    expect((await signIn()).statusCode).toBe(201)
    expect((await off(GOOD, codeOf(secret))).statusCode).toBe(404)
  })

  it('new recovery codes make the old ones worthless', async () => {
    const { ask, secret, recoveryCodes } = await annWithFactor()
    const renewed = await ask('POST', `${OWN}/recovery-codes`, { password: GOOD, code: codeOf(secret) })

    expect(renewed.json().recoveryCodes).toHaveLength(10)
    expect((await signIn(recoveryCodes[0])).json().code).toBe('second-factor-wrong')
    expect((await signIn(renewed.json().recoveryCodes[0])).statusCode).toBe(201)
  })

  it('an administrator takes it away from somebody, whose sessions end; that is audited', async () => {
    const { ask } = await annWithFactor()
    const bob = await http.as('administrator')
    const { items } = (await bob('GET', '/api/v1/administrators')).json()
    const { id } = items.find(({ name }: { name: string }) => name === 'Ann')

    expect((await (await http.as('operator'))('DELETE', `/api/v1/administrators/${id}/second-factor`)).statusCode).toBe(
      403,
    )
    expect((await bob('DELETE', `/api/v1/administrators/${id}/second-factor`)).statusCode).toBe(204)
    expect((await ask('GET', '/api/v1/session')).statusCode).toBe(401)
    expect((await signIn()).statusCode).toBe(201)
    expect(await audited()).toContain('second-factor.reset')
    expect((await bob('DELETE', `/api/v1/administrators/${id}/second-factor`)).statusCode).toBe(404)
  })

  it('an administrator does not take his own away without password and code, and no API token anybody’s', async () => {
    const { ask } = await annWithFactor()
    const { items } = (await ask('GET', '/api/v1/administrators')).json()
    const { id } = items.find(({ name }: { name: string }) => name === 'Ann')
    const program = await http.withToken('administer')
    const account = `/api/v1/administrators/${id}`

    expect((await ask('DELETE', `${account}/second-factor`)).json()).toMatchObject({
      status: 409,
      code: 'own-second-factor',
      detail: expect.stringContaining('My account'),
    })
    expect((await program('DELETE', `${account}/second-factor`)).statusCode).toBe(403)
    expect((await ask('GET', OWN)).json()).toMatchObject({ isOn: true })
    expect((await signIn()).json().code).toBe('second-factor-needed')
    expect((await program('GET', '/api/v1/administrators')).statusCode).toBe(200)
  })

  it('a link of the console lets one in without it, and takes it away where that is wanted', async () => {
    await annWithFactor()
    const actor = { kind: 'command line', name: 'root@host' } as const
    const enter = async (code: string) => http.asNobody('POST', '/api/v1/session/link', { code }, NO)

    expect(
      (await enter(await issueLinkCode(world.engine, { name: 'ann', resetSecondFactor: false, actor }))).statusCode,
    ).toBe(201)
    expect((await signIn()).json().code).toBe('second-factor-needed')
    expect(
      (await enter(await issueLinkCode(world.engine, { name: 'ann', resetSecondFactor: true, actor }))).statusCode,
    ).toBe(201)
    expect((await signIn()).statusCode).toBe(201)
    expect(await audited()).toEqual(expect.arrayContaining(['account.link', 'second-factor.reset']))
    await expect(issueLinkCode(world.engine, { name: 'eve', resetSecondFactor: true, actor })).rejects.toMatchObject({
      code: 'not-found',
    })
  })
})

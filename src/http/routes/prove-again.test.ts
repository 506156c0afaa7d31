// What is sensitive asks for a recent proof of who one is: by password and second factor, or at Microsoft. Over HTTP on a real database,
// and an OpenID provider that is not ours.
import { TOTP } from 'otpauth'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../test/support/database.ts'
import type { ProvidedTenant } from '../../../test/support/oidc-provider.ts'
import { type Ask, aServer, SAME_SITE, sessionHeaders, type TestServer } from '../../../test/support/server.ts'
import { comeBack, type KnownPerson, letSignIn, personSession } from '../../../test/support/sign-in.ts'
import { aSyncWorld, type SyncWorld } from '../../../test/support/world.ts'
import { systemClock } from '../../base/clock.ts'
import { API } from '../../contract/api/api.ts'
import type { OwnSession } from '../../contract/api/access.ts'
import type { ConnectionView } from '../../contract/api/connections.ts'
import type { Endpoint } from '../../contract/api/endpoint.ts'
import type { SourceSettingsInput } from '../../contract/sources.ts'
import { issueSetupCode } from '../../signin/codes.ts'

const MINUTE = 60_000
const GOOD = 'kestrel umbrella radish plinth'
const PROOF = '/api/v1/session/proof'
const SENSITIVE = [
  ['POST', '/api/v1/runs/4711/approve'],
  ['POST', '/api/v1/runs/4711/reverts'],
  ['POST', '/api/v1/runs/4711/revert'],
  ['POST', '/api/v1/users/4711/cards/1/reveal'],
  ['POST', '/api/v1/users/4711/cards'],
  ['POST', '/api/v1/users/4711/pin'],
  ['GET', '/api/v1/exports/users'],
  ['GET', '/api/v1/runs/4711/items/export'],
  ['GET', '/api/v1/backup'],
] as const

let test: TestDatabase
let world: SyncWorld
let http: TestServer
let provider: ProvidedTenant
let people: readonly KnownPerson[]
let connectionId: number
let later = 0
/** The last entry of the audit before the test. */
let audits = 0
const clock = { ...systemClock, now: () => new Date(systemClock.now().getTime() + later) }

beforeAll(async () => {
  test = await createTestDatabase()
  const settings = { safeguard: 'off', users: { options: { useAsAuthenticationServer: true } } } as const
  world = await aSyncWorld(test.db, { users: 4, settings, clock })
  await world.sync()
  ;({ provider, people, connectionId } = await letSignIn(world))
})
afterAll(async () => {
  await provider.stop()
  await world.stop()
  await test.drop()
})
beforeEach(async () => {
  later = 0
  await test.db.query('truncate administrators, sessions, signin_flows, signin_attempts, one_time_codes cascade')
  await test.db.query('update setup set done_at = null')
  http = await aServer(world.engine)
  audits = Number((await test.db.query('select coalesce(max(id), 0) as last from audit')).rows[0]?.['last'])
  return () => http.stop()
})

const withSession =
  (token: string): Ask =>
  (method, url, body) =>
    http.asNobody(method, url, body, sessionHeaders(token))

async function ann(): Promise<Ask> {
  const code = await issueSetupCode(world.engine)
  const answer = await http.asNobody('POST', '/api/v1/setup', { code, name: 'Ann', password: GOOD })
  return withSession(answer.cookies.find(({ name }) => name === 'muster-session')!.value)
}

/** Codes of what sensitive endpoints answer; what is not there shows that somebody was let as far as that. */
const met = async (ask: Ask) => {
  const codes: string[] = []
  for (const [method, url] of SENSITIVE) {
    const answer = await ask(method, url, method === 'POST' ? bodyOf(url) : undefined)
    const isProblem = answer.headers['content-type']?.includes('problem+json') === true
    codes.push(isProblem ? answer.json<{ code: string }>().code : 'given')
  }
  return codes
}
const bodyOf = (url: string) => {
  if (url.endsWith('/cards')) return { card: 'c' }
  return url.endsWith('/approve') ? { hash: 'h', reason: 'r' } : { reason: 'r' }
}
const REFUSED = SENSITIVE.map(() => 'proof-needed')
/** A server of this test keeps no file that a backup could be made of. */
const LET = [...Array.from({ length: 6 }, () => 'not-found'), 'given', 'not-found', 'config-invalid']
const session = async (ask: Ask) => (await ask('GET', '/api/v1/session')).json<OwnSession>()
const audited = async () =>
  (
    await test.db.query<{ action: string; actor_name: string; details: string }>(
      `select action, actor_name, details from audit where action like 'session.prove%' and id > $1 order by id`,
      [audits],
    )
  ).rows.map(({ action, actor_name, details }) => [action, actor_name, JSON.parse(details)])

describe('what is sensitive', () => {
  it('is approving plans, taking runs back, revealing cards, adding cards, new PINs, tokens of terminals, exports of the registry, backups, who may sign in and how, and nothing else', () => {
    const asking = Object.values<Endpoint>(API).filter(({ needsProof }) => needsProof !== undefined)
    const bySettings = asking.filter(({ needsProof }) => String(needsProof).startsWith('where'))
    const marked = asking.filter((endpoint) => !bySettings.includes(endpoint))

    expect(bySettings.map(({ method, path }) => `${method} ${path}`).sort()).toEqual([
      'PATCH /api/v1/terminals/:terminal',
      'POST /api/v1/sources',
      'POST /api/v1/sources/:source/settings/:number/restore',
      'PUT /api/v1/sources/:source',
    ])
    expect(marked.map(({ method, path }) => `${method} ${path}`).sort()).toEqual([
      'DELETE /api/v1/administrators/:account',
      'DELETE /api/v1/administrators/:account/second-factor',
      'DELETE /api/v1/role-mappings/:mapping',
      'GET /api/v1/backup',
      'GET /api/v1/exports/:kind',
      'GET /api/v1/runs/:run/items/export',
      'PATCH /api/v1/administrators/:account',
      'POST /api/v1/administrators',
      'POST /api/v1/configuration',
      'POST /api/v1/connections',
      'POST /api/v1/me/pin',
      'POST /api/v1/role-mappings',
      'POST /api/v1/runs/:run/approve',
      'POST /api/v1/runs/:run/revert',
      'POST /api/v1/runs/:run/reverts',
      'POST /api/v1/terminals',
      'POST /api/v1/terminals/:terminal/token',
      'POST /api/v1/tokens',
      'POST /api/v1/users/:user/cards',
      'POST /api/v1/users/:user/cards/:card/reveal',
      'POST /api/v1/users/:user/pin',
      'PUT /api/v1/connections/:connection',
    ])
  })

  it('is done within ten minutes of signing in, however busy the session is, and not after; everything else goes on', async () => {
    const ask = await ann()
    expect(await met(ask)).toEqual(LET)
    expect((await session(ask)).provenUntil).not.toBeNull()
    later = 9 * MINUTE
    expect(await met(ask)).toEqual(LET)
    later = 11 * MINUTE

    expect(await met(ask)).toEqual(REFUSED)
    expect((await session(ask)).provenUntil).toBeNull()
    expect((await ask('GET', '/api/v1/users')).statusCode).toBe(200)
    expect((await ask('GET', '/api/v1/settings')).statusCode).toBe(200)
  })

  it('is whatever lets somebody sign in: none of it is done by a session that was left open', async () => {
    const ask = await ann()
    later = 11 * MINUTE
    const bob = { name: 'Bob', password: 'quartz nimbus ferret lathe', role: 'administrator' }
    const { id } = (await ask('GET', '/api/v1/administrators')).json<{ items: { id: string }[] }>().items[0]!
    const asked = [
      await ask('POST', '/api/v1/administrators', bob),
      await ask('PATCH', `/api/v1/administrators/${id}`, { password: bob.password }),
      await ask('POST', '/api/v1/tokens', { name: 'ci', scopes: ['administer'], days: null }),
      await ask('POST', '/api/v1/role-mappings', { connection: 'c', kind: 'group', value: 'g', role: 'administrator' }),
    ]

    expect(asked.map((answer) => answer.json<{ code: string }>().code)).toEqual(asked.map(() => 'proof-needed'))
    expect((await ask('GET', '/api/v1/administrators')).json()).toMatchObject({ items: [{ name: 'Ann' }] })
  })

  it('is the token of a terminal, and whatever lets one do more; that it does less, has another name or ends is not', async () => {
    const ask = await ann()
    const settings = { may: ['card', 'pin'], tells: ['language'], unknownCard: 'register', cardTransform: null }
    const made = await ask('POST', '/api/v1/terminals', { name: 'door', ...settings, days: 1 })
    const url = `/api/v1/terminals/${made.json<{ id: string }>().id}`
    later = 11 * MINUTE
    const codeOf = async (method: 'POST' | 'PATCH', at: string, body: object) =>
      (await ask(method, at, body)).json<{ code?: string }>().code
    const change = (body: object) => codeOf('PATCH', url, body)

    expect(await codeOf('POST', '/api/v1/terminals', { name: 'gate', ...settings, days: 1 })).toBe('proof-needed')
    expect(await codeOf('POST', `${url}/token`, { days: 1 })).toBe('proof-needed')
    expect(await change({ may: ['card', 'pin', 'password'] })).toBe('proof-needed')
    expect(await change({ may: ['deviceCode'] })).toBe('proof-needed')
    expect(await change({ tells: ['personalNumber'] })).toBe('proof-needed')
    expect(await change({ unknownCard: 'registerAlsoByCode' })).toBe('proof-needed')
    expect(await change({ cardTransform: 'left(1)' })).toBe('proof-needed')
    expect((await ask('GET', '/api/v1/terminals')).json()).toMatchObject({ items: [{ name: 'door', ...settings }] })
    expect(await change({ name: 'the door', may: ['pin', 'card'], tells: ['language'] })).toBeUndefined()
    expect(await change({ may: ['card'], tells: [], unknownCard: 'refuse' })).toBeUndefined()
    expect(await change({ unknownCard: 'register' })).toBe('proof-needed')
    await ask('POST', PROOF, { password: GOOD })
    expect(await change(settings)).toBeUndefined()
    later = 22 * MINUTE
    expect((await ask('DELETE', url)).statusCode).toBe(204)
  })

  it('taking a run back asks for it, in whole and for one user; looking at what it would do does not', async () => {
    const ask = await ann()
    const run = await test.db.query<{ id: number }>(`select id from runs where outcome = 'applied' order by id limit 1`)
    const path = `/api/v1/runs/${run.rows[0]!.id}/revert`
    later = 11 * MINUTE
    const users = async () => (await test.db.query('select from users where source_id is not null')).rowCount
    const before = await users()
    const codeOf = async (url: string, body: object) => (await ask('POST', url, body)).json<{ code: string }>().code

    const body = { reason: 'wrong', confirmed: true }
    expect(await codeOf(path, body)).toBe('proof-needed')
    expect(await codeOf(path, { ...body, dryRun: false })).toBe('proof-needed')
    expect(await codeOf(`${path}s`, body)).toBe('proof-needed')
    expect(await codeOf(`${path}s`, { ...body, user: people[0]!.objectId })).toBe('proof-needed')
    expect((await ask('POST', path, { ...body, dryRun: true })).json()).toMatchObject({ run: '', outcome: 'planned' })
    expect(await users()).toBe(before)
    expect((await test.db.query(`select from runs where kind = 'revert'`)).rowCount).toBe(0)
  })

  it('is not asked of API tokens', async () => {
    await ann()
    later = 60 * MINUTE
    const token = await http.withToken('read', 'export', 'runs', 'people', 'administer')

    expect(await met(token)).toEqual(LET)
  })

  it('is refused to a session of which nobody knows when it was proved', async () => {
    const ask = await ann()
    await test.db.query('update sessions set authenticated_at = null')

    expect(await met(ask)).toEqual(REFUSED)
  })
})

describe('by password', () => {
  it('the right one counts for this session alone, for ten minutes, and is audited', async () => {
    const ask = await ann()
    later = 11 * MINUTE
    const wrong = await ask('POST', PROOF, { password: 'not that one at all' })
    expect(wrong.json()).toMatchObject({ code: 'password-wrong' })
    expect(await met(ask)).toEqual(REFUSED)
    await test.db.query(
      `insert into sessions (digest, administrator_id, created_at, last_seen_at, expires_at, address, user_agent)
       select '\\x00', administrator_id, created_at, last_seen_at, expires_at, address, 'another' from sessions`,
    )
    const right = await ask('POST', PROOF, { password: GOOD })

    expect(right.json<OwnSession>().provenUntil).not.toBeNull()
    expect(await met(ask)).toEqual(LET)
    const proved = await test.db.query('select user_agent from sessions where authenticated_at = $1', [clock.now()])
    expect(proved.rows.map((row) => row['user_agent'])).not.toContain('another')
    later = 22 * MINUTE
    expect(await met(ask)).toEqual(REFUSED)
    expect(await audited()).toEqual([
      ['session.prove.refused', 'Ann', expect.objectContaining({ reason: 'password-wrong' })],
      ['session.prove', 'Ann', { by: 'password' }],
    ])
  })

  it('the second factor is asked for as well, and a code that was used proves nothing', async () => {
    const ask = await ann()
    const { secret } = (await ask('POST', '/api/v1/session/second-factor', { password: GOOD })).json<{
      secret: string
    }>()
    const codeNow = () => new TOTP({ secret }).generate({ timestamp: clock.now().getTime() })
    await ask('PUT', '/api/v1/session/second-factor', { code: codeNow() })
    later = 11 * MINUTE
    const alone = await ask('POST', PROOF, { password: GOOD })
    const wrong = await ask('POST', PROOF, { password: GOOD, code: '000000' })
    expect(await met(ask)).toEqual(REFUSED)
    const code = codeNow()
    const right = await ask('POST', PROOF, { password: GOOD, code })
    expect(await met(ask)).toEqual(LET)
    later = 22 * MINUTE
    const again = await ask('POST', PROOF, { password: GOOD, code })

    expect([alone, wrong, again].map((answer) => answer.json<{ code: string }>().code)).toEqual([
      'second-factor-needed',
      'second-factor-wrong',
      'second-factor-wrong',
    ])
    expect(right.statusCode).toBe(200)
  })

  it('is not guessed at an open screen: tries are counted with those of changing the password', async () => {
    const ask = await ann()
    later = 11 * MINUTE
    const codes: string[] = []
    for (let i = 0; i < 12; i += 1)
      codes.push((await ask('POST', PROOF, { password: `guess ${i}` })).json<{ code: string }>().code)

    expect(codes[0]).toBe('password-wrong')
    expect(codes.at(-1)).toBe('slow-down')
    const other = await ask('PUT', '/api/v1/session/password', { current: GOOD, password: `${GOOD} anew` })
    expect(other.json()).toMatchObject({ code: 'slow-down' })
  })

  it('is refused to people who have none here, and to programs', async () => {
    const person = { userId: people[0]!.userId, connectionId, role: 'administrator' } as const
    const token = await http.withToken('administer')

    expect(
      (await withSession(await personSession(world.engine, person))('POST', PROOF, { password: GOOD })).json(),
    ).toMatchObject({ code: 'forbidden' })
    expect((await token('POST', PROOF, { password: GOOD })).statusCode).toBe(403)
  })
})

describe('at Microsoft', () => {
  async function operator() {
    const [person, other] = people
    const token = await personSession(world.engine, {
      userId: person!.userId,
      connectionId,
      role: 'administrator',
      authenticatedAt: null,
    })
    const ask = withSession(token)
    const begin = async () => {
      const answer = await ask('POST', `${PROOF}/microsoft`, { returnTo: '/runs/7?search=a' })
      const flow = answer.cookies.find(({ name }) => name === 'muster-flow')!.value
      return { url: answer.json<{ url: string }>().url, flow }
    }
    return { ask, begin, person: person!, other: other! }
  }

  it('whoever signs in anew there has proved it, and is back where he was with the session that he has', async () => {
    const { ask, begin, person } = await operator()
    expect(await met(ask)).toEqual(REFUSED)
    const { url, flow } = await begin()
    const back = await comeBack(http, await provider.signIn(url, person.userName), flow)

    expect(Object.fromEntries(new URL(url).searchParams)).toMatchObject({ prompt: 'login', max_age: '0' })
    expect(back).toMatchObject({ status: 303, location: '/runs/7?search=a#proof=given', session: undefined })
    expect(await met(ask)).toEqual(LET)
    later = 11 * MINUTE
    expect(await met(ask)).toEqual(REFUSED)
    expect(await audited()).toEqual([['session.prove', person.userName, { by: 'microsoft' }]])
  })

  it.each([
    ['whose way was changed so that Microsoft does not say when', 'proof-missing', { strip: true }],
    ['that is too long ago', 'proof-old', { late: true }],
    ['of somebody else', 'proof-other-person', { isOther: true }],
    ['of a session that has ended', 'flow-unknown', { ends: true }],
    ['in another browser', 'flow-other-browser', { isElsewhere: true }],
  ] as const)('a sign-in %s proves nothing', async (_what, reason, how) => {
    const { ask, begin, person, other } = await operator()
    // Microsoft's clock is that of the machine.
    if ('late' in how) later = 11 * MINUTE
    const { url, flow } = await begin()
    const way = new URL(url)
    if ('strip' in how) for (const name of ['prompt', 'max_age']) way.searchParams.delete(name)
    if ('ends' in how) await ask('DELETE', '/api/v1/session')
    const came = await provider.signIn(way.href, 'isOther' in how ? other.userName : person.userName)
    const back = await comeBack(http, came, 'isElsewhere' in how ? undefined : flow)

    expect(back.session).toBeUndefined()
    expect(back.location).toMatch(new RegExp(`#(proof|error)=${reason}$`))
    const { rows } = await test.db.query('select authenticated_at from sessions')
    expect(rows.filter((row) => row['authenticated_at'] !== null)).toEqual([])
    if (reason.startsWith('proof'))
      expect(await audited()).toEqual([['session.prove.refused', 'nobody', expect.objectContaining({ reason })]])
  })

  it('is asked of whoever draws himself, or somebody else, a PIN: that works at terminals as soon as it is shown', async () => {
    const { ask, begin, person, other } = await operator()
    const pins = async () =>
      (await test.db.query(`select user_id, lookup from credentials where kind = 'pin' order by user_id`)).rows
    const before = await pins()
    const draw = async () => [
      (await ask('POST', '/api/v1/me/pin')).statusCode,
      (await ask('POST', `/api/v1/users/${other.userId}/pin`)).statusCode,
    ]
    expect(await draw()).toEqual([403, 403])
    expect(await pins()).toEqual(before)
    const { url, flow } = await begin()
    await comeBack(http, await provider.signIn(url, person.userName), flow)

    expect(await draw()).toEqual([201, 201])
    expect((await pins()).map((row) => row['user_id'])).toEqual(expect.arrayContaining([person.userId, other.userId]))
  })

  it('an ordinary sign-in counts from when Microsoft says that it was, and not at all where it does not say', async () => {
    const [person] = people
    const begun = await http.asNobody('POST', '/api/v1/sign-in/microsoft', {})
    const flow = begun.cookies.find(({ name }) => name === 'muster-flow')!.value
    const way = new URL(begun.json<{ url: string }>().url)
    const silent = await comeBack(http, await provider.signIn(way.href, person!.userName), flow)
    const { provenUntil } = (
      await http.asNobody('GET', '/api/v1/session', undefined, {
        ...SAME_SITE,
        cookie: `muster-session=${silent.session}`,
      })
    ).json<OwnSession>()

    expect(way.searchParams.has('max_age')).toBe(false)
    expect(provenUntil).toBeNull()
  })

  describe('is asked of the tenant that an administrator named:', () => {
    const path = () => `/api/v1/connections/${world.source}`
    const EVIL = 'https://evil.example'
    const kept = async () =>
      (
        await test.db.query(
          `select tenant_id, client_id, cloud, authority_url, graph_url, sign_in_with_microsoft, updated_at,
             (select jsonb_agg(c.id order by c.id) from connection_credentials c where c.connection_id = connections.id) as credentials
           from connections where id = $1`,
          [connectionId],
        )
      ).rows
    const asItIs = async () => {
      const shown = (await (await http.as('administrator'))('GET', path())).json<ConnectionView>()
      const { tenantId, clientId, cloud, authorityUrl, graphUrl, signInWithMicrosoft } = shown
      return { tenantId, clientId, cloud, authorityUrl, graphUrl, signInWithMicrosoft }
    }
    const inFile = (connection: object) => ({
      file: { connections: { [world.source]: { ...connection, clientSecret: { env: 'SECRET' } } } },
      secrets: { [world.source]: { secret: provider.clientSecret } },
    })
    const codeOf = (answer: Awaited<ReturnType<Ask>>) =>
      answer.statusCode === 200 ? 200 : answer.json<{ code: string }>().code

    it('a session without a proof cannot have another one vouch for it', async () => {
      const { ask, begin, person } = await operator()
      const before = await kept()
      const evil = { ...(await asItIs()), authorityUrl: EVIL }
      const asked = [
        await ask('PUT', path(), { ...evil, clientSecret: 'of the other one' }),
        await ask('POST', '/api/v1/connections', { ...evil, name: 'evil', clientSecret: 'of the other one' }),
        await ask('POST', '/api/v1/configuration', inFile(evil)),
        await ask('POST', '/api/v1/configuration', { ...inFile(evil), dryRun: false }),
      ]

      expect(asked.map(codeOf)).toEqual(asked.map(() => 'proof-needed'))
      expect(codeOf(await ask('POST', '/api/v1/configuration', { ...inFile(evil), dryRun: true }))).toBe(200)
      expect(await kept()).toEqual(before)
      const { url, flow } = await begin()
      expect(url.startsWith(provider.authorityUrl)).toBe(true)
      await comeBack(http, await provider.signIn(url, person.userName), flow)
      const proved = await ask('PUT', path(), { ...(await asItIs()), passwordsAtTerminals: true })
      expect(proved.json()).toMatchObject({ authorityUrl: provider.authorityUrl, passwordsAtTerminals: true })
    })

    it.each([
      ['authorityUrl', { authorityUrl: EVIL }],
      ['graphUrl', { graphUrl: EVIL }],
      ['tenantId', { tenantId: '99999999-2222-4333-8444-555555555555' }],
      ['clientId', { clientId: '99999999-2222-4333-8444-555555555555' }],
      ['cloud', { cloud: 'global', authorityUrl: undefined, graphUrl: undefined }],
      ['signInWithMicrosoft', { signInWithMicrosoft: false }],
    ])('no API token changes %s', async (field, change) => {
      const token = await http.withToken('configure')
      const before = await kept()
      const evil = { ...(await asItIs()), ...change }
      const asked = [
        await token('PUT', path(), { ...evil, clientSecret: 'of the other one' }),
        await token('POST', '/api/v1/configuration', inFile(evil)),
        await token('POST', '/api/v1/configuration', { ...inFile(evil), dryRun: true }),
      ]

      expect(asked.map((answer) => [answer.statusCode, codeOf(answer)])).toEqual(
        asked.map(() => [409, 'connection-of-sign-in']),
      )
      for (const answer of asked) expect(answer.json<{ detail: string }>().detail).toContain(field)
      expect(await kept()).toEqual(before)
      const refused = await test.db.query<{ action: string; reason: string }>(
        `select action, details::jsonb->>'reason' as reason from audit where id > $1 and actor_kind = 'token' order by id`,
        [audits],
      )
      expect(refused.rows).toContainEqual({ action: 'connection.change.refused', reason: 'connection-of-sign-in' })
      expect(refused.rows).toContainEqual({ action: 'configuration.apply.refused', reason: 'connection-of-sign-in' })
    })

    it('no API token makes one that people sign in through, also in the place of one that it removes', async () => {
      const token = await http.withToken('configure')
      const before = await kept()
      const { tenantId } = await asItIs()
      const evil = { ...(await asItIs()), authorityUrl: EVIL, signInWithMicrosoft: true, clientSecret: 'its own' }
      const file = (more: object) => ({
        file: { connections: { evil: { ...evil, clientSecret: { env: 'SECRET' } } } },
        secrets: { evil: { secret: ['its own'] } },
        ...more,
      })
      const asked = [
        await token('POST', '/api/v1/connections', { ...evil, name: 'evil' }),
        await token('POST', '/api/v1/configuration', file({})),
        await token('POST', '/api/v1/configuration', file({ dryRun: true })),
        await token('POST', '/api/v1/configuration', file({ prune: true })),
      ]

      expect(asked.map((answer) => [answer.statusCode, codeOf(answer)])).toEqual(
        asked.map(() => [409, 'connection-of-sign-in']),
      )
      for (const answer of asked) expect(answer.json<{ detail: string }>().detail).toContain('"evil"')
      expect(await kept()).toEqual(before)
      expect((await test.db.query('select from connections where tenant_id = $1', [tenantId])).rowCount).toBe(1)
      const refused = await test.db.query<{ action: string; reason: string }>(
        `select action, details::jsonb->>'reason' as reason from audit where id > $1 and actor_kind = 'token' order by id`,
        [audits],
      )
      expect(refused.rows).toContainEqual({ action: 'connection.create.refused', reason: 'connection-of-sign-in' })
      expect(refused.rows).toContainEqual({ action: 'configuration.apply.refused', reason: 'connection-of-sign-in' })
    })

    it('an API token changes a connection that nothing of signing in hangs on, and every other part of one that it does', async () => {
      const token = await http.withToken('configure')
      const credentials = { name: 'apart', clientSecret: 'its own', signInWithMicrosoft: false }
      const apart = { ...(await asItIs()), ...credentials }
      const { name: _, ...changed } = { ...apart, clientId: '99999999-2222-4333-8444-555555555555' }
      try {
        expect((await token('POST', '/api/v1/connections', apart)).statusCode).toBe(201)
        expect(codeOf(await token('PUT', '/api/v1/connections/apart', changed))).toBe(200)
        const on = { ...changed, signInWithMicrosoft: true }
        expect(codeOf(await token('PUT', '/api/v1/connections/apart', on))).toBe('connection-of-sign-in')
        await test.db.query(
          `insert into role_mappings (connection_id, kind, value, role, created_at)
             select id, 'appRole', 'Muster.Operator', 'operator', now() from connections where name = 'apart'`,
        )
        const { clientId } = apart
        expect(codeOf(await token('PUT', '/api/v1/connections/apart', { ...changed, clientId }))).toBe(
          'connection-of-sign-in',
        )
      } finally {
        await test.db.query(`delete from connections where name = 'apart'`)
      }
      const same = await asItIs()
      for (const passwordsAtTerminals of [true, false])
        expect((await token('PUT', path(), { ...same, passwordsAtTerminals })).json()).toMatchObject({
          passwordsAtTerminals,
        })
      const applied = async () =>
        (await token('POST', '/api/v1/configuration', inFile(same))).json<{ changes: { action: string }[] }>().changes
      // The first one leaves the credential that the file names alone.
      expect((await applied()).map(({ action }) => action)).toEqual(['change'])
      expect((await applied()).map(({ action }) => action)).toEqual(['unchanged'])
    })

    describe('and through which connection the people of a source sign in', () => {
      const source = () => `/api/v1/sources/${world.source}`
      const settingsOf = async () =>
        (await (await http.as('administrator'))('GET', source())).json<{ settings: SourceSettingsInput }>().settings
      const stored = async () =>
        (
          await test.db.query(
            `select s.name, c.name as connection, s.settings #>> '{users,options,useAsAuthenticationServer}' as lets_in
             from sources s join connections c on c.id = s.connection_id order by s.name`,
          )
        ).rows
      const asking = (settings: SourceSettingsInput, name = world.source) => {
        const file = { sources: { [name]: settings } }
        return [
          name === world.source
            ? (['PUT', source(), { settings }] as const)
            : (['POST', '/api/v1/sources', { name, settings }] as const),
          ['POST', '/api/v1/configuration', { file }] as const,
          ['POST', '/api/v1/configuration', { file, dryRun: true }] as const,
        ]
      }
      const off = (settings: SourceSettingsInput) => ({
        ...settings,
        users: { ...settings.users, options: { ...settings.users?.options, useAsAuthenticationServer: false } },
      })
      beforeEach(async () => {
        await test.db.query(
          `insert into connections (name, tenant_id, client_id, cloud, authority_url, graph_url, sign_in_with_microsoft)
           select n, tenant_id, client_id, cloud, $2, graph_url, n = 'evil' from connections, unnest(array['evil', 'apart']) n where id = $1`,
          [connectionId, EVIL],
        )
        const settings = await settingsOf()
        return async () => {
          later = 0
          const admin = await http.as('administrator')
          await admin('PUT', source(), { settings })
          await test.db.query(`delete from sources where name = 'second'`)
          await test.db.query(`delete from connections where name in ('evil', 'apart')`)
        }
      })

      it.each(['evil', 'apart'])('no API token moves them to another one (%s), in whatever way', async (connection) => {
        const token = await http.withToken('configure')
        const admin = await http.as('administrator')
        const settings = await settingsOf()
        expect((await admin('PUT', source(), { settings: { ...settings, connection } })).statusCode).toBe(200)
        expect((await admin('PUT', source(), { settings })).statusCode).toBe(200)
        const before = await stored()
        const { items } = (await token('GET', `${source()}/settings`)).json<{ items: { number: number }[] }>()
        const asked = [
          ...asking({ ...settings, connection }),
          ['POST', `${source()}/settings/${items[1]!.number}/restore`, {}] as const,
        ]
        const answers = []
        for (const [method, url, body] of asked) answers.push(await token(method, url, body))

        expect(answers.map((answer) => [answer.statusCode, codeOf(answer)])).toEqual(
          asked.map(() => [409, 'connection-of-sign-in']),
        )
        expect(await stored()).toEqual(before)
        const { rows } = await test.db.query<{ action: string }>(
          `select distinct action from audit where id > $1 and actor_kind = 'token' and details::jsonb->>'reason' = 'connection-of-sign-in'`,
          [audits],
        )
        expect(rows.map(({ action }) => action).sort()).toEqual([
          'configuration.apply.refused',
          'source.change.refused',
        ])
      })

      it('no API token has people sign in who did not, by a source that there is or by another one', async () => {
        const token = await http.withToken('configure')
        const settings = await settingsOf()
        const admin = await http.as('administrator')
        expect((await admin('PUT', source(), { settings: off(settings) })).statusCode).toBe(200)
        const asked = [...asking(settings), ...asking(settings, 'second')]
        const answers = []
        for (const [method, url, body] of asked) answers.push(await token(method, url, body))

        expect(answers.map(codeOf)).toEqual(asked.map(() => 'connection-of-sign-in'))
        expect((await stored()).map((row) => row['lets_in'])).toEqual(['false'])
      })

      it('an API token sets everything else, and takes sign-in away', async () => {
        const token = await http.withToken('configure')
        const settings = await settingsOf()
        const put = async (wanted: SourceSettingsInput) => codeOf(await token('PUT', source(), { settings: wanted }))

        expect(await put(settings)).toBe(200)
        expect(await put({ ...settings, priority: 7 })).toBe(200)
        expect(await put(off(settings))).toBe(200)
        expect(await put({ ...off(settings), connection: 'evil' })).toBe(200)
        expect(await put({ ...off(settings), connection: 'apart' })).toBe(200)
        expect(await put({ ...settings, connection: 'apart' })).toBe(200)
        expect(await put({ ...settings, connection: 'evil' })).toBe('connection-of-sign-in')
      })

      it('a session proves who it is before it moves them or lets more of them in, and for nothing else', async () => {
        const ask = await ann()
        const settings = await settingsOf()
        const put = async (wanted: SourceSettingsInput) => codeOf(await ask('PUT', source(), { settings: wanted }))
        expect(await put({ ...settings, connection: 'evil' })).toBe(200)
        expect(await put(settings)).toBe(200)
        const { items } = (await ask('GET', `${source()}/settings`)).json<{ items: { number: number }[] }>()
        const restore = async () => codeOf(await ask('POST', `${source()}/settings/${items[1]!.number}/restore`, {}))
        later = 11 * MINUTE

        expect(await put({ ...settings, priority: 8 })).toBe(200)
        expect(await put({ ...settings, connection: 'evil' })).toBe('proof-needed')
        expect(await restore()).toBe('proof-needed')
        expect(codeOf(await ask('POST', '/api/v1/sources', { name: 'second', settings }))).toBe('proof-needed')
        expect(await put(off(settings))).toBe(200)
        expect(await put(settings)).toBe('proof-needed')
        expect(await stored()).toMatchObject([{ connection: world.source, lets_in: 'false' }])
        await ask('POST', PROOF, { password: GOOD })
        expect(await put(settings)).toBe(200)
        expect(await restore()).toBe(200)
      })
    })
  })

  it('is for people who came from there', async () => {
    const ask = await ann()

    expect((await ask('POST', `${PROOF}/microsoft`, {})).json()).toMatchObject({ code: 'forbidden' })
  })
})

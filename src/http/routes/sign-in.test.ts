// Sign in with Microsoft over HTTP, on a real database, through an OpenID provider that is not ours.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../test/support/database.ts'
import type { ProvidedTenant } from '../../../test/support/oidc-provider.ts'
import { type Ask, aServer, sessionHeaders, sessionOf, type TestServer } from '../../../test/support/server.ts'
import { beginAt, comeBack, type KnownPerson, letSignIn, signInAs } from '../../../test/support/sign-in.ts'
import { aSyncWorld, type SyncWorld } from '../../../test/support/world.ts'
import { Flood, OWN_PIN_LIMIT } from '../flood.ts'
import { systemClock } from '../../base/clock.ts'
import { parsePublicUrl } from '../../base/setting-values.ts'
import { disable, enable } from '../../emulator/operations.ts'
import { createAccount } from '../../signin/administer.ts'
import { removeSoon, requireStillAllowed } from '../../signin/upkeep.ts'
import type { Engine } from '../../sync/engine.ts'
import { runSource } from '../../sync/run.ts'

const SETTINGS = { safeguard: 'off', users: { options: { useAsAuthenticationServer: true } } } as const
const OVERAGE = { _claim_names: { groups: 'src1' }, _claim_sources: { src1: { endpoint: 'https://evil.example' } } }

let test: TestDatabase
let world: SyncWorld
let engine: Engine
let http: TestServer
let provider: ProvidedTenant
let people: readonly KnownPerson[]
let connectionId: number
/** A group that the first person is in. */
let group: string
let later = 0
let isGraphClosed = false
const clock = { ...systemClock, now: () => new Date(systemClock.now().getTime() + later) }

beforeAll(async () => {
  test = await createTestDatabase()
  world = await aSyncWorld(test.db, { users: 6, groups: 3, memberships: 9, settings: SETTINGS, clock })
  await world.sync()
  // Graph is the emulator's, and takes tokens of the emulator only.
  engine = {
    ...world.engine,
    openGraph: (to) =>
      world.engine.openGraph({
        ...to,
        authorityUrl: world.emulator.graphUrl,
        clientId: isGraphClosed ? '99999999-0000-4000-8000-000000000009' : to.clientId,
      }),
  }
  const stored = await letSignIn(world, (known) => [
    ...known,
    { ...known[0]!, userName: 'with-app-role', claims: { roles: ['Muster.Operator', 'Other'] } },
    { ...known[0]!, userName: 'with-group', claims: { groups: ['0a0a0a0a-0000-4000-8000-000000000001'] } },
    { ...known[0]!, userName: 'with-overage', claims: OVERAGE },
    { ...known[0]!, userName: 'stranger', objectId: '5a5a5a5a-0000-4000-8000-000000000005' },
    // Everything but tenant and object id is somebody's who is an administrator here.
    {
      ...known[1]!,
      userName: 'impostor',
      objectId: '5b5b5b5b-0000-4000-8000-000000000005',
      claims: { email: known[0]!.userName, preferred_username: known[0]!.userName, upn: known[0]!.userName },
    },
  ])
  ;({ provider, people, connectionId } = stored)
  const memberships = await test.db.query<{ object_id: string }>(
    `select g.object_id from memberships m join groups g on g.id = m.group_id where m.user_id = $1 and g.object_id is not null limit 1`,
    [people[0]!.userId],
  )
  group = memberships.rows[0]?.object_id ?? ''
  http = await aServer(engine)
})
afterAll(async () => {
  await http.stop()
  await provider.stop()
  await world.stop()
  await test.drop()
})
beforeEach(async () => {
  later = 0
  await test.db.query('truncate sessions, signin_flows, signin_flows_used, role_mappings, alerts cascade')
  await test.db.query('update users set active = true, deactivated_by = null, deactivated_reason = null')
  await test.db.query('update connections set sign_in_with_microsoft = true')
  await world.configure(SETTINGS)
})

const asSession =
  (session: string | undefined): Ask =>
  (method, url, body, headers) =>
    http.asNobody(method, url, body, { ...sessionHeaders(session ?? ''), ...headers })
/** Sessions do not outlive a test. */
const asAdmin = async () => asSession(await sessionOf(world.engine, 'administrator'))
const signIn = (userName: string, body?: unknown) => signInAs({ http, provider }, userName, body)
const lastAudit = async () => {
  const { rows } = await test.db.query<{
    actor_kind: string
    actor_name: string
    action: string
    subject: string
    details: string
  }>(
    `select actor_kind, actor_name, action, subject, details from audit where action like 'session.%' order by id desc limit 1`,
  )
  return { ...rows[0]!, details: JSON.parse(rows[0]!.details) }
}

describe('somebody of the registry', () => {
  it('signs in, sees his own page and nothing else, and that is audited', async () => {
    const person = people[0]!

    const signedIn = await signIn(person.userName, { returnTo: '/me' })

    expect(signedIn).toMatchObject({ status: 303, location: '/me' })
    const audit = await lastAudit()
    expect(audit).toMatchObject({
      actor_kind: 'person',
      actor_name: person.userName,
      action: 'session.start',
      subject: `user ${person.userId}`,
      details: { by: 'microsoft', connection: world.source, role: null },
    })
    const ask = asSession(signedIn.session)
    expect((await ask('GET', '/api/v1/session')).json()).toMatchObject({
      account: { kind: 'person', id: String(person.userId), name: person.userName, role: null },
    })
    const me = (await ask('GET', '/api/v1/me')).json()
    expect(me).toMatchObject({ userName: person.userName, connection: world.source, role: null, roleProblem: null })
    expect(me.groups.length).toBeGreaterThan(0)
    for (const url of ['/api/v1/users', '/api/v1/overview', `/api/v1/users/${person.userId}`, '/api/v1/administrators'])
      expect((await ask('GET', url)).json()).toMatchObject({ status: 403, code: 'forbidden' })
  })

  it('keeps no token: neither cookie nor database hold what the provider gave', async () => {
    const { answer } = await signIn(people[0]!.userName)

    const cookies = answer.cookies.filter((cookie) => cookie.value !== '')
    expect(cookies.map((cookie) => cookie.name)).toEqual(['muster-session'])
    expect(cookies[0]).toMatchObject({ httpOnly: true, sameSite: 'Strict', path: '/' })
    const { rows } = await test.db.query('select * from sessions')
    expect(JSON.stringify(rows)).not.toMatch(/eyJ/)
    expect((await test.db.query('select * from signin_flows')).rows).toEqual([])
  })

  it('sees of each card whether a source gives it, he registered it himself, or it was added by hand, and since when', async () => {
    const { userId, userName } = people[0]!
    await (await http.as('helpdesk'))('POST', `/api/v1/users/${userId}/cards`, { card: '04 A2 B9 1C' })
    const ask = asSession((await signIn(userName)).session)
    const cards = async () => (await ask('GET', '/api/v1/me')).json<{ cards: object[] }>().cards
    const byHand = await cards()
    await test.db.query(`update credentials set origin = 's' where user_id = $1 and kind = 'card'`, [userId])
    const ofSource = await cards()
    await test.db.query(`delete from credentials where user_id = $1 and kind = 'card'`, [userId])

    expect(byHand).toMatchObject([{ isHeld: true, registeredAt: null, isOfSource: false, since: expect.any(String) }])
    expect(ofSource).toMatchObject([{ registeredAt: null, isOfSource: true }])
  })

  it('draws himself a PIN that is shown once, and has it', async () => {
    const ask = asSession((await signIn(people[1]!.userName)).session)
    // Not said by the provider; how it is proved anew, prove-again.test.ts tells.
    await test.db.query('update sessions set authenticated_at = $1', [clock.now()])

    const drawn = await ask('POST', '/api/v1/me/pin')

    expect(drawn.statusCode, drawn.body).toBe(201)
    expect(drawn.json().pin).toMatch(/^\d{4,}$/)
    expect((await ask('GET', '/api/v1/me')).json().pin).toMatchObject({ isSet: true, isOwn: true })
    expect((await ask('GET', '/api/v1/me')).body).not.toContain(drawn.json().pin)
    const { rows } = await test.db.query<{ actor_kind: string; subject: string; details: string }>(
      `select actor_kind, subject, details from audit where action = 'pin.reset' order by id desc limit 1`,
    )
    expect(rows[0]).toMatchObject({ actor_kind: 'person', subject: `user ${people[1]!.userId}` })
    expect(rows[0]!.details).not.toContain(drawn.json().pin)
  })

  it('draws himself five PINs within an hour and no more, and nobody else waits for it', async () => {
    const [first, second] = [
      asSession((await signIn(people[2]!.userName)).session),
      asSession((await signIn(people[3]!.userName)).session),
    ]
    await test.db.query('update sessions set authenticated_at = $1', [clock.now()])
    let passed = 0
    Object.assign(http.parts, { ownPins: new Flood({ monotonicMs: () => passed }, OWN_PIN_LIMIT) })
    const { rows: before } = await test.db.query(`select count(*) from audit where action = 'pin.reset'`)
    const answers = []
    for (let nth = 0; nth < 7; nth += 1) answers.push(await first('POST', '/api/v1/me/pin'))
    const other = await second('POST', '/api/v1/me/pin')
    passed += 720_000
    const later = [await first('POST', '/api/v1/me/pin'), await first('POST', '/api/v1/me/pin')]
    const { rows: after } = await test.db.query(`select count(*) from audit where action = 'pin.reset'`)

    expect(answers.map(({ statusCode }) => statusCode)).toEqual([201, 201, 201, 201, 201, 429, 429])
    expect(answers[5]!.json()).toMatchObject({
      code: 'too-many-requests',
      detail: 'You have drawn 5 new PINs of late; the last one works. You can draw another one in 12 min',
    })
    expect(answers[5]!.headers['retry-after']).toBe('720')
    expect(other.statusCode).toBe(201)
    expect(later.map(({ statusCode }) => statusCode)).toEqual([201, 429])
    expect(Number(after[0]?.['count']) - Number(before[0]?.['count'])).toBe(7)
  })

  it('sees his own sessions alone, ends another one of his, and cannot end anybody else’s', async () => {
    const [mine, again, others] = [
      await signIn(people[0]!.userName),
      await signIn(people[0]!.userName),
      await signIn(people[1]!.userName),
    ]
    const ask = asSession(mine.session)

    const items: { id: string; isThis: boolean }[] = (await ask('GET', '/api/v1/sessions')).json().items

    expect(items).toHaveLength(2)
    const ended = await ask('DELETE', `/api/v1/sessions/${items.find((item) => !item.isThis)!.id}`)
    expect(ended.statusCode).toBe(204)
    expect((await asSession(again.session)('GET', '/api/v1/me')).statusCode).toBe(401)
    const { rows } = await test.db.query<{ id: number }>('select id from sessions where user_id = $1', [
      people[1]!.userId,
    ])
    expect((await ask('DELETE', `/api/v1/sessions/${rows[0]!.id}`)).statusCode).toBe(404)
    expect((await asSession(others.session)('GET', '/api/v1/me')).statusCode).toBe(200)
  })

  it('has one session in a browser: the one before ends when he comes back with another, also as somebody else, and not sooner', async () => {
    const first = (await signIn(people[0]!.userName)).session
    const elsewhere = (await signIn(people[0]!.userName)).session
    const works = async (session: string | undefined) => (await asSession(session)('GET', '/api/v1/me')).statusCode
    // A page of ours begins it, with the cookie; it does not come along from Microsoft's page (SameSite=Strict).
    const begin = async (session: string | undefined) => {
      const begun = await asSession(session)('POST', '/api/v1/sign-in/microsoft', {})
      return {
        url: begun.json<{ url: string }>().url,
        flow: begun.cookies.find(({ name }) => name === 'muster-flow')!.value,
      }
    }
    const comesBackAs = async ({ url, flow }: Awaited<ReturnType<typeof begin>>, userName: string) =>
      (await comeBack(http, await provider.signIn(url, userName), flow)).session
    const begun = await begin(first)
    expect(await works(first)).toBe(200)
    const second = await comesBackAs(begun, people[0]!.userName)
    expect([await works(first), await works(second)]).toEqual([401, 200])
    const third = await comesBackAs(await begin(second), people[1]!.userName)

    expect([await works(second), await works(third), await works(elsewhere)]).toEqual([401, 200, 200])
    expect(await lastAudit()).toMatchObject({
      action: 'session.start',
      subject: `user ${people[1]!.userId}`,
      details: { replaced: { session: expect.any(Number), of: `user ${people[0]!.userId}` } },
    })
  })

  it('has one session in a browser also where two tabs were at Microsoft, or he signed in otherwise while one was', async () => {
    const begin = async (flow?: string) => {
      const cookie = flow === undefined ? {} : { cookie: `muster-flow=${flow}` }
      const begun = await http.asNobody('POST', '/api/v1/sign-in/microsoft', {}, cookie)
      return {
        url: begun.json<{ url: string }>().url,
        flow: begun.cookies.find(({ name }) => name === 'muster-flow')!.value,
      }
    }
    const works = async (session: string | undefined) => (await asSession(session)('GET', '/api/v1/session')).statusCode
    const tabs = [await begin()]
    tabs.push(await begin(tabs[0]!.flow), await begin(tabs[0]!.flow))
    const elsewhere = await begin()
    const back = async ({ url }: { readonly url: string }, { flow } = tabs[0]!) =>
      (await comeBack(http, await provider.signIn(url, people[0]!.userName), flow)).session
    const a = await back(tabs[2]!)
    const b = await back(tabs[0]!)
    expect([await works(a), await works(b)]).toEqual([401, 200])
    const [name, password] = ['break-glass', 'a purple kettle sings on tuesdays']
    await createAccount(engine, { name, password, role: 'viewer' }, { kind: 'command line', name: 'test' })
    const cookie = `muster-session=${b}; muster-flow=${tabs[0]!.flow}`
    const local = await http.asNobody('POST', '/api/v1/session', { name, password }, { cookie })
    const c = local.cookies.find((set) => set.name === 'muster-session')!.value
    expect([await works(b), await works(c)]).toEqual([401, 200])
    expect((await lastAudit()).details.replaced).toEqual({
      session: expect.any(Number),
      of: `user ${people[0]!.userId}`,
    })
    const d = await back(tabs[1]!)

    expect([await works(c), await works(d)]).toEqual([401, 200])
    expect((await lastAudit()).details.replaced).toEqual({
      session: expect.any(Number),
      of: 'administrator break-glass',
    })
    const other = await back(elsewhere, elsewhere)
    expect([await works(d), await works(other)]).toEqual([200, 200])
    expect((await lastAudit()).details).not.toHaveProperty('replaced')
  })

  it('is seen by an administrator where he is signed in, and put out there; that is audited', async () => {
    const [person, other] = [people[0]!, people[1]!]
    const [first, second, others] = [
      await signIn(person.userName),
      await signIn(person.userName),
      await signIn(other.userName),
    ]
    const admin = await asAdmin()
    const listed = async (path: string) =>
      (await admin('GET', `/api/v1/${path}/sessions`)).json<{ items: { id: string; isThis: boolean }[] }>().items
    const before = await listed(`users/${person.userId}`)
    const ended = await admin('DELETE', `/api/v1/sessions/${before[0]!.id}`)
    const signedIn = await Promise.all(
      [first, second, others].map(async ({ session }) => (await asSession(session)('GET', '/api/v1/me')).statusCode),
    )
    const { rows } = await test.db.query<{ id: number }>(`select id from administrators where role = 'administrator'`)
    const own = await Promise.all(rows.map(({ id }) => listed(`administrators/${id}`)))

    expect(before).toMatchObject([
      { isThis: false, address: '127.0.0.1' },
      { isThis: false, address: '127.0.0.1' },
    ])
    expect(ended.statusCode).toBe(204)
    // Which of the two was used last, the clock does not tell.
    expect([signedIn.slice(0, 2).filter((status) => status === 401), signedIn[2]]).toEqual([[401], 200])
    expect(await listed(`users/${person.userId}`)).toEqual(before.slice(1))
    expect(await lastAudit()).toMatchObject({
      actor_kind: 'account',
      action: 'session.end',
      subject: `user ${person.userId}`,
      details: { session: Number(before[0]!.id) },
    })
    expect(own.flat().filter(({ isThis }) => isThis)).toHaveLength(1)
    for (const path of ['users/999999', 'administrators/999999'])
      expect((await admin('GET', `/api/v1/${path}/sessions`)).statusCode).toBe(404)
  })

  it('signs out here and at Microsoft', async () => {
    const ask = asSession((await signIn(people[0]!.userName)).session)

    const { url } = (await ask('DELETE', '/api/v1/session/microsoft')).json()

    expect(new URL(url).origin).toBe(provider.authorityUrl)
    expect(new URL(url).searchParams.get('post_logout_redirect_uri')).toBe('http://localhost/sign-in')
    expect((await ask('GET', '/api/v1/me')).statusCode).toBe(401)
    expect(await lastAudit()).toMatchObject({ action: 'session.end', actor_kind: 'person' })
  })

  it('has a session of 12 hours at most, 8 with a role, and of 30 minutes unused', async () => {
    const hours = async (userName: string) => {
      const ask = asSession((await signIn(userName)).session)
      const { expiresAt } = (await ask('GET', '/api/v1/session')).json()
      return Math.round((Date.parse(expiresAt) - clock.now().getTime()) / 3_600_000)
    }
    await test.db.query(
      `insert into role_mappings (connection_id, kind, value, role, created_at) values ($1, 'appRole', 'Muster.Operator', 'operator', now())`,
      [connectionId],
    )

    expect(await hours(people[0]!.userName)).toBe(12)
    expect(await hours('with-app-role')).toBe(8)
    const ask = asSession((await signIn(people[0]!.userName)).session)
    later = 31 * 60_000
    expect((await ask('GET', '/api/v1/me')).statusCode).toBe(401)
  })
})

describe('who may not', () => {
  it.each<[string, string, () => Promise<unknown>, string]>([
    ['is nobody of the registry', 'stranger', async () => {}, 'unknown-person'],
    ['has somebody’s mail and user name but not his object id', 'impostor', async () => {}, 'unknown-person'],
    [
      'is deactivated',
      '',
      () =>
        test.db.query(
          `update users set active = false, deactivated_by = 'source', deactivated_reason = 'gone' where id = $1`,
          [people[0]!.userId],
        ),
      'person-inactive',
    ],
    [
      'comes from another source, which is no authentication server',
      '',
      async () => {
        const { rows } = await test.db.query<{ id: number }>(
          `insert into sources (name, connection_id, enabled, priority, settings) values ('others', $1, true, 100, '{}') returning id`,
          [connectionId],
        )
        await test.db.query('update users set source_id = $2 where id = $1', [people[0]!.userId, rows[0]!.id])
      },
      'source-not-for-sign-in',
    ],
  ])('%s is refused, with the reason in the audit and in the address', async (_what, userName, change, reason) => {
    await change()

    const ended = await signIn(userName === '' ? people[0]!.userName : userName)

    expect(ended).toMatchObject({ status: 303, location: `/sign-in#error=${reason}`, session: undefined })
    expect(await lastAudit()).toMatchObject({
      actor_kind: 'nobody',
      action: 'session.start.refused',
      details: { by: 'microsoft', reason, connection: world.source, tenantId: world.hosted.tenantId },
    })
    expect((await test.db.query('select 1 from sessions')).rowCount).toBe(0)
    await test.db.query(
      `update users set source_id = (select id from sources where name = $1) where source_id is not null`,
      [world.source],
    )
    await test.db.query(`delete from sources where name = 'others'`)
  })

  it.each<[string, string, () => Promise<unknown>, () => Promise<unknown>]>([
    [
      'its sources say that nobody does',
      'source-option',
      () => world.configure({ safeguard: 'off' }),
      () => world.configure(SETTINGS),
    ],
    [
      'the connection says so',
      'connection-option',
      () => test.db.query('update connections set sign_in_with_microsoft = false'),
      () => test.db.query('update connections set sign_in_with_microsoft = true'),
    ],
    [
      'it has a managed identity only',
      'credential',
      () => test.db.query(`update connection_credentials set kind = 'managedIdentity'`),
      () => test.db.query(`update connection_credentials set kind = 'secret'`),
    ],
  ])('is offered nothing, and sent nowhere, where %s; Settings say the same', async (_why, lack, change, undo) => {
    const met = async () => {
      const settings = (await (await asAdmin())('GET', '/api/v1/sign-in/settings')).json()
      const options = (await http.asNobody('GET', '/api/v1/sign-in/options')).json()
      const begun = await http.asNobody('POST', '/api/v1/sign-in/microsoft', {})
      const ways = await terminal('GET', '/api/v1/terminal')
      return [settings.connections[0].lacks, options.microsoft.length, begun.statusCode, ways.json().connections.length]
    }
    const terminal = await http.asTerminal({ may: ['deviceCode'] })
    await change()

    try {
      expect(await met()).toEqual([[lack], 0, 404, 0])
    } finally {
      await undo()
    }
    expect(await met()).toEqual([[], 1, 200, 1])
  })

  it('is offered nothing where nobody knows the address that Microsoft sends him back to', async () => {
    const elsewhere = { host: 'muster.example', origin: 'http://muster.example' }

    const options = await http.asNobody('GET', '/api/v1/sign-in/options', undefined, elsewhere)

    expect(options.json()).toEqual({ microsoft: [] })
    const headers = { ...sessionHeaders(await sessionOf(world.engine, 'administrator')), ...elsewhere }
    const settings = await http.asNobody('GET', '/api/v1/sign-in/settings', undefined, headers)
    expect(settings.json().connections).toMatchObject([{ lacks: ['public-url'] }])
  })

  it('meets a connection that was switched off while he was at Microsoft', async () => {
    const { url, flow } = await beginAt(http)
    const back = await provider.signIn(url, people[0]!.userName)
    await test.db.query('update connections set sign_in_with_microsoft = false')

    expect(await comeBack(http, back, flow)).toMatchObject({ location: '/sign-in#error=connection-not-for-sign-in' })
    expect((await http.asNobody('POST', '/api/v1/sign-in/microsoft', {})).statusCode).toBe(404)
  })

  it('cancels at Microsoft', async () => {
    const { url, flow } = await beginAt(http)
    const { state } = Object.fromEntries(new URL(url).searchParams)

    const ended = await comeBack(http, `/signin/microsoft?error=access_denied&state=${state}`, flow)

    expect(ended).toMatchObject({ location: '/sign-in#error=declined', session: undefined })
    expect(await lastAudit()).toMatchObject({ details: { reason: 'declined', error: 'access_denied' } })
  })
})

describe('a session that has lost its ground', () => {
  const LOSSES: [string, () => Promise<unknown>][] = [
    [
      'by deactivation',
      () =>
        test.db.query(
          `update users set active = false, deactivated_by = 'administrator', deactivated_reason = 'x' where id = $1`,
          [people[0]!.userId],
        ),
    ],
    ['by the source’s option', () => world.configure({ safeguard: 'off' })],
    ['by the connection’s', () => test.db.query('update connections set sign_in_with_microsoft = false')],
    [
      'by having no source',
      () => test.db.query('update users set source_id = null where id = $1', [people[0]!.userId]),
    ],
  ]

  it.each(LOSSES)('I20: %s ends at the next request, and is removed by what runs each minute', async (_how, lose) => {
    const { rows: before } = await test.db.query<{ source_id: number }>('select source_id from users where id = $1', [
      people[0]!.userId,
    ])
    await test.db.query(
      `insert into role_mappings (connection_id, kind, value, role, created_at) values ($1, 'appRole', 'Muster.Operator', 'operator', now())`,
      [connectionId],
    )
    const ask = asSession((await signIn('with-app-role')).session)
    expect((await ask('GET', '/api/v1/overview')).statusCode).toBe(200)
    const actor = { kind: 'person', name: 'x', id: people[0]!.userId } as const
    const stillAllowed = () =>
      requireStillAllowed(test.db, { actor, role: 'operator', scope: 'runs', now: clock.now() })
    await stillAllowed()
    await expect(
      requireStillAllowed(test.db, { actor, role: 'administrator', scope: 'runs', now: clock.now() }),
    ).rejects.toMatchObject({ code: 'not-allowed' })

    await lose()

    expect((await ask('GET', '/api/v1/overview')).statusCode).toBe(401)
    expect((await ask('POST', '/api/v1/me/pin')).statusCode).toBe(401)
    await expect(stillAllowed()).rejects.toMatchObject({ code: 'not-allowed' })
    expect((await test.db.query('select 1 from sessions')).rowCount).toBe(1)
    await removeSoon(test.db, clock.now())
    expect((await test.db.query('select 1 from sessions')).rowCount).toBe(0)
    await test.db.query('update users set source_id = $2 where id = $1', [people[0]!.userId, before[0]!.source_id])
  })

  it('D18: a delta that finds the account disabled in Entra ends it, with the next request', async () => {
    const person = people[0]!
    // The sources' connection leads to the provider of this test; runs ask the emulator.
    const sync = async () =>
      runSource(engine, {
        source: world.source,
        kind: 'sync',
        mode: 'auto',
        trigger: 'manual',
        wait: false,
        signal: new AbortController().signal,
        onProgress: () => {},
      })
    await sync()
    const ask = asSession((await signIn(person.userName)).session)
    expect((await ask('GET', '/api/v1/me')).statusCode).toBe(200)
    const found = await test.db.query<{ object_id: string }>('select object_id from users where id = $1', [
      person.userId,
    ])
    const objectId = found.rows[0]!.object_id
    disable(world.tenant, objectId)

    const document = await sync()

    expect(document).toMatchObject({ mode: 'delta', outcome: 'applied', users: { deactivated: 1 } })
    expect((await ask('GET', '/api/v1/me')).statusCode).toBe(401)
    expect(await signIn(person.userName)).toMatchObject({ location: '/sign-in#error=person-inactive' })
    enable(world.tenant, objectId)
    await sync()
    expect((await signIn(person.userName)).session).toBeDefined()
  })

  it('is not touched while it has it', async () => {
    const ask = asSession((await signIn(people[0]!.userName)).session)

    await removeSoon(test.db, clock.now())

    expect((await ask('GET', '/api/v1/me')).statusCode).toBe(200)
  })
})

describe('a callback', () => {
  it('comes in also where very many of its network are under way: what the browser keeps itself counts there and once', async () => {
    await test.db.query(
      `insert into signin_flows (digest, connection_id, browser, nonce, verifier, redirect_uri, return_to, network, site, expires_at)
       select sha256(n::text::bytea), (select min(id) from connections), '', '', '', '', '', $1, $1, $2
         from generate_series(1, 500) n`,
      [world.engine.vault.lookup('sign-in flows', '127.0.0.1'), new Date(clock.now().getTime() + 600_000)],
    )
    const answer = await http.asNobody('POST', '/api/v1/sign-in/microsoft', { returnTo: '/users' })
    const cookies = new Map(answer.cookies.map((cookie) => [cookie.name, cookie]))
    const flow = cookies.get('muster-flow')!.value
    const kept = cookies.get('muster-kept-flow')!
    const back = await provider.signIn(answer.json().url, people[0]!.userName)

    expect(kept).toMatchObject({ httpOnly: true, sameSite: 'Lax', path: '/', maxAge: 600 })
    expect(kept.value.length).toBeLessThan(2_000)
    expect(await comeBack(http, back, flow)).toMatchObject({ location: '/sign-in#error=flow-unknown' })
    const came = await comeBack(http, back, `${flow}; muster-kept-flow=${kept.value}`)
    expect(came.location).toBe('/users')
    expect(came.session).toBeDefined()
    expect(await comeBack(http, back, `${flow}; muster-kept-flow=${kept.value}`)).toMatchObject({
      location: '/sign-in#error=flow-unknown',
    })
    expect((await test.db.query('select 1 from signin_flows')).rowCount).toBe(500)
  })

  it('works once, in the browser that began it, for ten minutes', async () => {
    const first = await beginAt(http)
    const back = await provider.signIn(first.url, people[0]!.userName)
    expect(await comeBack(http, back, first.flow)).toMatchObject({ location: '/' })
    expect(await comeBack(http, back, first.flow)).toMatchObject({ location: '/sign-in#error=flow-unknown' })

    const second = await beginAt(http)
    const stolen = await provider.signIn(second.url, people[0]!.userName)
    expect(await comeBack(http, stolen, undefined)).toMatchObject({ location: '/sign-in#error=flow-other-browser' })
    expect(await comeBack(http, stolen, second.flow)).toMatchObject({ location: '/sign-in#error=flow-unknown' })

    const third = await beginAt(http)
    const late = await provider.signIn(third.url, people[0]!.userName)
    later = 10 * 60_000 + 1_000
    expect(await comeBack(http, late, third.flow)).toMatchObject({ location: '/sign-in#error=flow-unknown' })
    await removeSoon(test.db, clock.now())
    expect((await test.db.query('select 1 from signin_flows')).rowCount).toBe(0)
  })

  it('comes back to each of two tabs of one browser, in whatever order, and ends the mark of the browser with the last one', async () => {
    const first = await beginAt(http)
    const again = await http.asNobody('POST', '/api/v1/sign-in/microsoft', {}, { cookie: `muster-flow=${first.flow}` })
    const second = { url: again.json<{ url: string }>().url, flow: again.cookies[0]!.value }
    const [back, later] = [
      await provider.signIn(first.url, people[0]!.userName),
      await provider.signIn(second.url, people[1]!.userName),
    ]
    // The browser has one cookie: the one that was set last.
    const ended = [await comeBack(http, later, second.flow), await comeBack(http, back, second.flow)]

    expect(ended.map(({ location, session }) => [location, session === undefined])).toEqual([
      ['/', false],
      ['/', false],
    ])
    const marks = ended.map(({ answer }) => answer.cookies.find(({ name }) => name === 'muster-flow')?.value)
    expect(marks).toEqual([undefined, ''])
    expect(new URL(first.url).searchParams.get('state')).not.toBe(new URL(second.url).searchParams.get('state'))
  })

  it('takes no mark from a browser that is not of our making', async () => {
    const forged = ['x', `${'x'.repeat(43)}.`, 'ä'.repeat(43), '']
    for (const mark of forged) {
      const begun = await http.asNobody('POST', '/api/v1/sign-in/microsoft', {}, { cookie: `muster-flow=${mark}` })
      expect(begun.cookies[0]!.value).toMatch(/^[\w-]{43}$/)
      expect(forged).not.toContain(begun.cookies[0]!.value)
    }
  })

  it('with state twice, without one, or with one that nobody gave out begins nothing, and is audited', async () => {
    // Equal refusals are told once a minute: by a server that has told none.
    const fresh = await aServer(engine)
    for (const query of [
      '',
      '?code=x',
      '?code=x&state=a&state=b',
      '?code=x&state=neverbegun',
      '?id_token=e30.e30.e30',
    ]) {
      const ended = await comeBack(fresh, `/signin/microsoft${query}`, 'x')
      expect(ended.session).toBeUndefined()
      expect(ended.location).toMatch(/^\/sign-in#error=(callback-malformed|flow-unknown)$/)
    }
    await fresh.stop()
    const { rows } = await test.db.query<{ details: string }>(
      `select details from audit where action = 'session.start.refused' order by id desc limit 2`,
    )
    expect(new Set(rows.map((row) => JSON.parse(row.details).reason))).toEqual(
      new Set(['callback-malformed', 'flow-unknown']),
    )
  })

  it('leads to a page of ours and nowhere else', async () => {
    for (const [returnTo, location] of [
      ['/users?search=ann', '/users?search=ann'],
      ['//evil.example', '/'],
      ['/\\evil.example', '/'],
      ['https://evil.example', '/'],
      ['/api/v1/session', '/'],
      ['/sign-in', '/'],
    ])
      expect(await signIn(people[0]!.userName, { returnTo }), returnTo).toMatchObject({ location })
  })

  it('is not begun from a page of others, nor where the browser could not come back to', async () => {
    const forged = await http.asNobody('POST', '/api/v1/sign-in/microsoft', {}, { origin: 'https://evil.example' })
    expect(forged.json()).toMatchObject({ status: 403, code: 'cross-site' })
    const elsewhere = { host: 'muster.example', origin: 'http://muster.example' }
    const unknown = await http.asNobody('POST', '/api/v1/sign-in/microsoft', {}, elsewhere)
    expect(unknown.json()).toMatchObject({ status: 409, code: 'no-public-url' })
    const known = await aServer(world.engine, { publicUrl: 'https://muster.example' })
    const other = await known.asNobody('POST', '/api/v1/sign-in/microsoft', {})
    expect(other.json()).toMatchObject({ status: 409, code: 'other-address' })
    await known.stop()
  })
})

describe('which connection', () => {
  it('is asked for by name or told by the domain, alike for names that there are and are not', async () => {
    // With people of its own, and one of the first's domain.
    await test.db.query(
      `with c as (
         insert into connections (name, tenant_id, client_id, cloud, authority_url, graph_url, sign_in_with_microsoft)
         values ('other', '77777777-0000-4000-8000-000000000007', '88888888-0000-4000-8000-000000000008', 'custom', $1, $1, true)
         returning id, tenant_id),
       k as (insert into connection_credentials (connection_id, kind, sealed, fingerprint) select id, 'secret', '', '' from c),
       s as (
         insert into sources (name, connection_id, enabled, priority, settings)
         select 'other', id, true, 100, '{"users":{"options":{"useAsAuthenticationServer":true}}}' from c returning id)
       insert into users (tenant_id, object_id, source_id, user_name, active, created_at, updated_at)
       select c.tenant_id, gen_random_uuid(), s.id, name, true, now(), now() from c, s, unnest($2::text[]) name`,
      [
        provider.authorityUrl,
        [...[1, 2, 3, 4, 5].map((n) => `${n}@second.example`), `x@${people[0]!.userName.split('@')[1]}`],
      ],
    )
    try {
      const [, domain] = people[0]!.userName.split('@')
      const ask = (body: unknown) => http.asNobody('POST', '/api/v1/sign-in/microsoft', body)
      const shapeOf = async (body: unknown) => {
        const answer = await ask(body)
        const { url, code } = answer.json()
        return [answer.statusCode, code, url === undefined ? undefined : new URL(url).origin]
      }

      expect((await http.asNobody('GET', '/api/v1/sign-in/options')).json()).toEqual({
        microsoft: [{ name: 'other' }, { name: world.source }].toSorted((a, b) => a.name.localeCompare(b.name)),
      })
      expect(await shapeOf({})).toEqual([409, 'choose-connection', undefined])
      expect(await shapeOf({ connection: world.source })).toEqual([200, undefined, provider.authorityUrl])
      const known = await shapeOf({ userName: people[0]!.userName })
      expect(known).toEqual([200, undefined, provider.authorityUrl])
      expect(await shapeOf({ userName: `nobody-at-all@${domain}` })).toEqual(known)
      // The tenant of the other one is not there.
      expect(await shapeOf({ userName: 'nobody@second.example' })).toEqual([409, 'provider-unavailable', undefined])
      expect(await shapeOf({ userName: 'nobody@elsewhere.example' })).toEqual([409, 'choose-connection', undefined])
      expect(await shapeOf({ connection: 'no such' })).toEqual([404, 'not-found', undefined])
    } finally {
      await test.db.query(`delete from users where source_id = (select id from sources where name = 'other')`)
      await test.db.query(`delete from sources where name = 'other'`)
      await test.db.query(`delete from connections where name = 'other'`)
    }
  })
})

describe('roles', () => {
  const map = async (kind: 'appRole' | 'group', value: string, role: string) => {
    return (await asAdmin())('POST', '/api/v1/role-mappings', { connection: world.source, kind, value, role })
  }
  const roleOf = async (userName: string) => {
    const { session } = await signIn(userName)
    const { role, roleProblem } = (await asSession(session)('GET', '/api/v1/me')).json()
    return { role, roleProblem }
  }

  it('come from app roles and groups by id, the highest wins, and are alerted and audited once new', async () => {
    expect(await roleOf('with-app-role')).toEqual({ role: null, roleProblem: null })
    await map('appRole', 'Muster.Operator', 'operator')
    await map('group', '0a0a0a0a-0000-4000-8000-000000000001'.toUpperCase(), 'viewer')

    expect(await roleOf('with-app-role')).toEqual({ role: 'operator', roleProblem: null })
    expect(await lastAudit()).toMatchObject({
      details: { role: 'operator', roleBy: { kind: 'appRole', value: 'Muster.Operator' } },
    })
    expect(await roleOf('with-group')).toEqual({ role: 'viewer', roleProblem: null })
    await roleOf('with-group')
    const alerts = await test.db.query<{ facts: { kind: string; role: string } }>(
      'select facts from alerts order by id',
    )
    expect(alerts.rows.map(({ facts }) => [facts.kind, facts.role])).toEqual([
      ['role', 'operator'],
      ['role', 'viewer'],
    ])
    // Administrators see who has one, from where, and since when; both are accounts of one person, who signed in with the other last.
    const { items } = (await (await asAdmin())('GET', '/api/v1/people-with-roles')).json()
    expect(items).toMatchObject([
      {
        role: 'viewer',
        connection: world.source,
        mappedBy: [{ kind: 'group', value: '0a0a0a0a-0000-4000-8000-000000000001' }],
        signedInAt: expect.any(String),
        maySignIn: true,
        sessions: expect.any(Number),
      },
    ])
  })

  it('of whoever has too many groups are asked of Graph; the address in the token is not', async () => {
    expect(group).not.toBe('')
    await map('group', group, 'helpdesk')
    // Nobody is in it.
    await map('group', '0b0b0b0b-0000-4000-8000-000000000001', 'administrator')

    expect(await roleOf('with-overage')).toEqual({ role: 'helpdesk', roleProblem: null })
    // The app registration does not emit groups: they are asked for as well.
    expect(await roleOf(people[0]!.userName)).toEqual({ role: 'helpdesk', roleProblem: null })
    // It emits some: that this one is not among them says nothing.
    expect(await roleOf('with-group')).toEqual({ role: 'helpdesk', roleProblem: null })
  })

  it('are none where Graph refuses, and that is said', async () => {
    await map('group', group, 'administrator')
    isGraphClosed = true
    try {
      const { role, roleProblem } = await roleOf('with-overage')
      expect(role).toBeNull()
      // Words of Graph or of the machine are for administrators.
      expect(roleProblem).toBe('groups-not-told')
      expect(await lastAudit()).toMatchObject({
        action: 'session.start',
        details: { role: null, roleProblem: expect.stringMatching(/\w+ \w+/) },
      })
    } finally {
      isGraphClosed = false
    }
  })

  it('I12: a mapping that is changed ends sessions with a role, not those without; nobody becomes a local administrator', async () => {
    await map('appRole', 'Muster.Operator', 'administrator')
    const [withRole, without] = [await signIn('with-app-role'), await signIn(people[1]!.userName)]
    const asAdministrator = asSession(withRole.session)
    // The provider's tokens do not say when he proved who he is.
    await test.db.query('update sessions set authenticated_at = now()')
    expect((await asAdministrator('GET', '/api/v1/administrators')).statusCode).toBe(200)
    const { items } = (await asAdministrator('GET', '/api/v1/role-mappings')).json()

    // The last local administrator stays whoever asks, however many Entra makes.
    await test.db.query(`delete from administrators where name <> 'administrator'`)
    const { rows } = await test.db.query<{ id: number }>(`select id from administrators where name = 'administrator'`)
    const removed = await asAdministrator('DELETE', `/api/v1/administrators/${rows[0]!.id}`)
    expect(removed.json()).toMatchObject({ status: 409, code: 'last-administrator' })

    expect((await asAdministrator('DELETE', `/api/v1/role-mappings/${items[0].id}`)).statusCode).toBe(204)
    expect((await asAdministrator('GET', '/api/v1/me')).statusCode).toBe(401)
    expect((await asSession(without.session)('GET', '/api/v1/me')).statusCode).toBe(200)
    expect(await roleOf('with-app-role')).toEqual({ role: null, roleProblem: null })
  })

  it('where the page was opened by a number of this machine, the redirect URI is what Microsoft takes, and signing in says where', async () => {
    const here = { host: '127.0.0.1:8080', origin: 'http://127.0.0.1:8080' }
    const admin = await asAdmin()
    const settings = await admin('GET', '/api/v1/sign-in/settings', undefined, here)
    const ofCustom = await http.asNobody('POST', '/api/v1/sign-in/microsoft', {}, here)
    await test.db.query(`update connections set cloud = 'global', authority_url = null, graph_url = null`)
    const refused = await http.asNobody('POST', '/api/v1/sign-in/microsoft', {}, here)
    await test.db.query(`update connections set cloud = 'custom', authority_url = $1, graph_url = $1`, [
      provider.authorityUrl,
    ])

    expect(settings.json()).toMatchObject({ redirectUri: 'http://localhost:8080/signin/microsoft' })
    expect(new URL(ofCustom.json<{ url: string }>().url).searchParams.get('redirect_uri')).toBe(
      'http://127.0.0.1:8080/signin/microsoft',
    )
    expect(refused.json()).toMatchObject({
      code: 'other-address',
      detail: 'To sign in with Microsoft, open Muster as http://localhost:8080',
    })
  })

  it('where MUSTER_PUBLIC_URL is a number of this machine, people come by its name, are sent on from there, and nowhere in a circle', async () => {
    const known = await aServer(world.engine, { publicUrl: parsePublicUrl('http://127.0.0.1:8080') })
    const begin = (host: string) =>
      known.asNobody('POST', '/api/v1/sign-in/microsoft', {}, { host, origin: `http://${host}` })
    const byNumber = await begin('127.0.0.1:8080')
    const byName = await begin('localhost:8080')
    await known.stop()

    expect(byNumber.json()).toMatchObject({
      code: 'other-address',
      detail: 'To sign in with Microsoft, open Muster as http://localhost:8080',
    })
    expect(new URL(byName.json<{ url: string }>().url).searchParams.get('redirect_uri')).toBe(
      'http://localhost:8080/signin/microsoft',
    )
  })

  it('are mapped by ids, once, for connections that there are', async () => {
    expect((await map('group', 'Administrators', 'viewer')).json()).toMatchObject({
      code: 'config-invalid',
      problems: [{ at: 'body.value' }],
    })
    expect((await map('appRole', 'A', 'viewer')).statusCode).toBe(201)
    expect((await map('appRole', 'A', 'operator')).json()).toMatchObject({ code: 'mapped-already' })
    const admin = await asAdmin()
    const nowhere = { connection: 'no such', kind: 'appRole', value: 'A', role: 'viewer' }
    expect((await admin('POST', '/api/v1/role-mappings', nowhere)).statusCode).toBe(404)
    expect((await admin('GET', '/api/v1/sign-in/settings')).json()).toEqual({
      publicUrl: 'http://localhost',
      redirectUri: 'http://localhost/signin/microsoft',
      connections: [
        {
          name: world.source,
          signInWithMicrosoft: true,
          sources: [{ name: world.source, useAsAuthenticationServer: true }],
          lacks: [],
        },
      ],
    })
  })
})

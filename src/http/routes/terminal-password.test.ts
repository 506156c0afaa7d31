// Signing in at a terminal by user name and Microsoft password: over HTTP, against the emulated token service.
import { setImmediate } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../../test/support/database.ts'
import { type Ask, aServer, type TestServer } from '../../../test/support/server.ts'
import { aSyncWorld, type Settings, type SyncWorld } from '../../../test/support/world.ts'
import { systemClock } from '../../base/clock.ts'
import { type Account, DEFAULT_PASSWORD } from '../../emulator/accounts.ts'
import { credentialContext } from '../../registry/connections.ts'
import { PasswordGate } from '../password-gate.ts'
import { passwordConnections } from '../../signin/terminal-connections.ts'

const SETTINGS: Settings = {
  safeguard: 'off',
  users: { properties: { aliases: ['upnPrefix'] }, options: { useAsAuthenticationServer: true } },
}
let test: TestDatabase
let world: SyncWorld
let http: TestServer
let terminal: Ask
let person: { readonly id: number; readonly userName: string; readonly objectId: string }
let other: typeof person
/** Added to the machine's time, in milliseconds. */
let later = 0
const clock = { ...systemClock, now: () => new Date(systemClock.now().getTime() + later) }

beforeAll(async () => {
  test = await createTestDatabase()
  world = await aSyncWorld(test.db, { users: 8, groups: 1, memberships: 2, settings: SETTINGS, clock })
  await world.sync()
  const { graphUrl } = await world.emulator.listen()
  const { rows: connections } = await test.db.query<{ id: number }>(
    'update connections set authority_url = $1, graph_url = $1 returning id',
    [graphUrl],
  )
  const [{ id } = { id: 0 }] = connections
  const sealed = world.engine.vault.seal(world.hosted.clientSecret, credentialContext(id, 'secret'))
  await test.db.query(
    `insert into connection_credentials (connection_id, kind, sealed, fingerprint) values ($1, 'secret', $2, $2)`,
    [id, sealed],
  )
  const { rows } = await test.db.query<typeof person>(
    `select id, user_name as "userName", object_id as "objectId" from users where active order by id`,
  )
  ;[person, other] = rows as [typeof person, typeof person]
  http = await aServer(world.engine)
})
afterAll(async () => {
  await http.stop()
  await world.stop()
  await test.drop()
})
beforeEach(async () => {
  later += 86_400_000
  await test.db.query('truncate terminals, terminal_misses cascade')
  await test.db.query('truncate audit')
  await test.db.query(`update audit_head set last_id = 0, digest = ''`)
  await test.db.query('update users set active = true, deactivated_by = null')
  await test.db.query('update connections set sign_in_with_microsoft = true, passwords_at_terminals = true')
  world.hosted.app.signIn.publicClient = true
  Object.assign(accountOf(person), { password: undefined, passwordExpired: false, mfa: 'none', blockedByPolicy: false })
  world.tenant.accounts.unlock(person.objectId)
  terminal = await http.asTerminal({ may: ['password'], tells: ['groups', 'language'] })
})

const accountOf = ({ objectId }: { readonly objectId: string }): Account => world.tenant.accounts.of(objectId)
const show = (userName: string, password = DEFAULT_PASSWORD, at = terminal) =>
  at('POST', '/api/v1/terminal/authenticate', { by: 'password', userName, password })
const audited = async () =>
  (
    await test.db.query<{ action: string; subject: string | null; details: string }>(
      `select action, subject, details from audit where action like 'terminal.identify%' order by id`,
    )
  ).rows.map(({ details, ...row }) => ({ ...row, details: JSON.parse(details) as Record<string, unknown> }))
const tokenRequests = () => world.emulator.requests.filter(({ path }) => path.endsWith('/token')).length

/** To the same tenant; one of `cloud` has no addresses of its own. */
async function addConnection(name: string, cloud = 'custom'): Promise<void> {
  const { rows } = await test.db.query<{ id: number }>(
    `with c as (insert into connections
         (name, tenant_id, client_id, cloud, authority_url, graph_url, sign_in_with_microsoft, passwords_at_terminals)
       select $1, tenant_id, client_id, $2, case $2 when cloud then authority_url end, case $2 when cloud then graph_url end, true, true
         from connections returning id),
     s as (insert into sources (name, connection_id, enabled, priority, settings)
       select $1, c.id, s.enabled, s.priority + 1, s.settings from sources s, c)
     insert into connection_credentials (connection_id, kind, sealed, fingerprint) select id, 'secret', '\\x00', '\\x00' from c
     returning connection_id as id`,
    [name, cloud],
  )
  const { id } = rows[0]!
  await test.db.query('update connection_credentials set sealed = $2 where connection_id = $1', [
    id,
    world.engine.vault.seal(world.hosted.clientSecret, credentialContext(id, 'secret')),
  ])
}

async function removeConnection(name: string): Promise<void> {
  await test.db.query('delete from sources where name = $1', [name])
  await test.db.query('delete from connections where name = $1', [name])
}

describe('signing in by Microsoft password at a terminal', () => {
  it('identifies the person and tells what the terminal is told; where he was is not in the audit', async () => {
    const answer = await show(person.userName)

    expect(answer.json(), answer.body).toEqual({
      kind: 'identified',
      by: 'password',
      user: {
        id: String(person.id),
        userName: person.userName,
        fullName: expect.any(String),
        groups: expect.any(Array),
        language: expect.any(String),
      },
      registration: null,
    })
    expect(await audited()).toEqual([])
  })

  it('takes an alias for the user name that it belongs to', async () => {
    const alias = person.userName.split('@')[0]!
    const answer = await show(`  ${alias.toUpperCase()} `)

    expect(answer.json(), answer.body).toMatchObject({ kind: 'identified', user: { id: String(person.id) } })
  })

  it('takes the person of the token, whoever has the typed name here', async () => {
    // Two swapped their names here, not at Microsoft.
    await test.db.query(
      `update user_names set user_id = case user_id when $1 then $2::int else $1 end where user_id in ($1, $2)`,
      [person.id, other.id],
    )
    const answer = await show(person.userName)
    await test.db.query(
      `update user_names set user_id = case user_id when $1 then $2::int else $1 end where user_id in ($1, $2)`,
      [person.id, other.id],
    )

    expect(answer.json(), answer.body).toMatchObject({ kind: 'identified', user: { id: String(person.id) } })
  })

  it('works with an application that takes a credential only', async () => {
    world.hosted.app.signIn.publicClient = false

    expect((await show(person.userName)).json()).toMatchObject({ kind: 'identified', user: { id: String(person.id) } })
  })

  const refusals: readonly (readonly [string, string, number | undefined, () => unknown])[] = [
    ['a second factor', 'interaction-required', 50076, () => (accountOf(person).mfa = 'required')],
    ['a second factor to be set up', 'interaction-required', 50079, () => (accountOf(person).mfa = 'enrol')],
    ['an expired password', 'password-expired', 50055, () => (accountOf(person).passwordExpired = true)],
    ['no password at Microsoft', 'password-refused', 50056, () => (accountOf(person).password = null)],
    ['a policy', 'policy-blocked', 53003, () => (accountOf(person).blockedByPolicy = true)],
    ['another password', 'password-refused', 50126, () => (accountOf(person).password = 'something else')],
    [
      'a deactivated user',
      'person-inactive',
      undefined,
      () => test.db.query(`update users set active = false, deactivated_by = 'source'`),
    ],
  ]
  it.each(refusals)('refuses %s as %s, in words, and the audit has the number', async (_what, reason, aadsts, make) => {
    await make()
    const answer = await show(person.userName)

    expect(answer.json(), answer.body).toMatchObject({ kind: 'refused', reason, mayRegister: false })
    expect(answer.json().message).toMatch(/^[A-Z].{20,}\.$/)
    expect(await audited()).toMatchObject([
      {
        action: 'terminal.identify.refused',
        details: { reason, by: 'password', connection: world.source, ...(aadsts === undefined ? {} : { aadsts }) },
      },
    ])
    expect(JSON.stringify(await audited())).not.toContain(person.userName)
  })

  it('refuses a federated account and a name that nobody has like a wrong password', async () => {
    const [domain] = world.tenant.verifiedDomains
    const kept = domain!.type
    Object.assign(domain!, { type: 'Federated' })
    const federated = await show(person.userName)
    Object.assign(domain!, { type: kept })
    const nobody = await show(`nobody@${domain!.name}`)

    expect(federated.json()).toMatchObject({ kind: 'refused', reason: 'password-refused' })
    expect(nobody.json()).toEqual(federated.json())
    // What else it may mean than a wrong password, the audit says.
    expect((await audited())[0]?.details).toMatchObject({
      aadsts: 50126,
      hint: expect.stringContaining('the domain is federated'),
    })
  })

  it('says what lacks where the connection, the terminal, or sign-in as a whole does not allow it', async () => {
    const cards = await http.asTerminal({ may: ['card'] })
    const before = (await terminal('GET', '/api/v1/terminal')).json<{ passwordConnections: string[] }>()
    const forbidden = await show(person.userName, DEFAULT_PASSWORD, cards)
    await test.db.query('update connections set passwords_at_terminals = false')
    const off = await show(person.userName)
    const after = (await terminal('GET', '/api/v1/terminal')).json<{ passwordConnections: string[] }>()
    await test.db.query('update connections set passwords_at_terminals = true, sign_in_with_microsoft = false')

    expect(before.passwordConnections).toEqual([world.source])
    expect(after.passwordConnections).toEqual([])
    expect(forbidden.json()).toMatchObject({ status: 403, code: 'way-not-allowed' })
    expect(off.json()).toMatchObject({ status: 404, detail: expect.stringContaining('passwordsAtTerminals') })
    expect((await show(person.userName)).statusCode).toBe(404)
    expect(await passwordConnections(test.db)).toEqual([])
  })

  it('says that Microsoft does not answer, and counts nothing then', async () => {
    await test.db.query('update connections set authority_url = $1', ['http://127.0.0.1:1'])
    const answers = []
    for (let i = 0; i < 4; i += 1) answers.push((await show(person.userName)).json())
    await test.db.query('update connections set authority_url = graph_url')

    expect(answers.map(({ reason }) => reason)).toEqual(Array.from({ length: 4 }, () => 'provider-unavailable'))
    expect((await show(person.userName)).json()).toMatchObject({ kind: 'identified' })
  })
})

describe('tries of Microsoft passwords', () => {
  it('wait by user at a terminal, long before Microsoft locks the account, and not at another one', async () => {
    const elsewhere = await http.asTerminal({ may: ['password'] })
    const waits: number[] = []
    const right: string[] = []
    for (let nth = 0; nth < 8; ) {
      const answer = await show(person.userName, `wrong ${nth}`)
      if (answer.statusCode === 429) {
        waits.push(Number(answer.headers['retry-after']))
        // What is right is not looked at either where somebody was guessing.
        expect((await show(person.userName)).statusCode).toBe(429)
        later += waits.at(-1)! * 1_000
      } else {
        nth += 1
        expect(answer.json()).toMatchObject({ reason: 'password-refused' })
      }
      right.push((await show(person.userName, DEFAULT_PASSWORD, elsewhere)).json<{ kind: string }>().kind)
    }
    const others = await show(other.userName)

    expect(waits).toEqual([900, 900, 900, 900, 900])
    expect(new Set(right)).toEqual(new Set(['identified']))
    expect(others.json()).toMatchObject({ kind: 'identified' })
    expect(world.tenant.accounts.isLocked(person.objectId, clock.now().getTime())).toBe(false)
  })

  it('of one user at many terminals wait at all of them, before Microsoft locks the account', async () => {
    const terminals = [terminal]
    while (terminals.length < 5) terminals.push(await http.asTerminal({ may: ['password'] }))
    const answers = []
    for (const [nth, at] of [...terminals, ...terminals].entries())
      answers.push(await show(person.userName, `wrong ${nth}`, at))
    const others = await show(other.userName, DEFAULT_PASSWORD, terminals[4])

    expect(answers.map(({ statusCode }) => statusCode)).toEqual([200, 200, 200, 200, 200, 429, 429, 429, 429, 429])
    expect(answers[9]?.headers['retry-after']).toBe('900')
    expect(others.json()).toMatchObject({ kind: 'identified' })
    expect(world.tenant.accounts.isLocked(person.objectId, clock.now().getTime())).toBe(false)
  })

  it('are counted for the user whichever of his names is typed', async () => {
    await show(person.userName, 'wrong 1')
    await show(person.userName.split('@')[0]!, 'wrong 2')
    await show(person.userName, 'wrong 3')

    expect((await show(person.userName.toUpperCase(), 'wrong 4')).statusCode).toBe(429)
  })

  it('are counted by terminal, and asked of Microsoft no more while it waits', async () => {
    for (let i = 0; i < 40; i += 1) await show(`nobody${i}@contoso.com`, 'wrong')
    const asked = tokenRequests()
    const beyond = await show(person.userName)
    const elsewhere = await show(person.userName, DEFAULT_PASSWORD, await http.asTerminal({ may: ['password'] }))

    expect(beyond.statusCode).toBe(429)
    expect(tokenRequests()).toBe(asked + 1)
    expect(elsewhere.json()).toMatchObject({ kind: 'identified' })
  })

  it('are bounded also where they are right, by what a terminal may ask of Microsoft and by how many ask at once', async () => {
    const gated = async (limits: ConstructorParameters<typeof PasswordGate>[1]) => {
      Object.assign(http.parts, { passwords: new PasswordGate({ monotonicMs: () => 0 }, limits) })
      const before = tokenRequests()
      const answers = []
      for (let nth = 0; nth < 4; nth += 1) answers.push(await show(person.userName))
      const statuses = answers.map(({ statusCode }) => statusCode)
      return { statuses, last: answers[3]!, asked: tokenRequests() - before }
    }
    const bounded = await gated({ rate: { perSecond: 0.5, burst: 2 } })
    const elsewhere = await show(person.userName, DEFAULT_PASSWORD, await http.asTerminal({ may: ['password'] }))
    const full = await gated({ atOnce: { ofOne: 0, ofAll: 1 } })
    Object.assign(http.parts, { passwords: new PasswordGate(clock) })

    expect([bounded.statuses, bounded.asked]).toEqual([[200, 200, 429, 429], 2])
    expect(bounded.last.json()).toMatchObject({ code: 'too-many-requests' })
    expect(bounded.last.headers['retry-after']).toBe('2')
    expect(elsewhere.json()).toMatchObject({ kind: 'identified' })
    expect([full.statuses, full.asked]).toEqual([[429, 429, 429, 429], 0])
    expect((await show(person.userName)).json()).toMatchObject({ kind: 'identified' })
  })

  it('are none where the password was right and Microsoft wants more', async () => {
    accountOf(person).mfa = 'required'
    const answers = []
    for (let i = 0; i < 12; i += 1) answers.push((await show(person.userName)).statusCode)

    expect(answers).toEqual(Array.from({ length: 12 }, () => 200))
  })

  it('are counted before Microsoft is asked, so that many at once are many', async () => {
    const before = tokenRequests()
    const answers = await Promise.all(Array.from({ length: 8 }, (_, nth) => show(person.userName, `wrong ${nth}`)))

    expect(answers.filter(({ statusCode }) => statusCode === 200)).toHaveLength(3)
    expect(tokenRequests() - before).toBe(3)
  })

  it('of one user in a US Government cloud never reach the three at which that locks, however many terminals try for hours', async () => {
    const { graphUrl } = world.emulator
    const { lockout } = world.tenant.accounts
    lockout.threshold = 3
    await test.db.query(`update connections set cloud = 'usGov', authority_url = null, graph_url = null`)
    const government = await aServer(world.engine)
    const { oidc } = government.parts.microsoft
    // The emulated token service under the name of that cloud's.
    const documentsOf: typeof oidc.documentsOf = (to) => oidc.documentsOf({ ...to, authorityUrl: graphUrl })
    Object.assign(government.parts.microsoft, { oidc: { ...oidc, documentsOf } })
    const terminals = [
      await government.asTerminal({ may: ['password'] }),
      await government.asTerminal({ may: ['password'] }),
    ]
    const statuses = []
    // Three hours, each five minutes at each.
    for (let minute = 0; minute < 180; minute += 5) {
      for (const at of terminals) statuses.push((await show(person.userName, `wrong ${minute}`, at)).statusCode)
      // Whoever is right once an hour, e.g. at his desk, has Microsoft forget.
      if (minute % 60 === 55) world.tenant.accounts.unlock(person.objectId)
      expect(world.tenant.accounts.isLocked(person.objectId, clock.now().getTime())).toBe(false)
      later += 300_000
    }
    const others = await show(other.userName, DEFAULT_PASSWORD, terminals[0])
    lockout.threshold = 10
    await test.db.query(`update connections set cloud = 'custom', authority_url = $1, graph_url = $1`, [graphUrl])
    await government.stop()

    expect(statuses.filter((status) => status === 200)).toHaveLength(4)
    // Asked and right, so that only the emulator's name is told from the cloud's.
    expect(others.json(), others.body).toMatchObject({ reason: 'token-issuer' })
  })

  it('of one user in a US Government cloud are not forgiven sooner by what is tried of him in another cloud', async () => {
    const { graphUrl } = world.emulator
    await addConnection('government', 'usGov')
    const both = await aServer(world.engine)
    const { oidc } = both.parts.microsoft
    const documentsOf: typeof oidc.documentsOf = (to) => oidc.documentsOf({ ...to, authorityUrl: graphUrl })
    Object.assign(both.parts.microsoft, { oidc: { ...oidc, documentsOf } })
    const terminals: Ask[] = []
    while (terminals.length < 4) terminals.push(await both.asTerminal({ may: ['password'] }))
    const wrongAt = (nth: number, connection: string) =>
      terminals[nth]!('POST', '/api/v1/terminal/authenticate', {
        by: 'password',
        userName: person.userName,
        password: `wrong ${nth}`,
        connection,
      })
    const first = [await wrongAt(0, 'government'), await wrongAt(1, 'government')]
    // By the rule of the other cloud both are forgiven by then.
    later += 1_800_000
    const elsewhere = await wrongAt(2, world.source)
    const asked = tokenRequests()
    const third = await wrongAt(3, 'government')
    const askedSince = tokenRequests() - asked
    await both.stop()
    await removeConnection('government')

    expect([...first, elsewhere].map((answer) => answer.json())).toEqual(
      Array.from({ length: 3 }, () => expect.objectContaining({ kind: 'refused', reason: 'password-refused' })),
    )
    expect([third.statusCode, askedSince]).toEqual([429, 0])
  })
})

describe('where two organizations allow passwords', () => {
  it('a terminal is told to choose for every bare name alike, and learns of none that there is somebody', async () => {
    await addConnection('second')
    // Keeps no domains of before.
    const both = await aServer(world.engine)
    const at = await both.asTerminal({ may: ['password'] })
    const alias = person.userName.split('@')[0]!
    const bare = [await show(alias, 'wrong', at), await show('nobody-of-this-name', 'wrong', at)]
    const byDomain = await show(person.userName, DEFAULT_PASSWORD, at)
    const chosen = await at('POST', '/api/v1/terminal/authenticate', {
      by: 'password',
      userName: alias,
      password: DEFAULT_PASSWORD,
      connection: world.source,
    })
    await both.stop()
    await removeConnection('second')

    const told = bare.map((answer) => answer.json<{ code: string; detail: string }>())
    expect(told.map(({ code, detail }) => ({ code, detail }))).toEqual(
      Array.from({ length: 2 }, () => ({ code: 'choose-connection', detail: expect.any(String) })),
    )
    expect(told[0]!.detail).toBe(told[1]!.detail)
    expect(byDomain.json(), byDomain.body).toMatchObject({ kind: 'identified', user: { id: String(person.id) } })
    expect(chosen.json(), chosen.body).toMatchObject({ kind: 'identified', user: { id: String(person.id) } })
  })
})

describe('a terminal that hangs up while Microsoft is asked', () => {
  it('has tried all the same: a wrong password counts and is audited, a right one is no try in vain', async () => {
    const own = await aServer(world.engine)
    const { microsoft, passwords } = own.parts
    const { sender } = microsoft.oidc
    let asked = Promise.withResolvers<void>()
    let gone = Promise.withResolvers<void>()
    let over = Promise.withResolvers<void>()
    const send: typeof sender.send = async (request) => {
      const answer = await sender.send(request)
      if (!request.path.endsWith('/token')) return answer
      asked.resolve()
      await gone.promise
      request.signal.throwIfAborted()
      return answer
    }
    const pass: typeof passwords.pass = (terminalId, ask) => passwords.pass(terminalId, ask).finally(over.resolve)
    Object.assign(own.parts, {
      microsoft: { ...microsoft, oidc: { ...microsoft.oidc, sender: { ...sender, send } } },
      passwords: { pass },
    })
    const address = await own.server.listen({ host: '127.0.0.1', port: 0 })
    const connections = () =>
      new Promise<number>((resolve) => own.server.server.getConnections((_error, count) => resolve(count)))
    const hangUp = async (token: string, password: string) => {
      asked = Promise.withResolvers()
      gone = Promise.withResolvers()
      over = Promise.withResolvers()
      const client = new AbortController()
      const asking = fetch(`${address}/api/v1/terminal/authenticate`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ by: 'password', userName: person.userName, password }),
        signal: client.signal,
      })
      asking.catch(() => undefined)
      await asked.promise
      client.abort()
      await expect(asking).rejects.toMatchObject({ name: 'AbortError' })
      while ((await connections()) > 0) await setImmediate()
      gone.resolve()
      await over.promise
    }
    const token = await own.terminalToken({ may: ['password'] })
    for (let nth = 0; nth < 4; nth += 1) await hangUp(token, DEFAULT_PASSWORD)
    const { rows: misses } = await test.db.query('select 1 from terminal_misses where misses > 0')
    for (let nth = 0; nth < 3; nth += 1) await hangUp(token, `wrong ${nth}`)
    const { rows: overall } = await test.db.query(
      `select round(misses)::int as misses from terminal_misses where bucket = convert_to('overall secret', 'utf8')`,
    )

    expect(misses).toEqual([])
    expect(overall).toEqual([{ misses: 3 }])
    await expect
      .poll(audited)
      .toMatchObject([
        { action: 'terminal.identify.refused', details: { reason: 'password-refused', by: 'password', aadsts: 50126 } },
      ])
    await own.stop()
  })
})

describe('the password', () => {
  it('is in no table, no log, and no answer', async () => {
    const canary = 'canary-of-a-password-7b1e'
    accountOf(person).password = canary
    const lines: unknown[] = []
    const keep = (...line: unknown[]) => void lines.push(line)
    const log = { debug: keep, info: keep, warn: keep, error: keep }
    const watched = await aServer({ ...world.engine, log: { ...world.engine.log, ...log } })
    const token = await watched.terminalToken({ may: ['password'] })
    const ask = (body: object) =>
      watched.server.inject({
        method: 'POST',
        url: '/api/v1/terminal/authenticate',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        payload: JSON.stringify(body),
      })
    const typed = { by: 'password', userName: person.userName }
    const answers = [
      await ask({ ...typed, password: canary }),
      await ask({ ...typed, password: `${canary}-wrong` }),
      await ask({ ...typed, password: canary.repeat(20) }),
      await ask({ ...typed, password: canary, connection: 7 }),
      await ask({ ...typed, [canary]: canary, password: { canary } }),
    ]
    await watched.parts.terminals.flush(test.db)
    await watched.stop()
    const { rows: tables } = await test.db.query<{ name: string }>(
      `select quote_ident(table_schema) || '.' || quote_ident(table_name) as name from information_schema.tables
        where table_type = 'BASE TABLE' and table_schema not in ('pg_catalog', 'information_schema')`,
    )
    const found = []
    for (const { name } of tables) {
      const { rowCount } = await test.db.query(`select 1 from ${name} t where t::text ilike $1 or t::text like $2`, [
        `%${canary}%`,
        `%${Buffer.from(canary).toString('hex')}%`,
      ])
      if (rowCount !== 0) found.push(name)
    }

    expect(answers.map(({ statusCode }) => statusCode)).toEqual([200, 200, 400, 400, 400])
    expect(answers[0]!.json()).toMatchObject({ kind: 'identified' })
    for (const answer of answers.slice(0, 4)) expect(answer.body).not.toContain(canary)
    expect(tables.length).toBeGreaterThan(40)
    expect(found).toEqual([])
    expect(JSON.stringify(lines)).not.toContain(canary)
  })
})

// Every change that the contract declares, made once: the audit has it by its name, by whom and from where, and written in the transaction
// that makes it: where the audit cannot be written, nothing is changed.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { type Ask, aServer, sessionHeaders, type TestServer } from '../../test/support/server.ts'
import { letSignIn, personSession } from '../../test/support/sign-in.ts'
import { timeCode } from '../../test/support/time-code.ts'
import { aSyncWorld, type SyncWorld } from '../../test/support/world.ts'
import { systemClock } from '../base/clock.ts'
import { API } from '../contract/api/api.ts'
import type { RunDocument } from '../contract/runs.ts'
import { remove } from '../emulator/operations.ts'
import { issueSetupCode, issueSignInCode } from '../signin/codes.ts'
import { endpointNames } from './route.ts'

type Name = keyof typeof API

/** A call that succeeds, once. */
interface Change {
  readonly ask: Ask
  readonly url: string
  readonly body?: unknown
  /** Who the audit says it was; the administrator otherwise. */
  readonly by?: { readonly kind: string; readonly name: string }
  /** Tables in which it stands that the work was begun, also where it came to nothing. */
  readonly keeps?: readonly string[]
  /** What else is audited of it. */
  readonly also?: readonly string[]
  /** Its document says how it ended. */
  readonly isRun?: boolean
  /** Also a try that failed uses up what it needs. */
  readonly isUsedUp?: boolean
}

const PASSWORD = 'kestrel umbrella radish plinth'
const SETTINGS = { users: { options: { useAsAuthenticationServer: true } } } as const
/** Written later: when the browser comes back from Microsoft, when it is known who stands there, or for refusals alone. */
const LATER: readonly Name[] = [
  'beginMicrosoft',
  'proveAtMicrosoft',
  'authenticate',
  'startDeviceCode',
  'getDeviceCode',
  'endDeviceCode',
]
/** Needs the files of an installation: its test is in test/e2e/backup.test.ts. */
const ELSEWHERE: readonly Name[] = ['getBackup']
/** That somebody tried is counted before it is known what comes of it. */
const TRIES = ['signin_attempts']

let test: TestDatabase
let world: SyncWorld
let http: TestServer
let admin: Ask
let connectionId: number
let personId: number
let personName: string
let otherName: string
let terminalToken: string
let first: RunDocument
/** Time stands still but for this: what a session was used last would be a change otherwise. */
let later = 0
const BEGIN = Date.now()
const clock = { ...systemClock, now: () => new Date(BEGIN + later), monotonicMs: () => later }
let count = 0
const fresh = (what: string) => `${what} ${(count += 1)}`

beforeAll(async () => {
  test = await createTestDatabase()
  world = await aSyncWorld(test.db, { users: 30, groups: 3, memberships: 60, settings: SETTINGS, clock })
  first = await world.sync()
  const signing = await letSignIn(world)
  await signing.provider.stop()
  await test.db.query('update connections set authority_url = $1', [world.emulator.graphUrl])
  connectionId = signing.connectionId
  personId = signing.people[0]!.userId
  personName = signing.people[0]!.userName
  otherName = signing.people[1]!.userName
  http = await aServer(world.engine, {
    queue: { send: async () => {}, wake() {} },
    openGraphWith: (access) => world.openGraphWith(access),
  })
  admin = await http.as('administrator')
  terminalToken = await http.terminalToken({ name: 'Door', unknownCard: 'register' })
  await test.db.query(`create function no_audit() returns trigger language plpgsql as $$ begin raise exception 'the audit is away'; end $$;
    create trigger no_audit before insert on audit for each statement execute function no_audit();
    alter table audit disable trigger no_audit`)
})
afterAll(async () => {
  await http.stop()
  await world.stop()
  await test.drop()
})

const withSession =
  (token: string): Ask =>
  (method, url, body, headers) =>
    http.asNobody(method, url, body, { ...sessionHeaders(token), ...headers })
const must = async (ask: Ask, method: 'GET' | 'POST' | 'PUT' | 'PATCH', url: string, body?: unknown) => {
  const answer = await ask(method, `/api/v1${url}`, body)
  if (answer.statusCode >= 300) throw new Error(`${method} ${url}: ${answer.body}`)
  return answer.json()
}
const sole = async <Row extends object>(sql: string, params: readonly unknown[] = []) =>
  (await test.db.query<Row>(sql, params)).rows[0]!

/** A local account that has signed in. */
async function anAccount() {
  const name = fresh('account')
  const { id } = await must(admin, 'POST', '/administrators', { name, password: PASSWORD, role: 'operator' })
  const answer = await http.asNobody('POST', '/api/v1/session', { name, password: PASSWORD })
  const token = answer.cookies.find((cookie) => cookie.name === 'muster-session')!.value
  return { id: String(id), name, ask: withSession(token), by: { kind: 'account', name } }
}

async function withFactor() {
  const account = await anAccount()
  const { secret } = await must(account.ask, 'POST', '/session/second-factor', { password: PASSWORD })
  await must(account.ask, 'PUT', '/session/second-factor', { code: timeCode(secret, clock.now()) })
  later += 60_000
  return { ...account, code: () => timeCode(secret, clock.now()) }
}

async function aUser() {
  const { id } = await must(admin, 'POST', '/users', { userName: fresh('user').replace(' ', '') })
  return { id: String(id), version: async () => (await must(admin, 'GET', `/users/${id}`)).version as number }
}

async function aCard() {
  const { id } = await aUser()
  await must(admin, 'POST', `/users/${id}/cards`, { card: fresh('CARD').replace(' ', '') })
  const { cards } = await must(admin, 'GET', `/users/${id}`)
  return `/users/${id}/cards/${cards[0].id}`
}

const aGroup = async () => `/groups/${(await must(admin, 'POST', '/groups', { name: fresh('group') })).id}`
const aMember = async () => {
  const [group, user] = [await aGroup(), await aUser()]
  return `${group}/members/${user.id}`
}
const connectionBody = () => ({
  tenantId: world.hosted.tenantId,
  clientId: world.hosted.clientId,
  clientSecret: world.hosted.app.secrets[0]!.secretText,
  cloud: 'custom',
  authorityUrl: world.emulator.graphUrl,
  graphUrl: world.emulator.graphUrl,
})
async function aConnection() {
  const name = fresh('connection').replace(' ', '-')
  await must(admin, 'POST', '/connections', { name, ...connectionBody() })
  return `/connections/${name}`
}
async function aCredential() {
  const connection = await aConnection()
  await must(admin, 'POST', `${connection}/credentials`, {
    kind: 'secret',
    clientSecret: 'another one',
    name: 'second',
  }).catch(() => must(admin, 'POST', `${connection}/credentials`, { kind: 'secret', clientSecret: 'another one' }))
  const { id } = await sole<{ id: number }>('select max(id) as id from connection_credentials')
  return `${connection}/credentials/${id}`
}
async function aSource() {
  const name = fresh('source').replace(' ', '-')
  await must(admin, 'POST', '/sources', { name, settings: { connection: world.source } })
  return name
}
const aTerminal = async () =>
  `/terminals/${(await must(admin, 'POST', '/terminals', { name: fresh('terminal'), may: ['card'], tells: [], unknownCard: 'refuse', cardTransform: null, days: null })).id}`
async function aMapping() {
  await must(admin, 'POST', '/role-mappings', {
    connection: world.source,
    kind: 'appRole',
    value: fresh('Role'),
    role: 'viewer',
  })
  return `/role-mappings/${(await sole<{ id: number }>('select max(id) as id from role_mappings')).id}`
}
const aJob = async (kind: 'runs' | 'user-runs') => {
  await test.db.query(`delete from jobs where state = 'waiting'`)
  const body = kind === 'runs' ? { kind: 'sync' } : { kind: 'sync', user: personName }
  const { id } = await must(admin, 'POST', `/sources/${world.source}/${kind}`, body)
  return kind === 'runs' ? `/jobs/${id}` : `/user-runs/${id}`
}
/** A plan that waits for a decision. */
async function heldRun() {
  await world.configure({ ...SETTINGS, safeguard: { removals: { percent: 0, count: 0 } } })
  const leaver = [...world.tenant.live('user')].at(-1)!
  remove(world.tenant, leaver.id)
  const held = await world.sync()
  if (held.outcome !== 'held') throw new Error(`the plan ended as ${held.outcome}`)
  return held
}

const asPerson = async () => ({
  ask: withSession(await personSession(world.engine, { userId: personId, connectionId, role: null })),
  by: { kind: 'person', name: personName },
})

const CHANGES: Partial<Record<Name, () => Promise<Omit<Change, 'ask'> & { readonly ask?: Ask }>>> = {
  setUp: async () => {
    await test.db.query('update setup set done_at = null')
    const body = { code: await issueSetupCode(world.engine), name: 'Ann', password: PASSWORD }
    return { ask: http.asNobody, url: '/setup', body, by: { kind: 'account', name: 'Ann' } }
  },
  signIn: async () => {
    const { name, by } = await anAccount()
    return { ask: http.asNobody, url: '/session', body: { name, password: PASSWORD }, by }
  },
  signInByLink: async () => {
    const { name, by } = await anAccount()
    return { ask: http.asNobody, url: '/session/link', body: { code: await issueSignInCode(world.engine, name) }, by }
  },
  proveAgain: async () => ({ ...(await anAccount()), url: '/session/proof', body: { password: PASSWORD } }),
  signOut: async () => ({ ...(await anAccount()), url: '/session' }),
  changePassword: async () => ({
    ...(await anAccount()),
    url: '/session/password',
    body: { current: PASSWORD, password: `${PASSWORD} too` },
  }),
  beginSecondFactor: async () => ({
    ...(await anAccount()),
    url: '/session/second-factor',
    body: { password: PASSWORD },
  }),
  confirmSecondFactor: async () => {
    const account = await anAccount()
    const { secret } = await must(account.ask, 'POST', '/session/second-factor', { password: PASSWORD })
    return { ...account, url: '/session/second-factor', body: { code: timeCode(secret, clock.now()) } }
  },
  renewRecoveryCodes: async () => {
    const account = await withFactor()
    return {
      ...account,
      url: '/session/second-factor/recovery-codes',
      body: { password: PASSWORD, code: account.code() },
    }
  },
  endSecondFactor: async () => {
    const account = await withFactor()
    return { ...account, url: '/session/second-factor/removal', body: { password: PASSWORD, code: account.code() } }
  },
  resetSecondFactor: async () => ({ url: `/administrators/${(await withFactor()).id}/second-factor` }),
  endSession: async () => {
    const account = await anAccount()
    const { id } = await sole<{ id: number }>('select max(id) as id from sessions where administrator_id = $1', [
      account.id,
    ])
    return { url: `/sessions/${id}` }
  },
  createAccount: async () => ({
    url: '/administrators',
    body: { name: fresh('account'), password: PASSWORD, role: 'viewer' },
  }),
  changeAccount: async () => ({ url: `/administrators/${(await anAccount()).id}`, body: { role: 'viewer' } }),
  removeAccount: async () => ({ url: `/administrators/${(await anAccount()).id}` }),
  createToken: async () => ({ url: '/tokens', body: { name: fresh('token'), scopes: ['read'], days: 30 } }),
  revokeToken: async () => {
    await must(admin, 'POST', '/tokens', { name: fresh('token'), scopes: ['read'], days: 30 })
    return { url: `/tokens/${(await sole<{ id: number }>('select max(id) as id from api_tokens')).id}` }
  },
  signOutOfMicrosoft: async () => ({ ...(await asPerson()), url: '/session/microsoft' }),
  drawOwnPin: async () => ({ ...(await asPerson()), url: '/me/pin' }),
  createRoleMapping: async () => ({
    url: '/role-mappings',
    body: { connection: world.source, kind: 'appRole', value: fresh('Role'), role: 'viewer' },
  }),
  removeRoleMapping: async () => ({ url: await aMapping() }),
  exportRegistry: async () => ({ url: '/exports/users' }),
  takeOver: async () => {
    const place = JSON.stringify({ system: '', database: '1', machine: '', directory: '' })
    await test.db.query('update installation set place = $1', [place])
    return { url: '/take-over' }
  },
  applyConfiguration: async () => ({
    url: '/configuration',
    body: { file: { sources: { [fresh('source').replace(' ', '-')]: { connection: world.source } } } },
    also: ['source.create'],
  }),
  createConnection: async () => ({
    url: '/connections',
    body: { name: fresh('connection').replace(' ', '-'), ...connectionBody() },
  }),
  changeConnection: async () => {
    const { clientSecret: _, ...body } = connectionBody()
    return { url: await aConnection(), body: { ...body, signInWithMicrosoft: true } }
  },
  removeConnection: async () => ({ url: await aConnection() }),
  addCredential: async () => ({
    url: `${await aConnection()}/credentials`,
    body: { kind: 'secret', clientSecret: 'another one' },
  }),
  changeCredential: async () => ({ url: await aCredential(), body: { expires: '2031-01-01' } }),
  removeCredential: async () => ({ url: await aCredential() }),
  checkConnection: async () => ({ url: `/connections/${world.source}/check`, keeps: ['connections'] }),
  checkConnectionForm: async () => ({
    url: '/connection-check',
    body: { name: fresh('connection'), ...connectionBody() },
  }),
  createSource: async () => ({
    url: '/sources',
    body: { name: fresh('source').replace(' ', '-'), settings: { connection: world.source } },
  }),
  changeSource: async () => ({
    url: `/sources/${await aSource()}`,
    body: { settings: { connection: world.source, priority: 7 } },
  }),
  restoreSourceSettings: async () => {
    const source = `/sources/${await aSource()}`
    await must(admin, 'PUT', source, { settings: { connection: world.source, priority: 7 } })
    return { url: `${source}/settings/1/restore`, body: {} }
  },
  removeSource: async () => ({ url: `/sources/${await aSource()}` }),
  startRun: async () => ({ url: `/sources/${world.source}/runs`, body: { kind: 'sync' } }),
  syncUser: async () => ({ url: `/sources/${world.source}/user-runs`, body: { kind: 'sync', user: personName } }),
  syncThisUser: async () => ({ url: `/users/${personId}/sync` }),
  cancelJob: async () => ({ url: await aJob('runs') }),
  cancelUserRun: async () => ({ url: await aJob('user-runs') }),
  approveRun: async () => {
    const { run, planHash } = await heldRun()
    return { url: `/runs/${run}/approve`, body: { hash: planHash, reason: 'right' } }
  },
  rejectRun: async () => ({ url: `/runs/${(await heldRun()).run}/reject`, body: { reason: 'wrong' } }),
  cancelRun: async () => {
    const { id } = await sole<{ id: number }>(
      `insert into runs (source_id, source_name, kind, mode, trigger, state, fence, host, pid, process_started, settings_version)
       select id, name, 'sync', 'full', 'manual', 'running', 999, 'somewhere', 1, '', 1 from sources where name = $1 returning id`,
      [world.source],
    )
    return { url: `/runs/${id}/cancel` }
  },
  startRevert: async () => ({ url: `/runs/${first.run}/reverts`, body: { reason: 'wrong', confirmed: true } }),
  revertRun: async () => {
    await test.db.query(`update runs set state = 'ended', outcome = 'cancelled' where state = 'running'`)
    return {
      url: `/runs/${first.run}/revert`,
      body: { reason: 'wrong', confirmed: true, user: otherName },
      keeps: ['runs', 'run_log', 'sources', 'source_health'],
      isRun: true,
    }
  },
  createUser: async () => ({ url: '/users', body: { userName: fresh('user').replace(' ', '') } }),
  changeUser: async () => {
    const user = await aUser()
    return { url: `/users/${user.id}`, body: { version: await user.version(), fields: { department: 'Sales' } } }
  },
  setProtected: async () => {
    const user = await aUser()
    return { url: `/users/${user.id}/protected`, body: { version: await user.version(), protected: true } }
  },
  removeUser: async () => ({ url: `/users/${(await aUser()).id}` }),
  deactivateUser: async () => {
    const user = await aUser()
    return { url: `/users/${user.id}/deactivate`, body: { version: await user.version(), reason: 'left' } }
  },
  restoreUser: async () => {
    const user = await aUser()
    await must(admin, 'POST', `/users/${user.id}/deactivate`, { version: await user.version(), reason: 'left' })
    return { url: `/users/${user.id}/restore`, body: { version: await user.version() } }
  },
  addCard: async () => ({ url: `/users/${(await aUser()).id}/cards`, body: { card: fresh('CARD').replace(' ', '') } }),
  removeCard: async () => ({ url: await aCard() }),
  revealCard: async () => ({ url: `${await aCard()}/reveal` }),
  resetPin: async () => ({ url: `/users/${(await aUser()).id}/pin` }),
  removePin: async () => {
    const { id } = await aUser()
    await must(admin, 'POST', `/users/${id}/pin`)
    return { url: `/users/${id}/pin` }
  },
  createGroup: async () => ({ url: '/groups', body: { name: fresh('group') } }),
  changeGroup: async () => ({ url: await aGroup(), body: { name: fresh('group') } }),
  removeGroup: async () => ({ url: await aGroup() }),
  addMember: async () => ({ url: await aMember() }),
  removeMember: async () => {
    const member = await aMember()
    await admin('PUT', `/api/v1${member}`)
    return { url: member }
  },
  createTerminal: async () => ({
    url: '/terminals',
    body: { name: fresh('terminal'), may: ['card'], tells: [], unknownCard: 'refuse', cardTransform: null, days: null },
  }),
  changeTerminal: async () => ({ url: await aTerminal(), body: { may: ['pin'] } }),
  renewTerminal: async () => ({ url: `${await aTerminal()}/token`, body: { days: 5 } }),
  revokeTerminal: async () => ({ url: await aTerminal() }),
  registerCard: async () => {
    const { id } = await aUser()
    const { pin } = await must(admin, 'POST', `/users/${id}/pin`)
    const ask: Ask = (method, url, body) =>
      http.asNobody(method, url, body, { authorization: `Bearer ${terminalToken}` })
    const { registration } = await must(ask, 'POST', '/terminal/authenticate', { by: 'pin', pin })
    const body = { registration: registration.code, card: fresh('NEW').replace(' ', '') }
    const by = { kind: 'terminal', name: 'Door' }
    return { ask, url: '/terminal/cards', body, by, keeps: ['terminal_registrations', 'terminals'], isUsedUp: true }
  },
}

/** Everything that the database holds, by table, but for the audit. */
async function everything(): Promise<Readonly<Record<string, string>>> {
  const { rows: tables } = await test.db.query<{ name: string }>(
    `select quote_ident(tablename) as name from pg_tables where schemaname = 'public' and tablename not in ('audit', 'audit_head') order by 1`,
  )
  const state: Record<string, string> = {}
  for (const { name } of tables) {
    const found = await sole<{ rows: string }>(
      `select count(*) || ' ' || coalesce(md5(string_agg(t::text, '' order by t::text)), '') as rows from ${name} t`,
    )
    state[name] = found.rows
  }
  return state
}

describe('a change', () => {
  const declared = endpointNames().filter((name) => API[name].audit !== null)

  it('is tried here for every endpoint that says that it is audited', () => {
    expect(new Set([...Object.keys(CHANGES), ...LATER, ...ELSEWHERE])).toEqual(new Set(declared))
  })

  it.each(declared.filter((name) => CHANGES[name] !== undefined))(
    'by %s is audited by name, in the transaction that makes it, or not made',
    async (name) => {
      const { method, audit } = API[name]
      const change = await CHANGES[name]!()
      const { by = { kind: 'account', name: 'administrator' }, keeps = [], also = [] } = change
      const make = ({ ask = admin, url, body }: typeof change) => ask(method, `/api/v1${url}`, body)

      const before = await everything()
      await test.db.query('alter table audit enable trigger no_audit')
      const without = await make(change)
      await test.db.query('alter table audit disable trigger no_audit')
      const after = await everything()
      const again = change.isUsedUp === true ? await CHANGES[name]!() : change
      const { last } = await sole<{ last: number }>('select coalesce(max(id), 0) as last from audit')
      const done = await make(again)

      const { outcome = null } = change.isRun === true ? without.json<{ outcome?: string }>() : {}
      expect([without.statusCode, outcome], without.body).toEqual(change.isRun === true ? [200, 'failed'] : [500, null])
      const changed = Object.keys(after).filter((table) => after[table] !== before[table])
      expect(changed.filter((table) => ![...TRIES, ...keeps].includes(table))).toEqual([])
      expect(done.statusCode, done.body).toBeLessThan(300)
      const { rows } = await test.db.query(
        'select action, actor_kind as kind, actor_name as name, actor_address as address from audit where id > $1 order by id',
        [last],
      )
      expect(rows).toEqual([audit, ...also].map((action) => ({ action, ...by, address: '127.0.0.1' })))
    },
  )
})

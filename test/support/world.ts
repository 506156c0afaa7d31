// A whole Muster in one process: an emulated tenant, real PostgreSQL, the engine, and a source on it.
import { createHmac, randomUUID } from 'node:crypto'
import { type Clock, systemClock } from '../../src/base/clock.ts'
import { RunError } from '../../src/base/errors.ts'
import { silentLog } from '../../src/base/log.ts'
import type { RunDocument } from '../../src/contract/runs.ts'
import { sourceSettings, type SourceSettingsInput } from '../../src/contract/sources.ts'
import type { Database } from '../../src/database/connect.ts'
import { DEFAULT_PASSWORD } from '../../src/emulator/accounts.ts'
import { generateTenant } from '../../src/emulator/generator.ts'
import { createRandom } from '../../src/emulator/random.ts'
import { Emulator, type HostedTenant } from '../../src/emulator/server.ts'
import { Tenant } from '../../src/emulator/tenant.ts'
import { createSigningCertificate } from '../../src/emulator/token.ts'
import { GraphClient } from '../../src/graph/client.ts'
import type { GraphAccess } from '../../src/http/parts.ts'
import type { Engine, Sealing } from '../../src/sync/engine.ts'
import { type RunRequest, runSource } from '../../src/sync/run.ts'
import { plant, plantSealed } from './secret-shapes.ts'

export type Settings = Omit<SourceSettingsInput, 'connection'>

export interface SyncWorld {
  readonly emulator: Emulator
  readonly hosted: HostedTenant
  readonly tenant: Tenant
  readonly engine: Engine
  readonly db: Database
  readonly source: string
  sync(options?: Partial<RunRequest>): Promise<RunDocument>
  /** Replaces the settings as `apply` does: everybody is planned anew. */
  configure(settings: Settings): Promise<void>
  /** Graph requests of the last `sync` as `METHOD /path`, batches not opened. */
  requests(): readonly string[]
  /** A client of a connection that is not saved. */
  openGraphWith(access: GraphAccess): GraphClient
  stop(): Promise<void>
}

export interface SyncWorldOptions {
  readonly settings?: Settings
  /** Generated sizes; none of them: an empty tenant. */
  readonly users?: number
  readonly groups?: number
  readonly memberships?: number
  readonly seed?: number
  readonly clock?: Clock
  readonly fetch?: (inner: typeof fetch) => typeof fetch
}

/** Cheap and honest enough for tests that are not about the vault: reversible, keyed look-ups. */
export const testSealing: Sealing = {
  seal: (plain, context) => {
    plantSealed(plain, context)
    return Buffer.from(JSON.stringify([context, Buffer.from(plain).toString('base64')]))
  },
  open(sealed, context) {
    const text = sealed.toString()
    const [sealedFor, plain] = text.startsWith('[') ? (JSON.parse(text) as [string, string]) : ['nothing', '']
    if (sealedFor !== context) throw new RunError('vault-unreadable', `sealed for ${sealedFor}, opened for ${context}`)
    return Buffer.from(plain, 'base64').toString()
  },
  lookup: (space, value) => createHmac('sha256', 'test').update(`${space}:${value}`).digest().subarray(0, 16),
}

/** Making an RSA key takes longer than most tests. */
export const SIGNING = createSigningCertificate(systemClock.now())

export async function aSyncWorld(db: Database, options: SyncWorldOptions = {}): Promise<SyncWorld> {
  plant('Microsoft password', DEFAULT_PASSWORD)
  const { users, groups = 0, memberships = 0, seed = 1 } = options
  const dice = createRandom(seed)
  const numbers = () => dice.next()
  const emulator = new Emulator({ seed, clock: options.clock ?? systemClock, signingCertificate: SIGNING })
  const random = createRandom(seed + 1000)
  const tenant =
    users === undefined
      ? new Tenant({ tenantId: randomUUID(), displayName: 'Contoso', clock: emulator.clock, random })
      : generateTenant({ users, groups, memberships, seed, clock: emulator.clock })
  const hosted = emulator.host(tenant)
  const name = `source-${hosted.tenantId}`
  const connection = await db.query<{ id: number }>(
    `insert into connections (name, tenant_id, client_id, cloud, authority_url, graph_url) values ($1, $2, $3, 'custom', $4, $4) returning id`,
    [name, hosted.tenantId, hosted.clientId, emulator.graphUrl],
  )
  await db.query(
    'insert into sources (name, connection_id, enabled, priority, settings) values ($1, $2, true, 100, $3)',
    [name, connection.rows[0]!.id, JSON.stringify(sourceSettings.parse({ connection: name, ...options.settings }))],
  )
  const clock = options.clock ?? systemClock
  const openGraphWith = (access: GraphAccess, log = silentLog) =>
    new GraphClient({
      ...access,
      clock,
      random: numbers,
      log,
      userAgent: 'muster/test',
      fetch: options.fetch === undefined ? emulator.fetch : options.fetch(emulator.fetch),
    })
  const engine: Engine = {
    db,
    vault: testSealing,
    clock,
    random: numbers,
    log: silentLog,
    openGraph: async (to, log = silentLog) =>
      openGraphWith({ ...to, credentials: [{ kind: 'secret', secret: hosted.app.secrets[0]!.secretText }] }, log),
  }
  let logged = 0
  return {
    emulator,
    hosted,
    tenant,
    engine,
    db,
    openGraphWith,
    source: name,
    async sync(request = {}) {
      logged = emulator.requests.length
      return runSource(engine, {
        source: name,
        kind: 'sync',
        mode: 'auto',
        trigger: 'manual',
        wait: false,
        signal: new AbortController().signal,
        onProgress: () => {},
        ...request,
      })
    },
    async configure(settings) {
      await db.query(
        `update sources set settings = $2, settings_version = settings_version + 1, marked_all = true, marked_all_at = fence where name = $1`,
        [name, JSON.stringify(sourceSettings.parse({ connection: name, ...settings }))],
      )
    },
    requests: () =>
      emulator.requests
        .slice(logged)
        .filter((r) => !r.path.includes('/oauth2/'))
        .map((r) => `${r.method} ${r.path}`),
    stop: () => emulator.stop(),
  }
}

/** What the registry holds of one tenant, in a form that is easy to compare: people by object id, groups by object id, pairs. */
export interface RegistryView {
  readonly users: Readonly<
    Record<
      string,
      { active: boolean; userName: string; fullName: string | null; email: string | null; department: string | null }
    >
  >
  readonly groups: Readonly<Record<string, string>>
  /** `group user`, of active users and visible groups. */
  readonly memberships: readonly string[]
}

export async function registryView(db: Database): Promise<RegistryView> {
  const users = await db.query<{
    object_id: string
    active: boolean
    user_name: string
    full_name: string | null
    email: string | null
    department: string | null
  }>('select object_id, active, user_name, full_name, email, department from users where object_id is not null')
  const groups = await db.query<{ object_id: string; name: string }>(
    'select object_id, name from groups where not hidden',
  )
  const pairs = await db.query<{ pair: string }>(
    `select distinct g.object_id || ' ' || u.object_id as pair from memberships m join groups g on g.id = m.group_id and not g.hidden
       join users u on u.id = m.user_id and u.active`,
  )
  return {
    users: Object.fromEntries(
      users.rows.map((u) => [
        u.object_id,
        { active: u.active, userName: u.user_name, fullName: u.full_name, email: u.email, department: u.department },
      ]),
    ),
    groups: Object.fromEntries(groups.rows.map((g) => [g.object_id, g.name])),
    memberships: pairs.rows.map((r) => r.pair).sort(),
  }
}

/** What the registry should hold of the tenant with default settings: told from the emulator's state alone. */
export function impliedView(
  tenant: Tenant,
): Pick<RegistryView, 'groups' | 'memberships'> & { readonly activeUsers: RegistryView['users'] } {
  const text = (value: unknown) => (typeof value === 'string' && value.trim() !== '' ? value.trim() : null)
  const isActive = (properties: Readonly<Record<string, unknown>>) => properties['accountEnabled'] !== false
  const activeUsers = Object.fromEntries(
    [...tenant.live('user')]
      .filter((user) => isActive(user.properties))
      .map((user) => [
        user.id,
        {
          active: true,
          userName: text(user.properties['userPrincipalName'])!,
          fullName: text(user.properties['displayName']),
          email: text(user.properties['mail']),
          department: text(user.properties['department']),
        },
      ]),
  )
  const groups = Object.fromEntries(
    [...tenant.live('group')].map((group) => [group.id, text(group.properties['displayName'])!]),
  )
  const memberships: string[] = []
  for (const group of tenant.live('group')) {
    for (const no of group.members) {
      const member = tenant.at(no)
      if (member.id in activeUsers) memberships.push(`${group.id} ${member.id}`)
    }
  }
  return { activeUsers, groups, memberships: memberships.sort() }
}

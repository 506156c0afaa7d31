// Makes connections and sources as a config file says, and tells what that changes. Applying the same file again
// changes nothing. Does not synchronize: what a changed source means for people is for the next run to plan.
import type { ConnectionSettings } from '../contract/config-file.ts'
import type { ConfigurationChange, FieldChange } from '../contract/configuration.ts'
import type { SourceSettings } from '../contract/sources.ts'
import type { Database, Queries } from '../database/connect.ts'
import { withTransaction } from '../database/transaction.ts'
import type { Vault } from '../vault/keys.ts'
import {
  type Connection,
  type CredentialOnFile,
  credentialContext,
  listConnections,
  listCredentials,
} from './connections.ts'
import { detachSource } from './detach.ts'
import { differences } from './differences.ts'
import { listSources, presentSettings, type Source } from './sources.ts'

/** A credential to keep for a connection, as read when the file is applied. */
export interface WantedCredential {
  readonly kind: 'secret' | 'certificate'
  /** The secret, or PEM of certificate and key. */
  readonly value: string
  readonly thumbprint: string | null
  readonly expiresAt: Date | null
}

export interface WantedConnection {
  readonly settings: ConnectionSettings
  readonly credentials: readonly WantedCredential[]
}

/** What the file says. What it does not name stays as it is, unless `prune` is asked for. */
export interface WantedConfiguration {
  readonly connections: ReadonlyMap<string, WantedConnection>
  readonly sources: ReadonlyMap<string, SourceSettings>
}

export interface ConfigureOptions {
  readonly vault: Pick<Vault, 'seal' | 'lookup'>
  readonly wanted: WantedConfiguration
  /** Also removes what the file lacks; people, groups and memberships of a removed source stay. */
  readonly prune: boolean
  /** Says what would change and writes nothing. */
  readonly dryRun: boolean
}

/**
 * Creates, changes and (with `prune`) removes connections and sources in one transaction.
 *
 * @returns one entry for each connection and source that the file names or that is removed, connections first
 */
export async function configure(db: Database, options: ConfigureOptions): Promise<readonly ConfigurationChange[]> {
  return withTransaction(db, async (tx) => {
    // Two applies at once would each judge by a state that the other one changes.
    await tx.query('lock table connections, sources in share row exclusive mode')
    const connections = new Map((await listConnections(tx)).map((connection) => [connection.name, connection]))
    const sources = new Map((await listSources(tx)).map((source) => [source.name, source]))
    const told: ConfigurationChange[] = []
    for (const [name, wanted] of options.wanted.connections) {
      told.push(await putConnection(tx, { ...options, name, wanted, current: connections.get(name) }))
    }
    for (const [name, settings] of options.wanted.sources) {
      told.push(await putSource(tx, { name, settings, current: sources.get(name), dryRun: options.dryRun }))
    }
    if (options.prune) told.push(...(await prune(tx, { connections, sources, ...options })))
    return told
  })
}

interface PutConnection extends Pick<ConfigureOptions, 'vault' | 'dryRun'> {
  readonly name: string
  readonly wanted: WantedConnection
  readonly current: Connection | undefined
}

async function putConnection(db: Queries, put: PutConnection): Promise<ConfigurationChange> {
  const { name, wanted, current } = put
  const before = current === undefined ? {} : presentConnection(current)
  const changes = [...differences(before, presentConnection(wanted.settings))]
  const kept = current === undefined ? [] : await listCredentials(db, current.id)
  const credentials = compareCredentials(kept, put)
  changes.push(...credentials.changes)
  const action = current === undefined ? 'create' : changes.length > 0 ? 'change' : 'unchanged'
  if (action !== 'unchanged' && !put.dryRun) {
    const id = await writeConnection(db, { name, wanted, isCustom: wanted.settings.cloud === 'custom' })
    await writeCredentials(db, { connectionId: id, vault: put.vault, ...credentials })
  }
  return { kind: 'connection', name, action, changes, replans: false }
}

/** The keys of the config file, without credentials. */
function presentConnection(connection: {
  readonly tenantId: string
  readonly clientId: string
  readonly cloud: string
  readonly authorityUrl?: string | undefined
  readonly graphUrl?: string | undefined
  readonly signInWithMicrosoft: boolean
}): Record<string, unknown> {
  const { tenantId, clientId, cloud, authorityUrl, graphUrl, signInWithMicrosoft } = connection
  const roots = cloud === 'custom' ? { authorityUrl, graphUrl } : {}
  return { tenantId, clientId, cloud, ...roots, signInWithMicrosoft }
}

const CREDENTIAL_KEY = { secret: 'clientSecret', certificate: 'certificate' } as const

interface CredentialDifference {
  readonly obsolete: readonly number[]
  readonly added: readonly (WantedCredential & { readonly fingerprint: Buffer })[]
  readonly changes: readonly FieldChange[]
}

/** A credential of another value replaces the one of its kind; one of a kind that the file does not name goes. */
function compareCredentials(kept: readonly CredentialOnFile[], put: PutConnection): CredentialDifference {
  const wanted = put.wanted.credentials.map((credential) => ({
    ...credential,
    fingerprint: put.vault.lookup('connection-credential', `${credential.kind}:${credential.value}`),
  }))
  const isWanted = (row: CredentialOnFile) =>
    wanted.some((w) => w.kind === row.kind && w.fingerprint.toString('hex') === row.fingerprint)
  const isKept = (w: { kind: string; fingerprint: Buffer }) =>
    kept.some((row) => row.kind === w.kind && row.fingerprint === w.fingerprint.toString('hex'))
  const obsolete = kept.filter((row) => !isWanted(row))
  const added = wanted.filter((w) => !isKept(w))
  const changes: FieldChange[] = []
  for (const kind of ['secret', 'certificate'] as const) {
    const old = obsolete.find((row) => row.kind === kind)
    const next = added.find((w) => w.kind === kind)
    if (old === undefined && next === undefined) continue
    changes.push({
      at: CREDENTIAL_KEY[kind],
      old: old === undefined ? undefined : describeCredential(old),
      new: next === undefined ? undefined : describeCredential(next),
    })
  }
  return { obsolete: obsolete.map((row) => row.id), added, changes }
}

function describeCredential(credential: {
  readonly thumbprint: string | null
  readonly expiresAt: Date | null
}): string {
  if (credential.thumbprint === null) return '(sealed)'
  return `thumbprint ${credential.thumbprint}, expires ${credential.expiresAt?.toISOString().slice(0, 10)}`
}

async function writeConnection(
  db: Queries,
  { name, wanted, isCustom }: { name: string; wanted: WantedConnection; isCustom: boolean },
): Promise<number> {
  const { tenantId, clientId, cloud, authorityUrl, graphUrl, signInWithMicrosoft } = wanted.settings
  const { rows } = await db.query<{ id: number }>(
    `insert into connections (name, tenant_id, client_id, cloud, authority_url, graph_url, sign_in_with_microsoft)
     values ($1, $2, $3, $4, $5, $6, $7)
     on conflict (name) do update set tenant_id = excluded.tenant_id, client_id = excluded.client_id,
       cloud = excluded.cloud, authority_url = excluded.authority_url, graph_url = excluded.graph_url,
       sign_in_with_microsoft = excluded.sign_in_with_microsoft, updated_at = now()
     returning id`,
    [name, tenantId, clientId, cloud, isCustom ? authorityUrl : null, isCustom ? graphUrl : null, signInWithMicrosoft],
  )
  const [row] = rows
  if (row === undefined) throw new Error('an upsert returned no row')
  return row.id
}

async function writeCredentials(
  db: Queries,
  options: Pick<CredentialDifference, 'obsolete' | 'added'> & {
    readonly connectionId: number
    readonly vault: Pick<Vault, 'seal'>
  },
): Promise<void> {
  const { connectionId, vault, obsolete, added } = options
  await db.query('delete from connection_credentials where id = any ($1)', [obsolete])
  for (const { kind, value, fingerprint, thumbprint, expiresAt } of added) {
    await db.query(
      `insert into connection_credentials (connection_id, kind, sealed, fingerprint, thumbprint, expires_at)
       values ($1, $2, $3, $4, $5, $6)`,
      [
        connectionId,
        kind,
        vault.seal(value, credentialContext(connectionId, kind)),
        fingerprint,
        thumbprint,
        expiresAt,
      ],
    )
  }
}

interface PutSource {
  readonly name: string
  readonly settings: SourceSettings
  readonly current: Source | undefined
  readonly dryRun: boolean
}

async function putSource(db: Queries, { name, settings, current, dryRun }: PutSource): Promise<ConfigurationChange> {
  const changes = differences(current === undefined ? {} : current.settings, settings)
  const action = current === undefined ? 'create' : changes.length > 0 ? 'change' : 'unchanged'
  const replans = current === undefined || changes.some(({ at }) => isPlannedFrom(at))
  if (action !== 'unchanged' && !dryRun) {
    await writeSource(db, { name, settings, replans })
    const changesOwners = current === undefined || changes.some(({ at }) => OWNERSHIP.has(at))
    if (changesOwners) await markTenant(db, name)
  }
  return { kind: 'source', name, action, changes: current === undefined ? [] : changes, replans }
}

/** Settings that decide which of several sources owns somebody. */
const OWNERSHIP: ReadonlySet<string> = new Set(['enabled', 'priority', 'connection'])

/** The sources of the tenant plan everybody anew: somebody may be theirs now, or not any more. */
async function markTenant(db: Queries, name: string): Promise<void> {
  await db.query(
    `update sources s set marked_all = true, marked_all_at = s.fence
     from connections c, sources changed join connections own on own.id = changed.connection_id
     where changed.name = $1 and c.id = s.connection_id and c.tenant_id = own.tenant_id and (s.id <> changed.id or changed.enabled)`,
    [name],
  )
}

/** Whether plans depend on the setting: everything but when to run, what holds a plan and how it is let through. */
function isPlannedFrom(at: string): boolean {
  return !/^(?:enabled|adoptions|timezone|schedule|safeguard)(?:\.|$)/.test(at)
}

async function writeSource(
  db: Queries,
  { name, settings, replans }: { name: string; settings: SourceSettings; replans: boolean },
): Promise<void> {
  await db.query(
    `insert into sources as s (name, connection_id, enabled, priority, settings)
     values ($1, (select id from connections where name = $2), $3, $4, $5)
     on conflict (name) do update set connection_id = excluded.connection_id, enabled = excluded.enabled,
       priority = excluded.priority, settings = excluded.settings, updated_at = now(),
       settings_version = s.settings_version + $6::int,
       marked_all = s.marked_all or $6::int = 1,
       marked_all_at = case when $6::int = 1 then s.fence else s.marked_all_at end`,
    [name, settings.connection, settings.enabled, settings.priority, presentSettings(settings), replans ? 1 : 0],
  )
}

interface Prune extends Pick<ConfigureOptions, 'wanted' | 'dryRun'> {
  readonly connections: ReadonlyMap<string, Connection>
  readonly sources: ReadonlyMap<string, Source>
}

async function prune(db: Queries, { connections, sources, wanted, dryRun }: Prune): Promise<ConfigurationChange[]> {
  const removed: ConfigurationChange[] = []
  for (const [name, source] of sources) {
    if (wanted.sources.has(name)) continue
    if (!dryRun) await detachSource(db, source.id)
    removed.push({ kind: 'source', name, action: 'remove', changes: [], replans: false })
  }
  const inUse = new Set([...wanted.sources.values()].map((settings) => settings.connection))
  for (const [name, connection] of connections) {
    if (wanted.connections.has(name) || inUse.has(name)) continue
    if (!dryRun) await db.query('delete from connections where id = $1', [connection.id])
    removed.push({ kind: 'connection', name, action: 'remove', changes: [], replans: false })
  }
  return removed
}

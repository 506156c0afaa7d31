// Makes connections and sources as a config file says, and tells what that changes. Applying the same file again
// changes nothing. Does not synchronize: what a changed source means for people is for the next run to plan.
import type { Clock } from '../base/clock.ts'
import { ConfigError } from '../base/errors.ts'
import type { ConfigurationChange } from '../contract/configuration.ts'
import type { SourceSettings } from '../contract/sources.ts'
import type { Database, Queries } from '../database/connect.ts'
import { withTransaction } from '../database/transaction.ts'
import type { Vault } from '../vault/keys.ts'
import { type Actor, type AuditRecord, recordAudit } from './audit.ts'
import { keepFromTokens } from './connection-of-sign-in.ts'
import { type Connection, listConnections } from './connections.ts'
import { detachSource } from './detach.ts'
import { putConnection, type WantedConnection } from './put-connection.ts'
import { putSource } from './put-source.ts'
import { listSources, type Source } from './sources.ts'

/** What the file says. What it does not name stays as it is, unless `prune` is asked for. */
export interface WantedConfiguration {
  readonly connections: ReadonlyMap<string, WantedConnection>
  readonly sources: ReadonlyMap<string, SourceSettings>
}

export interface ConfigureOptions {
  readonly vault: Pick<Vault, 'seal' | 'lookup'>
  readonly clock: Clock
  readonly wanted: WantedConfiguration
  /** Also removes what the file lacks; people, groups and memberships of a removed source stay. */
  readonly prune: boolean
  /** Says what would change and writes nothing. */
  readonly dryRun: boolean
  readonly actor: Actor
}

/**
 * Creates, changes and (with `prune`) removes connections and sources in one transaction.
 *
 * A connection for which no credential is given keeps those on file.
 *
 * @returns one entry for each connection and source that the file names or that is removed, connections first
 * @throws ConfigError; ConflictError `connection-of-sign-in` where a token would change how people sign in, also with `dryRun`
 */
export async function configure(db: Database, options: ConfigureOptions): Promise<readonly ConfigurationChange[]> {
  return withTransaction(db, async (tx) => {
    await lockConfiguration(tx)
    const connections = new Map((await listConnections(tx)).map((connection) => [connection.name, connection]))
    const sources = new Map((await listSources(tx)).map((source) => [source.name, source]))
    const told: ConfigurationChange[] = []
    const audited: AuditRecord[] = []
    const tell = (change: ConfigurationChange) => {
      if (change.action !== 'unchanged') audited.push(auditOf(change, options.actor))
      // What somebody new is given stands in the file.
      told.push(change.kind === 'source' && change.action === 'create' ? { ...change, changes: [] } : change)
    }
    for (const [name, wanted] of options.wanted.connections) {
      const isNamed = wanted.credentials.length > 0 || wanted.makesCertificate === true
      const keep = isNamed ? ('none' as const) : ('unnamed' as const)
      const { vault, clock, dryRun, actor } = options
      const current = connections.get(name)
      await keepFromTokens(tx, { actor, name, current, wanted: wanted.settings })
      const put = { vault, clock, name, wanted, keep, current, dryRun }
      tell(await within(`connections.${name}`, () => putConnection(tx, put)))
    }
    for (const [name, settings] of options.wanted.sources) {
      tell(
        await putSource(tx, {
          name,
          settings,
          current: sources.get(name),
          dryRun: options.dryRun,
          actor: options.actor,
        }),
      )
    }
    if (options.prune) for (const change of await prune(tx, { connections, sources, ...options })) tell(change)
    if (!options.dryRun && audited.length > 0) {
      const details = { changed: audited.map(({ subject }) => subject) }
      const whole = { actor: options.actor, action: 'configuration.apply', subject: null, details }
      await recordAudit(tx, options, whole, ...audited)
    }
    return told
  })
}

/** Two who change settings at once would each judge by a state that the other one changes. */
export async function lockConfiguration(tx: Queries): Promise<void> {
  await tx.query('lock table connections, sources in share row exclusive mode')
}

/** What the audit keeps of a change: each field, old and new. Credentials are told by thumbprint and expiry alone. */
export function auditOf({ kind, name, action, changes }: ConfigurationChange, actor: Actor): AuditRecord {
  return { actor, action: `${kind}.${action}`, subject: `${kind} ${name}`, details: { changes } }
}

/** Tells mistakes with the place in the file. */
async function within<T>(place: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    throw new ConfigError(
      error.problems.map(({ at, message }) => ({ at: at === '' ? place : `${place}.${at}`, message })),
    )
  }
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

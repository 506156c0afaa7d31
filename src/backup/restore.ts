// Restores a backup: first all of it is checked, then one transaction makes the database what it was.
import type { Clock } from '../base/clock.ts'
import { BusyError, InvariantError } from '../base/errors.ts'
import type { BackupManifest, BackupProgress, RestoreSummary, Unlock } from '../contract/backups.ts'
import type { Database } from '../database/connect.ts'
import { applyMigration, lockSchema, type Migration, missing, readMigrations } from '../database/migrate.ts'
import { type Transaction, withTransaction } from '../database/transaction.ts'
import { sqlState } from '../database/unavailable.ts'
import { type Actor, recordAudit } from '../registry/audit.ts'
import { isCopy, type LocalPlace, readPlace } from '../registry/installation.ts'
import { openKeyRing, openVault } from '../vault/keys.ts'
import { loadTables } from './load.ts'
import { type BackupPart, readBackup } from './read.ts'
import { makeRoom } from './target.ts'

export interface RestoreOptions {
  readonly file: string
  readonly keyFile: string
  readonly unlock: Unlock
  readonly signal: AbortSignal
  readonly onProgress: (progress: BackupProgress) => void
  /** Those of this code where nothing else is said. */
  readonly migrations?: readonly Migration[]
}

/** How long whoever still uses the database is waited for. */
const LOCK_TIMEOUT_MS = 10_000
const LOCK_NOT_AVAILABLE = '55P03'
/** Higher than any fence that was given out since the backup was made: whoever holds one of those cannot write any more. */
const FENCE_STEP = 1_000_000
/** Numbers that were given out since the backup was made are not given to others: other systems may know people by them. */
const ID_STEP = 100_000

/**
 * Reads all of a backup and checks it, without touching anything.
 *
 * @throws what {@link readBackup} throws; RunError `schema-newer`, `schema-altered`
 */
export async function checkBackup(options: RestoreOptions): Promise<RestoreSummary> {
  const { file, keyFile, unlock, signal, onProgress } = options
  const keys = await openKeyRing(keyFile)
  const migrations = options.migrations ?? (await readMigrations())
  let manifest: BackupManifest | undefined
  let end: Extract<BackupPart, { kind: 'end' }> | undefined
  const onBytes = (done: number, total: number) => onProgress({ phase: 'checking', done, total })
  for await (const part of readBackup(file, { keys, unlock, onBytes })) {
    signal.throwIfAborted()
    if (part.kind === 'end') end = part
    if (part.kind === 'manifest') ({ manifest } = part)
  }
  if (manifest === undefined || end === undefined) throw new InvariantError('a backup was read without its ends')
  missing(manifest.migrations, migrations)
  const { createdAt, muster, installation } = manifest
  return {
    createdAt,
    muster,
    installation,
    tables: end.tables,
    rows: end.rows,
    migrated: [],
    copied: false,
    restored: false,
  }
}

/**
 * Makes a database what it was when the backup was made. Either all of it is there afterwards, or nothing has changed. Sessions and codes
 * are not in a backup; runs that were going on count as interrupted; open jobs are done by the next server.
 *
 * @throws what {@link checkBackup} and `makeRoom` throw
 */
export async function restoreBackup(
  db: Database,
  options: RestoreOptions & {
    readonly replace: boolean
    /** The original is gone. */
    readonly takeOver: boolean
    /** Of the database that is restored into. */
    readonly local: LocalPlace | undefined
    readonly clock: Clock
    readonly actor: Actor
  },
): Promise<RestoreSummary> {
  const checked = await checkBackup(options)
  const migrations = options.migrations ?? (await readMigrations())
  try {
    const done = await withTransaction(db, (tx) => restore(tx, { ...options, checked, migrations }), {
      lockTimeoutMs: LOCK_TIMEOUT_MS,
      statementTimeoutMs: 0,
      signal: options.signal,
    })
    return { ...checked, ...done, restored: true }
  } catch (error) {
    if (sqlState(error) !== LOCK_NOT_AVAILABLE) throw error
    throw new BusyError('Somebody works on this database; stop all servers and commands on it, then restore')
  }
}

async function restore(
  tx: Transaction,
  options: Parameters<typeof restoreBackup>[1] & {
    readonly checked: RestoreSummary
    readonly migrations: readonly Migration[]
  },
): Promise<Pick<RestoreSummary, 'migrated' | 'copied'>> {
  const { file, keyFile, unlock, checked, migrations, replace, clock, actor, onProgress, local } = options
  const { takeOver: isTakenOver } = options
  await lockSchema(tx)
  await makeRoom(tx, { migrations, replace })
  const keys = await openKeyRing(keyFile)
  const parts = readBackup(file, { keys, unlock })
  const first = await parts.next()
  if (first.done === true || first.value.kind !== 'manifest') throw new InvariantError('a backup lost its beginning')
  const { manifest } = first.value
  const later = missing(manifest.migrations, migrations)
  for (const migration of migrations.slice(0, manifest.migrations.length)) await applyMigration(tx, migration)
  const total = Math.max(checked.rows, 1)
  await loadTables(tx, parts, {
    onRows: (done) => onProgress({ phase: 'loading', done, total }),
    onIndexing: () => onProgress({ phase: 'indexing', done: 0, total: undefined }),
  })
  for (const migration of later) await applyMigration(tx, migration)
  await settle(tx)
  const copied = await isCopy(tx, local)
  if (copied && isTakenOver)
    await tx.query('update installation set place = $1', [JSON.stringify(await readPlace(tx, local))])
  // Also finds that the key file is the one that what was loaded was sealed with.
  const vault = await openVault({ keyFile, db: tx, allowCreate: false })
  const { createdAt, muster, installation, tables, rows } = checked
  const details = {
    createdAt,
    muster,
    installation,
    tables,
    rows,
    replaced: replace,
    copied,
    takenOver: copied && isTakenOver,
  }
  await recordAudit(
    tx,
    { vault, clock },
    { actor, action: 'backup.restored', subject: `backup of ${createdAt}`, details },
  )
  return { migrated: later.map((migration) => migration.name), copied: copied && !isTakenOver }
}

/** What was true of the moment of the backup only. */
async function settle(tx: Transaction): Promise<void> {
  // Silent for so long that the next run of the source takes over and tells that they were interrupted.
  await tx.query(`update runs set heartbeat_at = heartbeat_at - interval '1 day' where state = 'running'`)
  await tx.query('update sources set fence = fence + $1', [FENCE_STEP])
  await tx.query(`select setval('registry_ids', nextval('registry_ids') + $1)`, [ID_STEP])
}

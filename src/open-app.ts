// Opens Muster as the settings say: database, vault and Graph clients, which `app.ts` does everything with. What a database holds can also
// be emptied or restored from here, without opening it as one that works.
import { type App, type AppOptions, createApp } from './app.ts'
import { machineMark } from './base/machine.ts'
import type { Log } from './base/log.ts'
import type { Config } from './config.ts'
import type { BackupProgress, RestoreSummary, Unlock } from './contract/backups.ts'
import { connect, type Database } from './database/connect.ts'
import { openEmbeddedDatabase } from './database/embedded.ts'
import { migrate } from './database/migrate.ts'
import { withTransaction } from './database/transaction.ts'
import { createClient } from './reach.ts'
import type { Actor } from './registry/audit.ts'
import type { Connection } from './registry/connections.ts'
import { type LocalPlace, notePlace } from './registry/installation.ts'
import { openVault } from './vault/keys.ts'

/**
 * Opens the database (the embedded one unless a server is named), brings its schema up to date and opens the vault.
 *
 * @throws ConfigError, RunError
 */
export async function openApp(config: Config, options: AppOptions): Promise<App> {
  const { clock, log } = options
  const opened = await openDatabase(config, options)
  try {
    await migrate(opened.db, { log })
    await notePlace(opened.db, opened.local)
    const vault = await openVault({ keyFile: config.keyFile, db: opened.db, allowCreate: true, log })
    const openGraph = (connection: Connection, runLog: Log = log) =>
      createClient(connection, { clock, log: runLog, config, vault, db: opened.db })
    return createApp(
      { db: opened.db, local: opened.local, vault, clock, random: Math.random, log, openGraph },
      { config, close: opened.close, vault },
    )
  } catch (error) {
    await opened.close()
    throw error
  }
}

/**
 * Empties the database of a home, sealed values included. For the folder of the demo alone, which knows its own.
 *
 * @throws RunError when somebody works in it
 */
export async function resetDatabase(config: Config, options: AppOptions): Promise<void> {
  const { db, close } = await openDatabase(config, options)
  try {
    await withTransaction(
      db,
      async (tx) => {
        await tx.query('drop schema public cascade')
        await tx.query('create schema public')
        await tx.query('drop schema if exists pgboss cascade')
      },
      { lockTimeoutMs: 5_000 },
    )
  } finally {
    await close()
  }
}

export interface RestoreRequest {
  readonly file: string
  /** Only read and check it: the database is not even opened. */
  readonly checkOnly: boolean
  /** Put it in the place of what the database holds. */
  readonly replace: boolean
  /** The original is gone. */
  readonly takeOver: boolean
  readonly unlock: Unlock
  readonly actor: Actor
  readonly signal: AbortSignal
  readonly onProgress: (progress: BackupProgress) => void
}

/**
 * Restores a backup into the database of these settings, which no server may be working on. Not a method of {@link App}: what cannot be
 * opened any more can be restored.
 *
 * @throws ConfigError, ConflictError, BusyError, RunError
 */
export async function restoreInto(
  config: Config,
  options: AppOptions,
  { checkOnly, ...request }: RestoreRequest,
): Promise<RestoreSummary> {
  const { checkBackup, restoreBackup } = await import('./backup/restore.ts')
  if (checkOnly) return checkBackup({ ...request, keyFile: config.keyFile })
  const { db, local, close } = await openDatabase(config, options)
  try {
    return await restoreBackup(db, { ...request, local, keyFile: config.keyFile, clock: options.clock })
  } finally {
    await close()
  }
}

async function openDatabase(
  config: Config,
  { clock, log, connections }: AppOptions,
): Promise<{ db: Database; local: LocalPlace | undefined; close: () => Promise<void> }> {
  const common = { log, applicationName: 'muster', ...(connections === undefined ? {} : { max: connections }) }
  if (config.databaseUrl !== undefined) {
    const db = await connect({ url: config.databaseUrl.reveal(), ...common })
    return { db, local: undefined, close: () => db.close() }
  }
  const embedded = await openEmbeddedDatabase({ home: config.home, clock, log, user: config.databaseUser })
  try {
    const db = await connect({ embedded, ...common })
    return {
      db,
      local: { machine: machineMark(), directory: embedded.directory },
      close: async () => {
        await db.close()
        await embedded.release()
      },
    }
  } catch (error) {
    await embedded.release()
    throw error
  }
}

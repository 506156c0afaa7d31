// Brings a database to the schema of this code: numbered SQL files, forward only, each in one transaction.
import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { assert, RunError } from '../base/errors.ts'
import type { Log } from '../base/log.ts'
import type { Database, Queries } from './connect.ts'
import { type Transaction, withTransaction } from './transaction.ts'
import { sqlState } from './unavailable.ts'

/** One file `NNNN-name.sql`. Its text holds no `begin`, `commit` or `rollback` of transactions. */
export interface Migration {
  readonly number: number
  readonly name: string
  readonly sql: string
  /** SHA-256 of the text, line ends as LF, in hex. */
  readonly checksum: string
}

/** A migration as a database remembers it. */
export interface Applied {
  readonly number: number
  readonly name: string
  readonly checksum: string
}

const DIRECTORY = join(import.meta.dirname, 'migrations')
/** Any number that nobody else on the same database takes. */
const MIGRATION_LOCK = 7_203_514_002

/** The migrations that this code was written for, in order, without gaps. */
export async function readMigrations(directory: string = DIRECTORY): Promise<readonly Migration[]> {
  const names = (await readdir(directory)).filter((name) => name.endsWith('.sql')).sort()
  const migrations: Migration[] = []
  for (const [index, name] of names.entries()) {
    const number = Number(/^(\d{4})-[a-z0-9-]+\.sql$/.exec(name)?.[1])
    assert(number === index + 1, `migration ${name} must be named ${String(index + 1).padStart(4, '0')}-….sql`)
    const sql = (await readFile(join(directory, name), 'utf8')).replaceAll('\r\n', '\n')
    migrations.push({ number, name, sql, checksum: createHash('sha256').update(sql).digest('hex') })
  }
  return migrations
}

/**
 * Applies what is missing. Safe to interrupt at any point and to run in several processes at once: each migration is
 * there in full or not at all, and one process does it while the others wait.
 *
 * @returns the names of the migrations that this call applied
 * @throws RunError as {@link requireSchema}, and `migration-failed`
 */
export async function migrate(
  db: Database,
  options: { readonly log: Log; readonly migrations?: readonly Migration[] },
): Promise<readonly string[]> {
  const migrations = options.migrations ?? (await readMigrations())
  const done: string[] = []
  if (missing(await readApplied(db), migrations).length === 0) return done
  for (const migration of migrations) {
    if (!(await applyNext(db, { migration, migrations }))) continue
    options.log.info('migrated the database', { path: migration.name })
    done.push(migration.name)
  }
  return done
}

/**
 * The gate for code that writes: refuses a database whose schema is not the one that this code was written for.
 * Takes a transaction too, so that a replica of an older version stops at its next write.
 *
 * @throws RunError `schema-newer`, `schema-older`, `schema-altered`
 */
export async function requireSchema(
  db: Queries,
  options: { readonly migrations: readonly Migration[] },
): Promise<void> {
  const [first] = missing(await readApplied(db), options.migrations)
  if (first !== undefined)
    throw new RunError(
      'schema-older',
      `Cannot use this database: migration ${first.name} is not applied; start the new Muster once`,
    )
}

/** @returns false when it was there already, e.g. because another process was faster */
async function applyNext(
  db: Database,
  { migration, migrations }: { migration: Migration; migrations: readonly Migration[] },
): Promise<boolean> {
  return withTransaction(db, async (tx) => {
    await tx.query('set local lock_timeout = 0')
    await tx.query('set local statement_timeout = 0')
    await lockSchema(tx)
    // Also makes this session notice that somebody else has made it while this one waited.
    await createMigrationsTable(tx)
    if (!missing(await readApplied(tx), migrations).includes(migration)) return false
    await applyMigration(tx, migration)
    return true
  })
}

/** Nobody else changes the schema until the transaction ends. */
export async function lockSchema(tx: Queries): Promise<void> {
  await tx.query('select pg_advisory_xact_lock($1)', [MIGRATION_LOCK])
}

async function createMigrationsTable(tx: Queries): Promise<void> {
  await tx.query(
    `create table if not exists schema_migrations (
       number int primary key, name text not null, checksum text not null,
       applied_at timestamptz not null default now())`,
  )
}

/** Applies one migration, whose turn it is, within a transaction that holds the schema. @throws RunError `migration-failed` */
export async function applyMigration(tx: Transaction, migration: Migration): Promise<void> {
  await createMigrationsTable(tx)
  const before = await transactionId(tx)
  try {
    await tx.client.query(migration.sql)
  } catch (error) {
    if (sqlState(error) === '' || /^(08|57P)/.test(sqlState(error))) throw error
    throw new RunError(
      'migration-failed',
      `Cannot apply migration ${migration.name}: ${error instanceof Error ? error.message : String(error)}; ` +
        'the database is as it was before it',
      { cause: error },
    )
  }
  assert(before === (await transactionId(tx)), `migration ${migration.name} ends its transaction`)
  await tx.query('insert into schema_migrations (number, name, checksum) values ($1, $2, $3)', [
    migration.number,
    migration.name,
    migration.checksum,
  ])
}

async function transactionId(tx: Queries): Promise<string | undefined> {
  return (await tx.query<{ id: string }>('select pg_current_xact_id()::text as id')).rows[0]?.id
}

/** Which migrations a database has, in order. */
export async function readApplied(db: Queries): Promise<readonly Applied[]> {
  const found = await db.query<{ exists: boolean }>(`select to_regclass('schema_migrations') is not null as exists`)
  if (!found.rows[0]?.exists) return []
  return (
    await db.query<Applied & { number: number }>('select number, name, checksum from schema_migrations order by number')
  ).rows
}

/**
 * What is not applied yet, in order; refuses a database that this code does not know.
 *
 * @throws RunError `schema-newer`, `schema-altered`
 */
export function missing(applied: readonly Applied[], migrations: readonly Migration[]): readonly Migration[] {
  const last = applied.at(-1)
  if (last !== undefined && last.number > migrations.length)
    throw new RunError(
      'schema-newer',
      `Cannot use this database: a newer Muster has changed it (migration ${last.name}, this one knows ${migrations.length}); ` +
        'start the newer Muster, or restore a backup from before',
    )
  for (const row of applied) {
    const migration = migrations[row.number - 1]
    if (migration?.checksum !== row.checksum)
      throw new RunError(
        'schema-altered',
        `Cannot use this database: migration ${row.name} was applied with another text than this Muster has; ` +
          'use the Muster that made this database',
      )
  }
  return migrations.slice(applied.length)
}

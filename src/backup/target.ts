// The database that a backup is restored into: whether it may be, and making room in it.
import { escapeIdentifier } from 'pg'
import { BusyError, ConflictError } from '../base/errors.ts'
import type { Queries } from '../database/connect.ts'
import { applyMigration, type Migration, missing, readApplied } from '../database/migrate.ts'
import { FUNCTIONS, SEQUENCES, TABLES } from '../database/names.ts'
import type { Transaction } from '../database/transaction.ts'

/** A server or run that has been silent for longer is gone. */
const SILENT_SECONDS = 30
/** A database where one of these has a row is somebody's. */
const TELLING = ['connections', 'sources', 'users', 'groups', 'administrators', 'api_tokens', 'runs']

/**
 * Removes everything of Muster's from the database, and nothing else, so that migrations can begin anew. The transaction holds the schema.
 *
 * @throws ConflictError `not-empty` unless `replace`, `not-muster`; BusyError while a server or a run works on it; RunError `schema-newer`
 */
export async function makeRoom(
  tx: Transaction,
  options: { readonly migrations: readonly Migration[]; readonly replace: boolean },
): Promise<void> {
  const present = await tx.query<{ name: string }>(
    `select relname as name from pg_class
     where relnamespace = current_schema()::regnamespace and relkind in ('r', 'p') and relname = any($1)`,
    [[...TABLES, 'schema_migrations']],
  )
  const names = new Set(present.rows.map((row) => row.name))
  if (names.size > 0 && !names.has('schema_migrations'))
    throw new ConflictError(
      'not-muster',
      `This database belongs to something else: it has a table ${JSON.stringify([...names][0])} that Muster did not make; name a database of its own with MUSTER_DATABASE_URL`,
    )
  if (names.size > 0) {
    // So that all of it is known by name.
    for (const migration of missing(await readApplied(tx), options.migrations)) await applyMigration(tx, migration)
    await requireQuiet(tx)
    if (!options.replace) await requireEmpty(tx)
    await tx.query(`drop table ${[...TABLES, 'schema_migrations'].map(escapeIdentifier).join(', ')} cascade`)
    for (const name of SEQUENCES) await tx.query(`drop sequence ${escapeIdentifier(name)}`)
    for (const name of FUNCTIONS) await tx.query(`drop function if exists ${escapeIdentifier(name)} cascade`)
  }
  // The queue's own; open jobs are delivered anew from their rows.
  await tx.query('drop schema if exists pgboss cascade')
}

async function requireQuiet(tx: Queries): Promise<void> {
  const servers = await tx.query<{ host: string; pid: number; silent: number }>(
    `select host, pid, extract(epoch from clock_timestamp() - seen_at)::int as silent from servers
     where seen_at > clock_timestamp() - make_interval(secs => $1) limit 1`,
    [SILENT_SECONDS],
  )
  const [server] = servers.rows
  if (server !== undefined)
    throw new BusyError(
      `A server works on this database (process ${server.pid} on ${server.host}, seen ${server.silent} s ago); stop it, then restore. ` +
        `If it was killed, it counts as gone after ${SILENT_SECONDS} s`,
    )
  const runs = await tx.query<{ id: number; host: string; pid: number }>(
    `select id, host, pid from runs
     where state = 'running' and heartbeat_at > clock_timestamp() - make_interval(secs => $1) limit 1`,
    [SILENT_SECONDS],
  )
  const [run] = runs.rows
  if (run !== undefined)
    throw new BusyError(
      `Run ${run.id} is going on in this database (process ${run.pid} on ${run.host}); end it with muster cancel ${run.id}, then restore`,
    )
}

async function requireEmpty(tx: Queries): Promise<void> {
  for (const table of TELLING) {
    const found = await tx.query(`select from ${escapeIdentifier(table)} limit 1`)
    if (found.rowCount === 0) continue
    throw new ConflictError(
      'not-empty',
      `This database is in use: it has ${table.replaceAll('_', ' ')}. Restore into an empty one, or replace all that is in it with --replace --yes; make a backup of it before`,
    )
  }
}

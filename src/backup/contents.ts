// What of a database is kept in a backup.
import { escapeIdentifier } from 'pg'
import type { Queries } from '../database/connect.ts'
import { SEQUENCES, TABLES } from '../database/names.ts'

/** What lets somebody in, or is true of the servers that were running only. */
export const LEFT_OUT: ReadonlySet<string> = new Set([
  'idempotency_keys',
  'one_time_codes',
  'servers',
  'sessions',
  'signin_attempts',
  'signin_flows',
  'signin_flows_used',
  'terminal_device_codes',
  'terminal_misses',
  'terminal_registrations',
  'upkeep',
])

export function keptTables(): readonly string[] {
  return TABLES.filter((name) => !LEFT_OUT.has(name))
}

/** A table's columns in its order, without those that PostgreSQL works out itself. */
export async function listColumns(db: Queries, table: string): Promise<readonly string[]> {
  const found = await db.query<{ name: string }>(
    `select attname as name from pg_attribute
     where attrelid = $1::regclass and attnum > 0 and not attisdropped and attgenerated = '' order by attnum`,
    [escapeIdentifier(table)],
  )
  return found.rows.map((row) => row.name)
}

/** As COPY wants it. */
export function tableTarget(table: string, columns: readonly string[]): string {
  return `${escapeIdentifier(table)} (${columns.map((column) => escapeIdentifier(column)).join(', ')})`
}

/** Where numbers stand that are given out, those of identity columns too. */
export interface SequenceState {
  readonly name: string
  readonly value: number
  readonly isCalled: boolean
}

export async function listSequences(db: Queries): Promise<readonly SequenceState[]> {
  const owned = await db.query<{ name: string }>(
    `select c.relname as name from pg_class c
     where c.relkind = 'S' and c.relnamespace = current_schema()::regnamespace and (c.relname = any($1) or exists (
       select from pg_depend d join pg_class t on t.oid = d.refobjid
       where d.objid = c.oid and d.deptype in ('a', 'i') and t.relname = any($2)))
     order by 1`,
    [SEQUENCES, keptTables()],
  )
  const states: SequenceState[] = []
  for (const { name } of owned.rows) {
    const found = await db.query<{ value: number; called: boolean }>(
      `select last_value as value, is_called as called from ${escapeIdentifier(name)}`,
    )
    for (const { value, called } of found.rows) states.push({ name, value, isCalled: called })
  }
  return states
}

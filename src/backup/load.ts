// Fills the empty tables of a database from a backup, many times faster than one that others use: constraints and indexes are made
// when all rows are there.
import { escapeIdentifier } from 'pg'
import { copyInto } from '../database/copy.ts'
import { TABLES } from '../database/names.ts'
import type { Transaction } from '../database/transaction.ts'
import { keptTables, tableTarget } from './contents.ts'
import { damaged } from './frames.ts'
import type { BackupPart } from './read.ts'

/** For sorting while indexes are made. */
const SORT_MEMORY = '128MB'

/**
 * Loads everything that `parts` has. The tables are those of the backup's own schema, made in this transaction.
 *
 * @param onRows how many rows are there
 */
export async function loadTables(
  tx: Transaction,
  parts: AsyncIterable<BackupPart>,
  options: { readonly onRows: (done: number) => void; readonly onIndexing: () => void },
): Promise<void> {
  await tx.query(`set local datestyle = 'ISO, YMD'; set local timezone = 'UTC'; set local intervalstyle = 'postgres'`)
  await tx.query(`set local maintenance_work_mem = '${SORT_MEMORY}'`)
  const present = await presentTables(tx)
  const later = await takeOff(tx, present)
  // Migrations have put a row here and there. What was emptied in this transaction needs no log where there are no replicas.
  await tx.query(`truncate ${[...present].map(escapeIdentifier).join(', ')}`)
  const known = new Set(keptTables())
  const iterator = parts[Symbol.asyncIterator]()
  let done = 0
  for (let part = await iterator.next(); part.done !== true; part = await iterator.next()) {
    const { value } = part
    if (value.kind === 'table') {
      const { name, columns } = value
      // What an older Muster kept and this one does not any more is read over.
      const isWanted = present.has(name) && known.has(name)
      const rows = await (isWanted ? load(tx, iterator, { name, columns }) : skip(iterator))
      done += rows
      options.onRows(done)
    }
    if (value.kind === 'sequences') await setSequences(tx, value.sequences)
  }
  options.onIndexing()
  for (const statement of later) await tx.query(statement)
  await tx.query(`analyze ${[...present].map(escapeIdentifier).join(', ')}`)
}

type Parts = AsyncIterator<BackupPart>

async function load(
  tx: Transaction,
  parts: Parts,
  { name, columns }: { readonly name: string; readonly columns: readonly string[] },
): Promise<number> {
  let expected = 0
  const rows = async function* () {
    for (;;) {
      const next = await parts.next()
      if (next.done === true) throw damaged('its parts are in disorder')
      if (next.value.kind === 'rows') yield next.value.bytes
      if (next.value.kind !== 'table end') continue
      expected = next.value.rows
      return
    }
  }
  const loaded = await copyInto(tx.client, tableTarget(name, columns), { rows: rows(), freeze: true })
  if (loaded !== expected) throw damaged(`the table ${JSON.stringify(name)} has ${loaded} rows instead of ${expected}`)
  return loaded
}

async function skip(parts: Parts): Promise<number> {
  for (;;) {
    const next = await parts.next()
    if (next.done === true) throw damaged('its parts are in disorder')
    if (next.value.kind === 'table end') return 0
  }
}

/** Of those that this code knows; an older schema has fewer. */
async function presentTables(tx: Transaction): Promise<ReadonlySet<string>> {
  const found = await tx.query<{ name: string }>(
    `select relname as name from pg_class
     where relnamespace = current_schema()::regnamespace and relkind in ('r', 'p') and relname = any($1)`,
    [TABLES],
  )
  return new Set(found.rows.map((row) => row.name))
}

/**
 * Takes indexes and constraints off the tables and quiets their triggers. What the rows are worth the database that they come from has
 * checked when they were written; constraints are checked again when they are put back.
 *
 * @returns the statements that put everything back, in their order
 */
async function takeOff(tx: Transaction, tables: ReadonlySet<string>): Promise<readonly string[]> {
  const names = [...tables]
  const constraints = await tx.query<{ table: string; name: string; definition: string; kind: string }>(
    `select conrelid::regclass::text as "table", quote_ident(conname) as name, pg_get_constraintdef(oid) as definition, contype::text as kind
     from pg_constraint where conrelid = any($1::regclass[]) and contype in ('p', 'u', 'f', 'x')
     order by contype = 'f', conrelid::regclass::text, conname`,
    [names],
  )
  const indexes = await tx.query<{ name: string; definition: string }>(
    `select i.indexrelid::regclass::text as name, pg_get_indexdef(i.indexrelid) as definition from pg_index i
     where i.indrelid = any($1::regclass[]) and not exists (select from pg_constraint k where k.conindid = i.indexrelid)
     order by 1`,
    [names],
  )
  for (const { table, name } of constraints.rows.toReversed())
    await tx.query(`alter table ${table} drop constraint ${name}`)
  for (const { name } of indexes.rows) await tx.query(`drop index ${name}`)
  for (const name of names) await tx.query(`alter table ${escapeIdentifier(name)} disable trigger user`)
  const add = ({ table, name, definition }: (typeof constraints.rows)[number]) =>
    `alter table ${table} add constraint ${name} ${definition}`
  const isForeign = ({ kind }: { readonly kind: string }) => kind === 'f'
  return [
    ...constraints.rows.filter((row) => !isForeign(row)).map(add),
    ...indexes.rows.map((row) => row.definition),
    ...constraints.rows.filter(isForeign).map(add),
    ...names.map((name) => `alter table ${escapeIdentifier(name)} enable trigger user`),
  ]
}

async function setSequences(
  tx: Transaction,
  sequences: Extract<BackupPart, { kind: 'sequences' }>['sequences'],
): Promise<void> {
  for (const { name, value, isCalled } of sequences)
    await tx.query(
      `select setval(oid::regclass, $2, $3) from pg_class
       where relkind = 'S' and relnamespace = current_schema()::regnamespace and relname = $1`,
      [name, value, isCalled],
    )
}

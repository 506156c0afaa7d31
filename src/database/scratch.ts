// Temporary tables that work within one transaction and stay, empty, for the next one of the session. Making ten of them each time
// costs more than all other work of a small delta, and fills PostgreSQL's catalogs with rows to be swept.
import type { Transaction } from './transaction.ts'

/**
 * Makes sure that the transaction has these temporary tables, all of them empty when it begins.
 *
 * @param definitions columns by table name, as they stand between the parentheses of CREATE TABLE; the first table remembers them, so
 * that a session that somebody else has used before us, with other ones, gets ours
 */
export async function scratchTables(tx: Transaction, definitions: Readonly<Record<string, string>>): Promise<void> {
  const names = Object.keys(definitions)
  const [first] = names
  if (first === undefined) return
  const wanted = JSON.stringify(definitions)
  const found = await tx.query<{ has: string | null }>(`select obj_description(to_regclass($1), 'pg_class') as has`, [
    `pg_temp.${first}`,
  ])
  if (found.rows[0]?.has === wanted) return
  const drops = names.map((name) => `drop table if exists pg_temp.${name}`)
  const creates = names.map((name) => `create temp table ${name} (${definitions[name]}) on commit delete rows`)
  const note = `comment on table pg_temp.${first} is '${wanted.replaceAll("'", "''")}'`
  await tx.query([...drops, ...creates, note].join(';\n'))
}

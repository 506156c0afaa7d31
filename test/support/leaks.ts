// Places in which secrets are searched for.
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Queries } from '../../src/database/connect.ts'

/** What stands in every column of every table, one after the other; binary ones as bytes. */
export async function eachColumn(
  db: Queries,
  visit: (place: string, content: string | Buffer) => void,
): Promise<readonly string[]> {
  const { rows: columns } = await db.query<{ schema: string; table: string; name: string; type: string }>(
    `select n.nspname as schema, c.relname as table, a.attname as name, format_type(a.atttypid, a.atttypmod) as type
       from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid
      where c.relkind in ('r', 'p', 'm') and c.relpersistence <> 't' and a.attnum > 0 and not a.attisdropped
        and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast') order by 1, 2, a.attnum`,
  )
  for (const { schema, table, name, type } of columns) {
    const column = `"${name}"`
    const value = type === 'bytea' ? `encode(${column}, 'hex')` : `${column}::text`
    const { rows } = await db.query<{ all: string | null }>(
      `select string_agg(${value}, E'\\n') as all from "${schema}"."${table}"`,
    )
    const all = rows[0]?.all ?? ''
    const place = `column ${schema}.${table}.${name}`
    visit(place, type === 'bytea' ? Buffer.from(all.replaceAll('\n', '00'), 'hex') : all)
  }
  return columns.map(({ schema, table, name }) => `${schema}.${table}.${name}`)
}

/** Every file below a folder. Running servers remove files of theirs meanwhile. */
export async function eachFile(
  folder: string,
  visit: (path: string, content: Buffer) => void,
  isWanted: (path: string) => boolean = () => true,
): Promise<void> {
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    if (!entry.isFile() || !isWanted(path)) continue
    const content = await readFile(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error
    })
    if (content !== undefined) visit(path, content)
  }
}

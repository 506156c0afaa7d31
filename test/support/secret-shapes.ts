// What tells a secret by its looks, whoever made it. The support of all tests looks for it where secrets must not be, so that each test
// file also is a test of that.
import type { Queries } from '../../src/database/connect.ts'

/** Kept in the syntax that JavaScript and PostgreSQL share. */
const SHAPES: readonly (readonly [kind: string, pattern: string])[] = [
  // Header and payload begin with {" in base64.
  ['token of Microsoft', String.raw`eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}`],
  ['private key', '-----BEGIN [A-Z ]*PRIVATE KEY-----'],
  // As the emulator makes them, and Entra: three characters, a mark, 34 characters.
  ['client secret', String.raw`[A-Za-z0-9_.-]{3}8Q~[A-Za-z0-9_.-]{34}`],
  ['API token', 'mst_[A-Za-z0-9_-]{43}'],
  ['terminal token', 'mtt_[A-Za-z0-9_-]{43}'],
]

/** Those that have no looks of their own, by what they are. */
const PLANTED = new Map<string, Set<string>>()
/** The last ones of each kind. */
const MOST_PLANTED = 300
/** Shorter ones would be met by chance. */
const SHORTEST_PLANTED = 8

/** Before each file of tests: several run in one process. */
export function forgetPlanted(): void {
  PLANTED.clear()
}

/** Has a secret that the support of tests made searched for like those with looks of their own. */
export function plant(kind: string, value: string): void {
  if (value.length < SHORTEST_PLANTED) throw new Error(`${kind} is too short to be searched for`)
  const values = PLANTED.get(kind) ?? new Set()
  PLANTED.set(kind, values)
  const [oldest] = values
  if (values.size >= MOST_PLANTED && oldest !== undefined) values.delete(oldest)
  values.add(value)
}

/** What is sealed, by what it is sealed for: it stands nowhere else as it is. Not cards: many tests make them of names, which stand everywhere. */
const SEALED: readonly (readonly [kind: string, context: RegExp])[] = [
  ['PKCE verifier', /^sign-in flow:/],
  ['device code', /^terminal device code$/],
  ['second factor', /^second factor:/],
]

/** Plants what a test has sealed, where it is long enough to be searched for. */
export function plantSealed(plain: string, context: string): void {
  const [kind] = SEALED.find(([, pattern]) => pattern.test(context)) ?? []
  if (kind !== undefined && plain.length >= SHORTEST_PLANTED) plant(kind, plain)
}

/** The kinds of secrets that a text shows. */
export function secretsIn(text: string): readonly string[] {
  const shaped = SHAPES.filter(([, pattern]) => new RegExp(pattern).test(text)).map(([kind]) => kind)
  const planted = [...PLANTED].filter(([, values]) => [...values].some((value) => text.includes(value)))
  return [...new Set([...shaped, ...planted.map(([kind]) => kind)])]
}

/**
 * @param given kinds that belong there
 * @throws where a text that anybody may read shows a secret
 */
export function requireNoSecrets(place: string, text: string, given: readonly string[] = []): void {
  const kinds = secretsIn(text).filter((kind) => !given.includes(kind))
  if (kinds.length > 0) throw new Error(`${place} shows a secret: ${kinds.join(', ')}`)
}

/** Rows of a table that are looked at: tests of a hundred thousand people are about other things. */
const MOST_ROWS = 2_000

/**
 * Columns of a database that show a secret, and its kind. The texts are searched here: the database would take ten times as long,
 * as it begins with each row anew.
 */
export async function secretsInDatabase(db: Queries): Promise<readonly string[]> {
  const { rows: columns } = await db.query<{ table: string; name: string; isBinary: boolean }>(
    `select format('%I.%I', n.nspname, c.relname) as table, a.attname as name, a.atttypid = 'bytea'::regtype as "isBinary"
       from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid
      where c.relkind = 'r' and c.relpersistence <> 't' and a.attnum > 0 and not a.attisdropped
        and a.atttypid in ('text'::regtype, 'json'::regtype, 'jsonb'::regtype, 'bytea'::regtype, 'text[]'::regtype)
        and n.nspname not in ('pg_catalog', 'information_schema')
        and pg_relation_size(c.oid) > 0`,
  )
  const tables = Map.groupBy(columns, ({ table }) => table)
  if (tables.size === 0) return []
  const shown = (column: { name: string; isBinary: boolean }) =>
    `coalesce(string_agg(${column.isBinary ? `encode("${column.name}", 'escape')` : `"${column.name}"::text`}, E'\\n'), '')`
  const { rows } = await db.query<{ table: string; texts: string[] }>(
    [...tables]
      .map(
        ([table, all]) =>
          `select '${table}' as table, array[${all.map(shown).join(', ')}] as texts from (select * from ${table} limit ${MOST_ROWS}) t`,
      )
      .join(' union all '),
  )
  return rows.flatMap(({ table, texts }) =>
    texts.flatMap((text, column) => {
      const kinds = secretsIn(text)
      return kinds.length === 0 ? [] : [`${table}.${tables.get(table)?.[column]?.name}: ${kinds.join(', ')}`]
    }),
  )
}

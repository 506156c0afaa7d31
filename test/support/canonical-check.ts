// The canonical form against the database: one form for equal texts, kept by the index as it is, and folded as Unicode says.
import { canonical } from '../../src/directory/canonical.ts'
import type { Queries } from '../../src/database/connect.ts'
import { createRandom } from '../../src/emulator/random.ts'
import { hostileValues } from './hostile.ts'

/** Texts to compare: hostile ones and random characters of every plane, each with other spellings of itself. */
export function textsToCompare(seed: number, count: number): string[] {
  const random = createRandom(seed)
  const characters = () =>
    Array.from({ length: 1 + random.int(6) }, () => {
      const code = random.int(random.pick([0x250, 0x600, 0x3000, 0x110000]))
      return code === 0 || (code >= 0xd800 && code <= 0xdfff) ? 'ſ' : String.fromCodePoint(code)
    }).join('')
  const hostile = hostileValues(seed, count).flatMap(({ value }) =>
    value.length <= 300 && value.isWellFormed() && !value.includes('\0') ? [value] : [],
  )
  const texts: string[] = []
  for (let n = 0; texts.length < count; n += 1) {
    const text = (n % 2 === 0 ? hostile[n / 2] : undefined) ?? characters()
    texts.push(text, random.pick([text.normalize('NFD'), text.normalize('NFKC'), ` ${text}\u00a0`]))
  }
  return texts.slice(0, count)
}

export interface Disagreement {
  readonly what: 'not idempotent' | 'database says not normalized' | 'index parts them otherwise' | 'folded otherwise'
  readonly texts: readonly string[]
}

/** Everything in which JavaScript and the database do not agree about these texts; empty when they do. */
export async function disagreements(db: Queries, texts: readonly string[]): Promise<Disagreement[]> {
  const keys = texts.map(canonical)
  const found: Disagreement[] = []
  for (const [n, key] of keys.entries())
    if (canonical(key) !== key) found.push({ what: 'not idempotent', texts: [texts[n] ?? ''] })
  // Characters that the database's Unicode does not know yet are left out: it cannot say anything about them.
  const known = await db.query<{ n: number; key: string; stable: boolean; folded: string }>(
    `select n::int, k.key, k.key is nfkc normalized as stable,
       normalize(casefold(normalize(casefold(normalize(t.text, nfkd) collate "pg_unicode_fast"), nfkd) collate "pg_unicode_fast"), nfkc) as folded
     from unnest($1::text[], $2::text[]) with ordinality as k (text, key, n), lateral (select k.text) t (text)
     where unicode_assigned(k.text) order by n`,
    [texts, keys],
  )
  const byFolded = new Map<string, string>()
  for (const row of known.rows) {
    const text = texts[row.n - 1] ?? ''
    if (row.key !== keys[row.n - 1]) found.push({ what: 'index parts them otherwise', texts: [text] })
    if (!row.stable) found.push({ what: 'database says not normalized', texts: [text] })
    // Two texts that Unicode folds to one must have one canonical form. Ours may join more: outer space, dotted I, sigma.
    const other = byFolded.get(row.folded)
    if (other === undefined) byFolded.set(row.folded, text)
    else if (canonical(other) !== row.key) found.push({ what: 'folded otherwise', texts: [other, text] })
  }
  const distinct = await db.query<{ count: number }>(
    'select count(distinct key collate "C")::int as count from unnest($1::text[]) as t (key)',
    [keys],
  )
  if (distinct.rows[0]?.count !== new Set(keys).size)
    found.push({ what: 'index parts them otherwise', texts: ['in all'] })
  return found
}

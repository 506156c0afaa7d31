// Attributes that become secret, or stop being so, change their place in the mirror without being read again.
import type { Database } from '../database/connect.ts'
import { type Owner, writeMirror } from './fence.ts'
import { openSecrets, sealContext, type Sealer, sealSecrets, toJson } from './rows.ts'
import { setSecretAttributes } from './rounds.ts'
import type { Attributes } from '../directory/change.ts'

const BATCH = 2000

/**
 * Seals those of `names` that lie open and opens what is sealed and not among `names`. In steps of bounded size, each a
 * transaction; repeating it, also after a kill, is harmless. Nothing is marked: whatever changed `names` marks everybody.
 */
export async function resealUsers(
  db: Database,
  owner: Owner,
  options: { readonly names: ReadonlySet<string>; readonly sealer: Sealer },
): Promise<void> {
  let after = 0
  for (;;) {
    const last = await writeMirror(db, owner, async (tx) => {
      const found = await tx.query<ResealRow>(
        `select key, object_id, attributes, sealed from mirror_objects
         where source_id = $1 and kind = 'u' and key > $2 order by key limit $3`,
        [owner.sourceId, after, BATCH],
      )
      const changed = found.rows.flatMap((row) => resealRow(row, owner.sourceId, options))
      await tx.query(
        `update mirror_objects o set attributes = n.json::jsonb, sealed = n.sealed
         from unnest($1::int[], $2::text[], $3::bytea[]) as n (key, json, sealed) where o.key = n.key`,
        [changed.map((c) => c.key), changed.map((c) => c.json), changed.map((c) => c.sealed)],
      )
      return found.rows.at(-1)?.key
    })
    if (last === undefined) break
    after = last
  }
  await writeMirror(db, owner, (tx) => setSecretAttributes(tx, owner.sourceId, [...options.names].sort()))
}

function resealRow(
  row: ResealRow,
  sourceId: number,
  options: { readonly names: ReadonlySet<string>; readonly sealer: Sealer },
): { readonly key: number; readonly json: string; readonly sealed: Buffer | null }[] {
  const context = sealContext(sourceId, row.object_id)
  const plain: Record<string, Attributes[string]> = {}
  const secret: Record<string, Attributes[string]> = {}
  let moved = false
  const sealedBefore = openSecrets(options.sealer, row.sealed, context)
  for (const [wasSecret, values] of [
    [false, row.attributes ?? {}],
    [true, sealedBefore],
  ] as const) {
    for (const [name, value] of Object.entries(values)) {
      const isSecret = options.names.has(name)
      if (isSecret !== wasSecret) moved = true
      if (isSecret) secret[name] = value
      else plain[name] = value
    }
  }
  if (!moved) return []
  return [{ key: row.key, json: toJson(plain), sealed: sealSecrets(options.sealer, secret, context) }]
}

interface ResealRow {
  readonly key: number
  readonly object_id: string
  readonly attributes: Attributes | null
  readonly sealed: Buffer | null
}

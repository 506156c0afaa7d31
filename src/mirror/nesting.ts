// Groups in groups, one level at a time.
import type { Queries } from '../database/connect.ts'
import type { Attributes } from '../directory/change.ts'
import type { ObjectId } from '../directory/ids.ts'

export interface NestedIn {
  readonly parent: number
  readonly child: number
}

/** The groups that these groups are direct members of; keys. */
export async function listParents(db: Queries, groupKeys: readonly number[]): Promise<readonly NestedIn[]> {
  const found = await db.query<NestedIn>(
    `select n.group_key as parent, n.member_key as child from mirror_nesting n
     where n.member_key = any($1::int[]) order by n.group_key, n.member_key`,
    [groupKeys],
  )
  return found.rows
}

/** The groups of these keys that are there, by key. */
export async function groupsByKeys(
  db: Queries,
  keys: readonly number[],
): Promise<
  ReadonlyMap<number, { readonly key: number; readonly objectId: ObjectId; readonly attributes: Attributes }>
> {
  const found = await db.query<{ key: number; object_id: ObjectId; attributes: Attributes | null }>(
    `select key, object_id, attributes from mirror_objects where key = any($1::int[]) and kind = 'g' and state = 'l'`,
    [keys],
  )
  return new Map(
    found.rows.map((row) => [row.key, { key: row.key, objectId: row.object_id, attributes: row.attributes ?? {} }]),
  )
}

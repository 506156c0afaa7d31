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

/** A group that is another one, or below it; `parent` is the group above it on the shortest way. */
export interface GroupBelow {
  readonly key: number
  readonly parent: number | null
  readonly objectId: string
  readonly attributes: Attributes
}

/** A group of a source and every group that is in it, directly or through others, the nearest first; each once. */
export async function listGroupsBelow(
  db: Queries,
  group: { readonly sourceId: number; readonly objectId: string },
): Promise<readonly GroupBelow[]> {
  const top = await db.query<{ key: number; attributes: Attributes | null }>(
    `select key, attributes from mirror_objects where source_id = $1 and object_id = $2 and kind = 'g' and state = 'l'`,
    [group.sourceId, group.objectId],
  )
  const [root] = top.rows
  if (root === undefined) return []
  const found: GroupBelow[] = [
    { key: root.key, parent: null, objectId: group.objectId, attributes: root.attributes ?? {} },
  ]
  const seen = new Set([root.key])
  for (let level: readonly number[] = [root.key]; level.length > 0; ) {
    const below = await db.query<{ parent: number; key: number; object_id: string; attributes: Attributes | null }>(
      `select distinct on (o.key) n.group_key as parent, o.key, o.object_id, o.attributes
       from mirror_nesting n join mirror_objects o on o.key = n.member_key and o.kind = 'g' and o.state = 'l'
       where n.group_key = any($1::int[]) order by o.key, n.group_key`,
      [level],
    )
    const fresh = below.rows.filter((row) => !seen.has(row.key))
    for (const { parent, key, object_id: objectId, attributes } of fresh) {
      seen.add(key)
      found.push({ key, parent, objectId, attributes: attributes ?? {} })
    }
    level = fresh.map((row) => row.key)
  }
  return found
}

/** Which of these people are direct members of which of these groups. */
export async function listMembersOf(
  db: Queries,
  asked: { readonly sourceId: number; readonly groupKeys: readonly number[]; readonly objectIds: readonly string[] },
): Promise<readonly { readonly groupKey: number; readonly objectId: string }[]> {
  const found = await db.query<{ groupKey: number; objectId: string }>(
    `select m.group_key as "groupKey", o.object_id as "objectId" from mirror_objects o join mirror_members m on m.member_key = o.key
     where o.source_id = $1 and o.object_id = any($2::uuid[]) and m.group_key = any($3::int[])`,
    [asked.sourceId, asked.objectIds, asked.groupKeys],
  )
  return found.rows
}

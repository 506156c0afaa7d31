// Single users of the mirror, found by name, and the groups that they are in.
import type { Queries } from '../database/connect.ts'
import type { Attributes } from '../directory/change.ts'
import type { ObjectId } from '../directory/ids.ts'

/** The user whose user principal name this was when he was last read, live ones first. Reads the whole mirror. */
export async function findByUserPrincipalName(
  db: Queries,
  sourceId: number,
  userPrincipalName: string,
): Promise<ObjectId | undefined> {
  const found = await db.query<{ object_id: ObjectId }>(
    `select object_id from mirror_objects
     where source_id = $1 and kind = 'u' and lower(attributes ->> 'userPrincipalName') = lower($2)
     order by state = 'l' desc, key desc limit 1`,
    [sourceId, userPrincipalName],
  )
  return found.rows[0]?.object_id
}

/** Some users who are there: direct members of the groups named before others; anybody where none is named. */
export async function listSomeUsers(
  db: Queries,
  sourceId: number,
  options: { readonly groups: readonly string[]; readonly atMost: number },
): Promise<readonly ObjectId[]> {
  const { groups, atMost } = options
  const members = await db.query<{ object_id: ObjectId }>(
    `select distinct o.object_id from mirror_objects g join mirror_members m on m.group_key = g.key
       join mirror_objects o on o.key = m.member_key and o.kind = 'u' and o.state = 'l'
     where g.source_id = $1 and g.kind = 'g' and g.object_id = any($2::uuid[]) limit $3`,
    [sourceId, groups, atMost],
  )
  const found = await db.query<{ object_id: ObjectId }>(
    `select object_id from mirror_objects where source_id = $1 and kind = 'u' and state = 'l' order by object_id limit $2`,
    [sourceId, atMost],
  )
  return [...new Set([...members.rows, ...found.rows].map((row) => row.object_id))].slice(0, atMost)
}

/** Groups with these object ids as any source has read them from this tenant. */
export async function namesInMirrors(
  db: Queries,
  tenantId: string,
  objectIds: readonly ObjectId[],
): Promise<ReadonlyMap<ObjectId, Attributes>> {
  const found = await db.query<{ object_id: ObjectId; attributes: Attributes | null }>(
    `select o.object_id, o.attributes from sources s join mirror_objects o on o.source_id = s.id
     where s.mirror_tenant_id = $1 and o.object_id = any($2::uuid[]) and o.kind = 'g' and o.state = 'l'`,
    [tenantId, objectIds],
  )
  return new Map(found.rows.flatMap((row) => (row.attributes === null ? [] : [[row.object_id, row.attributes]])))
}

export interface DirectGroup {
  readonly key: number
  readonly objectId: ObjectId
  readonly attributes: Attributes
  readonly membersUnknown: boolean
}

/** The groups that a user is a direct member of; groups that are not there any more are left out. */
export async function listGroupsOf(db: Queries, userKey: number): Promise<readonly DirectGroup[]> {
  const found = await db.query<{
    key: number
    object_id: ObjectId
    attributes: Attributes | null
    members_unknown: boolean
  }>(
    `select o.key, o.object_id, o.attributes, o.members_unknown from mirror_members m
       join mirror_objects o on o.key = m.group_key and o.kind = 'g' and o.state = 'l'
     where m.member_key = $1`,
    [userKey],
  )
  return found.rows.map((row) => ({
    key: row.key,
    objectId: row.object_id,
    attributes: row.attributes ?? {},
    membersUnknown: row.members_unknown,
  }))
}

/** These groups and all that they are nested in; keys. */
export async function listGroupsAbove(db: Queries, groupKeys: readonly number[]): Promise<ReadonlySet<number>> {
  const found = await db.query<{ key: number }>(
    `with recursive above (key) as (
       select unnest($1::int[])
       union
       select n.group_key from above a join mirror_nesting n on n.member_key = a.key)
     select key from above`,
    [groupKeys],
  )
  return new Set(found.rows.map((row) => row.key))
}

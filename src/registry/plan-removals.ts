// What a plan removes, for proving each removal again.
import type { Queries } from '../database/connect.ts'
import { pathKeyOf, splitPath } from '../directory/group.ts'
import type { ObjectId } from '../directory/ids.ts'

export interface PlannedRemoval {
  readonly objectId: ObjectId
  readonly rule: string
  readonly reason: string
}

/**
 * SQL: the plan drops him beside or in favour of another source, so the memberships that end are in Entra still. What proves
 * them is what proves that the source does not want him.
 */
const DROPPED = (
  user: string,
) => `exists (select from plan_items d where d.run_id = $1 and d.object = 'user' and d.user_id = ${user}
  and d.reason in ('not-owned', 'dropped-by-owner'))`

/**
 * Users that the plan of a run deactivates or deletes, and those of other sources from whom it takes the memberships that its
 * own source gave.
 */
export async function plannedRemovals(db: Queries, runId: number): Promise<PlannedRemoval[]> {
  const found = await db.query<{ object_id: ObjectId; rule: string; reason: string }>(
    `select object_id, rule, reason from plan_items
     where run_id = $1 and object = 'user' and action in ('deactivate', 'delete') and object_id is not null and reason <> 'object-id-moved'
     union all
     select i.object_id, i.rule, case i.rule when 'users.options.deactivateMissingUsers' then 'gone' else i.reason end from plan_items i
     where i.run_id = $1 and i.object = 'user' and i.reason = 'not-owned' and i.object_id is not null
       and exists (select from plan_memberships m where m.run_id = $1 and m.op = 'r' and m.user_id = i.user_id)`,
    [runId],
  )
  return found.rows.map((row) => ({ objectId: row.object_id, rule: row.rule, reason: row.reason }))
}

/** Users whom the plan of a run hands over to another source, because its own wants them no more. */
export async function plannedHandOvers(db: Queries, runId: number): Promise<ObjectId[]> {
  const found = await db.query<{ object_id: ObjectId }>(
    `select object_id from plan_items where run_id = $1 and object = 'user' and action = 'take over' and reason = 'dropped-by-owner'
       and object_id is not null`,
    [runId],
  )
  return found.rows.map((row) => row.object_id)
}

/** Groups that the plan of a run deletes because Entra has them no more; not those that a setting ignores. */
export async function plannedGroupRemovals(db: Queries, runId: number): Promise<ObjectId[]> {
  const found = await db.query<{ object_id: ObjectId }>(
    `select object_id from plan_items where run_id = $1 and object = 'group' and action = 'delete' and reason = 'gone'`,
    [runId],
  )
  return found.rows.map((row) => row.object_id)
}

/**
 * SQL: another source has the group, and this one wants it no more though Entra has it: its settings say so, and they are the plan's.
 * What Entra has no more is proven by its list.
 */
const LEAVES_TO_ITS_OWNER = `exists (select from plan_group_claims c join runs r on r.id = c.run_id
    join mirror_objects o on o.source_id = r.source_id and o.object_id = g.object_id and o.state = 'l'
  where c.run_id = $1 and c.group_id = m.group_id and not c.claims)`

/**
 * Members whom the plan of a run takes out of groups that stay, by the group's object id. What ends with a group that this source
 * gives no more is in Entra still, also where another source has the group from now on.
 */
export async function plannedMembershipRemovals(
  db: Queries,
  runId: number,
): Promise<ReadonlyMap<ObjectId, ReadonlySet<ObjectId>>> {
  const found = await db.query<{ group_id: ObjectId; users: ObjectId[] }>(
    `select g.object_id as group_id, array_agg(u.object_id) as users from plan_memberships m
       join groups g on g.id = m.group_id and g.object_id is not null
       join users u on u.id = m.user_id and u.object_id is not null
     where m.run_id = $1 and m.op = 'r' and not ${DROPPED('m.user_id')}
       and not exists (select from plan_items i where i.run_id = $1 and i.object = 'group' and i.group_id = m.group_id
         and (i.action = 'delete' or i.reason = 'dropped-by-owner'))
       and not ${LEAVES_TO_ITS_OWNER}
     group by g.object_id`,
    [runId],
  )
  return new Map(found.rows.map((row) => [row.group_id, new Set(row.users)]))
}

/** Whom the plan of a run takes out of groups from attributes, with the keys of their paths; people of its source only. */
export async function plannedAttributeGroupRemovals(
  db: Queries,
  runId: number,
): Promise<ReadonlyMap<ObjectId, ReadonlySet<string>>> {
  const found = await db.query<{ object_id: ObjectId; name: string; under: string }>(
    `select u.object_id, g.name, g.under from plan_memberships m
       join runs r on r.id = m.run_id
       join groups g on g.id = m.group_id and g.object_id is null
       join users u on u.id = m.user_id and u.object_id is not null and u.source_id = r.source_id
     where m.run_id = $1 and m.op = 'r'`,
    [runId],
  )
  const removals = new Map<ObjectId, Set<string>>()
  for (const { object_id: objectId, name, under } of found.rows) {
    const keys = removals.get(objectId) ?? new Set<string>()
    removals.set(objectId, keys.add(pathKeyOf([...splitPath(under), name])))
  }
  return removals
}

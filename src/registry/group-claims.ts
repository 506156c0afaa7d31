// Which sources give members to a group that another source of their tenant owns.
import type { Queries } from '../database/connect.ts'
import { MINE } from './applying.ts'

export interface GroupClaim {
  readonly groupId: number
  /** False: the source wants the group no more. */
  readonly claims: boolean
}

/** Notes with a plan what its source wants of groups that are not its own. */
export async function planGroupClaims(db: Queries, runId: number, claims: readonly GroupClaim[]): Promise<void> {
  if (claims.length === 0) return
  await db.query(
    'insert into plan_group_claims (run_id, group_id, claims) select $1, * from unnest($2::int[], $3::boolean[]) on conflict do nothing',
    [runId, claims.map((c) => c.groupId), claims.map((c) => c.claims)],
  )
}

/** Makes the group claims of a source what its applied plan says. */
export async function applyGroupClaims(
  db: Queries,
  { runId, sourceId }: { readonly runId: number; readonly sourceId: number },
): Promise<void> {
  await db.query(
    `insert into group_claims (group_id, source_id)
     select p.group_id, $2 from plan_group_claims p join groups g on g.id = p.group_id where p.run_id = $1 and p.claims
     on conflict do nothing`,
    [runId, sourceId],
  )
  await db.query(
    `delete from group_claims c using plan_group_claims p
     where p.run_id = $1 and not p.claims and c.group_id = p.group_id and c.source_id = $2`,
    [runId, sourceId],
  )
  // Whoever has come to own a group gives to it as its owner, and would else go on to give after it has let it go. What is left of
  // claims on one that is hidden now is of sources that want it no more and have not run since.
  await db.query(
    `delete from group_claims c using plan_items i, groups g
     where ${MINE} and i.object = 'group' and g.id = i.group_id and c.group_id = g.id and (c.source_id = g.source_id or g.hidden)`,
    [runId],
  )
}

/** By group: the sources that want it and do not own it. */
export async function claimsOfGroups(
  db: Queries,
  groupIds: readonly number[],
): Promise<ReadonlyMap<number, readonly number[]>> {
  const map = new Map<number, number[]>()
  if (groupIds.length === 0) return map
  const found = await db.query<{ group_id: number; source_id: number }>(
    'select group_id, source_id from group_claims where group_id = any($1::int[])',
    [groupIds],
  )
  for (const row of found.rows) map.set(row.group_id, [...(map.get(row.group_id) ?? []), row.source_id])
  return map
}

// Which sources give members to a group that another source of their tenant owns.
import type { Queries } from '../database/connect.ts'

export interface GroupClaim {
  readonly groupId: number
  /** False: the source wants the group no more. */
  readonly claims: boolean
}

/** Notes what a source wants of groups that are not its own. */
export async function claimGroups(db: Queries, sourceId: number, claims: readonly GroupClaim[]): Promise<void> {
  const of = (wanted: boolean) => claims.filter((c) => c.claims === wanted).map((c) => c.groupId)
  const wanted = of(true)
  if (wanted.length > 0) {
    await db.query(
      'insert into group_claims (group_id, source_id) select unnest($2::int[]), $1 on conflict do nothing',
      [sourceId, wanted],
    )
  }
  const unwanted = of(false)
  if (unwanted.length > 0)
    await db.query('delete from group_claims where source_id = $1 and group_id = any($2::int[])', [sourceId, unwanted])
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

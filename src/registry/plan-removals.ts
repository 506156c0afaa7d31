// The people whom a plan removes, for proving each removal again.
import type { Queries } from '../database/connect.ts'
import type { ObjectId } from '../directory/ids.ts'

export interface PlannedRemoval {
  readonly objectId: ObjectId
  readonly rule: string
  readonly reason: string
}

/** Users that the plan of a run deactivates or deletes. */
export async function plannedRemovals(db: Queries, runId: number): Promise<PlannedRemoval[]> {
  const found = await db.query<{ object_id: ObjectId; rule: string; reason: string }>(
    `select object_id, rule, reason from plan_items
     where run_id = $1 and object = 'user' and action in ('deactivate', 'delete') and object_id is not null and reason <> 'object-id-moved'`,
    [runId],
  )
  return found.rows.map((row) => ({ objectId: row.object_id, rule: row.rule, reason: row.reason }))
}

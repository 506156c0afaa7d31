// What can still be done about a run.
import type { Queries } from '../database/connect.ts'

export interface RunFacts {
  /** Applied, and what it overwrote is kept still. */
  readonly canRevert: boolean
  /** Held, undecided and in time. */
  readonly canApprove: boolean
  readonly cancelRequested: boolean
}

export async function getRunFacts(db: Queries, runId: number): Promise<RunFacts> {
  const found = await db.query<RunFacts>(
    `select r.cancel_requested as "cancelRequested",
       r.outcome is not distinct from 'held' and r.decision is null and r.approve_by > now() as "canApprove",
       exists (select from runs a join runs p on p.id = coalesce(a.approves, a.id)
         where a.id = coalesce((select max(id) from runs where approves = r.id and outcome = 'applied'), r.id)
           and a.outcome = 'applied' and a.source_id is not null and p.items_removed_at is null) as "canRevert"
     from runs r where r.id = $1`,
    [runId],
  )
  return found.rows[0] ?? { canRevert: false, canApprove: false, cancelRequested: false }
}

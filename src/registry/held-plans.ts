// What becomes of a plan that is held: somebody decides about it, it lapses, or another one takes its place.
import { ConflictError } from '../base/errors.ts'
import type { Queries } from '../database/connect.ts'
import { deletePlan } from './plans.ts'
import { type Decision, requireRun, type Run } from './runs.ts'

/** Marks held plans of the source that still wait as decided; answers which. */
export async function decideHeld(
  db: Queries,
  sourceId: number,
  decision: {
    readonly decision: Decision
    readonly by: string | null
    readonly reason: string | null
    readonly except?: number
    /** This one alone. */
    readonly run?: number
  },
): Promise<readonly number[]> {
  const found = await db.query<{ id: number }>(
    `update runs set decision = $2, decided_by = $3, decided_reason = $4, decided_at = now()
     where source_id = $1 and outcome = 'held' and decision is null and id is distinct from $5
       and ($6::int is null or id = $6) returning id`,
    [sourceId, decision.decision, decision.by, decision.reason, decision.except ?? null, decision.run ?? null],
  )
  return found.rows.map((row) => row.id)
}

/**
 * Takes the decision on one held plan; only the first one counts.
 *
 * @throws ConflictError `not-held`, `already-decided`, `lapsed`
 */
export async function decideRun(
  db: Queries,
  runId: number,
  decision: { readonly decision: Decision; readonly by: string; readonly reason: string },
): Promise<void> {
  const run = await requireRun(db, runId)
  if (run.outcome !== 'held')
    throw new ConflictError('not-held', `Run ${runId} is not held; only a held plan is approved or rejected`)
  if (run.decision !== null) {
    throw new ConflictError(
      'already-decided',
      `The plan of run ${runId} was ${run.decision}${run.decidedAt === null ? '' : ` on ${run.decidedAt.toISOString()}`}`,
    )
  }
  const done = await db.query(
    `update runs set decision = $2, decided_by = $3, decided_reason = $4, decided_at = now()
     where id = $1 and outcome = 'held' and decision is null and ($2 <> 'approved' or approve_by > now())`,
    [runId, decision.decision, decision.by, decision.reason],
  )
  if (done.rowCount === 1) return
  await db.query(
    `update runs set decision = 'lapsed', decided_at = now() where id = $1 and decision is null and approve_by <= now()`,
    [runId],
  )
  throw new ConflictError(
    'lapsed',
    `The plan of run ${runId} lapsed after 24 hours; run the source again and approve the new plan`,
  )
}

/** Ends the plan of a run that is held no longer than another one waits: that one is the plan to decide about. */
export async function yieldTo(db: Queries, runId: number, waiting: Pick<Run, 'id' | 'planHash'>): Promise<void> {
  await deletePlan(db, runId)
  await db.query(
    `update runs set plan_hash = $2, figures = null, decision = 'superseded', decided_at = now(), left_waiting = $3::int,
       decided_reason = 'the plan of run ' || $3::int || ' still waits' where id = $1`,
    [runId, waiting.planHash, waiting.id],
  )
}

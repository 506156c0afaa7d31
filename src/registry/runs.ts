// Runs: who runs a source now, what runs came to, and what became of held plans.
import type { ProcessIdentity } from '../base/process.ts'
import { isRunning } from '../base/process.ts'
import { ConflictError, NotFoundError, RunError } from '../base/errors.ts'
import { type Progress, progress } from '../contract/api/runs.ts'
import type { Outcome, RunDocument } from '../contract/runs.ts'
import type { Database, Queries } from '../database/connect.ts'
import { type Transaction, withTransaction } from '../database/transaction.ts'
import { claimJob, type TakenJob } from './jobs.ts'
import type { SpentFigures } from './plan-figures.ts'

/** How long the holder of a source may be silent before he counts as dead, also where his process is there: it may be stopped. */
const SILENT_SECONDS = 30

/** What is said of a run whose process is gone. */
export const INTERRUPTED = 'The process that ran it ended; the next run resumed where it stood.'

export type RunKind = 'sync' | 'plan' | 'approve' | 'revert'
export type Decision = 'approved' | 'rejected' | 'superseded' | 'lapsed'

/** A run as it is stored. */
export interface Run {
  readonly id: number
  readonly sourceId: number | null
  readonly source: string
  readonly kind: RunKind
  readonly mode: 'full' | 'delta'
  readonly trigger: 'manual' | 'schedule' | 'notification' | 'api'
  readonly state: 'running' | 'ended'
  readonly outcome: Outcome | null
  readonly fence: number
  readonly host: string
  readonly pid: number
  readonly startedAt: Date
  readonly endedAt: Date | null
  readonly phase: string | null
  readonly progress: { readonly done: number; readonly total: number | null } | null
  readonly settingsVersion: number
  readonly planHash: string | null
  readonly planAll: boolean | null
  /** Mirror keys, where the plan is for some users alone. */
  readonly only: readonly number[] | null
  readonly removalsAllowed: boolean | null
  readonly summary: RunDocument | null
  readonly approveBy: Date | null
  readonly decision: Decision | null
  readonly decidedBy: string | null
  readonly decidedReason: string | null
  readonly decidedAt: Date | null
  readonly approves: number | null
  /** The run that this one took back. */
  readonly reverts: number | null
  readonly revertsUser: number | null
}

export interface NewRun {
  readonly sourceId: number
  readonly kind: RunKind
  readonly mode: 'full' | 'delta'
  readonly trigger: Run['trigger']
  readonly holder: ProcessIdentity
  readonly approves?: number
  /** The run that it takes back, and the only user of it. */
  readonly reverts?: { readonly run: number; readonly user: number | undefined }
  /** Of one user only. */
  readonly isPartial?: boolean | undefined
  /** The job that the run is for; it is made the run of it in the same transaction. */
  readonly job?: TakenJob | undefined
}

/** What is written together with the beginning of a run. */
interface AlsoAtBegin {
  readonly onTakenOver?: (tx: Transaction, runId: number) => Promise<void>
  readonly onBegun?: ((tx: Transaction, runId: number) => Promise<void>) | undefined
}

export type Begun =
  | { readonly kind: 'begun'; readonly runId: number; readonly fence: number; readonly takenOver: number | undefined }
  | { readonly kind: 'busy'; readonly run: number; readonly host: string; readonly pid: number }

/**
 * Takes the source for a new run, raising its fence, so that whoever held it before cannot write any more. A holder who is dead
 * (the same host, and the process is gone; any host, silent for 30 s) is taken over and his run ends as failed.
 *
 * @param also in the same transaction: for a run that was ended in this way, and for the one that begins
 * @throws ConflictError `job-over` when the job of the run was done before, `job-changed` when it is another one by now
 */
export async function beginRun(db: Database, run: NewRun, also: AlsoAtBegin = {}): Promise<Begun> {
  let begun: Begun | undefined
  try {
    return await withTransaction(db, async (tx) => {
      begun = await takeSource(tx, run, also)
      return begun
    })
  } catch (error) {
    if (!(error instanceof RunError) || error.code !== 'commit-unknown' || begun === undefined) throw error
    if (begun.kind === 'busy') return begun
    // A run that nobody knows of would keep the source for as long as this process lives.
    const taken = await getSettledRun(db, { runId: begun.runId, sourceId: run.sourceId })
    if (taken?.state !== 'running') throw error
    return begun
  }
}

async function takeSource(tx: Transaction, run: NewRun, also: AlsoAtBegin): Promise<Begun> {
  const source = await tx.query<{ name: string; settings_version: number }>(
    'update sources set fence = fence + 1 where id = $1 returning name, settings_version',
    [run.sourceId],
  )
  const [row] = source.rows
  if (row === undefined) throw new NotFoundError('source', String(run.sourceId))
  const found = await tx.query<{ id: number; host: string; pid: number; process_started: string; silent: number }>(
    `select id, host, pid, process_started, extract(epoch from clock_timestamp() - heartbeat_at)::float8 as silent
     from runs where source_id = $1 and state = 'running'`,
    [run.sourceId],
  )
  const [holder] = found.rows
  if (holder !== undefined) {
    const isDead =
      holder.silent > SILENT_SECONDS ||
      (holder.host === run.holder.host && !isRunning({ pid: holder.pid, started: holder.process_started }))
    if (!isDead) {
      await tx.query('update sources set fence = fence - 1 where id = $1', [run.sourceId])
      return { kind: 'busy', run: holder.id, host: holder.host, pid: holder.pid }
    }
    await tx.query(
      `update runs set state = 'ended', outcome = 'failed', ended_at = now(),
         summary = coalesce(summary, jsonb_build_object('error', jsonb_build_object('code', 'interrupted',
           'message', $2::text, 'requestId', null)))
       where id = $1`,
      [holder.id, INTERRUPTED],
    )
    await deletePlan(tx, holder.id)
    await also.onTakenOver?.(tx, holder.id)
  }
  const inserted = await tx.query<{ id: number; fence: number }>(
    `insert into runs (source_id, source_name, kind, mode, trigger, fence, host, pid, process_started, settings_version, approves, reverts, reverts_user, only_keys)
     select $1, $2, $3, $4, $5, fence, $6, $7, $8, $9, $10, $11, $12, $13 from sources where id = $1 returning id, fence`,
    [
      run.sourceId,
      row.name,
      run.kind,
      run.mode,
      run.trigger,
      run.holder.host,
      run.holder.pid,
      run.holder.started,
      row.settings_version,
      run.approves ?? null,
      run.reverts?.run ?? null,
      run.reverts?.user ?? null,
      // Whom it is about it plans; until then it is about nobody.
      run.isPartial === true ? [] : null,
    ],
  )
  const [begun] = inserted.rows
  if (begun === undefined) throw new NotFoundError('source', String(run.sourceId))
  if (run.job !== undefined) await claimJob(tx, run.job, begun.id)
  await also.onBegun?.(tx, begun.id)
  return { kind: 'begun', runId: begun.id, fence: begun.fence, takenOver: holder?.id }
}

/** Tells that the run is alive and where it stands; answers whether an administrator wants it to stop. */
export async function beat(
  db: Queries,
  runId: number,
  progress: { readonly phase: string; readonly done: number; readonly total: number | null },
): Promise<{ cancelRequested: boolean; lost: boolean }> {
  const found = await db.query<{ cancel_requested: boolean }>(
    `update runs set heartbeat_at = clock_timestamp(), phase = $2, progress = $3
     where id = $1 and state = 'running' returning cancel_requested`,
    [runId, progress.phase, JSON.stringify({ done: progress.done, total: progress.total })],
  )
  const [row] = found.rows
  return { cancelRequested: row?.cancel_requested ?? false, lost: row === undefined }
}

/** Locks the source for the rest of the transaction, or ends the run that has lost it. */
export async function holdFence(db: Queries, sourceId: number, fence: number): Promise<void> {
  const found = await db.query('select 1 from sources where id = $1 and fence = $2 for update', [sourceId, fence])
  if (found.rowCount === 1) return
  throw new RunError('fence-lost', 'Another run took the source over; nothing was written. Look at the later run.')
}

export interface PlanMade {
  readonly hash: string
  readonly planAll: boolean
  /** Mirror keys, where the plan is for some users alone. */
  readonly only?: readonly number[] | undefined
  readonly removalsAllowed: boolean
  readonly figures: SpentFigures
}

/** Notes the plan that a run has made. */
export async function recordPlan(db: Queries, runId: number, plan: PlanMade): Promise<void> {
  await db.query(
    'update runs set plan_hash = $2, plan_all = $3, removals_allowed = $4, only_keys = $5, figures = $6 where id = $1',
    [runId, plan.hash, plan.planAll, plan.removalsAllowed, plan.only ?? null, JSON.stringify(plan.figures)],
  )
}

export interface RunEnding {
  readonly outcome: Outcome
  readonly mode: 'full' | 'delta'
  readonly summary: RunDocument
  readonly approveBy: Date | null
}

/**
 * Ends a run, once; a run that was ended by another (taken over) stays as it is.
 *
 * @returns whether it was ended here
 */
export async function endRun(db: Queries, runId: number, ending: RunEnding): Promise<boolean> {
  const ended = await db.query(
    `update runs set state = 'ended', outcome = $2, mode = $3, summary = $4, approve_by = $5, ended_at = now(), phase = null, progress = null
     where id = $1 and state = 'running'`,
    [runId, ending.outcome, ending.mode, JSON.stringify(ending.summary), ending.approveBy],
  )
  return ended.rowCount === 1
}

/** Removes the items of a plan that will never be applied, e.g. of an interrupted run. */
async function deletePlan(db: Queries, runId: number): Promise<void> {
  await db.query('delete from plan_items where run_id = $1', [runId])
  await db.query('delete from plan_memberships where run_id = $1', [runId])
  await db.query('delete from plan_shared_memberships where run_id = $1', [runId])
  await db.query('delete from plan_claims where run_id = $1', [runId])
  await db.query('delete from plan_group_claims where run_id = $1', [runId])
}

/** Marks held plans of the source that still wait as decided; answers which. */
export async function decideHeld(
  db: Queries,
  sourceId: number,
  decision: {
    readonly decision: Decision
    readonly by: string | null
    readonly reason: string | null
    readonly except?: number
  },
): Promise<readonly number[]> {
  const found = await db.query<{ id: number }>(
    `update runs set decision = $2, decided_by = $3, decided_reason = $4, decided_at = now()
     where source_id = $1 and outcome = 'held' and decision is null and id is distinct from $5 returning id`,
    [sourceId, decision.decision, decision.by, decision.reason, decision.except ?? null],
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

/** Asks a run to stop; it does so within seconds, leaving nothing half done. */
export async function requestCancel(db: Queries, runId: number): Promise<void> {
  const done = await db.query(`update runs set cancel_requested = true where id = $1 and state = 'running'`, [runId])
  if (done.rowCount === 1) return
  await requireRun(db, runId)
  throw new ConflictError('not-running', `Run ${runId} is not running`)
}

/** @throws NotFoundError */
export async function requireRun(db: Queries, runId: number): Promise<Run> {
  const run = await getRun(db, runId)
  if (run === undefined) throw new NotFoundError('run', String(runId), 'list them with: muster runs')
  return run
}

async function getRun(db: Queries, runId: number): Promise<Run | undefined> {
  if (!Number.isInteger(runId) || runId < 1 || runId > 2_147_483_647) return undefined
  const found = await db.query<RunRow>('select * from runs where id = $1', [runId])
  const [row] = found.rows
  return row === undefined ? undefined : presentRun(row)
}

/** The run under which the items of the plan of a run stand: an approval has those of the run that it approves. */
export function planRunOf({ id, approves, planHash }: Pick<Run, 'id' | 'approves' | 'planHash'>): number {
  // One that had to plan anew has items of its own.
  return planHash === null && approves !== null ? approves : id
}

/** Those of these runs that there are, in no order. */
export async function runsByIds(db: Queries, runIds: readonly number[]): Promise<readonly Run[]> {
  const found = await db.query<RunRow>('select * from runs where id = any($1::int[])', [runIds])
  return found.rows.map(presentRun)
}

/** The last run of a source that changed the registry. */
export async function lastAppliedRun(db: Queries, sourceId: number): Promise<number | undefined> {
  const found = await db.query<{ id: number }>(
    `select id from runs where source_id = $1 and outcome = 'applied' order by id desc limit 1`,
    [sourceId],
  )
  return found.rows[0]?.id
}

/** The held plan of a source that waits for its approval and has not lapsed: the last one of any kind, or of a plan for all. */
export async function waitingRun(db: Queries, sourceId: number, which: 'any' | 'for-all'): Promise<Run | undefined> {
  const found = await db.query<RunRow>(
    `select * from runs where source_id = $1 and outcome = 'held' and decision is null and approve_by > now()
       and ($2 = 'any' or only_keys is null) order by id desc limit 1`,
    [sourceId, which],
  )
  const [row] = found.rows
  return row === undefined ? undefined : presentRun(row)
}

/** Ends the plan of a run that is held no longer than another one waits: that one is the plan to decide about. */
export async function yieldTo(db: Queries, runId: number, waiting: Pick<Run, 'id' | 'planHash'>): Promise<void> {
  await deletePlan(db, runId)
  await db.query(
    `update runs set plan_hash = $2, figures = null, decision = 'superseded', decided_at = now(),
       decided_reason = 'the plan of run ' || $3 || ' still waits' where id = $1`,
    [runId, waiting.planHash, waiting.id],
  )
}

/**
 * A run once every transaction that holds its source has ended: tells what became of a COMMIT whose answer was lost, also
 * where the server still works on it.
 */
export async function getSettledRun(
  db: Database,
  run: { readonly runId: number; readonly sourceId: number },
): Promise<Run | undefined> {
  return withTransaction(db, async (tx) => {
    await tx.query('select 1 from sources where id = $1 for update', [run.sourceId])
    return getRun(tx, run.runId)
  })
}

export interface RunQuery {
  readonly source?: string | undefined
  /** Only those that ended so, or that have not ended. */
  readonly outcome?: Outcome | 'running' | undefined
  /** Only runs with a lower id; for paging. */
  readonly before?: number | undefined
  readonly limit: number
}

/** Runs, newest first. */
export async function listRuns(db: Queries, query: RunQuery): Promise<Run[]> {
  const found = await db.query<RunRow>(
    `select * from runs where ($1::text is null or source_name = $1) and ($2::int is null or id < $2)
       and ($4::text is null or coalesce(outcome, 'running') = $4) order by id desc limit $3`,
    [query.source ?? null, query.before ?? null, query.limit, query.outcome ?? null],
  )
  return found.rows.map(presentRun)
}

/** Where a run stands; null when it does not run. */
export function progressOf(run: Pick<Run, 'state' | 'phase' | 'progress'>): Progress | null {
  if (run.state === 'ended') return null
  const phase = progress.shape.phase.safeParse(run.phase)
  if (!phase.success) return { phase: 'waiting', done: 0, total: null }
  return { phase: phase.data, done: run.progress?.done ?? 0, total: run.progress?.total ?? null }
}

interface RunRow {
  readonly id: number
  readonly source_id: number | null
  readonly source_name: string
  readonly kind: RunKind
  readonly mode: 'full' | 'delta'
  readonly trigger: Run['trigger']
  readonly state: 'running' | 'ended'
  readonly outcome: Outcome | null
  readonly fence: number
  readonly host: string
  readonly pid: number
  readonly started_at: Date
  readonly ended_at: Date | null
  readonly phase: string | null
  readonly progress: { readonly done: number; readonly total: number | null } | null
  readonly settings_version: number
  readonly plan_hash: string | null
  readonly plan_all: boolean | null
  readonly only_keys: readonly number[] | null
  readonly removals_allowed: boolean | null
  readonly summary: RunDocument | null
  readonly approve_by: Date | null
  readonly decision: Decision | null
  readonly decided_by: string | null
  readonly decided_reason: string | null
  readonly decided_at: Date | null
  readonly approves: number | null
  readonly reverts: number | null
  readonly reverts_user: number | null
}

function presentRun(row: RunRow): Run {
  return {
    id: row.id,
    sourceId: row.source_id,
    source: row.source_name,
    kind: row.kind,
    mode: row.mode,
    trigger: row.trigger,
    state: row.state,
    outcome: row.outcome,
    fence: row.fence,
    host: row.host,
    pid: row.pid,
    startedAt: row.started_at,
    endedAt: row.ended_at,
    phase: row.phase,
    progress: row.progress,
    settingsVersion: row.settings_version,
    planHash: row.plan_hash,
    planAll: row.plan_all,
    only: row.only_keys,
    removalsAllowed: row.removals_allowed,
    summary: row.summary,
    approveBy: row.approve_by,
    decision: row.decision,
    decidedBy: row.decided_by,
    decidedReason: row.decided_reason,
    decidedAt: row.decided_at,
    approves: row.approves,
    reverts: row.reverts,
    revertsUser: row.reverts_user,
  }
}

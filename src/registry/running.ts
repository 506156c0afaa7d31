// The life of a run: it takes its source and holds it by a fence, tells that it is alive, notes its plan, and ends.
import { ConflictError, NotFoundError, RunError } from '../base/errors.ts'
import { isRunning, type ProcessIdentity } from '../base/process.ts'
import type { Outcome, RunDocument } from '../contract/runs.ts'
import type { Database, Queries } from '../database/connect.ts'
import { type Transaction, withTransaction } from '../database/transaction.ts'
import type { MadeWith } from './made-with.ts'
import { claimJob, type TakenJob } from './jobs.ts'
import type { SpentFigures } from './plan-figures.ts'
import { deletePlan } from './plans.ts'
import { getSettledRun, requireRun, type Run, type RunKind } from './runs.ts'

/** How long the holder of a source may be silent before he counts as dead, also where his process is there: it may be stopped. */
const SILENT_SECONDS = 30

/** What is said of a run whose process is gone. */
export const INTERRUPTED = 'The process that ran it ended; the next run resumed where it stood.'

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
  readonly madeWith: MadeWith
}

/** Notes the plan that a run has made. */
export async function recordPlan(db: Queries, runId: number, plan: PlanMade): Promise<void> {
  await db.query(
    `update runs set plan_hash = $2, plan_all = $3, removals_allowed = $4, only_keys = $5, figures = $6, made_with = $7
     where id = $1`,
    [
      runId,
      plan.hash,
      plan.planAll,
      plan.removalsAllowed,
      plan.only ?? null,
      JSON.stringify(plan.figures),
      JSON.stringify(plan.madeWith),
    ],
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

/** Asks a run to stop; it does so within seconds, leaving nothing half done. */
export async function requestCancel(db: Queries, runId: number): Promise<void> {
  const done = await db.query(`update runs set cancel_requested = true where id = $1 and state = 'running'`, [runId])
  if (done.rowCount === 1) return
  await requireRun(db, runId)
  throw new ConflictError('not-running', `Run ${runId} is not running`)
}

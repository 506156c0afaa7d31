// Runs as they are stored: what they came to, and which of them waits. They are begun and ended in running.ts.
import { NotFoundError } from '../base/errors.ts'
import { type Progress, progress } from '../contract/api/runs.ts'
import type { Outcome, RunDocument } from '../contract/runs.ts'
import type { Database, Queries } from '../database/connect.ts'
import { withTransaction } from '../database/transaction.ts'
import type { MadeWith } from './made-with.ts'

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
  /** Null: there is no plan, or it was made before this was kept. */
  readonly madeWith: MadeWith | null
  readonly summary: RunDocument | null
  readonly approveBy: Date | null
  readonly decision: Decision | null
  readonly decidedBy: string | null
  readonly decidedReason: string | null
  readonly decidedAt: Date | null
  readonly approves: number | null
  /** The run whose plan waited already, and was left to wait. */
  readonly leftWaiting: number | null
  /** The run that this one took back. */
  readonly reverts: number | null
  readonly revertsUser: number | null
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

/**
 * The run under which the items of the plan of a run stand: an approval has those of the run that it approves, one that left another
 * plan waiting those of that.
 */
export function planRunOf(run: Pick<Run, 'id' | 'approves' | 'planHash' | 'leftWaiting'>): number {
  if (run.leftWaiting !== null) return run.leftWaiting
  // One that had to plan anew has items of its own.
  return run.planHash === null && run.approves !== null ? run.approves : run.id
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
  readonly made_with: MadeWith | null
  readonly summary: RunDocument | null
  readonly approve_by: Date | null
  readonly decision: Decision | null
  readonly decided_by: string | null
  readonly decided_reason: string | null
  readonly decided_at: Date | null
  readonly approves: number | null
  readonly left_waiting: number | null
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
    madeWith: row.made_with,
    summary: row.summary,
    approveBy: row.approve_by,
    decision: row.decision,
    decidedBy: row.decided_by,
    decidedReason: row.decided_reason,
    decidedAt: row.decided_at,
    approves: row.approves,
    leftWaiting: row.left_waiting,
    reverts: row.reverts,
    revertsUser: row.reverts_user,
  }
}

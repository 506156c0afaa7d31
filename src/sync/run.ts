// One run of a source: pull, plan, then apply, hold or show. Owns the lease, cancellation, progress and the run's record.
import { randomInt } from 'node:crypto'
import { ConfigError, RunError } from '../base/errors.ts'
import type { HeldReason, Outcome, RunDocument } from '../contract/runs.ts'
import { refreshStatistics } from '../database/statistics.ts'
import { type Transaction, withTransaction } from '../database/transaction.ts'
import type { GraphClient } from '../graph/client.ts'
import { clearMirror, getRounds } from '../mirror/rounds.ts'
import { applyPlan, applyUnseen } from '../registry/apply.ts'
import { issuesOfRun } from '../registry/issues.ts'
import { deleteSkips } from '../registry/plans.ts'
import { decideHeld, getSettledRun, holdFence, recordPlan, yieldTo } from '../registry/runs.ts'
import { settleMarks } from '../registry/settle.ts'
import { requireSource, type Source } from '../registry/sources.ts'
import { type Conclusion, concludeRun } from './conclude.ts'
import { emptyDocument, endingOf, ISSUES_IN_DOCUMENT, withPlan } from './document.ts'
import type { Engine, RunProgress } from './engine.ts'
import { mirrorOpener, rivalsOf } from './rivals.ts'
import { type Lease, takeLease } from './lease.ts'
import type { MadePlan } from './plan-input.ts'
import { makePlan, PLANNER_VERSION } from './planning.ts'
import { countsOf } from './plan-summary.ts'
import { releasesOf } from './plan-terms.ts'
import type { PullEnv, PullResult } from './pull-env.ts'
import { type PulledUser, pullUser } from './pull-user.ts'
import { pull } from './pull.ts'
import { stillWaiting } from './waiting.ts'
import { logPlan } from './run-log.ts'

/** How long a held plan waits for its approval. */
const APPROVAL_HOURS = 24

export interface RunRequest {
  /** The source's name. */
  readonly source: string
  /** `plan` shows what a run would do and changes nothing in the registry. */
  readonly kind: 'sync' | 'plan'
  /** `auto` reads by delta where the source has a delta link. */
  readonly mode: 'auto' | 'full'
  readonly trigger: 'manual' | 'schedule' | 'notification' | 'api'
  /** Only this user, by user principal name or object id: he is read anew and planned alone. */
  readonly user?: string | undefined
  /** Wait up to 60 s for a source that is being run. */
  readonly wait: boolean
  readonly signal: AbortSignal
  readonly onProgress: (progress: RunProgress) => void
}

/**
 * Runs a source. Every way in which a run can end is an outcome in the document; only what keeps a run from starting is thrown.
 *
 * @throws NotFoundError, ConfigError (disabled source), BusyError, CancelledError while waiting
 */
export async function runSource(engine: Engine, request: RunRequest): Promise<RunDocument> {
  const source = await requireSource(engine.db, request.source)
  if (!source.enabled) {
    throw new ConfigError([
      {
        at: `sources.${source.name}.enabled`,
        message: 'the source is disabled; enable it in the config file and apply that',
      },
    ])
  }
  // What it sets out to be; how it was read in the end is known when it ends.
  const { users } = await getRounds(engine.db, source.id)
  const mode = request.mode === 'full' || users.deltaLink === undefined ? 'full' : 'delta'
  const lease = await takeLease(engine, {
    run: {
      sourceId: source.id,
      kind: request.kind,
      mode,
      trigger: request.trigger,
    },
    isPartial: request.user !== undefined,
    sourceName: source.name,
    wait: request.wait,
    signal: request.signal,
    onProgress: request.onProgress,
  })
  return underLease(engine, { lease, source: source.name, mode }, (session) => pullPlanApply(session, request))
}

/** A run under way. */
export interface Session {
  readonly engine: Engine
  readonly lease: Lease
  /** As it stood when the lease was taken. */
  readonly source: Source
  readonly graph: GraphClient
  document: RunDocument
}

/** How a session ends; `applied` has already been written in the transaction that applied. */
export interface SessionEnding {
  readonly outcome: Outcome
  readonly approveBy: Date | null
  readonly isRecorded: boolean
}

/** Runs `work` under a lease and records how it ended, whatever happens. */
export async function underLease(
  engine: Engine,
  run: { readonly lease: Lease; readonly source: string; readonly mode: 'full' | 'delta' },
  work: (session: Session) => Promise<SessionEnding>,
): Promise<RunDocument> {
  const { lease } = run
  let session: Session | undefined
  let document = emptyDocument(lease.runId, run.source, run.mode)
  try {
    const source = await requireSource(engine.db, run.source)
    lease.log.info('run begins', { runId: String(lease.runId), source: run.source, what: `${lease.kind}, ${run.mode}` })
    const graph = await engine.openGraph(source.connection, lease.log)
    session = { engine: { ...engine, log: lease.log }, lease, source, graph, document }
    const ending = await work(session)
    document = finished(session, ending.outcome)
    if (!ending.isRecorded) await record(engine, { lease, session, document, approveBy: ending.approveBy })
  } catch (caught) {
    const error = lease.signal.aborted ? lease.signal.reason : caught
    document = session === undefined ? document : session.document
    const known = await outcomeAfterAll(engine, { runId: lease.runId, sourceId: session?.source.id }, caught)
    if (known !== undefined) return known
    const ending = endingOf(error)
    document = {
      ...document,
      outcome: ending.outcome,
      error: ending.error,
      held: null,
      graph: session === undefined ? document.graph : usageOf(session.graph),
      ms: { ...document.ms, total: lease.elapsedMs() },
    }
    await recordFailure(engine, { lease, session, document, approveBy: null, cause: error })
  } finally {
    await lease.release()
    await session?.graph.stop()
  }
  engine.log.info('run ended', {
    runId: String(lease.runId),
    source: run.source,
    outcome: document.outcome,
    code: document.error?.code,
    ms: document.ms.total,
  })
  return document
}

/** Codes after which nobody knows whether the last transaction was committed. */
const UNSURE: ReadonlySet<string> = new Set(['commit-unknown', 'database-unavailable'])

/** A connection that broke at COMMIT leaves open whether it happened; the run's own row tells. */
async function outcomeAfterAll(
  engine: Engine,
  { runId, sourceId }: { readonly runId: number; readonly sourceId: number | undefined },
  error: unknown,
): Promise<RunDocument | undefined> {
  if (!(error instanceof RunError) || !UNSURE.has(error.code) || sourceId === undefined) return undefined
  try {
    const run = await getSettledRun(engine.db, { runId, sourceId })
    return run?.outcome === 'applied' && run.summary !== null ? run.summary : undefined
  } catch (again) {
    engine.log.warn('the database does not answer', {
      runId: String(runId),
      code: again instanceof RunError ? again.code : 'unknown',
    })
    return undefined
  }
}

interface Ended {
  readonly lease: Lease
  /** Undefined when it failed before there was one. */
  readonly session: Session | undefined
  readonly document: RunDocument
  readonly approveBy: Date | null
  readonly cause?: unknown
}

async function record(engine: Engine, ended: Ended): Promise<void> {
  await withTransaction(engine.db, (tx) => concludeRun(engine, tx, conclusionOf(ended)))
}

function conclusionOf({ lease, session, ...ended }: Ended): Conclusion {
  const { runId, sourceId, kind, isPartial, log } = lease
  const connection = session?.source.connection
  return {
    ...ended,
    runId,
    sourceId,
    kind,
    isPartial,
    log,
    place: connection && { ...connection, connection: connection.name },
  }
}

async function recordFailure(engine: Engine, ended: Ended): Promise<void> {
  try {
    await record(engine, ended)
  } catch (error) {
    // The next run of this source finds that this process is gone and records the interruption.
    engine.log.error('the end of the run could not be recorded', {
      runId: String(ended.lease.runId),
      code: error instanceof RunError ? error.code : 'unknown',
    })
  }
}

async function pullPlanApply(
  session: Session,
  options: Pick<RunRequest, 'kind' | 'mode' | 'trigger' | 'user'>,
): Promise<SessionEnding> {
  const pulled = await pullMirror(session, options.mode, options.user)
  const plan = await planFromMirror(session, pulled, 'key' in pulled ? [pulled.key] : undefined)
  if (options.kind === 'plan') {
    session.document = { ...session.document, held: plan.held.length === 0 ? null : heldOf(session, plan.held).held }
    return { outcome: plan.isEmpty ? 'no-change' : 'planned', approveBy: null, isRecorded: false }
  }
  // By hand a run always replaces what waits; a schedule does not take from an administrator what he is looking at.
  if (options.trigger !== 'manual') {
    const waiting = await withTransaction(session.engine.db, (tx) => leaveWaiting(session, tx, plan.held))
    if (waiting !== undefined) return waiting
  }
  if (plan.held.length > 0) return hold(session, plan.held)
  const ending = await apply(session, plan, pulled)
  if (plan.everybody) await refreshStatistics(session.engine.db, FILLED_BY_RUNS)
  return ending
}

async function leaveWaiting(
  session: Session,
  tx: Transaction,
  held: readonly HeldReason[],
): Promise<SessionEnding | undefined> {
  const { lease, source } = session
  await holdFence(tx, source.id, lease.fence)
  const waiting = await stillWaiting(tx, {
    sourceId: source.id,
    settingsVersion: source.settingsVersion,
    runId: lease.runId,
    held,
  })
  if (waiting === undefined) return undefined
  await yieldTo(tx, lease.runId, waiting)
  session.document = { ...session.document, planHash: waiting.planHash, held: waiting.summary?.held ?? null }
  return { outcome: 'held', approveBy: null, isRecorded: false }
}

/** What a run for everybody may have filled or made grow. */
const FILLED_BY_RUNS = [
  'mirror_objects',
  'mirror_members',
  'mirror_nesting',
  'users',
  'user_names',
  'credentials',
  'claims',
  'groups',
  'memberships',
  'plan_items',
  'plan_memberships',
]

/** Makes the mirror equal to Entra. */
export async function pullMirror(
  session: Session,
  mode: 'auto' | 'full',
  user?: string,
): Promise<PullResult | PulledUser> {
  const { engine, lease, source, graph } = session
  const { connection } = source
  const before = engine.clock.monotonicMs()
  await withTransaction(engine.db, async (tx) => {
    await holdFence(tx, source.id, lease.fence)
    const found = await tx.query<{ tenant: string | null }>(
      'select mirror_tenant_id as tenant from sources where id = $1',
      [source.id],
    )
    const tenant = found.rows[0]?.tenant ?? null
    if (tenant === connection.tenantId) return
    if (tenant !== null) await clearMirror(tx, source.id)
    await tx.query(
      'update sources set mirror_tenant_id = $2, marked_all = true, marked_all_at = fence - 1 where id = $1',
      [source.id, connection.tenantId],
    )
  })
  const { vault } = engine
  const env: PullEnv = {
    db: engine.db,
    graph,
    seal: (plain, context) => vault.seal(plain, context),
    open: (sealed, context) => vault.open(sealed, context),
    clock: engine.clock,
    log: engine.log,
    signal: lease.signal,
    onProgress: (progress) => lease.report(progress),
  }
  const of = { id: source.id, name: source.name, settings: source.settings, connection, fence: lease.fence }
  const pulled = user === undefined ? await pull(env, of, { mode }) : await pullUser(env, of, user)
  session.document = {
    ...session.document,
    mode: pulled.mode,
    users: { ...session.document.users, read: pulled.usersRead },
    groups: { ...session.document.groups, read: pulled.groupsRead },
    ms: { ...session.document.ms, pull: since(session, before) },
  }
  logPulled(session, pulled)
  return pulled
}

function logPulled({ lease: { log } }: Session, pulled: PullResult): void {
  if (pulled.resync !== undefined)
    log.info('everything was read anew, the stored delta state was of no use', { code: pulled.resync })
  log.info('read', { what: 'users', count: pulled.usersRead })
  log.info('read', { what: 'groups', count: pulled.groupsRead })
  if (pulled.removals !== 'allowed') log.info('nothing may be removed in this run', { code: pulled.removals })
}

/** Plans what the mirror implies, and stores the plan with the run. */
export async function planFromMirror(
  session: Session,
  pulled: PullResult,
  only?: readonly number[],
): Promise<MadePlan & { readonly everybody: boolean; readonly only: readonly number[] | undefined }> {
  const { engine, lease } = session
  const before = engine.clock.monotonicMs()
  lease.report({ phase: 'planning', done: 0, total: undefined })
  const plan = await withTransaction(
    engine.db,
    async (tx) => {
      // Marks are read as they are now: settings may have been applied while this run was pulling.
      const source = await requireSource(tx, session.source.name)
      if (source.settingsVersion !== session.source.settingsVersion) {
        throw new RunError(
          'settings-changed',
          'The settings of the source were changed while it ran; nothing was written. Run it again.',
        )
      }
      const everybody = only === undefined && (source.markedAll || pulled.mode === 'full' || isUpgrade(source))
      const made = await makePlan(tx, {
        ...planInput(engine, source, pulled),
        rivals: await rivalsOf(tx, { vault: engine.vault, source }),
        runId: lease.runId,
        everybody,
        only,
        onProgress: (done) => lease.report({ phase: 'planning', done, total: undefined }),
        signal: lease.signal,
      })
      await recordPlan(tx, lease.runId, {
        hash: made.hash,
        planAll: everybody,
        only,
        removalsAllowed: pulled.removals === 'allowed',
        figures: made.spent,
      })
      const issues = await issuesOfRun(tx, lease.runId, ISSUES_IN_DOCUMENT)
      session.document = withPlan(session.document, made, issues)
      // Only now: the lock keeps others from finding out that the source is taken.
      await holdFence(tx, source.id, lease.fence)
      return { ...made, everybody, only }
    },
    { signal: lease.signal },
  )
  session.document = { ...session.document, ms: { ...session.document.ms, plan: since(session, before) } }
  logPlan(lease.log, session.document)
  return plan
}

/** What planning is given besides the run. */
export function planInput(
  engine: Engine,
  source: Source,
  pulled: Pick<PullResult, 'removals' | 'noUsersWhereSome' | 'issues'>,
) {
  const { vault } = engine
  const { connection } = source
  return {
    now: engine.clock.now(),
    source: {
      id: source.id,
      name: source.name,
      tenantId: connection.tenantId,
      priority: source.priority,
      settings: source.settings,
      settingsVersion: source.settingsVersion,
    },
    removalsAllowed: pulled.removals === 'allowed',
    noUsersWhereSome: pulled.noUsersWhereSome,
    connectionChanged:
      source.seenTenantId !== null &&
      (source.seenTenantId !== connection.tenantId || source.seenClientId !== connection.clientId),
    upgraded: isUpgrade(source),
    clearedEverywhere: source.clearedEverywhere,
    issues: pulled.issues,
    lookup: (space: 'card' | 'pin', value: string) => vault.lookup(space, value),
    sealCard: (value: string) => vault.seal(value, 'card'),
    randomInt: (below: number) => randomInt(below),
    openMirror: mirrorOpener(vault, source.id),
  }
}

function isUpgrade(source: Source): boolean {
  return source.plannerVersion !== null && source.plannerVersion !== PLANNER_VERSION
}

/** Ends the run as held: the plan waits for approval. */
export async function hold(session: Session, reasons: readonly HeldReason[]): Promise<SessionEnding> {
  const { held, approveBy } = heldOf(session, reasons)
  for (const { rule, count, limit } of reasons) session.lease.log.info('held', { what: rule, count, limit })
  session.document = { ...session.document, held }
  await decideHeld(session.engine.db, session.source.id, {
    decision: 'superseded',
    by: null,
    reason: null,
    except: session.lease.runId,
  })
  return { outcome: 'held', approveBy, isRecorded: false }
}

function heldOf(session: Session, reasons: readonly HeldReason[]) {
  const approveBy = new Date(session.engine.clock.now().getTime() + APPROVAL_HOURS * 3_600_000)
  return { held: { reasons: [...reasons], approveBy: approveBy.toISOString() }, approveBy }
}

async function apply(
  session: Session,
  plan: MadePlan & { readonly everybody?: boolean; readonly only?: readonly number[] | undefined },
  pulled: PullResult,
): Promise<SessionEnding> {
  return applyStored(session, {
    planRunId: session.lease.runId,
    planFence: session.lease.fence,
    everybody: plan.everybody ?? false,
    only: plan.only,
    removalsAllowed: pulled.removals === 'allowed',
    isEmpty: plan.isEmpty,
    without: undefined,
    alsoInTransaction: async (tx) => {
      // One user alone does not decide about a plan for many.
      if (plan.only !== undefined) return
      await decideHeld(tx, session.source.id, {
        decision: 'superseded',
        by: null,
        reason: null,
        except: session.lease.runId,
      })
    },
  })
}

export interface StoredPlan {
  readonly planRunId: number
  readonly planFence: number
  readonly everybody: boolean
  /** Mirror keys, where the plan was for some users alone. */
  readonly only?: readonly number[] | undefined
  readonly removalsAllowed: boolean
  readonly isEmpty: boolean
  readonly without: 'removals' | 'rewrites' | undefined
  readonly alsoInTransaction: (tx: Parameters<Parameters<typeof withTransaction>[1]>[0]) => Promise<void>
}

/** Applies a stored plan in one fenced transaction that also ends the run. */
export async function applyStored(session: Session, plan: StoredPlan): Promise<SessionEnding> {
  const { engine, lease, source } = session
  const before = engine.clock.monotonicMs()
  lease.report({ phase: 'applying', done: 0, total: undefined })
  const outcome = plan.isEmpty ? 'no-change' : 'applied'
  await withTransaction(
    engine.db,
    async (tx) => {
      await holdFence(tx, source.id, lease.fence)
      const current = await requireSource(tx, source.name)
      if (current.settingsVersion !== source.settingsVersion) {
        throw new RunError(
          'settings-changed',
          'The settings of the source were changed while it ran; nothing was written. Run it again.',
        )
      }
      const { properties } = source.settings.users
      const options = {
        runId: plan.planRunId,
        sourceId: source.id,
        tenantId: source.connection.tenantId,
        now: engine.clock.now(),
        without: plan.without,
      }
      if (plan.isEmpty) await applyUnseen(tx, options)
      else {
        const applied = await applyPlan(tx, options)
        if (applied.leftOut > 0)
          session.document = { ...session.document, ...(await countsOf(tx, plan.planRunId, session.document)) }
      }
      await settleMarks(tx, {
        runId: plan.planRunId,
        sourceId: source.id,
        planFence: plan.planFence,
        everybody: plan.everybody,
        only: plan.only,
        removalsAllowed: plan.removalsAllowed,
        plannerVersion: PLANNER_VERSION,
        tenantId: source.connection.tenantId,
        clientId: source.connection.clientId,
        ...releasesOf(properties),
      })
      // Who was left alone is no history: the next run finds the same.
      if (plan.isEmpty) await deleteSkips(tx, plan.planRunId)
      await plan.alsoInTransaction(tx)
      session.document = { ...session.document, ms: { ...session.document.ms, apply: since(session, before) } }
      const document = finished(session, outcome)
      await concludeRun(engine, tx, conclusionOf({ lease, session, document, approveBy: null }))
    },
    { signal: lease.signal },
  )
  return { outcome, approveBy: null, isRecorded: true }
}

function finished(session: Session, outcome: Outcome): RunDocument {
  const { document, lease } = session
  return { ...document, outcome, graph: usageOf(session.graph), ms: { ...document.ms, total: lease.elapsedMs() } }
}

function usageOf(graph: GraphClient): RunDocument['graph'] {
  const { requests, retries, throttled, bytes, resourceUnits } = graph.usage
  return { requests, retries, throttled, bytes, resourceUnits }
}

function since(session: Session, before: number): number {
  return Math.round(session.engine.clock.monotonicMs() - before)
}

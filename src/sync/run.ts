// One run of a source: pull, plan, then apply, hold or show.
import { ConfigError } from '../base/errors.ts'
import type { HeldReason, RunDocument } from '../contract/runs.ts'
import { refreshStatistics } from '../database/statistics.ts'
import { type Transaction, withTransaction } from '../database/transaction.ts'
import { getRounds } from '../mirror/rounds.ts'
import { type Actor, recordAudit } from '../registry/audit.ts'
import type { TakenJob } from '../registry/jobs.ts'
import { yieldTo } from '../registry/held-plans.ts'
import { holdFence } from '../registry/running.ts'
import { requireSource } from '../registry/sources.ts'
import type { Engine, RunProgress } from './engine.ts'
import { takeLease } from './lease.ts'
import { applyPlanned, heldOf, hold } from './run-apply.ts'
import { planFromMirror } from './run-plan.ts'
import { pullMirror } from './run-pull.ts'
import { type Session, type SessionEnding, underLease } from './session.ts'
import { stillWaiting } from './waiting.ts'

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
  /** The job that it is run for. */
  readonly job?: TakenJob | undefined
  /** Who begins it himself, which is audited. A job was audited when it was asked for; a schedule is its run's trigger. */
  readonly actor?: Actor | undefined
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
        message: 'the source is disabled; enable it, then run it again',
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
      job: request.job,
    },
    isPartial: request.user !== undefined,
    sourceName: source.name,
    onBegun: request.actor === undefined ? undefined : auditOfBegin(engine, { ...request, actor: request.actor }),
    wait: request.wait,
    signal: request.signal,
    onProgress: request.onProgress,
  })
  return underLease(engine, { lease, source: source.name, mode }, (session) => pullPlanApply(session, request))
}

/** As asking for it over the API is audited, with the run that came of it. Whom it was about stands in the run. */
function auditOfBegin(
  engine: Engine,
  {
    source,
    kind,
    mode,
    user,
    actor,
  }: Pick<RunRequest, 'source' | 'kind' | 'mode' | 'user'> & { readonly actor: Actor },
) {
  const details = { kind, full: mode === 'full', ...(user === undefined ? {} : { one: true }) }
  return (tx: Transaction, run: number) =>
    recordAudit(tx, engine, {
      actor,
      action: 'run.start',
      subject: `source ${source}`,
      details: { ...details, run: String(run) },
    })
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
  // A run that somebody asked for always replaces what waits; a schedule does not take from an administrator what he is looking at.
  if (options.trigger === 'schedule' || options.trigger === 'notification') {
    const waiting = await withTransaction(session.engine.db, (tx) => leaveWaiting(session, tx, plan.held))
    if (waiting !== undefined) return waiting
  }
  if (plan.held.length > 0) return hold(session, plan.held, plan.only)
  const ending = await applyPlanned(session, plan, pulled)
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
    readFrom: source.connection,
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

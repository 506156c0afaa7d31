// Decisions on held plans: approval proves every removal again and applies the plan as it was shown; rejection ends it.
import { ConflictError } from '../base/errors.ts'
import type { RunDocument } from '../contract/runs.ts'
import { withTransaction } from '../database/transaction.ts'
import { type Actor, recordAudit } from '../registry/audit.ts'
import type { TakenJob } from '../registry/jobs.ts'
import { countItems } from '../registry/plan-figures.ts'
import { decideHeld, decideRun } from '../registry/held-plans.ts'
import { isSameReading, type MadeWith } from '../registry/made-with.ts'
import { requestCancel } from '../registry/running.ts'
import { requireRun, type Run, waitingRun } from '../registry/runs.ts'
import type { Engine, RunProgress } from './engine.ts'
import { takeLease } from './lease.ts'
import { countsOf } from './plan-summary.ts'
import { areStillDropped, isStillProven } from './prove-again.ts'
import { applyStored, hold } from './run-apply.ts'
import { planFromMirror } from './run-plan.ts'
import { pullMirror } from './run-pull.ts'
import { type Session, type SessionEnding, underLease } from './session.ts'

export interface Approval {
  readonly run: number
  /** The hash of the plan that was looked at; full, or its first 12 characters or more. */
  readonly hash: string
  readonly reason: string
  readonly actor: Actor
  /** The job that it is done for; a source that is being run is not waited for then. */
  readonly job?: TakenJob | undefined
  /** Leave these out of what is approved. */
  readonly without?: 'removals' | 'rewrites' | undefined
  readonly signal: AbortSignal
  readonly onProgress: (progress: RunProgress) => void
}

/** Shortest prefix of a hash that names a plan. */
const SHORTEST_HASH = 12

/**
 * Applies a held plan. Where a removal in it cannot be proven any more, its source wants again whom it hands over, or settings or the tenant behind the connection changed
 * since, nothing of it is applied: a new plan is made and waits for approval in its place.
 *
 * @throws NotFoundError; ConflictError `not-held`, `already-decided`, `lapsed`, `hash-mismatch`; BusyError
 */
export async function approveRun(engine: Engine, approval: Approval): Promise<RunDocument> {
  const held = await requireRun(engine.db, approval.run)
  if (held.outcome !== 'held' || held.sourceId === null) {
    throw new ConflictError('not-held', `Run ${approval.run} is not held; only a held plan is approved`)
  }
  if (held.decision !== null) {
    const waiting = await waitingRun(engine.db, held.sourceId, 'any')
    const instead =
      waiting === undefined ? '' : `; run ${waiting.id} waits now, look at it with: muster runs ${waiting.id}`
    throw new ConflictError('already-decided', `The plan of run ${approval.run} was ${held.decision} already${instead}`)
  }
  if (approval.hash.length < SHORTEST_HASH || held.planHash?.startsWith(approval.hash.toLowerCase()) !== true) {
    throw new ConflictError(
      'hash-mismatch',
      `The plan of run ${approval.run} has another hash; look at it again and approve the hash that is shown`,
    )
  }
  const lease = await takeLease(engine, {
    run: {
      sourceId: held.sourceId,
      kind: 'approve',
      mode: held.mode,
      trigger: approval.actor.kind === 'token' ? 'api' : 'manual',
      approves: held.id,
      job: approval.job,
    },
    sourceName: held.source,
    wait: approval.job === undefined,
    signal: approval.signal,
    onProgress: approval.onProgress,
  })
  return underLease(
    engine,
    { lease, source: held.source, mode: held.mode },
    async (session): Promise<SessionEnding> => {
      session.document = { ...session.document, planHash: held.planHash }
      const decision = { decision: 'approved', by: approval.actor.name, reason: approval.reason } as const
      const { madeWith } = held
      if (madeWith === null || !isMadeOfNow(session, { ...held, madeWith })) return planAgain(session, held)
      if (approval.without !== 'removals' && !(await isStillProven(session, held.id))) return planAgain(session, held)
      if (!(await areStillDropped(session, held.id))) return planAgain(session, held)
      const items = await countItems(engine.db, held.id)
      session.document = {
        ...session.document,
        ...(await countsOf(engine.db, held.id, held.summary ?? session.document)),
      }
      return applyStored(session, {
        planRunId: held.id,
        planFence: held.fence,
        everybody: held.planAll ?? false,
        only: held.only ?? undefined,
        removalsAllowed: held.removalsAllowed ?? false,
        madeWith,
        isEmpty: items.every((item) => item.action === 'skip'),
        without: approval.without,
        alsoInTransaction: async (tx) => {
          await decideRun(tx, held.id, decision)
          // One user alone does not decide about a plan for many.
          if (held.only === null)
            await decideHeld(tx, session.source.id, { decision: 'superseded', by: null, reason: null })
          await recordAudit(tx, engine, {
            actor: approval.actor,
            action: 'run.approved',
            subject: `run ${held.id}`,
            details: {
              source: held.source,
              planHash: held.planHash,
              reason: approval.reason,
              without: approval.without ?? null,
            },
          })
        },
      })
    },
  )
}

/** Whether the source reads the same tenant with the same settings as when the plan was made. */
function isMadeOfNow(
  { source }: Session,
  made: { readonly settingsVersion: number; readonly madeWith: MadeWith },
): boolean {
  return made.settingsVersion === source.settingsVersion && isSameReading(made.madeWith, source.connection)
}

/** What held the plan is not true any more: read again, plan again, and wait for approval of that. One user alone is read and planned alone. */
async function planAgain(session: Session, held: Pick<Run, 'id' | 'only' | 'settingsVersion'>): Promise<SessionEnding> {
  const one = await onlyUserOf(session, held)
  const pulled = await pullMirror(session, 'auto', one)
  const only = 'key' in pulled ? [pulled.key] : undefined
  const plan = await planFromMirror(session, pulled, only)
  // One user alone does not decide about a plan for many.
  const which = only === undefined ? {} : { run: held.id }
  const supersede = () =>
    decideHeld(session.engine.db, session.source.id, { decision: 'superseded', by: null, reason: null, ...which })
  if (plan.isEmpty) {
    await supersede()
    return { outcome: 'no-change', approveBy: null, isRecorded: false }
  }
  if (only !== undefined) await supersede()
  return hold(session, plan.held.length > 0 ? plan.held : [{ rule: 'plan-outdated', count: 1, limit: 0 }], only)
}

/** Whom the plan is for, where it is for one user whom the source can read alone: with the settings and from the tenant of then. */
async function onlyUserOf(
  { engine, source }: Session,
  held: Pick<Run, 'only' | 'settingsVersion'>,
): Promise<string | undefined> {
  if (held.only === null || held.settingsVersion !== source.settingsVersion) return undefined
  const found = await engine.db.query<{ object_id: string }>(
    `select o.object_id from mirror_objects o join sources s on s.id = o.source_id
     where s.id = $1 and s.mirror_tenant_id = $2 and o.kind = 'u' and o.key = any($3::int[])`,
    [source.id, source.connection.tenantId, held.only],
  )
  return found.rows.length === 1 ? found.rows[0]?.object_id : undefined
}

/** Ends a held plan. What it would have done stays to be planned: the next run shows it again. */
export async function rejectRun(
  engine: Engine,
  rejection: { readonly run: number; readonly reason: string; readonly actor: Actor },
): Promise<void> {
  const { run, reason, actor } = rejection
  await withTransaction(engine.db, async (tx) => {
    await decideRun(tx, run, { decision: 'rejected', by: actor.name, reason })
    await recordAudit(tx, engine, { actor, action: 'run.reject', subject: `run ${run}`, details: { reason } })
  })
}

/** Asks a run to stop; it ends as cancelled within seconds. */
export async function cancelRun(
  engine: Engine,
  { run, actor }: { readonly run: number; readonly actor: Actor },
): Promise<void> {
  await withTransaction(engine.db, async (tx) => {
    await requestCancel(tx, run)
    await recordAudit(tx, engine, { actor, action: 'run.cancel', subject: `run ${run}`, details: {} })
  })
}

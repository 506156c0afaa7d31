// The last stage of a run: its plan is applied, or waits for approval.
import type { HeldReason } from '../contract/runs.ts'
import type { Queries } from '../database/connect.ts'
import { type Transaction, withTransaction } from '../database/transaction.ts'
import { applyPlan, applyUnseen } from '../registry/apply.ts'
import { holdRegistry } from '../registry/edit.ts'
import { deleteSkips } from '../registry/plans.ts'
import { countChangedMemberships } from '../registry/plan-figures.ts'
import { decideHeld } from '../registry/held-plans.ts'
import type { MadeWith } from '../registry/made-with.ts'
import { holdFence } from '../registry/running.ts'
import { settleMarks } from '../registry/settle.ts'
import { concludeRun } from './conclude.ts'
import { countsOf } from './plan-summary.ts'
import { releasesOf } from './plan-terms.ts'
import { scopeGroupsOf } from './scope.ts'
import type { PullResult } from './pull-env.ts'
import { releaseOf } from './releasing.ts'
import type { PlanOfRun } from './run-plan.ts'
import { conclusionOf, finished, requireSameSettings, type Session, type SessionEnding, since } from './session.ts'

/** How long a held plan waits for its approval. */
const APPROVAL_HOURS = 24

/** Ends the run as held: the plan waits for approval. */
export async function hold(
  session: Session,
  reasons: readonly HeldReason[],
  only?: readonly number[],
): Promise<SessionEnding> {
  const { held, approveBy } = heldOf(session, reasons)
  for (const { rule, count, limit } of reasons) session.lease.log.info('held', { what: rule, count, limit })
  session.document = { ...session.document, held }
  // One user alone does not decide about a plan for many: both wait.
  if (only === undefined) await supersedeHeld(session.engine.db, session)
  return { outcome: 'held', approveBy, isRecorded: false }
}

/** A run's own plan takes the place of whatever waits for approval. */
async function supersedeHeld(db: Queries, { source, lease }: Session): Promise<void> {
  await decideHeld(db, source.id, { decision: 'superseded', by: null, reason: null, except: lease.runId })
}

/** What the run's document says of a plan that waits, and until when it does. */
export function heldOf(session: Session, reasons: readonly HeldReason[]) {
  const approveBy = new Date(session.engine.clock.now().getTime() + APPROVAL_HOURS * 3_600_000)
  return { held: { reasons: [...reasons], approveBy: approveBy.toISOString() }, approveBy }
}

/** Applies the plan that the run itself made. */
export async function applyPlanned(session: Session, plan: PlanOfRun, pulled: PullResult): Promise<SessionEnding> {
  return applyStored(session, {
    planRunId: session.lease.runId,
    planFence: session.lease.fence,
    everybody: plan.everybody,
    only: plan.only,
    removalsAllowed: pulled.removals === 'allowed',
    madeWith: plan.madeWith,
    isEmpty: plan.isEmpty,
    without: undefined,
    alsoInTransaction: async (tx) => {
      // One user alone does not decide about a plan for many.
      if (plan.only !== undefined) return
      await supersedeHeld(tx, session)
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
  readonly madeWith: MadeWith
  readonly isEmpty: boolean
  readonly without: 'removals' | 'rewrites' | undefined
  readonly alsoInTransaction: (tx: Transaction) => Promise<void>
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
      await holdRegistry(tx, 'shared')
      await holdFence(tx, source.id, lease.fence)
      await requireSameSettings(tx, session)
      const { properties } = source.settings.users
      const options = {
        runId: plan.planRunId,
        sourceId: source.id,
        tenantId: source.connection.tenantId,
        now: engine.clock.now(),
        without: plan.without,
        onProgress: (done: number, total: number) => lease.report({ phase: 'applying', done, total }),
      }
      let leftOut = 0
      if (plan.isEmpty) await applyUnseen(tx, options)
      else {
        ;({ leftOut } = await applyPlan(tx, options))
        // What was planned a while ago may be done in part, and other sources have gone on meanwhile.
        if (leftOut > 0 || plan.planRunId !== lease.runId) {
          const counts = await countsOf(tx, plan.planRunId, session.document)
          const memberships = await countChangedMemberships(tx, plan.planRunId)
          session.document = { ...session.document, ...counts, memberships }
        }
      }
      await settleMarks(tx, {
        runId: plan.planRunId,
        sourceId: source.id,
        planFence: plan.planFence,
        everybody: plan.everybody,
        only: plan.only,
        removalsAllowed: plan.removalsAllowed,
        madeWith: plan.madeWith,
        scopeGroups: scopeGroupsOf(source.settings),
        isWhole: leftOut === 0,
        isEmpty: plan.isEmpty,
        ...releasesOf(properties),
      })
      // What the former owner of somebody gave, and the new one does not take from Entra, is the registry's own from now on.
      if (!plan.isEmpty) await releaseOf(tx, session, { runId: plan.planRunId, who: 'come' })
      // Who was left alone is no history: the next run finds the same.
      if (plan.isEmpty) await deleteSkips(tx, plan.planRunId)
      await plan.alsoInTransaction(tx)
      session.document = { ...session.document, ms: { ...session.document.ms, apply: since(session, before) } }
      const document = finished(session, outcome)
      await concludeRun(engine, tx, conclusionOf(engine, { lease, session, document, approveBy: null }))
    },
    { signal: lease.signal },
  )
  return { outcome, approveBy: null, isRecorded: true }
}

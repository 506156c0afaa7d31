// Takes an applied run back, or what it did to one user: a plan from the old values, applied like any other, except that
// whatever changed since is left as it is. Nothing is asked of Microsoft.
import { ConflictError, RunError } from '../base/errors.ts'
import type { Outcome } from '../contract/runs.ts'
import type { RevertDocument } from '../contract/reverts.ts'
import { withTransaction } from '../database/transaction.ts'
import { holdRegistry } from '../registry/edit.ts'
import { type Actor, recordAudit } from '../registry/audit.ts'
import type { TakenJob } from '../registry/jobs.ts'
import { applyRevert } from '../registry/revert-apply.ts'
import { noteReverted } from '../registry/reverted.ts'
import { requireRevertible, requireUserOfRun, type RevertibleRun } from '../registry/revertible.ts'
import { holdFence } from '../registry/running.ts'
import { concludeRun } from './conclude.ts'
import type { Engine, RunProgress } from './engine.ts'
import { takeLease } from './lease.ts'
import { releaseOf } from './releasing.ts'
import { presentRevert } from './revert-document.ts'
import { planRevert } from './revert-planning.ts'
import { type Session, type SessionEnding, underLease } from './session.ts'

/** Code of a revert whose row says that it goes on, though it does not: whoever begins the next run of its source ends it. */
export const END_NOT_RECORDED = 'end-not-recorded'

export interface RevertRequest {
  readonly run: number
  /** Object id, user name, alias or user principal name; undefined: the whole run. */
  readonly user?: string | undefined
  readonly reason: string
  readonly actor: Actor
  /** The job that it is done for; a source that is being run is not waited for then. */
  readonly job?: TakenJob | undefined
  /** Also when it removes, rewrites or clears more than the source's safeguard would let a run. */
  readonly confirmed: boolean
  readonly signal: AbortSignal
  readonly onProgress: (progress: RunProgress) => void
}

/**
 * Reverts a run. Applied in one fenced transaction; where limits of the safeguard are exceeded and that is not confirmed, the plan is
 * stored and shown only.
 *
 * The mirror still asks for what was taken back: the objects are marked, and a plan that would do it again is held.
 *
 * @throws NotFoundError; ConflictError `not-applied`, `source-removed`, `history-expired`, `not-recorded`, `ambiguous`; BusyError; RunError `end-not-recorded`
 */
export async function revertRun(engine: Engine, request: RevertRequest): Promise<RevertDocument> {
  const target = await requireRevertible(engine.db, request.run)
  const userId = request.user === undefined ? undefined : await requireUserOfRun(engine.db, target, request.user)
  const lease = await takeLease(engine, {
    run: {
      sourceId: target.sourceId,
      kind: 'revert',
      mode: 'delta',
      trigger: request.actor.kind === 'token' ? 'api' : 'manual',
      reverts: { run: target.runId, user: userId },
      job: request.job,
    },
    sourceName: target.source,
    wait: request.job === undefined,
    signal: request.signal,
    onProgress: request.onProgress,
  })
  const { run, error } = await underLease(engine, { lease, source: target.source, mode: 'delta' }, (session) =>
    revert(session, { request, target, userId }),
  )
  try {
    return await presentRevert(engine.db, Number(run))
  } catch (missing) {
    if (!(missing instanceof ConflictError && missing.code === 'not-ended')) throw missing
    // What its row does not tell is known here.
    throw new RunError(
      error?.code === 'disk-full' ? error.code : END_NOT_RECORDED,
      `${error?.message ?? 'It met nothing.'} Its end could not be recorded; whether something was taken back tells, later, run ${run}`,
    )
  }
}

interface RevertWork {
  readonly request: RevertRequest
  readonly target: RevertibleRun
  readonly userId: number | undefined
}

async function revert(session: Session, { request, target, userId }: RevertWork): Promise<SessionEnding> {
  const { engine, lease, source } = session
  lease.report({ phase: 'planning', done: 0, total: undefined })
  return withTransaction(
    engine.db,
    async (tx) => {
      await holdRegistry(tx, 'shared')
      await holdFence(tx, source.id, lease.fence)
      await tx.query('update runs set decided_by = $2, decided_reason = $3, decided_at = now() where id = $1', [
        lease.runId,
        request.actor.name,
        request.reason,
      ])
      const { document, isEmpty, confirm } = await planRevert(tx, {
        runId: lease.runId,
        source,
        target,
        userId,
        document: session.document,
        now: engine.clock.now(),
        onProgress: (done, total) => lease.report({ phase: 'planning', done, total }),
      })
      session.document = document
      const isShownOnly = confirm.length > 0 && !request.confirmed
      const outcome: Outcome = isEmpty ? 'no-change' : isShownOnly ? 'planned' : 'applied'
      if (outcome === 'applied') {
        lease.report({ phase: 'applying', done: 0, total: undefined })
        await applyRevert(tx, {
          runId: lease.runId,
          sourceId: source.id,
          onProgress: (done, total) => lease.report({ phase: 'applying', done, total }),
        })
        // The run may have been of other settings: what was given by these is not withdrawn by those of today.
        await releaseOf(tx, session, { runId: lease.runId, who: 'put back' })
        await noteReverted(tx, {
          runId: lease.runId,
          sourceId: source.id,
          fence: lease.fence,
          planRunId: target.planRunId,
        })
        await recordAudit(tx, engine, {
          actor: request.actor,
          action: 'run.revert',
          subject: `run ${target.runId}`,
          details: {
            by: String(lease.runId),
            source: source.name,
            reason: request.reason,
            user: request.user ?? null,
            confirmed: request.confirmed,
            // Which limits there were to be confirmed, with what was counted.
            exceeded: confirm,
          },
        })
      }
      // As a preview tells what would hold it: it waits for nobody's approval.
      const held =
        outcome === 'planned' && confirm.length > 0
          ? { reasons: [...confirm], approveBy: engine.clock.now().toISOString() }
          : null
      session.document = {
        ...session.document,
        outcome,
        held,
        ms: { ...session.document.ms, total: lease.elapsedMs() },
      }
      await concludeRun(engine, tx, {
        runId: lease.runId,
        sourceId: source.id,
        kind: 'revert',
        document: session.document,
        approveBy: null,
        log: lease.log,
        place: undefined,
      })
      return { outcome, approveBy: null, isRecorded: true }
    },
    { signal: lease.signal },
  )
}

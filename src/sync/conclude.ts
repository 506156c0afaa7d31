// The end of a run, written once: its outcome, and what that says about its source.
import type { RunDocument } from '../contract/runs.ts'
import type { Queries } from '../database/connect.ts'
import { getHealth, isScheduled, noteBegun, setHealth } from '../registry/health.ts'
import { appendRunLog } from '../registry/run-log.ts'
import { endRun } from '../registry/running.ts'
import type { RunKind } from '../registry/runs.ts'
import { raiseForRun } from './alerting.ts'
import type { Engine } from './engine.ts'
import type { RunLog } from './run-log.ts'
import { type ConsentPlace, nextHealth, troubleOf } from './trouble.ts'

export interface Conclusion {
  readonly runId: number
  readonly sourceId: number
  readonly kind: RunKind
  readonly document: RunDocument
  /** Of one user only. */
  readonly isPartial?: boolean
  readonly approveBy: Date | null
  readonly log: Pick<RunLog, 'pending' | 'lastLine'>
  /** What a failed run threw. */
  readonly cause?: unknown
  readonly place: ConsentPlace | undefined
}

/**
 * Ends a run in the transaction of the caller, so that the run, its source's health and the alerts about it are told
 * together or not at all. A run that was ended by another stays as it is, and nothing more is said.
 */
export async function concludeRun(
  engine: Pick<Engine, 'clock' | 'random'>,
  tx: Queries,
  conclusion: Conclusion,
): Promise<void> {
  const { document, runId } = conclusion
  const { outcome, mode } = document
  const { log } = conclusion
  await appendRunLog(tx, runId, [...log.pending(), log.lastLine(document)])
  const isEnded = await endRun(tx, runId, { outcome, mode, summary: document, approveBy: conclusion.approveBy })
  if (isEnded) await noteEnd(engine, tx, conclusion)
}

/** What the end of a run says about its source; for runs that others ended, too. */
export async function noteEnd(
  engine: Pick<Engine, 'clock' | 'random'>,
  tx: Queries,
  conclusion: Omit<Conclusion, 'approveBy' | 'log'>,
): Promise<void> {
  // A revert asks nothing of Microsoft, so how it ends says nothing about the source.
  if (conclusion.kind === 'revert') return
  const { document, sourceId, runId, kind } = conclusion
  const { error, outcome } = document
  const before = await getHealth(tx, sourceId)
  const trouble =
    outcome === 'failed' && error !== null ? troubleOf({ error, cause: conclusion.cause }, conclusion.place) : undefined
  const doubt = document.issues.find((i) => i.code === 'listing-contradicted' || i.code === 'listing-incomplete')
  const ending = { outcome, isPreview: kind === 'plan', hasRead: document.graph.requests > 0, trouble, doubt }
  const at = { now: engine.clock.now(), random: engine.random }
  // What becomes of one user says nothing about the source.
  const isPartial = conclusion.isPartial === true
  // What he cancelled he did not want after all.
  if (kind !== 'plan' && !isPartial && outcome !== 'cancelled') await noteBegun(tx, sourceId, at.now)
  const next = isPartial ? undefined : nextHealth(before, ending, at)
  // Nothing tries again by itself what has no schedule, or nobody has had synchronized.
  const health = next && ((await isScheduled(tx, sourceId)) ? next : { ...next, nextTryAt: null })
  if (health !== undefined) await setHealth(tx, { sourceId, runId }, health)
  // Whoever asked for a preview sees what it came to.
  if (kind !== 'plan') await raiseForRun(tx, { runId, sourceId, document, health }, engine.clock.now())
}

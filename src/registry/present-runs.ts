// Runs, and how sources are doing, as lists show them.
import type { SourceHealthLine } from '../contract/health.ts'
import type { RunLine } from '../contract/run-list.ts'
import type { RunDocument } from '../contract/runs.ts'
import type { NamedHealth } from './health.ts'
import type { Run } from './runs.ts'

/** One line of a list of runs. */
export function presentRunLine(run: Run): RunLine {
  // A run that was interrupted has the error of its document and nothing else.
  const summary: Partial<RunDocument> = run.summary ?? {}
  return {
    run: String(run.id),
    source: run.source,
    kind: run.kind,
    mode: run.mode,
    trigger: run.trigger,
    outcome: run.outcome,
    startedAt: run.startedAt.toISOString(),
    endedAt: run.endedAt?.toISOString() ?? null,
    // An approval has the plan of the run that it approves, unless it had to make another one.
    planHash: run.planHash ?? (run.approves === null ? null : (summary.planHash ?? null)),
    approveBy: run.approveBy?.toISOString() ?? null,
    decision: run.decision,
    decidedBy: run.decidedBy,
    decidedReason: run.decidedReason,
    approves: run.approves === null ? null : String(run.approves),
    leftWaiting: run.leftWaiting === null ? null : String(run.leftWaiting),
    reverts: run.reverts === null ? null : String(run.reverts),
    users: summary.users ?? null,
    groups: summary.groups ?? null,
    memberships: summary.memberships ?? null,
    credentials: summary.credentials ?? null,
    issuesTotal: summary.issuesTotal ?? null,
    error: summary.error ?? null,
  }
}

/** How one source is doing; one that never ran is healthy. */
export function presentHealthLine({ source, health }: Pick<NamedHealth, 'source' | 'health'>): SourceHealthLine {
  return {
    source,
    state: health?.state ?? 'healthy',
    since: health?.since.toISOString() ?? null,
    failures: health?.failures ?? 0,
    code: health?.code ?? null,
    reason: health?.reason ?? null,
    remedy: health?.remedy ?? null,
    nextTryAt: health?.nextTryAt?.toISOString() ?? null,
    lastSuccessAt: health?.lastSuccessAt?.toISOString() ?? null,
  }
}

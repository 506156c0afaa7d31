// Builds the document that a run ends with.
import { CancelledError, ConfigError, ConflictError, NotFoundError, RunError } from '../base/errors.ts'
import type { Issue, Outcome, RunDocument } from '../contract/runs.ts'
import { sqlState } from '../database/unavailable.ts'
import type { PlanSummary } from './plan-input.ts'

/** At most so many issues stand in a document; all of them are in the registry. */
export const ISSUES_IN_DOCUMENT = 1_000

/** A document in which nothing has happened yet. */
export function emptyDocument(runId: number, source: string, mode: 'full' | 'delta'): RunDocument {
  return {
    run: String(runId),
    source,
    mode,
    outcome: 'failed',
    planHash: null,
    users: {
      read: 0,
      created: 0,
      adopted: 0,
      takenOver: 0,
      updated: 0,
      renamed: 0,
      deactivated: 0,
      reactivated: 0,
      deleted: 0,
      unchanged: 0,
      skipped: 0,
    },
    groups: { read: 0, created: 0, renamed: 0, deleted: 0, unchanged: 0, ignored: 0 },
    memberships: { added: 0, removed: 0 },
    credentials: { added: 0, removed: 0 },
    issues: [],
    issuesTotal: 0,
    held: null,
    error: null,
    graph: { requests: 0, retries: 0, throttled: 0, bytes: 0, resourceUnits: 0 },
    ms: { pull: 0, plan: 0, apply: 0, total: 0 },
  }
}

/** The same document with the counts of a plan. */
export function withPlan(
  document: RunDocument,
  plan: PlanSummary & { readonly hash: string },
  issues: { readonly issues: readonly Issue[]; readonly total: number },
): RunDocument {
  return {
    ...document,
    planHash: plan.hash,
    users: { read: document.users.read, ...plan.users },
    groups: { read: document.groups.read, ...plan.groups },
    memberships: plan.memberships,
    credentials: plan.credentials,
    issues: [...issues.issues],
    issuesTotal: issues.total,
  }
}

/** How an error ends a run, and what the document says of it. */
export function endingOf(error: unknown): { readonly outcome: Outcome; readonly error: RunDocument['error'] } {
  if (error instanceof CancelledError)
    return { outcome: 'cancelled', error: { code: error.code, message: error.message, requestId: null } }
  const message = error instanceof Error ? error.message : String(error)
  if (error instanceof RunError)
    return { outcome: 'failed', error: { code: error.code, message, requestId: error.requestId ?? null } }
  if (error instanceof ConflictError || error instanceof ConfigError || error instanceof NotFoundError) {
    return { outcome: 'failed', error: { code: error.code, message, requestId: null } }
  }
  if (hasCrossed(error)) {
    return {
      outcome: 'failed',
      error: {
        code: 'registry-moved',
        message:
          'Another run or somebody by hand changed the same people or groups meanwhile; nothing was written. Run the source again: it plans anew.',
        requestId: null,
      },
    }
  }
  // A bug of ours, or a statement that the database refused: the message is for the report, no program can act on it.
  return { outcome: 'failed', error: { code: 'internal', message, requestId: null } }
}

/** Tables of what several sources and people write. */
const SHARED: ReadonlySet<unknown> = new Set(['users', 'user_names', 'groups', 'credentials', 'memberships', 'claims'])

/** Two wrote the same at once, each by a plan that was right when it was made. */
function hasCrossed(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const code = sqlState(error)
  const isDuplicate = code === '23505' && SHARED.has(Reflect.get(error, 'table'))
  return isDuplicate || code === '40P01' || code === '40001'
}

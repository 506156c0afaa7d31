// What a run reports: the JSON document of `sync --json`, `plan --json` and the API.
import { z } from 'zod'

export const OUTCOMES = ['applied', 'no-change', 'planned', 'held', 'cancelled', 'failed'] as const
export type Outcome = (typeof OUTCOMES)[number]

/** Everything that a run can fail to do for one object. */
export const ISSUE_CODES = [
  'user-name-empty',
  'user-name-conflict',
  'alias-conflict',
  'card-conflict',
  'pin-conflict',
  'personal-number-conflict',
  'pairing-refused',
  'owned-by-source',
  'value-rejected',
  'expression-failed',
  'scope-group-missing',
  'membership-unknown',
  'listing-incomplete',
  'listing-contradicted',
] as const
export type IssueCode = (typeof ISSUE_CODES)[number]

const count = z.int().min(0)

export const issue = z.strictObject({
  code: z.enum(ISSUE_CODES),
  /** The Entra object it concerns; null when it concerns the run as a whole. */
  objectId: z.string().nullable(),
  message: z.string(),
})
export type Issue = z.infer<typeof issue>

export const heldReason = z.strictObject({ rule: z.string(), count: z.number(), limit: z.number() })
export type HeldReason = z.infer<typeof heldReason>

export const userCounts = z.strictObject({
  read: count,
  created: count,
  adopted: count,
  takenOver: count,
  updated: count,
  renamed: count,
  deactivated: count,
  reactivated: count,
  deleted: count,
  unchanged: count,
  skipped: count,
})
export type UserCounts = z.infer<typeof userCounts>

export const groupCounts = z.strictObject({
  read: count,
  created: count,
  renamed: count,
  deleted: count,
  unchanged: count,
  ignored: count,
})
export type GroupCounts = z.infer<typeof groupCounts>

/** The document that a run ends with. */
export const runDocument = z.strictObject({
  run: z.string(),
  source: z.string(),
  mode: z.enum(['full', 'delta']),
  outcome: z.enum(OUTCOMES),
  /** Null when the run ended before its plan was made. */
  planHash: z.string().nullable(),
  users: userCounts,
  groups: groupCounts,
  memberships: z.strictObject({ added: count, removed: count }),
  credentials: z.strictObject({ added: count, removed: count }),
  /** The first 1,000. */
  issues: z.array(issue),
  issuesTotal: count,
  held: z.strictObject({ reasons: z.array(heldReason), approveBy: z.string() }).nullable(),
  error: z.strictObject({ code: z.string(), message: z.string(), requestId: z.string().nullable() }).nullable(),
  graph: z.strictObject({
    requests: count,
    retries: count,
    throttled: count,
    bytes: count,
    resourceUnits: z.number().min(0),
  }),
  ms: z.strictObject({ pull: count, plan: count, apply: count, total: count }),
})
export type RunDocument = z.infer<typeof runDocument>

/** Exit code of a run's outcome for the command line. */
export function exitCodeOf(outcome: Outcome): 0 | 1 | 3 | 130 {
  switch (outcome) {
    case 'applied':
    case 'no-change':
    case 'planned':
      return 0
    case 'held':
      return 3
    case 'cancelled':
      return 130
    case 'failed':
      return 1
  }
}

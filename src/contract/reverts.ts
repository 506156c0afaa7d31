// What a revert reports: the JSON document of `revert --json`. Beside that of a run, whose keys are another contract.
import { z } from 'zod'
import { planItemLine } from './plan-items.ts'
import { groupCounts, heldReason, runDocument, userCounts } from './runs.ts'

/** At most so many of the things that were left stand in a document; all of them are items of the run. */
export const LEFT_IN_DOCUMENT = 1_000

export const leftItem = z.strictObject({
  object: z.enum(['user', 'group', 'membership']),
  /** How people call it; memberships: the group. */
  name: z.string().nullable(),
  objectId: z.string().nullable(),
  /** A code, e.g. `changed-since`. */
  reason: z.string(),
  message: z.string(),
  /** How many memberships; 1 for others. */
  count: z.int().min(1),
})
export type LeftItem = z.infer<typeof leftItem>

export const revertDocument = z.strictObject({
  /** The revert itself, a run like others. */
  run: z.string(),
  source: z.string(),
  /** The run that it takes back. */
  reverts: z.string(),
  /** Registry id of the only user who is reverted; null for the whole run. */
  user: z.string().nullable(),
  /** `planned`: shown only. */
  outcome: runDocument.shape.outcome,
  planHash: z.string().nullable(),
  users: userCounts.omit({ read: true, unchanged: true, skipped: true }),
  groups: groupCounts.omit({ read: true, unchanged: true, ignored: true }),
  memberships: runDocument.shape.memberships,
  credentials: runDocument.shape.credentials,
  /** The first 1,000. */
  left: z.array(leftItem),
  leftTotal: z.int().min(0),
  /** Removal limits of the source that it exceeds; then it is applied only when that is confirmed. */
  confirm: z.array(heldReason),
  error: runDocument.shape.error,
  ms: z.strictObject({ total: z.int().min(0) }),
})
export type RevertDocument = z.infer<typeof revertDocument>

/** What a revert would do, or has done while somebody waited for it. */
export const revertPreview = revertDocument.extend({
  /** Empty where it was only shown: no run is stored for that. */
  run: z.string(),
  /** The first 1,000 of what it would do; of a run that is stored, none: they are its plan. Cards and PINs are masked. */
  items: z.array(planItemLine),
  itemsTotal: z.int().min(0),
})
export type RevertPreview = z.infer<typeof revertPreview>

// One line of a list of runs.
import { z } from 'zod'
import { OUTCOMES, runDocument } from './runs.ts'

const { users, groups, memberships, credentials, error } = runDocument.shape

export const runLine = z.object({
  run: z.string(),
  source: z.string(),
  kind: z.enum(['sync', 'plan', 'approve', 'revert']),
  mode: z.enum(['full', 'delta']),
  trigger: z.enum(['manual', 'schedule', 'notification', 'api']),
  /** Null while it is running. */
  outcome: z.enum(OUTCOMES).nullable(),
  /** ISO 8601, UTC. */
  startedAt: z.string(),
  endedAt: z.string().nullable(),
  planHash: z.string().nullable(),
  /** Until when a held plan can be approved, ISO 8601. */
  approveBy: z.string().nullable(),
  /** What became of a held plan; null while it waits. */
  decision: z.enum(['approved', 'rejected', 'superseded', 'lapsed']).nullable(),
  decidedBy: z.string().nullable(),
  decidedReason: z.string().nullable(),
  /** Approvals: the held run whose plan it applies. The items of that plan are told under either. */
  approves: z.string().nullable(),
  /** Runs by schedule that changed nothing because an earlier plan waits: the run of that plan. Its items are told under either. */
  leftWaiting: z.string().nullable(),
  /** Reverts: the run that was taken back. */
  reverts: z.string().nullable(),
  /** Null for a run that never came to its end. */
  users: users.nullable(),
  groups: groups.nullable(),
  memberships: memberships.nullable(),
  credentials: credentials.nullable(),
  issuesTotal: z.int().nullable(),
  error,
})
export type RunLine = z.infer<typeof runLine>

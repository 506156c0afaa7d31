// One line of a list of runs.
import type { Outcome, RunDocument } from './runs.ts'

export interface RunLine {
  readonly run: string
  readonly source: string
  readonly kind: 'sync' | 'plan' | 'approve' | 'revert'
  readonly mode: 'full' | 'delta'
  readonly trigger: 'manual' | 'schedule' | 'notification' | 'api'
  /** Null while it is running. */
  readonly outcome: Outcome | null
  /** ISO 8601, UTC. */
  readonly startedAt: string
  readonly endedAt: string | null
  readonly planHash: string | null
  /** Until when a held plan can be approved, ISO 8601. */
  readonly approveBy: string | null
  /** What became of a held plan; null while it waits. */
  readonly decision: 'approved' | 'rejected' | 'superseded' | 'lapsed' | null
  readonly decidedBy: string | null
  readonly decidedReason: string | null
  /** Reverts: the run that was taken back. */
  readonly reverts: string | null
  /** Null for a run that never came to its end. */
  readonly users: RunDocument['users'] | null
  readonly groups: RunDocument['groups'] | null
  readonly memberships: RunDocument['memberships'] | null
  readonly credentials: RunDocument['credentials'] | null
  readonly issuesTotal: number | null
  readonly error: RunDocument['error']
}

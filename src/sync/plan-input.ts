// What a planning is given and what comes out of it.
import type { GroupCounts, HeldReason, Issue, UserCounts } from '../contract/runs.ts'
import type { SourceSettings } from '../contract/sources.ts'
import type { Attributes } from '../directory/change.ts'
import type { SourceRank } from './owner.ts'
import type { Spent } from './safeguard.ts'

/** What planning needs to know beside the database. */
export interface PlanInput {
  readonly runId: number
  readonly source: {
    readonly id: number
    readonly name: string
    readonly tenantId: string
    readonly priority: number
    readonly settings: SourceSettings
    readonly settingsVersion: number
    /** Those of the last plan for everybody that was applied; `undefined`: that is not known. */
    readonly plannedSettings: SourceSettings | undefined
  }
  /** The other sources of the tenant. */
  readonly rivals: readonly Rival[]
  /** Plan everybody, not only what is marked. */
  readonly everybody: boolean
  /** Plan these users alone (keys of the mirror), whatever else is marked. */
  readonly only?: readonly number[] | undefined
  readonly now: Date
  /** Only shown: nothing is noted that a later plan would go by, such as since when somebody is missing. */
  readonly isPreview: boolean
  /** False when this run's listings contradicted each other or were incomplete. */
  readonly removalsAllowed: boolean
  readonly noUsersWhereSome: boolean
  readonly connectionChanged: boolean
  readonly upgraded: boolean
  readonly clearedEverywhere: readonly string[]
  /** Issues of the run as a whole, from pulling. */
  readonly issues: readonly Issue[]
  readonly lookup: (space: 'card' | 'pin', canonicalValue: string) => Buffer
  readonly sealCard: (value: string) => Buffer
  /** An unpredictable whole number from 0 up to `below`, for PINs that are drawn. */
  readonly randomInt: (below: number) => number
  readonly openMirror: (sealed: Buffer, objectId: string) => Attributes
  /** How many of the people to be planned are. */
  readonly onProgress: (done: number, total: number) => void
  readonly signal: AbortSignal
}

/** Another source of the tenant, which may want the same people. */
export interface Rival extends SourceRank {
  readonly settings: SourceSettings
  readonly openMirror: (sealed: Buffer, objectId: string) => Attributes
}

export interface MadePlan extends PlanSummary {
  /** Hex. Over the content alone. */
  readonly hash: string
  /** True when nothing would be written. */
  readonly isEmpty: boolean
  readonly held: readonly HeldReason[]
  /** What the plan does, in the safeguard's numbers. */
  readonly spent: Spent
  /** Selected groups (object ids) that have lost everybody, where it draws something from that. */
  readonly emptiedScopeGroups: readonly string[]
}

/** What a plan does, in numbers. */
export interface PlanSummary {
  readonly users: Omit<UserCounts, 'read'>
  readonly groups: Omit<GroupCounts, 'read'>
  readonly memberships: { readonly added: number; readonly removed: number }
  readonly credentials: { readonly added: number; readonly removed: number }
}

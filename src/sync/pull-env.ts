// What a pull is given, what it reports, and what its parts share.
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Issue } from '../contract/runs.ts'
import type { SourceSettings } from '../contract/sources.ts'
import type { Database } from '../database/connect.ts'
import type { TenantId } from '../directory/ids.ts'
import type { GraphClient } from '../graph/client.ts'
import type { Owner } from '../mirror/fence.ts'
import type { Needs } from './map/needs.ts'

/** The source to read, and through which connection. */
export interface PullSource {
  readonly id: number
  readonly name: string
  readonly settings: SourceSettings
  readonly connection: {
    readonly tenantId: TenantId
    readonly clientId: string
    readonly authorityUrl: string
    readonly graphUrl: string
  }
  /** This run's; a higher one in the database means that another run has taken over. */
  readonly fence: number
}

export interface PullEnv {
  readonly db: Database
  readonly graph: GraphClient
  readonly seal: (plain: string, context: string) => Buffer
  readonly open: (sealed: Buffer, context: string) => string
  readonly clock: Clock
  readonly log: Log
  /** Ends the pull at once; what was written stays and is gone on from. */
  readonly signal: AbortSignal
  readonly onProgress: (progress: PullProgress) => void
  readonly limits?: {
    /** Tenants of up to so many users are read in one list; see `shards.ts`. */
    readonly plainUpTo?: number
  }
}

export interface PullProgress {
  readonly phase: 'users' | 'groups' | 'memberships' | 'changes' | 'proof'
  readonly done: number
  readonly total: number | undefined
}

/** Whether what was not found may be planned as missing. */
export type Removals = 'allowed' | 'contradicted' | 'incomplete'

export interface PullResult {
  /** What was really done: an expired delta state becomes a full round. */
  readonly mode: 'full' | 'delta'
  /** Why the stored delta state could not be used: Graph's code, or `settings-changed`. */
  readonly resync: string | undefined
  /** Objects received, repetitions included. */
  readonly usersRead: number
  readonly groupsRead: number
  /** `listing-incomplete` and `listing-contradicted`. */
  readonly issues: readonly Issue[]
  readonly removals: Removals
  /** Entra shows no users where the mirror had some. */
  readonly noUsersWhereSome: boolean
}

/** One pull under way. The tally is written by its parts. */
export interface Pull {
  readonly env: PullEnv
  readonly source: PullSource
  readonly owner: Owner
  readonly needs: Needs
  /** Hash of what mirror and links depend on. */
  readonly lineage: string
  readonly tally: Tally
}

export interface Tally {
  users: number
  groups: number
  issues: Issue[]
  removals: Removals
  /** Users and groups that this pull proved to be gone or soft-deleted. */
  provenUsers: number
}

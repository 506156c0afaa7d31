// What the engine is given to work with; everything that touches the outside comes in here.
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Database } from '../database/connect.ts'
import type { GraphClient } from '../graph/client.ts'
import type { Connection } from '../registry/connections.ts'
import type { LocalPlace } from '../registry/installation.ts'

/** Seals, opens and looks up values under the key of this installation. */
export interface Sealing {
  seal(plain: string, context: string): Buffer
  open(sealed: Buffer, context: string): string
  lookup(space: string, canonicalValue: string): Buffer
}

export interface Engine {
  readonly db: Database
  /** Where the files of an embedded database lie. */
  readonly local?: LocalPlace | undefined
  readonly vault: Sealing
  /** Where Microsoft sends browsers back to; undefined where nobody has said under which address the server is reached. */
  readonly redirectUri?: string | undefined
  readonly clock: Clock
  readonly random: () => number
  readonly log: Log
  /** A client for this connection, with its credentials opened; it logs to `log` where given. The caller stops it. */
  readonly openGraph: (connection: Connection, log?: Log) => Promise<GraphClient>
}

export type RunPhase = 'waiting' | 'users' | 'groups' | 'memberships' | 'changes' | 'proof' | 'planning' | 'applying'

/** Where a run stands. */
export interface RunProgress {
  readonly phase: RunPhase
  readonly done: number
  readonly total: number | undefined
}

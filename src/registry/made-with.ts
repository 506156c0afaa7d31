// What a plan was made with beside the settings of its source: where it was read, and by which rules it was made.
import type { Connection } from './connections.ts'

/** Where a source is read: another tenant, application or cloud has other people, or shows others. */
export type ReadFrom = Pick<Connection, 'tenantId' | 'clientId' | 'authorityUrl' | 'graphUrl'>

/** Kept with the run that made the plan. */
export interface MadeWith extends ReadFrom {
  readonly plannerVersion: number
  /** Attributes that everybody seemed to have lost when it was made. */
  readonly clearedEverywhere: readonly string[]
  /** Selected groups (object ids) of which it says that they have lost everybody. */
  readonly emptiedScopeGroups: readonly string[]
}

export function readFromOf({ tenantId, clientId, authorityUrl, graphUrl }: ReadFrom): ReadFrom {
  return { tenantId, clientId, authorityUrl, graphUrl }
}

/** Credentials and name of a connection may change: who is read stays the same. */
export function isSameReading(one: ReadFrom, other: ReadFrom): boolean {
  return (
    one.tenantId === other.tenantId &&
    one.clientId === other.clientId &&
    one.authorityUrl === other.authorityUrl &&
    one.graphUrl === other.graphUrl
  )
}

// The objects of a tenant: what users, groups and the others have in common.

export type ObjectKind = 'user' | 'group' | 'device' | 'servicePrincipal' | 'orgContact'

/** `deleted`: in the recycle bin for 30 days. `gone`: for good; kept only until lists are next compacted. */
export type Presence = 'live' | 'deleted' | 'gone'

/** Graph properties by their Graph names. A missing name was never set; `null` was set and cleared. Never altered in place. */
export type Properties = Readonly<Record<string, unknown>>

/** Any directory object. */
export interface DirectoryObject {
  /** Number inside the tenant, in order of creation; lists are in this order. */
  readonly no: number
  readonly kind: ObjectKind
  readonly id: string
  presence: Presence
  properties: Properties
  /** Number of the manager, -1 for none. */
  managerNo: number
  /** Numbers of the direct members, ascending; soft-deleted ones included. */
  readonly members: number[]
  /** Numbers of the groups it is a direct member of, ascending. */
  readonly memberOf: number[]
  /** Wall clock in milliseconds, 0 when live. */
  deletedAtMs: number
}

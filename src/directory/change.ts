// What one page of a listing or of a delta says about users, groups and memberships, in Entra's own words.
import type { ObjectId } from './ids.ts'

/** An attribute as Graph gave it. Other kinds of values (objects, mixed arrays) are not kept. */
export type AttributeValue = string | number | boolean | null | readonly string[]

/**
 * Flat attributes by requested name: `displayName`, `onPremisesExtensionAttributes.extensionAttribute5`,
 * `employeeOrgData.costCenter`, `extension_<appid>_badge`.
 *
 * A key that is absent: Graph said nothing (unchanged, never set, or not told). `null`: Graph said null. The two are
 * never interchangeable. The object inherits nothing, so a key named `constructor` or `__proto__` is absent unless given.
 */
export type Attributes = Readonly<Record<string, AttributeValue>>

/** What a member is. `other` is a device, a service principal, an organizational contact or a type of the future. */
export type MemberType = 'user' | 'group' | 'other'

/** `changed`: soft-deleted, restorable. `deleted`: gone. `unknown`: a reason that Graph does not document. */
export type RemovedReason = 'changed' | 'deleted' | 'unknown'

/** One occurrence of a user. The same user may come again, in any page; entries fold in arrival order. */
export interface UserEntry {
  readonly objectId: ObjectId
  /** The manager, when Graph told it, is the attribute `manager`: an object id, or null for none. */
  readonly attributes: Attributes
  readonly removed?: RemovedReason
}

/** A membership that came (`removed: false`) or went. A removal does not tell whether the edge or the member went. */
export interface MemberEntry {
  readonly objectId: ObjectId
  readonly type: MemberType
  readonly removed: boolean
}

/** One occurrence of a group. Large groups come many times, each time with another slice of `members`. */
export interface GroupEntry {
  readonly objectId: ObjectId
  readonly attributes: Attributes
  readonly members: readonly MemberEntry[]
  readonly removed?: RemovedReason
}

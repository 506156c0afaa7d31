// One line of a plan, before it has a place in it.
import type { PlanAction } from '../contract/plan-items.ts'
import type { RegistryName } from '../directory/user.ts'

export type ItemObject = 'user' | 'group' | 'membership' | 'credential'

/** What one item does to one object: old → new per field, the rule that caused it, a reason code. */
export interface ItemDraft {
  readonly object: ItemObject
  readonly action: PlanAction
  readonly userId: number | null
  /** Of a user's item: the default group that it gives him, which the item may be the only one to name by id. */
  readonly groupId: number | null
  /** Entra's id of the user or group. */
  readonly objectId: string | null
  /** How people call the object now. */
  readonly name: string | null
  readonly old: Readonly<Record<string, unknown>> | null
  readonly new: Readonly<Record<string, unknown>> | null
  /** Users: the complete final list of names, when it changes. */
  readonly names: readonly RegistryName[] | null
  /** The setting that caused it, by its path in the config file. */
  readonly rule: string
  readonly reason: string
  /** What the digest has in their place: the same change is the same plan, whatever is known of its cause. */
  readonly hashedAs?: { readonly rule: string; readonly reason: string }
  /** Version of the registry row that this was planned for; null for what does not exist yet. */
  readonly sawVersion: number | null
  /** Reactivations: canonical form of the personal number that comes back; null when it does not. */
  readonly numberKey?: string | null
  /** Users: the alternate emails that the source gave and may withdraw, when they change. */
  readonly givenEmails?: readonly string[]
}

// What comes out of planning one person, and the items that every way of planning him begins with.
import type { Issue } from '../contract/runs.ts'
import type { RegistryUser } from '../directory/user.ts'
import type { Claim } from './claim.ts'
import type { ItemDraft } from './item.ts'
import type { UserInput } from './plan-person.ts'

export interface PlannedUser {
  readonly kind: 'created' | 'adopted' | 'existing' | 'skipped'
  /** The registry user that the object is, or will be, linked to. */
  readonly user: { readonly id: number; readonly active: boolean } | undefined
  readonly items: readonly ItemDraft[]
  readonly issues: readonly Issue[]
  readonly claims: readonly Claim[]
  /** No membership of this user may change. */
  readonly frozen: boolean
  /** False: whatever memberships the source gave him, it gives them no more. */
  readonly gives: boolean
  /** The source misses him, and he is active still. */
  readonly isMissing: boolean
}

/** Nothing is done and nothing said; the ways to plan somebody begin with it. */
export const NOTHING = { items: [], issues: [], claims: [], gives: true, isMissing: false } as const

/** What all items have in common that change this user. */
export function userItem(
  input: UserInput,
  user: RegistryUser,
): Pick<ItemDraft, 'object' | 'userId' | 'groupId' | 'objectId' | 'name' | 'names' | 'sawVersion'> {
  return {
    object: 'user',
    userId: user.id,
    groupId: null,
    objectId: input.objectId,
    name: user.userName,
    names: null,
    sawVersion: user.version,
  }
}

/** Says why somebody is left alone. */
export function skip(input: UserInput, reason: string, rule: string): ItemDraft {
  return {
    object: 'user',
    action: 'skip',
    userId: input.linked?.id ?? null,
    groupId: null,
    objectId: input.objectId,
    name: input.linked?.userName ?? input.wanted?.userName ?? null,
    old: null,
    new: null,
    names: null,
    rule,
    reason,
    sawVersion: null,
  }
}

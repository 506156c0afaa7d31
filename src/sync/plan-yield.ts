// What a user of another source gives up: an old user name that was kept for him after a rename, once somebody wants it. Pure.
import type { RegistryUser } from '../directory/user.ts'
import type { Claim } from './claim.ts'
import type { ItemDraft } from './item.ts'

/** The kept old user names that he holds, as claims; none where they are not to be given up. */
export function yieldingClaims(user: RegistryUser, sourceId: number): Claim[] {
  // What belongs to no source, or is protected, no source changes.
  if (user.sourceId === null || user.sourceId === sourceId || user.untouchable) return []
  return user.names
    .filter((name) => name.kind === 'a' && name.origin === 'k' && name.held)
    .map((name) => ({ space: 'name', key: name.key, rank: 'kept' }))
}

/** The item by which he gives up what he is denied (`name:key`). */
export function yieldNames(user: RegistryUser, denied: ReadonlySet<string>): ItemDraft {
  const names = user.names.filter((name) => name.origin !== 'k' || !denied.has(`name:${name.key}`))
  const aliases = (list: RegistryUser['names']) =>
    list.filter((name) => name.kind === 'a' && name.held).map((name) => name.value)
  return {
    object: 'user',
    action: 'update',
    userId: user.id,
    groupId: null,
    objectId: user.objectId,
    name: user.userName,
    old: { aliases: aliases(user.names) },
    new: { aliases: aliases(names) },
    names,
    rule: 'users.options.keepOldUserName',
    reason: 'old-name-wanted',
    sawVersion: user.version,
  }
}

// Through which nested groups people are members of one group, as a source's mirror has it.
import type { Queries } from '../database/connect.ts'
import { valuesOf } from './map/value.ts'
import { listGroupsBelow, listMembersOf } from '../mirror/nesting.ts'

/**
 * By object id of each person: the names of the groups from the one that he is a direct member of up to this one; a single name
 * for a direct member. The shortest way where there are several; nothing about whom the mirror does not have in it.
 */
export async function memberChains(
  db: Queries,
  group: { readonly sourceId: number; readonly objectId: string },
  objectIds: readonly string[],
): Promise<ReadonlyMap<string, readonly string[]>> {
  const chains = new Map<number, readonly string[]>()
  // Level by level, so that the first way found is the shortest; a group is never visited twice, so cycles end.
  for (const below of await listGroupsBelow(db, group)) {
    const name = valuesOf(below.attributes, 'displayName')[0] ?? below.objectId
    chains.set(below.key, [name, ...(below.parent === null ? [] : (chains.get(below.parent) ?? []))])
  }
  const found = new Map<string, readonly string[]>()
  const people = await listMembersOf(db, { sourceId: group.sourceId, groupKeys: [...chains.keys()], objectIds })
  for (const { groupKey, objectId } of people) {
    const chain = chains.get(groupKey)
    const known = found.get(objectId)
    if (chain !== undefined && (known === undefined || chain.length < known.length)) found.set(objectId, chain)
  }
  return found
}

// What Entra says of some people at this moment, in the form in which planning knows them: for proving a plan once more.
import type { Attributes } from '../directory/change.ts'
import { type ObjectId, parseObjectId } from '../directory/ids.ts'
import type { Session } from './session.ts'

/**
 * Reads these attributes of each of them by id. Whoever is not there is left out; `undefined` stands for an answer that shows
 * nothing, and so proves nothing: nobody is without a user principal name.
 */
export async function readNow(
  { graph, lease }: Pick<Session, 'graph' | 'lease'>,
  ids: readonly ObjectId[],
  attributes: readonly string[],
): Promise<ReadonlyMap<ObjectId, Attributes | undefined>> {
  const select = [...new Set([...attributes, 'userPrincipalName'])].filter((name) => name !== 'id')
  const { signal } = lease
  const found = await graph.lookUpUsers(ids, { select, signal })
  const managers = new Map<ObjectId, ObjectId>()
  for (const [id, user] of found) {
    const manager = user.kind === 'found' ? user.attributes['manager'] : undefined
    const managerId = typeof manager === 'string' ? parseObjectId(manager) : undefined
    if (managerId !== undefined) managers.set(id, managerId)
  }
  const names = await graph.lookUpUsers([...new Set(managers.values())], { select: ['userPrincipalName'], signal })
  const now = new Map<ObjectId, Attributes | undefined>()
  for (const [id, user] of found) {
    if (user.kind !== 'found') continue
    if (typeof user.attributes['userPrincipalName'] !== 'string') {
      now.set(id, undefined)
      continue
    }
    const managerId = managers.get(id)
    const manager = managerId === undefined ? undefined : names.get(managerId)
    now.set(id, {
      ...user.attributes,
      id,
      // People know a manager by his name, and so does planning.
      ...(select.includes('manager')
        ? { manager: manager?.kind === 'found' ? (manager.attributes['userPrincipalName'] ?? null) : null }
        : {}),
    })
  }
  return now
}

// Nothing is believed to be gone because a list or a feed says so: every removal is asked for by id.
import type { ObjectId } from '../directory/ids.ts'
import type { PullEnv } from './pull-env.ts'

/** `soft`: in the recycle bin. `gone`: in neither place. `live`: there, which contradicts whoever said otherwise. */
export type Proof = 'soft' | 'gone' | 'live'

/**
 * Proves removals of users: by id, and where that answers 404, in the recycle bin. Those found in neither are asked for
 * a second time, because one who is restored in between would be in neither as well.
 *
 * @throws GraphError; every id is answered or none
 */
export async function proveRemovals(
  env: Pick<PullEnv, 'graph' | 'signal'>,
  objectIds: readonly ObjectId[],
): Promise<Map<ObjectId, Proof>> {
  const proofs = new Map<ObjectId, Proof>()
  if (objectIds.length === 0) return proofs
  const { graph, signal } = env
  const select = ['id']
  const users = await graph.lookUpUsers(objectIds, { select, signal })
  const absent = objectIds.filter((id) => users.get(id)?.kind === 'absent')
  for (const id of objectIds) if (users.get(id)?.kind === 'found') proofs.set(id, 'live')
  const deleted = absent.length === 0 ? undefined : await graph.lookUpDeletedUsers(absent, { signal })
  const nowhere = absent.filter((id) => deleted?.get(id) !== 'deleted')
  for (const id of absent) if (deleted?.get(id) === 'deleted') proofs.set(id, 'soft')
  if (nowhere.length > 0) {
    const again = await graph.lookUpUsers(nowhere, { select, signal })
    for (const id of nowhere) proofs.set(id, again.get(id)?.kind === 'found' ? 'live' : 'gone')
  }
  return proofs
}

/** Proves removals of groups, by id. A group in the recycle bin is gone until it comes back. */
export async function proveGroupRemovals(
  env: Pick<PullEnv, 'graph' | 'signal'>,
  objectIds: readonly ObjectId[],
): Promise<Map<ObjectId, Proof>> {
  if (objectIds.length === 0) return new Map()
  const groups = await env.graph.lookUpGroups(objectIds, { select: ['id'], signal: env.signal })
  return new Map(objectIds.map((id) => [id, groups.get(id)?.kind === 'found' ? 'live' : 'gone']))
}

// Reads one user and his memberships anew, for provisioning on demand. The round and its links stay as they are: what the
// feeds say of him later is folded on top, as if it came a second time.
import { ConflictError, NotFoundError } from '../base/errors.ts'
import { shellWord } from '../base/shell.ts'
import { type ObjectId, parseObjectId } from '../directory/ids.ts'
import { addRereads } from '../mirror/doubtful.ts'
import { writeMirror } from '../mirror/fence.ts'
import { changeMemberships } from '../mirror/memberships.ts'
import { getObjects, writeObjects } from '../mirror/objects.ts'
import { findByUserPrincipalName, listGroupsAbove, listGroupsOf } from '../mirror/people.ts'
import { getRounds } from '../mirror/rounds.ts'
import { settleUnproven } from './absent.ts'
import { checkCleared, requireNames } from './canary.ts'
import { foldUsers, isHidden } from './fold.ts'
import type { Pull, PullEnv, PullResult, PullSource } from './pull-env.ts'
import { preparePull, resealIfNeeded } from './pull.ts'
import { rereadMemberships } from './reread.ts'

export interface PulledUser extends PullResult {
  /** His key in the mirror. */
  readonly key: number
}

/**
 * Makes what the mirror holds of one user equal to Entra.
 *
 * @param user user principal name or object id
 * @throws NotFoundError when neither Entra nor the mirror knows him; ConflictError `never-synchronized`; GraphError
 */
export async function pullUser(env: PullEnv, source: PullSource, user: string): Promise<PulledUser> {
  const { users, lineage } = await getRounds(env.db, source.id)
  const pull = preparePull(env, source)
  if (users.deltaLink === undefined || lineage !== pull.lineage) {
    throw new ConflictError(
      'never-synchronized',
      `The source ${JSON.stringify(source.name)} has not been read with its present settings yet, so nobody can be judged alone; run first: muster sync ${shellWord(source.name)}`,
    )
  }
  await resealIfNeeded(pull)
  const objectId = await findUser(pull, user)
  env.onProgress({ phase: 'users', done: 0, total: 1 })
  await readUser(pull, objectId)
  env.onProgress({ phase: 'users', done: 1, total: 1 })
  await settleUnproven(pull)
  await rereadMemberships(pull)
  if (pull.needs.groups) await readMemberships(pull, objectId)
  const row = (await getObjects(env.db, source.id, [objectId])).get(objectId)
  if (row === undefined || row.kind !== 'u')
    throw new NotFoundError('user', user, `neither in Entra nor in ${source.name}`)
  return {
    key: row.key,
    mode: 'delta',
    resync: undefined,
    usersRead: pull.tally.users,
    groupsRead: 0,
    issues: pull.tally.issues,
    removals: pull.tally.removals,
    noUsersWhereSome: false,
  }
}

/** The object id behind a name: Entra's answer, else the mirror's, for somebody who was deleted has a name here only. */
async function findUser(pull: Pull, user: string): Promise<ObjectId> {
  const { env, source } = pull
  const id = parseObjectId(user)
  if (id !== undefined) return id
  const found =
    (await env.graph.findUserByName(user, { signal: env.signal })) ??
    (await findByUserPrincipalName(env.db, source.id, user))
  if (found === undefined) {
    throw new NotFoundError('user', user, 'give the user principal name or the object id that Entra shows')
  }
  return found
}

async function readUser(pull: Pull, objectId: ObjectId): Promise<void> {
  const { env, source, owner, needs } = pull
  const answer = (await env.graph.lookUpUsers([objectId], { select: needs.userAttributes, signal: env.signal })).get(
    objectId,
  )
  const known = await getObjects(env.db, source.id, [objectId])
  const entry =
    answer?.kind === 'found'
      ? { objectId, attributes: answer.attributes }
      : { objectId, attributes: {}, removed: 'unknown' as const }
  requireNames([entry])
  const rounds = await getRounds(env.db, source.id)
  const folded = foldUsers([entry], known, {
    sourceId: source.id,
    secretNames: needs.secretAttributes,
    sealer: env,
    linkAt: rounds.users.linkAt,
  })
  await checkCleared(pull, { cleared: folded.cleared, known })
  await writeMirror(env.db, owner, async (tx) => {
    await writeObjects(tx, owner, folded.changes)
    if (needs.groups) await addRereads(tx, source.id, folded.rereads)
  })
  pull.tally.users += 1
}

/**
 * His memberships, as far as the least permissions tell: Graph lists the groups that he is in directly or through others.
 * One that is not among them he has left. One that his known groups do not explain is read with all its members. What
 * changes only between direct and nested, the next run reads in the changes of groups.
 *
 * A group that the mirror does not know brings its members itself.
 */
async function readMemberships(pull: Pull, objectId: ObjectId): Promise<void> {
  const { env, source, owner } = pull
  const row = (await getObjects(env.db, source.id, [objectId])).get(objectId)
  if (row === undefined || row.state !== 'l') return
  const listed = await env.graph.transitiveGroupsOf(objectId, { signal: env.signal })
  const groups = await getObjects(env.db, source.id, listed)
  const isIn = new Set([...groups.values()].filter((g) => g.kind === 'g' && g.state === 'l').map((g) => g.key))
  const before = await listGroupsOf(env.db, row.key)
  // Whose members are hidden from the app may be left out of his groups as well, which proves nothing.
  const ended = before.filter((group) => !isIn.has(group.key) && !group.membersUnknown && !isHidden(group.attributes))
  const kept = before.filter((group) => isIn.has(group.key)).map((group) => group.key)
  const explained = await listGroupsAbove(env.db, kept)
  const unexplained = [...groups.values()].filter((group) => isIn.has(group.key) && !explained.has(group.key))
  await writeMirror(env.db, owner, async (tx) => {
    await changeMemberships(tx, owner, {
      added: [],
      removed: ended.map((group) => ({ groupKey: group.key, memberKey: row.key, kind: 'u' })),
    })
    await addRereads(
      tx,
      source.id,
      unexplained.map((group) => ({ objectId: group.objectId, kind: 'g' })),
    )
  })
  await rereadMemberships(pull)
  env.onProgress({ phase: 'memberships', done: listed.length, total: listed.length })
}

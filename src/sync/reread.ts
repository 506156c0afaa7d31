// Reads memberships anew of users and groups that came back: Graph restores them without a word in groups/delta.
import type { ObjectId } from '../directory/ids.ts'
import { GraphError } from '../graph/errors.ts'
import { listRereads, removeRereads } from '../mirror/doubtful.ts'
import { writeMirror } from '../mirror/fence.ts'
import { replaceMembers, setMembersUnknown } from '../mirror/memberships.ts'
import { getObjects, requireKeys } from '../mirror/objects.ts'
import { isHidden } from './fold.ts'
import type { Pull } from './pull-env.ts'
import { inPool } from './tasks.ts'

/** Questions about single users at a time. */
const WIDTH = 8

interface GroupBeingRead {
  readonly key: number
  readonly isHidden: boolean
  users: string[]
  groups: string[]
}

/** Reads what waits to be read again, of this pull and of interrupted ones. Each group is replaced in one transaction. */
export async function rereadMemberships(pull: Pull): Promise<void> {
  const { env, source, owner } = pull
  const rereads = await listRereads(env.db, source.id)
  if (rereads.length === 0) return
  const unanswered = new Set<ObjectId>()
  if (pull.needs.groups) {
    const groupIds = new Set(rereads.filter((r) => r.kind === 'g').map((r) => r.objectId))
    // Whoever was removed again meanwhile has no groups that could be asked for.
    const users = rereads.filter((r) => r.kind === 'u' && r.isLive).map((r) => r.objectId)
    await inPool(env.signal, users, {
      width: WIDTH,
      handle: async (userId, signal) => {
        const groups = await groupsOf(pull, { userId, signal })
        if (groups === undefined) unanswered.add(userId)
        for (const id of groups ?? []) groupIds.add(id)
      },
    })
    await rereadGroups(pull, [...groupIds])
  }
  const ids = rereads.map((r) => r.objectId).filter((id) => !unanswered.has(id))
  await writeMirror(env.db, owner, (tx) => removeRereads(tx, source.id, ids))
}

/** Undefined where Graph knows nobody of that id, though nobody has said that he is removed: the next round says so, or asks again. */
async function groupsOf(
  pull: Pull,
  question: { readonly userId: ObjectId; readonly signal: AbortSignal },
): Promise<readonly ObjectId[] | undefined> {
  try {
    const { userId, signal } = question
    return await pull.env.graph.transitiveGroupsOf(userId, { signal })
  } catch (error) {
    if (error instanceof GraphError && error.code === 'not-found') return undefined
    throw error
  }
}

/** Reads the members of these groups of the mirror anew; those that may not be read, or are not there, stay as they are. */
export async function rereadGroups(pull: Pull, groupIds: readonly string[]): Promise<void> {
  const { env, source, owner } = pull
  const reading = new Map<ObjectId, GroupBeingRead>()
  // A group that the mirror does not have comes with its members through groups/delta.
  for (const row of (await getObjects(env.db, source.id, groupIds)).values()) {
    if (row.kind !== 'g' || row.state !== 'l') continue
    reading.set(row.objectId, { key: row.key, isHidden: isHidden(row.attributes), users: [], groups: [] })
  }
  const groups = [...reading.keys()].map((objectId) => ({ objectId }))
  let done = 0
  const tellOne = () => {
    done += 1
    env.onProgress({ phase: 'memberships', done, total: groups.length })
  }
  for await (const page of env.graph.members(groups, { signal: env.signal })) {
    const group = reading.get(page.objectId)
    if (group === undefined) continue
    if (page.kind !== 'page') {
      // Also where it is missing: nobody has said that it is removed, so that who is in it is unknown until somebody does.
      await writeMirror(env.db, owner, (tx) => setMembersUnknown(tx, owner, { groupKeys: [group.key], unknown: true }))
      tellOne()
      continue
    }
    for (const member of page.members) {
      if (member.type === 'user') group.users.push(member.objectId)
      if (member.type === 'group') group.groups.push(member.objectId)
    }
    if (!page.complete) continue
    reading.delete(page.objectId)
    await replaceGroup(pull, group)
    tellOne()
  }
}

async function replaceGroup(pull: Pull, group: GroupBeingRead): Promise<void> {
  const { env, source, owner } = pull
  await writeMirror(env.db, owner, async (tx) => {
    if (group.isHidden && group.users.length + group.groups.length === 0) {
      await setMembersUnknown(tx, owner, { groupKeys: [group.key], unknown: true })
      return
    }
    const keys = await requireKeys(tx, source.id, [...group.users, ...group.groups])
    await replaceMembers(tx, owner, {
      groupKey: group.key,
      users: group.users.map((id) => keys.get(id) ?? 0),
      groups: group.groups.map((id) => keys.get(id) ?? 0),
    })
  })
}

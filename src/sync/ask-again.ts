// Asks Graph again about single objects of which it said nothing, each when its pause is over.
import type { GroupEntry } from '../directory/change.ts'
import type { ObjectId } from '../directory/ids.ts'
import { writeMirror } from '../mirror/fence.ts'
import { getObjects, writeObjects } from '../mirror/objects.ts'
import { hasUnanswered, noteTries, type Retry, updateRetries } from '../mirror/retries.ts'
import { foldGroups } from './fold.ts'
import { growingPauseMs } from './pauses.ts'
import type { Pull } from './pull-env.ts'
import { rereadGroups } from './reread.ts'

/** In one run; the others wait for the next. Twenty fit in one request. */
const AT_MOST = 200

/**
 * Reads the members of groups that hid them, and looks for selected groups that were not there. A full compare has asked for
 * everything a moment ago, so that only the list is brought up to date then. Nothing due costs no request.
 */
export async function askAgain(pull: Pull, options: { readonly isFull: boolean }): Promise<void> {
  const { env, source, owner, needs } = pull
  const scope = source.settings.users.import
  const selected = scope === 'all' ? [] : scope.groups
  if (!needs.groups || !(await hasUnanswered(env.db, source.id, selected))) return
  const now = env.clock.now()
  const update = { selected, now, firstPauseMs: growingPauseMs(1), atMost: options.isFull ? 0 : AT_MOST }
  const due = await writeMirror(env.db, owner, (tx) => updateRetries(tx, source.id, update))
  if (due.length === 0) return
  const idsOf = (what: Retry['what']) => due.filter((retry) => retry.what === what).map((retry) => retry.objectId)
  const found = await findGroups(pull, idsOf('group'))
  await rereadGroups(pull, [...idsOf('members'), ...found])
  await writeMirror(env.db, owner, async (tx) => {
    const asked = due.map(({ objectId, tries }) => ({
      objectId,
      nextTryAt: new Date(now.getTime() + growingPauseMs(tries + 2)),
    }))
    await noteTries(tx, source.id, asked)
    await updateRetries(tx, source.id, { ...update, atMost: 0 })
  })
}

/** Those that are there now enter the mirror as a page of changes would bring them. */
async function findGroups(pull: Pull, ids: readonly ObjectId[]): Promise<readonly ObjectId[]> {
  if (ids.length === 0) return []
  const { env, source, owner, needs } = pull
  const answers = await env.graph.lookUpGroups(ids, { select: needs.groupAttributes, signal: env.signal })
  const entries = ids.flatMap((objectId): GroupEntry[] => {
    const answer = answers.get(objectId)
    return answer?.kind === 'found' ? [{ objectId, attributes: answer.attributes, members: [] }] : []
  })
  const known = await getObjects(env.db, source.id, ids)
  const folded = foldGroups(entries, known, { sourceId: source.id, sealer: env, linkAt: undefined })
  await writeMirror(env.db, owner, (tx) => writeObjects(tx, owner, folded.changes))
  return entries.map((entry) => entry.objectId)
}

// Whether a plan can be asked about somebody: nobody of that name and nothing about him are two answers.
import { NotFoundError } from '../base/errors.ts'
import type { Queries } from '../database/connect.ts'
import { canonical } from '../directory/canonical.ts'
import { parseObjectId } from '../directory/ids.ts'
import { findPeople } from './find-people.ts'
import { countPlanLines } from './plan-export.ts'

/** @throws NotFoundError where neither the plan nor the registry nor a mirror knows anybody of this name or object id */
export async function requirePlanUser(
  db: Queries,
  { runId, user }: { readonly runId: number; readonly user?: string | undefined },
): Promise<void> {
  if (user === undefined) return
  const objectId = parseObjectId(user)
  const isPlanned = async () => (await countPlanLines(db, { runId, user })) > 0
  const isKnown = async () =>
    (await findPeople(db, { text: user, key: canonical(user), objectId, userId: undefined })).length > 0
  // An object id is looked up by index; for a name the whole mirror would be read, so the plan is asked first.
  for (const isThere of objectId === undefined ? [isPlanned, isKnown] : [isKnown, isPlanned]) {
    if (await isThere()) return
  }
  throw new NotFoundError(
    'user',
    user,
    `neither the plan of run ${runId}, nor the registry, nor what was last read from Entra knows him; give an object id, a user name or an alias`,
  )
}

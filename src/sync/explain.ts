// Why somebody is as he is: what each source says of him now, what the registry has and from where, what runs did, and what
// the next one would do. Asks nothing of Microsoft and changes nothing.
import { NotFoundError } from '../base/errors.ts'
import type { ExplainedPerson, ExplainedSource, Explanation } from '../contract/explanation.ts'
import { canonical } from '../directory/canonical.ts'
import { parseObjectId } from '../directory/ids.ts'
import { getObjects } from '../mirror/objects.ts'
import { findPeople, type PersonFound } from '../registry/find-people.ts'
import { listUserHistory, removedRecordOf, type UserChange } from '../registry/history.ts'
import { listSources, type Source } from '../registry/sources.ts'
import { usersByIds } from '../registry/users.ts'
import { membershipsOf } from '../registry/why.ts'
import type { Engine } from './engine.ts'
import { explainGroups, type Reached, reachedGroups } from './explain-groups.ts'
import { explainRegistry } from './explain-registry.ts'
import { explainElsewhere, explainSource, explainUnread } from './explain-source.ts'
import { compareRank } from './owner.ts'

/** How much of the history is told. */
const HISTORY = 50
/** So many people of one name are told in full; each costs a plan. */
const MOST_PEOPLE = 10

/**
 * Explains one person, and whoever else is called so.
 *
 * @param request.user user name, alias, user principal name, object id, or `id:` with the number of a registry user
 * @throws NotFoundError when neither the registry nor a mirror knows him
 */
export async function explainUser(
  engine: Engine,
  request: { readonly user: string; readonly signal: AbortSignal },
): Promise<Explanation> {
  const { user: text, signal } = request
  const [, number] = /^id:(\d{1,9})$/.exec(text) ?? []
  const people = await findPeople(engine.db, {
    text,
    key: canonical(text),
    objectId: parseObjectId(text),
    userId: number === undefined ? undefined : Number(number),
  })
  const [first, ...others] = people
  if (first === undefined) {
    throw new NotFoundError(
      'user',
      text,
      'neither the registry nor what was last read from Entra knows him; give a user name, a user principal name or an object id',
    )
  }
  const told = await explainPerson(engine, first, signal)
  const toldOthers: ExplainedPerson[] = []
  for (const other of others.slice(0, MOST_PEOPLE - 1)) toldOthers.push(await explainPerson(engine, other, signal))
  return { asked: text, ...told, others: toldOthers, othersTotal: others.length }
}

async function explainPerson(engine: Engine, person: PersonFound, signal: AbortSignal): Promise<ExplainedPerson> {
  const { db } = engine
  const user = person.userId === undefined ? undefined : (await usersByIds(db, [person.userId]))[0]
  const record = user?.id ?? (person.objectId === undefined ? undefined : await removedRecordOf(db, person.objectId))
  const changes = record === undefined ? [] : await listUserHistory(db, { userId: record, limit: HISTORY })
  const told: ExplainedSource[] = []
  const reached = new Map<number, ReadonlyMap<string, Reached>>()
  const isHis = (source: Source) =>
    user !== undefined && (user.sourceId === source.id || user.claims.includes(source.id))
  const isOfHisTenant = (source: Source) => source.connection.tenantId === person.tenantId
  const sources = (await listSources(db)).filter((source) => isOfHisTenant(source) || isHis(source))
  for (const source of sources.toSorted(compareRank)) {
    if (!isOfHisTenant(source)) {
      told.push(explainElsewhere(source, user))
      continue
    }
    const row =
      person.objectId === undefined
        ? undefined
        : (await getObjects(db, source.id, [person.objectId])).get(person.objectId)
    const isKnown = row !== undefined && row.kind === 'u'
    if (!isKnown && !isHis(source)) continue
    if (isKnown) reached.set(source.id, await reachedGroups(db, row.key))
    told.push(
      isKnown
        ? await explainSource(engine, { source, row, user, changes, reached, signal })
        : explainUnread(source, user),
    )
  }
  const memberships = user === undefined ? [] : await membershipsOf(db, user.id)
  return {
    objectId: person.objectId ?? null,
    tenantId: person.tenantId ?? null,
    registry:
      user === undefined
        ? null
        : {
            ...(await explainRegistry(engine, user, sources)),
            groups: explainGroups(memberships, reached, user.defaultGroup?.id ?? null),
          },
    sources: told,
    history: changes.map(presentPast),
  }
}

function presentPast(past: UserChange): Explanation['history'][number] {
  const { object, action, rule, reason, source, by, because } = past
  return {
    run: String(past.run),
    source,
    at: past.appliedAt.toISOString(),
    decidedBy: by,
    decidedReason: because,
    object,
    action,
    old: past.old,
    new: past.new,
    rule,
    reason,
  }
}

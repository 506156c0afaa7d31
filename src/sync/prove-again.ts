// Before a plan that waited is applied, everything that proves its removals is asked of Entra once more.
import { attributesOfFilter } from '../contract/attributes-read.ts'
import { pathKeyOf } from '../directory/group.ts'
import type { ObjectId } from '../directory/ids.ts'
import { GraphError } from '../graph/errors.ts'
import {
  plannedAttributeGroupRemovals,
  plannedGroupRemovals,
  plannedHandOvers,
  plannedMembershipRemovals,
  plannedRemovals,
  type PlannedRemoval,
} from '../registry/plan-removals.ts'
import { attributesOfTemplates, mapAttributeGroups, prepareGroupTemplates } from './map/attribute-groups.ts'
import { judge } from './judge.ts'
import { meetsFilter, prepareFilter } from './map/filter.ts'
import { proveGroupRemovals, proveRemovals } from './prove.ts'
import { readNow } from './read-now.ts'
import type { Session } from './session.ts'

/**
 * Repeats the reads that prove each removal of a stored plan: people by id and in the recycle bin, or by what puts them out of
 * scope; groups by id; memberships by the lists of their groups, or by the attributes that made the group.
 *
 * @returns false as soon as one removal is not true any more
 */
export async function isStillProven(session: Session, runId: number): Promise<boolean> {
  const { db } = session.engine
  if (!(await arePeopleGone(session, await plannedRemovals(db, runId)))) return false
  if (!(await areGroupsGone(session, await plannedGroupRemovals(db, runId)))) return false
  if (!(await areMembershipsGone(session, await plannedMembershipRemovals(db, runId)))) return false
  return areAttributeGroupsLeft(session, await plannedAttributeGroupRemovals(db, runId))
}

/**
 * Reads by which each person is judged whom a stored plan hands over to another source, and judges them once more.
 *
 * @returns false where the source wants one of them again, or it cannot be told
 */
export async function areStillDropped(session: Session, runId: number): Promise<boolean> {
  const { settings } = session.source
  const { filter, import: scope } = settings.users
  const people = await plannedHandOvers(session.engine.db, runId)
  if (people.length === 0) return true
  const read = ['accountEnabled', 'userType', ...(filter === null ? [] : attributesOfFilter(filter))]
  const mapping = { settings, filter: filter === null ? undefined : prepareFilter(filter) }
  // Whoever is gone by now is wanted by nobody.
  for (const [id, attributes] of await readNow(session, people, read)) {
    if (attributes === undefined) return false
    const judged = { state: 'l', attributes, inScopeGroup: true, scopeDoubt: undefined, removalsAllowed: true }
    if (judge(judged, mapping).kind !== 'wanted') continue
    if (scope === 'all') return false
    const groups = await groupsOf(session, id)
    if (scope.groups.some((group) => groups.has(group))) return false
  }
  return true
}

async function areGroupsGone({ graph, lease }: Session, groups: readonly ObjectId[]): Promise<boolean> {
  const proofs = await proveGroupRemovals({ graph, signal: lease.signal }, groups)
  return groups.every((id) => proofs.get(id) !== undefined && proofs.get(id) !== 'live')
}

async function areMembershipsGone(
  session: Session,
  removals: ReadonlyMap<ObjectId, ReadonlySet<ObjectId>>,
): Promise<boolean> {
  if (removals.size === 0) return true
  if (session.source.settings.groups.membership === 'transitive') {
    const users = new Map<ObjectId, ObjectId[]>()
    for (const [group, members] of removals)
      for (const user of members) users.set(user, [...(users.get(user) ?? []), group])
    for (const [user, groups] of users) {
      const now = await groupsOf(session, user)
      if (groups.some((group) => now.has(group))) return false
    }
    return true
  }
  const { graph, lease } = session
  for await (const page of graph.members(each(removals.keys()), { signal: lease.signal })) {
    // Whose members cannot be read proves nothing; a group that is gone has none.
    if (page.kind === 'forbidden') return false
    if (page.kind !== 'page') continue
    const removed = removals.get(page.objectId)
    if (page.members.some((member) => removed?.has(member.objectId))) return false
  }
  return true
}

async function* each(groups: Iterable<ObjectId>): AsyncGenerator<{ readonly objectId: ObjectId }> {
  for (const objectId of groups) yield { objectId }
}

async function arePeopleGone(session: Session, removals: readonly PlannedRemoval[]): Promise<boolean> {
  const { lease, graph, source } = session
  const done = (reasons: readonly string[]) => removals.filter((r) => reasons.includes(r.reason)).map((r) => r.objectId)
  const deleted = done(['soft-deleted', 'gone'])
  if (deleted.length > 0) {
    lease.report({ phase: 'proof', done: 0, total: removals.length })
    const proofs = await proveRemovals({ graph, signal: lease.signal }, deleted)
    for (const id of deleted) if (proofs.get(id) === undefined || proofs.get(id) === 'live') return false
  }
  const disabled = removals
    .filter((r) => r.reason === 'disabled' || r.rule === 'users.disabledAccounts')
    .map((r) => r.objectId)
  const guests = removals.filter((r) => r.rule === 'users.guests').map((r) => r.objectId)
  const attributes = [...new Set([...disabled, ...guests])]
  if (attributes.length > 0) {
    const found = await graph.lookUpUsers(attributes, { select: ['accountEnabled', 'userType'], signal: lease.signal })
    for (const id of disabled) {
      const user = found.get(id)
      if (user?.kind === 'found' && user.attributes['accountEnabled'] !== false) return false
    }
    for (const id of guests) {
      const user = found.get(id)
      if (user?.kind === 'found' && user.attributes['userType'] !== 'Guest') return false
    }
  }
  const filtered = removals.filter((r) => r.rule === 'users.filter').map((r) => r.objectId)
  if (!(await areStillFiltered(session, filtered))) return false
  const scope = source.settings.users.import
  if (scope !== 'all') {
    for (const removal of removals) {
      if (removal.rule !== 'users.import') continue
      const groups = await groupsOf(session, removal.objectId)
      if (scope.groups.some((id) => groups.has(id))) return false
    }
  }
  return true
}

/** Reads what the filter reads of each of them, and judges by it once more. Whoever is gone meets no filter. */
async function areStillFiltered(session: Session, ids: readonly ObjectId[]): Promise<boolean> {
  const { filter } = session.source.settings.users
  if (ids.length === 0) return true
  if (filter === null) return false
  const prepared = prepareFilter(filter)
  for (const attributes of (await readNow(session, ids, attributesOfFilter(filter))).values()) {
    if (attributes === undefined || meetsFilter(attributes, prepared)) return false
  }
  return true
}

/** Reads what the templates read of each of them, and makes their groups once more. Whoever is gone is in none. */
async function areAttributeGroupsLeft(
  session: Session,
  removals: ReadonlyMap<ObjectId, ReadonlySet<string>>,
): Promise<boolean> {
  if (removals.size === 0) return true
  const { groups } = session.source.settings
  const templates = prepareGroupTemplates(groups)
  // Without templates nothing can give them any more.
  if (templates.templates.length === 0) return true
  for (const [id, attributes] of await readNow(session, [...removals.keys()], attributesOfTemplates(templates))) {
    if (attributes === undefined) return false
    const left = removals.get(id)
    const made = mapAttributeGroups(attributes, templates).groups
    if (made.some(({ names }) => left?.has(pathKeyOf([...templates.under, ...names])))) return false
  }
  return true
}

async function groupsOf({ graph, lease }: Session, objectId: ObjectId): Promise<ReadonlySet<ObjectId>> {
  try {
    return new Set(await graph.transitiveGroupsOf(objectId, { signal: lease.signal }))
  } catch (error) {
    // Deleted meanwhile: he is in no group at all.
    if (error instanceof GraphError && error.code === 'not-found') return new Set()
    throw error
  }
}

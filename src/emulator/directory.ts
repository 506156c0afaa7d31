// Users, groups and what connects them, read one by one or as collections (graph.md 7, 10).
import { countFired } from './behaviour.ts'
import { BASE_UNITS, unitsOf } from './cost.ts'
import { directMembers, managerOf, noManager, transitiveMemberOf, transitiveMembers } from './edges.ts'
import { expander } from './expand.ts'
import { checkExtensions } from './extensions.ts'
import { answerCount, answerList, type Collection, contextOf, isLimited } from './listing.ts'
import { type ListQuery, type Options, readExpand, readOptions, readSelect } from './odata.ts'
import { hasRole, readableSelect, requireAny, requireRead, ROLES } from './permissions.ts'
import {
  badRequest,
  type Call,
  GraphRefusal,
  type GraphResponse,
  isRecord,
  jsonAnswer,
  requestDenied,
  resourceNotFound,
} from './respond.ts'
import { NOT_IN_COLLECTIONS } from './schema.ts'
import type { DirectoryObject, ObjectKind } from './object.ts'
import { viewAt } from './view.ts'
import { listShaper, type Shown } from './write.ts'

/** More than this many groups: 400 `Directory_ResultSizeLimitExceeded` (graph.md 10.5). */
const MAX_MEMBER_GROUPS = 11_000
const MAX_CHECKED_GROUPS = 20

const SETS: Readonly<Record<ObjectKind, string>> = {
  user: 'users',
  group: 'groups',
  device: 'devices',
  servicePrincipal: 'servicePrincipals',
  orgContact: 'contacts',
}

const ANY_KIND = ['user', 'group', 'device', 'servicePrincipal', 'orgContact'] as const

/** `/users`, `/groups`, `/devices`, `/contacts`. */
export function listObjects(call: Call, kind: ObjectKind): GraphResponse {
  requireRead(call, kind)
  return answerList(call, wholeCollection(kind))
}

/** `/users/$count` and the like. */
export function countObjects(call: Call, kind: ObjectKind): GraphResponse {
  requireRead(call, kind)
  return answerCount(call, wholeCollection(kind))
}

/** `/users/{id or userPrincipalName}` and the like. Soft-deleted objects are not found (graph.md 15). */
export function single(call: Call, kind: ObjectKind, id: string): GraphResponse {
  requireRead(call, kind)
  const object = find(call, kind, id)
  const options = readOptions(call.query)
  checkExtensions(call, { select: options.get('$select') })
  const asked = options
    .get('$select')
    ?.split(',')
    .filter((name) => !NOT_IN_COLLECTIONS.has(name.trim()))
  const select = readableSelect(call, kind, readSelect(asked?.join(','), [kind]))
  const expansion = readExpand(options.get('$expand'))
  const view = viewAt(call.tenant, call.tenant.log.lastSeq)
  const expanded = expansion === undefined ? {} : expander(call, { kind, expansion, view })(object)
  const context = contextOf(call, SETS[kind], { select, expand: expansion?.relation, single: true })
  return jsonAnswer(
    call,
    { '@odata.context': context, ...listShaper(kind, select)(object.properties), ...expanded },
    {
      units: unitsOf(BASE_UNITS.other, options),
    },
  )
}

/** `/users/{id}/manager`. */
export function manager(call: Call, id: string): GraphResponse {
  requireAny(call, ROLES.manager)
  const view = viewAt(call.tenant, call.tenant.log.lastSeq)
  const found = managerOf(call, find(call, 'user', id), view)
  if (found === undefined) throw noManager()
  const options = readOptions(call.query)
  const select = readableSelect(call, 'user', readSelect(options.get('$select'), ['user']))
  const context = contextOf(call, 'directoryObjects', { select, single: true })
  const shown = listShaper(found.kind, select, { typed: true })(found.properties)
  return jsonAnswer(
    call,
    { '@odata.context': context, ...shown },
    {
      units: unitsOf(BASE_UNITS.other, options),
    },
  )
}

/** Members and memberships, mixed or cast to one type, as a list or as a count. */
export function related(
  call: Call,
  kind: ObjectKind,
  given: {
    readonly id: string
    readonly relation: 'members' | 'transitiveMembers' | 'memberOf' | 'transitiveMemberOf'
    readonly cast: string | undefined
    readonly isCount: boolean
  },
): GraphResponse {
  const { relation } = given
  const isDownward = relation === 'members' || relation === 'transitiveMembers'
  if (isDownward && kind !== 'group') throw badRequest(`Resource not found for the segment '${relation}'.`)
  requireAny(
    call,
    isDownward || kind === 'group' ? ROLES.members : ROLES[relation === 'memberOf' ? relation : 'transitiveMemberOf'],
  )
  const object = find(call, kind, given.id)
  const cast = castKind(given.cast)
  const collection: Collection = {
    kinds: cast === undefined ? ANY_KIND : [cast],
    mixed: cast === undefined,
    context: cast === undefined ? 'directoryObjects' : SETS[cast],
    baseUnits: BASE_UNITS[relation],
    numbers: (_query, view) => {
      if (relation === 'members') return directMembers(call, object, view)
      if (relation === 'transitiveMembers') return transitiveMembers(call, object, view)
      return relation === 'memberOf' ? object.memberOf : transitiveMemberOf(call, object)
    },
    accept: (member, state, query) => state.presence === 'live' && !isHiddenPrincipal(call, member, query),
  }
  return given.isCount ? answerCount(call, collection) : answerList(call, collection)
}

/** `POST /users/{id}/getMemberGroups`: ids of every group the object is in, also through others. */
export function getMemberGroups(call: Call, kind: ObjectKind, id: string): GraphResponse {
  requireMemberGroupsRoles(call)
  const object = find(call, kind, id)
  const onlySecurity = bodyValue(call, 'securityEnabledOnly') === true
  const ids = transitiveMemberOf(call, object)
    .map((no) => call.tenant.at(no))
    .filter((group) => group.presence === 'live' && (!onlySecurity || group.properties['securityEnabled'] === true))
    .map((group) => group.id)
  if (ids.length > MAX_MEMBER_GROUPS) {
    throw new GraphRefusal(400, 'Directory_ResultSizeLimitExceeded', 'The size of the result set is too large.')
  }
  return idsAnswer(call, ids, BASE_UNITS.getMemberGroups)
}

/** `POST /users/{id}/checkMemberGroups`: which of at most 20 groups the object is in. */
export function checkMemberGroups(call: Call, kind: ObjectKind, id: string): GraphResponse {
  requireMemberGroupsRoles(call)
  const object = find(call, kind, id)
  const asked = bodyValue(call, 'groupIds')
  if (!Array.isArray(asked) || asked.length > MAX_CHECKED_GROUPS) {
    throw new GraphRefusal(400, 'Request_BadRequest', `groupIds must hold at most ${MAX_CHECKED_GROUPS} ids.`)
  }
  const wanted = new Set(asked.map((value) => String(value).toLowerCase()))
  const ids = transitiveMemberOf(call, object)
    .map((no) => call.tenant.at(no))
    // A deleted group keeps its members for the day that it is restored, and nobody is in it until then.
    .filter((group) => group.presence === 'live' && wanted.has(group.id))
    .map((group) => group.id)
  return idsAnswer(call, ids, BASE_UNITS.checkMemberGroups)
}

function wholeCollection(kind: ObjectKind): Collection {
  return {
    kinds: [kind],
    mixed: false,
    context: SETS[kind],
    baseUnits: kind === 'user' ? BASE_UNITS.users : BASE_UNITS.other,
  }
}

function find(call: Call, kind: ObjectKind, id: string): DirectoryObject {
  const byId = call.tenant.find(id)
  const object = byId === undefined && kind === 'user' ? call.tenant.findByUpn(id) : byId
  if (object?.presence !== 'live' || object.kind !== kind) throw resourceNotFound(id)
  return object
}

function castKind(cast: string | undefined): ObjectKind | undefined {
  if (cast === undefined) return undefined
  const kind = ANY_KIND.find((known) => `microsoft.graph.${known}`.toLowerCase() === cast.toLowerCase())
  if (kind === undefined) throw badRequest(`Resource not found for the segment '${cast}'.`)
  return kind
}

// graph.md 10.2: left out of plain member lists, there as an advanced query
function isHiddenPrincipal(call: Call, member: DirectoryObject, query: ListQuery): boolean {
  if (member.kind !== 'servicePrincipal' || query.advanced || !call.behaviour.servicePrincipalsHidden) return false
  countFired(call.behaviour, 'servicePrincipalsHidden')
  return true
}

function requireMemberGroupsRoles(call: Call): void {
  const both = hasRole(call, 'User.Read.All') && hasRole(call, 'GroupMember.Read.All')
  if (!both && !hasRole(call, 'Directory.Read.All')) throw requestDenied()
}

/** One value of a JSON body. */
export function bodyValue(call: Call, name: string): unknown {
  if (!isRecord(call.body)) throw badRequest('The request body must be a JSON object.')
  return call.body[name]
}

function idsAnswer(call: Call, ids: readonly string[], units: number): GraphResponse {
  const context = `${call.graphRoot}/$metadata#Collection(Edm.String)`
  return jsonAnswer(call, { '@odata.context': context, value: ids }, { units })
}

/** The objects of a mixed collection that fits into one answer. */
export function mixedShown(call: Call, objects: readonly DirectoryObject[], options: Options): Shown[] {
  const select = readableSelect(call, 'user', readSelect(options.get('$select'), ANY_KIND))
  return objects.map((object) =>
    listShaper(object.kind, select, { typed: true, limited: isLimited(call, object.kind) })(object.properties),
  )
}

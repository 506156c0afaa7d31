// Graph v1.0's address space: which path is which call. Authentication, throttling and faults stand before it.
import { answerBatch } from './batch.ts'
import { answerDelta } from './delta.ts'
import { directoryObject, getByIds } from './byid.ts'
import { deletedItems } from './recyclebin.ts'
import { checkMemberGroups, countObjects, getMemberGroups, listObjects, manager, related, single } from './directory.ts'
import { organization } from './organization.ts'
import { registration } from './registration.ts'
import { purgeExpired } from './operations.ts'
import { pageKey } from './pages.ts'
import { badRequest, type Call, errorAnswer, GraphRefusal, type GraphRequest, type GraphResponse } from './respond.ts'
import type { ObjectKind } from './object.ts'
import type { Tenant } from './tenant.ts'

export type { GraphRequest, GraphResponse } from './respond.ts'

/**
 * Answers one authenticated Graph call from the tenant.
 *
 * @param inner answers each request inside a `$batch`; the caller wraps throttling and faults around this function
 * itself, so that inner requests meet them one by one
 */
export function routeGraph(
  tenant: Tenant,
  request: GraphRequest,
  inner: (request: GraphRequest) => GraphResponse,
): GraphResponse {
  tenant.log.start()
  purgeExpired(tenant)
  const call: Call = { ...request, tenant, requestId: tenant.random.guid() }
  try {
    return dispatch(call, inner)
  } catch (error) {
    if (error instanceof GraphRefusal) return errorAnswer(call, error)
    throw error
  }
}

/**
 * Tells the tenant that a page request was answered by a fault, so that its repetition counts as a retry for the
 * switch `retriedPageTokenInvalid` (graph.md 8.3).
 */
export function notePageFailure(tenant: Tenant, request: Pick<GraphRequest, 'path' | 'rawQuery'>): void {
  tenant.pages.noteFailed(pageKey(request))
}

/** A path segment: its name and the key in parentheses, if any. */
interface Segment {
  readonly name: string
  readonly key: string | undefined
}

const COLLECTION_KINDS: ReadonlyMap<string, ObjectKind> = new Map([
  ['users', 'user'],
  ['groups', 'group'],
  ['devices', 'device'],
  ['contacts', 'orgContact'],
])

function dispatch(call: Call, inner: (request: GraphRequest) => GraphResponse): GraphResponse {
  const segments = segmentsOf(call.path)
  const [first, ...rest] = segments
  if (first === undefined) throw notFoundSegment('')
  if (first.name === '$batch') return answerBatch(call, inner)
  const kind = COLLECTION_KINDS.get(first.name)
  if (kind !== undefined) {
    return first.key === undefined
      ? inCollection(call, kind, rest)
      : ofObject(call, kind, [{ name: first.key, key: undefined }, ...rest])
  }
  switch (first.name) {
    case 'organization':
      requireMethod(call, 'GET')
      return organization(call, rest[0]?.name)
    case 'applications':
    case 'servicePrincipals':
      requireMethod(call, 'GET')
      return registration(call, first.name, first.key ?? rest[0]?.name)
    case 'directoryObjects':
      return directoryObjects(call, rest)
    case 'directory':
      return inRecycleBin(call, rest)
    default:
      throw notFoundSegment(first.name)
  }
}

function inCollection(call: Call, kind: ObjectKind, rest: readonly Segment[]): GraphResponse {
  const [next] = rest
  if (next === undefined) {
    requireMethod(call, 'GET')
    return listObjects(call, kind)
  }
  if (next.name === '$count') {
    requireMethod(call, 'GET')
    return countObjects(call, kind)
  }
  if (next.name === 'delta' && (kind === 'user' || kind === 'group')) {
    requireMethod(call, 'GET')
    return answerDelta(call, kind)
  }
  // casts of the collections themselves are a known limitation of Graph (graph.md 7)
  if (next.name.startsWith('microsoft.graph.')) throw notFoundSegment(next.name)
  return ofObject(call, kind, rest)
}

function ofObject(call: Call, kind: ObjectKind, segments: readonly Segment[]): GraphResponse {
  const [object, relation, cast, tail] = segments
  const id = object?.name ?? ''
  if (relation === undefined) {
    requireMethod(call, 'GET')
    return single(call, kind, id)
  }
  switch (relation.name) {
    case 'getMemberGroups':
    case 'getMemberObjects':
      requireMethod(call, 'POST')
      return getMemberGroups(call, kind, id)
    case 'checkMemberGroups':
      requireMethod(call, 'POST')
      return checkMemberGroups(call, kind, id)
    case 'manager':
      requireMethod(call, 'GET')
      return manager(call, id)
    case 'members':
    case 'transitiveMembers':
    case 'memberOf':
    case 'transitiveMemberOf': {
      requireMethod(call, 'GET')
      const isCount = cast?.name === '$count' || tail?.name === '$count'
      const castName = cast?.name === '$count' ? undefined : cast?.name
      return related(call, kind, { id, relation: relation.name, cast: castName, isCount })
    }
    default:
      throw notFoundSegment(relation.name)
  }
}

function directoryObjects(call: Call, rest: readonly Segment[]): GraphResponse {
  const [next] = rest
  if (next?.name === 'getByIds') {
    requireMethod(call, 'POST')
    return getByIds(call)
  }
  if (next === undefined) throw badRequest('The directoryObjects collection cannot be listed.')
  requireMethod(call, 'GET')
  return directoryObject(call, next.name)
}

function inRecycleBin(call: Call, rest: readonly Segment[]): GraphResponse {
  const [items, next, tail] = rest
  if (items?.name !== 'deletedItems' && items?.name !== 'deleteditems') throw notFoundSegment(items?.name ?? '')
  requireMethod(call, 'GET')
  return deletedItems(call, next?.name, tail?.name === '$count')
}

function segmentsOf(path: string): Segment[] {
  return path
    .split('/')
    .filter((text) => text !== '')
    .map((text) => {
      const decoded = decode(text)
      // users('a@b'), applications(appId='x'), delta(), microsoft.graph.delta()
      const match = /^([$\w.]+)\((?:(\w+)=)?'?(.*?)'?\)$/.exec(decoded)
      const name = functionName(match?.[1] ?? decoded)
      const value = match?.[3]
      if (value === undefined || value === '') return { name, key: undefined }
      return { name, key: match?.[2] === undefined ? value.replaceAll("''", "'") : `${match[2]}=${value}` }
    })
}

// functions and actions may be written with their namespace; casts keep it
function functionName(name: string): string {
  const bare = name.replace(/^microsoft\.graph\./, '')
  return /^(delta|getByIds|getMemberGroups|getMemberObjects|checkMemberGroups)$/.test(bare) ? bare : name
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch (error) {
    if (error instanceof URIError) throw badRequest('The request URI is not well formed.')
    throw error
  }
}

function requireMethod(call: Call, method: 'GET' | 'POST'): void {
  if (call.method.toUpperCase() === method) return
  throw new GraphRefusal(405, 'Request_BadRequest', 'Specified HTTP method is not allowed for the request target.')
}

function notFoundSegment(name: string): GraphRefusal {
  return badRequest(`Resource not found for the segment '${name}'.`)
}

// What an administrator does to a tenant: people and the recycle bin. Groups and edges are in memberships.ts.
// Every operation checks first, changes then, and writes the change log, so that both deltas tell it.
import { ConflictError, NotFoundError } from '../base/errors.ts'
import { countFired } from './behaviour.ts'
import { removeNumber } from './sorted.ts'
import type { DirectoryObject, ObjectKind, Properties } from './object.ts'
import { snapshot, type Tenant } from './tenant.ts'

/** Soft-deleted objects are purged after 30 days (graph.md 15). */
const RECYCLE_MS = 30 * 24 * 3600 * 1000

/** Properties by their Graph names; `undefined` values are taken as not given. */
export type Attributes = Readonly<Record<string, unknown>>

/**
 * Creates a user. `accountEnabled`, `userType`, `displayName` and `createdDateTime` have Entra's defaults; whatever
 * else is not given stays never set, which delta tells apart from `null`.
 *
 * @param attributes needs `userPrincipalName`; may bring its own `id`
 * @throws ConflictError `upn-taken`, `id-taken`
 */
export function hire(tenant: Tenant, attributes: Attributes): DirectoryObject {
  const upn = attributes['userPrincipalName']
  if (typeof upn !== 'string' || upn === '') throw new ConflictError('upn-missing', 'A user needs a userPrincipalName')
  requireFreeUpn(tenant, upn)
  const defaults = { displayName: upn.split('@', 1)[0], accountEnabled: true, userType: 'Member' }
  return create(tenant, 'user', { attributes, defaults })
}

/**
 * Sets properties of any live object. `null` clears, `undefined` and missing names leave alone. A value equal to the
 * present one is no change and leaves no trace in the log.
 *
 * @throws NotFoundError @throws ConflictError `upn-taken`
 */
export function update(tenant: Tenant, id: string, patch: Attributes): DirectoryObject {
  const object = requireLive(tenant, id)
  const changed = Object.entries(patch).filter(
    ([name, value]) => value !== undefined && name !== 'id' && !isEqual(object.properties[name], value),
  )
  if (changed.length === 0) return object
  const upn = patch['userPrincipalName']
  if (object.kind === 'user' && typeof upn === 'string') requireFreeUpn(tenant, upn, object)
  const before = snapshot(object)
  tenant.replace(object, { properties: { ...object.properties, ...Object.fromEntries(changed) } })
  tenant.record({ what: 'updated', no: object.no, before, names: changed.map(([name]) => name) })
  return object
}

/** Gives a user another userPrincipalName. @throws NotFoundError @throws ConflictError `upn-taken` */
export function rename(tenant: Tenant, id: string, userPrincipalName: string): DirectoryObject {
  return update(tenant, id, { userPrincipalName })
}

/** @throws NotFoundError */
export function disable(tenant: Tenant, id: string): DirectoryObject {
  return update(tenant, id, { accountEnabled: false })
}

/** @throws NotFoundError */
export function enable(tenant: Tenant, id: string): DirectoryObject {
  return update(tenant, id, { accountEnabled: true })
}

/** Sets or clears (`null`) the manager of a user. @throws NotFoundError */
export function setManager(tenant: Tenant, id: string, managerId: string | null): DirectoryObject {
  const user = requireLive(tenant, id)
  const managerNo = managerId === null ? -1 : requireLive(tenant, managerId).no
  if (user.managerNo === managerNo) return user
  const before = snapshot(user)
  user.managerNo = managerNo
  tenant.record({ what: 'manager', no: user.no, before })
  return user
}

/**
 * Deletes a user or group. Users, Microsoft 365 groups and (by `securityGroupsSoftDeleted`) security groups go to the
 * recycle bin, everything else is gone at once. A user keeps its memberships, silently (graph.md 12.6); a group leaves
 * the groups it was in.
 *
 * @throws NotFoundError
 */
export function remove(tenant: Tenant, id: string): DirectoryObject {
  const object = requireLive(tenant, id)
  if (!isSoftDeleted(tenant, object)) {
    erase(tenant, object)
    return object
  }
  const before = snapshot(object)
  const now = tenant.clock.now()
  const upn = object.properties['userPrincipalName']
  const deleted: Properties = {
    ...object.properties,
    deletedDateTime: graphTime(now),
    ...(object.kind === 'user' && typeof upn === 'string' && { userPrincipalName: deletedUpn(object.id, upn) }),
  }
  tenant.replace(object, { properties: deleted, presence: 'deleted' })
  object.deletedAtMs = now.getTime()
  tenant.recycleBin.push(object.no)
  tenant.record({ what: 'deleted', no: object.no, before })
  if (object.kind === 'group') leaveAllGroups(tenant, object, 'told')
  return object
}

/**
 * Deletes for good, from the directory or from the recycle bin. The memberships of a user go with it; whether
 * groups/delta tells that is the switch `hardDeleteGroupEvent`.
 *
 * @throws NotFoundError
 */
export function purge(tenant: Tenant, id: string): DirectoryObject {
  const object = tenant.find(id)
  if (object === undefined) throw new NotFoundError('object', id)
  erase(tenant, object)
  return object
}

/**
 * Takes an object out of the recycle bin. It appears in delta as if newly created (graph.md 12.4); a user's
 * memberships are back without a word in groups/delta (12.6).
 *
 * @throws NotFoundError @throws ConflictError `upn-taken` when somebody else has the name by now
 */
export function restore(
  tenant: Tenant,
  id: string,
  options: { readonly newUserPrincipalName?: string } = {},
): DirectoryObject {
  const object = tenant.find(id)
  if (object?.presence !== 'deleted') throw new NotFoundError('deleted object', id)
  const before = snapshot(object)
  const { deletedDateTime: _gone, ...rest } = object.properties
  let properties: Properties = rest
  if (object.kind === 'user') {
    const upn = options.newUserPrincipalName ?? String(rest['userPrincipalName']).slice(32)
    requireFreeUpn(tenant, upn)
    properties = { ...rest, userPrincipalName: upn }
  }
  tenant.replace(object, { properties, presence: 'live' })
  object.deletedAtMs = 0
  tenant.record({ what: 'restored', no: object.no, before })
  return object
}

/** Purges what has been in the recycle bin for 30 days. Called before every request. */
export function purgeExpired(tenant: Tenant): void {
  const limitMs = tenant.nowMs() - RECYCLE_MS
  for (;;) {
    const no = tenant.recycleBin[0]
    if (no === undefined) return
    const object = tenant.at(no)
    if (object.presence === 'deleted' && object.deletedAtMs > limitMs) return
    tenant.recycleBin.shift()
    if (object.presence === 'deleted') erase(tenant, object)
  }
}

/** Makes every delta token given out so far useless, with Graph's 400 or 410 as answer (graph.md 12.8). */
export function resetDelta(tenant: Tenant, answer: '400' | '410' = '410'): void {
  tenant.deltaGeneration += 1
  tenant.deltaResetAnswer = answer
}

/** Creates an object of any kind; the named operations check what belongs to theirs. @throws ConflictError `id-taken` */
export function create(
  tenant: Tenant,
  kind: ObjectKind,
  given: { readonly attributes: Attributes; readonly defaults?: Attributes },
): DirectoryObject {
  const { attributes, defaults } = given
  const wanted = attributes['id']
  const id = typeof wanted === 'string' ? wanted.toLowerCase() : tenant.random.guid()
  if (tenant.find(id) !== undefined) throw new ConflictError('id-taken', `Object ${id} exists already`)
  const properties: Record<string, unknown> & { id: string } = { id, createdDateTime: graphTime(tenant.clock.now()) }
  for (const name in defaults) properties[name] = defaults[name]
  for (const name in attributes) {
    const value = attributes[name]
    if (value !== undefined && name !== 'id') properties[name] = value
  }
  const object = tenant.insert(kind, properties)
  const before = { presence: 'gone', properties: {}, managerNo: -1 } as const
  tenant.record({ what: 'created', no: object.no, before })
  return object
}

/** @throws NotFoundError */
export function requireLive(tenant: Tenant, id: string, kind?: ObjectKind): DirectoryObject {
  const object = tenant.find(id)
  if (object?.presence !== 'live' || (kind !== undefined && object.kind !== kind)) {
    throw new NotFoundError(kind ?? 'object', id)
  }
  return object
}

/** A date as Graph writes it: whole seconds, UTC. */
function graphTime(date: Date): string {
  return `${date.toISOString().slice(0, 19)}Z`
}

function erase(tenant: Tenant, object: DirectoryObject): void {
  const before = snapshot(object)
  const isTold = object.kind !== 'user' || tenant.behaviour.hardDeleteGroupEvent
  if (object.kind === 'user' && object.memberOf.length > 0) countFired(tenant.behaviour, 'hardDeleteGroupEvent')
  leaveAllGroups(tenant, object, isTold ? 'told' : 'silent')
  for (const memberNo of object.members) removeNumber(tenant.at(memberNo).memberOf, object.no)
  object.members.length = 0
  tenant.replace(object, { presence: 'gone' })
  tenant.record({ what: 'purged', no: object.no, before })
}

function leaveAllGroups(tenant: Tenant, object: DirectoryObject, how: 'told' | 'silent'): void {
  for (const groupNo of object.memberOf.splice(0)) {
    removeNumber(tenant.at(groupNo).members, object.no)
    if (how === 'told') tenant.record({ what: 'memberRemoved', no: groupNo, memberNo: object.no })
  }
}

function isSoftDeleted(tenant: Tenant, object: DirectoryObject): boolean {
  if (object.kind === 'user') return true
  if (object.kind !== 'group') return false
  const types = object.properties['groupTypes']
  if (Array.isArray(types) && types.includes('Unified')) return true
  // mail-enabled groups without Unified are distribution lists or their security variant: deleted at once
  if (object.properties['mailEnabled'] === true) return false
  countFired(tenant.behaviour, 'securityGroupsSoftDeleted')
  return tenant.behaviour.securityGroupsSoftDeleted
}

function requireFreeUpn(tenant: Tenant, upn: string, except?: DirectoryObject): void {
  const holder = tenant.findByUpn(upn)
  if (holder !== undefined && holder !== except) {
    throw new ConflictError(
      'upn-taken',
      `Another object with the same value for property userPrincipalName already exists`,
    )
  }
}

/** In the recycle bin the name is prefixed with the id without dashes, which frees it for somebody else (graph.md 15). */
function deletedUpn(id: string, upn: string): string {
  return `${id.replaceAll('-', '')}${upn}`
}

function isEqual(a: unknown, b: unknown): boolean {
  return a === b || (typeof a === 'object' && typeof b === 'object' && JSON.stringify(a) === JSON.stringify(b))
}

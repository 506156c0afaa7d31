// What an administrator does to groups: create, rename, and who is in them, with Entra's rules about who may be
// (graph.md 4). Deleting and restoring is the same for every object and lives in operations.ts.
import { ConflictError, NotFoundError } from '../base/errors.ts'
import { type Attributes, create, requireLive, update } from './operations.ts'
import { hasNumber, insertNumber, insertNumbers, removeNumber } from './sorted.ts'
import type { DirectoryObject } from './object.ts'
import type { Tenant } from './tenant.ts'

/**
 * Creates a group, a security group unless the attributes say otherwise.
 *
 * @param attributes `displayName` is not unique; may bring its own `id`
 * @throws ConflictError `id-taken`
 */
export function createGroup(tenant: Tenant, attributes: Attributes): DirectoryObject {
  return create(tenant, 'group', {
    attributes,
    defaults: { groupTypes: [], mailEnabled: false, securityEnabled: true },
  })
}

/** @throws NotFoundError */
export function renameGroup(tenant: Tenant, id: string, displayName: string): DirectoryObject {
  requireLive(tenant, id, 'group')
  return update(tenant, id, { displayName })
}

/** @throws ConflictError `id-taken` */
export function addDevice(tenant: Tenant, attributes: Attributes): DirectoryObject {
  return create(tenant, 'device', { attributes, defaults: { accountEnabled: true } })
}

/** @throws ConflictError `id-taken` */
export function addServicePrincipal(tenant: Tenant, attributes: Attributes): DirectoryObject {
  return create(tenant, 'servicePrincipal', { attributes, defaults: { accountEnabled: true } })
}

/** @throws ConflictError `id-taken` */
export function addContact(tenant: Tenant, attributes: Attributes): DirectoryObject {
  return create(tenant, 'orgContact', { attributes })
}

/**
 * Makes an object a direct member of a group; cycles are possible, as in synced directories.
 *
 * @throws NotFoundError
 * @throws ConflictError `member-exists`; `member-refused` for a kind that Entra does not let into this group
 */
export function addMember(tenant: Tenant, groupId: string, memberId: string): void {
  const group = requireLive(tenant, groupId, 'group')
  const member = requireLive(tenant, memberId)
  requireAllowed(group, member)
  if (!insertNumber(group.members, member.no)) {
    throw new ConflictError('member-exists', `One or more added object references already exist in ${groupId}`)
  }
  insertNumber(member.memberOf, group.no)
  tenant.record({ what: 'memberAdded', no: group.no, memberNo: member.no })
}

/**
 * Adds many members at the cost of one sort; those that are members already are passed over.
 *
 * @returns how many were added
 * @throws NotFoundError @throws ConflictError `member-refused`; nothing is added then
 */
export function addMembers(tenant: Tenant, groupId: string, members: readonly DirectoryObject[]): number {
  const group = requireLive(tenant, groupId, 'group')
  for (const member of members) requireAllowed(group, member)
  const numbers = insertNumbers(
    group.members,
    members.map((member) => member.no),
  )
  for (const no of numbers) {
    insertNumber(tenant.at(no).memberOf, group.no)
    tenant.record({ what: 'memberAdded', no: group.no, memberNo: no })
  }
  return numbers.length
}

/** @throws NotFoundError when either is unknown or the one is not in the other */
export function removeMember(tenant: Tenant, groupId: string, memberId: string): void {
  const group = requireLive(tenant, groupId, 'group')
  const member = tenant.find(memberId)
  if (member === undefined || !hasNumber(group.members, member.no)) throw new NotFoundError('member', memberId)
  removeNumber(group.members, member.no)
  removeNumber(member.memberOf, group.no)
  tenant.record({ what: 'memberRemoved', no: group.no, memberNo: member.no })
}

function requireAllowed(group: DirectoryObject, member: DirectoryObject): void {
  const refuse = (why: string): never => {
    throw new ConflictError('member-refused', `${member.kind} ${member.id} cannot be in ${group.id}: ${why}`)
  }
  if (isOfType(member, 'Unified')) refuse('a Microsoft 365 group is never a member')
  if (isOfType(group, 'Unified') && member.kind !== 'user') refuse('a Microsoft 365 group holds users only')
  if (isOfType(group, 'DynamicMembership') && member.kind !== 'user' && member.kind !== 'device') {
    refuse('a dynamic group holds users and devices only')
  }
}

function isOfType(object: DirectoryObject, type: 'Unified' | 'DynamicMembership'): boolean {
  const types = object.properties['groupTypes']
  return Array.isArray(types) && types.includes(type)
}

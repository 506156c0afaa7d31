// Which application permission opens what (graph.md 2.2). A ReadWrite permission opens what its Read does.
import { type Call, requestDenied } from './respond.ts'
import { BASIC_PROFILE, DEFAULT_PROPERTIES, EXTRA_PERMISSION } from './schema.ts'
import type { ObjectKind } from './object.ts'

const READABLE_BY: Readonly<Record<ObjectKind, readonly string[]>> = {
  user: ['User.Read.All', 'User.ReadBasic.All', 'Directory.Read.All'],
  group: ['GroupMember.Read.All', 'Group.ReadBasic.All', 'Group.Read.All', 'Directory.Read.All'],
  device: ['Device.Read.All', 'Directory.Read.All'],
  servicePrincipal: ['Application.Read.All', 'Directory.Read.All'],
  orgContact: ['OrgContact.Read.All', 'Directory.Read.All'],
}

/** Permissions by call; see the table of graph.md 2.2. */
export const ROLES = {
  usersDelta: ['User.Read.All', 'Directory.Read.All'],
  manager: ['User.Read.All', 'Directory.Read.All'],
  memberOf: ['Directory.Read.All', 'Group.ReadBasic.All', 'GroupMember.ReadBasic.All'],
  transitiveMemberOf: ['User.Read.All', 'GroupMember.Read.All', 'Group.Read.All', 'Directory.Read.All'],
  groups: READABLE_BY.group,
  members: ['GroupMember.Read.All', 'GroupMember.ReadBasic.All', 'Group.Read.All', 'Directory.Read.All'],
  getByIds: ['Directory.Read.All'],
  directoryObject: ['Directory.Read.All'],
  organization: ['User.Read.All', 'Organization.Read.All', 'Directory.Read.All'],
  deletedUsers: ['User.Read.All', 'Directory.Read.All'],
  deletedGroups: ['Group.Read.All', 'Directory.Read.All'],
  applications: ['Application.Read.All', 'Directory.Read.All'],
} as const satisfies Record<string, readonly string[]>

export function hasRole(call: Call, role: string): boolean {
  const { roles } = call
  return roles.has('*') || roles.has(role) || roles.has(role.replace('.Read.All', '.ReadWrite.All'))
}

/** @throws GraphRefusal 403 unless the token has one of them */
export function requireAny(call: Call, roles: readonly string[]): void {
  if (!roles.some((role) => hasRole(call, role))) throw requestDenied()
}

export function canRead(call: Call, kind: ObjectKind): boolean {
  return READABLE_BY[kind].some((role) => hasRole(call, role))
}

/** @throws GraphRefusal 403 */
export function requireRead(call: Call, kind: ObjectKind): void {
  requireAny(call, READABLE_BY[kind])
}

/**
 * The user properties that a request may show: those asked for, or of the default ones what the basic profile has when
 * the token opens no more.
 *
 * @throws GraphRefusal 403 for an asked property that needs more
 */
export function readableSelect(
  call: Call,
  kind: ObjectKind,
  select: readonly string[] | undefined,
): readonly string[] | undefined {
  if (kind !== 'user') return select
  for (const name of select ?? []) {
    const extra = EXTRA_PERMISSION[name]
    if (extra !== undefined && !hasRole(call, extra)) throw requestDenied()
  }
  if (hasRole(call, 'User.Read.All') || hasRole(call, 'Directory.Read.All')) return select
  if (select === undefined) return DEFAULT_PROPERTIES.user.filter((name) => BASIC_PROFILE.has(name))
  if (!select.every((name) => BASIC_PROFILE.has(name))) throw requestDenied()
  return select
}

/** Whether a group's members may be seen at all (graph.md 10.4). */
export function canSeeMembers(call: Call, group: { readonly properties: Readonly<Record<string, unknown>> }): boolean {
  return group.properties['visibility'] !== 'HiddenMembership' || hasRole(call, 'Member.Read.Hidden')
}

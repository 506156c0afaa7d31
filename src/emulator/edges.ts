// Who is in what: direct and transitive, downwards and upwards (graph.md 10).
import { type Call, GraphRefusal, requestDenied } from './respond.ts'
import { countFired } from './behaviour.ts'
import { canSeeMembers } from './permissions.ts'
import type { DirectoryObject } from './object.ts'
import type { View } from './view.ts'

/**
 * Numbers of a group's members, ascending, soft-deleted ones included. Empty or refused for a hidden membership that
 * the token does not open.
 *
 * @throws GraphRefusal 403, by the switch `hiddenMembership`
 */
export function directMembers(call: Call, group: DirectoryObject, view: View): readonly number[] {
  if (canSeeMembers(call, group)) return view.membersOf(group)
  countFired(call.behaviour, 'hiddenMembership')
  if (call.behaviour.hiddenMembership === 'forbidden') throw requestDenied()
  return []
}

/**
 * Every member of a group and of the groups in it, the nested groups themselves included, the group itself not.
 * Cycles end the walk. Nested groups with a hidden membership are not entered without permission.
 */
export function transitiveMembers(call: Call, group: DirectoryObject, view: View): readonly number[] {
  const found = new Set<number>()
  const open = [directMembers(call, group, view)]
  for (let members = open.pop(); members !== undefined; members = open.pop()) {
    for (const no of members) {
      if (no === group.no || found.has(no)) continue
      found.add(no)
      const member = call.tenant.at(no)
      const isOpen = member.kind === 'group' && view.stateOf(member).presence === 'live' && canSeeMembers(call, member)
      if (isOpen) open.push(view.membersOf(member))
    }
  }
  return [...found].sort((a, b) => a - b)
}

/** Every group that an object is in, directly or through other groups. */
export function transitiveMemberOf(call: Call, object: DirectoryObject): readonly number[] {
  const found = new Set<number>()
  const open = [object.memberOf]
  for (let groups = open.pop(); groups !== undefined; groups = open.pop()) {
    for (const no of groups) {
      if (no === object.no || found.has(no)) continue
      found.add(no)
      open.push(call.tenant.at(no).memberOf)
    }
  }
  return [...found].sort((a, b) => a - b)
}

/** The manager, unless it is deleted. */
export function managerOf(call: Call, user: DirectoryObject, view: View): DirectoryObject | undefined {
  const { managerNo } = view.stateOf(user)
  if (managerNo < 0) return undefined
  const manager = call.tenant.at(managerNo)
  return view.stateOf(manager).presence === 'live' ? manager : undefined
}

/** 404 of a user without a manager (graph.md 3). */
export function noManager(): GraphRefusal {
  return new GraphRefusal(
    404,
    'Request_ResourceNotFound',
    "Resource 'manager' does not exist or one of its queried reference-property objects are not present.",
  )
}

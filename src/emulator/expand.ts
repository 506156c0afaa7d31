// `$expand`: at most 20 related objects and no next link for more (graph.md 7).
import { directMembers, managerOf, transitiveMemberOf, transitiveMembers } from './edges.ts'
import type { Expansion } from './odata.ts'
import { canRead, requireAny, ROLES } from './permissions.ts'
import { type Call, unsupportedQuery } from './respond.ts'
import type { DirectoryObject, ObjectKind } from './object.ts'
import type { View } from './view.ts'
import { listShaper, type Shown } from './write.ts'

/** Objects per expanded relation (graph.md 7). */
const MAX_EXPANDED = 20

/**
 * A function that gives the expanded relation of an object, to be spread into what is shown of it.
 *
 * @throws GraphRefusal 400 for a relation that the kind does not have, 403 without the permission for it
 */
export function expander(
  call: Call,
  given: { readonly kind: ObjectKind; readonly expansion: Expansion; readonly view: View },
): (object: DirectoryObject) => Shown {
  const { kind, expansion, view } = given
  const { relation, select } = expansion
  const show = (object: DirectoryObject): Shown =>
    listShaper(object.kind, select, { typed: true, limited: !canRead(call, object.kind) })(
      view.stateOf(object).properties,
    )
  if (kind === 'user' && relation === 'manager') {
    requireAny(call, ROLES.manager)
    return (user) => {
      const manager = managerOf(call, user, view)
      return manager === undefined ? {} : { manager: show(manager) }
    }
  }
  const numbersOf = relationOf(call, kind, { relation, view })
  return (object) => {
    const related: Shown[] = []
    for (const no of numbersOf(object)) {
      if (related.length === MAX_EXPANDED) break
      const other = call.tenant.at(no)
      if (view.stateOf(other).presence === 'live') related.push(show(other))
    }
    return { [relation]: related }
  }
}

function relationOf(
  call: Call,
  kind: ObjectKind,
  given: { readonly relation: string; readonly view: View },
): (object: DirectoryObject) => readonly number[] {
  const { relation, view } = given
  if (kind === 'group' && relation === 'members') {
    requireAny(call, ROLES.members)
    return (group) => directMembers(call, group, view)
  }
  if (kind === 'group' && relation === 'transitiveMembers') {
    requireAny(call, ROLES.members)
    return (group) => transitiveMembers(call, group, view)
  }
  if (relation === 'memberOf') {
    requireAny(call, kind === 'group' ? ROLES.members : ROLES.memberOf)
    return (object) => object.memberOf
  }
  if (relation === 'transitiveMemberOf') {
    requireAny(call, ROLES.transitiveMemberOf)
    return (object) => transitiveMemberOf(call, object)
  }
  throw unsupportedQuery(`The relation '${relation}' cannot be expanded.`)
}

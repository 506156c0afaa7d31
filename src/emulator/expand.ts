// `$expand`: at most 20 related objects and no next link for more (graph.md 7).
import { directMembers, managerOf, transitiveMemberOf, transitiveMembers } from './edges.ts'
import type { Expansion } from './odata.ts'
import { canRead, requireAny, ROLES } from './permissions.ts'
import { type Call, unsupportedQuery } from './respond.ts'
import type { DirectoryObject, ObjectKind } from './tenant.ts'
import type { View } from './view.ts'
import { json, listWriter } from './write.ts'

/** Objects per expanded relation (graph.md 7). */
const MAX_EXPANDED = 20

/**
 * A function that gives `"relation":…` of an object as JSON text.
 *
 * @throws GraphRefusal 400 for a relation that the kind does not have, 403 without the permission for it
 */
export function expander(
  call: Call,
  given: { readonly kind: ObjectKind; readonly expansion: Expansion; readonly view: View },
): (object: DirectoryObject) => string {
  const { kind, expansion, view } = given
  const { relation, select } = expansion
  const write = (object: DirectoryObject): string =>
    listWriter(object.kind, select, { typed: true, limited: !canRead(call, object.kind) })(
      view.stateOf(object).properties,
    )
  if (kind === 'user' && relation === 'manager') {
    requireAny(call, ROLES.manager)
    return (user) => {
      const manager = managerOf(call, user, view)
      return manager === undefined ? '' : `,"manager":${write(manager)}`
    }
  }
  const numbersOf = relationOf(call, kind, { relation, view })
  return (object) => {
    const related: string[] = []
    for (const no of numbersOf(object)) {
      if (related.length === MAX_EXPANDED) break
      const other = call.tenant.at(no)
      if (view.stateOf(other).presence === 'live') related.push(write(other))
    }
    return `,${json(relation)}:[${related.join(',')}]`
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

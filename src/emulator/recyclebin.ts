// `/directory/deletedItems`: what was deleted less than 30 days ago (graph.md 15).
import { BASE_UNITS, unitsOf } from './cost.ts'
import { answerCount, answerList, type Collection, contextOf } from './listing.ts'
import { readOptions, readSelect } from './odata.ts'
import { readableSelect, requireAny, ROLES } from './permissions.ts'
import { badRequest, type Call, type GraphResponse, jsonAnswer, resourceNotFound } from './respond.ts'
import type { ObjectKind } from './object.ts'
import { listShaper } from './write.ts'

const CASTS: ReadonlyMap<string, ObjectKind> = new Map([
  ['microsoft.graph.user', 'user'],
  ['microsoft.graph.group', 'group'],
])

/** A cast lists one kind, anything else is an id; without either Graph refuses. */
export function deletedItems(call: Call, next: string | undefined, isCount: boolean): GraphResponse {
  if (next === undefined) {
    throw badRequest('The deletedItems collection is not supported without a cast, e.g. microsoft.graph.user.')
  }
  const kind = CASTS.get(next.toLowerCase())
  if (kind === undefined) return one(call, next)
  requireAny(call, rolesFor(kind))
  const collection: Collection = {
    kinds: [kind],
    mixed: false,
    context: kind === 'user' ? 'users' : 'groups',
    baseUnits: BASE_UNITS.other,
    advancedOrder: 'deletedDateTime',
    // the bin is in order of deletion and may name an object twice that was restored and deleted again
    numbers: () => [...new Set(call.tenant.recycleBin)].sort((a, b) => a - b),
    accept: (_object, state) => state.presence === 'deleted',
  }
  return isCount ? answerCount(call, collection) : answerList(call, collection)
}

function one(call: Call, id: string): GraphResponse {
  const object = call.tenant.find(id)
  requireAny(call, rolesFor(object?.kind === 'group' ? 'group' : 'user'))
  if (object?.presence !== 'deleted') throw resourceNotFound(id)
  const options = readOptions(call.query)
  const select = readableSelect(call, object.kind, readSelect(options.get('$select'), [object.kind]))
  const context = contextOf(call, 'directoryObjects', { select, single: true })
  const shown = listShaper(object.kind, select, { typed: true })(object.properties)
  return jsonAnswer(
    call,
    { '@odata.context': context, ...shown },
    {
      units: unitsOf(BASE_UNITS.other, options),
    },
  )
}

function rolesFor(kind: ObjectKind): readonly string[] {
  return kind === 'group' ? ROLES.deletedGroups : ROLES.deletedUsers
}

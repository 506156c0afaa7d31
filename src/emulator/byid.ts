// Objects of any kind by their ids (graph.md 10.5).
import { BASE_UNITS, unitsOf } from './cost.ts'
import { bodyValue, mixedShown } from './directory.ts'
import { contextOf } from './listing.ts'
import { readOptions } from './odata.ts'
import { requireAny, ROLES } from './permissions.ts'
import { badRequest, type Call, type GraphResponse, jsonAnswer, resourceNotFound } from './respond.ts'

const MAX_IDS = 1000

/** `GET /directoryObjects/{id}`. */
export function directoryObject(call: Call, id: string): GraphResponse {
  requireAny(call, ROLES.directoryObject)
  const object = call.tenant.find(id)
  if (object?.presence !== 'live') throw resourceNotFound(id)
  const options = readOptions(call.query)
  const [shown] = mixedShown(call, [object], options)
  const context = contextOf(call, 'directoryObjects', { select: undefined, single: true })
  return jsonAnswer(
    call,
    { '@odata.context': context, ...shown },
    {
      units: unitsOf(BASE_UNITS.other, options),
    },
  )
}

/** `POST /directoryObjects/getByIds`: unknown ids are silently missing. */
export function getByIds(call: Call): GraphResponse {
  requireAny(call, ROLES.getByIds)
  const ids = bodyValue(call, 'ids')
  const types = bodyValue(call, 'types')
  if (!Array.isArray(ids) || ids.length > MAX_IDS) throw badRequest(`ids must be a list of at most ${MAX_IDS} ids.`)
  const kinds = Array.isArray(types) ? new Set(types.map((type) => String(type).toLowerCase())) : undefined
  const objects = ids
    .flatMap((id) => call.tenant.find(String(id)) ?? [])
    .filter((object) => object.presence === 'live' && (kinds?.has(object.kind.toLowerCase()) ?? true))
  const options = readOptions(call.query)
  const context = contextOf(call, 'directoryObjects', { select: undefined })
  const body = { '@odata.context': context, value: mixedShown(call, objects, options) }
  return jsonAnswer(call, body, { units: unitsOf(BASE_UNITS.getByIds - (options.has('$select') ? 2 : 0), options) })
}

// `/organization`: what tenant this is (graph.md 15).
import { BASE_UNITS, unitsOf } from './cost.ts'
import { readOptions } from './odata.ts'
import { requireAny, ROLES } from './permissions.ts'
import { badRequest, type Call, type GraphResponse, jsonAnswer, resourceNotFound } from './respond.ts'

/** The list of one, or that one by the tenant's id. */
export function organization(call: Call, id: string | undefined): GraphResponse {
  requireAny(call, ROLES.organization)
  const options = readOptions(call.query)
  const asked = options
    .get('$select')
    ?.split(',')
    .map((name) => name.trim())
  const full = describe(call)
  const unknown = asked?.find((name) => !(name in full))
  if (unknown !== undefined) {
    throw badRequest(`Could not find a property named '${unknown}' on type 'microsoft.graph.organization'.`)
  }
  const shown = Object.fromEntries(Object.entries(full).filter(([name]) => asked?.includes(name) ?? true))
  const context = `${call.graphRoot}/$metadata#organization${asked === undefined ? '' : `(${asked.join(',')})`}`
  const units = unitsOf(BASE_UNITS.other, options)
  if (id === undefined) return jsonAnswer(call, { '@odata.context': context, value: [shown] }, { units })
  if (id.toLowerCase() !== call.tenant.id) throw resourceNotFound(id)
  return jsonAnswer(call, { '@odata.context': `${context}/$entity`, ...shown }, { units })
}

function describe(call: Call): Readonly<Record<string, unknown>> {
  const { tenant } = call
  return {
    id: tenant.id,
    deletedDateTime: null,
    businessPhones: [],
    city: null,
    country: null,
    countryLetterCode: null,
    displayName: tenant.displayName,
    onPremisesLastSyncDateTime: tenant.onPremisesLastSyncDateTime,
    onPremisesSyncEnabled: tenant.onPremisesSyncEnabled,
    preferredLanguage: null,
    technicalNotificationMails: [],
    tenantType: tenant.tenantType,
    verifiedDomains: tenant.verifiedDomains,
  }
}

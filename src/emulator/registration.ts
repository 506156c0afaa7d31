// `/applications` and `/servicePrincipals`, as far as an app reads its own registration to see when its credentials
// end. That needs no permission; other registrations do (graph.md 2.2, 15).
import type { Platform } from './appsignin.ts'
import { BASE_UNITS, unitsOf } from './cost.ts'
import { parseFilter } from './filter.ts'
import { readOptions } from './odata.ts'
import { requireAny, ROLES } from './permissions.ts'
import { badRequest, type Call, type GraphResponse, jsonAnswer, resourceNotFound, unsupportedQuery } from './respond.ts'
import type { AppRegistration } from './tenant.ts'

/** @param key `appId=…` from parentheses, an object id, or nothing for the list */
export function registration(
  call: Call,
  set: 'applications' | 'servicePrincipals',
  key: string | undefined,
): GraphResponse {
  const options = readOptions(call.query)
  const select = options
    .get('$select')
    ?.split(',')
    .map((name) => name.trim())
  const context = `${call.graphRoot}/$metadata#${set}${select === undefined ? '' : `(${select.join(',')})`}`
  const units = unitsOf(BASE_UNITS.applications, options)
  const show = (app: AppRegistration): Readonly<Record<string, unknown>> => pick(describe(app, set), { set, select })
  if (key === undefined) {
    const found = listed(call, set, options.get('$filter'))
    return jsonAnswer(call, { '@odata.context': context, value: found.map(show) }, { units })
  }
  const appId = key.startsWith('appId=') ? key.slice('appId='.length).replaceAll("'", '') : undefined
  const app = [...call.tenant.apps.values()].find((one) =>
    appId === undefined ? objectId(one, set) === key.toLowerCase() : one.appId === appId.toLowerCase(),
  )
  if (app?.appId !== call.appId) requireAny(call, ROLES.applications)
  if (app === undefined) throw resourceNotFound(appId ?? key)
  return jsonAnswer(call, { '@odata.context': `${context}/$entity`, ...show(app) }, { units })
}

// without Application.Read.All the list shows the caller's own registration only when the filter names it
function listed(
  call: Call,
  set: 'applications' | 'servicePrincipals',
  filterText: string | undefined,
): AppRegistration[] {
  const apps = [...call.tenant.apps.values()]
  if (filterText === undefined) {
    requireAny(call, ROLES.applications)
    return apps
  }
  const filter = parseFilter(filterText)
  if (filter.kind !== 'compare' || filter.operator !== 'eq' || (filter.path !== 'appId' && filter.path !== 'id')) {
    throw unsupportedQuery(`Unsupported or invalid query filter clause specified for resource '${set}'.`)
  }
  const wanted = String(filter.value).toLowerCase()
  const found = apps.filter((app) => (filter.path === 'appId' ? app.appId : objectId(app, set)) === wanted)
  if (found.some((app) => app.appId !== call.appId) || found.length === 0) requireAny(call, ROLES.applications)
  return found
}

function objectId(app: AppRegistration, set: 'applications' | 'servicePrincipals'): string {
  return set === 'applications' ? app.id : app.servicePrincipalId
}

function describe(app: AppRegistration, set: 'applications' | 'servicePrincipals'): Readonly<Record<string, unknown>> {
  return {
    id: objectId(app, set),
    deletedDateTime: null,
    appId: app.appId,
    displayName: app.displayName,
    ...(set === 'applications'
      ? {
          signInAudience: app.signIn.audience,
          isFallbackPublicClient: app.signIn.publicClient,
          groupMembershipClaims: groupClaims(app),
          optionalClaims: optionalClaims(app),
          web: { redirectUris: urisOf(app, 'web') },
          spa: { redirectUris: urisOf(app, 'spa') },
          publicClient: { redirectUris: urisOf(app, 'publicClient') },
        }
      : {
          appRoleAssignmentRequired: app.signIn.assignmentRequired,
          replyUrls: app.signIn.redirectUris.map(({ uri }) => uri),
          accountEnabled: true,
          appDisplayName: app.displayName,
          servicePrincipalType: 'Application',
        }),
    appRoles: app.signIn.appRoles.map(({ id, value, displayName }) => ({
      id,
      value,
      displayName,
      description: displayName,
      allowedMemberTypes: ['User'],
      isEnabled: true,
      origin: 'Application',
    })),
    passwordCredentials: app.secrets.map((secret) => ({
      customKeyIdentifier: null,
      displayName: secret.displayName,
      endDateTime: secret.endDateTime,
      hint: secret.secretText.slice(0, 3),
      keyId: secret.keyId,
      secretText: null,
      startDateTime: secret.startDateTime,
    })),
    keyCredentials: app.certificates.map((certificate) => ({
      customKeyIdentifier: certificate.x5t,
      displayName: certificate.displayName,
      endDateTime: certificate.endDateTime,
      key: null,
      keyId: certificate.keyId,
      startDateTime: certificate.startDateTime,
      type: 'AsymmetricX509Cert',
      usage: 'Verify',
    })),
  }
}

function groupClaims({ signIn }: AppRegistration): string | null {
  return signIn.groupMembershipClaims === 'None' ? null : signIn.groupMembershipClaims
}

/** @see https://learn.microsoft.com/graph/api/resources/optionalclaims (seen 2026-12) */
function optionalClaims({ signIn }: AppRegistration): object | null {
  if (signIn.optionalClaims.length === 0) return null
  const idToken = signIn.optionalClaims.map((name) => ({
    name,
    source: null,
    essential: false,
    additionalProperties: [],
  }))
  return { idToken, accessToken: [], saml2Token: [] }
}

function urisOf({ signIn }: AppRegistration, platform: Platform): readonly string[] {
  return signIn.redirectUris.filter((known) => known.platform === platform).map(({ uri }) => uri)
}

function pick(
  full: Readonly<Record<string, unknown>>,
  given: { readonly set: string; readonly select: readonly string[] | undefined },
): Readonly<Record<string, unknown>> {
  const unknown = given.select?.find((name) => !(name in full))
  if (unknown !== undefined) throw badRequest(`Could not find a property named '${unknown}' on type '${given.set}'.`)
  return Object.fromEntries(Object.entries(full).filter(([name]) => given.select?.includes(name) ?? true))
}

// `/oidc/userinfo`, which the discovery document names: who the access token of a person is about (OpenID Connect Core 5.3).
import { pairwise } from './idtoken.ts'
import type { Bearer } from './issuer.ts'
import type { Tenant } from './tenant.ts'
import { jsonResponse, type WireResponse } from './wire.ts'

/** @returns 401 for tokens of apps, of nobody who is there, and for what is no token */
export function userInfo(
  bearer: Bearer | { readonly refusal: string },
  tenantOf: (id: string) => Tenant | undefined,
): WireResponse {
  if ('refusal' in bearer) return refused(bearer.refusal)
  const user = bearer.userId === undefined ? undefined : tenantOf(bearer.tenantId)?.find(bearer.userId)
  if (user?.presence !== 'live') return refused('The token is not that of a person.')
  const { displayName: name, givenName: given_name, surname: family_name, mail: email } = user.properties
  return jsonResponse(200, { sub: pairwise(bearer.appId, user.id), name, given_name, family_name, email })
}

function refused(message: string): WireResponse {
  return jsonResponse(
    401,
    { error: { code: 'InvalidAuthenticationToken', message } },
    { 'WWW-Authenticate': 'Bearer error="invalid_token"' },
  )
}

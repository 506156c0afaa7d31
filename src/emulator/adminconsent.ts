// The page where an administrator consents for the whole tenant to what an app asks for (graph.md 2.1): what was asked, and how the
// browser is sent back.
import { type AppRegistration, type Tenant } from './tenant.ts'
import { matchRedirectUri } from './appsignin.ts'
import { returnTo } from './authorize.ts'
import { deny } from './signinerrors.ts'
import type { Refusal } from './tokenerrors.ts'
import type { WireResponse } from './wire.ts'

export interface ConsentRequest {
  readonly redirectUri: string
  readonly state: string | undefined
}

/** @returns a refusal that stays on the page: where the app has no such address, nobody is sent there */
export function readConsent(parameters: URLSearchParams, app: AppRegistration): ConsentRequest | Refusal {
  const redirectUri = parameters.get('redirect_uri') ?? app.signIn.redirectUris[0]?.uri
  if (redirectUri === undefined) return deny.noReplyAddress(app)
  if (matchRedirectUri(app.signIn, redirectUri) === undefined) return deny.wrongReplyAddress(redirectUri, app)
  return { redirectUri, state: parameters.get('state') ?? undefined }
}

export function returnConsent(request: ConsentRequest, tenant: Tenant): WireResponse {
  return returnTo({ ...request, mode: 'query' }, { admin_consent: 'True', tenant: tenant.id })
}

/** The administrator has said no; `permission_denied` is Microsoft's word here, where sign-ins end with `access_denied`. */
export function returnNoConsent(request: ConsentRequest, description: string): WireResponse {
  const fields = { error: 'permission_denied', error_description: description }
  return returnTo({ ...request, mode: 'query' }, fields)
}

// The token service's errors: AADSTS numbers, HTTP status and `error` as in graph.md 5.8.
import type { AppCertificate, AppRegistration } from './tenant.ts'
import { jsonResponse, type WireResponse } from './wire.ts'

export interface Refusal {
  /** The number after AADSTS. */
  readonly code: number
  readonly status: number
  readonly error: string
  readonly text: string
  readonly suberror?: string
  /** What the next request must ask for, as JSON in a text. */
  readonly claims?: string
}

const refusal = (code: number, status: number, [error, text]: readonly [string, string]): Refusal => ({
  code,
  status,
  error,
  text,
})

export const refuse = {
  unknownTenant: (name: string) =>
    refusal(90002, 400, [
      'invalid_tenant',
      `Tenant '${name}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud. Check with your subscription administrator, this may happen if there are no active subscriptions for the tenant.`,
    ]),
  noTenant: () =>
    refusal(50059, 400, [
      'invalid_request',
      'No tenant-identifying information found in either the request or implied by any provided credentials.',
    ]),
  onlyPost: (method: string) =>
    refusal(900561, 400, ['invalid_request', `The endpoint only accepts POST requests. Received a ${method} request.`]),
  missing: (parameter: string) =>
    refusal(900144, 400, ['invalid_request', `The request body must contain the following parameter: '${parameter}'.`]),
  unsupportedGrant: (grant: string) =>
    refusal(70003, 400, ['unsupported_grant_type', `The app requested an unsupported grant type '${grant}'.`]),
  unknownApplication: (clientId: string, tenantId: string) =>
    refusal(700016, 400, [
      'unauthorized_client',
      `Application with identifier '${clientId}' was not found in the directory '${tenantId}'. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You may have sent your authentication request to the wrong tenant.`,
    ]),
  disabledApplication: (app: AppRegistration) =>
    refusal(7000112, 400, ['unauthorized_client', `Application '${app.appId}'(${app.displayName}) is disabled.`]),
  invalidScope: (scope: string) =>
    refusal(70011, 400, [
      'invalid_scope',
      `The provided request must include a 'scope' input parameter. The provided value for the input parameter 'scope' is not valid. The scope ${scope} is not valid.`,
    ]),
  scopeWithoutDefault: (scope: string) =>
    refusal(1002012, 400, [
      'invalid_scope',
      `The provided value for scope ${scope} is not valid. Client credential flows must have a scope value with /.default suffixed to the resource identifier (application ID URI).`,
    ]),
  unknownResource: (root: string, tenantId: string) =>
    refusal(500011, 400, [
      'invalid_resource',
      `The resource principal named ${root} was not found in the tenant named ${tenantId}. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You might have sent your authentication request to the wrong tenant.`,
    ]),
  noCredential: () =>
    refusal(7000218, 401, [
      'invalid_client',
      "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
    ]),
  wrongSecret: (app: AppRegistration) =>
    refusal(7000215, 401, [
      'invalid_client',
      `Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '${app.appId}'.`,
    ]),
  expiredSecret: (app: AppRegistration) =>
    refusal(7000222, 401, [
      'invalid_client',
      `The provided client secret keys for app '${app.appId}' are expired. Visit the Azure portal to create new keys for your app: https://aka.ms/NewClientSecret, or consider using certificate credentials for added security: https://aka.ms/certCreds.`,
    ]),
  unknownCertificate: (thumbprint: string) =>
    refusal(700027, 401, [
      'invalid_client',
      `The certificate with identifier used to sign the client assertion is not registered on application. [Reason - The key was not found., Thumbprint of key used by client: '${Buffer.from(thumbprint, 'base64url').toString('hex').toUpperCase()}'].`,
    ]),
  badSignature: () => refusal(700027, 401, ['invalid_client', 'Client assertion failed signature validation.']),
  expiredCertificate: (certificate: AppCertificate) =>
    refusal(700027, 401, [
      'invalid_client',
      `Client assertion failed signature validation. The certificate '${certificate.displayName}' has expired on ${certificate.endDateTime}.`,
    ]),
  badAssertion: (what: string, value: string) =>
    refusal(50012, 401, [
      'invalid_client',
      `Authentication failed: the ${what} '${value}' of the assertion is not valid.`,
    ]),
  noFederated: (code: 700211 | 700212 | 700213, what: 'issuer' | 'audience' | 'subject', value: string) =>
    refusal(code, 401, [
      'invalid_client',
      `No matching federated identity record found for presented assertion ${what} '${value}'. Check your federated identity credential Subject, Audience and Issuer against the presented assertion. https://learn.microsoft.com/entra/workload-id/workload-identity-federation`,
    ]),
  assertionTime: (now: Date, from: number, until: number | undefined) =>
    refusal(700024, 401, [
      'invalid_client',
      `Client assertion is not within its valid time range. Current time: ${now.toISOString()}, assertion valid from ${moment(from)}, expiry time of assertion ${until === undefined ? 'none' : moment(until)}.`,
    ]),
}

/** The body of graph.md 5.8; also by `faults` for the errors that no request provokes. */
export function renderRefusal(
  refused: Refusal,
  options: { readonly origin: string; readonly now: Date; readonly traceId: string; readonly correlationId: string },
): WireResponse {
  const timestamp = timestampOf(options.now)
  return jsonResponse(
    refused.status,
    {
      error: refused.error,
      error_description: describeRefusal(refused, options),
      error_codes: [refused.code],
      timestamp,
      trace_id: options.traceId,
      correlation_id: options.correlationId,
      error_uri: `${options.origin}/error?code=${refused.code}`,
      ...(refused.suberror === undefined ? {} : { suberror: refused.suberror }),
      ...(refused.claims === undefined ? {} : { claims: refused.claims }),
    },
    { 'Cache-Control': 'no-store, no-cache', Pragma: 'no-cache', 'x-ms-request-id': options.traceId },
  )
}

/** The text of `error_description`, in a body or on a redirect. */
export function describeRefusal(
  refused: Refusal,
  options: { readonly now: Date; readonly traceId: string; readonly correlationId: string },
): string {
  return `AADSTS${refused.code}: ${refused.text} Trace ID: ${options.traceId} Correlation ID: ${options.correlationId} Timestamp: ${timestampOf(options.now)}`
}

function timestampOf(now: Date): string {
  return `${now.toISOString().slice(0, 19).replace('T', ' ')}Z`
}

function moment(seconds: number): string {
  return Number.isFinite(seconds) && Math.abs(seconds) < 8e12 ? new Date(seconds * 1000).toISOString() : String(seconds)
}

// "Check connection": what works and what does not, in plain words, each with its remedy.
import type { Clock } from '../base/clock.ts'
import { credentialFindings, type CredentialReport, reportCredentials } from './check-credentials.ts'
import { checkPermissions, type NeededPermission } from './check-permissions.ts'
import { checkSignIn, type SignInNeeds } from './check-sign-in.ts'
import type { GraphClient } from './client.ts'
import { consentLink, type WayBack } from './consent-link.ts'
import { GraphError, TokenError } from './errors.ts'
import { asFinding, bad, type Finding, good } from './finding.ts'
import { TransportError } from './request.ts'
import type { Organization, OwnRegistration } from './tenant.ts'

export interface CheckOptions {
  /** Permissions that the sources of this connection need, with the reason. */
  readonly needs: readonly NeededPermission[]
  /** Where people sign in through the connection: what that needs. */
  readonly signIn?: SignInNeeds | undefined
  /** The way back from Microsoft's page of consent, where the application has it among its redirect URIs. */
  readonly consent?: WayBack | undefined
  readonly clock: Clock
  readonly signal: AbortSignal
}

export interface Checked {
  readonly findings: readonly Finding[]
  /** What was learnt of each credential that was tried. */
  readonly credentials: readonly CredentialReport[]
  /** Undefined where there was no token to ask with. */
  readonly registration: ReadRegistration | undefined
}

/**
 * Asks Microsoft a handful of questions, and for a token with each credential. Everything that can be wrong with a connection is a
 * finding; only cancellation and bugs are thrown. Without a token the questions that need one are left out.
 */
export async function checkConnection(client: GraphClient, options: CheckOptions): Promise<Checked> {
  const { signal } = options
  const { finding: token, error } = await checkToken(client, signal)
  const registration = token.ok ? await readRegistration(client, signal) : undefined
  const own = registration?.kind === 'read' ? registration.registration : undefined
  const consentUrl = consentLink(client, hasWayBack(own, options) ? options.consent : undefined)
  const findings = [
    error?.needsConsent === true ? { ...token, link: consentUrl } : token,
    ...proxyFindings(client, error),
  ]
  let federated: readonly string[] = []
  if (token.ok) {
    findings.push(
      await asFinding('tenant', async () => {
        const organization = await client.getOrganization(signal)
        federated = organization.federatedDomains
        return checkTenant(client, organization)
      }),
    )
    findings.push(...(await checkPermissions(client, { ...options, consentUrl })))
  }
  const clock = checkClock(client)
  if (clock !== undefined) findings.push(clock)
  const credentials = reportCredentials(client, own)
  findings.push(...(await credentialFindings(client, { credentials, canAsk: token.ok, clock: options.clock })))
  if (options.signIn !== undefined) findings.push(...checkSignIn(client, { own, federated, ...options.signIn }))
  return { findings, credentials, registration }
}

/**
 * Microsoft's page refuses a redirect URI that the application does not have. Where that cannot be read it has it if people sign in
 * through the connection, as they come back by the same.
 */
function hasWayBack(own: OwnRegistration | undefined, { consent, signIn }: CheckOptions): boolean {
  if (consent === undefined) return false
  return own?.redirectUris === undefined ? signIn !== undefined : own.redirectUris.includes(consent.redirectUri)
}

/** Signed requests and tokens are refused when clocks differ by more; Microsoft tolerates five minutes. */
const MAX_SKEW_MS = 2 * 60_000
/** The tenant, or the application, is not in the cloud that was asked. */
const NOT_IN_THIS_CLOUD: ReadonlySet<number> = new Set([90002, 900382, 900432])

async function checkToken(
  client: GraphClient,
  signal: AbortSignal,
): Promise<{ finding: Finding; error: TokenError | undefined }> {
  let error: TokenError | undefined
  const finding = await asFinding('token', async () => {
    try {
      await client.tryCredentials(signal)
    } catch (thrown) {
      if (thrown instanceof TokenError) error = thrown
      throw thrown
    }
    return good('token', 'Microsoft accepts the application and its credential.')
  })
  if (error?.aadsts !== undefined && NOT_IN_THIS_CLOUD.has(error.aadsts)) {
    const cloud = await client.findCloud(signal)
    if (cloud !== undefined) {
      const message = `${finding.message} The tenant is in the cloud ${cloud}.`
      return { finding: { ...finding, message, remedy: `Choose the cloud ${cloud} for this connection.` }, error }
    }
  }
  return { finding, error }
}

/** Nothing where no proxy is set. */
function proxyFindings(client: GraphClient, error: TokenError | undefined): Finding[] {
  const { used, exempt } = client.proxyUse
  const findings: Finding[] = []
  const refused = error?.cause instanceof TransportError ? error.cause : undefined
  if (used.length > 0) {
    const way = `Requests to ${used.map(({ host }) => host).join(' and ')} go through the proxy ${used[0]?.proxy}`
    if (refused?.proxyStatus === undefined) findings.push(good('proxy', `${way}.`))
    else findings.push(bad('proxy', `${way}, which answered ${refused.proxyStatus}.`, refused.remedy))
  }
  if (exempt.length > 0)
    findings.push(
      good(
        'proxy',
        `${exempt.join(' and ')} ${exempt.length > 1 ? 'are' : 'is'} reached directly, past the proxy (NO_PROXY).`,
      ),
    )
  return findings
}

function checkTenant(client: GraphClient, { id, tenantType, displayName }: Organization): Finding {
  if (id !== client.tenantId.toLowerCase()) {
    const remedy = 'Correct the tenant ID, or the application ID if it belongs to another tenant.'
    return bad('tenant', `The token is for tenant ${id}, not for ${client.tenantId}.`, remedy)
  }
  if (tenantType !== null && tenantType !== 'AAD') {
    const remedy = 'Use a workforce tenant: Microsoft offers no change tracking in external and B2C tenants.'
    return bad('tenant', `The tenant is of type ${tenantType}, whose changes cannot be followed.`, remedy)
  }
  return good('tenant', `The tenant is ${id}${displayName === '' ? '' : `, ${displayName}`}.`)
}

function checkClock(client: GraphClient): Finding | undefined {
  const skewMs = client.clockSkewMs
  if (skewMs === undefined) return undefined
  if (Math.abs(skewMs) <= MAX_SKEW_MS) return good('clock', "This machine's clock agrees with Microsoft's.")
  const minutes = Math.round(Math.abs(skewMs) / 60_000)
  const message = `This machine's clock is ${minutes} minutes ${skewMs > 0 ? 'behind' : 'ahead of'} Microsoft's.`
  return bad('clock', message, 'Set the clock, e.g. by NTP.')
}

/** What the app registration tells of itself, or why it does not. */
export type ReadRegistration =
  | { readonly kind: 'read'; readonly registration: OwnRegistration }
  | {
      readonly kind: 'unread'
      readonly problem: string
      /** Asking again soon will not help. */
      readonly isLasting: boolean
    }

const HIDDEN = 'Microsoft does not show this application its own registration.'

/** The look-up is a courtesy: whatever it ends with, the connection works or not for other reasons. */
export async function readRegistration(client: GraphClient, signal: AbortSignal): Promise<ReadRegistration> {
  try {
    const registration = await client.getOwnRegistration(signal)
    return registration === undefined
      ? { kind: 'unread', problem: HIDDEN, isLasting: true }
      : { kind: 'read', registration }
  } catch (error) {
    if (error instanceof TokenError) return { kind: 'unread', problem: error.reason, isLasting: false }
    if (error instanceof GraphError) return { kind: 'unread', problem: `${error.message}.`, isLasting: false }
    throw error
  }
}

// Signing in with Microsoft, in the three ways that the protocol has for it: in the browser, by a code on another device, by password.
// Each ends in a verified person (tenant and object id) or in a reason; who that is in the registry is found elsewhere.
import {
  buildAuthorizationUrl,
  calculatePKCECodeChallenge,
  authorizationCodeGrant,
  buildEndSessionUrl,
  type Configuration,
  genericGrantRequest,
  initiateDeviceAuthorization,
  None,
  randomNonce,
  randomPKCECodeVerifier,
  randomState,
} from 'openid-client'
import { ask, askForPerson, configure, type Oidc, type SignInConnection, type Verified } from './oidc-exchange.ts'
import { ProviderUnavailable } from './oidc-documents.ts'
import { describe, type Refused } from './oidc-refusals.ts'

/** `profile` brings `oid`. No mail: nobody is found by it. */
const SCOPE = 'openid profile'

/** What has to be kept between the two halves of a sign-in in the browser, and where the browser goes. */
export interface BegunCodeFlow {
  readonly kind: 'begun'
  readonly url: string
  readonly state: string
  readonly nonce: string
  /** PKCE's secret half: sealed where it is kept. */
  readonly verifier: string
}

/**
 * The address that the browser is sent to. Nothing is asked of the person beyond who he is.
 *
 * @param options.redirectUri registered for the application, exactly so
 * @param options.loginHint a user name to be filled in; decides nothing
 * @see https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow
 */
export async function beginCodeFlow(
  oidc: Oidc,
  options: {
    readonly connection: SignInConnection
    readonly redirectUri: string
    readonly loginHint?: string | undefined
    /** Whoever is signed in at Microsoft signs in anew all the same, and the token says when. */
    readonly isProof?: boolean | undefined
    /** Whoever is signed in at Microsoft chooses with which account; otherwise he is taken for that one without a word. */
    readonly selectAccount?: boolean | undefined
    readonly signal: AbortSignal
  },
): Promise<BegunCodeFlow | Refused> {
  const config = await configureFor(oidc, options)
  if (config.kind === 'refused') return config
  const [state, nonce, verifier] = [randomState(), randomNonce(), randomPKCECodeVerifier()]
  const url = buildAuthorizationUrl(config.config, {
    redirect_uri: options.redirectUri,
    response_type: 'code',
    response_mode: 'query',
    scope: SCOPE,
    state,
    nonce,
    code_challenge: await calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    ...(options.loginHint === undefined ? {} : { login_hint: options.loginHint }),
    ...(options.selectAccount === true ? { prompt: 'select_account' } : {}),
    ...(options.isProof === true ? { prompt: 'login', max_age: '0' } : {}),
  })
  return { kind: 'begun', url: url.href, state, nonce, verifier }
}

/**
 * Redeems what the browser brought back. That its state is one of ours, and was begun in this browser, the caller has checked by
 * taking the flow that belongs to it.
 *
 * @param options.returned the parameters of the callback
 */
export async function finishCodeFlow(
  oidc: Oidc,
  options: {
    readonly connection: SignInConnection
    readonly redirectUri: string
    readonly returned: URLSearchParams
    readonly flow: Pick<BegunCodeFlow, 'state' | 'nonce' | 'verifier'>
    readonly signal: AbortSignal
  },
): Promise<Verified | Refused> {
  const { connection, returned, flow, signal } = options
  const wrong = judgeCallback(returned, `${connection.authorityUrl}/${connection.tenantId.toLowerCase()}/v2.0`)
  if (wrong !== undefined) return wrong
  if (returned.get('state') !== flow.state) return { kind: 'refused', reason: 'flow-unknown' }
  const current = new URL(options.redirectUri)
  for (const name of ['code', 'state', 'iss']) {
    const value = returned.get(name)
    if (value !== null) current.searchParams.set(name, value)
  }
  return askForPerson(oidc, { connection, manners: ['confidential'], nonce: flow.nonce, signal }, (config) =>
    authorizationCodeGrant(config, current, {
      expectedState: flow.state,
      expectedNonce: flow.nonce,
      pkceCodeVerifier: flow.verifier,
      idTokenExpected: true,
    }),
  )
}

/** Why a callback cannot be answered with a sign-in; undefined: it has one code and one state. */
function judgeCallback(returned: URLSearchParams, issuer: string): Refused | undefined {
  const counts = ['code', 'state', 'error', 'iss', 'error_description'].map((name) => returned.getAll(name).length)
  if (counts.some((count) => count > 1)) return { kind: 'refused', reason: 'callback-malformed' }
  // RFC 9207; Entra does not send it, others do.
  const iss = returned.get('iss')
  if (iss !== null && iss !== issuer) return { kind: 'refused', reason: 'callback-issuer' }
  const error = returned.get('error')
  if (error !== null) return describe(error, returned.get('error_description') ?? undefined)
  // What belongs to other ways of answering has no business here: nobody takes a token from an address.
  const isOther = ['id_token', 'access_token', 'token', 'response'].some((name) => returned.has(name))
  if (isOther || (returned.get('code') ?? '') === '') return { kind: 'refused', reason: 'callback-malformed' }
  return undefined
}

export interface BegunDeviceCode {
  readonly kind: 'begun'
  /** For polling; sealed where it is kept, and shown to nobody. */
  readonly deviceCode: string
  /** What the person types at {@link verificationUri}. */
  readonly userCode: string
  readonly verificationUri: string
  readonly expiresInSeconds: number
  readonly intervalSeconds: number
}

/**
 * Begins a sign-in on another device. The application must allow public client flows.
 *
 * @see https://learn.microsoft.com/entra/identity-platform/v2-oauth2-device-code
 */
export async function beginDeviceCode(
  oidc: Oidc,
  { connection, signal }: { readonly connection: SignInConnection; readonly signal: AbortSignal },
): Promise<BegunDeviceCode | Refused> {
  const asked = await ask(
    oidc,
    { connection, manners: ['public', 'confidential'], nonce: null, signal },
    { grant: (config) => initiateDeviceAuthorization(config, { scope: SCOPE }) },
  )
  if (asked.kind === 'refused') return asked
  const { device_code, user_code, verification_uri, expires_in, interval } = asked.answer
  const shown = URL.parse(verification_uri)
  const isSafe = shown?.protocol === 'https:' || shown?.origin === new URL(connection.authorityUrl).origin
  if (!isSafe)
    return { kind: 'refused', reason: 'provider-unavailable', hint: 'The address for the code is no https address.' }
  return {
    kind: 'begun',
    deviceCode: device_code,
    userCode: user_code,
    verificationUri: verification_uri,
    expiresInSeconds: expires_in,
    intervalSeconds: interval ?? 5,
  }
}

/**
 * Asks once whether the person has signed in. Not oftener than the interval that it was begun with.
 *
 * @returns `pending`: not yet; with `slowDown` the interval grows by five seconds (RFC 8628)
 */
export async function pollDeviceCode(
  oidc: Oidc,
  options: { readonly connection: SignInConnection; readonly deviceCode: string; readonly signal: AbortSignal },
): Promise<
  | Verified
  | { readonly kind: 'pending'; readonly slowDown: boolean }
  | { readonly kind: 'declined' | 'expired' }
  | Refused
> {
  const { connection, signal } = options
  const answer = await askForPerson(
    oidc,
    { connection, manners: ['public', 'confidential'], nonce: null, signal },
    (config) =>
      genericGrantRequest(config, 'urn:ietf:params:oauth:grant-type:device_code', { device_code: options.deviceCode }),
  )
  if (answer.kind === 'verified') return answer
  if (answer.error === 'authorization_pending') return { kind: 'pending', slowDown: false }
  if (answer.error === 'slow_down') return { kind: 'pending', slowDown: true }
  if (answer.reason === 'declined') return { kind: 'declined' }
  // Entra calls a code that was used or has ended a bad one as well.
  if (answer.error === 'expired_token' || answer.error === 'code_expired') return { kind: 'expired' }
  return answer
}

/**
 * Signs in by user name and password (ROPC). Impossible for whoever needs a second factor, has no password at Microsoft, or is a
 * guest; Microsoft advises against it. The password is sent to the token service and kept nowhere.
 *
 * @returns refused with `password-refused` for a wrong name as for a wrong password
 * @see https://learn.microsoft.com/entra/identity-platform/v2-oauth-ropc
 */
export async function signInWithPassword(
  oidc: Oidc,
  options: {
    readonly connection: SignInConnection
    readonly userName: string
    readonly password: string
    readonly signal: AbortSignal
  },
): Promise<Verified | Refused> {
  const { connection, userName: username, password, signal } = options
  const answer = await askForPerson(
    oidc,
    { connection, manners: ['public', 'confidential'], nonce: null, signal },
    (config) => genericGrantRequest(config, 'password', { username, password, scope: SCOPE }),
  )
  return answer.kind === 'refused' && answer.reason === 'code-refused'
    ? { ...answer, reason: 'password-refused' }
    : answer
}

/** Where a browser ends its session with Microsoft too; undefined where the tenant has no such page, or cannot be asked. */
export async function endSessionUrl(
  oidc: Oidc,
  options: { readonly connection: SignInConnection; readonly returnTo: string; readonly signal: AbortSignal },
): Promise<string | undefined> {
  const found = await configureFor(oidc, options)
  if (found.kind === 'refused' || found.config.serverMetadata().end_session_endpoint === undefined) return undefined
  return buildEndSessionUrl(found.config, { post_logout_redirect_uri: options.returnTo }).href
}

/** For addresses: nothing is proved to anybody with it. */
async function configureFor(
  oidc: Oidc,
  { connection, signal }: { readonly connection: SignInConnection; readonly signal: AbortSignal },
): Promise<{ readonly kind: 'configured'; readonly config: Configuration } | Refused> {
  try {
    const discovered = await oidc.documentsOf(connection).discover(signal)
    return { kind: 'configured', config: configure({ connection, discovered, proof: None() }, oidc.clock) }
  } catch (error) {
    if (!(error instanceof ProviderUnavailable)) throw error
    return { kind: 'refused', reason: 'provider-unavailable', hint: error.message }
  }
}

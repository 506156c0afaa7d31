// App-only access tokens: cached, renewed early, fetched by one request for everybody who waits.
import { randomUUID } from 'node:crypto'
import {
  allowInsecureRequests,
  type ClientAuth,
  clientCredentialsGrant,
  Configuration,
  customFetch,
  ResponseBodyError,
} from 'openid-client'
import type { Clock } from '../base/clock.ts'
import { assert } from '../base/errors.ts'
import type { Log } from '../base/log.ts'
import { looksLikeSecretId } from '../directory/credentials.ts'
import { explainRefusal, type TokenFault } from './aadsts.ts'
import { backoffMs, clampRetryAfter, parseRetryAfter } from './backoff.ts'
import { asRecord, parseJson } from './body.ts'
import { scopeOf } from './clouds.ts'
import { type Credential, type CredentialOutcome, clientAuthentication } from './credential.ts'
import { BadAnswer, CredentialRefused, TokenError } from './errors.ts'
import type { Limits } from './limits.ts'
import { managedIdentityToken } from './managed-identity.ts'
import { type Sender, TransportError, type WireAnswer } from './request.ts'

export interface TokenSource {
  /** A token with life left; the cached one while it lasts. Opaque: never parsed. @throws TokenError */
  get(signal: AbortSignal): Promise<string>
  /** The given token was refused: if it is still the cached one, the next `get` fetches another. */
  reject(token: string): void
  /**
   * Asks for a token with each credential, one after the other, and keeps the first one that is given.
   *
   * @throws TokenError when none is given, or for a cause that no credential can cure
   */
  tryAll(signal: AbortSignal): Promise<void>
  /** What became of each credential that was tried so far, by its latest try; in their order. */
  readonly outcomes: readonly CredentialOutcome[]
  /** Milliseconds that the token service's clock was ahead of this machine's at the last answer. */
  readonly clockSkewMs: number | undefined
}

export interface TokenSourceOptions {
  readonly tenantId: string
  readonly clientId: string
  /** Tried in order, beginning with the one that worked last. */
  readonly credentials: readonly Credential[]
  readonly authorityUrl: string
  readonly graphUrl: string
  readonly clock: Clock
  readonly random: () => number
  readonly log: Log
  readonly limits: Limits
  readonly sender: Sender
  readonly userAgent: string
  /** Ends token requests when the client stops. One caller's cancellation must not fail the others. */
  readonly stopped: AbortSignal
}

interface Cached {
  readonly token: string
  /** On the monotonic clock: a wrong wall clock neither shortens nor prolongs a token's life. */
  readonly renewAtMs: number
  readonly expiresAtMs: number
}

/**
 * Token and lifetime come from `expires_in` of the answer. The endpoint is the configured authority's; no discovery
 * document can point elsewhere.
 *
 * @see https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
 */
export function createTokenSource(options: TokenSourceOptions): TokenSource {
  const { clock, limits, log } = options
  const tokenUrl = `${options.authorityUrl}/${options.tenantId}/oauth2/v2.0/token`
  let cached: Cached | undefined
  let pending: Promise<string> | undefined
  let preferred = 0
  let clockSkewMs: number | undefined
  const outcomes = new Map<number, CredentialOutcome>()

  /** One HTTP exchange in the shape that openid-client wants; everything that is no verdict on the request is thrown. */
  async function exchange(body: string, headers: Headers): Promise<Response> {
    const { origin, pathname } = new URL(tokenUrl)
    const answer = await options.sender.send({
      method: 'POST',
      origin,
      path: pathname,
      headers: { ...Object.fromEntries(headers), 'user-agent': options.userAgent, 'client-request-id': randomUUID() },
      body,
      signal: options.stopped,
    })
    clockSkewMs = skewOf(answer, clock) ?? clockSkewMs
    if (answer.status === 429 || answer.status >= 500) throw new TransientTokenFault(answer, clock)
    if (asRecord(parseJson(answer.body)) === undefined) throw new BadAnswer('the token answer is not a JSON object')
    return new Response(answer.body.toString('utf8'), {
      status: answer.status,
      headers: { 'content-type': 'application/json' },
    })
  }

  async function grant(credential: Credential): Promise<Cached> {
    if (credential.kind === 'managedIdentity') {
      const { clientId } = credential
      const { stopped, graphUrl } = options
      return lasting(await managedIdentityToken({ clientId, graphUrl, clock, limits, stopped }), clock.monotonicMs())
    }
    const authentication: ClientAuth = await clientAuthentication(credential, { tokenUrl, clock })
    const issuer = `${options.authorityUrl}/${options.tenantId}/v2.0`
    const config = new Configuration({ issuer, token_endpoint: tokenUrl }, options.clientId, {}, authentication)
    let thrown: unknown
    config.timeout = undefined // the sender has its own deadline, on our clock
    config[customFetch] = async (_, init) => {
      try {
        return await exchange(textOf(init.body), new Headers(init.headers))
      } catch (error) {
        thrown = error
        throw error
      }
    }
    if (tokenUrl.startsWith('http:')) allowInsecureRequests(config)
    const askedAtMs = clock.monotonicMs()
    try {
      const answer = await clientCredentialsGrant(config, { scope: scopeOf(options.graphUrl) })
      const lifeMs = (answer.expires_in ?? DEFAULT_LIFE_SECONDS) * 1000
      return lasting({ token: answer.access_token, lifeMs }, askedAtMs)
    } catch (error) {
      if (thrown !== undefined) throw thrown
      if (error instanceof ResponseBodyError) throw refusal(error, credential)
      throw new BadAnswer('the token answer cannot be used', { cause: error })
    }
  }

  async function grantWithRetries(credential: Credential): Promise<Cached> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await grant(credential)
      } catch (error) {
        options.stopped.throwIfAborted()
        const waitMs = retryWaitMs(error, attempt)
        if (waitMs === undefined || attempt >= limits.maxTries) throw asTokenError(error)
        log.debug('token request is tried again', { attempt, code: error instanceof Error ? error.name : 'unknown' })
        await clock.sleep(waitMs, options.stopped)
      }
    }
  }

  function retryWaitMs(error: unknown, attempt: number): number | undefined {
    const backoff = backoffMs(attempt, limits, options.random)
    if (error instanceof TransientTokenFault) {
      if (error.retryAfterMs === undefined) return backoff
      const clamped = clampRetryAfter(error.retryAfterMs, limits)
      return clamped === 'tooLong' ? undefined : clamped
    }
    if (error instanceof TransportError) return error.lasting ? undefined : backoff
    if (error instanceof BadAnswer) return backoff
    return error instanceof TokenError && error.retry === 'later' ? backoff : undefined
  }

  async function tryCredential(credential: Credential, index: number): Promise<Cached> {
    try {
      const granted = await grantWithRetries(credential)
      outcomes.set(index, { credential, refusal: undefined })
      return granted
    } catch (error) {
      if (error instanceof CredentialRefused) outcomes.set(index, { credential, refusal: error })
      throw error
    }
  }

  async function fetchToken(): Promise<string> {
    const { credentials } = options
    let firstRefusal: unknown
    for (let i = 0; i < credentials.length; i++) {
      const index = (preferred + i) % credentials.length
      const credential = credentials[index]
      if (credential === undefined) continue
      try {
        cached = await tryCredential(credential, index)
        preferred = index
        return cached.token
      } catch (error) {
        const another = error instanceof CredentialRefused && credentials.length > 1
        firstRefusal ??= error
        if (!another) throw error
        log.warn('a credential was refused, the next one is tried', { tenantId: options.tenantId, code: error.code })
      }
    }
    throw firstRefusal ?? noCredential()
  }

  function renew(): Promise<string> {
    pending ??= fetchToken().finally(() => {
      pending = undefined
    })
    return pending
  }

  return {
    async get(signal) {
      signal.throwIfAborted()
      const now = clock.monotonicMs()
      if (cached !== undefined && now < cached.renewAtMs) return cached.token
      const { token, expiresAtMs } = cached ?? { token: '', expiresAtMs: -Infinity }
      try {
        return await orAborted(renew(), signal)
      } catch (error) {
        // the old token still works: a passing fault of the token service must not fail a run
        const usable = cached?.token === token && clock.monotonicMs() < expiresAtMs
        if (usable && error instanceof TokenError && error.retry === 'later') return token
        throw error
      }
    },
    reject(token) {
      if (cached?.token === token) cached = undefined
    },
    async tryAll(signal) {
      let firstRefusal: unknown
      let isGiven = false
      for (const [index, credential] of options.credentials.entries()) {
        signal.throwIfAborted()
        try {
          const granted = await orAborted(tryCredential(credential, index), signal)
          if (!isGiven) {
            cached = granted
            preferred = index
          }
          isGiven = true
        } catch (error) {
          if (!(error instanceof CredentialRefused)) throw error
          firstRefusal ??= error
        }
      }
      if (!isGiven) throw firstRefusal ?? noCredential()
    },
    get outcomes() {
      return [...outcomes].toSorted(([a], [b]) => a - b).map(([, outcome]) => outcome)
    },
    get clockSkewMs() {
      return clockSkewMs
    },
  }
}

const RENEW_EARLY_MS = 5 * 60_000
/** Only used when the answer lacks `expires_in`; shorter than any lifetime that a policy can set. */
const DEFAULT_LIFE_SECONDS = 300

function lasting({ token, lifeMs }: { token: string; lifeMs: number }, askedAtMs: number): Cached {
  const expiresAtMs = askedAtMs + lifeMs
  return { token, expiresAtMs, renewAtMs: expiresAtMs - Math.min(RENEW_EARLY_MS, lifeMs / 4) }
}

function noCredential(): TokenError {
  return new TokenError('auth-failed', 'There is no credential.', { remedy: 'Add one.', retry: 'never' })
}

/** Milliseconds by which the sender of an answer is ahead of this machine, from its `Date` header (whole seconds). */
export function skewOf(answer: WireAnswer, clock: Clock): number | undefined {
  const at = Date.parse(answer.header('date') ?? '')
  return Number.isNaN(at) ? undefined : at - clock.now().getTime()
}

class TransientTokenFault extends Error {
  readonly retryAfterMs: number | undefined
  readonly status: number

  constructor(answer: WireAnswer, clock: Clock) {
    super(`the token service answered ${answer.status}`)
    this.name = 'TransientTokenFault'
    this.status = answer.status
    const times = { date: answer.header('date'), nowMs: clock.now().getTime() }
    this.retryAfterMs = parseRetryAfter(answer.header('retry-after'), times)
  }
}

function refusal(error: ResponseBodyError, credential: Credential): TokenError {
  const body = asRecord(error.cause)
  const codes = body?.['error_codes']
  const described = /AADSTS(\d+)/.exec(error.error_description ?? '')?.[1]
  const number: unknown = Array.isArray(codes) ? codes[0] : undefined
  const aadsts = typeof number === 'number' ? number : described === undefined ? undefined : Number(described)
  const pastedSecretId = credential.kind === 'secret' && looksLikeSecretId(credential.secret)
  const fault: TokenFault = explainRefusal({ aadsts, error: error.error }, { pastedSecretId })
  const traceId = body?.['trace_id']
  const details = {
    aadsts,
    remedy: fault.remedy,
    needsConsent: fault.needsConsent ?? false,
    retry: fault.kind === 'transient' ? 'later' : 'never',
    requestId: typeof traceId === 'string' ? traceId : undefined,
  } as const
  const message = `${fault.message}${aadsts === undefined ? '' : ` (AADSTS${aadsts})`} ${fault.remedy}`
  return fault.kind === 'credential'
    ? new CredentialRefused('auth-failed', message, details)
    : new TokenError('auth-failed', message, details)
}

function asTokenError(error: unknown): unknown {
  if (error instanceof TransientTokenFault)
    return new TokenError('unreachable', `Cannot get a token: ${error.message}.`, {
      remedy: 'Try again later.',
      retry: 'later',
      ...(error.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs }),
      cause: error,
    })
  if (error instanceof TransportError || error instanceof BadAnswer)
    return new TokenError('unreachable', `Cannot get a token: ${error.message}.`, {
      remedy:
        error instanceof TransportError
          ? error.remedy
          : "Something answers in Microsoft's place: look at the proxy, and at custom addresses.",
      retry: error instanceof TransportError && error.lasting ? 'never' : 'later',
      cause: error,
    })
  return error
}

function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}

function textOf(body: unknown): string {
  if (typeof body === 'string') return body
  assert(body instanceof URLSearchParams, 'a token request has a form as body')
  return body.toString()
}

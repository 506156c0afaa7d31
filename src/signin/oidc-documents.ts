// What a tenant publishes about signing in: where its endpoints are and which keys it signs with. Asked for rarely, kept in memory,
// and used further while it cannot be asked again: a fault at Microsoft must not sign everybody out of Muster.
import type { JSONWebKeySet, JWK } from 'jose'
import { z } from 'zod'
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Sender } from '../graph/request.ts'

/** Keys roll without notice; Microsoft recommends to look daily. */
const FRESH_MS = 24 * 3_600_000
/** Beyond that, where it cannot be asked. */
const STALE_MS = 24 * 3_600_000
/** A token signed by an unknown key makes us look again, at most so often. */
const UNKNOWN_KEY_MS = 5 * 60_000
/** A source that did not answer is left alone for so long where something older is there. */
const FAILED_MS = 30_000

const endpoints = z.object({
  issuer: z.string(),
  authorization_endpoint: z.url(),
  token_endpoint: z.url(),
  jwks_uri: z.url(),
  device_authorization_endpoint: z.url().exactOptional(),
  end_session_endpoint: z.url().exactOptional(),
})
export type Discovered = z.infer<typeof endpoints>

const keySet = z.object({
  keys: z.array(
    z.looseObject({
      kty: z.string(),
      kid: z.string().optional(),
      use: z.string().optional(),
      key_ops: z.array(z.string()).optional(),
      alg: z.string().optional(),
      n: z.string().optional(),
      e: z.string().optional(),
      issuer: z.string().optional(),
    }),
  ),
})

/** What was published cannot be had, or is not what a tenant publishes. The message is for administrators. */
export class ProviderUnavailable extends Error {
  constructor(message: string, options?: { readonly cause?: unknown }) {
    super(message, options)
    this.name = 'ProviderUnavailable'
  }
}

export interface DocumentParts {
  readonly clock: Clock
  readonly log: Log
  readonly sender: Pick<Sender, 'send'>
  readonly userAgent: string
}

/** The documents of one tenant at one authority. */
export class TenantDocuments {
  readonly #parts: DocumentParts
  readonly #issuer: string
  readonly #discovery: Kept<Discovered>
  #keys: { readonly uri: string; readonly kept: Kept<JSONWebKeySet> } | undefined
  #lookedForUnknownAt = -Infinity

  /** @param issuer `{authority}/{tenant id}/v2.0`: computed, never taken from a document */
  constructor(issuer: string, parts: DocumentParts) {
    this.#parts = parts
    this.#issuer = issuer
    this.#discovery = new Kept(parts, 'discovery document', () => this.#fetchDiscovery())
  }

  /** @throws ProviderUnavailable */
  async discover(signal: AbortSignal): Promise<Discovered> {
    return orAborted(this.#discovery.get(), signal)
  }

  /**
   * The tenant's signing key of this name; undefined where it has none.
   *
   * @throws ProviderUnavailable
   */
  async findKey(kid: string, signal: AbortSignal): Promise<JWK | undefined> {
    const { kept } = await this.#keysOf(signal)
    const known = keyIn(await orAborted(kept.get(), signal), kid)
    if (known !== undefined) return known
    const now = this.#parts.clock.monotonicMs()
    if (now - this.#lookedForUnknownAt < UNKNOWN_KEY_MS) return undefined
    this.#lookedForUnknownAt = now
    this.#parts.log.info('a token is signed by a key that is not known yet; the keys are read again')
    return keyIn(await orAborted(kept.renew(), signal), kid)
  }

  /** All keys as they are known now. */
  async allKeys(signal: AbortSignal): Promise<JSONWebKeySet> {
    const { kept } = await this.#keysOf(signal)
    return orAborted(kept.get(), signal)
  }

  async #keysOf(signal: AbortSignal): Promise<{ readonly kept: Kept<JSONWebKeySet> }> {
    const { jwks_uri: uri } = await this.discover(signal)
    if (this.#keys?.uri !== uri)
      this.#keys = { uri, kept: new Kept(this.#parts, 'signing keys', () => this.#fetchKeys(uri)) }
    return this.#keys
  }

  async #fetchDiscovery(): Promise<Discovered> {
    const url = `${this.#issuer}/.well-known/openid-configuration`
    const found = endpoints.safeParse(await this.#read(url))
    if (!found.success) throw new ProviderUnavailable(`what ${url} answers is no discovery document`)
    if (found.data.issuer !== this.#issuer)
      throw new ProviderUnavailable(`${url} names another issuer than the tenant of the connection`)
    const { origin } = new URL(this.#issuer)
    const { data } = found
    const named = [data.authorization_endpoint, data.token_endpoint, data.jwks_uri]
    const more = [data.device_authorization_endpoint, data.end_session_endpoint]
    // The credential goes to the token endpoint: a document must not send it anywhere else.
    if ([...named, ...more].some((text) => text !== undefined && new URL(text).origin !== origin))
      throw new ProviderUnavailable(`${url} names endpoints on another host than ${origin}`)
    return data
  }

  async #fetchKeys(url: string): Promise<JSONWebKeySet> {
    const found = keySet.safeParse(await this.#read(url))
    if (!found.success) throw new ProviderUnavailable(`what ${url} answers is no set of keys`)
    const keys = found.data.keys.filter(
      ({ kty, use, key_ops: operations, alg, issuer }) =>
        kty === 'RSA' &&
        // What a key is not meant for is not done with it (RFC 7517, 4.2 to 4.4).
        (use ?? 'sig') === 'sig' &&
        (operations?.includes('verify') ?? true) &&
        (alg ?? 'RS256') === 'RS256' &&
        (issuer === undefined || issuer === this.#issuer),
    )
    if (keys.length === 0) throw new ProviderUnavailable(`${url} has no key for signing`)
    // Only what makes an RSA key; certificates and the like beside it are nobody's here.
    return {
      keys: keys.flatMap(({ kid, n, e }) =>
        kid === undefined || n === undefined || e === undefined
          ? []
          : [{ kty: 'RSA', alg: 'RS256', use: 'sig', kid, n, e }],
      ),
    }
  }

  async #read(url: string): Promise<unknown> {
    const { origin, pathname, search } = new URL(url)
    try {
      const answer = await this.#parts.sender.send({
        method: 'GET',
        origin,
        path: `${pathname}${search}`,
        headers: { accept: 'application/json', 'user-agent': this.#parts.userAgent },
        // Others may wait for the same answer: nobody's going away ends it, the sender's own deadline does.
        signal: new AbortController().signal,
      })
      if (answer.status !== 200) throw new ProviderUnavailable(`${url} answered ${answer.status}`)
      return JSON.parse(answer.body.toString('utf8'))
    } catch (error) {
      if (error instanceof ProviderUnavailable) throw error
      const reason = error instanceof SyntaxError ? 'the answer is not JSON' : messageOf(error)
      throw new ProviderUnavailable(`${url} cannot be read: ${reason}`, { cause: error })
    }
  }
}

function keyIn({ keys }: JSONWebKeySet, kid: string): JWK | undefined {
  return keys.find((key) => key.kid === kid)
}

/** Something that is fetched, kept for a day, and kept for another one while it cannot be fetched. */
class Kept<Value> {
  readonly #parts: Pick<DocumentParts, 'clock' | 'log'>
  readonly #name: string
  readonly #load: () => Promise<Value>
  #value: { readonly value: Value; readonly at: number } | undefined
  #pending: Promise<Value> | undefined
  #failedAt = -Infinity

  constructor(parts: Pick<DocumentParts, 'clock' | 'log'>, name: string, load: () => Promise<Value>) {
    this.#parts = parts
    this.#name = name
    this.#load = load
  }

  async get(): Promise<Value> {
    const now = this.#parts.clock.monotonicMs()
    const known = this.#value
    if (known === undefined) return this.#renewOnce()
    const age = now - known.at
    const wasJustTried = now - this.#failedAt < FAILED_MS && age < FRESH_MS + STALE_MS
    return age < FRESH_MS || wasJustTried ? known.value : this.renew()
  }

  /** Fetches it now. Where that fails, what is there serves on, unless it is too old. */
  async renew(): Promise<Value> {
    try {
      return await this.#renewOnce()
    } catch (error) {
      const now = this.#parts.clock.monotonicMs()
      this.#failedAt = now
      const known = this.#value
      if (known === undefined || now - known.at >= FRESH_MS + STALE_MS) throw error
      this.#parts.log.warn('what a tenant publishes about signing in could not be read again; the last one is used', {
        what: this.#name,
      })
      return known.value
    }
  }

  #renewOnce(): Promise<Value> {
    this.#pending ??= this.#load()
      .then((value) => {
        this.#value = { value, at: this.#parts.clock.monotonicMs() }
        return value
      })
      .finally(() => {
        this.#pending = undefined
      })
    return this.#pending
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** Whoever waits may go away; what he waited for goes on for the others. */
function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted()
    const onAbort = () => reject(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}

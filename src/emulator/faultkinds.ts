// What can go wrong, as data: matching, kinds and their parameters. faults.ts decides when, the others how.
import type { Behaviour } from './behaviour.ts'
import type { IdTokenForgery } from './forgeries.ts'

/** On which requests a fault acts. With nothing given: on every request from outside, for ever. */
export interface FaultMatch {
  /**
   * A string is the path without query, a star standing for one segment: `/users`, `/$batch`. A pattern is tried on
   * path and decoded query together. Graph paths are without `/v1.0`.
   */
  readonly path?: string | RegExp
  readonly method?: string
  readonly tenantId?: string
  /** Requests from outside (`outer`), those inside a `$batch` (`inner`) or both; `both` where a path is given. */
  readonly where?: 'outer' | 'inner' | 'both'
  /** Skips the first so many matching requests. */
  readonly after?: number
  /** Acts on so many requests, then never again. */
  readonly count?: number
  /** Acts at random, 0 to 1. */
  readonly rate?: number
  /** For `rate`. */
  readonly seed?: number
}

/** Faults that answer in place of the service. */
export type AnswerFault =
  /** 429. `retryAfter`: seconds, text verbatim, or null for no header; `retryAfterDate`: seconds from now, as a date. */
  | { readonly kind: 'throttled'; readonly retryAfter?: number | string | null; readonly retryAfterDate?: number }
  /** Any status with Graph's error body, an HTML page, or nothing. */
  | {
      readonly kind: 'status'
      readonly status: number
      readonly code?: string
      readonly message?: string
      readonly body?: 'json' | 'html' | 'none'
      readonly headers?: Readonly<Record<string, string>>
    }
  /** An HTML page of a proxy. */
  | { readonly kind: 'html'; readonly status?: number; readonly contentType?: string }
  | { readonly kind: 'unauthorized' }
  /** A claims challenge; `multi`: a second scheme in the same header (graph.md 5.10). */
  | { readonly kind: 'claims-challenge'; readonly multi?: boolean }
  | { readonly kind: 'forbidden' }
  | { readonly kind: 'redirect'; readonly status?: number; readonly location: string }
  /** 400 Directory_ExpiredPageToken, on requests with a page token. */
  | { readonly kind: 'expired-page-token' }
  /** 400 DirectoryPageTokenNotFoundException, on requests with a page token. */
  | { readonly kind: 'dead-page-token' }
  /** A refused delta token, on delta requests that carry one. */
  | { readonly kind: 'delta-expired'; readonly status?: 400 | 404 | 410; readonly code?: string }
  /** 410 with a Location, on delta requests that carry a token. */
  | { readonly kind: 'delta-reset'; readonly location?: string }
  /** 400 for pages larger than `max`, on requests with `$top`. */
  | { readonly kind: 'page-size-refused'; readonly max: number }
  /** An error of the token service, on token requests. */
  | { readonly kind: 'token-error'; readonly aadsts: number; readonly status: number; readonly error: string }

/** Faults that damage the answer on its way; requests inside a batch are spared. */
export type DamageFault =
  | { readonly kind: 'reset'; readonly at: 'headers' | 'body'; readonly keepBytes?: number }
  | {
      readonly kind: 'truncated'
      readonly framing: 'content-length' | 'chunked' | 'close' | 'gzip'
      readonly keepBytes?: number
    }
  | { readonly kind: 'drip'; readonly bytes?: number; readonly everyMs?: number }
  | { readonly kind: 'endless' }
  | { readonly kind: 'bomb'; readonly decodedBytes?: number }

/** Faults that let the service answer and deliver something else, whole and wrong. */
export type SpoilFault =
  | { readonly kind: 'malformed-json' }
  | { readonly kind: 'encoding'; readonly as: 'bom' | 'utf-16' | 'nul' }
  | { readonly kind: 'content-type'; readonly value: string }
  | { readonly kind: 'odd-json'; readonly how: 'duplicate-keys' | 'proto' | 'big-number' | 'deep-nesting' }
  /** 200 with every selected property null but the id: a permission lost without a 403. */
  | { readonly kind: 'null-storm' }
  /** Objects keep only these properties beside their id. */
  | { readonly kind: 'missing-properties'; readonly keep: readonly string[] }
  /** A collection ends after `keep` objects, without a next link: empty or short, and looking sound. */
  | { readonly kind: 'short-list'; readonly keep: number }
  /** 200 without `value`. */
  | { readonly kind: 'no-value' }
  /** Links in the answer lead elsewhere; `{path}` in the template stands for path and query of the true link. */
  | { readonly kind: 'hostile-link'; readonly link: string }
  /** The next link is the request's own address. */
  | { readonly kind: 'repeat-link' }

export type Fault =
  | AnswerFault
  | DamageFault
  | SpoilFault
  /** Id tokens that no sound provider gives. Path and method do not matter. */
  | IdTokenForgery
  | { readonly kind: 'latency'; readonly ms: number }
  /** Semantics: switched in the tenant's Behaviour until the fault is removed. */
  | { readonly kind: 'behaviour'; readonly set: Partial<Omit<Behaviour, 'fired'>> }

export type FaultKind = Fault['kind']
export type FaultSpec = Fault & FaultMatch

/** A request as faults see it. */
export interface FaultTarget {
  readonly method: string
  readonly origin: string
  /** Without `/v1.0` for Graph. */
  readonly path: string
  readonly rawQuery: string
  readonly isGraph: boolean
  readonly isInner: boolean
  readonly tenantId: string | undefined
  readonly requestId: string
}

/** What passes through the faults on its way out. */
export interface Spoilable {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Uint8Array | undefined
}

const DAMAGE: ReadonlySet<FaultKind> = new Set<DamageFault['kind']>(['reset', 'truncated', 'drip', 'endless', 'bomb'])
const SPOIL: ReadonlySet<FaultKind> = new Set<SpoilFault['kind']>([
  'malformed-json',
  'encoding',
  'content-type',
  'odd-json',
  'null-storm',
  'missing-properties',
  'short-list',
  'no-value',
  'hostile-link',
  'repeat-link',
])

export function isDamageFault<F extends Fault>(fault: F): fault is F & DamageFault {
  return DAMAGE.has(fault.kind)
}

export function isSpoilFault<F extends Fault>(fault: F): fault is F & SpoilFault {
  return SPOIL.has(fault.kind)
}

/** Every kind with the names of its parameters, for those who describe faults in JSON. */
export const FAULT_KINDS: Readonly<Record<FaultKind, readonly string[]>> = {
  throttled: ['retryAfter', 'retryAfterDate'],
  status: ['status', 'code', 'message', 'body', 'headers'],
  html: ['status', 'contentType'],
  unauthorized: [],
  'claims-challenge': ['multi'],
  forbidden: [],
  redirect: ['status', 'location'],
  'expired-page-token': [],
  'dead-page-token': [],
  'delta-expired': ['status', 'code'],
  'delta-reset': ['location'],
  'page-size-refused': ['max'],
  'token-error': ['aadsts', 'status', 'error'],
  latency: ['ms'],
  reset: ['at', 'keepBytes'],
  truncated: ['framing', 'keepBytes'],
  drip: ['bytes', 'everyMs'],
  endless: [],
  bomb: ['decodedBytes'],
  'malformed-json': [],
  encoding: ['as'],
  'content-type': ['value'],
  'odd-json': ['how'],
  'null-storm': [],
  'missing-properties': ['keep'],
  'short-list': ['keep'],
  'no-value': [],
  'hostile-link': ['link'],
  'repeat-link': [],
  'id-token': ['claims', 'header', 'signature', 'replace'],
  behaviour: ['set'],
}

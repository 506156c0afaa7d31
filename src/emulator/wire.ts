// What passes between the listeners (HTTP or in process) and the emulated services.

export interface WireRequest {
  readonly method: string
  /** Scheme, host and port as the caller addressed the emulator; links in answers begin with it. */
  readonly origin: string
  /** Path as sent, still percent-encoded, e.g. `/v1.0/users`. */
  readonly path: string
  /** Query as sent, without the question mark. */
  readonly rawQuery: string
  readonly headers: Headers
  readonly body: Uint8Array
  /** Monotonic milliseconds of the emulator when it had arrived. */
  readonly atMs: number
}

export interface WireResponse {
  readonly status: number
  /** Names in the spelling that goes on the wire; each at most once. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Uint8Array | undefined
  /** Waited before the first byte. */
  readonly delayMs?: number
  /** How the bytes are spoilt on their way; absent = delivered whole. */
  readonly delivery?: Delivery
}

/**
 * Damage on the way to the caller.
 *
 * `cut` keeps the first `keepBytes` of the body: with `content-length` the header promises more than comes, with
 * `chunked` the last chunk is missing, with `close` nothing tells that more was meant, with `gzip` the compressed
 * stream itself ends early inside sound framing (its trailer of 8 bytes counts as part of the body).
 */
export type Delivery =
  | { readonly kind: 'reset-before-headers' }
  | { readonly kind: 'reset-in-body'; readonly keepBytes: number }
  | {
      readonly kind: 'cut'
      readonly framing: 'content-length' | 'chunked' | 'close' | 'gzip'
      /** Negative: that many bytes are missing at the end. */
      readonly keepBytes: number
    }
  | { readonly kind: 'drip'; readonly bytes: number; readonly everyMs: number }
  | { readonly kind: 'endless'; readonly filler: string }
  /** A gzip body that unpacks to `decodedBytes` of white space inside a JSON document. */
  | { readonly kind: 'bomb'; readonly decodedBytes: number }

/** One line of the request log. Requests inside a `$batch` have their own line with `batch` = the outer one's number. */
export interface LoggedRequest {
  readonly number: number
  readonly batch: number | undefined
  readonly service: 'token' | 'graph' | 'admin' | 'other'
  readonly method: string
  /** Decoded for reading; Graph paths without `/v1.0`, query included. */
  readonly path: string
  readonly status: number
  /** Monotonic milliseconds of the emulator's clock when the request had arrived. */
  readonly atMs: number
  readonly resourceUnits: number
  /** The header of the answer, verbatim: no request may come before it has passed. */
  readonly retryAfter: string | undefined
  readonly tenantId: string | undefined
  readonly headers: Headers | undefined
}

const JSON_TYPE = 'application/json; charset=utf-8'

/** An answer with a JSON body, as the token service and the administration interface give it. */
export function jsonResponse(
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): WireResponse {
  return { status, headers: { 'Content-Type': JSON_TYPE, ...headers }, body: JSON.stringify(body) }
}

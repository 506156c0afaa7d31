// Every bound of the Graph client in one place, each with what it costs to be wrong.

/** Times in milliseconds, sizes in bytes. */
export interface Limits {
  /** Tries of one request, the first included. More would hammer a broken tenant, fewer would fail on a bad minute. */
  readonly maxTries: number
  /** Answers 401 in a row for one request before the run fails as not authorized. */
  readonly maxUnauthorized: number
  /** One request from being sent to its last byte. A drip of single bytes ends here, no socket time-out would. */
  readonly requestTimeoutMs: number
  readonly connectTimeoutMs: number
  /** Cap on a body, both as received and decoded. A page of 999 users with every attribute has about 4 MiB. */
  readonly maxBodyBytes: number
  /** Decoded size over received size beyond which a gzip body is a bomb; applies above {@link ratioFreeBytes}. */
  readonly maxCompressionRatio: number
  readonly ratioFreeBytes: number
  /** Retry-After is clamped to this range; a longer one ends the run as resumable. */
  readonly minRetryAfterMs: number
  readonly maxRetryAfterMs: number
  /** First and largest wait of the exponential backoff, before jitter. */
  readonly backoffMs: number
  readonly maxBackoffMs: number
  /** Without one successful answer for so long, Retry-After pauses not counted, the run fails. */
  readonly silenceMs: number
  /** Requests in flight: at the start, and at most. Graph throttles by units, latency hides behind parallel requests. */
  readonly startConcurrency: number
  readonly maxConcurrency: number
  /** One more request in flight after so long without throttling. */
  readonly cleanIntervalMs: number
  /** Pages of one listing. 200,000 pages of 200 are 40 million objects. */
  readonly maxPages: number
  /** Pages in a row that bring nothing new. Empty pages are documented, endless ones are a fault. */
  readonly maxIdlePages: number
  /** Restarts of one listing whose page token died. */
  readonly maxRestarts: number
}

export const DEFAULT_LIMITS: Limits = {
  maxTries: 6,
  maxUnauthorized: 5,
  requestTimeoutMs: 60_000,
  connectTimeoutMs: 10_000,
  maxBodyBytes: 32 * 1024 * 1024,
  maxCompressionRatio: 200,
  ratioFreeBytes: 1024 * 1024,
  minRetryAfterMs: 1_000,
  maxRetryAfterMs: 15 * 60_000,
  backoffMs: 500,
  maxBackoffMs: 20_000,
  silenceMs: 60_000,
  startConcurrency: 8,
  maxConcurrency: 16,
  cleanIntervalMs: 500,
  maxPages: 200_000,
  maxIdlePages: 500,
  maxRestarts: 3,
}

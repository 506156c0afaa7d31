// How many requests one caller may send: a bucket for each that fills again as time passes. Kept in memory by each process for itself,
// because the limits are there to keep a server alive, and a look into the database for each request would be what they are against.
import type { Clock } from '../base/clock.ts'

export interface FloodLimit {
  /** Requests a second that may go on for ever. */
  readonly perSecond: number
  /** Requests at once, after a pause. */
  readonly burst: number
}

/** A network address, whoever it is: many people may come from one. */
export const ADDRESS_LIMIT: FloodLimit = { perSecond: 200, burst: 2_000 }
/** One terminal, wherever it stands: a system that speaks for many devices may have one token for them. */
export const TERMINAL_LIMIT: FloodLimit = { perSecond: 3_000, burst: 10_000 }
/** Tokens of terminals that are none, of one network. Terminals of that network are not counted here. */
export const UNKNOWN_TERMINALS_LIMIT: FloodLimit = { perSecond: 20, burst: 600 }
/** Browsers that come back from Microsoft and never went there, of one network: each is looked up, and audited. */
export const MADE_UP_CALLBACK_LIMIT: FloodLimit = { perSecond: 5, burst: 600 }
/** The same of one site: of IPv6 it has some tens of thousands of networks. */
export const MADE_UP_CALLBACK_SITE_LIMIT: FloodLimit = { perSecond: 20, burst: 2_400 }
/**
 * Browsers that come back from Microsoft and began there, of one network: each has the token service asked with our credential, also with a
 * code that is none. Somebody who signs in asks for some eight things before he sees his page, so that by {@link ADDRESS_LIMIT} no more than
 * these can get in: 25 a second, 250 at once. What it costs: somebody behind the same address who begins sign-ins and comes back with codes
 * that are none, 26 a second without end, lets nobody of it back, where all else asks him for 200. Counting refused ones only would not help: it is
 * they that use it up, and whether a code is one only the token service knows.
 */
export const CALLBACK_LIMIT: FloodLimit = { perSecond: 25, burst: 1_000 }
/** The same of one site: of IPv6 it has some tens of thousands of networks, and one of them must not use up what is for all. */
export const CALLBACK_SITE_LIMIT: FloodLimit = { perSecond: 100, burst: 4_000 }
/** One account or one API token, over all its connections to this process. */
export const IDENTITY_LIMIT: FloodLimit = { perSecond: 50, burst: 600 }

/** New PINs that somebody draws himself: each holds off every other edit for a moment, is audited, and takes PINs out of those that are free. */
export const OWN_PIN_LIMIT: FloodLimit = { perSecond: 5 / 3_600, burst: 5 }

/** Callers that are remembered; of more, those that were silent longest are forgotten, as if they had never asked. */
const MOST_KNOWN = 20_000

interface Bucket {
  left: number
  at: number
}

export class Flood {
  readonly #clock: Pick<Clock, 'monotonicMs'>
  readonly #limit: FloodLimit
  /** In the order of their last request. */
  readonly #buckets = new Map<string, Bucket>()

  constructor(clock: Pick<Clock, 'monotonicMs'>, limit: FloodLimit) {
    this.#clock = clock
    this.#limit = limit
  }

  /**
   * Counts one request.
   *
   * @returns 0: it may be answered; otherwise after how many whole seconds the next one may
   */
  take(caller: string): number {
    const now = this.#clock.monotonicMs()
    const { perSecond, burst } = this.#limit
    const known = this.#buckets.get(caller) ?? { left: burst, at: now }
    const left = Math.min(burst, known.left + (Math.max(0, now - known.at) / 1_000) * perSecond)
    const isAllowed = left >= 1
    this.#buckets.delete(caller)
    this.#buckets.set(caller, { left: isAllowed ? left - 1 : left, at: now })
    if (this.#buckets.size > MOST_KNOWN) {
      const [oldest] = this.#buckets.keys()
      if (oldest !== undefined) this.#buckets.delete(oldest)
    }
    return isAllowed ? 0 : Math.max(1, Math.ceil((1 - left) / perSecond))
  }
}

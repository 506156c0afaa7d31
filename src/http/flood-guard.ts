// Refuses who asks more than one caller may, before anything is looked up for him.
import type { FastifyInstance } from 'fastify'
import type { Clock } from '../base/clock.ts'
import { networkOf } from '../signin/network.ts'
import type { Identity } from '../signin/identity.ts'
import { ADDRESS_LIMIT, CALLBACK_LIMIT, Flood, IDENTITY_LIMIT, TERMINALS_LIMIT } from './flood.ts'
import { HttpError } from './problem.ts'

/** What looks into the database; files of the web and the signs of life are not counted. */
const COUNTED = /^\/(?:api|metrics|signin)(?:[/?]|$)/
const OF_TERMINALS = /^\/api\/v1\/terminal(?:[/?]|$)/

export class FloodGuard {
  readonly #addresses: Flood
  readonly #sites: Flood
  readonly #identities: Flood
  readonly #callbacks: Flood

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#addresses = new Flood(clock, ADDRESS_LIMIT)
    this.#sites = new Flood(clock, TERMINALS_LIMIT)
    this.#identities = new Flood(clock, IDENTITY_LIMIT)
    this.#callbacks = new Flood(clock, CALLBACK_LIMIT)
  }

  /** Counts by address whatever is asked of this server. */
  watch(server: FastifyInstance): void {
    server.addHook('onRequest', async (request) => {
      if (!COUNTED.test(request.url)) return
      const flood = OF_TERMINALS.test(request.url) ? this.#sites : this.#addresses
      refuse(flood.take(networkOf(request.ip)))
    })
  }

  /** Counts a browser that comes back from Microsoft. @throws HttpError `too-many-requests` */
  countCallback(address: string): void {
    refuse(this.#callbacks.take(networkOf(address)))
  }

  /**
   * Counts what somebody asks who is known; nobody is counted by his address alone, and a terminal by its own misses.
   *
   * @throws HttpError `too-many-requests`
   */
  count(identity: Identity): void {
    if (identity.kind === 'nobody' || identity.kind === 'terminal' || identity.kind === 'remembered-terminal') return
    refuse(this.#identities.take(`${identity.kind} ${identity.id}`))
  }
}

function refuse(seconds: number): void {
  if (seconds === 0) return
  throw new HttpError(429, 'too-many-requests', {
    message: `More was asked than one caller may; ask again in ${seconds} s, and more slowly`,
    headers: { 'retry-after': String(seconds) },
  })
}

// Refuses who asks more than one caller may, before anything is looked up for him.
import type { FastifyInstance } from 'fastify'
import type { Clock } from '../base/clock.ts'
import { networkOf } from '../signin/network.ts'
import type { Identity } from '../signin/identity.ts'
import {
  ADDRESS_LIMIT,
  CALLBACK_LIMIT,
  Flood,
  IDENTITY_LIMIT,
  TERMINAL_LIMIT,
  UNKNOWN_TERMINALS_LIMIT,
} from './flood.ts'
import { isFromTerminal } from './guard.ts'
import { HttpError } from './problem.ts'

/** What looks into the database; files of the web and the signs of life are not counted. */
const COUNTED = /^\/(?:api|metrics|signin)(?:[/?]|$)/
const OF_TERMINALS = /^\/api\/v1\/terminal(?:[/?]|$)/

export class FloodGuard {
  readonly #addresses: Flood
  readonly #terminals: Flood
  readonly #unknownTerminals: Flood
  readonly #identities: Flood
  readonly #callbacks: Flood

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#addresses = new Flood(clock, ADDRESS_LIMIT)
    this.#terminals = new Flood(clock, TERMINAL_LIMIT)
    this.#unknownTerminals = new Flood(clock, UNKNOWN_TERMINALS_LIMIT)
    this.#identities = new Flood(clock, IDENTITY_LIMIT)
    this.#callbacks = new Flood(clock, CALLBACK_LIMIT)
  }

  /**
   * Counts by address whatever is asked of this server, but not terminals: who stands behind the same address with tokens that are none
   * must not make them wait. What comes as one is looked up first, and counted then as what it is.
   */
  watch(server: FastifyInstance): void {
    server.addHook('onRequest', async (request) => {
      if (!COUNTED.test(request.url)) return
      if (OF_TERMINALS.test(request.url) && !request.is404 && isFromTerminal(request)) return
      refuse(this.#addresses.take(networkOf(request.ip)))
    })
  }

  /** Counts a token of a terminal that is none. @throws HttpError `too-many-requests` */
  countUnknownTerminal(address: string): void {
    refuse(this.#unknownTerminals.take(networkOf(address)))
  }

  /** Counts a browser that comes back from Microsoft. @throws HttpError `too-many-requests` */
  countCallback(address: string): void {
    refuse(this.#callbacks.take(networkOf(address)))
  }

  /**
   * Counts what somebody asks who is known; nobody is counted by his address alone.
   *
   * @throws HttpError `too-many-requests`
   */
  count(identity: Identity): void {
    if (identity.kind === 'nobody') return
    if (identity.kind === 'terminal' || identity.kind === 'remembered-terminal')
      return refuse(this.#terminals.take(String(identity.id)))
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

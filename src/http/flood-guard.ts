// Refuses who asks more than one caller may, before anything is looked up for him.
import type { FastifyInstance } from 'fastify'
import type { Clock } from '../base/clock.ts'
import { networkOf, siteOf } from '../signin/network.ts'
import type { Identity } from '../signin/identity.ts'
import {
  ADDRESS_LIMIT,
  CALLBACK_LIMIT,
  CALLBACK_SITE_LIMIT,
  Flood,
  IDENTITY_LIMIT,
  MADE_UP_CALLBACK_LIMIT,
  MADE_UP_CALLBACK_SITE_LIMIT,
  TERMINAL_LIMIT,
  UNKNOWN_TERMINALS_LIMIT,
} from './flood.ts'
import { isFromTerminal } from './guard.ts'
import { tooManyRequests } from './problem.ts'

/** What looks into the database; files of the web and the signs of life are not counted. */
const COUNTED = /^\/(?:api|metrics|signin)(?:[/?]|$)/
const OF_TERMINALS = /^\/api\/v1\/terminal(?:[/?]|$)/

type NetworkAndSite = readonly [network: Flood, site: Flood]

export class FloodGuard {
  readonly #addresses: Flood
  readonly #terminals: Flood
  readonly #unknownTerminals: Flood
  readonly #identities: Flood
  readonly #callbacks: NetworkAndSite
  readonly #madeUpCallbacks: NetworkAndSite

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#addresses = new Flood(clock, ADDRESS_LIMIT)
    this.#terminals = new Flood(clock, TERMINAL_LIMIT)
    this.#unknownTerminals = new Flood(clock, UNKNOWN_TERMINALS_LIMIT)
    this.#identities = new Flood(clock, IDENTITY_LIMIT)
    this.#callbacks = [new Flood(clock, CALLBACK_LIMIT), new Flood(clock, CALLBACK_SITE_LIMIT)]
    this.#madeUpCallbacks = [new Flood(clock, MADE_UP_CALLBACK_LIMIT), new Flood(clock, MADE_UP_CALLBACK_SITE_LIMIT)]
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

  /**
   * Counts a browser that comes back from Microsoft.
   *
   * @param isOwn whether it went there. What is made up takes nothing from those who did, also of the same network
   * @returns whether it may go on
   */
  letsBack(address: string, isOwn: boolean): boolean {
    const [ofNetwork, ofSite] = isOwn ? this.#callbacks : this.#madeUpCallbacks
    // What is refused for its network takes nothing from its site.
    return ofNetwork.take(networkOf(address)) === 0 && ofSite.take(siteOf(address)) === 0
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
  if (seconds > 0) throw tooManyRequests(seconds)
}

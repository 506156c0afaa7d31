// Refuses who asks more than one caller may, before anything is looked up for him.
import type { FastifyInstance } from 'fastify'
import type { Clock } from '../base/clock.ts'
import { networkOf } from '../signin/attempts.ts'
import type { Identity } from '../signin/identity.ts'
import { ADDRESS_LIMIT, Flood, IDENTITY_LIMIT } from './flood.ts'
import { HttpError } from './problem.ts'

/** What looks into the database; files of the web and the signs of life are not counted. */
const COUNTED = /^\/(?:api|metrics)(?:[/?]|$)/

export class FloodGuard {
  readonly #addresses: Flood
  readonly #identities: Flood

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#addresses = new Flood(clock, ADDRESS_LIMIT)
    this.#identities = new Flood(clock, IDENTITY_LIMIT)
  }

  /** Counts by address whatever is asked of this server. */
  watch(server: FastifyInstance): void {
    server.addHook('onRequest', async (request) => {
      if (COUNTED.test(request.url)) refuse(this.#addresses.take(networkOf(request.ip)))
    })
  }

  /** Counts what somebody asks who is known; nobody is counted by his address alone. @throws HttpError `too-many-requests` */
  count(identity: Identity): void {
    if (identity.kind !== 'nobody') refuse(this.#identities.take(`${identity.kind} ${identity.id}`))
  }
}

function refuse(seconds: number): void {
  if (seconds === 0) return
  throw new HttpError(429, 'too-many-requests', {
    message: `More was asked than one caller may; ask again in ${seconds} s, and more slowly`,
    headers: { 'retry-after': String(seconds) },
  })
}

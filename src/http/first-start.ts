// Until the first administrator is made, the server answers the machine that it runs on and nobody else; from then on the routes of
// the first start are gone.
import { BlockList } from 'node:net'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { API } from '../contract/api/api.ts'
import type { Queries } from '../database/connect.ts'
import { isSetUp } from '../signin/codes.ts'
import { HttpError, nothingAt } from './problem.ts'
import type { Refusals } from './refusals.ts'

const loopback = new BlockList()
loopback.addSubnet('127.0.0.0', 8, 'ipv4')
loopback.addAddress('::1', 'ipv6')

/** Whether an address is the machine itself. */
function isLoopback(address: string): boolean {
  const plain = address.replace(/^::ffff:/i, '')
  return loopback.check(plain, plain.includes(':') ? 'ipv6' : 'ipv4')
}

/** Probes tell nothing that anybody could use. */
const ALWAYS = /^\/(healthz|readyz)$/

export function guardFirstStart(server: FastifyInstance, db: Queries, refusals: Refusals): void {
  // Never becomes false again, so that it is asked for until then only.
  let isDone = false
  server.addHook('onRequest', async (request) => {
    if (ALWAYS.test(request.url)) return
    isDone ||= await isSetUp(db)
    if (isDone && request.routeOptions.url === API.setUp.path) {
      const actor = { kind: 'nobody', name: 'nobody', address: request.ip } as const
      await refusals.note({ actor, action: API.setUp.audit, endpoint: 'setUp', reason: 'not-found' })
      throw nothingAt(request)
    }
    if (isDone || isFromHere(request)) return
    throw new HttpError(403, 'not-set-up', {
      message: 'Nobody has been made administrator yet; open the link that the console shows on the machine itself',
    })
  })
}

/** A proxy on this machine that nobody told us of asks for others. */
function isFromHere(request: FastifyRequest): boolean {
  const { headers, ips } = request
  const isForwarded = headers['x-forwarded-for'] !== undefined || headers['forwarded'] !== undefined
  return isLoopback(request.ip) && (!isForwarded || (ips ?? []).length > 1)
}

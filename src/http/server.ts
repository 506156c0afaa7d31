// The HTTP server: puts the routes of the contract, the description of the API, health and the web together.
import { randomUUID } from 'node:crypto'
import { fastifyCookie } from '@fastify/cookie'
import { type FastifyInstance, fastify } from 'fastify'
import type { Log } from '../base/log.ts'
import { watchHttps } from './cookies.ts'
import { registerDocs } from './docs.ts'
import { FloodGuard } from './flood-guard.ts'
import { guardFirstStart } from './first-start.ts'
import { HANDLERS } from './handlers.ts'
import { setHeaders } from './headers.ts'
import type { HttpParts } from './parts.ts'
import { type Metrics, registerMetrics } from './metrics.ts'
import { registerMicrosoftCallback } from './microsoft-callback.ts'
import { presentProblem } from './problem.ts'
import { Refusals } from './refusals.ts'
import { registerHealth } from './ready.ts'
import { RequestTurns } from './request-turns.ts'
import { hasGone, registerRoutes } from './route.ts'
import { registerWeb } from './web.ts'
import { TerminalTokens } from '../signin/terminal-tokens.ts'

export interface ServerOptions {
  /** Addresses and networks of proxies whose X-Forwarded-* headers are believed; of nobody else's. */
  readonly trustedProxies: readonly string[]
  /** The built web; where it is not there, only the API is served. */
  readonly webFolder?: string | undefined
  /** Where this process counts; without it there is no `/metrics`. */
  readonly metrics?: Metrics | undefined
}

/** A body that is larger is refused: the largest that anybody sends is a config file. */
const MOST_BODY_BYTES = 2 * 1024 * 1024
/** How long a request may take to arrive; answers may take as long as they do. */
const REQUEST_MS = 30_000
const KEEP_ALIVE_MS = 65_000
/** Names of sources and connections stand in addresses. */
const LONGEST_PARAMETER = 1_000

/** Makes a server that does not listen yet. `close` ends open streams and waits for the requests that are being answered. */
export async function createServer(parts: HttpParts, options: ServerOptions): Promise<FastifyInstance> {
  const stopping = new AbortController()
  const server = fastify({
    trustProxy: options.trustedProxies.length === 0 ? false : [...options.trustedProxies],
    bodyLimit: MOST_BODY_BYTES,
    requestTimeout: REQUEST_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    genReqId: () => randomUUID(),
    routerOptions: { maxParamLength: LONGEST_PARAMETER },
    logger: false,
    // Idle connections are closed, others may finish.
    forceCloseConnections: 'idle',
  })
  server.addHook('preClose', () => stopping.abort(new Error('the server stops')))
  acceptJsonOnly(server)
  await server.register(fastifyCookie)
  watchHttps(server, parts.publicUrl)
  server.addHook('onRequest', async (request, reply) => setHeaders(request, reply))
  server.setErrorHandler((error, request, reply) => {
    const { problem, headers, isOurs } = presentProblem(error, request.id)
    if (hasGone(error)) parts.engine.log.debug('a client has gone before it had its answer', { requestId: request.id })
    else if (isOurs) report(parts.engine.log, { error, requestId: request.id, path: request.routeOptions.url })
    return reply.code(problem.status).headers(headers).type('application/problem+json').send(JSON.stringify(problem))
  })
  parts.proxies.watch(server)
  const flood = new FloodGuard(parts.engine.clock)
  flood.watch(server)
  const refusals = new Refusals(parts.engine)
  server.addHook('onClose', () => refusals.close())
  guardFirstStart(server, parts.engine.db, refusals)
  const tokens = new TerminalTokens(parts.engine)
  const turns = new RequestTurns(parts.engine.clock)
  registerRoutes(server, HANDLERS, { parts, stopping: stopping.signal, refusals, flood, tokens, turns })
  registerMicrosoftCallback(server, { parts, stopping: stopping.signal, refusals, flood })
  registerHealth(server, parts)
  if (options.metrics !== undefined) registerMetrics(server, options.metrics, parts)
  await registerDocs(server, parts.version)
  await registerWeb(server, options.webFolder)
  return server
}

/** A form of another site can send text and forms without asking; JSON it cannot. */
function acceptJsonOnly(server: FastifyInstance): void {
  const parse = server.getDefaultJsonParser('error', 'error')
  server.removeAllContentTypeParsers()
  server.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') done(null, undefined)
    else void parse(request, typeof body === 'string' ? body : body.toString('utf8'), done)
  })
}

/** Where it happened, without what it was about: the message of an error of ours may carry anything. */
function report(
  log: Log,
  { error, requestId, path }: { error: unknown; requestId: string; path: string | undefined },
): void {
  const stack = error instanceof Error ? error.stack?.split('\n').filter((line) => /^\s+at /.test(line)) : undefined
  log.error('a request failed because of a mistake in Muster', {
    requestId,
    path,
    code: error instanceof Error ? error.name : 'unknown',
    stack: stack
      ?.slice(0, 12)
      .map((line) => line.trim())
      .join(' '),
  })
}

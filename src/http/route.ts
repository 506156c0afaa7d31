// Makes routes of the endpoints of the contract: whoever asks is known and allowed before the body is read; what is asked and what
// is answered go through the schemas.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { API, type EndpointName } from '../contract/api/api.ts'
import type { Endpoint } from '../contract/api/endpoint.ts'
import { parseWithProblems } from '../contract/problems.ts'
import { ConfigError, type ConfigProblem, ConflictError, InvariantError } from '../base/errors.ts'
import type { Actor } from '../registry/audit.ts'
import { SignInError, SlowDownError } from '../signin/errors.ts'
import { actorOf, type Identity, judgeAccess, NOBODY } from '../signin/identity.ts'
import type { TerminalTokens } from '../signin/terminal-tokens.ts'
import { readCookie, writeDevice, writeFlow, writeKeptFlow, writeSession } from './cookies.ts'
import { sendEvents } from './events.ts'
import { sendFile } from './files.ts'
import { checkAccess, checkOrigin, checkProof, identify } from './guard.ts'
import { doOnce, readIdempotencyKey, refuseIdempotencyKey } from './idempotency.ts'
import type { FloodGuard } from './flood-guard.ts'
import type { Call, FileAnswer, Handlers } from './handler.ts'
import type { HttpParts } from './parts.ts'
import { HttpError } from './problem.ts'
import type { Refusal, Refusals } from './refusals.ts'
import type { RequestTurns } from './request-turns.ts'

/** Any handler; which call and answer belong to it, `Handlers` has checked. */
type AnyHandler = (parts: HttpParts, call: Call<Endpoint>) => Promise<unknown>

export interface RouteOptions {
  readonly parts: HttpParts
  /** Aborts when the server stops. */
  readonly stopping: AbortSignal
  readonly refusals: Refusals
  readonly flood: FloodGuard
  readonly tokens: TerminalTokens
  readonly turns: RequestTurns
}

/** Registers the endpoints that there are handlers for. */
export function registerRoutes(server: FastifyInstance, handlers: Partial<Handlers>, options: RouteOptions): void {
  for (const name of endpointNames()) {
    const handler = handlers[name]
    // Each was checked against its own endpoint when it was written.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    if (handler !== undefined) registerRoute(server, { name, handler: handler as AnyHandler }, options)
  }
}

export function endpointNames(): readonly EndpointName[] {
  // Object.keys does not tell the keys' type.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return Object.keys(API) as EndpointName[]
}

function registerRoute(
  server: FastifyInstance,
  { name, handler }: { readonly name: EndpointName; readonly handler: AnyHandler },
  { parts, stopping, refusals, flood, tokens, turns }: RouteOptions,
): void {
  const endpoint: Endpoint = API[name]
  /** Does something, and audits it where it is refused. */
  const noted = async <T>(request: FastifyRequest, who: () => Identity, work: () => Promise<T>): Promise<T> => {
    try {
      return await work()
    } catch (error) {
      const reason = refusalReason(error)
      if (reason !== undefined) {
        const actor = triedBy(error) ?? actorOf(who(), request.ip)
        await refusals.note({
          actor: { ...actor, address: request.ip },
          action: endpoint.audit,
          endpoint: name,
          reason,
        })
      }
      throw error
    }
  }
  const identities = new WeakMap<FastifyRequest, Identity>()
  server.route({
    method: endpoint.method,
    url: endpoint.path,
    exposeHeadRoute: false,
    async onRequest(request) {
      let identity: Identity = NOBODY
      await noted(
        request,
        () => identity,
        async () => {
          // A stream that is opened anew, or goes on, is nobody's doing.
          const isUse = endpoint.answer.kind !== 'events'
          // Who looks a card up looks at the terminal again.
          const terminals = name === 'authenticate' ? parts.terminals : undefined
          const findTerminal = async (digest: Buffer) => {
            const found = await tokens.find(digest)
            if (found === undefined) flood.countUnknownTerminal(request.ip)
            return found
          }
          identity = await identify(parts.engine, request, { isUse, terminals, findTerminal })
          identities.set(request, identity)
          flood.count(identity)
          checkAccess(identity, endpoint)
          // What needs nobody does not ask for the mark of a session either.
          checkOrigin(request, endpoint.role === 'anyone' ? NOBODY : identity)
          if (endpoint.needsProof === true) checkProof(identity, parts.engine.clock.now())
        },
      )
    },
    async handler(request, reply) {
      const identity = identities.get(request)
      if (identity === undefined) throw new InvariantError('a request was not identified')
      if (endpoint.isIdempotent !== true) refuseIdempotencyKey(request)
      const signal = AbortSignal.any([stopping, goneSignal(reply)])
      const turn = await turns.take({ identity, endpoint, signal })
      try {
        const stillHe = turn.hasWaited ? await judgeAgain(request, identity) : identity
        return await answer(request, reply, { identity: stillHe, signal })
      } finally {
        turn.end()
      }
    },
  })
  /** A token may have been revoked, a session or a proof have ended, and a role be another one, while a request waited for its turn. */
  async function judgeAgain(request: FastifyRequest, before: Identity): Promise<Identity> {
    let identity = before
    await noted(
      request,
      () => identity,
      async () => {
        identity = await identify(parts.engine, request, { isUse: false })
        checkAccess(identity, endpoint)
        if (endpoint.needsProof === true) checkProof(identity, parts.engine.clock.now())
      },
    )
    return identity
  }
  async function answer(
    request: FastifyRequest,
    reply: FastifyReply,
    { identity, signal }: { readonly identity: Identity; readonly signal: AbortSignal },
  ): Promise<unknown> {
    const parsed = parseAsked(endpoint, request)
    const checkOwnProof = () => checkProof(identity, parts.engine.clock.now())
    if (endpoint.needsProof === 'unless-dry-run' && !isDryRun(parsed.body)) checkOwnProof()
    const call = {
      ...parsed,
      identity,
      actor: actorOf(identity, request.ip),
      client: clientOf(request, reply),
      checkProof: checkOwnProof,
      noteRefused: (reason: string, known?: Pick<Refusal, 'facts' | 'about'>) =>
        refusals.note({
          actor: actorOf(identity, request.ip),
          action: endpoint.audit,
          endpoint: name,
          reason,
          ...known,
        }),
      signal,
      stopping,
    }
    const key = endpoint.isIdempotent === true ? readIdempotencyKey(request) : undefined
    const asked = [name, call.params, call.query, call.body]
    const answered = await noted(
      request,
      () => identity,
      () =>
        key === undefined
          ? handler(parts, call)
          : doOnce(parts.engine, { actor: call.actor, key, asked }, () => handler(parts, call)),
    )
    const stillAllowed = async () =>
      judgeAccess(await identify(parts.engine, request, { isUse: false }), endpoint) === 'allowed'
    return send(reply, answered, { endpoint, signal, stillAllowed })
  }
}

/** Code of what was refused to somebody who tried more than he may; undefined for all other errors. Who only has to sign in did nothing. */
function refusalReason(error: unknown): string | undefined {
  if (error instanceof HttpError || error instanceof ConflictError)
    return REFUSED.has(error.code) ? error.code : undefined
  return error instanceof SignInError || error instanceof SlowDownError ? error.code : undefined
}

const REFUSED = new Set([
  'token-invalid',
  'forbidden',
  'way-not-allowed',
  'cross-site',
  'csrf',
  'connection-of-sign-in',
])

/** The account whose name was tried. */
function triedBy(error: unknown): Actor | undefined {
  return error instanceof SignInError && error.account !== undefined
    ? { kind: 'nobody', name: error.account }
    : undefined
}

/** What was asked, as the schemas see it. @throws ConfigError with all mistakes and their places */
function parseAsked(endpoint: Endpoint, request: FastifyRequest): { params: never; query: never; body: never } {
  const problems: ConfigProblem[] = []
  const parse = (schema: Endpoint['body'], given: unknown): unknown => {
    if (schema === undefined) return undefined
    const parsed = parseWithProblems(schema, given)
    if (parsed.kind === 'ok') return parsed.value
    problems.push(...parsed.problems)
    return undefined
  }
  const asked = {
    params: parse(endpoint.params, request.params),
    query: parse(endpoint.query, withLastEvent(endpoint, request)),
    body: parse(endpoint.body, request.body ?? {}),
  }
  if (problems.length > 0) throw new ConfigError(problems)
  // Each handler's own schemas say what these are.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return asked as { params: never; query: never; body: never }
}

/** Whoever asked only looks. */
function isDryRun(body: unknown): boolean {
  return typeof body === 'object' && body !== null && 'dryRun' in body && body.dryRun === true
}

/** A browser that lost a stream of events says which was the last one that it has. */
function withLastEvent(endpoint: Endpoint, request: FastifyRequest): unknown {
  const { query } = request
  const last = request.headers['last-event-id']
  const canResume = endpoint.answer.kind === 'events' && endpoint.query?.shape['after'] !== undefined
  return canResume && typeof last === 'string' && typeof query === 'object' ? { ...query, after: last } : query
}

function clientOf(request: FastifyRequest, reply: FastifyReply): Call<Endpoint>['client'] {
  return {
    address: request.ip,
    userAgent: request.headers['user-agent'] ?? '',
    device: readCookie(request, 'device'),
    flow: readCookie(request, 'flow'),
    origin: `${request.protocol}://${request.host}`,
    setSession: (token) => writeSession(request, reply, token),
    setDevice: (device) => writeDevice(request, reply, device),
    setFlow: ({ browser, sealed }) => {
      writeFlow(request, reply, browser)
      if (sealed !== undefined) writeKeptFlow(request, reply, sealed)
    },
  }
}

/** Nobody's mistake: a page was left, a dialog closed. */
class ClientGone extends Error {
  constructor() {
    super('the client has gone')
    this.name = 'ClientGone'
  }
}

export function hasGone(error: unknown): boolean {
  return error instanceof ClientGone
}

/** Aborts when the client goes before it has its answer. */
function goneSignal(reply: FastifyReply): AbortSignal {
  const gone = new AbortController()
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) gone.abort(new ClientGone())
  })
  return gone.signal
}

interface Sending {
  readonly endpoint: Endpoint
  readonly signal: AbortSignal
  stillAllowed(): Promise<boolean>
}

async function send(reply: FastifyReply, answer: unknown, options: Sending): Promise<unknown> {
  const { answer: declared } = options.endpoint
  switch (declared.kind) {
    case 'nothing':
      return reply.code(204).send()
    case 'json':
      // Drops what the schema does not have, so that nothing leaves by mistake.
      return reply.code(declared.status).send(declared.body.parse(answer))
    case 'file':
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- AnswerOf has checked it
      return sendFile(reply, answer as FileAnswer, { types: declared.types, signal: options.signal })
    case 'events': {
      const ended = new AbortController()
      const signal = AbortSignal.any([options.signal, ended.signal])
      const onHeartbeat = () =>
        void options.stillAllowed().then(
          (allowed) => allowed || ended.abort(),
          () => ended.abort(),
        )
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- AnswerOf has checked it
      await sendEvents(reply, answer as AsyncIterable<unknown>, { schema: declared.body, signal, onHeartbeat })
      return reply
    }
    default:
      declared satisfies never
      return undefined
  }
}

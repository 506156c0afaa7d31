// Asks a Muster server by the contract of its API. Errors of the server become the errors that the same work throws locally.
import type { Writable } from 'node:stream'
import { once } from 'node:events'
import { BusyError, CancelledError, ConfigError, ConflictError, NotFoundError, RunError } from '../base/errors.ts'
import { type Answered, type Asking, type Endpoint, problem } from '../contract/api/endpoint.ts'

export interface Server {
  /** Root of the server, without a slash at the end. */
  readonly url: string
  readonly token: string
}

/** What is asked; the parts that an endpoint has no schema for stay away. */
export interface Asked {
  readonly params?: Readonly<Record<string, unknown>> | undefined
  readonly query?: Readonly<Record<string, unknown>> | undefined
  readonly body?: unknown
}

/** How it is asked. */
interface How {
  readonly signal?: AbortSignal | undefined
  /** Asked again with the same key, it is done once: for endpoints that are idempotent. */
  readonly key?: string
}

/** The server is away, or wants to be asked later: the same question may have an answer then. */
export class AwayError extends RunError {
  /** It was not reached, so nothing of what was asked can have arrived. */
  readonly isUnconnected: boolean
  /** How long it wants to be left alone. */
  readonly retryAfterMs: number

  constructor(
    code: string,
    message: string,
    options: { readonly isUnconnected?: boolean; readonly retryAfterMs?: number; readonly cause?: unknown } = {},
  ) {
    super(code, message, options)
    this.name = 'AwayError'
    this.isUnconnected = options.isUnconnected ?? false
    this.retryAfterMs = options.retryAfterMs ?? 0
  }
}

/** Asks one question. @throws what the server's problem stands for; AwayError; RunError `server-not-understood` */
export async function call<E extends Endpoint>(
  server: Server,
  endpoint: E,
  asked: Asking<E> & How,
): Promise<Answered<E>> {
  const { signal, key, ...parts } = asked
  const response = await send(server, endpoint, { ...parts, signal, ...(key === undefined ? {} : { key }) })
  // The schema of the endpoint is what its answer type is inferred from.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  if (endpoint.answer.kind !== 'json') return undefined as Answered<E>
  const parsed = endpoint.answer.body.safeParse(await unbroken(server, signal, () => readJson(response)))
  if (!parsed.success) throw notUnderstood(server)
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return parsed.data as Answered<E>
}

/** Writes a file that the server answers with to `destination`, and leaves that open. */
export async function save(
  server: Server,
  endpoint: Endpoint,
  asked: Asked & { readonly destination: Writable; readonly signal?: AbortSignal | undefined },
): Promise<void> {
  const { destination, signal, ...parts } = asked
  const response = await send(server, endpoint, { ...parts, signal })
  for await (const chunk of bytesOf(server, response, signal))
    if (!destination.write(chunk)) await once(destination, 'drain', signal === undefined ? {} : { signal })
}

/** The lines of a file of JSON lines. */
export async function* eachLine(server: Server, endpoint: Endpoint, asked: Asked): AsyncGenerator<string> {
  let rest = ''
  const decoder = new TextDecoder()
  for await (const chunk of bytesOf(server, await send(server, endpoint, asked))) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    yield* lines
  }
  if (rest !== '') yield rest
}

async function* bytesOf(server: Server, response: Response, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
  if (response.body === null) return
  const reader = response.body.getReader()
  try {
    for (;;) {
      const { done, value } = await unbroken(server, signal, () => reader.read())
      if (done) return
      yield value
    }
  } finally {
    // Also where nobody wants the rest.
    await reader.cancel().catch(() => undefined)
  }
}

/** Reads of an answer, which may end before it is whole. */
async function unbroken<T>(
  { url }: Pick<Server, 'url'>,
  signal: AbortSignal | undefined,
  read: () => Promise<T>,
): Promise<T> {
  try {
    return await read()
  } catch (error) {
    signal?.throwIfAborted()
    throw brokenOff(url, error)
  }
}

async function send(
  { url, token }: Server,
  endpoint: Endpoint,
  { params, query, body, signal, key }: Asked & How,
): Promise<Response> {
  const path = endpoint.path.replace(/:(\w+)/g, (_, name: string) => encodeURIComponent(textOf(params?.[name])))
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query ?? {})) if (value !== undefined) search.set(name, textOf(value))
  let response: Response
  try {
    response = await fetch(`${url}${path}?${search.toString()}`, {
      method: endpoint.method,
      // A redirect would take the token along.
      redirect: 'error',
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(key === undefined ? {} : { 'idempotency-key': key }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
    })
  } catch (error) {
    signal?.throwIfAborted()
    if (CUT.has(codeOf(error))) throw brokenOff(url, error)
    throw unreachable(url, { isUnconnected: true, cause: error })
  }
  if (response.ok) return response
  const told = problem.safeParse(await readJson(response).catch(() => undefined))
  const seconds = response.headers.get('retry-after') ?? ''
  const retryAfterMs = /^\d+$/.test(seconds) ? Number(seconds) * 1_000 : 0
  if (!told.success) {
    if (response.status === 429)
      throw new AwayError('too-many-requests', `The server ${url} is asked too much; ask again later`, { retryAfterMs })
    throw PROXIES_ANSWERS.has(response.status) ? unreachable(url, { retryAfterMs }) : notUnderstood({ url })
  }
  const { code, detail } = told.data
  throw response.status === 429 || PASSING.has(code)
    ? new AwayError(code, detail, { retryAfterMs })
    : errorOf(told.data)
}

/** What a proxy answers whose server is away. */
const PROXIES_ANSWERS: ReadonlySet<number> = new Set([502, 503, 504])
/** What a server says that will be over. */
const PASSING: ReadonlySet<string> = new Set(['database-unavailable', 'idempotency-running'])
/** A connection that was there and ended without an answer. */
const CUT: ReadonlySet<unknown> = new Set([
  'ECONNRESET',
  'EPIPE',
  'UND_ERR_SOCKET',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
])

/** `fetch` throws a TypeError that tells nothing itself. */
function codeOf(error: unknown): unknown {
  const cause = error instanceof Error ? error.cause : undefined
  return cause instanceof Error && 'code' in cause ? cause.code : undefined
}

function unreachable(url: string, options?: ConstructorParameters<typeof AwayError>[2]): AwayError {
  const message = `Cannot reach the server ${url}; look whether it runs and the address is right`
  return new AwayError('server-unreachable', message, options)
}

function brokenOff(url: string, cause: unknown): AwayError {
  const message = `The answer of the server ${url} broke off and is not whole; look whether the server runs, then ask again`
  return new AwayError('server-unreachable', message, { cause })
}

/** Names, numbers and truth values are all that stands in an address. */
function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

async function readJson(response: Response): Promise<unknown> {
  const text = await response.text()
  try {
    return JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

function notUnderstood({ url }: Pick<Server, 'url'>): RunError {
  return new RunError(
    'server-not-understood',
    `${url} does not answer as this Muster expects it; look whether it is a Muster server of the same version`,
  )
}

/** What the server refused, as the class that says what can be done about it. */
export function errorOf(told: {
  readonly status?: number
  readonly code: string
  readonly detail: string
  readonly problems?: readonly { readonly at: string; readonly message: string }[] | undefined
  readonly microsoftRequestId?: string | undefined
}): Error {
  const { status, code, detail, problems, microsoftRequestId: requestId } = told
  if (code === 'config-invalid') return new ConfigError(problems ?? [{ at: '', message: detail }])
  if (code === 'not-found') return Object.assign(new NotFoundError('', ''), { message: detail })
  if (code === 'busy') return new BusyError(detail)
  if (code === 'cancelled') return new CancelledError(detail)
  if (status === 409) return new ConflictError(code, detail)
  return new RunError(code, detail, { requestId })
}

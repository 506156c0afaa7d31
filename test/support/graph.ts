// Graph clients for tests: against the emulator in process, and against servers that answer by script.
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { type Clock, systemClock } from '../../src/base/clock.ts'
import { silentLog } from '../../src/base/log.ts'
import { createRandom } from '../../src/emulator/random.ts'
import { Emulator, type EmulatorOptions, type HostedTenant } from '../../src/emulator/server.ts'
import { generateTenant } from '../../src/emulator/generator.ts'
import { GraphClient, type GraphClientOptions } from '../../src/graph/client.ts'
import { virtualClock, type VirtualClock } from './virtual-clock.ts'

const TENANT = '11111111-1111-4111-8111-111111111111'
const CLIENT = '22222222-2222-4222-8222-222222222222'

/** What does not matter in a test; roots and transport come from the caller. */
export function clientOptions(
  options: Partial<GraphClientOptions> & { readonly graphUrl: string; readonly clock?: Clock },
): GraphClientOptions {
  const random = createRandom(1)
  return {
    tenantId: TENANT,
    clientId: CLIENT,
    credentials: [{ kind: 'secret', secret: 'the~secret.value' }],
    authorityUrl: options.graphUrl,
    clock: systemClock,
    random: () => random.next(),
    log: silentLog,
    userAgent: 'muster/test',
    ...options,
  }
}

export interface World {
  readonly clock: VirtualClock
  readonly emulator: Emulator
  readonly hosted: HostedTenant
  readonly client: GraphClient
  /** Requests to Graph that were sent while a Retry-After, inside a batch included, was still running. */
  readonly early: readonly string[]
  readonly signal: AbortSignal
  [Symbol.asyncDispose](): Promise<void>
}

/** An emulated tenant and a client for it, in this process and in virtual time. */
export function emulatedWorld(
  options: {
    readonly users?: number
    readonly groups?: number
    readonly memberships?: number
    readonly seed?: number
    readonly hiddenGroups?: number
    readonly emulator?: EmulatorOptions
    readonly client?: Partial<GraphClientOptions>
  } = {},
): World {
  const clock = virtualClock({ idleTurns: 30 })
  const emulator = new Emulator({ seed: options.seed ?? 1, clock, ...options.emulator })
  const { users = 50, groups = 5, memberships = 100, seed = 1, hiddenGroups = 0 } = options
  const tenant = generateTenant({ users, groups, memberships, seed, hiddenGroups, clock: emulator.clock })
  const hosted = emulator.host(tenant)
  const early: string[] = []
  const client = new GraphClient(
    clientOptions({
      tenantId: hosted.tenantId,
      clientId: hosted.clientId,
      credentials: [{ kind: 'secret', secret: hosted.clientSecret }],
      graphUrl: emulator.graphUrl,
      clock: emulator.clock,
      fetch: watchPauses(emulator.fetch, { clock: emulator.clock, early }),
      ...options.client,
      // a deadline beyond the virtual clock's horizon: signing a token takes real time
      limits: { requestTimeoutMs: 1e9, ...options.client?.limits },
    }),
  )
  return {
    clock,
    emulator,
    hosted,
    client,
    early,
    signal: new AbortController().signal,
    async [Symbol.asyncDispose]() {
      await client.stop()
      await emulator.stop()
    },
  }
}

/** Notes each request that is sent before a pause is over which an answer had asked for. */
export function watchPauses(
  fetch: typeof globalThis.fetch,
  notes: { readonly clock: Clock; readonly early: string[] },
): typeof fetch {
  const { clock, early } = notes
  const pauses: { readonly from: number; readonly until: number }[] = []
  return async (input, init) => {
    const request = new Request(input, init)
    const now = clock.monotonicMs()
    const running = pauses.find((p) => p.from < now && now < p.until - 0.001)
    if (running !== undefined && request.url.includes('/v1.0/'))
      early.push(`${new URL(request.url).pathname} ${Math.round(running.until - now)} ms too early`)
    const response = await fetch(request)
    if (response.body === null || !request.url.includes('/v1.0/')) return response
    const clone = response.clone()
    const text = await clone.text().catch(() => '')
    // what was damaged on its way tells nobody anything
    const inner = isJson(text) ? [...text.matchAll(/"Retry-After":"([\d.]+)"/gi)].map((m) => m[1]) : []
    for (const seconds of [response.headers.get('retry-after') ?? undefined, ...inner]) {
      const from = clock.monotonicMs()
      if (seconds !== undefined && /^[\d.]+$/.test(seconds))
        pauses.push({ from, until: from + Number(seconds) * 1_000 })
    }
    return response
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/** A token answer and then whatever `graph` answers, as a fetch function. Bodies that are no strings are sent as JSON. */
export function scriptedFetch(
  graph: (request: Request, n: number) => Response | Promise<Response>,
  options: { readonly token?: (request: Request, n: number) => Response | Promise<Response> } = {},
): typeof fetch & { readonly requests: Request[]; readonly tokenRequests: Request[] } {
  const requests: Request[] = []
  const tokenRequests: Request[] = []
  const answer = async (input: Parameters<typeof fetch>[0], init?: RequestInit): Promise<Response> => {
    const request = new Request(input, init)
    if (request.url.endsWith('/oauth2/v2.0/token')) {
      tokenRequests.push(request)
      return (options.token ?? ((_, n) => tokenAnswer(`token-${n}`)))(request, tokenRequests.length)
    }
    requests.push(request)
    return graph(request, requests.length)
  }
  return Object.assign(answer, { requests, tokenRequests })
}

export function tokenAnswer(token: string, expiresIn = 3599): Response {
  return json({ token_type: 'Bearer', expires_in: expiresIn, access_token: token })
}

export function json(
  body: unknown,
  init: { readonly status?: number; readonly headers?: Readonly<Record<string, string>> } = {},
): Response {
  const headers = { 'content-type': 'application/json', ...init.headers }
  return new Response(JSON.stringify(body), { ...init, headers })
}

export function graphError(status: number, code: string, headers: Record<string, string> = {}): Response {
  return json({ error: { code, message: 'a message with Ann Example in it', innerError: {} } }, { status, headers })
}

/** A page of users with the given numbers as ids. */
export function usersPage(numbers: readonly number[], links: Record<string, string> = {}): Record<string, unknown> {
  return { value: numbers.map((n) => ({ id: guid(n), displayName: `User ${n}` })), ...links }
}

export function guid(n: number): string {
  return `00000000-0000-4000-8000-${n.toString(16).padStart(12, '0')}`
}

export interface RawServer {
  readonly origin: string
  readonly port: number
  /** Everything that was received, over all connections. */
  received(): string
  [Symbol.asyncDispose](): Promise<void>
}

/** A TCP server that is told of every complete request head, on loopback. */
export async function rawServer(onRequest: (socket: Socket, head: string) => void): Promise<RawServer> {
  const sockets = new Set<Socket>()
  let received = ''
  const server = createServer((socket) => {
    sockets.add(socket)
    let pending = ''
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => undefined)
    socket.on('data', (data) => {
      received += data.toString('latin1')
      pending += data.toString('latin1')
      for (let end = headEnd(pending); end > 0; end = headEnd(pending)) {
        const head = pending.slice(0, end)
        pending = pending.slice(end)
        onRequest(socket, head)
      }
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return {
    origin: `http://127.0.0.1:${port}`,
    port,
    received: () => received,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

/** Length of the first complete request in the text, body included; 0 when there is none. */
function headEnd(text: string): number {
  const end = text.indexOf('\r\n\r\n')
  if (end < 0) return 0
  const length = Number(/content-length: (\d+)/i.exec(text.slice(0, end))?.[1] ?? 0)
  return text.length >= end + 4 + length ? end + 4 + length : 0
}

/** An HTTP answer with a JSON body and its length. */
export function httpAnswer(body: string, options: { status?: string; headers?: string } = {}): string {
  const { status = '200 OK', headers = '' } = options
  const length = Buffer.byteLength(body)
  return `HTTP/1.1 ${status}\r\ncontent-type: application/json\r\n${headers}content-length: ${length}\r\n\r\n${body}`
}

export const RAW_TOKEN = httpAnswer(
  JSON.stringify({ token_type: 'Bearer', expires_in: 3599, access_token: 'secret-token' }),
)

export async function collect<T>(pages: AsyncIterable<{ readonly entries: readonly T[] }>): Promise<T[]> {
  const all: T[] = []
  for await (const page of pages) all.push(...page.entries)
  return all
}

/** What a promise was rejected with; fails the test when it was not, or with something of another kind. */
export async function rejectionOf<E extends Error>(
  promise: Promise<unknown>,
  kind: abstract new (...args: never) => E,
): Promise<E> {
  const reason: unknown = await promise.then(
    () => undefined,
    (error: unknown) => error,
  )
  if (reason instanceof kind) return reason
  throw new Error(`not rejected with ${kind.name}`, { cause: reason })
}

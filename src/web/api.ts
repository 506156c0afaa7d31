// Talks to the server by the contract: the declaration of an endpoint says method, address and the types of what goes and comes.
// The server checks both against the same declaration, so nothing is checked a second time here.
import type { Answered, Asking, Endpoint, Problem } from '../contract/api/endpoint.ts'
import { isUnattended } from './attended.ts'
import { proveNow } from './proof.ts'

/** What the server refused, or that it could not be reached (status 0). */
export class ApiError extends Error {
  readonly problem: Problem
  /** When to try again, where the server says so. */
  readonly retryAfterSeconds: number | undefined

  constructor(problem: Problem, retryAfterSeconds?: number) {
    super(problem.detail)
    this.name = 'ApiError'
    this.problem = problem
    this.retryAfterSeconds = retryAfterSeconds
  }

  get status(): number {
    return this.problem.status
  }
}

/** Whether the server refused it because somebody else has changed the same thing since it was read. */
export function isChangedMeanwhile(error: Error): boolean {
  return error instanceof ApiError && error.problem.code === 'changed-meanwhile'
}

/** Whether nobody knows if what was asked is done, or still being done. With any other refusal it is not. */
export function isUncertain(error: unknown): boolean {
  if (!(error instanceof ApiError)) return true
  return error.status === 0 || error.status >= 500 || error.problem.code === 'idempotency-running'
}

// A page has one session: the server binds this to it, and gives it out with the session alone.
let csrf: string | undefined
const signedOut = new Set<() => void>()

/** To be called with every session that the server gives out. */
export function keepCsrf(token: string | undefined): void {
  csrf = token
}

/** Calls `listener` when the server no longer knows this session. */
export function onSignedOut(listener: () => void): () => void {
  signedOut.add(listener)
  return () => signedOut.delete(listener)
}

let renew: (() => Promise<boolean>) | undefined

/** Says what follows where the browser has another session than this page knows. `next` answers whether it is the same person's. */
export function renewSessionWith(next: () => Promise<boolean>): void {
  renew = next
}

/** A key for one intention, see {@link CallOptions}. `crypto.randomUUID` is missing where the page did not come by https. */
export function newIntention(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** So long a server is waited for that may not be there. */
const PATIENCE_MS = 5_000

interface Request {
  readonly params?: Readonly<Record<string, unknown>> | undefined
  readonly query?: Readonly<Record<string, string | number | boolean | null | undefined>> | undefined
  readonly body?: unknown
}

export interface CallOptions {
  readonly signal?: AbortSignal
  /** Names one intention of somebody: repeated with the same key it is done once. */
  readonly idempotencyKey?: string
  /** Asks as a terminal and not as who is signed in. */
  readonly terminalToken?: string
  /** False for what the page asks by itself, whoever sits in front of it: a session does not last longer by it. */
  readonly isUse?: boolean
}

/**
 * Asks the server. Where it wants a recent proof of who one is, asks for that, and then the server once more; so too where one has signed
 * in anew in another tab.
 *
 * @throws ApiError
 */
export async function call<E extends Endpoint>(
  endpoint: E,
  asking: Asking<E>,
  options: CallOptions = {},
): Promise<Answered<E>> {
  const request: Request = asking
  const mended = new Set<string>()
  let asker = csrf
  let response = await send(endpoint, request, options)
  while (!response.ok) {
    const refusal = await refused(response, { ...options, asker })
    const { code } = refusal.problem
    if (mended.has(code) || !(await isMended(code))) throw refusal
    mended.add(code)
    asker = csrf
    response = await send(endpoint, request, options)
  }
  const answer: unknown = response.status === 204 ? undefined : await response.json()
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the server checks its answers by this declaration
  return answer as Answered<E>
}

/** Whether what a request was refused for is no longer so. With these codes nothing of it was done. */
async function isMended(code: string): Promise<boolean> {
  if (code === 'proof-needed') return proveNow()
  return code === 'csrf' && renew !== undefined && renew()
}

async function send(endpoint: Endpoint, request: Request, options: CallOptions): Promise<Response> {
  const headers: Record<string, string> = { Accept: 'application/json, application/problem+json' }
  if (request.body !== undefined) headers['Content-Type'] = 'application/json'
  if (options.terminalToken !== undefined) headers['Authorization'] = `Bearer ${options.terminalToken}`
  else if (endpoint.method !== 'GET' && csrf !== undefined) headers['X-Muster-Csrf'] = csrf
  // What changes something somebody does, however he does it.
  if (endpoint.method === 'GET' && (options.isUse === false || isUnattended())) headers['X-Muster-Unattended'] = '1'
  if (options.idempotencyKey !== undefined) headers['Idempotency-Key'] = options.idempotencyKey
  try {
    return await fetch(addressOf(endpoint, request), {
      method: endpoint.method,
      headers,
      credentials: 'same-origin',
      ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    })
  } catch (error) {
    if (options.signal?.aborted === true) throw error
    throw unreachable(
      'The server did not answer. Check the network and whether Muster is running; this page tries again by itself.',
    )
  }
}

/** That nobody answered. @param detail for people */
export function unreachable(detail: string): ApiError {
  return new ApiError({ type: 'about:blank', title: 'No answer', status: 0, code: 'unreachable', detail })
}

/** Whether the server answers at all. It is asked nothing that needs a session or its database. */
export async function isReachable(): Promise<boolean> {
  try {
    const { ok } = await fetch('/healthz', { cache: 'no-store', signal: AbortSignal.timeout(PATIENCE_MS) })
    return ok
  } catch {
    return false
  }
}

/** @param asked.asker by what the page knew its session when it asked: an answer that comes late says nothing of the next one */
async function refused(
  response: Response,
  { terminalToken, asker }: Pick<CallOptions, 'terminalToken'> & { readonly asker: string | undefined },
): Promise<ApiError> {
  const text = await response.text()
  const parsed = parseProblem(text)
  if (parsed?.code === 'signed-out' && terminalToken === undefined && asker === csrf)
    for (const listener of signedOut) listener()
  return new ApiError(
    parsed ?? {
      type: 'about:blank',
      title: response.statusText,
      status: response.status,
      code: 'unexpected',
      detail: `The server answered ${response.status} ${response.statusText}`.trimEnd() + '.',
    },
    Number(response.headers.get('retry-after') ?? undefined) || undefined,
  )
}

function parseProblem(text: string): Problem | undefined {
  if (!text.startsWith('{')) return undefined
  const value: unknown = JSON.parse(text)
  const isProblem = typeof value === 'object' && value !== null && 'detail' in value && 'code' in value
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- problem+json, made by the server of the same contract
  return isProblem ? (value as Problem) : undefined
}

/** The address of an endpoint, e.g. of a file to be saved. */
export function addressOf(endpoint: Endpoint, { params = {}, query = {} }: Request): string {
  const path = endpoint.path.replaceAll(/:(\w+)/g, (_all, name: string) => encodeURIComponent(String(params[name])))
  const pairs = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== null && value !== '') pairs.set(name, String(value))
  }
  const text = pairs.toString()
  return text === '' ? path : `${path}?${text}`
}

/**
 * Reads server-sent events until `close` is called; the browser connects again by itself when the connection breaks.
 *
 * @returns close
 */
export function watch<E extends Endpoint>(
  endpoint: E,
  asking: Asking<E>,
  listeners: {
    /** `close` ends it: after the last event there is nothing to come back for. */
    readonly onEvent: (event: Answered<E>, close: () => void) => void
    /** The connection broke, and whether the browser will try again. */
    readonly onBroken: (isFinal: boolean) => void
  },
): () => void {
  const source = new EventSource(addressOf(endpoint, asking))
  const close = () => source.close()
  source.addEventListener('message', (message: MessageEvent<string>) => {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the server checks its events by this declaration
    listeners.onEvent(JSON.parse(message.data) as Answered<E>, close)
  })
  source.addEventListener('error', () => listeners.onBroken(source.readyState === EventSource.CLOSED))
  return close
}

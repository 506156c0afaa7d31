// Many small GETs in few requests: parallel $batch calls of 20, every inner request with its own verdict and its own retries.
import { BadAnswer, GraphError } from './errors.ts'
import { backoffMs, clampRetryAfter, parseRetryAfter, pauseText } from './backoff.ts'
import { asRecord, parseJson } from './body.ts'
import { codeOfError } from './graphcode.ts'
import type { Requester } from './retry.ts'

/** One GET. */
export interface Job {
  /** Below the version and with a slash in front, e.g. `/groups/{id}/members?$select=id`. */
  readonly url: string
  /** Resource units that it is expected to cost. */
  readonly cost: number
}

/** Final answer to an inner request: a success or a refusal that repeating does not change. */
export interface InnerAnswer {
  readonly status: number
  readonly body: unknown
  /** Graph's error code; undefined for a success. */
  readonly code: string | undefined
  readonly requestId: string | undefined
}

export interface BatchOptions<J extends Job, T> {
  /** Read as far as needed to keep the batches full. */
  readonly jobs: AsyncIterable<J> | Iterable<J>
  readonly signal: AbortSignal
  /**
   * Turns an answer into an output, or into a further job in its place (the next page). A thrown BadAnswer has the job
   * repeated; any other error ends everything.
   */
  interpret(job: J, answer: InnerAnswer): { readonly output?: T; readonly follow?: J | undefined }
}

/** Documented limit. @see https://learn.microsoft.com/graph/json-batching (2025-02-21) */
const BATCH = 20

interface Pending<J> {
  readonly job: J
  tries: number
  unauthorized: number
  /** Not sent again before this moment on the monotonic clock. */
  readyAtMs: number
}

/**
 * Runs all jobs and yields their outputs as they come, in no order. At most as many batches are in flight as the
 * tenant's limiter allows, so memory is bounded by that number of answers.
 *
 * An inner 401, 429 or 5xx is repeated like a request of its own, at most `limits.maxTries` times, by its own
 * Retry-After; a 429 also pauses everything else, because inner requests are throttled and charged individually.
 *
 * @throws GraphError
 */
export async function* eachBatched<J extends Job, T>(
  graph: Requester,
  options: BatchOptions<J, T>,
): AsyncGenerator<T[], void> {
  const { clock, limits } = graph
  const ended = new AbortController()
  const signal = AbortSignal.any([options.signal, ended.signal])
  const source = iterate(options.jobs)
  const waiting: Pending<J>[] = []
  const inFlight = new Set<Promise<T[]>>()
  let isSourceDone = false

  async function nextBatch(): Promise<Pending<J>[]> {
    const batch: Pending<J>[] = []
    const now = clock.monotonicMs()
    for (let i = 0; i < waiting.length && batch.length < BATCH; ) {
      const candidate = waiting[i]
      if (candidate !== undefined && candidate.readyAtMs <= now) batch.push(...waiting.splice(i, 1))
      else i++
    }
    while (batch.length < BATCH && !isSourceDone) {
      const next = await source.next()
      if (next.done === true) isSourceDone = true
      else batch.push({ job: next.value, tries: 0, unauthorized: 0, readyAtMs: 0 })
    }
    return batch
  }

  async function run(batch: readonly Pending<J>[]): Promise<T[]> {
    const answers = await sendBatch(graph, { jobs: batch.map((p) => p.job), signal })
    const outputs: T[] = []
    for (const [i, pending] of batch.entries()) {
      pending.tries++
      const verdict = judge(graph, pending, answers.get(String(i)))
      if (verdict.kind === 'again') {
        graph.usage.retries++
        pending.readyAtMs = clock.monotonicMs() + verdict.waitMs
        waiting.push(pending)
        continue
      }
      try {
        const { output, follow } = options.interpret(pending.job, verdict.answer)
        if (output !== undefined) outputs.push(output)
        if (follow !== undefined) waiting.push({ job: follow, tries: 0, unauthorized: 0, readyAtMs: 0 })
      } catch (error) {
        if (!(error instanceof BadAnswer) || pending.tries >= limits.maxTries) throw asGraphError(error, pending.job)
        graph.usage.retries++
        pending.readyAtMs = clock.monotonicMs() + backoffMs(pending.tries, limits, graph.random)
        waiting.push(pending)
      }
    }
    return outputs
  }

  try {
    for (;;) {
      signal.throwIfAborted()
      while (inFlight.size < graph.limiter.concurrency) {
        const batch = await nextBatch()
        if (batch.length === 0) break
        const running = run(batch)
        inFlight.add(running)
        // handled where the race is awaited; this only keeps a second failure from being called unhandled
        running.catch(() => undefined)
      }
      if (inFlight.size > 0) {
        const { running, outputs } = await Promise.race(
          [...inFlight].map(async (r) => ({ running: r, outputs: await r })),
        )
        inFlight.delete(running)
        if (outputs.length > 0) yield outputs
      } else if (waiting.length > 0) {
        const soonest = Math.min(...waiting.map((p) => p.readyAtMs))
        await clock.sleep(Math.max(0, soonest - clock.monotonicMs()), signal)
      } else if (isSourceDone) return
    }
  } finally {
    ended.abort()
    await source.return?.()
  }
}

interface Inner {
  readonly status: number
  readonly headers: ReadonlyMap<string, string>
  readonly body: unknown
}

/** Answers by the index of the job; one that Graph left out is missing. */
async function sendBatch(
  graph: Requester,
  options: { readonly jobs: readonly Job[]; readonly signal: AbortSignal },
): Promise<ReadonlyMap<string, Inner>> {
  const { jobs, signal } = options
  const requests = jobs.map((job, i) => ({ id: String(i), method: 'GET', url: job.url }))
  const { value } = await graph.ask({
    url: graph.url('$batch'),
    method: 'POST',
    body: JSON.stringify({ requests }),
    cost: jobs.reduce((sum, job) => sum + job.cost, 0),
    accept: 'application/json',
    signal,
    read: readBatch,
  })
  // all of them, before any is judged: what ends the run must not hide another one's Retry-After
  for (const [id, inner] of value) {
    const units = Number(inner.headers.get('x-ms-resource-unit') ?? NaN)
    if (Number.isFinite(units)) graph.usage.resourceUnits += units
    else if (inner.status === 200) graph.usage.resourceUnits += jobs[Number(id)]?.cost ?? 0
    graph.limiter.nearLimit(Number(inner.headers.get('x-ms-throttle-limit-percentage') ?? 0))
    if (inner.status === 429) noteThrottling(graph, inner)
  }
  return value
}

function noteThrottling(graph: Requester, inner: Inner): void {
  const wanted = retryAfterOf(graph, inner)
  const waitMs = wanted === undefined ? undefined : clampRetryAfter(wanted, graph.limits)
  graph.usage.throttled++
  if (typeof waitMs === 'number') {
    graph.limiter.pauseFor(waitMs)
    graph.log.info('Graph asks for a pause', { ms: waitMs, what: 'inside a batch' })
  }
  graph.limiter.throttled()
}

function retryAfterOf(graph: Requester, inner: Inner): number | undefined {
  const { headers } = inner
  return parseRetryAfter(headers.get('retry-after'), { date: headers.get('date'), nowMs: graph.clock.now().getTime() })
}

function readBatch(body: Buffer): ReadonlyMap<string, Inner> {
  const responses = asRecord(parseJson(body))?.['responses']
  if (!Array.isArray(responses)) throw new BadAnswer('the answer to a batch has no responses')
  const answers = new Map<string, Inner>()
  for (const item of responses) {
    const response = asRecord(item)
    const id = response?.['id']
    const status = response?.['status']
    if (typeof id !== 'string' || typeof status !== 'number' || answers.has(id))
      throw new BadAnswer('a response in a batch has no id and status of its own')
    answers.set(id, { status, headers: headersOf(response?.['headers']), body: response?.['body'] })
  }
  return answers
}

function headersOf(value: unknown): ReadonlyMap<string, string> {
  const headers = new Map<string, string>()
  for (const [name, text] of Object.entries(asRecord(value) ?? {}))
    if (typeof text === 'string' || typeof text === 'number') headers.set(name.toLowerCase(), String(text))
  return headers
}

type Verdict =
  | { readonly kind: 'again'; readonly waitMs: number }
  | { readonly kind: 'final'; readonly answer: InnerAnswer }

function judge(graph: Requester, pending: Pending<Job>, inner: Inner | undefined): Verdict {
  const { limits } = graph
  const path = pending.job.url.split('?', 1)[0] ?? ''
  const status = inner?.status ?? 0
  const code = codeOfError(inner?.body)
  const requestId = inner?.headers.get('request-id')
  const backoff = backoffMs(pending.tries, limits, graph.random)
  const details = { status, graphCode: code, requestId, path }
  pending.unauthorized = status === 401 ? pending.unauthorized + 1 : 0
  if (inner !== undefined && status >= 200 && status < 300)
    return { kind: 'final', answer: { status, body: inner.body, code: undefined, requestId } }
  if (pending.unauthorized >= limits.maxUnauthorized)
    throw new GraphError('auth-failed', `Cannot read ${path}: Graph refuses new tokens`, { ...details, retry: 'never' })
  const isTransient = inner === undefined || status === 401 || status === 429 || (status >= 500 && status !== 501)
  if (!isTransient && code !== undefined && status >= 400)
    return { kind: 'final', answer: { status, body: inner.body, code, requestId } }
  const wanted = inner === undefined ? undefined : retryAfterOf(graph, inner)
  const waitMs = wanted === undefined ? backoff : clampRetryAfter(wanted, limits)
  if (waitMs === 'tooLong')
    throw new GraphError(
      'throttled-too-long',
      `Cannot read ${path}: Graph asks for a pause of ${pauseText(wanted ?? 0, graph.clock.now().getTime())}`,
      {
        ...details,
        retry: 'later',
        ...(wanted === undefined ? {} : { retryAfterMs: wanted }),
      },
    )
  if (pending.tries >= limits.maxTries)
    throw new GraphError(
      status === 429 ? 'throttled' : 'bad-upstream',
      `Cannot read ${path}: Graph answered ${status}`,
      {
        ...details,
        retry: 'later',
      },
    )
  return { kind: 'again', waitMs }
}

function asGraphError(error: unknown, job: Job): unknown {
  if (!(error instanceof BadAnswer)) return error
  const path = job.url.split('?', 1)[0] ?? ''
  return new GraphError('bad-upstream', `Cannot read ${path}: ${error.message}`, { path, retry: 'later', cause: error })
}

function iterate<J>(jobs: AsyncIterable<J> | Iterable<J>): AsyncIterator<J> | Iterator<J> {
  return Symbol.asyncIterator in jobs ? jobs[Symbol.asyncIterator]() : jobs[Symbol.iterator]()
}

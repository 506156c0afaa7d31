// /metrics for Prometheus: runs, requests to Microsoft and to this server, the queue. Told to this machine, and to tokens that may read.
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { RunDocument } from '../contract/runs.ts'
import { countOpenJobs } from '../registry/jobs.ts'
import { checkAccess, identify } from './guard.ts'
import type { HttpParts } from './parts.ts'

const RUN_SECONDS = [1, 5, 15, 60, 300, 900, 3_600, 14_400]
const REQUEST_SECONDS = [0.005, 0.025, 0.1, 0.5, 2, 10]

/** What is counted of a run, or of one that was taken back. */
export interface CountedRun extends Pick<RunDocument, 'source' | 'outcome'> {
  readonly ms: { readonly total: number }
  readonly graph?: RunDocument['graph']
}

/** What this process counts; the queue is the same for all servers of a database. */
export class Metrics {
  readonly registry = new Registry()
  readonly #runs = new Counter({
    name: 'muster_runs_total',
    help: 'Runs that this server has ended, by outcome.',
    labelNames: ['source', 'kind', 'outcome'],
    registers: [this.registry],
  })
  readonly #runSeconds = new Histogram({
    name: 'muster_run_duration_seconds',
    help: 'How long runs took.',
    labelNames: ['kind'],
    buckets: RUN_SECONDS,
    registers: [this.registry],
  })
  readonly #graph = new Counter({
    name: 'muster_graph_requests_total',
    help: 'Requests to Microsoft Graph; what: sent, repeated or throttled.',
    labelNames: ['what'],
    registers: [this.registry],
  })
  readonly #http = new Histogram({
    name: 'muster_http_request_duration_seconds',
    help: 'Requests to this server, by route.',
    labelNames: ['method', 'route', 'status'],
    buckets: REQUEST_SECONDS,
    registers: [this.registry],
  })

  constructor() {
    collectDefaultMetrics({ register: this.registry })
  }

  /** Taking a run back asks Microsoft nothing. */
  noteRun(kind: string, document: CountedRun): void {
    const { source, outcome, ms, graph } = document
    this.#runs.inc({ source, kind, outcome })
    this.#runSeconds.observe({ kind }, ms.total / 1_000)
    if (graph === undefined) return
    this.#graph.inc({ what: 'sent' }, graph.requests)
    this.#graph.inc({ what: 'repeated' }, graph.retries)
    this.#graph.inc({ what: 'throttled' }, graph.throttled)
  }

  noteRequest(about: {
    readonly method: string
    readonly route: string
    readonly status: number
    readonly seconds: number
  }): void {
    const { method, route, status, seconds } = about
    this.#http.observe({ method, route, status: String(status) }, seconds)
  }
}

/** Serves and fills them. Routes by their pattern: addresses carry names, and would make a series each. */
export function registerMetrics(server: FastifyInstance, metrics: Metrics, parts: HttpParts): void {
  const { db } = parts.engine
  const open = new Gauge({
    name: 'muster_jobs',
    help: 'What was asked for and is not done, by state; of all servers of the database.',
    labelNames: ['state'],
    registers: [metrics.registry],
    async collect() {
      const { queued, running } = await countOpenJobs(db)
      this.set({ state: 'queued' }, queued)
      this.set({ state: 'running' }, running)
    },
  })
  open.set({ state: 'queued' }, 0)
  server.addHook('onResponse', async (request, reply) => {
    metrics.noteRequest({
      method: request.method,
      route: request.routeOptions.url ?? 'none',
      status: reply.statusCode,
      seconds: reply.elapsedTime / 1_000,
    })
  })
  server.get('/metrics', { exposeHeadRoute: false }, async (request, reply) => {
    if (!isOfThisMachine(request)) checkAccess(await identify(parts.engine, request), { role: 'viewer', scope: 'read' })
    return reply.type(metrics.registry.contentType).send(await metrics.registry.metrics())
  })
}

/** What a proxy on this machine passes on comes from elsewhere. */
function isOfThisMachine(request: FastifyRequest): boolean {
  const { headers, socket } = request
  const isPassedOn = ['x-forwarded-for', 'x-forwarded-host', 'forwarded', 'via', 'x-real-ip'].some(
    (name) => headers[name] !== undefined,
  )
  return !isPassedOn && /^(127\.|::1$|::ffff:127\.)/.test(socket.remoteAddress ?? '')
}

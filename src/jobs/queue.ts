// The queue: delivers ids of jobs to the servers, over the same database. Delivery is not execution: an id may come twice.
import { PgBoss } from 'pg-boss'
import type { Clock } from '../base/clock.ts'
import { RunError } from '../base/errors.ts'
import type { Log } from '../base/log.ts'
import type { Database, Queries } from '../database/connect.ts'

const QUEUE = 'jobs'
/** Where pg-boss keeps its tables; nothing else lies there. */
const QUEUE_SCHEMA = 'pgboss'

/** After so long without a sign of life a delivery is given to another server. The least that pg-boss takes. */
const HEARTBEAT_SECONDS = 10
/** How often silent ones are looked for. */
const WATCH_SECONDS = 5
/** Before what could not be done yet is tried again. */
const AGAIN_SECONDS = 2
const POLL_SECONDS = 0.5
const TELL_MS = 60_000
/** pg-boss's own bound. A run that takes longer is delivered once more and found to be under way. */
const LONGEST_SECONDS = 24 * 60 * 60
/** Jobs count their tries themselves; the queue never gives up by itself. */
const RETRIES = 1_000_000

/** Does one job. Whatever it throws, the job is delivered again. `signal` aborts when the queue stops. */
export type Deliver = (id: string, signal: AbortSignal) => Promise<void>

/**
 * pg-boss on Muster's own connections: no session state, so it works behind a pooler as well. Whoever only asks starts it
 * as well and does not call `work`.
 */
export class Queue {
  readonly #boss: PgBoss
  readonly #log: Log
  readonly #clock: Clock
  #toldAt: number | undefined
  readonly #stopping = new AbortController()
  #worker: string | undefined

  constructor(db: Database, options: { readonly log: Log; readonly clock: Clock }) {
    this.#log = options.log
    this.#clock = options.clock
    this.#boss = new PgBoss({
      db: { executeSql: (sql, values) => db.query(sql, values) },
      schema: QUEUE_SCHEMA,
      schedule: false,
      registerInstance: false,
      monitorVacuum: false,
      superviseIntervalSeconds: WATCH_SECONDS,
      monitorIntervalSeconds: WATCH_SECONDS,
    })
    this.#boss.on('error', (error: unknown) => this.#tell(error))
  }

  /** Once a minute at most: without a database, or where that has no room, the queue meets an error several times a second. */
  #tell(error: unknown): void {
    const now = this.#clock.monotonicMs()
    if (this.#toldAt !== undefined && now - this.#toldAt < TELL_MS) return
    this.#toldAt = now
    const code = error instanceof RunError ? error.code : error instanceof Error ? error.name : 'unknown'
    this.#log.warn('the queue met an error and goes on', { what: 'queue', code })
  }

  /** Makes or brings up to date the tables of the queue. */
  async start(): Promise<void> {
    await this.#boss.start({ attempts: 3 })
    await this.#boss.createQueue(QUEUE, { policy: 'exclusive' })
    await this.#boss.updateQueue(QUEUE, {
      retryLimit: RETRIES,
      retryDelay: AGAIN_SECONDS,
      expireInSeconds: LONGEST_SECONDS,
      heartbeatSeconds: HEARTBEAT_SECONDS,
      deleteAfterSeconds: 3_600,
    })
  }

  /** Has it delivered once the transaction is committed. What is being delivered already stays as it is. */
  async send(tx: Queries, id: string): Promise<void> {
    await this.#boss.send(
      QUEUE,
      { id },
      { singletonKey: id, db: { executeSql: (sql, values) => tx.query(sql, values) } },
    )
  }

  /** Looks for deliveries now rather than within a second. */
  wake(): void {
    if (this.#worker !== undefined) this.#boss.notifyWorker(this.#worker)
  }

  /** Takes deliveries, at most `atOnce` at a time. */
  async work(deliver: Deliver, options: { readonly atOnce: number }): Promise<void> {
    this.#worker = await this.#boss.work<{ id: string }>(
      QUEUE,
      { batchSize: 1, localConcurrency: options.atOnce, pollingIntervalSeconds: POLL_SECONDS },
      async (jobs) => {
        for (const job of jobs) await deliver(job.data.id, this.#stopping.signal)
      },
    )
  }

  /** Takes no more deliveries, aborts those in hand, and waits for them; what is not done by then another server gets. */
  async stop(options: { readonly reason: Error; readonly withinMs: number }): Promise<void> {
    this.#stopping.abort(options.reason)
    await this.#boss.stop({ graceful: true, close: false, timeout: options.withinMs })
    this.#log.debug('the queue has stopped')
  }
}

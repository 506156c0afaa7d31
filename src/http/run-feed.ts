// Runs as they go on, for any number of watchers: each run is looked at once a second, however many watch it and wherever it runs.
import type { Clock } from '../base/clock.ts'
import type { Progress, RunEvent } from '../contract/api/runs.ts'
import type { RunLine } from '../contract/run-list.ts'
import type { RunLogLine } from '../contract/run-log.ts'
import type { Queries } from '../database/connect.ts'
import { listRunLog } from '../registry/run-log.ts'
import { progressOf, requireRun } from '../registry/runs.ts'

const POLL_MS = 1_000
/** Lines that are read at once. */
const LINES = 1_000

/** What is known of a run that is watched. */
interface Feed {
  watchers: number
  readonly lines: RunLogLine[]
  progress: { readonly at: string; readonly progress: Progress } | undefined
  ended: RunLine | undefined
  failed: { readonly error: unknown } | undefined
  /** Resolves when something of this has changed, and is replaced. */
  changed: PromiseWithResolvers<void>
}

export class RunFeeds {
  readonly #feeds = new Map<number, Feed>()
  readonly #parts: {
    readonly db: Queries
    readonly clock: Clock
    readonly present: (run: number) => Promise<RunLine>
  }

  constructor(parts: {
    readonly db: Queries
    readonly clock: Clock
    readonly present: (run: number) => Promise<RunLine>
  }) {
    this.#parts = parts
  }

  /** Events of a run from the log line after `after`; the last one is `ended`. The run must exist. */
  async *watch(
    run: number,
    options: { readonly after: number; readonly signal: AbortSignal },
  ): AsyncGenerator<RunEvent> {
    const feed = this.#join(run)
    const { signal } = options
    let wake = () => {}
    const onAbort = () => wake()
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      let sent = options.after
      let told: Feed['progress']
      while (!signal.aborted) {
        const changed = feed.changed.promise
        for (const line of feed.lines) {
          if (line.seq <= sent) continue
          sent = line.seq
          yield { type: 'log', line }
        }
        if (feed.progress !== undefined && feed.progress !== told) {
          told = feed.progress
          yield { type: 'progress', ...told }
        }
        if (feed.ended !== undefined) {
          yield { type: 'ended', line: feed.ended }
          return
        }
        if (feed.failed !== undefined) throw feed.failed.error
        // Each wait has its own promise: one that lasted as long as the run would keep what waited for it, once a second.
        await new Promise<void>((resolve) => {
          wake = resolve
          void changed.then(resolve)
          if (signal.aborted) resolve()
        })
      }
    } finally {
      signal.removeEventListener('abort', onAbort)
      feed.watchers -= 1
    }
  }

  /** Events of several runs as they come, each with its run, until all of these have ended. They must exist. */
  async *watchAll(
    runs: readonly { readonly run: number; readonly after: number }[],
    signal: AbortSignal,
  ): AsyncGenerator<{ readonly run: string; readonly event: RunEvent }> {
    const end = new AbortController()
    const until = AbortSignal.any([signal, end.signal])
    const come: { readonly run: string; readonly event: RunEvent; readonly taken: () => void }[] = []
    let more = Promise.withResolvers<void>()
    // Each run has one event in the queue at most: who reads slowly fills no memory.
    const follow = async ({ run, after }: (typeof runs)[number]) => {
      for await (const event of this.watch(run, { after, signal: until })) {
        // Left here, the events of the run are ended too.
        if (until.aborted) return
        await new Promise<void>((taken) => {
          come.push({ run: String(run), event, taken })
          more.resolve()
        })
      }
    }
    let going = runs.length
    let failed: { readonly error: unknown } | undefined
    const following = runs.map((one) =>
      follow(one)
        .catch((error: unknown) => {
          failed ??= { error }
        })
        .finally(() => {
          going -= 1
          more.resolve()
        }),
    )
    try {
      for (;;) {
        const next = come.shift()
        if (next !== undefined) {
          next.taken()
          yield { run: next.run, event: next.event }
          continue
        }
        if (failed !== undefined) throw failed.error
        if (going === 0) return
        await more.promise
        more = Promise.withResolvers()
      }
    } finally {
      end.abort()
      for (const { taken } of come) taken()
      await Promise.allSettled(following)
    }
  }

  #join(run: number): Feed {
    const known = this.#feeds.get(run)
    if (known !== undefined) {
      known.watchers += 1
      return known
    }
    const feed: Feed = {
      watchers: 1,
      lines: [],
      progress: undefined,
      ended: undefined,
      failed: undefined,
      changed: Promise.withResolvers(),
    }
    this.#feeds.set(run, feed)
    void this.#follow(run, feed)
    return feed
  }

  async #follow(run: number, feed: Feed): Promise<void> {
    const { clock } = this.#parts
    try {
      while (feed.watchers > 0) {
        const hasEnded = await this.#look(run, feed)
        this.#tell(feed)
        if (hasEnded) break
        await clock.sleep(POLL_MS)
      }
    } catch (error) {
      feed.failed = { error }
    }
    // Whoever comes now begins anew.
    this.#feeds.delete(run)
    this.#tell(feed)
  }

  async #look(run: number, feed: Feed): Promise<boolean> {
    const { db, clock, present } = this.#parts
    // Asked before the lines: the last ones are written together with the end.
    const row = await requireRun(db, run)
    for (;;) {
      const lines = await listRunLog(db, run, { after: feed.lines.at(-1)?.seq ?? 0, limit: LINES })
      feed.lines.push(...lines)
      if (lines.length < LINES) break
    }
    const progress = progressOf(row)
    if (progress !== null && JSON.stringify(progress) !== JSON.stringify(feed.progress?.progress))
      feed.progress = { at: clock.now().toISOString(), progress }
    if (row.state === 'ended') feed.ended = await present(run)
    return row.state === 'ended'
  }

  #tell(feed: Feed): void {
    const before = feed.changed
    feed.changed = Promise.withResolvers()
    before.resolve()
  }
}

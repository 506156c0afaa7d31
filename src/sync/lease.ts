// Holding a source for one run: taking it, telling that the run is alive, noticing a cancellation, letting go.
import type { Clock } from '../base/clock.ts'
import { BusyError, CancelledError, RunError } from '../base/errors.ts'
import { thisProcess } from '../base/process.ts'
import type { Queries } from '../database/connect.ts'
import type { Transaction } from '../database/transaction.ts'
import { appendRunLog } from '../registry/run-log.ts'
import { beat, beginRun, INTERRUPTED, type NewRun } from '../registry/running.ts'
import { requireRun, type RunKind } from '../registry/runs.ts'
import { noteEnd } from './conclude.ts'
import { requireOriginal } from './copied.ts'
import { emptyDocument } from './document.ts'
import { createRunLog, type RunLog } from './run-log.ts'
import type { Engine, RunProgress } from './engine.ts'

/** How long `sync` waits for a source that somebody else runs. */
const WAIT_MS = 60_000
const POLL_MS = 500
/** Well under the 30 s after which another host takes a silent run over; also how soon a cancellation is noticed. */
const BEAT_MS = 1_000

/** A source that is held for a run. */
export interface Lease {
  readonly runId: number
  readonly sourceId: number
  readonly kind: RunKind
  /** Of one user only. */
  readonly isPartial: boolean
  readonly fence: number
  /** Aborts with {@link CancelledError}, or with RunError `fence-lost`. */
  readonly signal: AbortSignal
  /** Milliseconds since the lease was taken. */
  elapsedMs(): number
  report(progress: RunProgress): void
  /** Where the run logs; stored with it, with every heartbeat and with its end. */
  readonly log: RunLog
  release(): Promise<void>
}

export interface LeaseRequest {
  readonly run: Omit<NewRun, 'holder'>
  readonly sourceName: string
  /** Of one user only. */
  readonly isPartial?: boolean
  readonly wait: boolean
  /** In the transaction that begins the run. */
  readonly onBegun?: ((tx: Transaction, runId: number) => Promise<void>) | undefined
  readonly signal: AbortSignal
  readonly onProgress: (progress: RunProgress) => void
}

/**
 * Takes the source, waiting up to 60 s where `wait` says so.
 *
 * @throws ConflictError `copied`; BusyError when somebody else runs it; CancelledError when `signal` aborts while waiting
 */
export async function takeLease(engine: Engine, request: LeaseRequest): Promise<Lease> {
  const { clock, db } = engine
  const since = clock.monotonicMs()
  if (request.run.kind !== 'plan') await requireOriginal(engine)
  for (;;) {
    if (request.signal.aborted) throw new CancelledError()
    const begun = await beginRun(
      db,
      { ...request.run, isPartial: request.isPartial, holder: thisProcess() },
      {
        onTakenOver: (tx, runId) => noteInterrupted(engine, tx, { runId, sourceId: request.run.sourceId }),
        onBegun: request.onBegun,
      },
    )
    if (begun.kind === 'begun') return hold(engine, { request, runId: begun.runId, fence: begun.fence })
    const busy = `Source ${JSON.stringify(request.sourceName)} is being run by process ${begun.pid} on ${begun.host} (run ${begun.run})`
    if (!request.wait)
      throw new BusyError(`${busy}; try again later, or stop that run with: muster cancel ${begun.run}`)
    if (clock.monotonicMs() - since >= WAIT_MS)
      throw new BusyError(`${busy} and did not end within ${WAIT_MS / 1000} s; try again later`)
    request.onProgress({ phase: 'waiting', done: 0, total: undefined })
    await sleep(clock, POLL_MS, request.signal)
  }
}

/** Whoever takes over a run whose process is gone tells about its end: it cannot do so itself any more. */
async function noteInterrupted(
  engine: Engine,
  tx: Queries,
  place: { readonly runId: number; readonly sourceId: number },
): Promise<void> {
  const run = await requireRun(tx, place.runId)
  const error = { code: 'interrupted', message: INTERRUPTED, requestId: null }
  const document = { ...emptyDocument(run.id, run.source, run.mode), error }
  await noteEnd(engine, tx, { ...place, kind: run.kind, isPartial: run.only !== null, document, place: undefined })
}

function hold(
  engine: Engine,
  held: { readonly request: LeaseRequest; readonly runId: number; readonly fence: number },
): Lease {
  const { clock, db } = engine
  const { request, runId, fence } = held
  const log = createRunLog(engine.log, clock)
  const seen = new Set<RunProgress['phase']>()
  const cancel = new AbortController()
  const stop = new AbortController()
  const since = clock.monotonicMs()
  let progress: RunProgress = { phase: 'waiting', done: 0, total: undefined }
  const onAbort = () =>
    cancel.abort(request.signal.reason instanceof CancelledError ? request.signal.reason : new CancelledError())
  if (request.signal.aborted) onAbort()
  else request.signal.addEventListener('abort', onAbort, { once: true })

  const beating = (async () => {
    while (!stop.signal.aborted) {
      await sleep(clock, BEAT_MS, stop.signal)
      if (stop.signal.aborted) return
      try {
        const answer = await beat(db, runId, {
          phase: progress.phase,
          done: progress.done,
          total: progress.total ?? null,
        })
        await storeLog(db, runId, log)
        if (answer.cancelRequested) cancel.abort(new CancelledError('cancelled by an administrator'))
        if (answer.lost)
          cancel.abort(
            new RunError(
              'fence-lost',
              'Another run took the source over; nothing more is written. Look at the later run.',
            ),
          )
      } catch (error) {
        // The run itself meets the same database and says what is wrong; a missed beat alone harms nothing.
        log.debug('heartbeat failed', {
          runId: String(runId),
          code: error instanceof RunError ? error.code : 'unknown',
        })
      }
    }
  })()

  return {
    runId,
    sourceId: request.run.sourceId,
    kind: request.run.kind,
    isPartial: request.isPartial ?? false,
    fence,
    signal: cancel.signal,
    log,
    elapsedMs: () => Math.round(clock.monotonicMs() - since),
    report(next) {
      progress = next
      // Phases of reading run side by side: each is told when it begins.
      if (!seen.has(next.phase)) log.info('phase begins', { phase: next.phase })
      seen.add(next.phase)
      request.onProgress(next)
    },
    async release() {
      stop.abort()
      request.signal.removeEventListener('abort', onAbort)
      await beating
    },
  }
}

async function storeLog(db: Engine['db'], runId: number, log: RunLog): Promise<void> {
  const lines = log.pending()
  await appendRunLog(db, runId, lines)
  log.stored(lines.at(-1)?.seq ?? 0)
}

/** Sleeps; an abort ends it early and is not an error here. */
async function sleep(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  try {
    await clock.sleep(ms, signal)
  } catch (error) {
    if (!signal.aborted) throw error
  }
}

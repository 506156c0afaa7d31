// Takes alerts from the outbox to the sinks. Whoever runs does it after his run; a server does it all the time.
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Queries } from '../database/connect.ts'
import { type Sink, SinkError } from './alert.ts'
import { markDelivered, markFailed, takeDue } from './outbox.ts'

const MINUTE_MS = 60_000
/** Pauses between the tries of one alert: the first, and the longest. */
const FIRST_PAUSE_MS = MINUTE_MS
const LONGEST_PAUSE_MS = 24 * 60 * MINUTE_MS
/** In one go; the others wait for the next. A flood of alerts must not keep a run from ending. */
const MOST_AT_ONCE = 50

export interface DeliveryOptions {
  readonly clock: Clock
  readonly random: () => number
  readonly log: Log
  /** Ends it early; what was not sent by then is sent next time. */
  readonly signal: AbortSignal
}

/**
 * Sends what waits. A sink that does not take an alert is left alone until next time; the others go on. Never throws for a
 * sink's sake.
 */
export async function deliverAlerts(
  db: Queries,
  sinks: readonly Sink[],
  options: DeliveryOptions,
): Promise<{ readonly delivered: number; readonly failed: number }> {
  const done = await Promise.all(sinks.map((sink) => empty(db, sink, options)))
  return {
    delivered: done.reduce((sum, one) => sum + one.delivered, 0),
    failed: done.reduce((sum, one) => sum + one.failed, 0),
  }
}

async function empty(db: Queries, sink: Sink, options: DeliveryOptions) {
  const { clock, random, log, signal } = options
  for (let delivered = 0; ; delivered += 1) {
    if (signal.aborted || delivered === MOST_AT_ONCE) return { delivered, failed: 0 }
    const alert = await takeDue(db, sink.name, clock.now())
    if (alert === undefined) return { delivered, failed: 0 }
    const delivery = { id: alert.id, sink: sink.name }
    try {
      await sink.send(alert, signal)
    } catch (error) {
      const problem = problemOf(error, signal)
      if (problem === undefined) throw error
      const full = Math.min(FIRST_PAUSE_MS * 2 ** (alert.tries - 1), LONGEST_PAUSE_MS)
      await markFailed(db, { ...delivery, problem, pauseMs: full * (0.8 + 0.2 * random()) }, clock.now())
      log.warn('an alert could not be delivered', { code: sink.name, attempt: alert.tries })
      return { delivered, failed: 1 }
    }
    await markDelivered(db, delivery, clock.now())
  }
}

/** Undefined for mistakes of ours. */
function problemOf(error: unknown, signal: AbortSignal): string | undefined {
  if (error instanceof SinkError) return error.message
  return signal.aborted ? 'it did not answer in time' : undefined
}

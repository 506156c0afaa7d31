// Time for tests that wait without waiting: it jumps to the next timer as soon as nothing else is going on.
import type { Clock } from '../../src/base/clock.ts'

export interface VirtualClock extends Clock {
  /** Moves time ahead and wakes whoever was due. */
  advance(ms: number): void
  /** Lengths of all sleeps that were begun, shorter than the horizon, in order. */
  readonly slept: readonly number[]
}

interface Timer {
  readonly at: number
  readonly wake: () => void
}

/**
 * For code whose input and output is in this process. Sleeps of `horizonMs` and longer (deadlines of requests) never
 * end by themselves, only by `advance` or their signal: that something is being computed must not look like silence.
 */
export function virtualClock(
  options: { readonly startsAt?: string; readonly horizonMs?: number; readonly idleTurns?: number } = {},
): VirtualClock {
  const start = Date.parse(options.startsAt ?? '2026-11-02T08:00:00Z')
  const horizonMs = options.horizonMs ?? 50_000_000
  const timers: Timer[] = []
  const slept: number[] = []
  let nowMs = 0
  let turns = 0
  let isWatching = false

  function wakeDue(): void {
    for (const timer of timers.filter((t) => t.at <= nowMs).sort((a, b) => a.at - b.at)) timer.wake()
  }

  /** Jumps after some turns of the event loop in which no sleep began. */
  function watch(): void {
    if (turns-- > 0) {
      setImmediate(watch)
      return
    }
    const next = timers.filter((t) => t.at - nowMs < horizonMs).sort((a, b) => a.at - b.at)[0]
    if (next !== undefined) {
      nowMs = Math.max(nowMs, next.at)
      wakeDue()
    }
    isWatching = timers.some((t) => t.at - nowMs < horizonMs)
    turns = options.idleTurns ?? 10
    if (isWatching) setImmediate(watch)
  }

  return {
    now: () => new Date(start + nowMs),
    monotonicMs: () => nowMs,
    sleep(ms, signal) {
      return new Promise((resolve, reject) => {
        if (signal?.aborted) {
          reject(signal.reason)
          return
        }
        const finish = () => {
          const at = timers.indexOf(timer)
          if (at >= 0) timers.splice(at, 1)
          signal?.removeEventListener('abort', onAbort)
        }
        const onAbort = () => {
          finish()
          reject(signal?.reason)
        }
        const timer: Timer = {
          at: nowMs + ms,
          wake() {
            finish()
            resolve()
          },
        }
        timers.push(timer)
        signal?.addEventListener('abort', onAbort, { once: true })
        if (ms >= horizonMs) return
        slept.push(ms)
        turns = options.idleTurns ?? 10
        if (!isWatching) {
          isWatching = true
          setImmediate(watch)
        }
      })
    },
    advance(ms) {
      nowMs += ms
      wakeDue()
    },
    slept,
  }
}

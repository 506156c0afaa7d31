// Time that can be moved: the emulator's tokens, secrets, delta links and quotas age by it.
import type { Clock } from '../base/clock.ts'

/** A clock that runs with another one, ahead of it by what it was advanced. */
export interface MovableClock extends Clock {
  /** Moves wall clock and monotonic clock forward together. */
  advance(ms: number): void
}

export function createMovableClock(base: Clock): MovableClock {
  let aheadMs = 0
  return {
    now: () => new Date(base.now().getTime() + aheadMs),
    monotonicMs: () => base.monotonicMs() + aheadMs,
    sleep: (ms, signal) => base.sleep(ms, signal),
    advance(ms) {
      if (!(ms >= 0)) throw new RangeError('a clock only goes forward')
      aheadMs += ms
    },
  }
}

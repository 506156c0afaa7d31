// How many requests may be in flight to one tenant, and when the next one may go. Shared by everything that reads it.
import type { Clock } from '../base/clock.ts'
import type { Limits } from './limits.ts'

export interface Limiter {
  /**
   * Waits until a request may be sent: no pause, room among the requests in flight, units left. First come, first served.
   * Every acquired slot must be released exactly once. Rejects with the signal's reason.
   */
  acquire(cost: number, signal: AbortSignal): Promise<void>
  /** Gives the slot back. Answers without throttling in between let the concurrency grow. */
  release(outcome: 'answered' | 'failed'): void
  /** Graph answered 429: halves the concurrency, once a second or pause, however many were refused together. */
  throttled(): void
  /** Nobody sends for `ms` from now. A floor: a shorter pause never shortens a longer one. */
  pauseFor(ms: number): void
  /** Milliseconds until the pause is over; 0 when there is none. */
  remainingPauseMs(): number
  /** All the time spent in pauses so far, for clocks that must not count them. */
  pausedTotalMs(): number
  /** Corrects the budget by what Graph reports of its own limit (`x-ms-throttle-limit-percentage`, 0.8 and above). */
  nearLimit(share: number): void
  /** Graph's limit depends on the number of users in the tenant. */
  setTenantUsers(count: number): void
  /** Requests that may be in flight now. */
  readonly concurrency: number
}

interface Waiter {
  readonly cost: number
  readonly go: () => void
}

/**
 * Additive increase, multiplicative decrease, over a budget of resource units that begins to count when Graph says that
 * the tenant is near its limit. Until then the documented quota is not enforced here: Graph warns from 80 % on, and the
 * last 20 % (700 to 1,600 units) are more than what is in flight.
 *
 * @see https://learn.microsoft.com/graph/throttling-limits (2026-02-06)
 */
export function createLimiter(options: { readonly clock: Clock; readonly limits: Limits }): Limiter {
  const { clock, limits } = options
  const queue: Waiter[] = []
  let active = 0
  let limit = Math.min(limits.startConcurrency, limits.maxConcurrency)
  let steadySince = clock.monotonicMs()
  let pausedUntil = 0
  let pausedFrom = 0
  let pausedBefore = 0
  let halveAgainAt = 0
  let unitsPerWindow = 8_000
  let budget: { balance: number; at: number; until: number; readonly factor: number } | undefined
  let wake: AbortController | undefined

  const pausedTotalMs = () => {
    const now = clock.monotonicMs()
    return pausedBefore + Math.max(0, Math.min(now, pausedUntil) - pausedFrom)
  }

  /** Milliseconds until the budget allows a request; it may be overdrawn by one request, never started in debt. */
  function budgetWaitMs(now: number): number {
    if (budget === undefined) return 0
    if (now > budget.until) {
      budget = undefined
      return 0
    }
    const perMs = (unitsPerWindow / WINDOW_MS) * budget.factor
    budget.balance = Math.min(budget.balance + (now - budget.at) * perMs, unitsPerWindow * BURST)
    budget.at = now
    // whole milliseconds: a debt of rounding errors would be waited for without end
    return budget.balance >= 0 ? 0 : Math.ceil(-budget.balance / perMs)
  }

  function pump(): void {
    while (queue.length > 0 && active < limit) {
      const now = clock.monotonicMs()
      const waitMs = Math.max(pausedUntil - now, budgetWaitMs(now))
      if (waitMs > 0) {
        sleepUntilWoken(waitMs)
        return
      }
      const next = queue.shift()
      if (next === undefined) return
      active++
      if (budget !== undefined) budget.balance -= next.cost
      next.go()
    }
    if (queue.length === 0) stopSleeping()
  }

  function sleepUntilWoken(ms: number): void {
    if (wake !== undefined) return
    const controller = new AbortController()
    wake = controller
    void wakeUp(clock.sleep(ms, controller.signal))
  }

  async function wakeUp(slept: Promise<void>): Promise<void> {
    try {
      await slept
    } catch {
      return // only ever aborted by stopSleeping
    }
    wake = undefined
    pump()
  }

  function stopSleeping(): void {
    wake?.abort()
    wake = undefined
  }

  return {
    acquire(cost, signal) {
      return new Promise((resolve, reject) => {
        if (signal.aborted) {
          reject(signal.reason)
          return
        }
        const onAbort = () => {
          queue.splice(queue.indexOf(waiter), 1)
          if (queue.length === 0) stopSleeping()
          reject(signal.reason)
        }
        const waiter: Waiter = {
          cost,
          go() {
            signal.removeEventListener('abort', onAbort)
            resolve()
          },
        }
        signal.addEventListener('abort', onAbort, { once: true })
        queue.push(waiter)
        pump()
      })
    },
    release(outcome) {
      const now = clock.monotonicMs()
      const wasFull = active >= limit
      active--
      if (outcome === 'answered' && wasFull && now - steadySince >= limits.cleanIntervalMs) {
        limit = Math.min(limits.maxConcurrency, limit + 1)
        steadySince = now
      }
      pump()
    },
    throttled() {
      const now = clock.monotonicMs()
      steadySince = Math.max(now, pausedUntil)
      if (now < halveAgainAt) return
      limit = Math.max(1, Math.floor(limit / 2))
      halveAgainAt = Math.max(now + HALVE_INTERVAL_MS, pausedUntil)
    },
    pauseFor(ms) {
      const now = clock.monotonicMs()
      if (now + ms <= pausedUntil) return
      if (now >= pausedUntil) {
        pausedBefore = pausedTotalMs()
        pausedFrom = now
      }
      pausedUntil = now + ms
      stopSleeping()
      pump()
    },
    remainingPauseMs: () => Math.max(0, pausedUntil - clock.monotonicMs()),
    pausedTotalMs,
    nearLimit(share) {
      if (!(share >= NEAR)) return
      const now = clock.monotonicMs()
      budgetWaitMs(now)
      const factor = Math.min(1, Math.max(LEAST_FACTOR, (1 - share) / (1 - NEAR)))
      budget = { balance: budget?.balance ?? 0, at: now, until: now + WINDOW_MS, factor }
    },
    setTenantUsers(count) {
      unitsPerWindow = count < 50 ? 3_500 : count <= 500 ? 5_000 : 8_000
    },
    get concurrency() {
      return limit
    },
  }
}

const WINDOW_MS = 10_000
/** Requests refused together count as one refusal. */
const HALVE_INTERVAL_MS = 1_000
/** Share of the limit from which Graph reports it. There the full quota is spent, at 1 next to nothing. */
const NEAR = 0.8
const LEAST_FACTOR = 0.1
/** Share of the quota that may be saved up while near it. */
const BURST = 0.05

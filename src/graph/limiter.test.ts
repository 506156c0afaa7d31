import { describe, expect, it } from 'vitest'
import { virtualClock } from '../../test/support/virtual-clock.ts'
import { createLimiter } from './limiter.ts'
import { DEFAULT_LIMITS } from './limits.ts'

const { signal } = new AbortController()

function setUp(limits: Partial<typeof DEFAULT_LIMITS> = {}) {
  const clock = virtualClock()
  return { clock, limiter: createLimiter({ clock, limits: { ...DEFAULT_LIMITS, ...limits } }) }
}

describe('limiter', () => {
  it('T1: nobody sends during a pause, and a shorter pause does not shorten a longer one', async () => {
    const { clock, limiter } = setUp()
    limiter.pauseFor(7_000)
    limiter.pauseFor(2_000)

    await Promise.all(
      Array.from({ length: 5 }, async () => {
        await limiter.acquire(1, signal)
        expect(clock.monotonicMs()).toBeGreaterThanOrEqual(7_000)
        limiter.release('answered')
      }),
    )

    expect(limiter.pausedTotalMs()).toBe(7_000)
  })

  it('T1: a pause that begins while others wait holds them too', async () => {
    const { clock, limiter } = setUp()
    limiter.pauseFor(1_000)
    const waiting = limiter.acquire(1, signal)
    limiter.pauseFor(5_000)

    await waiting

    expect(clock.monotonicMs()).toBe(5_000)
  })

  it('T1: refusals halve the requests in flight once, however many came together, and clean time brings them back', async () => {
    const { clock, limiter } = setUp({ startConcurrency: 8, maxConcurrency: 9 })
    for (let i = 0; i < 8; i++) limiter.throttled()
    expect(limiter.concurrency).toBe(4)
    clock.advance(1_000)
    limiter.throttled()
    expect(limiter.concurrency).toBe(2)

    for (let i = 0; i < 60; i++) {
      const busy = limiter.concurrency
      for (let n = 0; n < busy; n++) await limiter.acquire(1, signal)
      clock.advance(500)
      for (let n = 0; n < busy; n++) limiter.release('answered')
    }

    expect(limiter.concurrency).toBe(9)
  })

  it('no more requests are in flight than the limit, first come first served', async () => {
    const { limiter } = setUp({ startConcurrency: 2 })
    const order: number[] = []
    const acquired = [0, 1, 2, 3].map(async (n) => {
      await limiter.acquire(1, signal)
      order.push(n)
    })
    await Promise.all(acquired.slice(0, 2))
    expect(order).toEqual([0, 1])

    limiter.release('answered')
    limiter.release('failed')
    await Promise.all(acquired)

    expect(order).toEqual([0, 1, 2, 3])
  })

  it('waiting ends at once with the signal, and others keep their turn', async () => {
    const { limiter } = setUp({ startConcurrency: 1 })
    await limiter.acquire(1, signal)
    const controller = new AbortController()
    const cancelled = limiter.acquire(1, controller.signal)
    const patient = limiter.acquire(1, signal)
    const reason = new Error('cancelled')

    controller.abort(reason)

    await expect(cancelled).rejects.toBe(reason)
    limiter.release('answered')
    await patient
    await expect(limiter.acquire(1, AbortSignal.abort(reason))).rejects.toBe(reason)
  })

  it.each([
    [0.8, 1_000, 8_000],
    [0.9, 1_000, 4_000],
    [1.5, 1_000, 800],
    [0.8, 500, 5_000],
    [0.8, 49, 3_500],
    [0.9, 49, 1_750],
  ])('T1: at a reported share of %s of %s users at most %s units are spent in 10 s', async (share, users, expected) => {
    const { clock, limiter } = setUp()
    limiter.setTenantUsers(users)
    let spent = 0
    while (clock.monotonicMs() < 10_000) {
      limiter.nearLimit(share)
      await limiter.acquire(40, signal)
      limiter.release('answered')
      spent += 40
    }

    expect(spent).toBeLessThanOrEqual(expected + 80)
    expect(spent).toBeGreaterThanOrEqual(expected * 0.9)
  })

  it('without a report nothing is held back', async () => {
    const { clock, limiter } = setUp()
    limiter.nearLimit(0)
    limiter.nearLimit(Number.NaN)

    for (let i = 0; i < 1_000; i++) {
      await limiter.acquire(40, signal)
      limiter.release('answered')
    }

    expect(clock.monotonicMs()).toBe(0)
  })
})

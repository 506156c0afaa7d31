import { describe, expect, it } from 'vitest'
import { backoffMs, clampRetryAfter, parseRetryAfter } from './backoff.ts'
import { DEFAULT_LIMITS } from './limits.ts'

const nowMs = Date.parse('2026-11-02T08:00:00Z')
const date = 'Mon, 02 Nov 2026 08:00:00 GMT'

describe('Retry-After', () => {
  it.each([
    ['7', 7_000],
    ['2.128', 2_128],
    [' 30 ', 30_000],
    ['0', 0],
    ['-5', -5_000],
    ['86400', 86_400_000],
    ['Mon, 02 Nov 2026 08:00:30 GMT', 30_000],
    ['Monday, 02-Nov-26 08:01:00 GMT', 60_000],
    ['Mon, 02 Nov 2026 07:59:30 GMT', -30_000],
    ['abc', undefined],
    ['', undefined],
    ['12 parsecs', undefined],
    ['1e3', undefined],
    ['Infinity', undefined],
    ['NaN', undefined],
    ['0x10', undefined],
    [undefined, undefined],
  ])('T2: %j asks for %j ms', (value, expected) => {
    expect(parseRetryAfter(value, { date, nowMs })).toBe(expected)
  })

  it("T2: a date counts from the answer's own date, so that a wrong clock here does not matter", () => {
    const wrongClock = nowMs + 3_600_000

    const waitMs = parseRetryAfter('Mon, 02 Nov 2026 08:00:30 GMT', { date, nowMs: wrongClock })

    expect(waitMs).toBe(30_000)
  })

  it.each([
    [-5_000, 1_000],
    [0, 1_000],
    [999, 1_000],
    [2_128, 2_128],
    [900_000, 900_000],
    [900_001, 'tooLong'],
    [86_400_000, 'tooLong'],
  ])('T2: %j ms is taken as %j', (ms, expected) => {
    expect(clampRetryAfter(ms, DEFAULT_LIMITS)).toBe(expected)
  })
})

describe('backoff', () => {
  it('T1: without Retry-After the waits double up to a cap, and jitter takes at most half of them', () => {
    const waits = (random: number) => [1, 2, 3, 4, 5, 9].map((n) => backoffMs(n, DEFAULT_LIMITS, () => random))

    expect(waits(0)).toEqual([250, 500, 1_000, 2_000, 4_000, 10_000])
    expect(waits(0.999_999).map(Math.round)).toEqual([500, 1_000, 2_000, 4_000, 8_000, 20_000])
  })
})

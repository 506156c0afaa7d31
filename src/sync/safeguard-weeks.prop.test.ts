// The safeguard in ordinary life: 1,000 weeks in which nothing is wrong, and the start of a school year in each of them.
import { describe, expect, it } from 'vitest'
import { optionsOfWeek, weekOf } from '../../test/support/ordinary-weeks.ts'
import { playWeek } from '../../test/support/week-outcome.ts'
import { sourceSettings } from '../contract/sources.ts'

const LIMITS = sourceSettings.parse({ connection: 'c' }).safeguard!
const WEEKS = Array.from({ length: 1000 }, (_, n) => n)

describe('1,000 ordinary weeks of 1,000 to 100,000 people', () => {
  it('at most one in a hundred has a plan held', () => {
    const alarms = WEEKS.flatMap((n) => {
      const { held } = playWeek(weekOf(n, optionsOfWeek(n, { from: 1000, to: 100_000 })), LIMITS)
      return held.length === 0 ? [] : [{ n, held }]
    })

    expect(alarms.length, JSON.stringify(alarms.slice(0, 3))).toBeLessThanOrEqual(10)
  })

  it('also for tenants of 20 to 1,000 people', () => {
    const alarms = WEEKS.flatMap((n) => {
      const { held } = playWeek(weekOf(n, optionsOfWeek(n, { from: 20, to: 1000 })), LIMITS)
      return held.length === 0 ? [] : [{ n, held }]
    })

    expect(alarms.length, JSON.stringify(alarms.slice(0, 3))).toBeLessThanOrEqual(10)
  })

  it('the start of a school year is held in every one, at once or spread over a day, before the limit is passed', () => {
    const missed = WEEKS.flatMap((n) => {
      const options = { ...optionsOfWeek(n, { from: 1000, to: 100_000 }), schoolYearOn: 1 + (n % 5) }
      const { held, removedAtMost } = playWeek(weekOf(n, options), LIMITS)
      // 10 %, at most 500; a tenant that grew by then may lose a few more.
      const most = Math.min(500, options.users * 0.1 * 1.02)
      const isHeld = held.some((reason) => reason.rule === 'removals.users')
      return isHeld && removedAtMost <= most ? [] : [{ n, options, held, removedAtMost }]
    })

    expect(missed.slice(0, 3)).toEqual([])
  })
})

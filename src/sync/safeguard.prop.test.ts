// The safeguard against the specification's formulas, written out a second time: thousands of plans of every size and cause.
import { describe, expect, it } from 'vitest'
import { safeguardCases, SIZES } from '../../test/support/safeguard-cases.ts'
import { expectedRules } from '../../test/support/safeguard-expected.ts'
import { holdReasons, NOTHING_SPENT } from './safeguard.ts'

const CASES = safeguardCases(20_261_122)

describe('the safeguard table', () => {
  it('has at least 2,000 cases, of every size from 1 to 100,000 users, both held and not', () => {
    expect(CASES.length).toBeGreaterThanOrEqual(2000)
    const held = CASES.filter((c) => expectedRules(c.figures, c.limits, c.always).length > 0)
    expect(held.length).toBeGreaterThan(CASES.length / 5)
    expect(held.length).toBeLessThan((CASES.length * 4) / 5)
    expect(SIZES.every((size) => held.some((c) => c.figures.usersBefore === size))).toBe(true)
  })

  it('every case is held for exactly the reasons of the specification, and none over its limits is let through', () => {
    const wrong = CASES.flatMap((c) => {
      const reasons = holdReasons(c.figures, { limits: c.limits, always: c.always, spent: NOTHING_SPENT })
      const rules = reasons.map((r) => r.rule).sort()
      const expected = expectedRules(c.figures, c.limits, c.always)
      const isSound = reasons.every((r) => r.count > r.limit)
      return isSound && JSON.stringify(rules) === JSON.stringify(expected) ? [] : [{ name: c.name, rules, expected }]
    })

    expect(wrong.slice(0, 5)).toEqual([])
  })
})

import { describe, expect, it } from 'vitest'
import { guesses } from '../../test/support/guesses.ts'
import { ATTEMPT_RULES } from './attempts.ts'

/** Of a million codes those of now and of the half minutes around it. */
const RIGHT_OF_CODES = 3 / 1_000_000

describe('attempts in vain at local accounts', () => {
  it('leave who has the password so few codes that a month of guessing finds one in less than one of 400 cases', () => {
    const days = guesses(ATTEMPT_RULES.codes, 14)

    expect(days[0]).toBeLessThanOrEqual(36)
    expect(Math.max(...days.slice(1))).toBeLessThanOrEqual(24)
    const month = days[0]! + 29 * Math.max(...days.slice(1))
    expect(month * RIGHT_OF_CODES).toBeLessThan(1 / 400)
  })

  it('leave one address a hundred passwords a day, and all together of one account under 8,700', () => {
    expect(Math.max(...guesses(ATTEMPT_RULES.own, 3))).toBeLessThanOrEqual(115)
    expect(Math.max(...guesses(ATTEMPT_RULES.account, 3))).toBeLessThan(8_700)
  })
})

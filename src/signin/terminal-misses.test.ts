import { describe, expect, it } from 'vitest'
import { pinLength } from '../sync/pin.ts'
import {
  ALARMED_RULES,
  type Misses,
  type MissRule,
  PASSWORD_USER_RULE,
  ruleOf,
  standing,
  TERMINAL_RULES,
  USER_RULE,
  waitOf,
} from './terminal-misses.ts'

const BEGIN = new Date('2026-11-30T08:00:00Z')
const at = (seconds: number) => new Date(BEGIN.getTime() + seconds * 1_000)
const DAY = 86_400

/** Guesses within some days of somebody who never lets a moment pass in which he may guess. */
function guesses(rule: MissRule, days: number): number[] {
  const perDay = Array.from({ length: days }, () => 0)
  let state: Misses = { misses: 0, missedAt: null }
  for (let second = 0; second < days * DAY; ) {
    const wait = waitOf(state, rule, at(second))
    if (wait > 0) {
      second += wait
      continue
    }
    state = { misses: standing(state, rule, at(second)) + 1, missedAt: at(second) }
    perDay[Math.floor(second / DAY)]! += 1
  }
  return perDay
}

/** What docs/terminals.md states. */
const STATED = {
  pinsFirstDay: 310,
  pinsLaterDays: 290,
  cardsFirstDay: 1_480,
  userFirstDay: 8_660,
  passwordFirstDay: 110,
}

describe('attempts in vain at a terminal', () => {
  it('leave who holds a stolen terminal token fewer guesses a day than the documentation states', () => {
    const [first = 0, ...later] = guesses(TERMINAL_RULES.secret, 7)

    expect(first).toBeLessThanOrEqual(STATED.pinsFirstDay)
    expect(first).toBeGreaterThan(280)
    expect(Math.max(...later)).toBeLessThanOrEqual(STATED.pinsLaterDays)
  })

  it('let such a guesser expect to hit at most 0.31 PINs on the first day, however many people there are', () => {
    const [first = 0] = guesses(TERMINAL_RULES.secret, 1)
    const expectedHits = [1, 50, 500, 1_000, 1_001, 20_000, 500_000].map(
      (people) => (first * people) / 10 ** pinLength(people),
    )

    expect(Math.max(...expectedHits)).toBeLessThanOrEqual(0.31)
    expect(expectedHits[2]).toBeLessThanOrEqual(0.16)
  })

  it('cost a guesser of cards and of one user’s PIN as stated', () => {
    expect(guesses(TERMINAL_RULES.card, 1)[0]).toBeLessThanOrEqual(STATED.cardsFirstDay)
    expect(guesses(USER_RULE, 1)[0]).toBeLessThanOrEqual(STATED.userFirstDay)
    expect(guesses(PASSWORD_USER_RULE, 1)[0]).toBeLessThanOrEqual(STATED.passwordFirstDay)
  })

  it('keep ten wrong passwords of one user more than an hour apart', () => {
    let state: Misses = { misses: 0, missedAt: null }
    let second = 0
    for (let nth = 0; nth < 10; nth += 1) {
      second += waitOf(state, PASSWORD_USER_RULE, at(second))
      state = { misses: standing(state, PASSWORD_USER_RULE, at(second)) + 1, missedAt: at(second) }
    }

    expect(second).toBeGreaterThan(3_600)
  })

  it('are stricter while there are more over all terminals than mistakes account for, and only then', () => {
    const calm = { misses: 500, missedAt: BEGIN }
    const storm = { misses: 501, missedAt: BEGIN }

    expect(ruleOf('secret', calm, BEGIN)).toBe(TERMINAL_RULES.secret)
    expect(ruleOf('secret', storm, BEGIN)).toBe(ALARMED_RULES.secret)
    expect(ruleOf('secret', storm, at(4))).toBe(TERMINAL_RULES.secret)
    expect(guesses(ALARMED_RULES.secret, 1)[0]).toBeLessThanOrEqual(110)
  })

  it('never make a terminal wait that has none of its own, whatever happens elsewhere', () => {
    const none: Misses = { misses: 0, missedAt: null }
    for (const rule of [...Object.values(TERMINAL_RULES), ...Object.values(ALARMED_RULES)])
      expect(waitOf(none, rule, BEGIN)).toBe(0)
  })

  it('make the next one wait longer each time, up to the longest, and are forgiven one by one', () => {
    const rule = TERMINAL_RULES.secret
    const waits = [9, 10, 11, 12, 18, 19, 25].map((misses) => waitOf({ misses, missedAt: BEGIN }, rule, BEGIN))

    expect(waits).toEqual([0, 1, 2, 4, 256, 300, 300])
    expect(standing({ misses: 12, missedAt: BEGIN }, rule, at(600))).toBe(10)
    expect(standing({ misses: 12, missedAt: BEGIN }, rule, at(DAY))).toBe(0)
  })

  it('do not make anybody wait longer when a clock is set back', () => {
    expect(waitOf({ misses: 10, missedAt: at(3_600) }, TERMINAL_RULES.secret, BEGIN)).toBe(1)
  })
})

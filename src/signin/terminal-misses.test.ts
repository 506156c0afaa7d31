import { describe, expect, it } from 'vitest'
import { guesses } from '../../test/support/guesses.ts'
import { pinLength } from '../sync/pin.ts'
import { type Misses, type MissRule, standing, waitOf } from './misses.ts'
import { CLOUD_ROOTS } from '../directory/clouds.ts'
import {
  ALARMED_RULES,
  OVERALL_RULES,
  PASSWORD_RULES,
  type PasswordRules,
  passwordRulesOf,
  PIN_CEILING,
  ruleOf,
  STOPPED_RULE,
  TERMINAL_RULES,
  USER_RULE,
} from './terminal-misses.ts'

const BEGIN = new Date('2026-11-30T08:00:00Z')
const at = (seconds: number) => new Date(BEGIN.getTime() + seconds * 1_000)
const DAY = 86_400

/** Somebody who guesses at one user’s secret at so many terminals, and never lets a moment pass in which he may. */
function guessesAt(terminals: number, rules: Rules): Guesses {
  const key = JSON.stringify([terminals, rules])
  const known = PLAYED.get(key) ?? play(terminals, rules)
  PLAYED.set(key, known)
  return known
}

interface Rules {
  readonly at: readonly MissRule[]
  readonly ofUser: MissRule
}
interface Guesses {
  readonly firstDay: number
  readonly inAnHour: number
  readonly longestWait: number
}
/** Two days take seconds to play. */
const PLAYED = new Map<string, Guesses>()

function play(terminals: number, rules: Rules): Guesses {
  const next = (misses: Misses, rule: MissRule, second: number): Misses => ({
    misses: standing(misses, rule, at(second)) + 1,
    missedAt: at(second),
  })
  const none: Misses = { misses: 0, missedAt: null }
  const atTerminals = Array.from({ length: terminals }, () => rules.at.map((rule) => ({ rule, misses: none })))
  let ofUser = none
  const seconds: number[] = []
  let longestWait = 0
  for (let second = 0; second < 2 * DAY; second += 1) {
    for (const terminal of atTerminals) {
      const waits = () => terminal.some(({ rule, misses }) => waitOf(misses, rule, at(second)) > 0)
      while (!waits() && waitOf(ofUser, rules.ofUser, at(second)) === 0) {
        for (const one of terminal) one.misses = next(one.misses, one.rule, second)
        ofUser = next(ofUser, rules.ofUser, second)
        seconds.push(second)
        longestWait = Math.max(longestWait, waitOf(ofUser, rules.ofUser, at(second)))
      }
    }
  }
  return { firstDay: seconds.filter((second) => second < DAY).length, inAnHour: mostInAnHour(seconds), longestWait }
}

/** Both ends count. */
function mostInAnHour(seconds: readonly number[]): number {
  return Math.max(...seconds.map((from, nth) => seconds.slice(nth).filter((second) => second <= from + 3_600).length))
}

/**
 * The most that anybody can try of one user within an hour, at however many terminals, when he may also wait for a better moment: every
 * way to try or not to try, minute by minute.
 */
function mostInAnHourAtBest(rule: MissRule): number {
  let best = new Map<string, { readonly misses: Misses; readonly tried: number }>([
    ['', { misses: { misses: 0, missedAt: null }, tried: 0 }],
  ])
  for (let second = 0; second <= 3_600; second += 60) {
    const next = new Map(best)
    for (let { misses, tried } of best.values()) {
      while (waitOf(misses, rule, at(second)) === 0) {
        misses = { misses: standing(misses, rule, at(second)) + 1, missedAt: at(second) }
        tried += 1
        const key = `${misses.misses.toFixed(6)} ${second}`
        if ((next.get(key)?.tried ?? -1) < tried) next.set(key, { misses, tried })
      }
    }
    best = next
  }
  return Math.max(...[...best.values()].map(({ tried }) => tried))
}

/** PINs alone within each of some days of somebody who has the tokens of so many terminals, and tries at all of them as soon as he may. */
function guessesEverywhere(terminals: number, days: number): readonly number[] {
  const nobody: Misses = { misses: 0, missedAt: null }
  const all = Array.from({ length: terminals }, () => nobody)
  const more = (
    misses: Misses,
    rule: { readonly forgiveAfter: number; readonly most?: number },
    now: Date,
  ): Misses => ({
    misses: Math.min(rule.most ?? Infinity, standing(misses, rule, now) + 1),
    missedAt: now,
  })
  let [overall, pins] = [nobody, nobody]
  const perDay = Array.from({ length: days }, () => 0)
  for (let second = 0; second < days * DAY; second += 60) {
    const now = at(second)
    for (const [nth, own] of all.entries()) {
      for (let misses = own; ; ) {
        const rule = ruleOf('pin', { overall, pins }, now)
        if (waitOf(misses, rule, now) > 0) break
        misses = more(misses, rule, now)
        all[nth] = misses
        overall = more(overall, OVERALL_RULES.secret, now)
        pins = more(pins, PIN_CEILING, now)
        perDay[Math.floor(second / DAY)]! += 1
      }
    }
  }
  return perDay
}

const PIN_RULES = { at: [TERMINAL_RULES.named, TERMINAL_RULES.user], ofUser: USER_RULE }
const passwords = ({ atTerminal, overall }: PasswordRules) => ({
  at: [TERMINAL_RULES.named, atTerminal],
  ofUser: overall,
})
const PASSWORDS = passwords(PASSWORD_RULES.commercial)
const GOVERNMENT = passwords(PASSWORD_RULES.government)

/** What docs/terminals.md states. */
const STATED = {
  pinsFirstDay: 310,
  pinsLaterDays: 290,
  cardsFirstDay: 1_480,
  userFirstDay: 8_680,
  passwordFirstDay: { oneTerminal: 99, many: 101 },
  governmentFirstDay: 26,
  namesFirstDay: 1_490,
  /** With the tokens of so many terminals, on the first day and a later one. */
  everywhere: { terminals: 1_000, first: 10_300, later: 8_400 },
}

describe('attempts in vain at a terminal', () => {
  it('leave who holds a stolen terminal token fewer guesses a day than the documentation states', () => {
    const [first = 0, ...later] = guesses(TERMINAL_RULES.pin, 7)

    expect(first).toBeLessThanOrEqual(STATED.pinsFirstDay)
    expect(first).toBeGreaterThan(280)
    expect(Math.max(...later)).toBeLessThanOrEqual(STATED.pinsLaterDays)
  })

  it('let such a guesser expect to hit at most 0.31 PINs on the first day, however many people there are', () => {
    const [first = 0] = guesses(TERMINAL_RULES.pin, 1)
    const expectedHits = [1, 50, 500, 1_000, 1_001, 20_000, 500_000].map(
      (people) => (first * people) / 10 ** pinLength(people),
    )

    expect(Math.max(...expectedHits)).toBeLessThanOrEqual(0.31)
    expect(expectedHits[2]).toBeLessThanOrEqual(0.16)
  })

  it('of PINs alone have a ceiling over all terminals, however many tokens were stolen', () => {
    const { terminals, first, later } = STATED.everywhere
    const [onTheFirst = 0, onTheSecond = 0] = guessesEverywhere(terminals, 2)

    expect(onTheFirst).toBeGreaterThan(PIN_CEILING.free)
    expect(onTheFirst).toBeLessThanOrEqual(first)
    expect(onTheSecond).toBeLessThanOrEqual(later)
    // Ten times the terminals are seven tries more for each: what is left to those where nobody has mistyped.
    expect(guessesEverywhere(10 * terminals, 1)[0]! - onTheFirst).toBeLessThanOrEqual(9 * terminals * 7)
  })

  it('of PINs alone beyond the ceiling stop no terminal where three mistype, and are over within an hour after they end', () => {
    const reached = { overall: { misses: 0, missedAt: null }, pins: { misses: PIN_CEILING.most, missedAt: BEGIN } }
    const rule = ruleOf('pin', reached, BEGIN)

    expect(rule).toBe(STOPPED_RULE)
    expect([0, 1, 2, 3].map((misses) => waitOf({ misses, missedAt: BEGIN }, rule, BEGIN))).toEqual([0, 0, 0, 21_600])
    expect(ruleOf('pin', reached, at(3_600))).toBe(TERMINAL_RULES.pin)
    for (const counter of ['card', 'user', 'named'] as const)
      expect(ruleOf(counter, reached, BEGIN)).toBe(TERMINAL_RULES[counter])
  })

  it('cost a guesser of cards and of one user’s PIN as stated', () => {
    expect(guesses(TERMINAL_RULES.named, 1)[0]).toBeLessThanOrEqual(STATED.namesFirstDay)
    expect(guesses(TERMINAL_RULES.card, 1)[0]).toBeLessThanOrEqual(STATED.cardsFirstDay)
    expect(guesses(USER_RULE, 1)[0]).toBeLessThanOrEqual(STATED.userFirstDay)
    expect(guessesAt(1, PASSWORDS).firstDay).toBeLessThanOrEqual(STATED.passwordFirstDay.oneTerminal)
    expect(guessesAt(20, PASSWORDS).firstDay).toBeLessThanOrEqual(STATED.passwordFirstDay.many)
    expect(guessesAt(20, GOVERNMENT).firstDay).toBeLessThanOrEqual(STATED.governmentFirstDay)
  })

  it.each(Object.entries(PASSWORD_RULES))(
    'leave fewer wrong passwords of one user in any hour than lock his account, in %s clouds',
    (_, rules) => {
      expect(guessesAt(20, passwords(rules)).inAnHour).toBeLessThan(rules.lockedAt)
      expect(mostInAnHourAtBest(rules.overall)).toBeLessThan(rules.lockedAt)
    },
  )

  it('go by the cloud, also where its roots are written out', () => {
    expect(passwordRulesOf(CLOUD_ROOTS.global)).toBe(PASSWORD_RULES.commercial)
    expect(passwordRulesOf(CLOUD_ROOTS.china)).toBe(PASSWORD_RULES.commercial)
    expect(passwordRulesOf({ authorityUrl: 'http://127.0.0.1:1' })).toBe(PASSWORD_RULES.commercial)
    for (const cloud of ['usGov', 'usGovDod'] as const)
      expect(passwordRulesOf(CLOUD_ROOTS[cloud])).toBe(PASSWORD_RULES.government)
  })

  it('at one terminal never make the user wait at another one, and at many for ten seconds and a quarter of an hour', () => {
    expect(guessesAt(1, PIN_RULES).longestWait).toBe(0)
    expect(guessesAt(1, PASSWORDS).longestWait).toBe(0)
    expect(guessesAt(20, PIN_RULES).longestWait).toBe(10)
    expect(guessesAt(20, PASSWORDS).longestWait).toBeLessThanOrEqual(900)
    expect(guessesAt(20, GOVERNMENT).longestWait).toBe(3_660)
  })

  it('are stricter while there are more over all terminals than mistakes account for, and only then', () => {
    const calm = { misses: 500, missedAt: BEGIN }
    const storm = { misses: 501, missedAt: BEGIN }

    expect(ruleOf('pin', { overall: calm }, BEGIN)).toBe(TERMINAL_RULES.pin)
    expect(ruleOf('pin', { overall: storm }, BEGIN)).toBe(ALARMED_RULES.pin)
    expect(ruleOf('pin', { overall: storm }, at(4))).toBe(TERMINAL_RULES.pin)
    expect(guesses(ALARMED_RULES.pin, 1)[0]).toBeLessThanOrEqual(110)
  })

  it('never make a terminal wait that has none of its own, whatever happens elsewhere', () => {
    const none: Misses = { misses: 0, missedAt: null }
    for (const rule of [...Object.values(TERMINAL_RULES), ...Object.values(ALARMED_RULES), STOPPED_RULE])
      expect(waitOf(none, rule, BEGIN)).toBe(0)
  })

  it('make the next one wait longer each time, up to the longest, and are forgiven one by one', () => {
    const rule = TERMINAL_RULES.pin
    const waits = [9, 10, 11, 12, 18, 19, 25].map((misses) => waitOf({ misses, missedAt: BEGIN }, rule, BEGIN))

    expect(waits).toEqual([0, 1, 2, 4, 256, 300, 300])
    expect(standing({ misses: 12, missedAt: BEGIN }, rule, at(600))).toBe(10)
    expect(standing({ misses: 12, missedAt: BEGIN }, rule, at(DAY))).toBe(0)
  })

  it('do not make anybody wait longer when a clock is set back', () => {
    expect(waitOf({ misses: 10, missedAt: at(3_600) }, TERMINAL_RULES.pin, BEGIN)).toBe(1)
  })
})

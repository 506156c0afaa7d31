// How many guesses a rule leaves to somebody patient.
import { type Misses, type MissRule, standing, waitOf } from '../../src/signin/misses.ts'

const BEGIN = new Date('2026-11-30T08:00:00Z')
const at = (seconds: number) => new Date(BEGIN.getTime() + seconds * 1_000)
const DAY = 86_400

/** Guesses within some days of somebody who never lets a moment pass in which he may guess. */
export function guesses(rule: MissRule, days: number): number[] {
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

// `npm run campaign -- safeguard`: the safeguard's table and ordinary weeks with many seeds; the tests run one of them.
import { sourceSettings } from '../../src/contract/sources.ts'
import { holdReasons, NOTHING_SPENT } from '../../src/sync/safeguard.ts'
import { optionsOfWeek, weekOf } from '../support/ordinary-weeks.ts'
import { safeguardCases } from '../support/safeguard-cases.ts'
import { expectedRules } from '../support/safeguard-expected.ts'
import { playWeek } from '../support/week-outcome.ts'

const SEEDS = 20
const WEEKS = 5000

export interface SafeguardFigures {
  readonly seeds: readonly [first: number, last: number]
  readonly cases: number
  readonly held: number
  /** Cases whose reasons differ from those of the formulas. */
  readonly wrong: number
  readonly weeks: Readonly<Record<string, { readonly weeks: number; readonly runs: number; readonly alarms: number }>>
  /** School-year starts, and those that were not held before the limit was passed. */
  readonly schoolYears: number
  readonly schoolYearsMissed: number
}

export async function run(): Promise<SafeguardFigures> {
  const table = { cases: 0, held: 0, wrong: 0 }
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    for (const c of safeguardCases(seed)) {
      const rules = holdReasons(c.figures, { limits: c.limits, always: c.always, spent: NOTHING_SPENT })
        .map((r) => r.rule)
        .sort()
      const isRight = JSON.stringify(rules) === JSON.stringify(expectedRules(c.figures, c.limits, c.always))
      table.cases += 1
      if (rules.length > 0) table.held += 1
      if (!isRight) {
        table.wrong += 1
        console.log('wrong:', seed, c.name, rules)
      }
    }
  }
  const sizes = { '20 to 1,000': { from: 20, to: 1000 }, '1,000 to 100,000': { from: 1000, to: 100_000 } }
  const limits = sourceSettings.parse({ connection: 'c' }).safeguard
  if (limits === null) throw new TypeError('the safeguard is on by default')
  const weeks: Record<string, { weeks: number; runs: number; alarms: number }> = {}
  for (const [name, range] of Object.entries(sizes)) {
    const sum = { weeks: WEEKS, runs: 0, alarms: 0 }
    for (let n = 0; n < WEEKS; n += 1) {
      const outcome = playWeek(weekOf(n, optionsOfWeek(n, range)), limits)
      sum.runs += outcome.runs
      if (outcome.held.length > 0) sum.alarms += 1
    }
    weeks[name] = sum
  }
  let schoolYearsMissed = 0
  for (let n = 0; n < WEEKS; n += 1) {
    const options = { ...optionsOfWeek(n, sizes['1,000 to 100,000']), schoolYearOn: 1 + (n % 5) }
    const { held, removedAtMost } = playWeek(weekOf(n, options), limits)
    const most = Math.min(500, options.users * 0.1 * 1.02)
    if (!held.some((reason) => reason.rule === 'removals.users') || removedAtMost > most) schoolYearsMissed += 1
  }
  const figures: SafeguardFigures = { seeds: [1, SEEDS], ...table, weeks, schoolYears: WEEKS, schoolYearsMissed }
  console.log('| cases | held | wrong |\n|---|---|---|')
  console.log(`| ${table.cases} | ${table.held} | ${table.wrong} |\n`)
  console.log('| people | weeks | runs | weeks with an alarm |\n|---|---|---|---|')
  for (const [name, sum] of Object.entries(weeks))
    console.log(`| ${name} | ${sum.weeks} | ${sum.runs} | ${sum.alarms} |`)
  console.log(`\nschool years: ${WEEKS}, not held in time: ${schoolYearsMissed}`)
  return figures
}

// Weeks of a tenant in which nothing is wrong, counted as the runs of the week would count them, and the start of a school
// year, in which nothing is wrong either but nobody should find out afterwards. Figures only: no database.
import { createRandom, type Random } from '../../src/emulator/random.ts'
import type { PlanFigures } from '../../src/sync/safeguard.ts'

/** When in a day its changes reach Entra: all day, in working hours, or by one nightly import from the personnel system. */
export type Rhythm = 'all day' | 'working hours' | 'one import'

/** What one run would do, and what there was before it. */
export interface WeekRun {
  /** Minutes since the week began. */
  readonly atMinutes: number
  readonly figures: PlanFigures
}

export interface WeekOptions {
  readonly users: number
  readonly runsPerDay: number
  readonly rhythm: Rhythm
  /** The day that brings a quarter of new people for a quarter that leaves; undefined: an ordinary week. */
  readonly schoolYearOn?: number
}

const DAY = 1440
/** Shares of a day. */
const HIRES = 0.001
const LEAVERS = 0.001
const ATTRIBUTES = 0.003
const MEMBERSHIPS = 0.01

/** What an attribute change is, of 1,000: most are those that people notice least. */
const ATTRIBUTE_KINDS: readonly (readonly [weight: number, apply: (day: Day) => void])[] = [
  [600, () => {}],
  [120, (day) => clear(day, 'phone')],
  [60, (day) => clear(day, 'office')],
  [50, (day) => rewrite(day, 'userName')],
  [50, (day) => rewrite(day, 'email')],
  [80, (day) => withdraw(day, 'card')],
  [20, (day) => withdraw(day, 'pin')],
  [10, (day) => rewrite(day, 'personalNumber')],
  [10, (day) => (day.credentialsRemoved += 1)],
]

/** Sums of one run while it is put together. */
interface Day {
  usersRemoved: number
  membershipsRemoved: number
  credentialsRemoved: number
  readonly rewrites: Record<keyof PlanFigures['rewrites'], number>
  readonly cleared: Map<string, number>
}

function rewrite(day: Day, kind: keyof PlanFigures['rewrites']): void {
  day.rewrites[kind] += 1
}

/** Another card or PIN for the one that goes. */
function withdraw(day: Day, kind: 'card' | 'pin'): void {
  day.rewrites[kind] += 1
  day.credentialsRemoved += 1
}

function clear(day: Day, attribute: string): void {
  day.cleared.set(attribute, (day.cleared.get(attribute) ?? 0) + 1)
}

/** The runs of one week, every change in one of them. */
export function weekOf(seed: number, options: WeekOptions): WeekRun[] {
  const random = createRandom(seed)
  const { runsPerDay, rhythm } = options
  let users = options.users
  const runs: WeekRun[] = []
  for (let day = 0; day < 7; day += 1) {
    const memberships = users * 5
    const parts = Array.from({ length: runsPerDay }, emptyRun)
    const spread = (count: number, apply: (run: Day) => void) => {
      for (let n = 0; n < count; n += 1) {
        const run = parts[runAt(random, { runsPerDay, rhythm })]
        if (run !== undefined) apply(run)
      }
    }
    const isSchoolYear = options.schoolYearOn === day
    const leavers = isSchoolYear ? Math.floor(users / 4) : poisson(random, users * LEAVERS)
    const hires = isSchoolYear ? Math.floor(users / 4) : poisson(random, users * HIRES)
    spread(leavers, (run) => (run.usersRemoved += 1))
    spread(poisson(random, users * ATTRIBUTES), (run) => attributeChange(random, run))
    // Half of the changes are joins, which no limit looks at.
    spread(poisson(random, (memberships * MEMBERSHIPS) / 2), (run) => (run.membershipsRemoved += 1))
    let left = 0
    for (const [n, part] of parts.entries()) {
      const atMinutes = day * DAY + Math.floor((n * DAY) / runsPerDay)
      runs.push({ atMinutes, figures: figuresOf(part, users - left) })
      left += part.usersRemoved
    }
    users += hires - left
  }
  return runs
}

function emptyRun(): Day {
  return {
    usersRemoved: 0,
    membershipsRemoved: 0,
    credentialsRemoved: 0,
    rewrites: { userName: 0, card: 0, pin: 0, personalNumber: 0, email: 0 },
    cleared: new Map(),
  }
}

function attributeChange(random: Random, run: Day): void {
  let at = random.int(1000)
  for (const [weight, apply] of ATTRIBUTE_KINDS) {
    if (at < weight) {
      apply(run)
      return
    }
    at -= weight
  }
}

function figuresOf(run: Day, users: number): PlanFigures {
  return {
    usersRemoved: run.usersRemoved,
    usersBefore: users,
    groupsDeleted: 0,
    groupsBefore: Math.ceil(users / 12),
    membershipsRemoved: run.membershipsRemoved,
    membershipsBefore: users * 5,
    credentialsRemoved: run.credentialsRemoved,
    credentialsBefore: Math.floor(users * 1.4),
    rewrites: run.rewrites,
    cleared: new Map(
      [...run.cleared].map(([attribute, count]) => [attribute, { count, before: Math.floor(users / 2) }]),
    ),
    groupsEmptied: 0,
    adoptions: 0,
  }
}

function runAt(random: Random, { runsPerDay, rhythm }: Pick<WeekOptions, 'runsPerDay' | 'rhythm'>): number {
  switch (rhythm) {
    case 'all day':
      return random.int(runsPerDay)
    case 'working hours':
      return Math.floor(runsPerDay * (8 / 24 + random.next() * (9 / 24)))
    case 'one import':
      return Math.floor(runsPerDay / 12)
  }
}

/** Knuth's for few, a normal approximation for many. */
function poisson(random: Random, mean: number): number {
  if (mean > 50) {
    const normal = Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next())
    return Math.max(0, Math.round(mean + Math.sqrt(mean) * normal))
  }
  const bound = Math.exp(-mean)
  let count = 0
  for (let product = random.next(); product > bound; product *= random.next()) count += 1
  return count
}

/** Options of the `n`-th of many weeks: sizes spread evenly over orders of magnitude, all rhythms, 4 to 96 runs a day. */
export function optionsOfWeek(n: number, sizes: { readonly from: number; readonly to: number }): WeekOptions {
  const random = createRandom(n * 7919 + 17)
  return {
    users: Math.round(sizes.from * (sizes.to / sizes.from) ** random.next()),
    runsPerDay: random.pick([4, 8, 24, 96]),
    rhythm: random.pick(['all day', 'working hours', 'one import']),
  }
}

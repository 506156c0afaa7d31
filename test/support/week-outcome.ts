// Plays the runs of a week against the safeguard: what is over the limits with what the last 24 hours applied is held.
import type { HeldReason } from '../../src/contract/runs.ts'
import type { SafeguardLimits } from '../../src/contract/sources.ts'
import {
  addSpent,
  type AlwaysHeld,
  holdReasons,
  NOTHING_SPENT,
  type PlanFigures,
  type Spent,
} from '../../src/sync/safeguard.ts'
import type { WeekRun } from './ordinary-weeks.ts'

export interface WeekOutcome {
  readonly runs: number
  /** Why the first run that was held was held; empty when none was. */
  readonly held: readonly HeldReason[]
  /** Most people that were removed unapproved within 24 hours. */
  readonly removedAtMost: number
}

const CALM: AlwaysHeld = {
  noUsersWhereSome: false,
  usersKnown: 0,
  connectionChanged: false,
  upgraded: false,
  adoptions: 'hold',
  reverted: 0,
  clearedEverywhere: [],
}
const DAY_MINUTES = 1440

/** Stops at the first run that is held: somebody looks at it then. */
export function playWeek(runs: readonly WeekRun[], limits: SafeguardLimits): WeekOutcome {
  const applied: WeekRun[] = []
  let removedAtMost = 0
  for (const run of runs) {
    const recent = applied.filter((earlier) => run.atMinutes - earlier.atMinutes < DAY_MINUTES)
    const spent = recent.map((earlier) => spentBy(earlier.figures)).reduce(addSpent, NOTHING_SPENT)
    const held = holdReasons(run.figures, { limits, always: CALM, spent })
    if (held.length > 0) return { runs: applied.length + 1, held, removedAtMost }
    removedAtMost = Math.max(removedAtMost, run.figures.usersRemoved + spent.usersRemoved)
    applied.push(run)
  }
  return { runs: applied.length, held: [], removedAtMost }
}

/** What a run that was applied counts for with the next ones. */
function spentBy(figures: PlanFigures): Spent {
  const { usersRemoved, groupsDeleted, membershipsRemoved, credentialsRemoved, rewrites } = figures
  const cleared = Object.fromEntries([...figures.cleared].map(([attribute, { count }]) => [attribute, count]))
  return { usersRemoved, groupsDeleted, membershipsRemoved, credentialsRemoved, rewrites, cleared }
}

// Plays the runs of a week against the safeguard: what is over the limits with what the last 24 hours applied is held.
import type { HeldReason } from '../../src/contract/runs.ts'
import type { SafeguardLimits } from '../../src/contract/sources.ts'
import { type AlwaysHeld, holdReasons, type PlanFigures } from '../../src/sync/safeguard.ts'
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
}
const DAY_MINUTES = 1440

/** Stops at the first run that is held: somebody looks at it then. */
export function playWeek(runs: readonly WeekRun[], limits: SafeguardLimits): WeekOutcome {
  const applied: WeekRun[] = []
  let removedAtMost = 0
  for (const run of runs) {
    const recent = applied.filter((earlier) => run.atMinutes - earlier.atMinutes < DAY_MINUTES)
    const together = sumOf([...recent.map((earlier) => earlier.figures), run.figures])
    const held = holdReasons(together, limits, CALM)
    if (held.length > 0) return { runs: applied.length + 1, held, removedAtMost }
    removedAtMost = Math.max(removedAtMost, together.usersRemoved)
    applied.push(run)
  }
  return { runs: applied.length, held: [], removedAtMost }
}

/** What several runs did together, with what there was before the last one. */
function sumOf(figures: readonly PlanFigures[]): PlanFigures {
  const last = figures.at(-1)
  if (last === undefined) throw new RangeError('no runs to add')
  const total = (of: (f: PlanFigures) => number) => figures.reduce((sum, f) => sum + of(f), 0)
  const cleared = new Map<string, { count: number; before: number }>()
  for (const f of figures) {
    for (const [attribute, { count, before }] of f.cleared)
      cleared.set(attribute, { count: count + (cleared.get(attribute)?.count ?? 0), before })
  }
  return {
    ...last,
    usersRemoved: total((f) => f.usersRemoved),
    groupsDeleted: total((f) => f.groupsDeleted),
    membershipsRemoved: total((f) => f.membershipsRemoved),
    credentialsRemoved: total((f) => f.credentialsRemoved),
    rewrites: {
      userName: total((f) => f.rewrites.userName),
      card: total((f) => f.rewrites.card),
      pin: total((f) => f.rewrites.pin),
      personalNumber: total((f) => f.rewrites.personalNumber),
      email: total((f) => f.rewrites.email),
    },
    cleared,
    groupsEmptied: total((f) => f.groupsEmptied),
  }
}

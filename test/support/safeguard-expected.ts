// What must hold a plan, from the formulas of the specification alone and in exact arithmetic; shares no code with the engine.
import type { SafeguardLimits } from '../../src/contract/sources.ts'
import type { AlwaysHeld, PlanFigures } from '../../src/sync/safeguard.ts'

interface Formula {
  readonly least: number
  readonly percent: number
  /** Undefined: no upper bound. */
  readonly most?: number
}

/** Whether `count` is more than `min(max(least, percent of base), most)`, without rounding anything. */
export function exceeds(count: number, base: number, { least, percent, most }: Formula): boolean {
  if (most !== undefined && count > most) return true
  // In hundredths of a millionth, so that no fraction is left.
  const overShare = BigInt(count) * 100_000_000n > BigInt(base) * BigInt(Math.round(percent * 1_000_000))
  return count > least && overShare
}

/** Names of the rules that must hold a plan, sorted. `limits` null: the safeguard is off. */
export function expectedRules(figures: PlanFigures, limits: SafeguardLimits | null, always: AlwaysHeld): string[] {
  const rules: string[] = []
  if (always.noUsersWhereSome) rules.push('no-users')
  if (always.connectionChanged) rules.push('connection-changed')
  if (always.upgraded) rules.push('upgraded')
  if (always.adoptions === 'hold' && figures.adoptions !== 0) rules.push('adoptions')
  if (limits !== null) rules.push(...overLimits(figures, limits))
  return rules.sort()
}

function overLimits(figures: PlanFigures, limits: SafeguardLimits): string[] {
  const { removals, memberships, credentials, rewrites } = limits
  const formula = (least: number, limit: { readonly percent: number; readonly count: number }): Formula => ({
    least,
    percent: limit.percent,
    most: limit.count,
  })
  const found: [string, boolean][] = [
    ['removals.users', exceeds(figures.usersRemoved, figures.usersBefore, formula(5, removals))],
    ['removals.groups', exceeds(figures.groupsDeleted, figures.groupsBefore, formula(5, removals))],
    ['memberships', exceeds(figures.membershipsRemoved, figures.membershipsBefore, formula(100, memberships))],
    ['credentials', exceeds(figures.credentialsRemoved, figures.credentialsBefore, formula(10, credentials))],
    ['groups-emptied', figures.groupsEmptied > 0],
  ]
  for (const kind of ['userName', 'card', 'pin', 'personalNumber', 'email'] as const)
    found.push([`rewrites.${kind}`, exceeds(figures.rewrites[kind], figures.usersBefore, formula(10, rewrites))])
  for (const [attribute, { count, before }] of figures.cleared)
    found.push([`cleared.${attribute}`, exceeds(count, before, { least: 10, percent: rewrites.percent })])
  return found.flatMap(([rule, isOver]) => (isOver ? [rule] : []))
}

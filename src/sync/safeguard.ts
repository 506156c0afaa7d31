// Whether a plan may be applied at once or waits for approval. Pure: counts in, reasons out.
import type { HeldReason } from '../contract/runs.ts'
import type { SafeguardLimits } from '../contract/sources.ts'

/** The kinds of value whose rewriting is limited, each by itself. */
export const REWRITTEN = ['userName', 'card', 'pin', 'personalNumber', 'email'] as const
export type Rewritten = (typeof REWRITTEN)[number]

/** What a plan does, and what there was before the run. Creations and first values are not in it. */
export interface PlanFigures {
  /** Users deactivated or deleted, and the active users linked to the source. */
  readonly usersRemoved: number
  readonly usersBefore: number
  readonly groupsDeleted: number
  readonly groupsBefore: number
  readonly membershipsRemoved: number
  readonly membershipsBefore: number
  readonly credentialsRemoved: number
  readonly credentialsBefore: number
  readonly rewrites: Readonly<Record<Rewritten, number>>
  /** By attribute: how many lose it, and how many had it. */
  readonly cleared: ReadonlyMap<string, { readonly count: number; readonly before: number }>
  /** Scope groups, and groups of 50 or more, that lose all their members. */
  readonly groupsEmptied: number
  readonly adoptions: number
}

/** What holds a plan whatever it does. */
export interface AlwaysHeld {
  /** Entra returned no users where the mirror had some. */
  readonly noUsersWhereSome: boolean
  readonly usersKnown: number
  /** Tenant or app behind the connection changed since the last run. */
  readonly connectionChanged: boolean
  /** Plans are made differently since the last run. */
  readonly upgraded: boolean
  readonly adoptions: 'hold' | 'automatic'
}

/**
 * The reasons that hold a plan; empty when it may be applied.
 *
 * @param limits `null`: the safeguard is off; what is always held is held all the same
 */
export function holdReasons(figures: PlanFigures, limits: SafeguardLimits | null, always: AlwaysHeld): HeldReason[] {
  const reasons: HeldReason[] = []
  if (always.noUsersWhereSome) reasons.push({ rule: 'no-users', count: always.usersKnown, limit: 0 })
  if (always.connectionChanged) reasons.push({ rule: 'connection-changed', count: 1, limit: 0 })
  if (always.upgraded) reasons.push({ rule: 'upgraded', count: 1, limit: 0 })
  if (always.adoptions === 'hold' && figures.adoptions > 0)
    reasons.push({ rule: 'adoptions', count: figures.adoptions, limit: 0 })
  if (limits === null) return reasons
  const over = (rule: string, count: number, limit: number) => {
    if (count > limit) reasons.push({ rule, count, limit })
  }
  over('removals.users', figures.usersRemoved, limitOf(5, limits.removals, figures.usersBefore))
  over('removals.groups', figures.groupsDeleted, limitOf(5, limits.removals, figures.groupsBefore))
  over('memberships', figures.membershipsRemoved, limitOf(100, limits.memberships, figures.membershipsBefore))
  over('credentials', figures.credentialsRemoved, limitOf(10, limits.credentials, figures.credentialsBefore))
  for (const kind of REWRITTEN)
    over(`rewrites.${kind}`, figures.rewrites[kind], limitOf(10, limits.rewrites, figures.usersBefore))
  for (const [attribute, { count, before }] of figures.cleared) {
    over(`cleared.${attribute}`, count, Math.max(10, percentOf(limits.rewrites.percent, before)))
  }
  over('groups-emptied', figures.groupsEmptied, 0)
  return reasons
}

/** `min(max(least, percent of before), count)`, in whole objects. */
export function limitOf(
  least: number,
  limit: { readonly percent: number; readonly count: number },
  before: number,
): number {
  return Math.min(Math.max(least, percentOf(limit.percent, before)), limit.count)
}

/** Whole objects. Reckoned in millionths of a percent: 0.29 of 50,000 is 145, in floating point 144.99…. */
function percentOf(percent: number, before: number): number {
  return Math.floor((before * Math.round(percent * 1e6)) / 1e8)
}

// Whether a plan may be applied at once or waits for approval. Pure: counts in, reasons out.
import type { HeldReason } from '../contract/runs.ts'
import { SAFEGUARD_FLOORS, type SafeguardLimits } from '../contract/sources.ts'

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

/** What plans did that were applied without approval; they count together with the next one. */
export interface Spent {
  readonly usersRemoved: number
  readonly groupsDeleted: number
  readonly membershipsRemoved: number
  readonly credentialsRemoved: number
  readonly rewrites: Readonly<Record<Rewritten, number>>
  /** By attribute: how many lost it. */
  readonly cleared: Readonly<Record<string, number>>
}

export const NOTHING_SPENT: Spent = {
  usersRemoved: 0,
  groupsDeleted: 0,
  membershipsRemoved: 0,
  credentialsRemoved: 0,
  rewrites: { userName: 0, card: 0, pin: 0, personalNumber: 0, email: 0 },
  cleared: {},
}

/** The sum of several plans. */
export function addSpent(a: Spent, b: Spent): Spent {
  const cleared: Record<string, number> = { ...a.cleared }
  for (const [attribute, count] of Object.entries(b.cleared)) cleared[attribute] = (cleared[attribute] ?? 0) + count
  return {
    usersRemoved: a.usersRemoved + b.usersRemoved,
    groupsDeleted: a.groupsDeleted + b.groupsDeleted,
    membershipsRemoved: a.membershipsRemoved + b.membershipsRemoved,
    credentialsRemoved: a.credentialsRemoved + b.credentialsRemoved,
    rewrites: {
      userName: a.rewrites.userName + b.rewrites.userName,
      card: a.rewrites.card + b.rewrites.card,
      pin: a.rewrites.pin + b.rewrites.pin,
      personalNumber: a.rewrites.personalNumber + b.rewrites.personalNumber,
      email: a.rewrites.email + b.rewrites.email,
    },
    cleared,
  }
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
  /** Objects to which it would do again what an administrator has taken back. */
  readonly reverted: number
  /** Attributes that everybody seems to have lost at once. */
  readonly clearedEverywhere: readonly string[]
}

/** What a plan is judged by. */
export interface Judged {
  /** `null`: the safeguard is off; what is always held is held all the same. */
  readonly limits: SafeguardLimits | null
  readonly always: AlwaysHeld
  /** Of the last 24 hours. */
  readonly spent: Spent
}

/**
 * The reasons that hold a plan; empty when it may be applied.
 *
 * Limits are for a day: what was applied without approval in the last 24 hours counts too, so that many small plans do not
 * pass where one large one would not. A plan that itself does nothing of a kind is not held for it.
 */
export function holdReasons(figures: PlanFigures, judged: Judged): HeldReason[] {
  const { limits, always, spent } = judged
  const reasons: HeldReason[] = []
  if (always.noUsersWhereSome) reasons.push({ rule: 'no-users', count: always.usersKnown, limit: 0 })
  if (always.connectionChanged) reasons.push({ rule: 'connection-changed', count: 1, limit: 0 })
  if (always.upgraded) reasons.push({ rule: 'upgraded', count: 1, limit: 0 })
  for (const attribute of always.clearedEverywhere)
    reasons.push({ rule: `cleared-everywhere.${attribute}`, count: 1, limit: 0 })
  if (always.adoptions === 'hold' && figures.adoptions > 0)
    reasons.push({ rule: 'adoptions', count: figures.adoptions, limit: 0 })
  if (always.reverted > 0) reasons.push({ rule: 'reverted', count: always.reverted, limit: 0 })
  if (limits === null) return reasons
  const over = (rule: string, counts: { readonly now: number; readonly before?: number }, limit: number) => {
    const count = counts.now + (counts.before ?? 0)
    if (counts.now > 0 && count > limit) reasons.push({ rule, count, limit })
  }
  over(
    'removals.users',
    { now: figures.usersRemoved, before: spent.usersRemoved },
    limitOf(SAFEGUARD_FLOORS.removals, limits.removals, figures.usersBefore),
  )
  over(
    'removals.groups',
    { now: figures.groupsDeleted, before: spent.groupsDeleted },
    limitOf(SAFEGUARD_FLOORS.removals, limits.removals, figures.groupsBefore),
  )
  over(
    'memberships',
    { now: figures.membershipsRemoved, before: spent.membershipsRemoved },
    limitOf(SAFEGUARD_FLOORS.memberships, limits.memberships, figures.membershipsBefore),
  )
  over(
    'credentials',
    { now: figures.credentialsRemoved, before: spent.credentialsRemoved },
    limitOf(SAFEGUARD_FLOORS.credentials, limits.credentials, figures.credentialsBefore),
  )
  for (const kind of REWRITTEN) {
    const counts = { now: figures.rewrites[kind], before: spent.rewrites[kind] }
    over(`rewrites.${kind}`, counts, limitOf(SAFEGUARD_FLOORS.rewrites, limits.rewrites, figures.usersBefore))
  }
  for (const [attribute, { count, before }] of figures.cleared) {
    const limit = Math.max(SAFEGUARD_FLOORS.rewrites, percentOf(limits.rewrites.percent, before))
    over(`cleared.${attribute}`, { now: count, before: spent.cleared[attribute] ?? 0 }, limit)
  }
  over('groups-emptied', { now: figures.groupsEmptied }, 0)
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

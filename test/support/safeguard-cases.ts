// Generated plans' figures for the safeguard: every cause, at, just over and far over its limit, for tenants of every size.
import { sourceSettings, type SafeguardLimits } from '../../src/contract/sources.ts'
import { createRandom, type Random } from '../../src/emulator/random.ts'
import type { AlwaysHeld, PlanFigures } from '../../src/sync/safeguard.ts'

export interface SafeguardCase {
  readonly name: string
  readonly figures: PlanFigures
  /** Null: off. */
  readonly limits: SafeguardLimits | null
  readonly always: AlwaysHeld
}

/** Active users that are linked to the source before the run. */
export const SIZES = [
  1, 2, 5, 9, 10, 11, 49, 50, 51, 52, 59, 60, 99, 100, 101, 499, 500, 501, 999, 1000, 2499, 2500, 4990, 4999, 5000,
  5001, 9999, 10_000, 25_000, 50_000, 99_999, 100_000,
] as const

type Cause = (size: number, count: number) => Partial<PlanFigures>

const cleared = (attribute: string, of: number): Cause => {
  return (size, count) => {
    const before = Math.max(count, Math.floor(size * of))
    return { cleared: new Map([[attribute, { count, before }]]) }
  }
}
const rewritten = (kind: keyof PlanFigures['rewrites']): Cause => {
  return (_, count) => ({ rewrites: { ...NO_REWRITES, [kind]: count } })
}

const NO_REWRITES = { userName: 0, card: 0, pin: 0, personalNumber: 0, email: 0 } as const

/** What can go wrong at once, each with the base that its limit is reckoned from. */
const CAUSES: Readonly<Record<string, { readonly make: Cause; readonly base: (size: number) => number }>> = {
  usersRemoved: { make: (_, count) => ({ usersRemoved: count }), base: (size) => size },
  groupsDeleted: { make: (_, count) => ({ groupsDeleted: count }), base: groupsOf },
  membershipsRemoved: { make: (_, count) => ({ membershipsRemoved: count }), base: membershipsOf },
  credentialsRemoved: { make: (_, count) => ({ credentialsRemoved: count }), base: credentialsOf },
  userName: { make: rewritten('userName'), base: (size) => size },
  card: { make: rewritten('card'), base: (size) => size },
  pin: { make: rewritten('pin'), base: (size) => size },
  personalNumber: { make: rewritten('personalNumber'), base: (size) => size },
  email: { make: rewritten('email'), base: (size) => size },
  ...Object.fromEntries(
    ['fullName', 'email', 'phone', 'department', 'personalNumber', 'aliases', 'alternateEmails', 'own.badge'].map(
      (attribute, n) => {
        const share = 1 / (n + 1)
        return [
          `cleared ${attribute}`,
          { make: cleared(attribute, share), base: (size: number) => Math.floor(size * share) },
        ]
      },
    ),
  ),
  groupEmptied: { make: (_, count) => ({ groupsEmptied: Math.min(count, 3) }), base: () => 0 },
  adoptions: { make: (_, count) => ({ adoptions: count }), base: () => 0 },
}

function groupsOf(size: number): number {
  return Math.ceil(size / 12)
}

function membershipsOf(size: number): number {
  return size * 5
}

function credentialsOf(size: number): number {
  return Math.floor(size * 1.4)
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

function nothing(size: number): PlanFigures {
  return {
    usersRemoved: 0,
    usersBefore: size,
    groupsDeleted: 0,
    groupsBefore: groupsOf(size),
    membershipsRemoved: 0,
    membershipsBefore: membershipsOf(size),
    credentialsRemoved: 0,
    credentialsBefore: credentialsOf(size),
    rewrites: NO_REWRITES,
    cleared: new Map(),
    groupsEmptied: 0,
    adoptions: 0,
  }
}

/** Every size with every cause, by default, custom and no limits; then always-held causes; then several causes at once. */
export function safeguardCases(seed: number): SafeguardCase[] {
  const random = createRandom(seed)
  const cases: SafeguardCase[] = []
  for (const size of SIZES) {
    for (const [cause, { make, base }] of Object.entries(CAUSES)) {
      for (const [kind, limits] of limitsFor(random)) {
        for (const count of countsNear(base(size), { limits, random })) {
          cases.push({
            name: `${size} users, ${cause} ${count}, limits ${kind}`,
            figures: { ...nothing(size), ...make(size, count) },
            limits,
            always: { ...CALM, adoptions: random.int(2) === 0 ? 'hold' : 'automatic' },
          })
        }
      }
    }
    for (let bits = 0; bits < 8; bits += 1) cases.push(alwaysHeld(size, bits, random))
    for (let n = 0; n < 6; n += 1) cases.push(mixed(size, random))
  }
  return cases
}

/** Below, at, just over and well over any limit that could apply to this base. */
function countsNear(base: number, o: { readonly limits: SafeguardLimits | null; readonly random: Random }): number[] {
  const { limits, random } = o
  const counts = new Set([5, 6, 10, 11, 100, 101, random.int(base + 2)])
  for (const limit of Object.values(limits ?? {})) {
    const share = Math.floor((base * limit.percent) / 100)
    for (const near of [share, limit.count]) counts.add(near).add(near + 1)
  }
  const list = [...counts]
  return Array.from({ length: 3 }, () => random.pick(list))
}

function limitsFor(random: Random): [string, SafeguardLimits | null][] {
  const limit = () => ({ percent: random.int(10_001) / 100, count: random.pick([0, 1, 7, 100, 500, 20_000]) })
  const custom = { removals: limit(), memberships: limit(), credentials: limit(), rewrites: limit() }
  return [
    ['default', limitsOf({})],
    ['custom', limitsOf(custom)],
    ['off', random.int(4) === 0 ? null : limitsOf({ removals: { percent: 0, count: 0 } })],
  ]
}

function limitsOf(safeguard: Partial<SafeguardLimits>): SafeguardLimits | null {
  return sourceSettings.parse({ connection: 'c', safeguard }).safeguard
}

function alwaysHeld(size: number, bits: number, random: Random): SafeguardCase {
  const has = (bit: number) => Math.floor(bits / bit) % 2 === 1
  return {
    name: `${size} users, always held ${bits}`,
    figures: { ...nothing(size), usersRemoved: random.int(6), adoptions: random.int(2) },
    limits: random.int(2) === 0 ? null : limitsOf({}),
    always: {
      noUsersWhereSome: has(1),
      usersKnown: has(1) ? size : 0,
      connectionChanged: has(2),
      upgraded: has(4),
      adoptions: random.int(2) === 0 ? 'hold' : 'automatic',
      reverted: 0,
      clearedEverywhere: [],
    },
  }
}

function mixed(size: number, random: Random): SafeguardCase {
  let figures = nothing(size)
  const causes = Object.entries(CAUSES)
  for (let n = 0; n < 4; n += 1) {
    const [, { make, base }] = random.pick(causes)
    const more = make(size, Math.floor(base(size) * random.next() ** 2))
    figures = {
      ...figures,
      ...more,
      rewrites: more.rewrites === undefined ? figures.rewrites : { ...figures.rewrites, ...nonZero(more.rewrites) },
      cleared: new Map([...figures.cleared, ...(more.cleared ?? [])]),
    }
  }
  return { name: `${size} users, several causes`, figures, limits: random.pick(limitsFor(random))[1], always: CALM }
}

function nonZero(rewrites: PlanFigures['rewrites']): Partial<PlanFigures['rewrites']> {
  return Object.fromEntries(Object.entries(rewrites).filter(([, count]) => count > 0))
}

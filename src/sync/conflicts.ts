// Who gets a value that several people want. Pure; judged on the final state, so swaps and chains within one run work.
import type { Claim } from './claim.ts'

/** One person with everything that he wants or holds in the contested part of the registry. */
export interface Claimant {
  /** Any stable identity; equal ids are the same person. */
  readonly id: string
  readonly claims: readonly Claim[]
  /** Registry user who is active now. */
  readonly active: boolean
  /** Keys (`space:key`) that he holds in the registry now, as an active user. */
  readonly holds: ReadonlySet<string>
  /** A user who exists keeps his old user name when he loses the new one. */
  readonly oldUserName: string | undefined
  /** The registry's own (local users, other sources' users): gives nothing up. */
  readonly fixed: boolean
  readonly priority: number
  /** ISO date-time; null comes last. */
  readonly createdDateTime: string | null
  readonly objectId: string
}

export interface Resolution {
  /** By claimant id: the claims (`space:key`) that he must do without. */
  readonly denied: ReadonlyMap<string, ReadonlySet<string>>
  /** By claim: the id of the claimant who has it. */
  readonly winners: ReadonlyMap<string, string>
}

/**
 * Settles user names first by deferred acceptance (each person wants his new name, else his old one; each name takes the best
 * of those who ask), which is independent of the order of the input, then every other value by itself.
 */
export function resolveConflicts(claimants: readonly Claimant[]): Resolution {
  const resolution = resolveOnce(claimants)
  // Who does not get what would replace his own keeps that, which others must then do without: again, until nobody is left.
  const isLeft = (claimant: Claimant) => {
    const space = claimant.claims.find((claim) => claim.rank === 'replaced')?.space
    const wanted = claimant.claims.filter((claim) => claim.space === space && claim.rank === 'value')
    const denied = resolution.denied.get(claimant.id)
    return space !== undefined && wanted.every((claim) => denied?.has(`${space}:${claim.key}`) === true)
  }
  const left = new Set(claimants.filter(isLeft))
  if (left.size === 0) return resolution
  return resolveConflicts(claimants.map((claimant) => (left.has(claimant) ? keepingOwn(claimant) : claimant)))
}

function keepingOwn(claimant: Claimant): Claimant {
  const claims = claimant.claims.map((claim) =>
    claim.rank === 'replaced' ? { ...claim, rank: 'own' as const } : claim,
  )
  return { ...claimant, claims }
}

function resolveOnce(claimants: readonly Claimant[]): Resolution {
  const byId = new Map(claimants.map((c) => [c.id, c]))
  const denied = new Map<string, Set<string>>()
  const winners = new Map<string, string>()
  const deny = (id: string, claim: string) => {
    const set = denied.get(id)
    if (set === undefined) denied.set(id, new Set([claim]))
    else set.add(claim)
  }
  const notImported = settleUserNames(claimants, { byId, winners, deny })
  const wishes = new Map<string, Wish[]>()
  for (const claimant of claimants) {
    if (notImported.has(claimant.id)) continue
    for (const claim of claimant.claims) {
      if (claim.rank === 'userName') continue
      const name = `${claim.space}:${claim.key}`
      const list = wishes.get(name)
      const wish = { claimant, rank: claim.rank }
      if (list === undefined) wishes.set(name, [wish])
      else list.push(wish)
    }
  }
  for (const [claim, list] of wishes) {
    const nameHolder = winners.get(claim)
    const best =
      nameHolder === undefined ? list.reduce((a, b) => (compare(a, b, claim) <= 0 ? a : b)).claimant.id : nameHolder
    winners.set(claim, best)
    for (const wish of list) if (wish.claimant.id !== best) deny(wish.claimant.id, claim)
  }
  return { denied, winners }
}

interface Wish {
  readonly claimant: Claimant
  readonly rank: Claim['rank']
}

interface NameMarket {
  readonly byId: ReadonlyMap<string, Claimant>
  readonly winners: Map<string, string>
  readonly deny: (id: string, claim: string) => void
}

/** Returns the ids of new people who get no user name and are therefore not imported. */
function settleUserNames(claimants: readonly Claimant[], market: NameMarket): ReadonlySet<string> {
  const nameless = new Set<string>()
  // Aliases that the registry owns are held whatever a source wants.
  const own = new Map<string, string>()
  for (const claimant of claimants) {
    for (const claim of claimant.claims)
      if (claim.space === 'name' && (claim.rank === 'own' || claimant.fixed)) own.set(`name:${claim.key}`, claimant.id)
  }
  const wishes = new Map<string, string[]>()
  for (const claimant of claimants) {
    const wanted = claimant.claims.find((c) => c.space === 'name' && c.rank === 'userName')
    if (wanted === undefined) continue
    const list = [`name:${wanted.key}`]
    if (claimant.oldUserName !== undefined && claimant.oldUserName !== wanted.key)
      list.push(`name:${claimant.oldUserName}`)
    wishes.set(claimant.id, list)
  }
  const asking = [...wishes.keys()]
  for (let id = asking.pop(); id !== undefined; id = asking.pop()) {
    const list = wishes.get(id)
    const claim = list?.[0]
    const claimant = market.byId.get(id)
    if (list === undefined || claimant === undefined) continue
    if (claim === undefined) {
      nameless.add(id)
      continue
    }
    const holder = own.get(claim) ?? market.winners.get(claim)
    const current = holder === undefined ? undefined : market.byId.get(holder)
    if (current === undefined || current.id === id) {
      market.winners.set(claim, id)
      continue
    }
    const ownedByRegistry = own.get(claim) === current.id
    const challengerWins =
      !ownedByRegistry && compare({ claimant, rank: 'userName' }, { claimant: current, rank: 'userName' }, claim) < 0
    const loser = challengerWins ? current.id : id
    if (challengerWins) market.winners.set(claim, id)
    market.deny(loser, claim)
    wishes.get(loser)?.shift()
    asking.push(loser)
  }
  for (const [claim, id] of own) market.winners.set(claim, id)
  return nameless
}

const STRENGTH: Readonly<Record<Claim['rank'], number>> = {
  own: 0,
  userName: 1,
  value: 2,
  parked: 3,
  kept: 4,
  replaced: 5,
}

/** Negative: `a` gets the value. */
function compare(a: Wish, b: Wish, claim: string): number {
  return (
    Number(b.claimant.fixed) - Number(a.claimant.fixed) ||
    STRENGTH[a.rank] - STRENGTH[b.rank] ||
    Number(b.claimant.holds.has(claim)) - Number(a.claimant.holds.has(claim)) ||
    a.claimant.priority - b.claimant.priority ||
    compareCreated(a.claimant.createdDateTime, b.claimant.createdDateTime) ||
    (a.claimant.objectId < b.claimant.objectId ? -1 : a.claimant.objectId > b.claimant.objectId ? 1 : 0)
  )
}

function compareCreated(a: string | null, b: string | null): number {
  if (a === b) return 0
  if (a === null) return 1
  if (b === null) return -1
  const difference = Date.parse(a) - Date.parse(b)
  return Number.isNaN(difference) ? (a < b ? -1 : 1) : difference
}

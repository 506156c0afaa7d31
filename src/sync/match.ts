// Which registry user a wanted person is. Pure.
import type { IssueCode } from '../contract/runs.ts'
import type { SourceSettings } from '../contract/sources.ts'
import { canonical } from '../directory/canonical.ts'
import type { RegistryUser } from '../directory/user.ts'
import { type SourceRank, strongerClaimant } from './owner.ts'

export type Match =
  | { readonly kind: 'linked'; readonly user: RegistryUser }
  | { readonly kind: 'adopt'; readonly user: RegistryUser }
  /** Another source of the tenant had him: it wants him no more, or comes after this one. */
  | { readonly kind: 'take-over'; readonly user: RegistryUser }
  | { readonly kind: 'create' }
  | {
      readonly kind: 'skip'
      readonly reason: string
      readonly rule: string
      readonly issue: IssueCode | undefined
      readonly message: string
    }

export interface MatchInput {
  readonly linked: RegistryUser | undefined
  readonly wanted: PairingValues | undefined
  /** Registry users that have the wanted user name, or personal number where it is the pairing key. */
  readonly candidates: readonly RegistryUser[]
  /** An active user has the value; asked where somebody who is linked could move to a candidate. */
  readonly isKeyTaken: boolean
  /** How an issue names another one who has it, or is paired by it; asked where the source adds nobody. */
  readonly keyHolder?: string | undefined
}

type PairBy = SourceSettings['users']['options']['pairBy']

/** What pairing may go by. */
export interface PairingValues {
  readonly userName: string | null
  readonly personalNumber: string | null | undefined
}

export interface MatchContext {
  readonly sourceId: number
  readonly rank: SourceRank
  /** The other sources of the tenant. */
  readonly rivals: readonly SourceRank[]
  readonly options: SourceSettings['users']['options']
}

/** The canonical value by which a person is looked for beside his object id; `undefined`: by nothing. */
export function pairingKey(wanted: PairingValues | undefined, pairBy: PairBy): string | undefined {
  const value = pairBy === 'none' ? undefined : wanted?.[pairBy]
  return value === undefined || value === null ? undefined : canonical(value)
}

/**
 * Links by object id first; where *Pair by Object ID* is off, the next pairing key comes before the link.
 * A user that has an object id is never a candidate. An administrator or a protected user is never paired, nor loses his link.
 */
export function match(input: MatchInput, context: MatchContext): Match {
  const { linked } = input
  const { pairBy } = context.options
  const key = pairingKey(input.wanted, pairBy)
  const candidates = key === undefined ? [] : input.candidates.filter((c) => c.objectId === null)
  const [candidate, second] = candidates
  if (
    linked !== undefined &&
    (context.options.pairByObjectId ||
      linked.untouchable ||
      candidate === undefined ||
      !isMoving(candidates, input, pairBy))
  )
    return matchLinked(linked, context)
  if (candidate !== undefined) {
    if (second !== undefined) return refused(`two registry users have this ${KEY_NAMES[pairBy]}`)
    if (candidate.untouchable)
      return refused(`the registry user with this ${KEY_NAMES[pairBy]} is an administrator or protected`)
    return { kind: 'adopt', user: candidate }
  }
  if (!context.options.addNewUsers) {
    return { kind: 'skip', reason: 'new-users-off', rule: 'users.options.addNewUsers', ...lost(input, pairBy) }
  }
  return { kind: 'create' }
}

/**
 * Whether the object id of a link goes on to what was found. A record that does without the value is no better than a link that has
 * it, nor than any while somebody else holds it: an earlier move may have left it behind, and the id would go to and fro.
 */
function isMoving(
  candidates: readonly RegistryUser[],
  { linked, wanted, isKeyTaken }: MatchInput,
  pairBy: PairBy,
): boolean {
  const [candidate, second] = candidates
  const isFound = linked !== undefined && pairingKey(linked, pairBy) === pairingKey(wanted, pairBy)
  // Refused, then.
  if (candidate === undefined || second !== undefined || candidate.untouchable) return !isFound
  return holdsKey(candidate, pairBy) || !(isFound || isKeyTaken)
}

/** Nobody else has it then, for two active users never share one. */
function holdsKey(user: RegistryUser, pairBy: PairBy): boolean {
  return user.active && (pairBy !== 'personalNumber' || user.holdsNumber)
}

const KEY_NAMES = { userName: 'user name', personalNumber: 'personal number', none: 'key' } as const

function matchLinked(linked: RegistryUser, context: MatchContext): Match {
  if (linked.untouchable) return { kind: 'skip', reason: 'protected', rule: 'protected', issue: undefined, message: '' }
  if (linked.sourceId === context.sourceId) return { kind: 'linked', user: linked }
  const stronger = strongerClaimant({ me: context.rank, rivals: context.rivals, claims: linked.claims })
  if (stronger !== undefined) {
    return {
      kind: 'skip',
      reason: 'owned-by-source',
      rule: 'priority',
      issue: 'owned-by-source',
      message: `The source ${JSON.stringify(stronger.name)} comes before this one (priority ${stronger.priority}) and owns the user; its mapping alone applies. Nothing needs to be done; to change it, change the priorities or the scopes.`,
    }
  }
  // Detached from a removed source: linking it again is an adoption, and is shown as one. Whoever claimed him all the time inherits.
  if (linked.sourceId === null && !linked.claims.includes(context.sourceId)) return { kind: 'adopt', user: linked }
  return { kind: 'take-over', user: linked }
}

/** Who is not added wants nothing of anybody, unless it is what he would have been paired by. */
function lost({ wanted, keyHolder }: MatchInput, pairBy: PairBy): Pick<Match & { kind: 'skip' }, 'issue' | 'message'> {
  if (pairBy === 'none' || keyHolder === undefined) return { issue: undefined, message: '' }
  return {
    issue: pairBy === 'userName' ? 'user-name-conflict' : 'personal-number-conflict',
    message: `The ${KEY_NAMES[pairBy]} ${JSON.stringify(wanted?.[pairBy])} belongs to ${keyHolder}; the user is not paired, and not imported while users.options.addNewUsers is off. Change one of the two in Entra.`,
  }
}

function refused(why: string): Match {
  return {
    kind: 'skip',
    reason: 'pairing-refused',
    rule: 'users.options.pairBy',
    issue: 'pairing-refused',
    message: `The user is not paired and not imported: ${why}. Give one of the two another one, or remove the protection.`,
  }
}

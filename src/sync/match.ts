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
  readonly wanted: { readonly userName: string | null } | undefined
  /** Registry users without object id that have the wanted user name. */
  readonly candidates: readonly RegistryUser[]
}

export interface MatchContext {
  readonly sourceId: number
  readonly rank: SourceRank
  /** The other sources of the tenant. */
  readonly rivals: readonly SourceRank[]
  readonly options: SourceSettings['users']['options']
}

/**
 * Links by object id first; where *Pair by Object ID* is off, the next pairing key comes before the link.
 * A user that has an object id is never a candidate, and an administrator or a protected user is never paired.
 */
export function match(input: MatchInput, context: MatchContext): Match {
  const { linked } = input
  const candidates = context.options.pairBy === 'userName' ? input.candidates.filter((c) => c.objectId === null) : []
  // The link's own name is the wanted one: another record of that name, left behind by an earlier move, is no better.
  const isFound = linked !== undefined && canonical(linked.userName) === canonical(input.wanted?.userName ?? '')
  if (linked !== undefined && (context.options.pairByObjectId || candidates.length === 0 || isFound))
    return matchLinked(linked, context)
  const [candidate, second] = candidates
  if (candidate !== undefined) {
    if (second !== undefined) return refused('two registry users have this user name')
    if (candidate.untouchable) return refused('the registry user with this name is an administrator or protected')
    return { kind: 'adopt', user: candidate }
  }
  if (!context.options.addNewUsers) {
    return { kind: 'skip', reason: 'new-users-off', rule: 'users.options.addNewUsers', issue: undefined, message: '' }
  }
  return { kind: 'create' }
}

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

function refused(why: string): Match {
  return {
    kind: 'skip',
    reason: 'pairing-refused',
    rule: 'users.options.pairBy',
    issue: 'pairing-refused',
    message: `The user is not paired and not imported: ${why}. Rename one of the two, or remove the protection.`,
  }
}

// What the parts of planning one person share: who he is, what is wanted, and the context of his source.
import type { Issue, IssueCode } from '../contract/runs.ts'
import type { SourceSettings } from '../contract/sources.ts'
import type { RegistryUser } from '../directory/user.ts'
import type { Judgement } from './judge.ts'
import type { WantedUser } from './map/users.ts'
import type { SourceRank } from './owner.ts'
import type { Remapped } from './plan-cause.ts'
import type { TakenUser } from './plan-terms.ts'

/** A group as an item names it. */
export interface DefaultGroup {
  readonly id: number
  readonly path: string
}

/** What attributes make of a person's groups, with the ids that the registry has for them or will have. */
export interface PersonGroups {
  readonly groupIds: readonly number[]
  /** Of the first template that makes one; `undefined`: none, `unknown`: its value cannot be kept. */
  readonly defaultGroup: DefaultGroup | 'unknown' | undefined
  /** False: a template's value cannot be kept, so nothing is known of what it gave. */
  readonly isComplete: boolean
}

export interface UserInput {
  readonly objectId: string
  readonly judgement: Judgement
  /** Present when the judgement is `wanted`. */
  readonly wanted: WantedUser | undefined
  /** The registry user with this tenant and object id. */
  readonly linked: RegistryUser | undefined
  /** Registry users without object id whose user name, or personal number, is the wanted one. */
  readonly candidates: readonly RegistryUser[]
  /** An active user has that name or number; asked where he is linked and somebody else was found. */
  readonly isKeyTaken: boolean
  /** How an issue names another one who has it, or is paired by it; asked where he is not linked and the source adds nobody. */
  readonly keyHolder?: string | undefined
  /** Claims that somebody else wins, as `space:key`. */
  readonly denied: ReadonlySet<string>
  /** Who takes him over when this source wants him no more: the next source that claims him, with what it wants him to be. */
  readonly successor: Successor | undefined
  /** Another source wants him, and has not taken him over yet; asked where he may be deleted. */
  readonly isWantedElsewhere: boolean
  /** Since when this source has missed him; `undefined`: not until now. */
  readonly missingSince: Date | undefined
  /** Absent where nobody asks for groups. */
  readonly attributeGroups?: PersonGroups | undefined
  /** The id that a new user would get. */
  readonly newId: () => number
}

export interface Successor {
  readonly rank: SourceRank
  readonly settings: SourceSettings
  readonly wanted: WantedUser
}

export interface PlanUserContext {
  readonly sourceId: number
  readonly rank: SourceRank
  /** The other sources of the tenant. */
  readonly rivals: readonly SourceRank[]
  readonly now: Date
  /** False: what was read is in doubt, so nothing of anybody is removed. */
  readonly removalsAllowed: boolean
  readonly settings: SourceSettings
  /** What of them is otherwise than when everybody was last planned. */
  readonly remapped: Remapped
  /** Keyed look-up of a card or PIN, lower-case hex. */
  readonly lookup: (space: 'card' | 'pin', canonicalValue: string) => string
  /** Seals a card number; base64. */
  readonly sealCard: (value: string) => string
  /** Who wins a denied claim, for the issue's sentence; never names a card or PIN. */
  readonly winnerOf: (claim: string) => string
}

/** A person with what he takes of his mapping, and where his issues go. */
export interface PersonOptions {
  readonly context: PlanUserContext
  readonly wanted: TakenUser
  readonly issues: Issue[]
}

/** An issue about this person. */
export function issue(input: UserInput, code: IssueCode, message: string): Issue {
  return { code, objectId: input.objectId, message }
}

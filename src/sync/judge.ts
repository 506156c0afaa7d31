// Where a mirror user stands, judged in the order of the rules: the first that holds counts. Pure.
import type { Attributes } from '../directory/change.ts'
import { meetsFilter } from './map/filter.ts'
import type { Mapping } from './map/users.ts'

export type OutOfScopeRule = 'users.guests' | 'users.import' | 'users.filter' | 'users.disabledAccounts'

export type Judgement =
  | { readonly kind: 'wanted' }
  | { readonly kind: 'disabled' }
  | { readonly kind: 'out-of-scope'; readonly rule: OutOfScopeRule }
  | { readonly kind: 'soft-deleted' }
  | { readonly kind: 'gone' }
  /** Nothing may be concluded: the removal is not proven, or a selected group cannot be found. */
  | {
      readonly kind: 'frozen'
      readonly why: 'removal-unproven' | 'scope-group-missing' | 'membership-unknown' | 'listing-incomplete'
    }

export interface JudgeInput {
  /** State letter of the mirror: l live, a absent and unproven, s soft-deleted, x gone, ? never read. */
  readonly state: string
  readonly attributes: Attributes
  /** Member of a selected group, nested ones counted; true where all users are imported. */
  readonly inScopeGroup: boolean
  /** Why nobody's absence from the selected groups proves anything: one cannot be found, or does not show its members. */
  readonly scopeDoubt: 'scope-group-missing' | 'membership-unknown' | undefined
  /** False when this run's listings contradicted each other or were incomplete: nobody is judged missing. */
  readonly removalsAllowed: boolean
}

/** Judges one mirror user by the source's scope settings. */
export function judge(input: JudgeInput, mapping: Pick<Mapping, 'settings' | 'filter'>): Judgement {
  const { settings } = mapping
  if (input.state === 'a' || input.state === '?') return { kind: 'frozen', why: 'removal-unproven' }
  const removed = removedOrOutOfScope(input, mapping)
  if (removed !== undefined) {
    return input.removalsAllowed || removed.kind === 'frozen' ? removed : { kind: 'frozen', why: 'listing-incomplete' }
  }
  if (settings.users.disabledAccounts === 'deactivate' && input.attributes['accountEnabled'] === false)
    return { kind: 'disabled' }
  return { kind: 'wanted' }
}

function removedOrOutOfScope(
  input: JudgeInput,
  { settings, filter }: Pick<Mapping, 'settings' | 'filter'>,
): Judgement | undefined {
  if (input.state === 'x') return { kind: 'gone' }
  if (input.state === 's') return { kind: 'soft-deleted' }
  if (settings.users.guests === 'ignore' && input.attributes['userType'] === 'Guest') {
    return { kind: 'out-of-scope', rule: 'users.guests' }
  }
  if (!input.inScopeGroup) {
    return input.scopeDoubt === undefined
      ? { kind: 'out-of-scope', rule: 'users.import' }
      : { kind: 'frozen', why: input.scopeDoubt }
  }
  if (filter !== undefined && !meetsFilter(input.attributes, filter)) {
    return { kind: 'out-of-scope', rule: 'users.filter' }
  }
  if (settings.users.disabledAccounts === 'ignore' && input.attributes['accountEnabled'] === false) {
    return { kind: 'out-of-scope', rule: 'users.disabledAccounts' }
  }
  return undefined
}

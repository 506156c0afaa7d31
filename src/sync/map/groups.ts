// Whether a mirror group is imported, and as what. Pure.
import { GROUP_TYPES, type GroupType, type SourceSettings } from '../../contract/sources.ts'
import type { Attributes } from '../../directory/change.ts'
import { MAX_KEY_LENGTH, valueProblem, valuesOf } from './value.ts'

/** The setting that leaves a group out. */
export type IgnoreRule = 'groups.import' | 'groups.ignore' | 'groups.ignoreContaining' | 'groups.types'

export type MappedGroup =
  | { readonly kind: 'wanted'; readonly name: string; readonly under: string }
  | { readonly kind: 'ignored'; readonly rule: IgnoreRule }
  /** Entra gives it no name (or hides it), or one that cannot be kept: the record stays as it is. */
  | { readonly kind: 'unnamed'; readonly problem: string }

/** Maps one mirror group by the *Groups* settings of its source. */
export function mapGroup(objectId: string, attributes: Attributes, settings: SourceSettings): MappedGroup {
  const groups = settings.groups
  if (!groups.import) return { kind: 'ignored', rule: 'groups.import' }
  if (groups.ignore.some((id) => id === objectId)) return { kind: 'ignored', rule: 'groups.ignore' }
  if (groups.types !== 'all') {
    const types = groupTypesOf(attributes)
    if (!groups.types.some((type) => types.has(type))) return { kind: 'ignored', rule: 'groups.types' }
  }
  const name = valuesOf(attributes, 'displayName')[0]
  if (name === undefined) return { kind: 'unnamed', problem: 'has no name' }
  const problem = valueProblem(name, MAX_KEY_LENGTH)
  if (problem !== undefined) return { kind: 'unnamed', problem: `has a name that ${problem}` }
  const folded = fold(name)
  if (groups.ignoreContaining.some((part) => folded.includes(fold(part))))
    return { kind: 'ignored', rule: 'groups.ignoreContaining' }
  return { kind: 'wanted', name, under: groups.under ?? '' }
}

/**
 * The kinds that a group counts as; a dynamic group counts as its base kind and as `dynamic`.
 * Source: https://learn.microsoft.com/graph/api/resources/groups-overview (seen 2026-11).
 */
export function groupTypesOf(attributes: Attributes): ReadonlySet<GroupType> {
  const kinds = attributes['groupTypes']
  const listed: readonly unknown[] = Array.isArray(kinds) ? kinds : []
  const types = new Set<GroupType>()
  if (listed.includes('DynamicMembership')) types.add('dynamic')
  const mail = attributes['mailEnabled'] === true
  const security = attributes['securityEnabled'] === true
  if (listed.includes('Unified')) types.add('microsoft365')
  else if (mail && security) types.add('mailEnabledSecurity')
  else if (mail) types.add('distribution')
  else if (security) types.add('security')
  return types.size === 0 ? new Set(GROUP_TYPES) : types
}

function fold(text: string): string {
  return text.normalize('NFKC').toUpperCase().toLowerCase()
}

// The groups of one person: who gives each, through which nested groups, and which of his groups in Entra are not imported.
import type { ExplainedGroup, IgnoredGroup } from '../contract/explanation.ts'
import type { SourceSettings } from '../contract/sources.ts'
import type { Queries } from '../database/connect.ts'
import type { Attributes } from '../directory/change.ts'
import { pathOf } from '../directory/group.ts'
import { listGroupsOf } from '../mirror/people.ts'
import { groupsByKeys, listParents } from '../mirror/nesting.ts'
import type { GivenMembership } from '../registry/why.ts'
import { ignoredSentence } from './explain-words.ts'
import { mapGroup } from './map/groups.ts'
import { valuesOf } from './map/value.ts'

/** A group of the mirror that somebody is in, and the shortest way there. */
export interface Reached {
  readonly key: number
  readonly objectId: string
  readonly attributes: Attributes
  /** Names from the group that he is a direct member of up to this one. */
  readonly chain: readonly string[]
}

/** Every group that a mirror user is in, directly or through others, by object id; the shortest chain each. */
export async function reachedGroups(db: Queries, userKey: number): Promise<ReadonlyMap<string, Reached>> {
  const reached = new Map<number, Reached>()
  const add = (group: Omit<Reached, 'chain'>, below: readonly string[]) => {
    reached.set(group.key, { ...group, chain: [...below, nameOf(group)] })
  }
  for (const group of await listGroupsOf(db, userKey)) add(group, [])
  // Level by level, so that the first way found is the shortest; a group is never visited twice, so cycles end.
  for (let level = [...reached.keys()]; level.length > 0; ) {
    const edges = (await listParents(db, level)).filter((edge) => !reached.has(edge.parent))
    const parents = await groupsByKeys(db, [...new Set(edges.map((edge) => edge.parent))])
    for (const { parent, child } of edges) {
      const group = parents.get(parent)
      if (group !== undefined && !reached.has(parent)) add(group, reached.get(child)?.chain ?? [])
    }
    level = [...parents.keys()]
  }
  return new Map([...reached.values()].map((group) => [group.objectId, group]))
}

/** By the id of a source: the groups that its mirror has him in. */
export type ReachedBySource = ReadonlyMap<number, ReadonlyMap<string, Reached>>

/** The registry groups of a person with everybody who gives them. */
export function explainGroups(
  memberships: readonly GivenMembership[],
  reached: ReachedBySource,
  defaultGroupId: number | null,
): ExplainedGroup[] {
  const groups = new Map<number, { group: GivenMembership; givenBy: ExplainedGroup['givenBy'] }>()
  for (const membership of memberships) {
    const entry = groups.get(membership.groupId) ?? { group: membership, givenBy: [] }
    entry.givenBy.push(giver(membership, reached))
    groups.set(membership.groupId, entry)
  }
  return [...groups.values()].map(({ group, givenBy }) => ({
    path: pathOf(group.under, group.name),
    objectId: group.objectId,
    isDefault: group.groupId === defaultGroupId,
    givenBy,
    sentence: `Member because ${givenBy.map(giverWords).join('; and ')}.`,
  }))
}

function giver(membership: GivenMembership, reached: ReachedBySource): ExplainedGroup['givenBy'][number] {
  const { sourceId, sourceName, objectId } = membership
  if (sourceId === 0) return { source: null, how: 'by hand', chain: [] }
  if (sourceName === null) return { source: null, how: 'removed source', chain: [] }
  if (objectId === null) return { source: sourceName, how: 'attributes', chain: [] }
  const chain = reached.get(sourceId)?.get(objectId)?.chain ?? []
  // What it read last says otherwise by now, or is of another tenant.
  if (chain.length === 0) return { source: sourceName, how: 'formerly', chain: [] }
  return { source: sourceName, how: chain.length > 1 ? 'nested' : 'direct', chain: [...chain] }
}

function giverWords(given: ExplainedGroup['givenBy'][number]): string {
  switch (given.how) {
    case 'by hand':
      return 'somebody added him by hand'
    case 'removed source':
      return 'a source gave it that was removed since'
    case 'attributes':
      return `${given.source} makes the group of his attributes`
    case 'formerly':
      return `${given.source} gave it, and does not find him in it any more`
    case 'direct':
      return `he is a direct member in Entra (${given.source})`
    case 'nested':
      return `he is in ${given.chain.join(', which is in ')} (${given.source})`
  }
}

/** His groups in Entra that a source does not import, and by which rule. */
export function ignoredGroups(reached: ReadonlyMap<string, Reached>, settings: SourceSettings): IgnoredGroup[] {
  const counted = [...reached.values()].filter(
    (group) => settings.groups.membership === 'transitive' || group.chain.length === 1,
  )
  return counted.flatMap((group): IgnoredGroup[] => {
    const mapped = mapGroup(group.objectId, group.attributes, settings)
    const about = { objectId: group.objectId, name: valuesOf(group.attributes, 'displayName')[0] ?? null }
    if (mapped.kind === 'ignored') return [{ ...about, rule: mapped.rule, sentence: ignoredSentence(mapped.rule) }]
    if (mapped.kind === 'unnamed')
      return [{ ...about, rule: 'groups', sentence: `Not imported: the group ${mapped.problem}.` }]
    return []
  })
}

function nameOf(group: Pick<Reached, 'objectId' | 'attributes'>): string {
  return valuesOf(group.attributes, 'displayName')[0] ?? group.objectId
}

// Finds the groups that attributes make in the registry, or ids and places for those that have to be created.
import { assert } from '../base/errors.ts'
import type { Issue } from '../contract/runs.ts'
import type { Transaction } from '../database/transaction.ts'
import { pathKeyOf, pathOf } from '../directory/group.ts'
import {
  addPlannedNodes,
  eachNodeToCreate,
  type GroupNode,
  groupsByPathKeys,
  type NewNode,
  plannedNodes,
} from '../registry/attribute-groups.ts'
import { takeIds } from '../registry/planning.ts'
import type { ItemDraft } from './item.ts'
import type { AttributeGroups, GroupTemplates, WantedGroup } from './map/attribute-groups.ts'
import type { PersonGroups } from './plan-person.ts'

/** A group of a tree that somebody's attributes name. */
interface Step {
  readonly key: string
  /** Undefined for the top of the tree. */
  readonly above: string | undefined
  readonly name: string
  readonly rule: string
}

/**
 * Resolves the groups of some people. A group that nobody has met is noted as one to create, spelt as the first of them spells
 * it, below its parent as that is spelt; whether somebody is really in it shows when everybody is planned.
 */
export async function resolveAttributeGroups(
  tx: Transaction,
  people: readonly (AttributeGroups | undefined)[],
  templates: GroupTemplates,
): Promise<readonly (PersonGroups | undefined)[]> {
  const steps = new Map<string, Step>()
  const leaves = new Map<WantedGroup, string>()
  for (const person of people) {
    for (const group of person?.groups ?? []) leaves.set(group, addSteps(steps, group, templates.under))
  }
  const nodes = await resolve(tx, steps, templates)
  const nodeOf = (group: WantedGroup): GroupNode => {
    const node = nodes.get(leaves.get(group) ?? '')
    assert(node !== undefined, 'every step has a node')
    return node
  }
  return people.map((person) => {
    if (person === undefined) return undefined
    const { defaultGroup } = person
    const node = defaultGroup === undefined || defaultGroup === 'unknown' ? defaultGroup : nodeOf(defaultGroup)
    return {
      groupIds: [...new Set(person.groups.map((group) => nodeOf(group).groupId))],
      defaultGroup: typeof node === 'object' ? { id: node.groupId, path: pathOf(node.under, node.name) } : node,
      isComplete: person.rejected.length === 0,
    }
  })
}

/** Adds the groups on the way to one. @returns the key of the last */
function addSteps(steps: Map<string, Step>, group: WantedGroup, under: readonly string[]): string {
  let above: string | undefined
  const names = [...under]
  for (const name of group.names) {
    names.push(name)
    const key = pathKeyOf(names)
    if (!steps.has(key)) steps.set(key, { key, above, name, rule: group.rule })
    above = key
  }
  assert(above !== undefined, 'a wanted group has a name')
  return above
}

async function resolve(
  tx: Transaction,
  steps: ReadonlyMap<string, Step>,
  templates: GroupTemplates,
): Promise<ReadonlyMap<string, GroupNode>> {
  const nodes = new Map<string, GroupNode>()
  if (steps.size === 0) return nodes
  for (const node of await plannedNodes(tx, [...steps.keys()])) nodes.set(node.key, node)
  const unmet = [...steps.values()].filter((step) => !nodes.has(step.key))
  if (unmet.length === 0) return nodes
  const existing = new Map(
    (
      await groupsByPathKeys(
        tx,
        unmet.map((step) => step.key),
      )
    ).map((group) => [group.key, group]),
  )
  const created = unmet.filter((step) => !existing.has(step.key))
  const ids = await takeIds(tx, created.length)
  const added: NewNode[] = []
  let top = ''
  for (const name of templates.under) top = pathOf(top, name)
  // A step comes after the one above it.
  for (const step of unmet) {
    const parent = step.above === undefined ? undefined : nodes.get(step.above)
    const known = existing.get(step.key)
    const groupId = known?.groupId ?? ids.shift()
    assert(groupId !== undefined, 'an id was taken for every group to create')
    const node: NewNode = {
      key: step.key,
      groupId,
      name: known?.name ?? step.name,
      under: known?.under ?? (parent === undefined ? top : pathOf(parent.under, parent.name)),
      parentId: parent?.groupId ?? null,
      rule: step.rule,
      sawVersion: known?.version ?? null,
      isThere: known !== undefined && !known.hidden,
    }
    nodes.set(step.key, node)
    added.push(node)
  }
  await addPlannedNodes(tx, added)
  return nodes
}

/** What an administrator is told of names that cannot be kept. */
export function attributeGroupIssues(objectId: string, groups: AttributeGroups): Issue[] {
  return groups.rejected.map(({ target, problem }) => ({
    code: 'value-rejected',
    objectId,
    message: `The name of a group from ${target} ${problem}; the user's groups from attributes stay as they are. Correct the attribute in Entra, or the template.`,
  }))
}

/** The items that create the groups of a plan which are not there, by path, in batches. */
export async function* eachCreateItem(tx: Transaction): AsyncGenerator<readonly ItemDraft[], void, undefined> {
  for await (const nodes of eachNodeToCreate(tx)) {
    yield nodes.map((node): ItemDraft => {
      const { groupId, name, under, rule, sawVersion } = node
      return {
        object: 'group',
        action: 'create',
        userId: null,
        groupId,
        objectId: null,
        name,
        old: sawVersion === null ? null : { hidden: true, name, under },
        new: { name, under, path: pathOf(under, name) },
        names: null,
        rule,
        reason: 'from-attributes',
        sawVersion,
      }
    })
  }
}

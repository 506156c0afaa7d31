// Which groups the attributes of one mirror user make, by the templates of his source. Pure.
import { attributesOfParts } from '../../contract/attributes-read.ts'
import { parseGroupTemplate } from '../../contract/group-template.ts'
import type { SourceSettings } from '../../contract/sources.ts'
import type { TemplatePart } from '../../contract/template.ts'
import type { Attributes } from '../../directory/change.ts'
import { splitPath } from '../../directory/group.ts'
import type { RejectedValue } from './users.ts'
import { MAX_KEY_LENGTH, valueProblem, valuesOf } from './value.ts'

/** A template, read once for all users. */
export interface GroupTemplate {
  /** Its place in the settings, e.g. `groups.fromAttributes[0]`. */
  readonly rule: string
  readonly levels: readonly (readonly TemplatePart[])[]
  readonly makeDefault: boolean
}

export interface GroupTemplates {
  readonly templates: readonly GroupTemplate[]
  /** Names of the groups below which the trees stand. */
  readonly under: readonly string[]
}

/** Reads the templates of a source. They were checked when they were saved. */
export function prepareGroupTemplates(groups: SourceSettings['groups']): GroupTemplates {
  const templates = groups.fromAttributes.flatMap(({ template, makeDefault }, index): GroupTemplate[] => {
    const parsed = parseGroupTemplate(template)
    if (parsed.kind === 'refused') return []
    return [{ rule: `groups.fromAttributes[${index}]`, levels: parsed.levels, makeDefault }]
  })
  return { templates, under: splitPath(groups.under ?? '') }
}

/** The attributes that templates read. */
export function attributesOfTemplates({ templates }: GroupTemplates): readonly string[] {
  return templates.flatMap(({ levels }) => attributesOfParts(levels.flat()))
}

/** A group that a template makes for a user. */
export interface WantedGroup {
  /** From the top, without those of `under`; at least one. He is a member of the last one only. */
  readonly names: readonly string[]
  readonly rule: string
}

export interface AttributeGroups {
  /** In the order of the templates; two may be the same group. */
  readonly groups: readonly WantedGroup[]
  /** Which of them is his default: of the first template that makes one. `undefined`: none; `unknown`: its value cannot be kept. */
  readonly defaultGroup: WantedGroup | 'unknown' | undefined
  /** Values that cannot be kept, by the rule of their template. */
  readonly rejected: readonly Omit<RejectedValue, 'apply' | 'code'>[]
}

/** Maps one mirror user. A path ends before its first empty level; where that is the top, the template makes nothing. */
export function mapAttributeGroups(attributes: Attributes, { templates }: GroupTemplates): AttributeGroups {
  const groups: WantedGroup[] = []
  const rejected: Omit<RejectedValue, 'apply' | 'code'>[] = []
  let defaultGroup: AttributeGroups['defaultGroup']
  for (const { rule, levels, makeDefault } of templates) {
    const names = namesOf(attributes, levels)
    const problem = names.map((name) => valueProblem(name, MAX_KEY_LENGTH)).find((found) => found !== undefined)
    if (problem !== undefined) {
      rejected.push({ target: rule, problem })
      if (makeDefault) defaultGroup ??= 'unknown'
      continue
    }
    if (names.length === 0) continue
    const group: WantedGroup = { names, rule }
    groups.push(group)
    if (makeDefault) defaultGroup ??= group
  }
  return { groups, defaultGroup, rejected }
}

function namesOf(attributes: Attributes, levels: GroupTemplate['levels']): string[] {
  const names: string[] = []
  for (const level of levels) {
    const name = nameOf(attributes, level)
    if (name === '') break
    names.push(name)
  }
  return names
}

/** Empty where every attribute in it is; a level of text alone never is. */
function nameOf(attributes: Attributes, level: readonly TemplatePart[]): string {
  let name = ''
  let hasValue = level.every((part) => 'text' in part)
  for (const part of level) {
    if ('text' in part) {
      name += part.text
      continue
    }
    const value = valuesOf(attributes, part.attribute)[0]
    if (value === undefined) continue
    name += value
    hasValue = true
  }
  return hasValue ? name.trim() : ''
}

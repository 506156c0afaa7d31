// Which attributes of Entra settings read, and at which setting: what is requested, which permissions that takes, and what is
// warned of come from here alone.
import { attributesOf } from '../directory/attributes.ts'
import { parseExpression } from './expression.ts'
import type { Filter } from './filter.ts'
import { parseGroupTemplate } from './group-template.ts'
import type { OneValued, SeveralValued, SourceSettings } from './sources.ts'
import { parseTemplate, type TemplatePart } from './template.ts'

/** A setting that reads attributes. */
export interface AttributeReader {
  /** E.g. `users.properties.notes`, `users.filter`, `groups.fromAttributes[0]`. */
  readonly at: string
  /** Combinations taken apart. */
  readonly attributes: readonly string[]
  /** Whether cards or PINs are made of them. */
  readonly isSecret: boolean
}

/** Every setting of a source that reads attributes, in the order of the settings. */
export function* attributeReaders(settings: SourceSettings): Generator<AttributeReader> {
  const { filter, properties } = settings.users
  if (filter !== null) yield { at: 'users.filter', attributes: attributesOfFilter(filter), isSecret: false }
  const { own, ...targets } = properties
  for (const [target, property] of Object.entries(targets)) {
    const isSecret = target === 'cards' || target === 'pin'
    for (const one of [property].flat()) {
      if (one === null || one === 'generate') continue
      yield { at: `users.properties.${target}`, attributes: attributesReadBy(one), isSecret }
    }
  }
  for (const [name, property] of Object.entries(own))
    yield { at: `users.properties.own.${name}`, attributes: attributesReadBy(property), isSecret: false }
  for (const [index, { template }] of settings.groups.fromAttributes.entries()) {
    const parsed = parseGroupTemplate(template)
    const attributes = parsed.kind === 'refused' ? [] : attributesOfParts(parsed.levels.flat())
    yield { at: `groups.fromAttributes[${index}]`, attributes, isSecret: false }
  }
}

/** The attributes that one entry of a mapping reads; of a text that cannot be parsed none. */
export function attributesReadBy(property: OneValued | SeveralValued): readonly string[] {
  if ('from' in property) return attributesOf(property.from)
  if ('expression' in property) {
    const parsed = parseExpression(property.expression)
    return parsed.kind === 'refused' ? [] : parsed.expression.attributes
  }
  const parsed = parseTemplate(property.template)
  return parsed.kind === 'refused' ? [] : attributesOfParts(parsed.parts)
}

/** The attributes that a filter reads, each once. */
export function attributesOfFilter(filter: Filter): readonly string[] {
  return [...new Set(filter.any.flatMap((group) => group.all.flatMap((clause) => attributesOf(clause.attribute))))]
}

/** The attributes that a template reads. */
export function attributesOfParts(parts: readonly TemplatePart[]): readonly string[] {
  return parts.flatMap((part) => ('attribute' in part ? attributesOf(part.attribute) : []))
}

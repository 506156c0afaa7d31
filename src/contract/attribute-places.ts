// Where settings read which attribute, for remarks about single attributes. Pure.
import { parseExpression } from './expression.ts'
import { type OneValued, type SeveralValued, type SourceSettings } from './sources.ts'
import { parseTemplate } from './template.ts'

export interface AttributePlace {
  /** Path of the setting, as mistakes name it. */
  readonly at: string
  readonly attribute: string
  /** In a template or an expression: which character the name begins at, from 1. */
  readonly character?: number
}

/** Every attribute that settings name, place by place, in their order. Names as they are written: combinations are not taken apart. */
export function attributePlaces(settings: SourceSettings): readonly AttributePlace[] {
  return [...filtered(settings), ...mapped(settings), ...grouped(settings)]
}

function* filtered({ users: { filter } }: SourceSettings): Generator<AttributePlace> {
  for (const [g, { all }] of (filter?.any ?? []).entries())
    for (const [c, { attribute }] of all.entries())
      yield { at: `users.filter.any[${g}].all[${c}].attribute`, attribute }
}

function* mapped({ users }: SourceSettings): Generator<AttributePlace> {
  const { own, ...targets } = users.properties
  const all = [...Object.entries(targets), ...Object.entries(own).map(([name, one]) => [`own.${name}`, one] as const)]
  for (const [target, property] of all) {
    const at = `users.properties.${target}`
    if (Array.isArray(property)) for (const [n, one] of property.entries()) yield* read(one, `${at}[${n}]`)
    else if (property !== null && property !== 'generate') yield* read(property, at)
  }
}

function* grouped({ groups }: SourceSettings): Generator<AttributePlace> {
  for (const [n, { template }] of groups.fromAttributes.entries())
    yield* inTemplate(template, `groups.fromAttributes[${n}].template`)
}

function* read(property: OneValued | SeveralValued, at: string): Generator<AttributePlace> {
  if ('from' in property) yield { at, attribute: property.from }
  else if ('template' in property) yield* inTemplate(property.template, `${at}.template`)
  else {
    const parsed = parseExpression(property.expression)
    if (parsed.kind === 'refused') return
    for (const attribute of parsed.expression.attributes)
      yield { at: `${at}.expression`, attribute, character: property.expression.indexOf(attribute) + 1 }
  }
}

function* inTemplate(template: string, at: string): Generator<AttributePlace> {
  const parsed = parseTemplate(template)
  if (parsed.kind === 'refused') return
  for (const part of parsed.parts)
    if ('attribute' in part)
      yield { at, attribute: part.attribute, character: template.indexOf(`%${part.attribute}%`) + 2 }
}

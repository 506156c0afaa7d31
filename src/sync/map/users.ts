// What a source's settings want a registry user to be, from the attributes of one mirror user. Pure.
import { evaluateExpression, type Expression, parseExpression } from '../../contract/expression.ts'
import type { Apply, OneValued, Properties, SeveralValued, SourceSettings } from '../../contract/sources.ts'
import { parseTemplate, type TemplatePart } from '../../contract/template.ts'
import { applyTransform, parseTransform, type Transform } from '../../contract/transform.ts'
import type { Attributes } from '../../directory/change.ts'
import { TEXT_FIELDS, type TextField } from '../../directory/user.ts'
import { type PreparedFilter, prepareFilter } from './filter.ts'
import { MAX_KEY_LENGTH, MAX_TEXT_LENGTH, MIN_PIN_LENGTH, valueProblem, valuesOf } from './value.ts'

/** A source's settings with filter, templates and transformations read, once for all users. */
export interface Mapping {
  readonly settings: SourceSettings
  /** `undefined`: everybody meets it. */
  readonly filter: PreparedFilter | undefined
  readonly templates: ReadonlyMap<OneValued | SeveralValued, readonly TemplatePart[]>
  readonly expressions: ReadonlyMap<OneValued | SeveralValued, Expression>
  readonly transforms: ReadonlyMap<OneValued | SeveralValued, Transform>
}

/** Reads what the settings write as text. They were checked when they were saved. */
export function prepareMapping(settings: SourceSettings): Mapping {
  const templates = new Map<OneValued | SeveralValued, readonly TemplatePart[]>()
  const expressions = new Map<OneValued | SeveralValued, Expression>()
  const transforms = new Map<OneValued | SeveralValued, Transform>()
  const { own, ...targets } = settings.users.properties
  for (const property of [...Object.values(targets), ...Object.values(own)].flat()) {
    if (property === null || property === 'generate') continue
    if ('template' in property) {
      const parsed = parseTemplate(property.template)
      if (parsed.kind === 'parsed') templates.set(property, parsed.parts)
    }
    if ('expression' in property) {
      const parsed = parseExpression(property.expression)
      if (parsed.kind === 'parsed') expressions.set(property, parsed.expression)
    }
    if ('transform' in property && property.transform !== undefined) {
      const parsed = parseTransform(property.transform)
      if (parsed.kind === 'parsed') transforms.set(property, parsed.transform)
    }
  }
  const { filter } = settings.users
  return { settings, filter: filter === null ? undefined : prepareFilter(filter), templates, expressions, transforms }
}

/** The fields that a mapping gives. A target that is not mapped is absent; `null` and `[]` clear what the source gave. */
export interface WantedUser {
  /** `null`: what is mapped is empty. */
  readonly userName: string | null
  readonly fields: ReadonlyMap<TextField, string | null>
  /** `undefined`: not mapped. */
  readonly personalNumber: string | null | undefined
  readonly aliases: readonly GivenValue[] | undefined
  readonly alternateEmails: readonly GivenValue[] | undefined
  readonly cards: readonly GivenValue[] | undefined
  readonly pin: string | null | undefined
  /** Mapped own fields only; `null` clears. */
  readonly own: ReadonlyMap<string, string | null>
  /** Values that cannot be kept; the field then keeps what it has. */
  readonly rejected: readonly RejectedValue[]
}

/** A value of a several-valued target, on the terms of the entry that gives it. The same value may come from several. */
export interface GivenValue extends Pick<SeveralValued, 'apply' | 'mode'> {
  readonly value: string
}

export interface RejectedValue {
  /** The config name of the target, e.g. `cards`. */
  readonly target: string
  readonly apply: Apply
  /** Why, without the value itself. */
  readonly problem: string
  /** An expression that has no value for this object, or a value that cannot be kept. */
  readonly code: 'expression-failed' | 'value-rejected'
}

/**
 * Maps one mirror user. Attributes that Graph has never mentioned count as empty: the mirror already keeps what an
 * earlier answer said, so nothing is cleared by silence (SPEC S10).
 */
export function mapUser(attributes: Attributes, mapping: Mapping): WantedUser {
  const { settings } = mapping
  const properties = settings.users.properties
  const rejected: RejectedValue[] = []
  const first = (target: string, property: OneValued, max: number) =>
    single(attributes, { target, property, max, rejected, mapping })
  const all = (target: string, list: readonly SeveralValued[]) =>
    several(attributes, { target, list, rejected, mapping })

  const userName = first('userName', properties.userName, MAX_KEY_LENGTH)
  const fields = new Map<TextField, string | null>()
  for (const field of TEXT_FIELDS) {
    const property = properties[field]
    if (property === null) continue
    const value = first(field, property, MAX_TEXT_LENGTH)
    if (value !== undefined) fields.set(field, value)
  }
  if (fields.get('fullName') === null) {
    const displayName = first('fullName', { from: 'displayName', apply: 'always' }, MAX_TEXT_LENGTH)
    if (displayName === undefined) fields.delete('fullName')
    else fields.set('fullName', displayName)
  }
  const own = new Map<string, string | null>()
  for (const [name, property] of Object.entries(properties.own)) {
    const value = first(`own.${name}`, property, MAX_TEXT_LENGTH)
    if (value !== undefined) own.set(name, value)
  }
  return {
    userName:
      userName === undefined || userName === null
        ? null
        : settings.users.options.lowercaseUserNames
          ? userName.toLowerCase()
          : userName,
    fields,
    personalNumber:
      properties.personalNumber === null
        ? undefined
        : first('personalNumber', properties.personalNumber, MAX_KEY_LENGTH),
    aliases: all('aliases', properties.aliases),
    alternateEmails: all('alternateEmails', properties.alternateEmails),
    cards: all('cards', properties.cards),
    pin: wantedPin(properties, first),
    own,
    rejected,
  }
}

function wantedPin(
  properties: Properties,
  first: (target: string, property: OneValued, max: number) => string | null | undefined,
): string | null | undefined {
  if (properties.pin === null || properties.pin === 'generate') return undefined
  return first('pin', properties.pin, MAX_KEY_LENGTH)
}

interface SingleOptions {
  readonly target: string
  readonly property: OneValued
  readonly max: number
  readonly rejected: RejectedValue[]
  readonly mapping: Mapping
}

type Given = { readonly values: readonly string[] } | { readonly problem: string }

/** The values of one property, or why its expression has none. */
function valuesFrom(attributes: Attributes, property: OneValued | SeveralValued, mapping: Mapping): Given {
  if ('from' in property) return { values: valuesOf(attributes, property.from) }
  if ('template' in property) return { values: filledIn(attributes, property, mapping) }
  const expression = mapping.expressions.get(property)
  // Settings are checked when they are saved; what was accepted and is not any more must never clear a field.
  if (expression === undefined) return { problem: 'it is not understood' }
  const result = evaluateExpression(expression, (name) => valuesOf(attributes, name))
  return result.kind === 'values' ? result : { problem: result.problem }
}

function filledIn(attributes: Attributes, property: OneValued | SeveralValued, mapping: Mapping): readonly string[] {
  const parts = mapping.templates.get(property)
  if (parts === undefined) return []
  let text = ''
  let isEmpty = true
  for (const part of parts) {
    if ('text' in part) {
      text += part.text
      continue
    }
    const value = valuesOf(attributes, part.attribute)[0]
    if (value === undefined) continue
    text += value
    isEmpty = false
  }
  // A template whose attributes are all empty is empty itself; its fixed text alone would be the same for everybody.
  return isEmpty || text.trim() === '' ? [] : [text.trim()]
}

/** `null`: empty, so the field is cleared. `undefined`: the value cannot be kept, so the field stays as it is. */
function single(attributes: Attributes, options: SingleOptions): string | null | undefined {
  const { target, rejected } = options
  const given = valuesFrom(attributes, options.property, options.mapping)
  if ('problem' in given) {
    rejected.push({ target, apply: options.property.apply, problem: given.problem, code: 'expression-failed' })
    return undefined
  }
  const value = given.values[0]
  if (value === undefined) return null
  const problem = valueProblem(value, options.max)
  const isShort = target === 'pin' && value.length < MIN_PIN_LENGTH
  if (problem === undefined && !isShort) return value
  rejected.push({
    target,
    apply: options.property.apply,
    problem: problem ?? `is shorter than ${MIN_PIN_LENGTH} characters`,
    code: 'value-rejected',
  })
  return undefined
}

interface SeveralOptions {
  readonly target: string
  readonly list: readonly SeveralValued[]
  readonly rejected: RejectedValue[]
  readonly mapping: Mapping
}

function several(attributes: Attributes, options: SeveralOptions): readonly GivenValue[] | undefined {
  if (options.list.length === 0) return undefined
  const values: GivenValue[] = []
  for (const property of options.list) {
    const { apply, mode } = property
    const transform = options.mapping.transforms.get(property)
    const given = valuesFrom(attributes, property, options.mapping)
    if ('problem' in given) {
      options.rejected.push({ target: options.target, apply, problem: given.problem, code: 'expression-failed' })
      continue
    }
    for (const text of given.values) {
      const result = transform === undefined ? { value: text } : applyTransform(transform, text)
      const problem =
        'problem' in result ? `was dropped by ${result.problem}` : valueProblem(result.value, MAX_KEY_LENGTH)
      if (problem !== undefined) {
        options.rejected.push({ target: options.target, apply, problem, code: 'value-rejected' })
      } else if ('value' in result) values.push({ value: result.value, apply, mode })
    }
  }
  return values
}

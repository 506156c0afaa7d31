// What a source's settings want a registry user to be, from the attributes of one mirror user. Pure.
import type { OneValued, Properties, SeveralValued, SourceSettings } from '../../contract/sources.ts'
import type { Attributes } from '../../directory/change.ts'
import { TEXT_FIELDS, type TextField } from '../../directory/user.ts'
import { MAX_KEY_LENGTH, MAX_TEXT_LENGTH, valueProblem, valuesOf } from './value.ts'

/** The fields that a mapping gives. A target that is not mapped is absent; `null` and `[]` clear what the source gave. */
export interface WantedUser {
  /** `null`: what is mapped is empty. */
  readonly userName: string | null
  readonly fields: ReadonlyMap<TextField, string | null>
  /** `undefined`: not mapped. */
  readonly personalNumber: string | null | undefined
  readonly aliases: readonly string[] | undefined
  readonly alternateEmails: readonly string[] | undefined
  readonly cards: readonly string[] | undefined
  readonly pin: string | null | undefined
  /** Mapped own fields only; `null` clears. */
  readonly own: ReadonlyMap<string, string | null>
  /** Values that cannot be kept; the field then keeps what it has. */
  readonly rejected: readonly RejectedValue[]
}

export interface RejectedValue {
  /** The config name of the target, e.g. `cards`. */
  readonly target: string
  /** Why, without the value itself. */
  readonly problem: string
}

/**
 * Maps one mirror user. Attributes that Graph has never mentioned count as empty: the mirror already keeps what an
 * earlier answer said, so nothing is cleared by silence (SPEC S10).
 */
export function mapUser(attributes: Attributes, settings: SourceSettings): WantedUser {
  const properties = settings.users.properties
  const rejected: RejectedValue[] = []
  const first = (target: string, property: OneValued, max: number) =>
    single(attributes, { target, property, max, rejected })
  const all = (target: string, list: readonly SeveralValued[]) => several(attributes, { target, list, rejected })

  const userName = first('userName', properties.userName, MAX_KEY_LENGTH)
  const fields = new Map<TextField, string | null>()
  for (const field of TEXT_FIELDS) {
    const property = properties[field]
    if (property === null) continue
    const value = first(field, property, MAX_TEXT_LENGTH)
    if (value !== undefined) fields.set(field, value)
  }
  if (fields.get('fullName') === null) fields.set('fullName', valuesOf(attributes, 'displayName')[0] ?? null)
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
}

/** `null`: empty, so the field is cleared. `undefined`: the value cannot be kept, so the field stays as it is. */
function single(attributes: Attributes, options: SingleOptions): string | null | undefined {
  const value = 'from' in options.property ? valuesOf(attributes, options.property.from)[0] : undefined
  if (value === undefined) return null
  const problem = valueProblem(value, options.max)
  if (problem === undefined) return value
  options.rejected.push({ target: options.target, problem })
  return undefined
}

interface SeveralOptions {
  readonly target: string
  readonly list: readonly SeveralValued[]
  readonly rejected: RejectedValue[]
}

function several(attributes: Attributes, options: SeveralOptions): readonly string[] | undefined {
  if (options.list.length === 0) return undefined
  const values = new Set<string>()
  for (const property of options.list) {
    if (!('from' in property)) continue
    for (const value of valuesOf(attributes, property.from)) {
      const problem = valueProblem(value, MAX_KEY_LENGTH)
      if (problem === undefined) values.add(value)
      else options.rejected.push({ target: options.target, problem })
    }
  }
  return [...values]
}

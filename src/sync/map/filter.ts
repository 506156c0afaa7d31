// Whether a mirror user meets the filter of his source. Pure.
import { type Clause, type Filter, OPERATORS } from '../../contract/filter.ts'
import { parsePattern } from '../../contract/pattern.ts'
import { canonical, foldPart } from '../../directory/canonical.ts'
import type { Attributes } from '../../directory/change.ts'
import { valuesOf } from './value.ts'

interface Condition {
  readonly attribute: string
  /** Of the values as given, trimmed, none of them blank; no values where the attribute is null or blank. */
  readonly isMet: (values: readonly string[]) => boolean
}

/** A filter with its texts folded and its regular expressions compiled, once for all users. */
export type PreparedFilter = readonly (readonly Condition[])[]

/** Reads a filter that was checked when it was saved. */
export function prepareFilter(filter: Filter): PreparedFilter {
  return filter.any.map((group) => group.all.map(conditionOf))
}

/** Whether all conditions of any group are met. Attributes that Graph has never mentioned count as null. */
export function meetsFilter(attributes: Attributes, filter: PreparedFilter): boolean {
  return filter.some((group) => group.every((condition) => condition.isMet(valuesOf(attributes, condition.attribute))))
}

function conditionOf(clause: Clause): Condition {
  const { attribute } = clause
  const operator = OPERATORS.find((name) => clause[name] !== undefined)
  const given = operator === undefined ? undefined : clause[operator]
  if (operator === undefined || given === undefined) throw new TypeError('a clause has exactly one operator')
  // Numbers and truth values are compared by their text, so that 5 meets "5" and not "05".
  const text = String(given)
  switch (operator) {
    case 'eq': {
      const key = canonical(text)
      return { attribute, isMet: (values) => values.some((value) => canonical(value) === key) }
    }
    case 'ne': {
      const key = canonical(text)
      return { attribute, isMet: (values) => values.every((value) => canonical(value) !== key) }
    }
    case 'contains': {
      const key = foldPart(text)
      return { attribute, isMet: (values) => values.some((value) => canonical(value).includes(key)) }
    }
    case 'startsWith': {
      const key = foldPart(text)
      return { attribute, isMet: (values) => values.some((value) => canonical(value).startsWith(key)) }
    }
    case 'endsWith': {
      const key = foldPart(text)
      return { attribute, isMet: (values) => values.some((value) => canonical(value).endsWith(key)) }
    }
    case 'matches': {
      const parsed = parsePattern(text, { ignoreCase: true })
      // Settings are checked when they are saved. A pattern that was accepted and is not any more must never mean everybody, nor nobody.
      if (parsed.kind === 'refused') throw new TypeError(`users.filter: ${parsed.problem}`)
      return { attribute, isMet: (values) => values.some((value) => parsed.pattern.test(value.normalize('NFKC'))) }
    }
    case 'present':
      return { attribute, isMet: (values) => values.length > 0 }
    case 'absent':
      return { attribute, isMet: (values) => values.length === 0 }
  }
}

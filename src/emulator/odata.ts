// The query options of one list request, read and checked: what Graph refuses, ignores or allows (graph.md 7, 9.1).
import { type Filter, parseFilter } from './filter.ts'
import { checkFilter } from './filterrules.ts'
import { badRequest, GraphRefusal, unsupportedQuery } from './respond.ts'
import { isKnownProperty, isOrderable, NOT_IN_COLLECTIONS } from './schema.ts'
import type { ObjectKind } from './object.ts'

/** The option names of Graph; `$` may be left out in v1.0, and case does not matter. */
const OPTIONS = [
  '$select',
  '$filter',
  '$top',
  '$skip',
  '$orderby',
  '$search',
  '$expand',
  '$count',
  '$format',
  '$skiptoken',
  '$deltatoken',
] as const

export type OptionName = (typeof OPTIONS)[number]

/** Options by their canonical names, as texts. */
export type Options = ReadonlyMap<OptionName, string>

export interface Expansion {
  readonly relation: string
  /** `undefined`: the default properties. */
  readonly select: readonly string[] | undefined
}

export interface SearchTerm {
  readonly property: string
  readonly text: string
}

/** A checked list request. */
export interface ListQuery {
  readonly select: readonly string[] | undefined
  /** Undefined when not given. */
  readonly top: number | undefined
  readonly filter: Filter | undefined
  readonly orderby: { readonly property: string; readonly descending: boolean } | undefined
  /** All of them must match. */
  readonly search: readonly SearchTerm[]
  readonly expand: Expansion | undefined
  /** Asked and honoured: `@odata.count` belongs on the first page. */
  readonly count: boolean
  /** An advanced query by graph.md 9.1. */
  readonly advanced: boolean
}

/** @throws GraphRefusal 400 for unknown `$` options and for options given twice */
export function readOptions(query: URLSearchParams): Options {
  const options = new Map<OptionName, string>()
  for (const [name, value] of query) {
    const lower = name.toLowerCase()
    const option = OPTIONS.find((known) => known === lower || known === `$${lower}`)
    if (option === undefined) {
      if (lower.startsWith('$')) throw badRequest(`Unrecognized query argument specified: '${name}'.`)
      continue
    }
    if (options.has(option)) throw badRequest(`Query option '${option}' was specified more than once.`)
    options.set(option, value)
  }
  return options
}

/** Whether the caller accepts the lagging index. */
export function isEventual(headers: Headers): boolean {
  return headers.get('consistencylevel')?.toLowerCase() === 'eventual'
}

/**
 * Checks the options of a list.
 *
 * @param kinds what the collection may hold; a property is known when one of them has it
 * @throws GraphRefusal 400, or 501 for properties that no collection shows
 */
export function readListQuery(
  options: Options,
  given: {
    readonly kinds: readonly ObjectKind[]
    readonly headers: Headers
    /** A property that orders this collection as an advanced query only. */
    readonly advancedOrder?: string | undefined
  },
): ListQuery {
  if (options.has('$skip')) throw badRequest("'$skip' is not supported by the service.")
  const eventual = isEventual(given.headers)
  const searchText = options.get('$search')
  if (searchText !== undefined && !eventual) {
    throw unsupportedQuery(
      "Request with $search query parameter only works through MSGraph with a special request header: 'ConsistencyLevel: eventual'",
    )
  }
  // a known issue of v1.0 with its documented cure (graph.md 7)
  if (searchText?.includes('&') === true && !/\blegacySearch=false\b/i.test(given.headers.get('prefer') ?? '')) {
    throw badRequest("Unrecognized query argument specified: ''.")
  }
  const count = eventual && options.get('$count')?.toLowerCase() === 'true'
  const advanced = count || searchText !== undefined
  const [kind] = given.kinds
  const filterText = options.get('$filter')
  const filter = filterText === undefined ? undefined : parseFilter(filterText)
  if (filter !== undefined && kind !== undefined) {
    if (given.kinds.length > 1 && !advanced) throw unsupportedQuery('The filter is served as an advanced query only.')
    checkFilter(filter, kind, advanced)
  }
  const select = readSelect(options.get('$select'), given.kinds)
  const orderby = readOrder(options.get('$orderby'), {
    kinds: given.kinds,
    advancedOrder: advanced ? given.advancedOrder : undefined,
  })
  if (orderby !== undefined && filter !== undefined && !advanced) {
    throw unsupportedQuery('Sorting not supported for current query.')
  }
  const expand = readExpand(options.get('$expand'))
  if (expand !== undefined && advanced)
    throw unsupportedQuery('$expand is not supported together with advanced queries.')
  const search = searchText === undefined ? [] : readSearch(searchText)
  return { select, top: readTop(options.get('$top')), filter, orderby, search, expand, count, advanced }
}

function readTop(text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const top = /^-?\d+$/.test(text) ? Number(text) : Number.NaN
  if (Number.isNaN(top)) throw badRequest(`Invalid value '${text}' for $top query option.`)
  if (top < 1 || top > 999) {
    throw unsupportedQuery(`Invalid page size specified: '${top}'. Must be between 1 and 999 inclusive.`)
  }
  return top
}

/** @throws GraphRefusal 400 for a property that none of the kinds has, 501 for one that no collection shows */
export function readSelect(text: string | undefined, kinds: readonly ObjectKind[]): readonly string[] | undefined {
  if (text === undefined || text.trim() === '' || text.trim() === '*') return undefined
  const names = [...new Set(text.split(',').map((name) => name.trim()))]
  for (const name of names) {
    if (kinds.includes('user') && NOT_IN_COLLECTIONS.has(name)) {
      throw new GraphRefusal(501, 'NotImplemented', `The property '${name}' cannot be read in a collection.`)
    }
    if (!kinds.some((kind) => isKnownProperty(kind, name))) {
      throw badRequest(`Could not find a property named '${name}' on type 'microsoft.graph.${kinds[0] ?? 'entity'}'.`)
    }
  }
  return names
}

function readOrder(
  text: string | undefined,
  given: { readonly kinds: readonly ObjectKind[]; readonly advancedOrder: string | undefined },
): ListQuery['orderby'] {
  if (text === undefined) return undefined
  const match = /^\s*(\w+)(?:\s+(asc|desc))?\s*$/.exec(text)
  const property = match?.[1]
  if (property === undefined) throw badRequest(`Invalid $orderby '${text}'.`)
  if (property !== given.advancedOrder && !given.kinds.every((kind) => isOrderable(kind, property))) {
    throw unsupportedQuery(`Unsupported sort property '${property}'.`)
  }
  return { property, descending: match?.[2] === 'desc' }
}

function readSearch(text: string): SearchTerm[] {
  const terms = [...text.matchAll(/"([^":]+):((?:[^"\\]|\\.)*)"/g)].map(([, property = '', value = '']) => ({
    property,
    text: value.replaceAll(/\\(.)/g, '$1').toLowerCase(),
  }))
  const rest = text.replaceAll(/"(?:[^"\\]|\\.)*"/g, '').trim()
  if (terms.length === 0 || (rest !== '' && !/^(AND\s*)*$/.test(rest))) {
    throw badRequest(`Syntax error: $search '${text}' is not a list of "property:text" joined by AND.`)
  }
  return terms
}

/** One relation, one level, optionally with its own `$select` (graph.md 7). @throws GraphRefusal 400 */
export function readExpand(text: string | undefined): Expansion | undefined {
  if (text === undefined) return undefined
  const match = /^\s*(\w+)\s*(?:\(\s*\$select=([\w,\s]+)\))?\s*$/.exec(text)
  const relation = match?.[1]
  if (relation === undefined) throw unsupportedQuery(`The $expand '${text}' is not supported: one relation, one level.`)
  return { relation, select: match?.[2]?.split(',').map((name) => name.trim()) }
}

/**
 * Whether a `$search` finds an object: in displayName and description by the beginnings of words, elsewhere by the
 * beginning of the value (graph.md 7).
 */
export function isFound(terms: readonly SearchTerm[], properties: Readonly<Record<string, unknown>>): boolean {
  return terms.every(({ property, text }) => {
    const value = properties[property]
    if (typeof value !== 'string') return false
    const lower = value.toLowerCase()
    if (property !== 'displayName' && property !== 'description') return lower.startsWith(text)
    const tokens = lower.split(/[^\p{L}\p{N}]+/u)
    return text.split(/[^\p{L}\p{N}]+/u).every((word) => tokens.some((token) => token.startsWith(word)))
  })
}

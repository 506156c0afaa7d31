// Which filters Graph serves (graph.md 9.1, 9.2) and what they mean.
import type { Filter, Literal, Operator } from './filter.ts'
import { badRequest, type GraphRefusal, isRecord, unsupportedQuery } from './respond.ts'
import { filterRow, isCollectionProperty, isKnownProperty, resourceName, type Support } from './schema.ts'
import type { ObjectKind, Properties } from './object.ts'

/** Graph's limits without an advanced query (graph.md 9.1). */
const MAX_IN = 15
const MAX_TEXT = 120

/** Whether an object matches. */
export type Predicate = (properties: Properties) => boolean

/**
 * Refuses what the index table does not serve.
 *
 * @param advanced whether the request is an advanced query
 * @throws GraphRefusal 400 `Request_UnsupportedQuery`, or `BadRequest` for an unknown property
 */
export function checkFilter(filter: Filter, kind: ObjectKind, advanced: boolean): void {
  switch (filter.kind) {
    case 'and':
    case 'or':
      checkFilter(filter.left, kind, advanced)
      checkFilter(filter.right, kind, advanced)
      return
    case 'not':
      if (!advanced) throw unsupportedQuery("Operator 'Not' is not supported because the request is not advanced.")
      checkFilter(filter.inner, kind, advanced)
      return
    case 'any':
      checkAny(filter, kind, advanced)
      return
    case 'in':
      if (filter.values.length > MAX_IN && !advanced) {
        throw unsupportedQuery(`Too many child clauses specified in search filter expression: at most ${MAX_IN}.`)
      }
      for (const value of filter.values) checkCompare({ kind, path: filter.path, operator: 'eq', value, advanced })
      return
    case 'compare':
      if (isCollectionProperty(filter.path)) throw unsupported(kind, filter.path)
      checkCompare({ kind, path: filter.path, operator: filter.operator, value: filter.value, advanced })
      return
    default:
      filter satisfies never
  }
}

interface Clause {
  readonly kind: ObjectKind
  readonly path: string
  readonly operator: Operator
  readonly value: Literal
  readonly advanced: boolean
}

function checkCompare(clause: Clause): void {
  const { kind, path, operator, value, advanced } = clause
  if (path === 'id' && operator !== 'eq') {
    throw unsupportedQuery("The 'id' property can only be used with eq filter.")
  }
  const row = filterRow(kind, path)
  if (row === undefined) {
    if (!isKnownProperty(kind, path.split('/')[0] ?? '')) throw unknownProperty(kind, path)
    throw unsupported(kind, path)
  }
  const support = supportOf(row, operator, value)
  if (support === 'none' || (support === 'advanced' && !advanced)) throw unsupported(kind, path)
  if (typeof value === 'string' && operator === 'eq' && value.length > MAX_TEXT && !advanced) {
    throw unsupportedQuery(`The value of '${path}' in the filter is longer than ${MAX_TEXT} characters.`)
  }
}

function supportOf(
  row: { readonly [Column in 'eq' | 'startsWith' | 'ge' | 'eqNull' | 'endsWith']: Support },
  operator: Operator,
  value: Literal,
): Support {
  const equality = value === null ? row.eqNull : row.eq
  switch (operator) {
    case 'eq':
      return equality
    case 'ne':
      return equality === 'none' ? 'none' : 'advanced'
    case 'ge':
    case 'le':
      return row.ge
    case 'startsWith':
      return row.startsWith
    case 'endsWith':
      return row.endsWith
    case 'gt':
    case 'lt':
    case 'contains':
      return 'none'
    default:
      return operator satisfies never
  }
}

function checkAny(filter: Filter & { readonly kind: 'any' }, kind: ObjectKind, advanced: boolean): void {
  const { path, inner } = filter
  if (path === 'identities' && kind === 'user') {
    const names = new Set(leaves(inner).map((leaf) => (leaf.operator === 'eq' ? leaf.path : '')))
    if (!names.has('issuer') || !names.has('issuerAssignedId')) throw unsupported(kind, path)
    return
  }
  const isKnownList =
    (kind === 'user' && (path === 'proxyAddresses' || path === 'otherMails')) ||
    (kind === 'group' && path === 'groupTypes')
  if (!isKnownList) throw unsupported(kind, path)
  for (const leaf of leaves(inner)) {
    checkCompare({ kind, path, operator: leaf.operator, value: leaf.value, advanced })
  }
}

type Leaf = { readonly operator: Operator; readonly path: string; readonly value: Literal }

function leaves(filter: Filter): Leaf[] {
  switch (filter.kind) {
    case 'and':
    case 'or':
      return [...leaves(filter.left), ...leaves(filter.right)]
    case 'not':
    case 'any':
      return leaves(filter.inner)
    case 'in':
      return filter.values.map((value) => ({ operator: 'eq', path: filter.path, value }))
    case 'compare':
      return [filter]
    default:
      return filter satisfies never
  }
}

/** What a checked filter means. Texts are compared without case. */
export function predicateOf(filter: Filter): Predicate {
  const test = testOf(filter)
  return (properties) => test(properties)
}

type Test = (value: unknown) => boolean

function testOf(filter: Filter): Test {
  switch (filter.kind) {
    case 'and': {
      const [left, right] = [testOf(filter.left), testOf(filter.right)]
      return (value) => left(value) && right(value)
    }
    case 'or': {
      const [left, right] = [testOf(filter.left), testOf(filter.right)]
      return (value) => left(value) || right(value)
    }
    case 'not': {
      const inner = testOf(filter.inner)
      return (value) => !inner(value)
    }
    case 'any': {
      const inner = testOf(filter.inner)
      return (value) => {
        const list = valueAt(value, filter.path)
        return Array.isArray(list) && list.some((entry) => inner(entry))
      }
    }
    case 'in': {
      const tests = filter.values.map((value) => compare('eq', value))
      return (value) => tests.some((test) => test(valueAt(value, filter.path)))
    }
    case 'compare': {
      const test = compare(filter.operator, filter.value)
      return (value) => test(valueAt(value, filter.path))
    }
    default:
      return filter satisfies never
  }
}

function valueAt(value: unknown, path: string): unknown {
  if (path === '') return value
  let found = value
  for (const step of path.split('/')) {
    if (!isRecord(found)) return undefined
    found = found[step]
  }
  return found
}

function compare(operator: Operator, wanted: Literal): Test {
  const text = typeof wanted === 'string' ? wanted.toLowerCase() : ''
  const isEqual: Test = (value) => {
    if (wanted === null) return value === undefined || value === null
    return typeof value === 'string' ? value.toLowerCase() === text : value === wanted
  }
  const onText =
    (test: (lower: string) => boolean): Test =>
    (value) =>
      typeof value === 'string' && test(value.toLowerCase())
  switch (operator) {
    case 'eq':
      return isEqual
    case 'ne':
      return (value) => !isEqual(value)
    case 'startsWith':
      return onText((lower) => lower.startsWith(text))
    case 'endsWith':
      return onText((lower) => lower.endsWith(text))
    case 'contains':
      return onText((lower) => lower.includes(text))
    // only dates are served with an order; both sides are ISO 8601
    case 'ge':
      return onText((lower) => Date.parse(lower) >= Date.parse(text))
    case 'le':
      return onText((lower) => Date.parse(lower) <= Date.parse(text))
    case 'gt':
      return onText((lower) => Date.parse(lower) > Date.parse(text))
    case 'lt':
      return onText((lower) => Date.parse(lower) < Date.parse(text))
    default:
      return operator satisfies never
  }
}

/** The texts of which every match has one as beginning of its UPN; `undefined` when the filter does not say so. */
export function upnPrefixes(filter: Filter): readonly string[] | undefined {
  if (filter.kind === 'and') return upnPrefixes(filter.left) ?? upnPrefixes(filter.right)
  if (filter.kind === 'or') {
    const [left, right] = [upnPrefixes(filter.left), upnPrefixes(filter.right)]
    return left !== undefined && right !== undefined ? [...left, ...right] : undefined
  }
  if (filter.kind !== 'compare' || filter.path !== 'userPrincipalName' || typeof filter.value !== 'string')
    return undefined
  const isPrefix = filter.operator === 'startsWith' || filter.operator === 'eq'
  return isPrefix && filter.value !== '' ? [filter.value] : undefined
}

/** The ids that a filter of nothing but `id eq`, `id in` and `or` asks for; `undefined` for any other filter. */
export function idsOf(filter: Filter): readonly string[] | undefined {
  if (filter.kind === 'or') {
    const [left, right] = [idsOf(filter.left), idsOf(filter.right)]
    return left !== undefined && right !== undefined ? [...left, ...right] : undefined
  }
  if (filter.kind === 'in' && filter.path === 'id') return filter.values.map(String)
  const isId = filter.kind === 'compare' && filter.path === 'id' && filter.operator === 'eq'
  return isId ? [String(filter.value)] : undefined
}

function unsupported(kind: ObjectKind, path: string): GraphRefusal {
  return unsupportedQuery(
    `Unsupported or invalid query filter clause specified for property '${path}' of resource '${resourceName(kind)}'.`,
  )
}

function unknownProperty(kind: ObjectKind, path: string): GraphRefusal {
  return badRequest(`Could not find a property named '${path}' on type 'microsoft.graph.${kind}'.`)
}

// One page of any collection. A page begins after an object's number (or after its place in the asked order), so a
// walk stays valid while the tenant changes, without being a snapshot: Graph promises none (graph.md 8.5).
import { countFired } from './behaviour.ts'
import { unitsOf } from './cost.ts'
import { expander } from './expand.ts'
import { checkExtensions } from './extensions.ts'
import { idsOf, type Predicate, predicateOf, upnPrefixes } from './filterrules.ts'
import { isEventual, isFound, type ListQuery, type Options, readListQuery, readOptions } from './odata.ts'
import { continueList, nextListLink, type PageStart } from './pages.ts'
import { canRead, readableSelect } from './permissions.ts'
import { type Call, countAnswer, type GraphResponse, textAnswer, unsupportedQuery } from './respond.ts'
import type { Snapshot } from './changelog.ts'
import { GROUP_SINGLE_ONLY } from './schema.ts'
import { indexAfter } from './sorted.ts'
import type { DirectoryObject, ObjectKind } from './object.ts'
import { orderText, sortByText, type Tenant } from './tenant.ts'
import { laggingView, type View, viewAt } from './view.ts'
import { listShaper, type Shaper, type Shown } from './write.ts'

/** Largest page with signInActivity, and any page with `$expand` (graph.md 7). */
const SIGN_IN_PAGE = 500
const EXPANDED_PAGE = 100

/** What a list shows. */
export interface Collection {
  /** Kinds that may be in it; one for plain and cast collections. */
  readonly kinds: readonly [ObjectKind, ...ObjectKind[]]
  /** Mixed collections carry `@odata.type` on each object. */
  readonly mixed: boolean
  /** Set name in `@odata.context`. */
  readonly context: string
  readonly baseUnits: number
  /** A property that `$orderby` takes as an advanced query only. */
  readonly advancedOrder?: string
  /** Ascending numbers that contain everything shown; absent: every object of the first kind. */
  readonly numbers?: (query: ListQuery, view: View) => readonly number[]
  /** What of them is shown; live objects of the right kinds when absent. */
  readonly accept?: (object: DirectoryObject, state: Snapshot, query: ListQuery) => boolean
}

/** Answers a page of a collection. @throws GraphRefusal */
export function answerList(call: Call, collection: Collection): GraphResponse {
  const start = continueList(call)
  const { options } = start
  checkExtensions(call, { select: options.get('$select'), filter: options.get('$filter') })
  const query = readListQuery(options, {
    kinds: collection.kinds,
    headers: call.headers,
    advancedOrder: collection.advancedOrder,
  })
  if (query.expand !== undefined && collection.mixed) {
    throw unsupportedQuery('$expand is not supported on a collection of several types.')
  }
  const view = viewFor(call, query)
  const select = readableSelect(call, collection.kinds[0], query.select)
  const limit = pageLimit(call, query)
  const accept = acceptor(collection, query, view)
  const numbers = orderedNumbers(call.tenant, collection, { query, view })
  const page = takePage(call.tenant, {
    numbers,
    from: startIndex(call.tenant, numbers, { start, query }),
    limit,
    accept,
  })
  const show = objectShaper(call, collection, { select, query, view })
  const nextLink = nextListLink(call, {
    start,
    page,
    orderText: (object) =>
      query.orderby === undefined ? undefined : orderText(object.properties, query.orderby.property),
  })
  const isFirst = start.after === undefined
  const head = JSON.stringify({
    '@odata.context': contextOf(call, collection.context, { select: query.select, expand: query.expand?.relation }),
    '@odata.count': query.count && isFirst ? countAll(call.tenant, collection, { query, view }) : undefined,
    '@odata.nextLink': nextLink,
  })
  const makeText = (): string => JSON.stringify(page.objects.map(show))
  const key = isKept(collection, query, view) ? pageKey({ start, limit, select, call, collection }) : undefined
  const { version, pageTexts } = call.tenant
  const text = key === undefined ? makeText() : pageTexts.get({ version, key }, makeText)
  return textAnswer(call, `${head.slice(0, -1)},"value":${text}}`, {
    units: unitsOf(collection.baseUnits, options),
  })
}

// members depend on switches, expanded relations on permissions, a lagging view on the time: not worth a key
function isKept(collection: Collection, query: ListQuery, view: View): boolean {
  return collection.numbers === undefined && !collection.mixed && query.expand === undefined && view.isPresent
}

function pageKey(page: {
  readonly call: Call
  readonly collection: Collection
  readonly start: PageStart
  readonly limit: number
  readonly select: readonly string[] | undefined
}): string {
  const { call, collection, start, limit, select } = page
  const isBare = isLimited(call, collection.kinds[0])
  return JSON.stringify([call.path, start.rawQuery, start.after, start.afterText, limit, select, isBare])
}

/** Answers `/$count` of a collection. @throws GraphRefusal 400 without `ConsistencyLevel: eventual` (graph.md 9.1) */
export function answerCount(call: Call, collection: Collection): GraphResponse {
  if (!isEventual(call.headers)) {
    throw unsupportedQuery(
      "Raw count (/$count) is not supported because the 'ConsistencyLevel:eventual' header is missing. To enable it, add the header and try again.",
    )
  }
  const options: Options = new Map([...readOptions(call.query), ['$count', 'true']])
  const query = readListQuery(options, { kinds: collection.kinds, headers: call.headers })
  return countAnswer(call, countAll(call.tenant, collection, { query, view: viewFor(call, query) }), 1)
}

/** `@odata.context` of an answer. */
export function contextOf(
  call: Call,
  set: string,
  shown: {
    readonly select: readonly string[] | undefined
    readonly expand?: string | undefined
    readonly single?: boolean
  },
): string {
  const inside = [...(shown.select ?? []), ...(shown.expand === undefined ? [] : [`${shown.expand}()`])]
  const list = inside.length === 0 ? '' : `(${inside.join(',')})`
  return `${call.graphRoot}/$metadata#${set}${list}${shown.single === true ? '/$entity' : ''}`
}

interface Page {
  readonly objects: readonly DirectoryObject[]
  /** The first object of the page after this one; `undefined` at the end. */
  readonly following: DirectoryObject | undefined
}

function takePage(
  tenant: Tenant,
  given: {
    readonly numbers: readonly number[]
    readonly from: number
    readonly limit: number
    readonly accept: (object: DirectoryObject) => boolean
  },
): Page {
  const objects: DirectoryObject[] = []
  for (let i = given.from; i < given.numbers.length; i++) {
    const object = tenant.at(given.numbers[i] ?? -1)
    if (!given.accept(object)) continue
    if (objects.length === given.limit) return { objects, following: object }
    objects.push(object)
  }
  return { objects, following: undefined }
}

function viewFor(call: Call, query: ListQuery): View {
  const { indexLagSeconds } = call.behaviour
  if (!query.advanced || indexLagSeconds <= 0) return viewAt(call.tenant, call.tenant.log.lastSeq)
  const view = laggingView(call.tenant, indexLagSeconds)
  if (!view.isPresent) countFired(call.behaviour, 'indexLagSeconds')
  return view
}

function pageLimit(call: Call, query: ListQuery): number {
  const asked = query.top ?? call.behaviour.pageSize
  if (query.expand !== undefined) return Math.min(asked, EXPANDED_PAGE)
  return query.select?.includes('signInActivity') === true ? Math.min(asked, SIGN_IN_PAGE) : asked
}

function acceptor(collection: Collection, query: ListQuery, view: View): (object: DirectoryObject) => boolean {
  const kinds = new Set<ObjectKind>(collection.kinds)
  const matches: Predicate = query.filter === undefined ? () => true : predicateOf(query.filter)
  const { search } = query
  return (object) => {
    const state = view.stateOf(object)
    if (!kinds.has(object.kind)) return false
    const isShown =
      collection.accept === undefined ? state.presence === 'live' : collection.accept(object, state, query)
    return isShown && matches(state.properties) && (search.length === 0 || isFound(search, state.properties))
  }
}

function candidates(
  tenant: Tenant,
  collection: Collection,
  given: { query: ListQuery; view: View },
): readonly number[] {
  const { query, view } = given
  if (collection.numbers !== undefined) return collection.numbers(query, view)
  const [kind] = collection.kinds
  if (query.filter === undefined) return tenant.numbers(kind)
  const ids = idsOf(query.filter)
  if (ids !== undefined) {
    const numbers = ids.flatMap((id) => tenant.find(id)?.no ?? [])
    return [...new Set(numbers)].sort((a, b) => a - b)
  }
  // a shard walks the users of its first character only, so that many shards cost one walk together
  const prefixes = kind === 'user' ? (upnPrefixes(query.filter) ?? []) : []
  const [shard, ...others] = new Set(prefixes.map((prefix) => tenant.usersByInitial(prefix)))
  return shard === undefined || others.length > 0 ? tenant.numbers(kind) : shard
}

function orderedNumbers(
  tenant: Tenant,
  collection: Collection,
  given: { query: ListQuery; view: View },
): readonly number[] {
  const { orderby } = given.query
  const numbers = candidates(tenant, collection, given)
  if (orderby === undefined) return numbers
  const isWhole = numbers === tenant.numbers(collection.kinds[0])
  const sorted = isWhole
    ? tenant.sortedBy(collection.kinds[0], orderby.property)
    : sortByText(tenant, numbers, orderby.property)
  return orderby.descending ? sorted.toReversed() : sorted
}

function startIndex(
  tenant: Tenant,
  numbers: readonly number[],
  given: { readonly start: PageStart; readonly query: ListQuery },
): number {
  const { after, afterText } = given.start
  if (after === undefined) return 0
  const { orderby } = given.query
  if (orderby === undefined || afterText === undefined) return indexAfter(numbers, after)
  const direction = orderby.descending ? -1 : 1
  let low = 0
  let high = numbers.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const no = numbers[middle] ?? -1
    const text = orderText(tenant.at(no).properties, orderby.property)
    const isBefore = text === afterText ? (no - after) * direction <= 0 : text < afterText === direction > 0
    if (isBefore) low = middle + 1
    else high = middle
  }
  return low
}

function countAll(tenant: Tenant, collection: Collection, given: { query: ListQuery; view: View }): number {
  const { query, view } = given
  const isPlain = query.filter === undefined && query.search.length === 0 && view.isPresent
  if (isPlain && collection.numbers === undefined && collection.accept === undefined) {
    return tenant.count(collection.kinds[0])
  }
  const accept = acceptor(collection, query, view)
  let count = 0
  for (const no of candidates(tenant, collection, given)) if (accept(tenant.at(no))) count += 1
  return count
}

function objectShaper(
  call: Call,
  collection: Collection,
  given: { readonly select: readonly string[] | undefined; readonly query: ListQuery; readonly view: View },
): (object: DirectoryObject) => Shown {
  const { select, query, view } = given
  const shapers = new Map<ObjectKind, Shaper>()
  for (const kind of collection.kinds) {
    shapers.set(kind, listShaper(kind, select, { typed: collection.mixed, limited: isLimited(call, kind) }))
  }
  const [kind] = collection.kinds
  const expand = query.expand === undefined ? undefined : expander(call, { kind, expansion: query.expand, view })
  const singleOnly = kind === 'group' ? (select ?? []).filter((name) => GROUP_SINGLE_ONLY.has(name)) : []
  return (object) => {
    const shown = shapers.get(object.kind)?.(view.stateOf(object).properties) ?? {}
    for (const name of singleOnly) shown[name] = null
    return expand === undefined ? shown : { ...shown, ...expand(object) }
  }
}

/** Whether objects of a kind come with id and type only (graph.md 10.3); counted when the switch decides. */
export function isLimited(call: Call, kind: ObjectKind): boolean {
  switch (call.behaviour.limitedInformation) {
    case 'always':
      countFired(call.behaviour, 'limitedInformation')
      return true
    case 'never':
      return false
    case 'byRole':
      return !canRead(call, kind)
    default:
      return call.behaviour.limitedInformation satisfies never
  }
}

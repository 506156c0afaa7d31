// From one list page to the next: the token in the link, its life, and the ways it is known to go wrong (graph.md 8).
import { countFired } from './behaviour.ts'
import { type Options, readOptions } from './odata.ts'
import { badRequest, type Call, GraphRefusal } from './respond.ts'
import type { DirectoryObject } from './object.ts'

/** Where a page begins and what it was asked. */
export interface PageStart {
  /** The options of the first request, whichever page this is. */
  readonly options: Options
  readonly rawQuery: string
  /** Number of the last object before the page; `undefined` on the first page. */
  readonly after: number | undefined
  /** The same object's place in the asked order. */
  readonly afterText: string | undefined
  /** Whether this very page was asked for before. */
  readonly isRepeat: boolean
}

/** Sealed into `$skiptoken`; short names keep the token short. */
interface ListToken {
  readonly k: 'list'
  readonly p: string
  readonly q: string
  readonly a: number
  readonly v?: string
  readonly t: number
  readonly x?: boolean
}

/** Options that may not stand beside a `$skiptoken`: they are encoded in it (graph.md 19). */
const ENCODED = ['$select', '$filter', '$orderby', '$search', '$expand', '$deltatoken'] as const

/**
 * Reads where a list request stands.
 *
 * @throws GraphRefusal 400: `Directory_ExpiredPageToken`, `DirectoryPageTokenNotFoundException`, or `BadRequest` for
 * a token beside other options
 */
export function continueList(call: Call): PageStart {
  const options = readOptions(call.query)
  const isRepeat = wasAsked(call)
  const text = options.get('$skiptoken')
  if (text === undefined) {
    if (options.has('$deltatoken')) throw badRequest("'$deltatoken' is not supported here.")
    return { options, rawQuery: call.rawQuery, after: undefined, afterText: undefined, isRepeat }
  }
  refuseBesideToken(options)
  const token = call.tenant.seal.open(text)
  if (!isListToken(token) || token.p !== call.path || token.x === true) {
    if (isListToken(token) && token.x === true) countFired(call.behaviour, 'retriedPageTokenInvalid')
    throw tokenNotFound()
  }
  const { pageTokenLifeSeconds } = call.behaviour
  if (pageTokenLifeSeconds !== null && call.tenant.nowMs() - token.t > pageTokenLifeSeconds * 1000) {
    countFired(call.behaviour, 'pageTokenLifeSeconds')
    throw new GraphRefusal(
      400,
      'Directory_ExpiredPageToken',
      'The specified page token value has expired and can no longer be included in your request.',
    )
  }
  const first = new URLSearchParams(token.q)
  return { options: readOptions(first), rawQuery: token.q, after: token.a, afterText: token.v, isRepeat }
}

/** @throws GraphRefusal 400 when an option stands beside a `$skiptoken` that encodes it */
export function refuseBesideToken(options: Options): void {
  const extra = ENCODED.find((name) => options.has(name))
  if (extra !== undefined) throw badRequest(`'${extra}' cannot be combined with '$skiptoken'.`)
}

/** 400 for a token that the service does not know (graph.md 6.3). */
export function tokenNotFound(): GraphRefusal {
  return new GraphRefusal(400, 'DirectoryPageTokenNotFoundException', 'The specified page token is invalid.')
}

/** Whether this page was asked for before; always `false` unless the switch of graph.md 8.3 is on. */
export function wasAsked(call: Call): boolean {
  return call.behaviour.retriedPageTokenInvalid && call.tenant.pages.isRepeat(pageKey(call))
}

/** Names a page request in the tenant's memory of pages. */
export function pageKey(request: { readonly path: string; readonly rawQuery: string }): string {
  return `${request.path}?${request.rawQuery}`
}

/** The link to the page after this one; `undefined` on the last. */
export function nextListLink(
  call: Call,
  given: {
    readonly start: PageStart
    readonly page: { readonly objects: readonly DirectoryObject[]; readonly following: DirectoryObject | undefined }
    readonly orderText: (object: DirectoryObject) => string | undefined
  },
): string | undefined {
  const { start, page } = given
  if (page.following === undefined) return undefined
  const same = repeatedLink(call)
  if (same !== undefined) return same
  const last = lastShown(call, page.objects, page.following)
  const text = given.orderText(last)
  const token: ListToken = {
    k: 'list',
    p: call.path,
    q: start.rawQuery,
    a: last.no,
    ...(text !== undefined && { v: text }),
    t: call.tenant.nowMs(),
    ...(start.isRepeat && { x: true }),
  }
  return linkOf(call, '$skiptoken', call.tenant.seal.seal(token))
}

/** A link to the same path with a token. */
export function linkOf(call: Call, option: '$skiptoken' | '$deltatoken', token: string): string {
  return `${call.graphRoot}${call.path}?${option}=${token}`
}

/** The link that the request itself was made by, when the switch says that it is to come again. */
export function repeatedLink(call: Call): string | undefined {
  if (!(call.behaviour.repeatNextLink > 0)) return undefined
  call.behaviour.repeatNextLink -= 1
  countFired(call.behaviour, 'repeatNextLink')
  return `${call.graphRoot}${call.path}${call.rawQuery === '' ? '' : `?${call.rawQuery}`}`
}

// the next page begins after this object: one earlier repeats an object, one later loses one (graph.md 8.5)
function lastShown(call: Call, objects: readonly DirectoryObject[], following: DirectoryObject): DirectoryObject {
  const { behaviour, tenant } = call
  const last = objects.at(-1) ?? following
  const before = objects.at(-2)
  if (before !== undefined && behaviour.duplicateObjectsInList > tenant.random.next()) {
    countFired(behaviour, 'duplicateObjectsInList')
    return before
  }
  if (behaviour.missingObjectsInList > tenant.random.next()) {
    countFired(behaviour, 'missingObjectsInList')
    return following
  }
  return last
}

function isListToken(token: unknown): token is ListToken {
  return typeof token === 'object' && token !== null && 'k' in token && token.k === 'list'
}

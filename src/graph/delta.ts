// Rounds of changes: from a delta link to the next one.
import { eachPage, isDeadPageToken } from './pages.ts'
import { GraphError } from './errors.ts'
import { selectOf } from './picker.ts'
import type { Requester } from './retry.ts'
import type { Raw } from './wire.ts'

/** One page of a round; `deltaLink` on the last one only. After `restarted` the round's entries come again. */
export interface DeltaPage<Entry> {
  readonly entries: readonly Entry[]
  readonly nextLink?: string
  readonly deltaLink?: string
  readonly restarted?: true
}

/** How a round ended. `resyncRequired`: Graph has dropped the state behind the link; everything must be read anew. */
export type DeltaEnding =
  | { readonly kind: 'complete'; readonly deltaLink: string }
  | { readonly kind: 'resyncRequired'; readonly code: string }

export interface DeltaOptions {
  /** Delta link of the previous round, or a next link of an unfinished one; verbatim. */
  readonly link: string
  /** The attributes that the link was made for: they are hidden inside it, and nested ones must be known to be read. */
  readonly select: readonly string[]
  /**
   * Delta link at which the round began, when `link` is a next link: a dead page token then begins the round anew
   * instead of asking for everything.
   */
  readonly restartFrom?: string | undefined
  readonly signal: AbortSignal
}

/**
 * Link for "all changes from now on", without reading anything.
 *
 * @see https://learn.microsoft.com/graph/delta-query-overview
 */
export async function latestLink(
  graph: Requester,
  options: {
    readonly collection: 'users' | 'groups'
    readonly select: readonly string[]
    readonly signal: AbortSignal
  },
): Promise<string> {
  const { collection, select } = options
  const pages = eachPage(graph, {
    first: graph.url(`${collection}/delta?$deltatoken=latest&$select=${selectOf(select)}`),
    cost: 1,
    isDelta: true,
    signal: options.signal,
    what: `${collection}/delta`,
    readEntries: () => [],
    mark: () => undefined,
    onRestart: () => undefined,
  })
  for await (const page of pages) if (page.deltaLink !== undefined) return page.deltaLink
  throw new GraphError('bad-upstream', `Graph gave no delta link for ${collection}`, { retry: 'later' })
}

/**
 * Reads one round. Entries come in server order, an object may come many times, pages may be empty.
 * Expired state is an ending, every other failure is thrown (SPEC S13).
 *
 * @see https://learn.microsoft.com/graph/delta-query-overview and
 * https://devblogs.microsoft.com/microsoft365dev/duration-of-change-tracking-tokens-for-identity-and-education-resources/
 */
export async function* eachDeltaPage<Entry>(
  graph: Requester,
  options: DeltaOptions & {
    readonly what: string
    readEntries(value: readonly Raw[]): Entry[]
    mark(entries: readonly Entry[]): string | undefined
    onRestart(): void
  },
): AsyncGenerator<DeltaPage<Entry>, DeltaEnding> {
  const pages = eachPage(graph, {
    first: options.restartFrom ?? options.link,
    link: options.link,
    cost: 1,
    isDelta: true,
    signal: options.signal,
    what: options.what,
    readEntries: (value) => options.readEntries(value),
    mark: (entries) => options.mark(entries),
    onRestart: () => options.onRestart(),
  })
  try {
    for await (const page of pages) {
      const { entries, nextLink, deltaLink } = page
      yield {
        entries,
        ...(nextLink === undefined ? {} : { nextLink }),
        ...(deltaLink === undefined ? {} : { deltaLink }),
        ...(page.restarted ? { restarted: true as const } : {}),
      }
      if (deltaLink !== undefined) return { kind: 'complete', deltaLink }
    }
  } catch (error) {
    if (error instanceof GraphError && isExpired(error)) {
      graph.log.info('the delta state has expired', { path: error.path, status: error.status, code: error.graphCode })
      return { kind: 'resyncRequired', code: error.graphCode ?? 'gone' }
    }
    throw error
  }
  throw new GraphError('bad-upstream', `Graph ended ${options.what} without a delta link`, { retry: 'later' })
}

/**
 * 410 is always a reset; its Location is not followed, a new round is asked for by our own URL. Otherwise the code
 * decides: expired directory tokens came as 400 and as 404.
 */
function isExpired(error: GraphError): boolean {
  if (error.status === 410) return true
  const isStatus = error.status === 400 || error.status === 404
  return isStatus && (/^(syncStateNotFound|resyncRequired)$/i.test(error.graphCode ?? '') || isDeadPageToken(error))
}

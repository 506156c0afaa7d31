// Walks over the pages of one listing or delta: the only place that follows links.
import { GraphError } from './errors.ts'
import { pathOfLink, walkGuard } from './links.ts'
import type { Requester } from './retry.ts'
import { type Envelope, type Raw, readEnvelope, requireDeltaEnvelope } from './wire.ts'

export interface Walk<T> {
  /** Where the walk begins, and where it begins again when a page token has died. */
  readonly first: string
  /** Resumes at this link instead. */
  readonly link?: string | undefined
  /** Begins the walk anew with this URL when Graph refuses the first page as badly asked. Tried once. */
  readonly fallback?: string | undefined
  readonly cost: number
  readonly isDelta: boolean
  readonly signal: AbortSignal
  /** For messages, e.g. `users`. */
  readonly what: string
  /** Reads the objects of a page; throws BadAnswer to have the page requested again. */
  readEntries(value: readonly Raw[]): T[]
  /** Changes from page to page unless Graph repeats itself; undefined for an empty page. */
  mark(entries: readonly T[]): string | undefined
  /** Told about each restart. */
  onRestart(): void
}

/** Exactly one of the links is set, or none on the last page of a listing. */
export interface Page<T> {
  readonly entries: T[]
  readonly nextLink: string | undefined
  readonly deltaLink: string | undefined
  /** The listing began anew before this page: what came before may come again. */
  readonly restarted: boolean
}

interface Fetched<T> {
  readonly page: { readonly entries: T[]; readonly envelope: Envelope }
  readonly tries: number
}

/**
 * Yields page after page. The next one is on its way while the caller works on the present one: page tokens die within
 * minutes when the reader is slow. Pages may be empty; only a missing next link ends the walk (SPEC S2).
 *
 * A link taken from the answer to a retried request may be unknown to Graph; then the last link from an unretried answer
 * is requested once more. A dead page token begins the walk anew, at most `limits.maxRestarts` times. Objects can come
 * twice either way: write by id.
 *
 * @throws GraphError `hostile-link`, `paging-loop`, and whatever the requests end with
 * @see https://learn.microsoft.com/graph/paging
 */
export async function* eachPage<T>(graph: Requester, walk: Walk<T>): AsyncGenerator<Page<T>, void> {
  const ended = new AbortController()
  const signal = AbortSignal.any([walk.signal, ended.signal])
  const guard = walkGuard(graph.limits, walk.what)
  const fetchPage = (url: string): Promise<Fetched<T>> => {
    const fetched = graph
      .ask({
        url,
        cost: walk.cost,
        accept: 'application/json',
        signal,
        read: (body) => {
          const envelope = readEnvelope(body)
          if (walk.isDelta) requireDeltaEnvelope(envelope)
          return { envelope, entries: walk.readEntries(envelope.value) }
        },
      })
      .then(({ value, tries }) => ({ page: value, tries }))
    // awaited later, or dropped when the caller stops early
    fetched.catch(() => undefined)
    return fetched
  }

  let first = walk.first
  let current = walk.link ?? first
  /** The last link from an answer that was not retried, to fall back to. */
  let lastGood: string | undefined
  let fellBack = false
  let restarts = 0
  let restarted = false
  try {
    let ahead = fetchPage(current)
    for (;;) {
      let fetched: Fetched<T>
      try {
        fetched = await ahead
      } catch (error) {
        if (!(error instanceof GraphError)) throw error
        if (walk.fallback !== undefined && current === first && first !== walk.fallback && isBadlyAsked(error)) {
          first = walk.fallback
          current = first
        } else if (!isDeadPageToken(error) || current === first) throw error
        else if (isUnknownPageToken(error) && lastGood !== undefined && lastGood !== current && !fellBack) {
          fellBack = true
          guard.restart()
          current = lastGood
        } else if (restarts < graph.limits.maxRestarts) {
          restarts++
          restarted = true
          fellBack = false
          lastGood = undefined
          guard.restart()
          walk.onRestart()
          graph.log.debug('a page token died, the listing begins anew', { path: error.path, code: error.graphCode })
          current = first
        } else throw error
        ahead = fetchPage(current)
        continue
      }
      const { entries, envelope } = fetched.page
      const { nextLink, deltaLink } = envelope
      // checked before anything is done with the page: a hostile link ends the run
      if (deltaLink !== undefined) pathOfLink(graph.root, deltaLink)
      if (nextLink !== undefined) {
        pathOfLink(graph.root, nextLink)
        guard.saw(walk.mark(entries))
        guard.follow(nextLink)
        if (fetched.tries === 1) {
          lastGood = nextLink
          fellBack = false
        }
        current = nextLink
        ahead = fetchPage(nextLink)
      }
      yield { entries, nextLink, deltaLink, restarted }
      restarted = false
      if (nextLink === undefined) return
    }
  } finally {
    ended.abort()
  }
}

/** @see https://learn.microsoft.com/graph/paging and https://github.com/microsoftgraph/msgraph-sdk-java/issues/368 */
export function isDeadPageToken(error: GraphError): boolean {
  return (
    (error.graphCode !== undefined && /^Directory_ExpiredPageToken$/i.test(error.graphCode)) ||
    isUnknownPageToken(error)
  )
}

function isUnknownPageToken(error: GraphError): boolean {
  return error.graphCode !== undefined && /^DirectoryPageTokenNotFoundException$/i.test(error.graphCode)
}

function isBadlyAsked(error: GraphError): boolean {
  return (
    error.status === 400 && /^(Request_UnsupportedQuery|Request_BadRequest|BadRequest)$/i.test(error.graphCode ?? '')
  )
}

// Which URLs may carry our token, and whether a walk over pages still gets anywhere.
import { createHash } from 'node:crypto'
import { GraphError } from './errors.ts'
import type { Limits } from './limits.ts'

/** The configured Graph root, taken apart once. */
export interface GraphRoot {
  /** `https://graph.microsoft.com`: scheme, host and port. */
  readonly origin: string
  /** Everything that a request's URL must begin with after the origin: `/v1.0/`, below a path of the root if it has one. */
  readonly base: string
  /** Origin and base: what relative paths are appended to. */
  readonly versionUrl: string
}

export function graphRoot(graphUrl: string): GraphRoot {
  const url = new URL(graphUrl)
  const base = `${url.pathname.replace(/\/+$/, '')}/v1.0/`
  return { origin: url.origin, base, versionUrl: `${url.origin}${base}` }
}

/**
 * The part of a link after the origin, verbatim, if the link may be requested with our token: same scheme, host and
 * port as the configured root, below `/v1.0/`, no user, no fragment, nothing that a server could read as another path.
 *
 * @throws GraphError `hostile-link`; the link itself stays out of the message
 */
export function pathOfLink(root: GraphRoot, link: string): string {
  const url = VISIBLE_ASCII.test(link) ? URL.parse(link) : null
  const raw = url === null ? '' : link.slice(link.indexOf('/', link.indexOf('//') + 2))
  const rawPath = raw.split('?', 1)[0] ?? ''
  const allowed =
    url !== null &&
    url.origin === root.origin &&
    url.username === '' &&
    url.password === '' &&
    !link.includes('#') &&
    rawPath === url.pathname &&
    rawPath.startsWith(root.base) &&
    !HIDDEN_SEPARATOR.test(rawPath)
  if (!allowed)
    throw new GraphError('hostile-link', `Graph answered with a link that does not lie below ${root.versionUrl}`, {
      retry: 'never',
      path: rawPath.slice(0, 80),
    })
  return raw
}

const VISIBLE_ASCII = /^[\x21-\x7e]+$/
const HIDDEN_SEPARATOR = /%2f|%5c|%2e|%00|\\|\/\//i

/** Watches one walk over pages. */
export interface WalkGuard {
  /** @throws GraphError `paging-loop` */
  follow(link: string): void
  /** `mark` identifies a page's content; the same mark again, or undefined for an empty page, is no progress. */
  saw(mark: string | undefined): void
  /** The walk goes back: links and marks of before may come again. The page cap goes on counting. */
  restart(): void
}

/**
 * Ends a walk that repeats a link, exceeds the page cap or brings nothing new for too long.
 *
 * A link that never advances and a groups/delta that returned one page for ever were both seen in the field.
 * @see https://github.com/microsoftgraph/microsoft-graph-docs/issues/4263
 */
export function walkGuard(limits: Limits, path: string): WalkGuard {
  let followed = new Set<string>()
  let lastMark: string | undefined
  let idle = 0
  let pages = 0
  const fail = (what: string): never => {
    throw new GraphError('paging-loop', `Graph's pages of ${path} do not end: ${what}`, { retry: 'later', path })
  }
  return {
    follow(link) {
      const digest = createHash('sha1').update(link).digest('base64')
      if (followed.has(digest)) fail('the same next link came twice')
      followed.add(digest)
      if (++pages > limits.maxPages) fail(`more than ${limits.maxPages} pages`)
    },
    saw(mark) {
      idle = mark === undefined || mark === lastMark ? idle + 1 : 0
      if (mark !== undefined) lastMark = mark
      if (idle > limits.maxIdlePages) fail(`${limits.maxIdlePages} pages in a row brought nothing new`)
    },
    restart() {
      followed = new Set()
      lastMark = undefined
      idle = 0
    },
  }
}

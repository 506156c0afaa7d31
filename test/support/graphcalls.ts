// A tenant of the emulator and calls to it without HTTP, tokens or throttling: for tests of Graph's semantics.
import type { Clock } from '../../src/base/clock.ts'
import { createMovableClock, type MovableClock } from '../../src/emulator/clock.ts'
import { type GraphRequest, type GraphResponse, routeGraph } from '../../src/emulator/routes.ts'
import { isRecord } from '../../src/emulator/respond.ts'
import { Tenant } from '../../src/emulator/tenant.ts'

const ROOT = 'http://graph.test/v1.0'

/** A JSON object from Graph; tests look into it freely. */
export interface GraphObject {
  readonly [name: string]: unknown
  readonly id: string
}

export interface Answer {
  readonly status: number
  readonly units: number
  readonly headers: Readonly<Record<string, string>>
  readonly text: string
  /** The JSON body, `{}` for text. */
  readonly body: Readonly<Record<string, unknown>>
  readonly value: readonly GraphObject[]
  readonly nextLink: string | undefined
  readonly deltaLink: string | undefined
  /** `error.code`. */
  readonly code: string | undefined
}

export interface CallOptions {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
  /** Application permissions; all of them unless given. */
  readonly roles?: readonly string[]
  readonly appId?: string
}

/** Headers of an advanced query. */
export const EVENTUAL = { headers: { ConsistencyLevel: 'eventual' } } as const

export interface GraphCalls {
  readonly tenant: Tenant
  readonly clock: MovableClock
  /** Path below /v1.0, or a whole link. */
  readonly get: (url: string, options?: CallOptions) => Answer
  readonly post: (url: string, body: unknown, options?: CallOptions) => Answer
  /** Follows next links to the end; throws when a page is not a 200. */
  readonly walk: (url: string, options?: CallOptions) => Walk
  /** Like {@link walk}, and returns the delta link. */
  readonly round: (url: string, options?: CallOptions) => Walk & { readonly deltaLink: string }
}

export interface Walk {
  readonly pages: readonly Answer[]
  readonly value: readonly GraphObject[]
}

/** An empty tenant at noon of 2026-03-02 with a clock that only the test moves. */
export function graphCalls(): GraphCalls {
  const clock = createMovableClock(standingClock(Date.UTC(2026, 2, 2, 12)))
  const tenant = new Tenant({ tenantId: '7b3c1f60-0d1e-4c55-9b1f-2a7de5c1a001', displayName: 'Contoso', clock })
  const get = (url: string, options: CallOptions = {}): Answer => call(tenant, url, options)
  const walk = (url: string, options?: CallOptions): Walk => {
    const pages: Answer[] = []
    for (let next: string | undefined = url; next !== undefined; next = pages.at(-1)?.nextLink) {
      const page = get(next, options)
      if (page.status !== 200) throw new Error(`${next} answered ${page.status}: ${page.text}`)
      pages.push(page)
      if (pages.length > 10_000) throw new Error(`${url} does not end`)
    }
    return { pages, value: pages.flatMap((page) => page.value) }
  }
  return {
    tenant,
    clock,
    get,
    post: (url, body, options) => get(url, { ...options, method: 'POST', body }),
    walk,
    round(url, options) {
      const { pages, value } = walk(url, options)
      const deltaLink = pages.at(-1)?.deltaLink
      if (deltaLink === undefined) throw new Error(`${url} ended without a delta link`)
      return { value, deltaLink, pages }
    },
  }
}

function call(tenant: Tenant, url: string, options: CallOptions): Answer {
  const target = new URL(url.startsWith('http') ? url : `${ROOT}${url}`)
  const request: GraphRequest = {
    method: options.method ?? 'GET',
    path: target.pathname.slice('/v1.0'.length),
    query: target.searchParams,
    rawQuery: target.search.slice(1),
    headers: new Headers(options.headers),
    body: options.body,
    roles: new Set(options.roles ?? ['*']),
    appId: options.appId ?? '11111111-1111-4111-8111-111111111111',
    graphRoot: ROOT,
    behaviour: tenant.behaviour,
  }
  const inner = (innerRequest: GraphRequest): GraphResponse => routeGraph(tenant, innerRequest, inner)
  return readAnswer(routeGraph(tenant, request, inner))
}

function readAnswer(response: GraphResponse): Answer {
  const text = response.body ?? ''
  const isJson = response.headers['Content-Type']?.startsWith('application/json') === true
  const parsed: unknown = isJson ? JSON.parse(text) : {}
  const body = isRecord(parsed) ? parsed : {}
  const error = body['error']
  const textOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined)
  return {
    status: response.status,
    units: response.resourceUnits,
    headers: response.headers,
    text,
    body,
    value: objectsOf(body['value']),
    nextLink: textOf(body['@odata.nextLink']),
    deltaLink: textOf(body['@odata.deltaLink']),
    code: isRecord(error) ? textOf(error['code']) : undefined,
  }
}

/** The objects of a JSON list; empty for anything else. */
export function objectsOf(value: unknown): readonly GraphObject[] {
  return Array.isArray(value) ? value.filter(isGraphObject) : []
}

function isGraphObject(value: unknown): value is GraphObject {
  return isRecord(value)
}

function standingClock(ms: number): Clock {
  return {
    now: () => new Date(ms),
    monotonicMs: () => 0,
    sleep: () => Promise.resolve(),
  }
}

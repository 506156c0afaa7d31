// Throttling by resource units for each app in each tenant: a token bucket with the headers of graph.md 14.3.
import type { Clock } from '../base/clock.ts'

export interface ThrottleOptions {
  readonly clock: Clock
  readonly tenantId: string
  readonly appId: string
  /** Users of the tenant at this moment; decides the bucket's size. */
  userCount(): number
}

/** How hard the tenant is throttled; plain data that a test or the administration interface changes. */
export interface ThrottleSettings {
  enabled: boolean
  /** Multiplies the documented limits. */
  scale: number
}

const WINDOW_MS = 10_000

export class Throttle {
  readonly #options: ThrottleOptions
  readonly #settings: ThrottleSettings
  /** Units left; undefined until the first request, when the bucket is full. May be below zero. */
  #left: number | undefined
  #filledAtMs = 0
  /** Units asked for, refused ones included, in slices of a tenth of the window. */
  readonly #demand: { readonly slice: number; units: number }[] = []
  #refused = 0

  constructor(options: ThrottleOptions, settings: ThrottleSettings) {
    this.#options = options
    this.#settings = settings
  }

  /** How many requests were refused. */
  get refused(): number {
    return this.#refused
  }

  /** Units that the tenant gives this app in ten seconds (graph.md 14.1: S below 50 users, M to 500, L above). */
  limit(): number {
    const users = this.#options.userCount()
    return (users < 50 ? 3_500 : users <= 500 ? 5_000 : 8_000) * this.#settings.scale
  }

  /**
   * Asks before a request is carried out. Only the excess is refused; a refused request still counts (graph.md 6.4):
   * it costs one unit, down to a debt of one second's refill, so that hammering keeps the door shut.
   *
   * @returns headers and body of the refusal, or undefined when the request may pass
   */
  refusal(ids: {
    readonly requestId: string
  }): { readonly headers: Record<string, string>; readonly body: string } | undefined {
    if (!this.#settings.enabled) return undefined
    const left = this.#refill()
    if (left > 0) return undefined
    const perSecond = this.limit() / (WINDOW_MS / 1000)
    this.#left = Math.min(left, Math.max(left - 1, -perSecond))
    this.#record(1)
    this.#refused++
    const retryAfter = Math.max(1, Math.ceil((1 - this.#left) / perSecond))
    return tooManyRequests({
      retryAfter: String(retryAfter),
      percentage: this.#percentage(),
      scope: `Tenant_Application/ReadWrite/${this.#options.appId}/${this.#options.tenantId}`,
      now: this.#options.clock.now(),
      requestId: ids.requestId,
    })
  }

  /** Takes the units of a request that passed, and gives the headers that tell of it. */
  charge(units: number): Record<string, string> {
    const headers: Record<string, string> = { 'x-ms-resource-unit': String(units) }
    if (!this.#settings.enabled) return headers
    this.#left = this.#refill() - units
    this.#record(units)
    const percentage = this.#percentage()
    if (percentage >= 0.8) headers['x-ms-throttle-limit-percentage'] = percentage.toFixed(1)
    return headers
  }

  #refill(): number {
    const now = this.#options.clock.monotonicMs()
    const limit = this.limit()
    const left = this.#left === undefined ? limit : this.#left + ((now - this.#filledAtMs) * limit) / WINDOW_MS
    this.#left = Math.min(limit, left)
    this.#filledAtMs = now
    return this.#left
  }

  #record(units: number): void {
    const slice = Math.floor(this.#options.clock.monotonicMs() / (WINDOW_MS / 10))
    const last = this.#demand.at(-1)
    if (last?.slice === slice) last.units += units
    else this.#demand.push({ slice, units })
    while ((this.#demand[0]?.slice ?? slice) <= slice - 10) this.#demand.shift()
  }

  // 1.0 = throttling begins, at most 1.8 (graph.md 14.3): what was asked for in the last ten seconds over the limit.
  #percentage(): number {
    let units = 0
    for (const slice of this.#demand) units += slice.units
    return Math.min(1.8, units / this.limit())
  }
}

/** A 429 as graph.md 14.3 has it; `retryAfter` undefined leaves the header out. */
export function tooManyRequests(options: {
  readonly retryAfter: string | undefined
  readonly percentage?: number
  readonly scope: string
  readonly now: Date
  readonly requestId: string
}): { readonly headers: Record<string, string>; readonly body: string } {
  const headers: Record<string, string> = {
    'Content-Type': 'application/json',
    'x-ms-throttle-scope': options.scope,
    'x-ms-throttle-information': 'ResourceUnitLimitExceeded',
  }
  if (options.retryAfter !== undefined) headers['Retry-After'] = options.retryAfter
  if (options.percentage !== undefined && options.percentage >= 0.8)
    headers['x-ms-throttle-limit-percentage'] = options.percentage.toFixed(1)
  const body = JSON.stringify({
    error: {
      code: 'TooManyRequests',
      message: 'Please retry again later.',
      innerError: {
        code: '429',
        date: options.now.toISOString().slice(0, 19),
        message: 'Please retry after',
        'request-id': options.requestId,
        status: '429',
      },
    },
  })
  return { headers, body }
}

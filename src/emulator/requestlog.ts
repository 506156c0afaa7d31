// What was asked of the emulator, for tests to look at: every request with its answer's status and cost.
import type { Clock } from '../base/clock.ts'
import type { FaultTarget } from './faultkinds.ts'
import { readablePath } from './faults.ts'
import type { LoggedRequest, WireRequest } from './wire.ts'

/** Beyond this the older half is dropped, so that an emulator can run for days. */
const MAX_LOGGED = 50_000

export class RequestLog {
  /** In order of completion, the last 25,000 at least. */
  readonly entries: LoggedRequest[] = []
  /** Switched off for long runs whose log nobody reads. */
  isKept = true
  readonly #clock: Clock
  #count = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  nextNumber(): number {
    return ++this.#count
  }

  /** @param request absent for requests inside a batch */
  add(
    request: WireRequest | undefined,
    entry: {
      readonly target: FaultTarget
      readonly service: LoggedRequest['service']
      readonly status: number
      readonly resourceUnits: number
      readonly headers?: Readonly<Record<string, string>>
      readonly number?: number
      readonly batch?: number
    },
  ): void {
    if (!this.isKept) return
    if (this.entries.length >= MAX_LOGGED) this.entries.splice(0, MAX_LOGGED / 2)
    this.entries.push({
      number: entry.number ?? this.nextNumber(),
      batch: entry.batch,
      service: entry.service,
      method: entry.target.method,
      path: readablePath(entry.target),
      status: entry.status,
      atMs: request?.atMs ?? this.#clock.monotonicMs(),
      resourceUnits: entry.resourceUnits,
      retryAfter: entry.headers?.['Retry-After'],
      tenantId: entry.target.tenantId,
      headers: request?.headers,
    })
  }
}

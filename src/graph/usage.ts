// What reading a tenant has cost so far. Part of every run's report.

/** Live counters of one client. */
export interface GraphUsage {
  /** HTTP requests to Graph, tries included; a $batch counts once, token requests not at all. */
  readonly requests: number
  /** Requests, and requests inside a $batch, that were sent again. */
  readonly retries: number
  /** Answers 429, those inside a $batch included. */
  readonly throttled: number
  /** Bodies as received, before decompression. */
  readonly bytes: number
  /** As Graph reported them; where it did not, as documented. */
  readonly resourceUnits: number
}

export type UsageCounters = { -readonly [Key in keyof GraphUsage]: GraphUsage[Key] }

export function startUsage(): UsageCounters {
  return { requests: 0, retries: 0, throttled: 0, bytes: 0, resourceUnits: 0 }
}

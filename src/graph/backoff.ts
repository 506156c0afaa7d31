// How long to wait before a request is tried again.
import type { Limits } from './limits.ts'

/**
 * Milliseconds that a `Retry-After` header asks for: whole or decimal seconds, or an HTTP date; undefined when the
 * header is missing or unreadable. Not clamped. A date counts from the answer's own `Date`, so that a wrong clock here
 * does not matter; `nowMs` (wall clock) stands in when the answer has none.
 *
 * @see https://learn.microsoft.com/graph/throttling (sample with `2.128`)
 * @see RFC 9110 10.2.3
 */
export function parseRetryAfter(
  value: string | undefined,
  answer: { readonly date: string | undefined; readonly nowMs: number },
): number | undefined {
  const text = value?.trim()
  if (text === undefined || text === '') return undefined
  if (/^[+-]?\d+(\.\d+)?$/.test(text)) return Number(text) * 1000
  if (!HTTP_DATE.test(text)) return undefined
  const at = Date.parse(text)
  const from = answer.date !== undefined && HTTP_DATE.test(answer.date) ? Date.parse(answer.date) : answer.nowMs
  return Number.isNaN(at) || Number.isNaN(from) ? undefined : at - from
}

const HTTP_DATE = /^[A-Z][a-z]{2,8},? .*\d{2}:\d{2}:\d{2}/

/** Clamped pause, or `tooLong` when Graph wants more than a run waits out. */
export function clampRetryAfter(ms: number, limits: Limits): number | 'tooLong' {
  if (ms > limits.maxRetryAfterMs) return 'tooLong'
  return Math.max(ms, limits.minRetryAfterMs)
}

/** How long a pause is and when it is over, for people: `40 minutes, until 2026-11-02 08:40 UTC`. */
export function pauseText(ms: number, nowMs: number): string {
  const end = new Date(nowMs + ms)
  const until = Number.isNaN(end.getTime()) ? '' : `, until ${end.toISOString().slice(0, 16).replace('T', ' ')} UTC`
  return `${Math.round(ms / 60_000)} minutes${until}`
}

/**
 * Exponential backoff with jitter for the wait after the given failed try (1 = the first): between half of and the
 * whole of `backoffMs * 2^(try-1)`, so that requests which failed together do not come back together.
 */
export function backoffMs(failedTry: number, limits: Limits, random: () => number): number {
  const full = Math.min(limits.backoffMs * 2 ** (failedTry - 1), limits.maxBackoffMs)
  return full / 2 + (full / 2) * random()
}

// What a run's end says about its source: which failures count, what they mean, and when a schedule may try again.
import { shellWord } from '../base/shell.ts'
import { FAILURES } from '../contract/remedies.ts'
import type { Outcome, RunDocument } from '../contract/runs.ts'
import type { HealthState } from '../contract/health.ts'
import { consentLink, type WayBack } from '../graph/consent-link.ts'
import { GraphError, TokenError } from '../graph/errors.ts'
import type { SourceHealth } from '../registry/health.ts'
import { pauseMs } from './pauses.ts'

/** Failures in a row from which a source is quarantined: about eight hours of scheduled tries. */
const FAILURES_TO_QUARANTINE = 6
/** The same for refusals, which time does not cure; one alone may be a change on its way through Microsoft's servers. */
const REFUSALS_TO_QUARANTINE = 2

/** Ends that say nothing about the source: somebody changed or took over what the run was working on. */
const NOT_THE_SOURCE: ReadonlySet<string> = new Set([
  'fence-lost',
  'registry-moved',
  'settings-changed',
  'not-held',
  'already-decided',
  'lapsed',
  'hash-mismatch',
])

/** Codes of failures about credentials, consent and permissions. */
const REFUSALS: ReadonlySet<string> = new Set([
  'auth-failed',
  'forbidden',
  'attributes-unreadable',
  'tenant-mismatch',
  'tenant-unsupported',
])

/** What went wrong, for people; nothing personal is in it. */
export interface Trouble {
  readonly code: string
  readonly reason: string
  readonly remedy: string
  /** Of credentials, consent or permissions. */
  readonly isRefusal: boolean
  /** Milliseconds that Microsoft asked to wait. */
  readonly retryAfterMs: number | undefined
}

/** Where the administrator of the tenant consents to the permissions. */
export interface ConsentPlace {
  readonly connection: string
  readonly authorityUrl: string
  readonly tenantId: string
  readonly clientId: string
  /** Where Microsoft's page leads him back to, asked for where a link is made; undefined: not known, or the application may not have it. */
  readonly back: () => WayBack | undefined
}

/**
 * What a failed run died of; undefined where that is not the source's fault.
 *
 * @param failed the document's error, and what was thrown where that is still at hand
 */
export function troubleOf(
  failed: { readonly error: NonNullable<RunDocument['error']>; readonly cause?: unknown },
  place: ConsentPlace | undefined,
): Trouble | undefined {
  const { error, cause } = failed
  if (NOT_THE_SOURCE.has(error.code)) return undefined
  const isPassing = cause instanceof TokenError && cause.retry === 'later'
  const isRefusal = REFUSALS.has(error.code) && !isPassing
  return {
    code: error.code,
    reason: reasonOf(error, cause),
    remedy: remedyOf({ code: error.code, cause, place }),
    isRefusal,
    retryAfterMs: cause instanceof GraphError || cause instanceof TokenError ? cause.retryAfterMs : undefined,
  }
}

function reasonOf(error: NonNullable<RunDocument['error']>, cause: unknown): string {
  // What a program of ours or the database says of a bug may quote what it was working on.
  if (error.code === 'internal') return 'Muster made a mistake, or the database refused a statement.'
  // The message of a run carries the remedy, which has a place of its own here.
  return cause instanceof TokenError ? cause.reason : error.message
}

function remedyOf({
  code,
  cause,
  place,
}: {
  readonly code: string
  readonly cause: unknown
  readonly place: ConsentPlace | undefined
}): string {
  if (cause instanceof TokenError) return withConsent(cause.remedy, cause.needsConsent ? place : undefined)
  if (code === 'auth-failed' || code === 'forbidden') {
    const check = place === undefined ? 'muster check' : `muster check ${shellWord(place.connection)}`
    return withConsent(
      `Grant the application permissions of Microsoft Graph that the source needs, with admin consent; ${check} tells which.`,
      place,
    )
  }
  return FAILURES[code] ?? 'Look at the run with muster runs; if it stays, report what it says.'
}

function withConsent(remedy: string, place: ConsentPlace | undefined): string {
  return place === undefined ? remedy : `${remedy} Consent: ${consentLink(place, place.back())}`
}

/** How a run ended, as far as its source's health goes. */
export interface Ending {
  readonly outcome: Outcome
  /** A preview reads like a run, but brings nothing up to date. */
  readonly isPreview: boolean
  /** Whether it asked Graph for anything: an approval of a plan without removals need not. */
  readonly hasRead: boolean
  /** Why it failed; undefined also for failures that are not the source's. */
  readonly trouble: Trouble | undefined
  /** What the run noted about the listings that it read. */
  readonly doubt: { readonly code: string; readonly message: string } | undefined
}

/**
 * The health of a source after a run: any run that could read resets everything, a failed one counts and makes
 * schedules wait, 15 minutes at first, twice as long each time, at most a day, and never less than Microsoft asked for.
 */
export function nextHealth(
  before: SourceHealth | undefined,
  ending: Ending,
  { now, random }: { readonly now: Date; readonly random: () => number },
): SourceHealth | undefined {
  const { outcome, trouble } = ending
  if (outcome === 'cancelled' || (outcome === 'failed' && trouble === undefined)) return undefined
  const enter = (state: HealthState) => (before?.state === state ? before.since : now)
  if (trouble !== undefined) {
    const failures = (before?.failures ?? 0) + 1
    const refusals = trouble.isRefusal ? (before?.refusals ?? 0) + 1 : 0
    const isQuarantined =
      before?.state === 'quarantined' || failures >= FAILURES_TO_QUARANTINE || refusals >= REFUSALS_TO_QUARANTINE
    const state = isQuarantined ? 'quarantined' : 'degraded'
    return {
      state,
      since: enter(state),
      failures,
      failingSince: before?.failingSince ?? now,
      refusals,
      code: trouble.code,
      reason: trouble.reason,
      remedy: trouble.remedy,
      nextTryAt: new Date(now.getTime() + pauseMs(failures, { random, wishedMs: trouble.retryAfterMs })),
      lastSuccessAt: before?.lastSuccessAt ?? null,
    }
  }
  const isSuccess = (outcome === 'applied' || outcome === 'no-change') && !ending.isPreview
  const lastSuccessAt = isSuccess ? now : (before?.lastSuccessAt ?? null)
  if (!ending.hasRead && before !== undefined) return { ...before, lastSuccessAt }
  const state = ending.doubt === undefined ? 'healthy' : 'degraded'
  return {
    state,
    since: enter(state),
    failures: 0,
    failingSince: null,
    refusals: 0,
    code: ending.doubt?.code ?? null,
    reason: ending.doubt?.message ?? null,
    remedy: ending.doubt === undefined ? null : (FAILURES[ending.doubt.code] ?? null),
    nextTryAt: null,
    lastSuccessAt,
  }
}

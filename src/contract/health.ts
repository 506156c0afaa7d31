// How a source has been doing, as it is shown and served.
import { z } from 'zod'

export const HEALTH_STATES = ['healthy', 'degraded', 'quarantined'] as const
/**
 * `degraded`: the last run failed, or could not trust what Microsoft Graph listed. `quarantined`: it fails again and again
 * or is refused; only an administrator is likely to cure it. Neither switches a source off.
 */
export type HealthState = (typeof HEALTH_STATES)[number]

export interface SourceHealthLine {
  readonly source: string
  readonly state: HealthState
  /** When it came into this state; null before the first run has ended. ISO 8601, UTC, as all times here. */
  readonly since: string | null
  /** Failed runs in a row. */
  readonly failures: number
  /** Code of the run's error or issue, what happened and what to do; null while healthy. */
  readonly code: string | null
  readonly reason: string | null
  readonly remedy: string | null
  /** Before this a schedule does not run the source; by hand it always runs. Null: nothing to wait for. */
  readonly nextTryAt: string | null
  /** When a run last brought the registry up to date. */
  readonly lastSuccessAt: string | null
}

/** Alerts that a sink (`mail`, `webhook`) has not taken so far. */
export const undeliveredLine = z.object({
  sink: z.string(),
  count: z.int(),
  /** What the last try met; carries no address. */
  problem: z.string(),
  /** Null where nobody tries any more. */
  nextTryAt: z.string().nullable(),
})
export type UndeliveredLine = z.infer<typeof undeliveredLine>

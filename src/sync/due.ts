// Whether a schedule may run a source now. Only schedules ask: whoever runs a source by hand knows why.
import type { HealthState } from '../contract/health.ts'
import type { RunDocument } from '../contract/runs.ts'
import { getHealth } from '../registry/health.ts'
import { requireSource } from '../registry/sources.ts'
import type { Engine } from './engine.ts'
import { type RunRequest, runSource } from './run.ts'

/** `disabled` and `backing-off` are answers, not errors: a scheduler goes on with its next source. */
export type Due =
  | { readonly kind: 'due' }
  | { readonly kind: 'disabled' }
  | {
      readonly kind: 'backing-off'
      readonly until: Date
      readonly state: HealthState
      /** What it failed of. */
      readonly reason: string
    }

/** @throws NotFoundError */
export async function askDue(engine: Engine, sourceName: string): Promise<Due> {
  const source = await requireSource(engine.db, sourceName)
  if (!source.enabled) return { kind: 'disabled' }
  const health = await getHealth(engine.db, source.id)
  const until = health?.nextTryAt
  if (health === undefined || until === null || until === undefined || until <= engine.clock.now())
    return { kind: 'due' }
  return { kind: 'backing-off', until, state: health.state, reason: health.reason ?? '' }
}

/**
 * Runs a source for its schedule, unless it is failing and its time to try again has not come.
 *
 * @throws what {@link runSource} throws
 */
export async function runIfDue(
  engine: Engine,
  request: Omit<RunRequest, 'trigger' | 'kind'>,
): Promise<{ readonly kind: 'ran'; readonly document: RunDocument } | Exclude<Due, { kind: 'due' }>> {
  const due = await askDue(engine, request.source)
  if (due.kind !== 'due') return due
  return { kind: 'ran', document: await runSource(engine, { ...request, kind: 'sync', trigger: 'schedule' }) }
}

// The second stage of a run: what the mirror implies is planned and stored.
import { randomInt } from 'node:crypto'
import { withTransaction } from '../database/transaction.ts'
import { issuesOfRun } from '../registry/issues.ts'
import { type MadeWith, readFromOf } from '../registry/made-with.ts'
import { holdFence, recordPlan } from '../registry/running.ts'
import type { Source } from '../registry/sources.ts'
import { ISSUES_IN_DOCUMENT, withPlan } from './document.ts'
import type { Engine } from './engine.ts'
import type { MadePlan } from './plan-input.ts'
import { makePlan, PLANNER_VERSION } from './planning.ts'
import type { PullResult } from './pull-env.ts'
import { mirrorOpener, rivalsOf } from './rivals.ts'
import { logPlan } from './run-log.ts'
import { requireSameSettings, type Session, since } from './session.ts'

/** A plan with what applying it has to know. */
export interface PlanOfRun extends MadePlan {
  readonly everybody: boolean
  readonly only: readonly number[] | undefined
  readonly madeWith: MadeWith
}

/** Plans what the mirror implies, and stores the plan with the run. */
export async function planFromMirror(
  session: Session,
  pulled: PullResult,
  only?: readonly number[],
): Promise<PlanOfRun> {
  const { engine, lease } = session
  const before = engine.clock.monotonicMs()
  lease.report({ phase: 'planning', done: 0, total: undefined })
  const plan = await withTransaction(
    engine.db,
    async (tx) => {
      // Marks are read as they are now: settings may have been applied while this run was pulling.
      const source = await requireSameSettings(tx, session)
      const everybody = only === undefined && (source.markedAll || pulled.mode === 'full' || isUpgrade(source))
      const made = await makePlan(tx, {
        ...planInput(engine, source, pulled),
        rivals: await rivalsOf(tx, { vault: engine.vault, source }),
        runId: lease.runId,
        isPreview: lease.kind === 'plan',
        everybody,
        only,
        onProgress: (done, total) => lease.report({ phase: 'planning', done, total }),
        signal: lease.signal,
      })
      const madeWith = {
        ...readFromOf(source.connection),
        plannerVersion: PLANNER_VERSION,
        clearedEverywhere: source.clearedEverywhere,
        emptiedScopeGroups: made.emptiedScopeGroups,
      }
      await recordPlan(tx, lease.runId, {
        hash: made.hash,
        planAll: everybody,
        only,
        removalsAllowed: pulled.removals === 'allowed',
        figures: made.spent,
        madeWith,
      })
      const issues = await issuesOfRun(tx, lease.runId, ISSUES_IN_DOCUMENT)
      session.document = withPlan(session.document, made, issues)
      // Only now: the lock keeps others from finding out that the source is taken.
      await holdFence(tx, source.id, lease.fence)
      return { ...made, everybody, only, madeWith }
    },
    { signal: lease.signal },
  )
  session.document = { ...session.document, ms: { ...session.document.ms, plan: since(session, before) } }
  logPlan(lease.log, session.document)
  return plan
}

/** What planning is given besides the run. */
export function planInput(
  engine: Engine,
  source: Source,
  pulled: Pick<PullResult, 'removals' | 'noUsersWhereSome' | 'issues'>,
) {
  const { vault } = engine
  const { connection } = source
  return {
    now: engine.clock.now(),
    source: {
      id: source.id,
      name: source.name,
      tenantId: connection.tenantId,
      priority: source.priority,
      settings: source.settings,
      settingsVersion: source.settingsVersion,
      plannedSettings: source.plannedSettings,
    },
    removalsAllowed: pulled.removals === 'allowed',
    noUsersWhereSome: pulled.noUsersWhereSome,
    connectionChanged:
      source.seenTenantId !== null &&
      (source.seenTenantId !== connection.tenantId || source.seenClientId !== connection.clientId),
    upgraded: isUpgrade(source),
    clearedEverywhere: source.clearedEverywhere,
    issues: pulled.issues,
    lookup: (space: 'card' | 'pin', value: string) => vault.lookup(space, value),
    sealCard: (value: string) => vault.seal(value, 'card'),
    randomInt: (below: number) => randomInt(below),
    openMirror: mirrorOpener(vault, source.id),
  }
}

function isUpgrade(source: Source): boolean {
  return source.plannerVersion !== null && source.plannerVersion !== PLANNER_VERSION
}

// Plans something for the sake of knowing, in a transaction that is always rolled back: nothing is kept, nobody is locked out.
import type { Database } from '../database/connect.ts'
import { type Transaction, type TransactionOptions, withTransaction } from '../database/transaction.ts'
import type { Source } from '../registry/sources.ts'
import type { Engine } from './engine.ts'
import type { MadePlan } from './plan-input.ts'
import { makePlan } from './planning.ts'
import type { PullResult } from './pull-env.ts'
import { rivalsOf } from './rivals.ts'
import { planInput } from './run-plan.ts'

export interface Trial {
  /** With the settings to try. */
  readonly source: (tx: Transaction) => Promise<Source>
  /** Mirror keys; `undefined`: everybody. */
  readonly only?: readonly number[]
  /** What the last reading lets be removed; by default everything, as after a reading that is complete. */
  readonly removals?: PullResult['removals']
  readonly signal: AbortSignal
}

export interface TriedPlan {
  readonly tx: Transaction
  readonly runId: number
  readonly source: Source
  readonly made: MadePlan
}

class Undo extends Error {}

/** Makes a plan from the mirror as it is, shows it to `read`, and takes everything back. */
export async function tryPlan<T>(engine: Engine, trial: Trial, read: (tried: TriedPlan) => Promise<T>): Promise<T> {
  return rolledBack(engine.db, { signal: trial.signal }, async (tx) => {
    const source = await trial.source(tx)
    const run = await tx.query<{ id: number }>(
      `insert into runs (source_id, source_name, kind, mode, trigger, state, outcome, fence, host, pid, process_started, settings_version)
       values ($1, $2, 'plan', 'full', 'manual', 'ended', 'planned', 0, '', 0, '', $3) returning id`,
      [source.id, source.name, source.settingsVersion],
    )
    const runId = run.rows[0]?.id ?? 0
    const made = await makePlan(tx, {
      ...planInput(engine, source, { removals: trial.removals ?? 'allowed', noUsersWhereSome: false, issues: [] }),
      rivals: await rivalsOf(tx, { vault: engine.vault, source }),
      runId,
      isPreview: true,
      everybody: trial.only === undefined,
      only: trial.only,
      onProgress: () => {},
      signal: trial.signal,
    })
    return read({ tx, runId, source, made })
  })
}

/** What `work` finds out in a transaction that is always rolled back. */
export async function rolledBack<T>(
  db: Database,
  options: TransactionOptions,
  work: (tx: Transaction) => Promise<T>,
): Promise<T> {
  let result: { readonly value: T } | undefined
  try {
    await withTransaction(
      db,
      async (tx) => {
        result = { value: await work(tx) }
        throw new Undo()
      },
      options,
    )
  } catch (error) {
    if (!(error instanceof Undo)) throw error
  }
  if (result === undefined) throw new Error('the work was not done')
  return result.value
}

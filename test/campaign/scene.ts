// A random history under way: what it has met so far, and what is needed to tell about it.
import type { Database } from '../../src/database/connect.ts'
import type { Registry, TenantState } from '../support/model.ts'
import type { Stage } from './stage.ts'

/** What happened, for the campaign's table. */
export interface Tally {
  steps: number
  runs: number
  readonly outcomes: Record<string, number>
  readonly faults: Record<string, number>
  kills: number
  cancelled: number
  fences: number
  reverts: number
  /** Reverts of a run after which nothing had happened. */
  exactReverts: number
  /** Registries that were compared with what history adds up to. */
  folded: number
  /** Runs whose registry was compared with the model. */
  compared: number
  /** Runs while which it was asked whether people are identified and sign in. */
  looks: number
  /** Sources that were led to another tenant. */
  moved: number
}

export function newTally(): Tally {
  return {
    steps: 0,
    runs: 0,
    outcomes: {},
    faults: {},
    kills: 0,
    cancelled: 0,
    fences: 0,
    reverts: 0,
    exactReverts: 0,
    folded: 0,
    compared: 0,
    moved: 0,
    looks: 0,
  }
}

export interface HeldPlan {
  readonly run: number
  readonly hash: string
  readonly tenant: TenantState
  /** Nothing has happened since. */
  isFresh: boolean
}

/** A history under way. */
export interface Scene {
  readonly db: Database
  readonly stage: Stage
  readonly tally: Tally
  expected: Registry
  /** Sources whose mirror was told something false that nothing in the answer gave away: until a full run they are not compared. */
  readonly misled: Set<string>
  /** Those of them that may have failed in the middle: their next run goes on with the round that holds what is false. */
  readonly begun: Set<string>
  /** Sources that lack members of a group and know it, since their last run that was whole. */
  readonly unread: Set<string>
  /** Sources whose next run is not compared, because something happened that the model does not follow. */
  readonly unfollowed: Set<string>
  readonly held: Map<string, HeldPlan>
  /** The tenant of the last plan of a source that was done as a whole. */
  readonly reflected: Map<string, string>
  /** An administrator has changed something, which is in no plan. */
  isEdited: boolean
}

/** VERBOSE=1 tells what happens. */
export function trace(line: string): void {
  if (process.env['VERBOSE'] !== undefined) process.stderr.write(`${line}\n`)
}

export async function traceItems(db: Database, run: number): Promise<void> {
  if (process.env['VERBOSE'] === undefined) return
  const items = await db.query(
    'select object, action, name, object_id, rule, reason, old, new from plan_items where run_id = $1 order by seq',
    [run],
  )
  for (const item of items.rows) trace(`     ${JSON.stringify(item)}`)
}

export function diffLines(before: string, after: string): string {
  const [old, now] = [new Set(before.split('\n')), new Set(after.split('\n'))]
  const lost = [...old].filter((line) => !now.has(line)).map((line) => `- ${line}`)
  return [...lost, ...[...now].filter((line) => !old.has(line)).map((line) => `+ ${line}`)].join('\n')
}

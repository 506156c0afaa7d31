// How long plans and what they overwrote are kept. Runs and their documents stay; their items go.
import type { Queries } from '../database/connect.ts'

/** Plans that were never applied: previews, superseded, lapsed and rejected ones. */
const PLAN_DAYS = 30
/** What runs logged: it helps with what is wrong now. */
const LOG_DAYS = 90
/** Rows a statement: short enough that nobody waits for it. */
const BATCH = 10_000
/** So that a command which happens to come by ends; the next one goes on. */
const STATEMENTS = 200

export interface Retention {
  readonly now: Date
  /** Age in days at which the items of applied runs go, and with them the means to revert these runs. */
  readonly historyDays: number
  readonly signal?: AbortSignal | undefined
}

const TABLES = [
  'plan_memberships',
  'plan_shared_memberships',
  'undo_memberships',
  'undo_users',
  'undo_groups',
  'plan_claims',
  'plan_group_claims',
  'plan_items',
] as const

/**
 * Removes items that are too old, some at a time, each batch by itself: stopping anywhere is safe. A plan that still waits for
 * its approval keeps its items, however old it is.
 *
 * @returns how many rows went
 */
export async function removeOldHistory(db: Queries, retention: Retention): Promise<number> {
  const { now, historyDays } = retention
  const daysAgo = (days: number) => new Date(now.getTime() - days * 86_400_000)
  const isOld = `r.ended_at < $1 and (r.items_removed_at is null or r.items_removed_at = 'infinity')
    and not (r.outcome = 'held' and r.decision is null and r.approve_by > $2)
    and r.ended_at < case when r.outcome = 'applied' or r.decision = 'approved' then $3::timestamptz else $4::timestamptz end`
  const [history, plans] = [daysAgo(historyDays), daysAgo(PLAN_DAYS)]
  const params = [history > plans ? history : plans, now, history, plans]
  // Most runs change nothing and have nothing to remove.
  const nothing = TABLES.map((table) => `not exists (select from ${table} t where t.run_id = r.id)`).join(' and ')
  await db.query(`update runs r set items_removed_at = $2 where ${isOld} and ${nothing}`, params)
  let removed = await removeOldLogs(db, daysAgo(LOG_DAYS))
  const old = await db.query<{ id: number }>(`select r.id from runs r where ${isOld} order by r.id`, params)
  let statements = 0
  for (const { id } of old.rows) {
    // From here on it cannot be taken back: half of the old values would be worse than none. `infinity`: still under way.
    await db.query(`update runs set items_removed_at = 'infinity' where id = $1`, [id])
    for (const table of TABLES) {
      for (let rows = BATCH; rows === BATCH; statements += 1) {
        if (statements >= STATEMENTS || retention.signal?.aborted === true) return removed
        const gone = await db.query(
          `delete from ${table} where ctid = any(array(select ctid from ${table} where run_id = $1 limit ${BATCH}))`,
          [id],
        )
        rows = gone.rowCount ?? 0
        removed += rows
      }
    }
    await db.query('update runs set items_removed_at = $2 where id = $1', [id, now])
  }
  return removed
}

/** One batch: far more than the runs since the last time can have logged. */
async function removeOldLogs(db: Queries, before: Date): Promise<number> {
  const gone = await db.query(
    `delete from run_log where ctid = any(array(select ctid from run_log
       where run_id <= (select id from runs where ended_at < $1 order by id desc limit 1) order by run_id limit ${BATCH}))`,
    [before],
  )
  return gone.rowCount ?? 0
}

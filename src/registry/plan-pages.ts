// Stored plans for people who look through them: a page at a time, by place in the plan, in time that does not grow with the plan.
import type { PlanItemLine } from '../contract/plan-items.ts'
import type { Queries } from '../database/connect.ts'
import { type PlanItemQuery, planLines } from './plan-export.ts'

export interface PlanPageQuery extends Omit<PlanItemQuery, 'limit'> {
  /** The place of the last line that was seen. */
  readonly after?: PlanPlace | undefined
  readonly limit: number
}

/** Where a line stands: its place in the plan, and for memberships, which share one, the user. */
export interface PlanPlace {
  readonly seq: number
  readonly user: number
}

/** One page of a plan, and the place after which the next one begins; undefined on the last. */
export async function listPlanPage(
  db: Queries,
  query: PlanPageQuery,
): Promise<{ readonly items: readonly PlanItemLine[]; readonly next: PlanPlace | undefined }> {
  const { after = { seq: 0, user: -1 }, limit, action, object, search, user } = query
  // Without a search every stored item gives a line, as a rule, so that far fewer than all need to be looked at.
  const isBounded = search === undefined && user === undefined
  const within = isBounded
    ? await lastSeq(db, { runId: query.runId, action, object, from: after.seq, limit })
    : { to: undefined, isRest: true }
  const { sql, params } = planLines(query, { from: after.seq, to: within.to })
  const at = params.length
  const found = await db.query<PlanItemLine>(
    `${sql} and (seq, coalesce("userId"::int, 0)) > ($${at + 1}::int, $${at + 2}::int)
     order by seq, coalesce("userId"::int, 0) limit $${at + 3}`,
    [...params, after.seq, after.user, limit + 1],
  )
  const items = found.rows.slice(0, limit)
  const last = items.at(-1)
  if (found.rows.length > limit && last !== undefined)
    return { items, next: { seq: last.seq, user: Number(last.userId ?? 0) } }
  // Items whose memberships are gone give none: the plan goes on behind them.
  return { items, next: within.isRest || within.to === undefined ? undefined : { seq: within.to, user: LAST_USER } }
}

/** No user has a higher id. */
const LAST_USER = 2_147_483_647

/** Up to which item one has to look for a page, and whether none comes after it. */
async function lastSeq(
  db: Queries,
  wanted: {
    readonly runId: number
    readonly action: string | undefined
    readonly object: string | undefined
    readonly from: number
    readonly limit: number
  },
): Promise<{ readonly to: number; readonly isRest: boolean }> {
  const { runId, action, object, from, limit } = wanted
  const looked = limit + 2
  const found = await db.query<{ seq: number | null; count: number }>(
    `select max(seq) as seq, count(*)::int as count from (select seq from plan_items where run_id = $1 and seq >= $2
       and ($3::text is null or action = $3) and ($4::text is null or object = $4) order by seq limit $5) w`,
    [runId, from, action ?? null, object ?? null, looked],
  )
  const [row] = found.rows
  return { to: row?.seq ?? from, isRest: (row?.count ?? 0) < looked }
}

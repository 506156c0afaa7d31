// Stored plans for people who look through them: a page at a time, by place in the plan, in time that does not grow with the plan.
import type { PlanItemLine } from '../contract/plan-items.ts'
import type { Queries } from '../database/connect.ts'
import { lineColumns, type PlanItemQuery } from './plan-export.ts'
import type { ActionCount } from './plan-figures.ts'

export interface PlanPageQuery extends Omit<PlanItemQuery, 'limit' | 'user'> {
  /** The place of the last line that was seen. */
  readonly after?: PlanPlace | undefined
  readonly limit: number
}

/** Where a line stands: its place in the plan, and for memberships, which share one, the user. */
export interface PlanPlace {
  readonly seq: number
  readonly user: number
}

/** SQL: an item that stands for the memberships of a group which are kept as rows of their own. */
const OF_A_GROUP = `(i.object = 'membership' and i.user_id is null and i.action in ('add', 'remove'))`
// Of its own type: compared as text it would not be looked up in the index.
const ROWS_OF_IT = `m.run_id = $1 and m.group_id = i.group_id
  and m.op = (case when i.action = 'add' then 'a' when i.left_out then 'k' else 'r' end)::"char"
  and m.user_id > case when i.seq = $4 then $5::int else -1 end`

/**
 * One page of a plan, and the place after which the next one begins; undefined on the last.
 *
 * Items are looked at in their order, and of the memberships of each no more than the page still takes: those of a first load are millions.
 */
export async function listPlanPage(
  db: Queries,
  query: PlanPageQuery,
): Promise<{ readonly items: readonly PlanItemLine[]; readonly next: PlanPlace | undefined }> {
  const { after = { seq: 0, user: -1 }, limit, action, object, search } = query
  const params: unknown[] = [query.runId, action ?? null, object ?? null, after.seq, after.user, limit + 1]
  const found = await db.query<PlanItemLine>(
    `${search === undefined ? '' : MATCHING}
     select ${lineColumns({ member: 'p.member', i: 'p', u: 'u', c: 'c' })} from (
       select i.*, r.member from plan_items i cross join lateral (${search === undefined ? ALL : MATCHED}) r
        where i.run_id = $1 and i.seq >= $4 and ($2::text is null or i.action = $2) and ($3::text is null or i.object = $3)
          and (i.seq, coalesce(r.member, i.user_id, 0)) > ($4, $5::int)
        order by i.seq, coalesce(r.member, i.user_id, 0) limit $6) p
       left join users u on u.id = p.member
       left join lateral (select c.name, c.object_id from plan_items c where c.user_id = p.member and c.run_id = $1 and c.object = 'user'
         and c.action = 'create' limit 1) c on p.member is not null
      order by p.seq, coalesce(p.member, p.user_id, 0)`,
    search === undefined ? params : [...params, search.toLowerCase()],
  )
  const items = found.rows.slice(0, limit)
  const last = items.at(-1)
  if (found.rows.length <= limit || last === undefined) return { items, next: undefined }
  return { items, next: { seq: last.seq, user: Number(last.userId ?? 0) } }
}

/** SQL: the lines of an item `i`: itself, or the users of its rows. */
const ALL = `
  select null::int as member where not ${OF_A_GROUP}
  union all (select m.user_id from plan_memberships m where ${OF_A_GROUP} and ${ROWS_OF_IT} order by m.user_id limit $6)`

/** SQL: who is meant by a search, of those who are there and of those whom the plan makes. */
const MATCHING = `
  with matching as materialized (
    select id from users where strpos(lower(user_name), $7) > 0 or object_id::text = $7
    union select user_id from plan_items where run_id = $1 and object = 'user' and action = 'create' and user_id is not null
      and (strpos(lower(name), $7) > 0 or object_id::text = $7))`

const MATCHED = `
  select null::int as member where not ${OF_A_GROUP} and (strpos(lower(i.name), $7) > 0 or i.object_id::text = $7
    or i.object = 'membership' and strpos(lower(coalesce(i.new, i.old) ->> 'group'), $7) > 0)
  union all (select m.user_id from plan_memberships m
    where ${OF_A_GROUP} and strpos(lower(i.name), $7) > 0 and ${ROWS_OF_IT} order by m.user_id limit $6)
  union all (select m.user_id from matching x join plan_memberships m on m.user_id = x.id
    where ${OF_A_GROUP} and strpos(lower(i.name), $7) = 0 and ${ROWS_OF_IT} order by m.user_id limit $6)`

/**
 * How many lines {@link listPlanPage} gives of each object and action, those included that applying the plan left out.
 *
 * Memberships are counted by their rows, as their lines are: of a first load an item may stand for thousands.
 */
export async function countPlanPageLines(db: Queries, runId: number): Promise<readonly ActionCount[]> {
  const found = await db.query<ActionCount>(
    `select object, action, count(*) as count from plan_items i
      where i.run_id = $1 and (i.object <> 'membership' or i.action not in ('add', 'remove')) group by object, action
     union all
     select 'membership', case when op = 'a' then 'add' else 'remove' end, count(*) from plan_memberships where run_id = $1 group by 2`,
    [runId],
  )
  return found.rows
}

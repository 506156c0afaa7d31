// What was done to one user over time: the items of runs that were applied, at once or by approval.
import type { Queries } from '../database/connect.ts'

/** One change of a user, a credential or a membership of his. */
export interface UserChange {
  /** The run that was applied: the approval where the plan was held. */
  readonly run: number
  /** The run that made the plan. */
  readonly planRun: number
  readonly seq: number
  readonly source: string
  readonly kind: 'sync' | 'approve' | 'revert' | 'plan'
  readonly appliedAt: Date
  /** Who approved it or asked for the revert, and why. */
  readonly by: string | null
  readonly because: string | null
  readonly object: 'user' | 'membership' | 'credential'
  readonly action: string
  readonly old: Readonly<Record<string, unknown>> | null
  readonly new: Readonly<Record<string, unknown>> | null
  readonly rule: string
  readonly reason: string
}

export interface HistoryQuery {
  readonly userId: number
  /** Only what came before this one of an earlier page. */
  readonly before?: Pick<UserChange, 'run' | 'seq'> | undefined
  readonly limit: number
}

/**
 * Changes of a user, the newest first. Memberships are told one by one. Cards and PINs are masked: their values carry no look-up.
 *
 * Reaches back as far as items are kept (`MUSTER_HISTORY_DAYS`); a record that was removed has its history still.
 */
export async function listUserHistory(db: Queries, query: HistoryQuery): Promise<UserChange[]> {
  const found = await db.query<UserChange>(
    `with applied as (
       select r.id as plan_run, coalesce(a.id, r.id) as run, coalesce(a.ended_at, r.ended_at) as at, coalesce(a.kind, r.kind) as kind,
         r.source_name, r.decided_by, r.decided_reason
       from runs r left join runs a on a.approves = r.id and a.outcome = 'applied'
       where (r.outcome = 'applied' and r.approves is null) or a.id is not null),
     own as (
       select i.run_id, i.seq, i.object, i.action, i.old, i.new, i.rule, i.reason from plan_items i
       where i.user_id = $1 and not i.left_out and i.action <> 'skip' and i.object <> 'group'),
     -- Many memberships of one group are one item; which of them are his stands in the rows of that run.
     many as (
       select i.run_id, i.seq, i.object, i.action, case when i.action = 'remove' then w.what end, case when i.action = 'add' then w.what end, i.rule, i.reason
       from (select p.run_id, p.op, p.group_id from (
               select distinct i.run_id from plan_items i join applied a on a.plan_run = i.run_id
               where i.object = 'membership' and i.user_id is null and i.action in ('add', 'remove')) b
             join plan_memberships p on p.run_id = b.run_id and p.user_id = $1 and p.op <> 'k') p
         join plan_items i on i.run_id = p.run_id and i.object = 'membership' and i.user_id is null and i.group_id = p.group_id
           and i.action = case p.op when 'a' then 'add' else 'remove' end
         cross join lateral (select jsonb_build_object('group', i.name, 'groupObjectId', i.object_id) as what) w
       where not exists (select from plan_items l where l.run_id = p.run_id and l.user_id = $1 and l.object = 'user' and l.left_out))
     select a.run, a.plan_run as "planRun", c.seq, a.source_name as source, a.kind, a.at as "appliedAt", a.decided_by as by,
       a.decided_reason as because, c.object, c.action, c.old - '{lookup,sealed}'::text[] as old, c.new - '{lookup,sealed}'::text[] as new,
       c.rule, c.reason
     from (select * from own union all select * from many) c join applied a on a.plan_run = c.run_id
     where $2::int is null or (a.run, c.seq) < ($2::int, $3::int)
     order by a.run desc, c.seq desc limit $4`,
    [query.userId, query.before?.run ?? null, query.before?.seq ?? null, query.limit],
  )
  return found.rows
}

/** The record that somebody of Entra had and that a run or a revert removed last, whose history may still be kept. */
export async function removedRecordOf(db: Queries, objectId: string): Promise<number | undefined> {
  const found = await db.query<{ id: number }>(
    `select i.user_id as id from plan_items i join runs r on r.id = i.run_id
     where i.object = 'user' and i.action = 'delete' and i.object_id = $1 and not i.left_out and i.user_id is not null
       and (r.outcome = 'applied' or exists (select from runs a where a.approves = r.id and a.outcome = 'applied'))
     order by i.run_id desc limit 1`,
    [objectId],
  )
  return found.rows[0]?.id
}

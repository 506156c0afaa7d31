// Keeps what a plan overwrites, beside the plan, in the transaction that applies it: so each run can be taken back exactly.
// Old values are taken from the tables and not from the plan's items, so that whatever applying changes is kept, named or not.
import type { Queries } from '../database/connect.ts'
import { scratchTables } from '../database/scratch.ts'
import type { Transaction } from '../database/transaction.ts'

/**
 * Notes how the users and groups that a plan will change stand now, and keeps others from changing them.
 * {@link keepOverwritten} must follow in the same transaction, after everything is written.
 */
export async function noteBefore(tx: Transaction, runId: number): Promise<void> {
  // Images have times in them, which must read the same in every session.
  await tx.query(`set local timezone to 'UTC'`)
  await scratchTables(tx, {
    users_before: 'user_id int primary key, image jsonb',
    groups_before: 'group_id int primary key, image jsonb',
  })
  await tx.query(
    `with touched as (
       select i.user_id, bool_or(i.object = 'user' and i.action = 'delete') as goes from plan_items i
       where i.run_id = $1 and not i.left_out and i.object in ('user', 'credential') and i.action <> 'skip' and i.user_id is not null
       group by i.user_id)
     insert into users_before
     select u.id, user_image(u) || case when t.goes then jsonb_build_object('memberships', coalesce(
         (select jsonb_agg(to_jsonb(m) - 'user_id' order by m.group_id, m.source_id) from memberships m where m.user_id = u.id), '[]'))
       else '{}' end
     from touched t join users u on u.id = t.user_id for update of u`,
    [runId],
  )
  await tx.query(
    `insert into groups_before
     select g.id, group_image(g) from groups g where g.id in (
       select i.group_id from plan_items i
       where i.run_id = $1 and not i.left_out and i.object = 'group' and i.action <> 'skip')
     for update of g`,
    [runId],
  )
}

/** Keeps with the plan what its application overwrote. */
export async function keepOverwritten(tx: Transaction, runId: number): Promise<void> {
  await keep(tx, { table: 'user', runId })
  await keep(tx, { table: 'group', runId })
}

async function keep(tx: Queries, { table, runId }: { table: 'user' | 'group'; runId: number }): Promise<void> {
  // What did not exist before and is there now was created by this plan: there is nothing old, only how it stands now.
  await tx.query(
    `with touched as (
       select distinct i.${table}_id as id from plan_items i
       where i.run_id = $1 and not i.left_out and i.action <> 'skip' and i.${table}_id is not null
         and i.object in (${table === 'user' ? `'user', 'credential'` : `'group'`}))
     insert into undo_${table}s (run_id, ${table}_id, before, before_version, before_digest, after_digest)
     select $1, t.id, case when r.id is null then b.image when b.image is not null then image_changes(b.image, a.image) end,
       (b.image #>> '{row,version}')::int, case when b.image is not null then image_digest(b.image) end,
       case when r.id is not null then image_digest(a.image) end
     from touched t left join ${table}s_before b on b.${table}_id = t.id left join ${table}s r on r.id = t.id
       left join lateral (select ${table}_image(r) as image) a on r.id is not null
     where case when b.image is null or r.id is null then b.image is not null or r.id is not null
       else image_changes(b.image, a.image) <> '{}' end`,
    [runId],
  )
}

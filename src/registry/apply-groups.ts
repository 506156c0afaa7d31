// Groups of a plan that is applied, and who is in them.
import type { Queries } from '../database/connect.ts'
import { type ApplyOptions, MINE } from './applying.ts'
import { isGivenBy } from './given.ts'

export async function changeGroups(tx: Queries, run: readonly number[], options: ApplyOptions): Promise<void> {
  await tx.query(
    `insert into groups (id, tenant_id, object_id, source_id, name, under)
     select i.group_id, case when i.object_id is not null then $2::uuid end, i.object_id,
       case when i.object_id is not null then $3::int end, i.new ->> 'name', i.new ->> 'under'
     from plan_items i where ${MINE} and i.object = 'group' and i.action = 'create' order by i.seq
     on conflict (id) do update set name = excluded.name, under = excluded.under, source_id = excluded.source_id, hidden = false,
       version = groups.version + 1, updated_at = now()`,
    [run[0], options.tenantId, options.sourceId],
  )
  await tx.query(
    `update groups g set name = coalesce(i.new ->> 'name', g.name), under = coalesce(i.new ->> 'under', g.under),
       source_id = coalesce((select s.id from sources s where s.name = i.new ->> 'source'), $2),
       hidden = i.action = 'delete', version = g.version + 1, updated_at = now()
     from plan_items i where ${MINE} and i.object = 'group' and i.action in ('rename', 'move', 'delete') and g.id = i.group_id`,
    [run[0], options.sourceId],
  )
  // Whoever else would give to a group that was hidden looks at it again: what he claimed of it went when it was hidden.
  await tx.query(
    `insert into mirror_marks (source_id, key, at)
     select distinct s.id, o.key, s.fence + 1 from plan_items i join sources s on s.id <> $2
       join mirror_objects o on o.source_id = s.id and o.object_id = i.object_id and o.kind = 'g'
     where ${MINE} and i.object = 'group' and i.action = 'create' and i.reason = 'back-again'
     on conflict (source_id, key) do update set at = greatest(mirror_marks.at, excluded.at)`,
    [run[0], options.sourceId],
  )
  // Whoever takes a group over names it from now on, also as he has known it for long.
  await tx.query(
    `insert into mirror_marks (source_id, key, at)
     select distinct s.id, o.key, s.fence + 1 from plan_items i join sources s on s.name = i.new ->> 'source'
       join mirror_objects o on o.source_id = s.id and o.object_id = i.object_id and o.kind = 'g'
     where ${MINE} and i.object = 'group' and i.action = 'move'
     on conflict (source_id, key) do update set at = greatest(mirror_marks.at, excluded.at)`,
    run,
  )
}

export async function changeMemberships(tx: Queries, options: ApplyOptions): Promise<void> {
  // What belongs to an item that was left out stays as it is; users and groups that were not made have no memberships.
  const skipped = `and not exists (select from plan_items i where i.run_id = $1 and i.left_out and i.group_id = m.group_id and i.object = 'group')
    and not exists (select from plan_items i where i.run_id = $1 and i.left_out and i.user_id = m.user_id and i.object = 'user')`
  const some = await tx.query<{ some: boolean }>(
    'select exists (select from plan_items where run_id = $1 and left_out) as some',
    [options.runId],
  )
  const condition = some.rows[0]?.some === true ? skipped : ''
  const rows = (op: string) => `(select * from plan_memberships where run_id = $1 and op = '${op}'
    union all select * from plan_shared_memberships where run_id = $1 and op = '${op}')`
  await tx.query(
    `with ended as (
       delete from memberships t using ${rows('r')} m
       where t.group_id = m.group_id and t.user_id = m.user_id and ${isGivenBy('t', '$2')} ${condition}
       returning t.*),
     -- A default group that a source gave goes with the last source that has him in it: his owner looks at him again.
     marked as (
       insert into mirror_marks (source_id, key, at)
       select distinct s.id, o.key, s.fence + 1 from ended e
         join users u on u.id = e.user_id and u.default_group_id = e.group_id and u.given_default_group_id = e.group_id
         join sources s on s.id = u.source_id and s.id <> $2
         join mirror_objects o on o.source_id = s.id and o.object_id = u.object_id and o.kind = 'u'
       on conflict (source_id, key) do update set at = greatest(mirror_marks.at, excluded.at))
     insert into undo_memberships (run_id, group_id, user_id, source_id)
     select $1, group_id, user_id, source_id from ended`,
    [options.runId, options.sourceId],
  )
  // Looking for what may stand in the way costs as much as writing, so it is done only where something may.
  const has = await tx.query<{ some: boolean }>(
    'select exists (select from memberships where source_id = $1) as some',
    [options.sourceId],
  )
  await tx.query(
    `insert into memberships (group_id, user_id, source_id, run_id)
     select m.group_id, m.user_id, $2, $1 from ${rows('a')} m
       join users u on u.id = m.user_id join groups g on g.id = m.group_id
     where m.run_id = $1 and m.op = 'a' ${condition}
     order by m.group_id, m.user_id ${has.rows[0]?.some === true ? 'on conflict do nothing' : ''}`,
    [options.runId, options.sourceId],
  )
}

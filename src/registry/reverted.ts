// What a revert took back is not done again unasked: as long as the mirror still asks for it, a plan that would is held.
//
// A change is written as text: `create` and `delete` of a record, `<field> <digest of the value>` of a field,
// `card add <look-up>` of a credential, `member add <group>` of a membership; and the same with `remove`. A PIN that was drawn is
// `pin add drawn`, because other digits are drawn the next time.
import type { Queries } from '../database/connect.ts'
import { PARTS } from './revert-plan.ts'

export interface RevertPlace {
  readonly runId: number
  readonly sourceId: number
  readonly fence: number
}

/** Entra's id, or the path of a group that Entra does not know. */
const OBJECT = `coalesce(i.object_id::text, 'path ' || coalesce(i.old ->> 'path', i.new ->> 'path'))`

/** SQL: the PIN of an item is one that a plan has drawn. */
const IS_DRAWN = `coalesce(i.new, i.old) ->> 'kind' = 'pin' and exists (
  select from plan_items d where d.user_id = i.user_id and d.object = 'credential' and d.action = 'add' and d.reason = 'generated'
    and d.new ->> 'lookup' = coalesce(i.new, i.old) ->> 'lookup')`

/** SQL: `object, change` of what the items of a run ($1) do (`new`), or of what they take back (`old`). */
function changes(side: 'old' | 'new'): string {
  const opposite = (action: string) =>
    ({ create: 'delete', delete: 'create', add: 'remove', remove: 'add', a: 'r', r: 'a' })[action]
  const is = (action: string) => (side === 'new' ? action : opposite(action))
  // Lists are compared whatever their order.
  const value = (v: string) =>
    `md5(coalesce(case jsonb_typeof(${v}) when 'array'
      then (select jsonb_agg(x order by x) from jsonb_array_elements(${v}) x) else ${v} end::text, 'null'))`
  const other = side === 'new' ? 'old' : 'new'
  return `
    select ${OBJECT} as object, case when i.action = '${is('create')}' then 'create' else 'delete' end as change
      from plan_items i where i.run_id = $1 and i.object in ('user', 'group') and i.action in ('create', 'delete') and not i.left_out
    union
    select ${OBJECT}, f.key || ' ' || ${value('f.value')}
      from plan_items i cross join lateral (
        select e.key, e.value from jsonb_each(i.${side}) e where e.key <> 'own'
        union all
        select 'own.' || e.key, e.value from jsonb_each(case when jsonb_typeof(i.${side} -> 'own') = 'object' then i.${side} -> 'own' end) e
          where e.value is distinct from i.${other} -> 'own' -> e.key) f
      where i.run_id = $1 and i.object in ('user', 'group') and i.action not in ('create', 'delete', 'skip') and not i.left_out
    union
    select i.object_id::text, (coalesce(i.new, i.old) ->> 'kind') || ' ' || case when i.action = '${is('add')}' then 'add' else 'remove' end
        || ' ' || case when ${IS_DRAWN} then 'drawn' else coalesce(i.new, i.old) ->> 'lookup' end
      from plan_items i where i.run_id = $1 and i.object = 'credential' and i.object_id is not null and i.action in ('add', 'remove') and not i.left_out
    union
    select u.object_id::text, 'member ' || case when m.op = '${is('a')}' then 'add' else 'remove' end || ' ' || m.group_id
      from plan_memberships m join users u on u.id = m.user_id and u.object_id is not null where m.run_id = $1`
}

/**
 * Notes what a revert took back, and marks the objects, so that the next plan looks at them. Needs what `revert-plan.ts` made
 * ready.
 */
export async function noteReverted(
  tx: Queries,
  { runId, sourceId, fence, planRunId }: RevertPlace & { readonly planRunId: number },
): Promise<void> {
  await tx.query(
    `insert into reverted_changes (source_id, object, change, run_id, at)
     select $2, c.object, c.change, $1, $3 from (${changes('old')}) c where c.object is not null
     on conflict (source_id, object, change) do update set run_id = excluded.run_id, at = excluded.at`,
    [runId, sourceId, fence],
  )
  await tx.query(
    `insert into mirror_marks (source_id, key, at)
     select $1, o.key, $2 from mirror_objects o
     where o.source_id = $1 and o.object_id in (
       select r.object::uuid from reverted_changes r where r.source_id = $1 and r.at = $2 and r.object not like 'path %')
     on conflict (source_id, key) do update set at = excluded.at`,
    [sourceId, fence],
  )
  // Who gives to a group is for its sources to find out anew.
  await tx.query(
    `insert into mirror_marks (source_id, key, at)
     select s.id, o.key, case when s.id = $1 then $2 else s.fence + 1 end
     from (select group_id from revert_groups where why is null
           union select group_id from plan_group_claims where run_id = $3) r
       join groups g on g.id = r.group_id and g.object_id is not null
       join connections c on c.tenant_id = g.tenant_id join sources s on s.connection_id = c.id
       join mirror_objects o on o.source_id = s.id and o.object_id = g.object_id and o.kind = 'g'
     on conflict (source_id, key) do update set at = greatest(mirror_marks.at, excluded.at)`,
    [sourceId, fence, planRunId],
  )
  // Whoever claimed somebody who is nobody of the tenant any more looks whom it has instead.
  await tx.query(
    `insert into mirror_marks (source_id, key, at)
     select s.id, o.key, case when s.id = $1 then $2 else s.fence + 1 end
     from revert_users r join connections c on c.tenant_id::text = r.current #>> '{row,tenant_id}' join sources s on s.connection_id = c.id
       join mirror_objects o on o.source_id = s.id and o.object_id::text = r.current #>> '{row,object_id}' and o.kind = 'u'
     where ${PARTS}
     on conflict (source_id, key) do update set at = greatest(mirror_marks.at, excluded.at)`,
    [sourceId, fence],
  )
  // Nor does any of them adopt him anew unasked: it would do what was taken back, in the name of another source.
  await tx.query(
    `insert into reverted_changes (source_id, object, change, run_id, at)
     select s.id, c.object, c.change, $1, s.fence + 1
     from revert_users r join connections n on n.tenant_id::text = r.current #>> '{row,tenant_id}' join sources s on s.connection_id = n.id and s.id <> $2
       join mirror_objects o on o.source_id = s.id and o.object_id::text = r.current #>> '{row,object_id}' and o.kind = 'u'
       join (${changes('old')}) c on c.object = r.current #>> '{row,object_id}' and c.change like 'objectId %'
     where ${PARTS}
     on conflict (source_id, object, change) do update set run_id = excluded.run_id, at = excluded.at`,
    [runId, sourceId],
  )
  // A membership that came or went beside another one is no change, and has to be looked at by whoever gives it all the same.
  await tx.query(
    `insert into mirror_marks (source_id, key, at)
     select s.id, o.key, case when s.id = $1 then $2 else s.fence + 1 end
     from (select distinct user_id, source_id from revert_memberships where why is null
           union select user_id, $1::int from revert_memberships where why is null) m
       join users u on u.id = m.user_id join sources s on s.id = m.source_id
       join mirror_objects o on o.source_id = s.id and o.object_id = u.object_id and o.kind = 'u'
     on conflict (source_id, key) do update set at = greatest(mirror_marks.at, excluded.at)`,
    [sourceId, fence],
  )
}

/** How many objects the plan of a run would change in a way that a revert took back. */
export async function countRedone(db: Queries, { runId, sourceId }: Omit<RevertPlace, 'fence'>): Promise<number> {
  const some = await db.query<{ some: boolean }>(
    'select exists (select from reverted_changes where source_id = $1) as some',
    [sourceId],
  )
  if (some.rows[0]?.some !== true) return 0
  const found = await db.query<{ count: number }>(
    `select count(distinct r.object) as count from reverted_changes r join (${changes('new')}) c on c.object = r.object and c.change = r.change
     where r.source_id = $2`,
    [runId, sourceId],
  )
  return found.rows[0]?.count ?? 0
}

/**
 * A plan that looked at the objects was applied: either it was approved, or it does nothing of what was taken back any more.
 * Objects that are still marked were not looked at, or were left out.
 */
export async function forgetReverted(
  tx: Queries,
  { sourceId, planFence }: { readonly sourceId: number; readonly planFence: number },
): Promise<void> {
  await tx.query(
    `delete from reverted_changes r where r.source_id = $1 and r.at <= $2 and not exists (
       select from mirror_objects o join mirror_marks m on m.source_id = $1 and m.key = o.key
       where o.source_id = $1 and o.object_id::text = r.object)`,
    [sourceId, planFence],
  )
}

// What a plan no longer does when it is applied: rows that moved, values that were taken, and what an approval leaves out.
import type { Queries } from '../database/connect.ts'
import type { Transaction } from '../database/transaction.ts'
import { type ApplyOptions, MINE } from './applying.ts'

/** Leaves out every item that cannot be done as it was shown, with all that follows from it. @returns how many items */
export async function leaveOutMoved(tx: Transaction, options: ApplyOptions): Promise<number> {
  const { runId } = options
  const moved = `(
       (i.object in ('user', 'credential') and i.saw_version is not null
         and not exists (select from users u where u.id = i.user_id and u.version = i.saw_version))
    or (i.object = 'group' and i.saw_version is not null
         and not exists (select from groups g where g.id = i.group_id and g.version = i.saw_version))
    or (i.object = 'group' and i.action = 'create' and i.saw_version is null and i.object_id is not null
         and exists (select from groups g where g.tenant_id = $2 and g.object_id = i.object_id)))`
  let total = await leaveOut(
    tx,
    `update plan_items i set left_out = true where ${MINE} and i.action <> 'skip' and ${moved}`,
    [runId, options.tenantId],
  )
  if (options.without === 'removals') {
    total += await leaveOut(
      tx,
      `update plan_items i set left_out = true where ${MINE} and i.action in ('deactivate', 'delete', 'remove')`,
      [runId],
    )
    // Whose memberships stay is planned again: marked by this run, so that the marks outlive the plan's.
    await tx.query(
      `with kept as (update plan_memberships set op = 'k' where run_id = $1 and op = 'r' returning user_id)
       insert into mirror_marks (source_id, key, at)
       select distinct s.id, o.key, s.fence from kept k join users u on u.id = k.user_id join sources s on s.id = $2
         join mirror_objects o on o.source_id = s.id and o.object_id = u.object_id
       on conflict (source_id, key) do update set at = excluded.at`,
      [runId, options.sourceId],
    )
  }
  if (options.without === 'rewrites') {
    total += await leaveOut(
      tx,
      `update plan_items i set left_out = true where ${MINE} and (i.action in ('update', 'rename') or (i.action in ('adopt', 'take over') and ${OVERWRITES})
         or (i.object = 'credential' and exists (select from plan_items o where o.run_id = i.run_id and o.object = 'credential'
           and o.user_id = i.user_id and o.action <> i.action)))`,
      [runId],
    )
  }
  // Nobody gets a default group that is not created, or that is there no more.
  total += await leaveOut(
    tx,
    `update plan_items i set left_out = true where ${MINE} and i.object = 'user' and i.group_id is not null and i.new ? 'defaultGroup'
       and not exists (select from groups g where g.id = i.group_id)
       and not exists (select from plan_items g where g.run_id = $1 and g.object = 'group' and g.action = 'create'
         and g.group_id = i.group_id and not g.left_out)`,
    [runId],
  )
  // Leaving one user out can keep a value taken that another was to have, so this goes on until nothing more follows.
  for (;;) {
    const more = await leaveOut(tx, LEAVE_OUT_TAKEN, [runId, options.tenantId])
    if (more === 0) return total
    total += more
  }
}

/** SQL: an item replaces or clears a value; who is responsible for a person is none. */
const OVERWRITES = `exists (select from jsonb_each(i.old) e
  where e.key not in ('objectId', 'source', 'active', 'restoredByAdministrator')
    and jsonb_strip_nulls(e.value) not in ('null', '[]', '{}', '""'))`

async function leaveOut(tx: Queries, sql: string, params: readonly unknown[]): Promise<number> {
  const direct = await tx.query(sql, params)
  if ((direct.rowCount ?? 0) === 0) return 0
  // A user is done whole or not at all.
  const rest = await tx.query(
    `update plan_items i set left_out = true where ${MINE} and i.object in ('user', 'credential') and i.action <> 'skip'
       and i.user_id in (select user_id from plan_items where run_id = $1 and left_out and object in ('user', 'credential'))`,
    [params[0]],
  )
  return (direct.rowCount ?? 0) + (rest.rowCount ?? 0)
}

/**
 * Users who would get a name, card, PIN, number or object id that somebody holds whom this plan does not touch (any more); and
 * records that would give up an object id that nobody takes.
 */
const LEAVE_OUT_TAKEN = `
  with doing as (
    select * from plan_items i where ${MINE} and i.object in ('user', 'credential') and i.action <> 'skip'
  ), names_of as (
    select d.user_id, e ->> 2 as key from doing d cross join jsonb_array_elements(d.names) e where e ->> 4 is null
  ), taken as (
    select n.user_id from names_of n join user_names h on h.held and h.key = n.key and h.user_id <> n.user_id
      where not exists (select from doing d where d.user_id = h.user_id and (d.names is not null or d.action in ('deactivate', 'delete')))
    union
    select d.user_id from doing d join credentials c on c.held and c.kind = d.new ->> 'kind' and c.lookup = decode(d.new ->> 'lookup', 'hex')
      where d.object = 'credential' and d.action = 'add' and c.user_id <> d.user_id
        and not exists (select from doing o where o.user_id = c.user_id and (o.action in ('deactivate', 'delete')
          or (o.object = 'credential' and o.action = 'remove' and o.old ->> 'lookup' = d.new ->> 'lookup')))
    union
    select d.user_id from doing d join users u on u.personal_number_key = d.number_key and u.id <> d.user_id
      where d.number_key is not null
        and not exists (select from doing o where o.user_id = u.id and (o.action in ('deactivate', 'delete') or o.new ? 'personalNumber'))
    union
    select d.user_id from doing d join users u on u.tenant_id = $2 and u.object_id = d.object_id and u.id <> d.user_id
      where d.object = 'user' and d.action in ('create', 'adopt')
        and not exists (select from doing o where o.user_id = u.id and (o.reason = 'object-id-moved' or o.action = 'delete'))
    union
    select d.user_id from doing d where d.reason = 'object-id-moved'
      and not exists (select from doing o where o.action in ('create', 'adopt') and o.object_id = d.object_id and o.user_id <> d.user_id)
  )
  update plan_items i set left_out = true where ${MINE} and i.action <> 'skip' and i.object in ('user', 'credential')
    and i.user_id in (select user_id from taken)`

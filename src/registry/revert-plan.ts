// What taking a run back means, from the old values that applying it kept: whom it changes, into what, and what is left as it
// is and why. Everything lies in temporary tables until the end of the transaction; `revert-records.ts` reads it, `revert-apply.ts` carries it out.
import type { Transaction } from '../database/transaction.ts'
import { PATH } from './export.ts'

export interface RevertScope {
  /** The run whose plan was applied; not the approval of it. */
  readonly planRunId: number
  /** Only this user, with his credentials and memberships. */
  readonly userId: number | undefined
  /** Sources other than this one keep whom they claim. */
  readonly sourceId: number
  readonly now: Date
}

/** Why something is left as it is. */
export type LeftReason =
  /** Somebody or something changed it after the run. */
  | 'changed-since'
  /** It does not exist any more. */
  | 'gone'
  /** What the run deleted exists again. */
  | 'there-again'
  /** An old name, card, PIN, personal number or object id belongs to somebody else now. */
  | 'value-taken'
  | 'protected'
  /** The run created the person or group, or showed the group again, and another source wants it too. */
  | 'claimed-by-another-source'

/**
 * Compares what the run left behind with what there is, and fills `revert_users`, `revert_groups` and `revert_memberships`.
 *
 * A record that the run created goes again when nothing came to it since; where somebody added something by hand (an alias,
 * a card, a membership) it is deactivated or hidden instead. A record that anybody changed since is left whole.
 */
export async function fillRevert(tx: Transaction, scope: RevertScope): Promise<void> {
  // Old values have times in them, which must read as they did when they were kept.
  await tx.query(`set local timezone to 'UTC'`)
  // why: null as long as it is reverted. target: null where the record goes.
  await tx.query(`
    create temp table revert_users (user_id int primary key, undo text, current jsonb, target jsonb, why text) on commit drop;
    create temp table revert_groups (group_id int primary key, undo text, current jsonb, target jsonb, why text) on commit drop;
    create temp table revert_memberships (op "char", group_id int, user_id int, source_id int, why text,
      primary key (op, group_id, user_id, source_id)) on commit drop`)
  await fillUsers(tx, scope)
  if (scope.userId === undefined) await fillGroups(tx, scope)
  await tx.query('analyze revert_users; analyze revert_groups')
  await leaveTaken(tx)
  if (scope.userId === undefined) await keepUsedGroups(tx, scope)
  await fillMemberships(tx, scope)
}

/** What the run did to each record, also where the first load kept nothing because it created everybody. */
function candidates(table: 'user' | 'group'): string {
  return `
    select d.${table}_id as id, d.before, d.after_digest, false as is_first from undo_${table}s d
      where d.run_id = $1 and ($2::int is null or d.${table}_id = $2)
    union all
    select i.${table}_id, null, null, true from plan_items i
      where i.run_id = $1 and i.object = '${table}' and i.action = 'create' and not i.left_out and ($2::int is null or i.${table}_id = $2)
        and not exists (select from undo_${table}s d where d.run_id = $1 and d.${table}_id = i.${table}_id)`
}

/** SQL: nobody changed a record of the first load: it was never written again, or what was overwritten is back. */
function asFirstLoaded(table: 'user' | 'group'): string {
  return `case when not exists (select from undo_${table}s l where l.${table}_id = c.id) then r.version = 1
    else image_digest(i.image) = (select l.before_digest from undo_${table}s l
      where l.${table}_id = c.id order by l.seq limit 1) end`
}

/** SQL: without what is the registry's own and was not given by the run itself, which gives some values once and for all. */
const GIVEN = (list: 'names' | 'credentials') => `(select coalesce(jsonb_agg(e order by n), '[]')
  from jsonb_array_elements(i.image -> '${list}') with ordinality as a(e, n) where e ->> 'origin' <> 'o' or exists (
    select from plan_items p where p.run_id = $1 and p.user_id = c.id and ${
      list === 'names'
        ? `p.object = 'user' and exists (select from jsonb_array_elements(p.names) x where x ->> 2 = e ->> 'key')`
        : `p.object = 'credential' and p.action = 'add' and '\\x' || (p.new ->> 'lookup') = e ->> 'lookup'`
    }))`

async function fillUsers(tx: Transaction, scope: RevertScope): Promise<void> {
  await tx.query(
    `with candidates as (${candidates('user')}), seen as (
       select c.*, r.id is not null as is_there, r.protected or r.administrator as is_protected, i.image, own.image as without_own,
         case when c.is_first then ${asFirstLoaded('user')} else image_digest(i.image) = c.after_digest end as is_same
       from candidates c left join users r on r.id = c.id
         left join lateral (select user_image(r) as image) i on r.id is not null
         left join lateral (select i.image || jsonb_build_object('names', ${GIVEN('names')}, 'credentials', ${GIVEN('credentials')}) as image
           ) own on c.before is null and r.id is not null),
     -- A value that the registry itself gave a person whom the run created is an addition, not a change.
     added as (
       select s.*, s.before is null and s.is_there and (
         case when s.is_first then s.is_same and s.without_own <> s.image
           else not s.is_same and image_digest(s.without_own) = s.after_digest end) as has_own
       from seen s),
     judged as (
       select a.*, a.has_own or a.before is null and exists (select from memberships m where m.user_id = a.id and m.run_id <> $1) as has_more
       from added a)
     insert into revert_users
     select j.id,
       case when j.before is null then 'create' when j.after_digest is null then 'delete' else 'change' end,
       j.image,
       case
         when j.before is null and j.has_more then j.image || jsonb_build_object(
           'row', j.image -> 'row' || jsonb_build_object('active', false, 'deactivated_by', 'source', 'deactivated_reason', 'reverted',
             'deactivated_at', $4::timestamptz, 'personal_number_key', null),
           'names', (select jsonb_agg(n || '{"held":false}') from jsonb_array_elements(j.image -> 'names') n),
           'credentials', (select coalesce(jsonb_agg(n || '{"held":false}'), '[]') from jsonb_array_elements(j.image -> 'credentials') n))
         when j.before is null then null
         when j.after_digest is null then j.before
         else j.image || j.before || jsonb_build_object('row', j.image -> 'row' || coalesce(j.before -> 'row', '{}'))
       end,
       case
         when j.after_digest is null and j.before is not null then case when j.is_there then 'there-again' end
         when not j.is_there then 'gone'
         when j.is_protected then 'protected'
         when j.before is null and exists (select from claims c where c.user_id = j.id and c.source_id <> $3) then 'claimed-by-another-source'
         when not coalesce(j.is_same, false) and not j.has_own then 'changed-since'
       end
     from judged j`,
    [scope.planRunId, scope.userId ?? null, scope.sourceId, scope.now],
  )
  // What an old value refers to may have gone since.
  await tx.query(
    `update revert_users set target = jsonb_set(target, '{row,source_id}', 'null')
     where target #>> '{row,source_id}' is not null and (target #>> '{row,source_id}')::int not in (select id from sources)`,
  )
}

async function fillGroups(tx: Transaction, scope: RevertScope): Promise<void> {
  await tx.query(
    `with candidates as (${candidates('group')}), judged as (
       select c.*, r.id is not null as is_there, i.image,
         case when c.is_first then ${asFirstLoaded('group')} else image_digest(i.image) = c.after_digest end as is_same
       from candidates c left join groups r on r.id = c.id
         left join lateral (select group_image(r) as image) i on r.id is not null)
     insert into revert_groups
     select j.id,
       case when j.before is null then 'create' when j.after_digest is null then 'delete' else 'change' end,
       j.image,
       case when j.before is null then null when j.after_digest is null then j.before
         else j.image || jsonb_build_object('row', j.image -> 'row' || coalesce(j.before -> 'row', '{}')) end,
       case
         when j.after_digest is null and j.before is not null then case when j.is_there then 'there-again' end
         when not j.is_there then 'gone'
         when (j.before is null or j.before #>> '{row,hidden}' = 'true')
           and exists (select from group_claims c where c.group_id = j.id and c.source_id <> $3) then 'claimed-by-another-source'
         when not coalesce(j.is_same, false) then 'changed-since'
       end
     from judged j`,
    [scope.planRunId, null, scope.sourceId],
  )
  await tx.query(
    `update revert_groups set target = jsonb_set(target, '{row,source_id}', 'null')
     where target #>> '{row,source_id}' is not null and (target #>> '{row,source_id}')::int not in (select id from sources)`,
  )
}

/** Leaving one out can keep taken what another was to have back, so this goes on until nothing more follows. */
async function leaveTaken(tx: Transaction): Promise<void> {
  for (;;) {
    const users = await tx.query(LEAVE_TAKEN_VALUES)
    const groups = await tx.query(LEAVE_TAKEN_GROUPS)
    if ((users.rowCount ?? 0) + (groups.rowCount ?? 0) === 0) return
  }
}

const NOT_REVERTED = (user: string) =>
  `not exists (select from revert_users o where o.user_id = ${user} and o.why is null)`

const LEAVE_TAKEN_VALUES = `
  with back as (select user_id, target from revert_users where why is null and target is not null),
  taken as (
    select b.user_id from back b cross join jsonb_array_elements(b.target -> 'names') n
      join user_names h on h.held and h.key = n ->> 'key' and h.user_id <> b.user_id
      where (n ->> 'held')::boolean and ${NOT_REVERTED('h.user_id')}
    union
    select b.user_id from back b cross join jsonb_array_elements(b.target -> 'credentials') n
      join credentials h on h.held and h.kind = n ->> 'kind' and h.lookup = (n ->> 'lookup')::bytea and h.user_id <> b.user_id
      where (n ->> 'held')::boolean and ${NOT_REVERTED('h.user_id')}
    union
    select b.user_id from back b join users h on h.personal_number_key = b.target #>> '{row,personal_number_key}' and h.id <> b.user_id
      where ${NOT_REVERTED('h.id')}
    union
    select b.user_id from back b join users h on h.tenant_id = (b.target #>> '{row,tenant_id}')::uuid
      and h.object_id = (b.target #>> '{row,object_id}')::uuid and h.id <> b.user_id where ${NOT_REVERTED('h.id')}
  )
  update revert_users r set why = 'value-taken' from taken t where r.user_id = t.user_id`

const LEAVE_TAKEN_GROUPS = `
  update revert_groups r set why = 'value-taken' from groups h
  where r.why is null and r.target is not null and h.id <> r.group_id
    and ((h.tenant_id = (r.target #>> '{row,tenant_id}')::uuid and h.object_id = (r.target #>> '{row,object_id}')::uuid)
      or (h.object_id is null and r.target #>> '{row,object_id}' is null
        and h.name = r.target #>> '{row,name}' and h.under = r.target #>> '{row,under}'))
    and not exists (select from revert_groups o where o.group_id = h.id and o.why is null)`

/** Users whom the run created and who stay keep their memberships. */
const STAYS = (user: string) =>
  `exists (select from revert_users o where o.user_id = ${user} and o.undo = 'create' and (o.why is not null or o.target is not null))`

/** Users whom the run created and who go take all their memberships with them, also those in groups that are left as they are. */
const GOES = (user: string) =>
  `exists (select from revert_users o where o.user_id = ${user} and o.undo = 'create' and o.why is null and o.target is null)`

/** SQL: a record that the run gave an object id, and that goes on without it: whom it adopted is local again. */
export const PARTS = `(r.undo = 'change' and r.why is null and r.current #>> '{row,object_id}' is not null
  and r.target #>> '{row,object_id}' is distinct from r.current #>> '{row,object_id}')`
const PARTING = (user: string) => `exists (select from revert_users r where r.user_id = ${user} and ${PARTS})`

/** A group that the run created goes when all its members go; with members by hand it is hidden, with any others it stays. */
async function keepUsedGroups(tx: Transaction, scope: RevertScope): Promise<void> {
  await tx.query(
    `with used as (
       select r.group_id, bool_or(m.source_id <> 0) as by_source from revert_groups r join memberships m on m.group_id = r.group_id
       where r.undo = 'create' and r.why is null and (m.run_id <> $1 or ${STAYS('m.user_id')})
         and not (m.source_id <> 0 and ${PARTING('m.user_id')}) group by r.group_id
       union all
       select r.group_id, true from revert_groups r join users u on u.default_group_id = r.group_id
       where r.undo = 'create' and r.why is null
         and not exists (select from revert_users o where o.user_id = u.id and o.why is null
           and (o.target is null or o.target #>> '{row,default_group_id}' is distinct from u.default_group_id::text))),
     told as (select group_id, bool_or(by_source) as by_source from used group by group_id)
     update revert_groups r set
       why = case when t.by_source then 'changed-since' end,
       target = case when not t.by_source then jsonb_set(r.current, '{row,hidden}', 'true') end
     from told t where t.group_id = r.group_id`,
    [scope.planRunId],
  )
  // Nor does a group go above one that stays: no later run would look for it before a full compare.
  await tx.query(
    `with recursive going as (
       select r.group_id, ${PATH} as path, g.under from revert_groups r join groups g on g.id = r.group_id
       where r.undo = 'create' and r.why is null and r.target is null and g.object_id is null),
     above as (
       select p.group_id, p.under from going p join groups o on o.under = p.path and not o.hidden
       where not exists (select from revert_groups x where x.group_id = o.id and x.undo = 'create' and x.why is null and x.target is null)
       union
       select p.group_id, p.under from above a join going p on p.path = a.under)
     update revert_groups r set why = 'changed-since' from above a where a.group_id = r.group_id`,
  )
  // A default group that is gone cannot come back with its user.
  await tx.query(
    `update revert_users r set target = r.target || jsonb_build_object('row',
       r.target -> 'row' || '{"default_group_id":null,"given_default_group_id":null}')
     where r.target #>> '{row,default_group_id}' is not null
       and not exists (select from groups g where g.id = (r.target #>> '{row,default_group_id}')::int)
       and not exists (select from revert_groups g where g.group_id = (r.target #>> '{row,default_group_id}')::int and g.why is null)`,
  )
}

async function fillMemberships(tx: Transaction, scope: RevertScope): Promise<void> {
  const params = [scope.planRunId, scope.userId ?? null]
  // Those that the run made and that are still its own.
  await tx.query(
    `insert into revert_memberships
     select 'r', p.group_id, p.user_id, coalesce(m.source_id, 0), case when m.user_id is null then 'changed-since' end
     from (select group_id, user_id from plan_memberships where run_id = $1 and op = 'a' and ($2::int is null or user_id = $2)
           union select group_id, user_id from plan_shared_memberships where run_id = $1 and op = 'a' and ($2::int is null or user_id = $2)) p
       left join memberships m on m.group_id = p.group_id and m.user_id = p.user_id and m.run_id = $1
     where exists (select from users u where u.id = p.user_id) and exists (select from groups g where g.id = p.group_id)
       and not exists (select from plan_items i where i.run_id = $1 and i.left_out and i.object = 'group' and i.group_id = p.group_id)
       and not exists (select from plan_items i where i.run_id = $1 and i.left_out and i.object = 'user' and i.user_id = p.user_id)
       and not ${STAYS('p.user_id')}
       and (${GOES('p.user_id')} or ${PARTING('p.user_id')}
         or not exists (select from revert_groups g where g.group_id = p.group_id and g.undo = 'create' and g.why is not null))`,
    params,
  )
  // Who is nobody of the tenant any more has nothing that its sources gave him since, whichever it was and in whatever run.
  await tx.query(
    `insert into revert_memberships
     select 'r', m.group_id, m.user_id, m.source_id from revert_users r join memberships m on m.user_id = r.user_id
     where ${PARTS} and m.source_id <> 0 and (m.run_id >= $1 or m.source_id in (select id from sources))
     on conflict do nothing`,
    [scope.planRunId],
  )
  // Those that it ended.
  await tx.query(
    `insert into revert_memberships
     select distinct 'a'::"char", d.group_id, d.user_id, d.source_id,
       case
         when not ${HAS('user', 'd.user_id')} or not ${HAS('group', 'd.group_id')} then 'gone'
         when exists (select from memberships m where m.group_id = d.group_id and m.user_id = d.user_id and m.source_id = d.source_id)
           then 'there-again'
         when exists (select from undo_memberships l join runs r on r.id = l.run_id and r.kind <> 'revert'
           where l.user_id = d.user_id and l.group_id = d.group_id and l.source_id = d.source_id and l.seq > d.seq) then 'changed-since'
       end
     from undo_memberships d where d.run_id = $1 and ($2::int is null or d.user_id = $2)`,
    params,
  )
  // Those of people whom it deleted.
  await tx.query(
    `insert into revert_memberships
     select 'a', (m ->> 'group_id')::int, r.user_id, (m ->> 'source_id')::int,
       case when not ${HAS('group', `(m ->> 'group_id')::int`)} then 'gone' end
     from revert_users r cross join jsonb_array_elements(r.target -> 'memberships') m
     where r.undo = 'delete' and r.why is null
     on conflict do nothing`,
  )
  await tx.query('analyze revert_memberships')
}

/** SQL: it will be there after the revert. */
const HAS = (table: 'user' | 'group', id: string) => `(
  exists (select from ${table}s x where x.id = ${id}
    and not exists (select from revert_${table}s o where o.${table}_id = ${id} and o.why is null and o.target is null))
  or exists (select from revert_${table}s o where o.${table}_id = ${id} and o.why is null and o.target is not null))`

// Carries out a revert: puts back, in the caller's one transaction, what `revert-plan.ts` made ready.
import type { Queries } from '../database/connect.ts'
import type { Transaction } from '../database/transaction.ts'
import { type ApplyProgress, Stages } from './applying.ts'
import { PARTS } from './revert-plan.ts'
import { keepOverwritten, noteBefore } from './undo.ts'

/** Needs the items of the revert's own plan, by which it can be reverted itself. */
export async function applyRevert(
  tx: Transaction,
  {
    runId,
    sourceId,
    onProgress,
  }: { readonly runId: number; readonly sourceId: number; readonly onProgress: ApplyProgress },
): Promise<void> {
  const { ended, groups, users, given } = await countRecords(tx)
  const stages = new Stages(ended + groups + users + given, onProgress)
  await noteBefore(tx, runId)
  await endMemberships(tx, runId)
  stages.done(ended)
  await putBackGroups(tx)
  stages.done(groups)
  await putBackUsers(tx, sourceId)
  await removeCreated(tx)
  stages.done(users)
  await giveMemberships(tx, runId)
  stages.done(given)
  await keepOverwritten(tx, runId)
}

interface Records {
  readonly ended: number
  readonly groups: number
  readonly users: number
  readonly given: number
}

async function countRecords(tx: Queries): Promise<Records> {
  const found = await tx.query<Records>(
    `select (select count(*) from revert_groups where why is null) as groups, (select count(*) from revert_users where why is null) as users,
       count(*) filter (where op = 'r') as ended, count(*) filter (where op = 'a') as given from revert_memberships where why is null`,
  )
  return found.rows[0] ?? { ended: 0, groups: 0, users: 0, given: 0 }
}

async function endMemberships(tx: Queries, runId: number): Promise<void> {
  await tx.query(
    `with ended as (
       delete from memberships t using revert_memberships m
       where m.op = 'r' and m.why is null and t.group_id = m.group_id and t.user_id = m.user_id and t.source_id = m.source_id
       returning t.*)
     insert into undo_memberships (run_id, group_id, user_id, source_id) select $1, group_id, user_id, source_id from ended`,
    [runId],
  )
}

async function giveMemberships(tx: Queries, runId: number): Promise<void> {
  await tx.query(
    `insert into memberships (group_id, user_id, source_id, run_id)
     select group_id, user_id, source_id, $1 from revert_memberships where op = 'a' and why is null
     on conflict do nothing`,
    [runId],
  )
}

async function putBackGroups(tx: Queries): Promise<void> {
  await tx.query(
    `insert into groups (id, name) select r.group_id, r.target #>> '{row,name}' from revert_groups r
     where r.why is null and r.undo = 'delete'`,
  )
  await tx.query(
    `update groups g set tenant_id = null, object_id = null from revert_groups r
     where r.why is null and r.group_id = g.id and r.target is not null and g.object_id::text is distinct from r.target #>> '{row,object_id}'`,
  )
  await putBackRows(tx, 'group')
  await putBackGroupClaims(tx)
}

/** Whoever owned a group until now gives to it beside its owner of before, as it did before the run; else it would be deleted where it passes to the next one. */
async function putBackGroupClaims(tx: Queries): Promise<void> {
  await tx.query(
    `insert into group_claims (group_id, source_id)
     select r.group_id, s.id from revert_groups r join sources s on s.id::text = r.current #>> '{row,source_id}'
     where r.why is null and r.target is not null and r.target #>> '{row,source_id}' is distinct from r.current #>> '{row,source_id}'
     on conflict do nothing`,
  )
  await tx.query(
    `delete from group_claims c using revert_groups r, groups g
     where r.why is null and r.target is not null and g.id = r.group_id and c.group_id = g.id and c.source_id = g.source_id`,
  )
}

async function putBackUsers(tx: Queries, sourceId: number): Promise<void> {
  const mine = 'select user_id from revert_users where why is null and target is not null'
  // What moves from one to another is let go by all before anybody takes it.
  await tx.query(`delete from user_names where user_id in (${mine})`)
  await tx.query(`delete from credentials where user_id in (${mine})`)
  await tx.query(
    `update users u set personal_number_key = null from revert_users r
     where r.why is null and r.user_id = u.id and u.personal_number_key is not null`,
  )
  await tx.query(
    `update users u set tenant_id = null, object_id = null from revert_users r
     where r.why is null and r.user_id = u.id and r.target is not null and u.object_id::text is distinct from r.target #>> '{row,object_id}'`,
  )
  // Those whom the run created may hold what others get back.
  await tx.query(
    `delete from user_names where user_id in (select user_id from revert_users where why is null and target is null)`,
  )
  await tx.query(
    `delete from credentials where user_id in (select user_id from revert_users where why is null and target is null)`,
  )
  await tx.query(
    `insert into users (id, user_name) select r.user_id, r.target #>> '{row,user_name}' from revert_users r
     where r.why is null and r.undo = 'delete'`,
  )
  await putBackRows(tx, 'user')
  await putBackList(tx, { list: 'names', table: 'user_names', except: ['user_id'] })
  await putBackList(tx, { list: 'credentials', table: 'credentials', except: ['user_id', 'id'] })
  // A run changes the claim of its own source only; what others claimed since is theirs, as long as he is somebody of their tenant.
  await tx.query(
    `delete from claims c using revert_users r where c.user_id = r.user_id
       and (c.source_id = $1 and r.why is null and r.target is not null or ${PARTS})`,
    [sourceId],
  )
  await tx.query(
    `insert into claims (user_id, source_id)
     select r.user_id, s.id from revert_users r cross join jsonb_array_elements_text(r.target -> 'claims') c join sources s on s.id = c::int
     where r.why is null and r.target is not null and (r.undo = 'delete' or s.id = $1)
     on conflict do nothing`,
    [sourceId],
  )
}

async function removeCreated(tx: Queries): Promise<void> {
  await tx.query(
    'delete from users where id in (select user_id from revert_users where why is null and target is null)',
  )
  await tx.query(
    'delete from groups where id in (select group_id from revert_groups where why is null and target is null)',
  )
}

/** All columns of the records, those of later migrations included; a column that an old value does not know stays. */
async function putBackRows(tx: Queries, table: 'user' | 'group'): Promise<void> {
  const columns = await columnsOf(tx, `${table}s`, ['id', 'version', 'updated_at'])
  await tx.query(
    `update ${table}s t set ${columns.map((c) => `${c} = p.${c}`).join(', ')}, version = greatest(t.version, p.version) + 1, updated_at = now()
     from revert_${table}s r join ${table}s o on o.id = r.${table}_id cross join lateral jsonb_populate_record(o, r.target -> 'row') p
     where r.why is null and r.target is not null and t.id = r.${table}_id`,
  )
}

async function putBackList(
  tx: Queries,
  { list, table, except }: { list: string; table: string; except: readonly string[] },
): Promise<void> {
  const columns = (await columnsOf(tx, table, except)).join(', ')
  await tx.query(
    `insert into ${table} (user_id, ${columns})
     select r.user_id, ${columns} from revert_users r cross join lateral (
       select ${columns} from jsonb_populate_recordset(null::${table}, r.target -> '${list}')) p
     where r.why is null and r.target is not null`,
  )
}

async function columnsOf(tx: Queries, table: string, except: readonly string[]): Promise<readonly string[]> {
  const found = await tx.query<{ name: string }>(
    `select quote_ident(attname) as name from pg_attribute
     where attrelid = $1::regclass and attnum > 0 and not attisdropped and attgenerated = '' and attname <> all ($2) order by attnum`,
    [table, except],
  )
  return found.rows.map((row) => row.name)
}

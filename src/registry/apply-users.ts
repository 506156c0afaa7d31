// Users of a plan that is applied: who goes, who changes, who comes, and the names they have afterwards.
import type { Queries } from '../database/connect.ts'
import { type ApplyOptions, MINE, type PlanKinds } from './applying.ts'
import { FIELD_COLUMNS } from './users.ts'

/** The record goes with all that hangs on it. */
export async function deleteUsers(tx: Queries, run: readonly number[]): Promise<void> {
  await tx.query(
    `delete from users where id in (select i.user_id from plan_items i where ${MINE} and i.object = 'user' and i.action = 'delete')`,
    run,
  )
}

export async function deactivate(tx: Queries, run: readonly number[], now: Date): Promise<void> {
  const leavers = `select i.user_id from plan_items i where ${MINE} and i.object = 'user' and i.action = 'deactivate'`
  await tx.query(
    `update users u set active = false, deactivated_by = 'source', deactivated_reason = i.reason, deactivated_at = $2,
       personal_number_key = null, version = u.version + 1, updated_at = now()
     from plan_items i where ${MINE} and i.object = 'user' and i.action = 'deactivate' and u.id = i.user_id`,
    [...run, now],
  )
  await tx.query(`delete from absences where user_id in (${leavers})`, run)
  await tx.query(`update user_names set held = false where user_id in (${leavers})`, run)
  await tx.query(`update credentials set held = false where user_id in (${leavers})`, run)
  await tx.query(
    `update users u set tenant_id = null, object_id = null from plan_items i
     where ${MINE} and i.object = 'user' and i.reason = 'object-id-moved' and u.id = i.user_id`,
    run,
  )
}

/** What moves from one user to another is let go by all before anybody takes it. */
export async function letGo(tx: Queries, run: readonly number[]): Promise<void> {
  await tx.query(
    `update users u set personal_number_key = null from plan_items i
     where ${MINE} and i.object = 'user' and i.new ? 'personalNumber' and u.id = i.user_id and u.personal_number_key is not null`,
    run,
  )
  await tx.query(
    `delete from user_names where user_id in (select i.user_id from plan_items i where ${MINE} and i.object = 'user' and i.names is not null and i.action <> 'create')`,
    run,
  )
}

const TEXT_COLUMNS = Object.entries(FIELD_COLUMNS)

export async function changeUsers(
  tx: Queries,
  run: readonly number[],
  options: ApplyOptions & Pick<PlanKinds, 'kinds'>,
): Promise<void> {
  const has = (action: string) => options.kinds.has(`user ${action}`)
  const fields = [...TEXT_COLUMNS, ['userName', 'user_name'], ['personalNumber', 'personal_number']]
    .map(([field, column]) => `${column} = case when i.new ? '${field}' then i.new ->> '${field}' else u.${column} end`)
    .join(', ')
  const change = (action: string, extra: string) => `
    update users u set ${fields},
      alternate_emails = case when i.new ? 'alternateEmails'
        then coalesce((select array_agg(e) from jsonb_array_elements_text(i.new -> 'alternateEmails') e), '{}') else u.alternate_emails end,
      default_group_id = case when i.new ? 'defaultGroup' then i.group_id else u.default_group_id end,
      given_default_group_id = case when i.new ? 'defaultGroup' then i.group_id else u.given_default_group_id end,
      own = case when i.new ? 'own' then jsonb_strip_nulls(u.own || (i.new -> 'own')) else u.own end,
      given_emails = coalesce(i.given_emails, u.given_emails),
      canonical_number = case when i.new ? 'personalNumber' then i.number_key else u.canonical_number end,
      personal_number_key = coalesce(i.number_key, u.personal_number_key),
      restored_by_administrator = u.restored_by_administrator and not i.new ? 'restoredByAdministrator',
      ${extra} version = u.version + 1, updated_at = now()
    from plan_items i where ${MINE} and i.object = 'user' and i.action = '${action}' and i.reason <> 'object-id-moved' and u.id = i.user_id`
  if (has('adopt')) {
    await tx.query(change('adopt', 'tenant_id = $2, object_id = i.object_id, source_id = $3,'), [
      run[0],
      options.tenantId,
      options.sourceId,
    ])
  }
  if (has('take over')) {
    await tx.query(
      change('take over', `source_id = (select s.id from sources s where s.name = i.new ->> 'source'),`),
      run,
    )
  }
  if (has('reactivate')) {
    await tx.query(
      change('reactivate', 'active = true, deactivated_by = null, deactivated_reason = null, deactivated_at = null,'),
      run,
    )
  }
  if (has('rename')) await tx.query(change('rename', ''), run)
  if (has('update')) await tx.query(change('update', ''), run)
  if (!['adopt', 'take over', 'reactivate', 'rename', 'update'].some(has)) return
  // Only active users hold a number.
  await tx.query(
    `update users u set personal_number_key = null from plan_items i
     where ${MINE} and i.object = 'user' and i.number_key is not null and u.id = i.user_id and not u.active and u.personal_number_key is not null`,
    run,
  )
}

export async function createUsers(tx: Queries, run: readonly number[], options: ApplyOptions): Promise<void> {
  await tx.query(
    `insert into users (id, tenant_id, object_id, source_id, user_name, personal_number, personal_number_key, canonical_number,
       alternate_emails, given_emails, own, default_group_id, given_default_group_id,
       ${TEXT_COLUMNS.map(([, column]) => column).join(', ')})
     select i.user_id, $2, i.object_id, $3, i.new ->> 'userName', i.new ->> 'personalNumber', i.number_key, i.number_key,
       case when i.new ? 'alternateEmails' then (select array_agg(e) from jsonb_array_elements_text(i.new -> 'alternateEmails') e) else '{}' end,
       coalesce(i.given_emails, '{}'), coalesce(i.new -> 'own', '{}'), i.group_id, i.group_id,
       ${TEXT_COLUMNS.map(([field]) => `i.new ->> '${field}'`).join(', ')}
     from plan_items i where ${MINE} and i.object = 'user' and i.action = 'create' order by i.seq`,
    [run[0], options.tenantId, options.sourceId],
  )
}

export async function writeNames(tx: Queries, run: readonly number[], isFirst: boolean): Promise<void> {
  if (isFirst) {
    await tx.query(
      `insert into user_names (user_id, kind, value, key, origin, held)
       select i.user_id, (e ->> 0)::"char", e ->> 1, e ->> 2, (e ->> 3)::"char", true
       from plan_items i cross join jsonb_array_elements(i.names) e
       where ${MINE} and i.object = 'user' and i.action = 'create'`,
      run,
    )
    return
  }
  // Items of one user carry the same final list; the last one counts.
  await tx.query(
    `insert into user_names (user_id, kind, value, key, origin, held)
     select l.user_id, (e ->> 0)::"char", e ->> 1, e ->> 2, (e ->> 3)::"char", u.active and e ->> 4 is null
     from (select distinct on (i.user_id) i.user_id, i.names from plan_items i
           where ${MINE} and i.object = 'user' and i.names is not null order by i.user_id, i.seq desc) l
       join users u on u.id = l.user_id cross join jsonb_array_elements(l.names) e`,
    run,
  )
}

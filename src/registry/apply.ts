// Carries out a stored plan: registry, history and marks in the caller's one transaction, all set-based.
import type { Queries } from '../database/connect.ts'
import { fillTable } from '../database/fill.ts'
import type { Transaction } from '../database/transaction.ts'
import { applyGroupClaims } from './group-claims.ts'
import { keyCreatedGroups, leaveOutTakenPaths } from './attribute-groups.ts'
import { isGivenBy } from './given.ts'
import { release, type Releases } from './release.ts'
import { forgetReverted } from './reverted.ts'
import { keepOverwritten, noteBefore } from './undo.ts'
import { FIELD_COLUMNS } from './users.ts'

export interface ApplyOptions {
  /** The run that made the plan. */
  readonly runId: number
  readonly sourceId: number
  readonly tenantId: string
  readonly now: Date
  /** Leave these items out, e.g. `removals`. */
  readonly without?: 'removals' | 'rewrites' | undefined
}

export interface Applied {
  /** Items that were left out because their registry row had moved, or by the approval. */
  readonly leftOut: number
}

/**
 * Applies the plan of a run. Items whose registry row is not as the plan saw it, or whose values were taken meanwhile, are left
 * out and marked to be planned again; everything else is done exactly as shown.
 */
export async function applyPlan(tx: Transaction, options: ApplyOptions): Promise<Applied> {
  const run = [options.runId]
  const { kinds, ...looked } = await lookOver(tx, options.runId)
  const taken = kinds.has('group create') ? await leaveOutTakenPaths(tx, options.runId) : 0
  const isFirst = looked.isFirst && taken === 0
  // Nobody has anything yet, so nothing can have moved or been taken.
  const leftOut = taken + (isFirst ? 0 : await leaveOutMoved(tx, options))
  if (!isFirst) await noteBefore(tx, options.runId)
  if (kinds.has('user delete')) await deleteUsers(tx, run)
  if (kinds.has('user deactivate') || kinds.has('user update')) await deactivate(tx, run, options.now)
  if (!isFirst) await letGo(tx, run)
  await changeGroups(tx, run, options)
  if (kinds.has('group create')) await keyCreatedGroups(tx)
  await changeUsers(tx, run, { ...options, kinds })
  const fill = (table: string, work: () => Promise<void>) => (isFirst ? fillTable(tx, table, work) : work())
  await fill('users', () => createUsers(tx, run, options))
  await fill('user_names', () => writeNames(tx, run, isFirst))
  await changeCredentials(tx, run, { kinds, isFirst })
  await fill('memberships', () => changeMemberships(tx, options))
  await changeClaims(tx, run, options)
  if (!isFirst) await keepOverwritten(tx, options.runId)
  return { leftOut }
}

/** What a plan does that is no change of the registry: memberships that somebody else gives too, and who claims whom. */
export async function applyUnseen(tx: Transaction, options: ApplyOptions): Promise<void> {
  await changeMemberships(tx, options)
  await changeClaims(tx, [options.runId], options)
}

const MINE = 'i.run_id = $1 and not i.left_out'

interface PlanKinds {
  /** Object and action of the items that there are: whatever there is not needs no pass over the plan. */
  readonly kinds: ReadonlySet<string>
  /** The plan only creates, and the registry has no user yet. */
  readonly isFirst: boolean
}

async function lookOver(tx: Queries, runId: number): Promise<PlanKinds> {
  const found = await tx.query<{ kind: string }>(
    `select object || ' ' || action as kind from plan_items where run_id = $1 group by object, action`,
    [runId],
  )
  const kinds = new Set(found.rows.map((row) => row.kind))
  const creates = [...kinds].every((kind) => CREATING.has(kind))
  if (!creates) return { kinds, isFirst: false }
  const has = await tx.query<{ users: boolean }>('select exists (select from users) as users')
  return { kinds, isFirst: has.rows[0]?.users === false }
}

const CREATING: ReadonlySet<string> = new Set([
  'user create',
  'user skip',
  'group create',
  'credential add',
  'membership add',
])

async function leaveOutMoved(tx: Transaction, options: ApplyOptions): Promise<number> {
  const { runId } = options
  const moved = `(
       (i.object in ('user', 'credential') and i.saw_version is not null
         and not exists (select from users u where u.id = i.user_id and u.version = i.saw_version))
    or (i.object = 'user' and i.action in ('create', 'adopt')
         and exists (select from users u where u.tenant_id = $2 and u.object_id = i.object_id and u.id <> i.user_id
           and not exists (select from plan_items m where m.run_id = $1 and m.user_id = u.id and m.reason = 'object-id-moved')))
    or (i.object = 'group' and i.saw_version is not null
         and not exists (select from groups g where g.id = i.group_id and g.version = i.saw_version)))`
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
      `with kept as (delete from plan_memberships where run_id = $1 and op = 'r' returning user_id)
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
      `update plan_items i set left_out = true where ${MINE} and (i.action in ('update', 'rename')
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
    const more = await leaveOut(tx, LEAVE_OUT_TAKEN, [runId])
    if (more === 0) return total
    total += more
  }
}

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

/** Users who would get a name, card, PIN or number that somebody holds whom this plan does not touch (any more). */
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
  )
  update plan_items i set left_out = true where ${MINE} and i.action <> 'skip' and i.object in ('user', 'credential')
    and i.user_id in (select user_id from taken)`

/** The record goes with all that hangs on it. */
async function deleteUsers(tx: Queries, run: readonly number[]): Promise<void> {
  await tx.query(
    `delete from users where id in (select i.user_id from plan_items i where ${MINE} and i.object = 'user' and i.action = 'delete')`,
    run,
  )
}

async function deactivate(tx: Queries, run: readonly number[], now: Date): Promise<void> {
  const leavers = `select i.user_id from plan_items i where ${MINE} and i.object = 'user' and i.action = 'deactivate'`
  await tx.query(
    `update users u set active = false, deactivated_by = 'source', deactivated_reason = i.reason, deactivated_at = $2,
       personal_number_key = null, version = u.version + 1, updated_at = now()
     from plan_items i where ${MINE} and i.object = 'user' and i.action = 'deactivate' and u.id = i.user_id`,
    [...run, now],
  )
  await tx.query(`update user_names set held = false where user_id in (${leavers})`, run)
  await tx.query(`update credentials set held = false where user_id in (${leavers})`, run)
  await tx.query(
    `update users u set tenant_id = null, object_id = null from plan_items i
     where ${MINE} and i.object = 'user' and i.reason = 'object-id-moved' and u.id = i.user_id`,
    run,
  )
}

/** What moves from one user to another is let go by all before anybody takes it. */
async function letGo(tx: Queries, run: readonly number[]): Promise<void> {
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

async function changeUsers(
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

async function createUsers(tx: Queries, run: readonly number[], options: ApplyOptions): Promise<void> {
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

async function writeNames(tx: Queries, run: readonly number[], isFirst: boolean): Promise<void> {
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

async function changeCredentials(tx: Queries, run: readonly number[], { kinds, isFirst }: PlanKinds): Promise<void> {
  if (kinds.has('credential remove')) {
    await tx.query(
      `delete from credentials c using plan_items i where ${MINE} and i.object = 'credential' and i.action = 'remove'
         and c.user_id = i.user_id and c.kind = i.old ->> 'kind' and c.lookup = decode(i.old ->> 'lookup', 'hex') and c.origin = 's'`,
      run,
    )
  }
  const isNew = `and not exists (select from credentials c where c.user_id = i.user_id and c.kind = i.new ->> 'kind'
    and c.lookup = decode(i.new ->> 'lookup', 'hex'))`
  await tx.query(
    `insert into credentials (user_id, kind, sealed, lookup, origin, held)
     select i.user_id, i.new ->> 'kind', decode(i.new ->> 'sealed', 'base64'), decode(i.new ->> 'lookup', 'hex'), coalesce(i.new ->> 'origin', 's')::"char", u.active
     from plan_items i join users u on u.id = i.user_id
     where ${MINE} and i.object = 'credential' and i.action = 'add' ${isFirst ? '' : isNew}
     order by i.seq`,
    run,
  )
  if (isFirst) return
  // One that he had to do without, and that is free again.
  await tx.query(
    `update credentials c set held = true from plan_items i join users u on u.id = i.user_id and u.active
     where ${MINE} and i.object = 'credential' and i.action = 'add' and c.user_id = i.user_id and not c.held
       and c.kind = i.new ->> 'kind' and c.lookup = decode(i.new ->> 'lookup', 'hex')`,
    run,
  )
  await tx.query(
    `update credentials c set origin = 'o' from plan_items i
     where ${MINE} and i.object = 'credential' and i.action = 'add' and i.new ->> 'origin' = 'o' and c.user_id = i.user_id
       and c.origin = 's' and c.kind = i.new ->> 'kind' and c.lookup = decode(i.new ->> 'lookup', 'hex')`,
    run,
  )
  if (!kinds.has('user reactivate') && !kinds.has('user adopt')) return
  // Cards and PINs of those who are back come back with them where nobody has them now.
  await tx.query(
    `update credentials c set held = true from plan_items i
     where ${MINE} and i.object = 'user' and i.action in ('reactivate', 'adopt') and c.user_id = i.user_id and not c.held
       and (select u.active from users u where u.id = c.user_id)
       and not exists (select from credentials h where h.held and h.kind = c.kind and h.lookup = c.lookup)`,
    run,
  )
}

async function changeGroups(tx: Queries, run: readonly number[], options: ApplyOptions): Promise<void> {
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
}

async function changeMemberships(tx: Queries, options: ApplyOptions): Promise<void> {
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
       returning t.*)
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

async function changeClaims(tx: Queries, run: readonly number[], options: ApplyOptions): Promise<void> {
  const own = [run[0], options.sourceId]
  await tx.query(
    `insert into claims (user_id, source_id)
     select distinct i.user_id, $2::int from plan_items i join users u on u.id = i.user_id
     where ${MINE} and i.object = 'user' and i.user_id is not null
       and i.action in ('create', 'adopt', 'take over', 'reactivate')
       and i.reason not in ('object-id-moved', 'dropped-by-owner')
     union select c.user_id, $2 from plan_claims c join users u on u.id = c.user_id where c.run_id = $1
     on conflict do nothing`,
    own,
  )
  await tx.query(
    `delete from claims c using plan_items i where ${MINE} and i.object = 'user' and c.user_id = i.user_id and c.source_id = $2
       and (i.action = 'deactivate' or i.reason in ('missing-kept', 'grace-period', 'object-id-moved', 'dropped-by-owner', 'not-owned'))`,
    own,
  )
  await applyGroupClaims(tx, options)
  // The others of the tenant see at their next run who owns him now.
  await tx.query(
    `insert into mirror_marks (source_id, key, at)
     select distinct s.id, o.key, s.fence + 1 from plan_items i
       join sources s on s.id <> $2 join mirror_objects o on o.source_id = s.id and o.object_id = i.object_id and o.kind = 'u'
     where ${MINE} and i.object = 'user' and i.action = 'take over'
     on conflict (source_id, key) do update set at = greatest(mirror_marks.at, excluded.at)`,
    own,
  )
}

export interface SettleOptions extends Releases {
  readonly runId: number
  readonly sourceId: number
  /** The fence of the run that made the plan: what was marked later stays marked. */
  readonly planFence: number
  readonly everybody: boolean
  /** The plan was for these users alone: whatever else is marked stays so. */
  readonly only?: readonly number[] | undefined
  readonly removalsAllowed: boolean
  readonly plannerVersion: number
  readonly tenantId: string
  readonly clientId: string
}

/**
 * Notes that the registry reflects what the plan was made of. Objects of items that were left out, and objects about which
 * nothing could be concluded, stay marked.
 */
export async function settleMarks(tx: Queries, options: SettleOptions): Promise<void> {
  const { runId, sourceId, planFence } = options
  const only = options.only ?? null
  await tx.query(
    'delete from mirror_marks where source_id = $1 and at <= $2 and ($3::int[] is null or key = any($3))',
    [sourceId, planFence, only],
  )
  // Memberships of a group with an open issue are frozen: what changed in it is planned again until it is not.
  await tx.query(
    `delete from mirror_member_marks m where source_id = $1 and at <= $2
       and ($3::int[] is null or (m.member_key = any($3) and m.kind = 'u'))
       and not exists (select from mirror_objects o join issues i on i.source_id = $1 and i.object_id = o.object_id
         where o.key = m.group_key)`,
    [sourceId, planFence, only],
  )
  await tx.query(
    `insert into mirror_marks (source_id, key, at)
     select distinct $2::int, o.key, $3::bigint from plan_items i join mirror_objects o on o.source_id = $2 and o.object_id = i.object_id
     where i.run_id = $1 and (i.left_out or (i.action = 'skip' and (i.reason in ('removal-unproven', 'listing-incomplete')
       or (i.reason in ('scope-group-missing', 'membership-unknown') and i.user_id is not null))))
     on conflict do nothing`,
    [runId, sourceId, planFence],
  )
  // Also those whose membership was left out with a group.
  await tx.query(
    `insert into mirror_marks (source_id, key, at)
     select distinct $2::int, o.key, $3::bigint from plan_items i join plan_memberships m on m.run_id = i.run_id and m.group_id = i.group_id
       join users u on u.id = m.user_id join mirror_objects o on o.source_id = $2 and o.object_id = u.object_id
     where i.run_id = $1 and i.left_out and i.object = 'group'
     on conflict do nothing`,
    [runId, sourceId, planFence],
  )
  if (!options.removalsAllowed) {
    await tx.query(
      `insert into mirror_marks (source_id, key, at)
       select $1, o.key, $2 from mirror_objects o join groups g on g.source_id = $1 and g.object_id = o.object_id and not g.hidden
       where o.source_id = $1 and o.kind = 'g' and o.state <> 'l' on conflict do nothing`,
      [sourceId, planFence],
    )
  }
  await forgetReverted(tx, { sourceId, planFence })
  if (options.everybody) {
    await release(tx, options)
    await tx.query('update sources set marked_all = false where id = $1 and marked_all and marked_all_at < $2', [
      sourceId,
      planFence,
    ])
  }
  if (only !== null) return
  await tx.query(`update sources set cleared_everywhere = '{}' where id = $1 and cleared_everywhere <> '{}'`, [
    sourceId,
  ])
  await tx.query(
    `update sources set planner_version = $2, seen_tenant_id = $3, seen_client_id = $4
     where id = $1 and (planner_version, seen_tenant_id, seen_client_id) is distinct from ($2, $3, $4)`,
    [sourceId, options.plannerVersion, options.tenantId, options.clientId],
  )
}

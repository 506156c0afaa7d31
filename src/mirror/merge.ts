// The end of a full compare: what the walk has read beside the mirror becomes the mirror. Only what differs is written.
import type { Transaction } from '../database/transaction.ts'
import type { Owner } from './fence.ts'
import { markChanged } from './marks.ts'
import { setStates } from './absences.ts'

export interface MergeOptions {
  /** Attributes that the mirror still holds and nothing needs any more. */
  readonly obsolete: readonly string[]
  /** False: the walk was contradicted or incomplete, so nothing that it did not list is doubted. */
  readonly mayRemove: boolean
}

/**
 * Merges the walk in the caller's transaction: new objects, changed ones, proven absences, memberships that came.
 * Memberships that were not listed become doubtful (see `settleDoubtful`), but for those of groups whose list is not
 * complete or not readable, and of users in the recycle bin.
 */
export async function mergeWalk(tx: Transaction, owner: Owner, options: MergeOptions): Promise<void> {
  // Filled by COPY a moment ago: without this the planner takes them for empty.
  await tx.query('analyze mirror_staged_objects (source_id, key, kind, state)')
  await tx.query('analyze mirror_staged_members')
  await mergeProven(tx, owner)
  await mergeChanged(tx, owner, options.obsolete)
  await mergeNew(tx, owner)
  await mergeUnreadableGroups(tx, owner)
  for (const [kind, table] of [
    ['u', 'mirror_members'],
    ['g', 'mirror_nesting'],
  ] as const) {
    await tx.query(
      `with changed as (
         insert into ${table} (group_key, member_key)
         select distinct s.group_key, s.member_key from mirror_staged_members s
         where s.source_id = $1 and s.kind = '${kind}'
           and not exists (select 1 from ${table} m where m.group_key = s.group_key and m.member_key = s.member_key)
         returning group_key, member_key)
       ${markChanged(kind)}`,
      [owner.sourceId, owner.fence],
    )
    if (options.mayRemove) await doubtUnlisted(tx, owner.sourceId, { kind, table })
  }
  await removeUnusedPlaceholders(tx, owner.sourceId)
}

async function mergeChanged(tx: Transaction, owner: Owner, obsolete: readonly string[]): Promise<void> {
  await tx.query(
    `create temp table merge_changed on commit drop as
     select m.key, m.object_id, s.kind, m.kind = '?' as was_placeholder,
       s.kind = 'u' and (n.attributes->'userPrincipalName' is distinct from m.attributes->'userPrincipalName'
         or n.attributes->'displayName' is distinct from m.attributes->'displayName') as is_renamed,
       n.attributes, s.sealed, n.manager
     from mirror_staged_objects s
     join mirror_objects m on m.key = s.key
     cross join lateral (select (coalesce(m.attributes, '{}') - $2::text[]) || s.attributes as attributes,
       case when s.manager_said and not (s.manager is null and ${isInRecycleBin('m')}) then s.manager
         else m.manager end as manager) n
     where s.source_id = $1 and s.state = 'l' and m.source_id = $1
       and (m.kind <> s.kind or m.state <> 'l' or m.attributes is distinct from n.attributes
         or m.sealed is distinct from s.sealed or m.manager is distinct from n.manager)`,
    [owner.sourceId, obsolete],
  )
  await tx.query(
    `update mirror_objects o set kind = c.kind, state = 'l', attributes = c.attributes, sealed = c.sealed,
       manager = c.manager
     from merge_changed c where o.key = c.key`,
  )
  await tx.query(
    `insert into mirror_marks (source_id, key, at)
     select $1::int, key, $2::bigint from merge_changed
     union
     select $1, u.key, $2 from merge_changed c
     join mirror_objects u on u.source_id = $1 and u.manager = c.object_id where c.is_renamed
     on conflict (source_id, key) do update set at = excluded.at`,
    [owner.sourceId, owner.fence],
  )
  for (const [kind, table] of [
    ['u', 'mirror_members'],
    ['g', 'mirror_nesting'],
  ] as const) {
    await tx.query(
      `with changed as (
         select m.group_key, m.member_key from ${table} m
         join merge_changed c on c.key = m.member_key and c.was_placeholder)
       ${markChanged(kind)}`,
      [owner.sourceId, owner.fence],
    )
  }
}

/** Graph leaves out a manager who is in the recycle bin, and brings him back without a word, as it does with members. */
function isInRecycleBin(user: string): string {
  return `exists (select 1 from mirror_objects boss
    where boss.source_id = ${user}.source_id and boss.object_id = ${user}.manager and boss.state in ('s', 'a'))`
}

async function mergeNew(tx: Transaction, owner: Owner): Promise<void> {
  await tx.query(
    `with added as (
       insert into mirror_objects (key, source_id, object_id, kind, state, attributes, sealed, manager)
       select key, source_id, object_id, kind, state, attributes, sealed, manager from mirror_staged_objects s
       where s.source_id = $1 and s.state in ('l', '?')
         and not exists (select 1 from mirror_objects o where o.key = s.key)
       returning key, kind)
     insert into mirror_marks (source_id, key, at) select $1, key, $2 from added where kind <> '?'
     on conflict (source_id, key) do update set at = excluded.at`,
    [owner.sourceId, owner.fence],
  )
}

async function mergeProven(tx: Transaction, owner: Owner): Promise<void> {
  const proven = await tx.query<{ key: number; state: 's' | 'x' }>(
    `select key, state from mirror_staged_objects where source_id = $1 and state in ('s', 'x')`,
    [owner.sourceId],
  )
  await setStates(tx, owner, proven.rows)
}

/**
 * Forbidden members, and a hidden group that answers nobody: without Member.Read.Hidden Graph answers one or the other,
 * which is not documented, so that an empty hidden group cannot be told from one that may not be read.
 */
async function mergeUnreadableGroups(tx: Transaction, owner: Owner): Promise<void> {
  await tx.query(
    `with changed as (
       update mirror_objects o set members_unknown = n.unknown
       from (select s.key, t.outcome is not distinct from 'f' or (${isHiddenAndEmpty('s')}) as unknown
             from mirror_staged_objects s
             left join mirror_groups_to_list t on t.source_id = s.source_id and t.group_key = s.key
             where s.source_id = $1 and s.kind = 'g' and s.state = 'l') n
       where o.key = n.key and o.members_unknown <> n.unknown
       returning o.key)
     insert into mirror_marks (source_id, key, at) select $1, key, $2 from changed
     on conflict (source_id, key) do update set at = excluded.at`,
    [owner.sourceId, owner.fence],
  )
}

function isHiddenAndEmpty(group: string): string {
  return `${group}.attributes->>'visibility' = 'HiddenMembership' and t.outcome is null and not exists (
    select 1 from mirror_staged_members m where m.source_id = ${group}.source_id and m.group_key = ${group}.key)`
}

/** A first load's counterpart: marks nothing, because everything is marked. */
export async function noteUnreadableGroups(tx: Transaction, sourceId: number): Promise<void> {
  await tx.query(
    `update mirror_objects o set members_unknown = true
     where o.source_id = $1 and o.kind = 'g' and (
       exists (select 1 from mirror_groups_to_list t
         where t.source_id = $1 and t.group_key = o.key and t.outcome = 'f')
       or o.attributes->>'visibility' = 'HiddenMembership'
         and not exists (select 1 from mirror_members m where m.group_key = o.key)
         and not exists (select 1 from mirror_nesting n where n.group_key = o.key))`,
    [sourceId],
  )
}

async function doubtUnlisted(
  tx: Transaction,
  sourceId: number,
  membership: { readonly kind: 'u' | 'g'; readonly table: string },
): Promise<void> {
  await tx.query(
    `insert into mirror_doubtful_members (source_id, group_key, member_key, kind)
     select $1, m.group_key, m.member_key, '${membership.kind}'
     from mirror_staged_objects g
     join mirror_objects o on o.key = g.key and not o.members_unknown
     join ${membership.table} m on m.group_key = g.key
     join mirror_objects member on member.key = m.member_key and member.state not in ('s', 'a')
     where g.source_id = $1 and g.kind = 'g' and g.state = 'l'
       and not exists (select 1 from mirror_groups_to_list t where t.source_id = $1 and t.group_key = g.key)
       and not exists (select 1 from mirror_staged_members s where s.source_id = $1
         and s.kind = '${membership.kind}' and s.group_key = m.group_key and s.member_key = m.member_key)
     on conflict do nothing`,
    [sourceId],
  )
}

async function removeUnusedPlaceholders(tx: Transaction, sourceId: number): Promise<void> {
  await tx.query(
    `delete from mirror_objects o where o.source_id = $1 and o.kind = '?'
       and not exists (select 1 from mirror_members m where m.member_key = o.key)
       and not exists (select 1 from mirror_nesting n where n.member_key = o.key)
       and not exists (select 1 from mirror_member_marks k where k.source_id = $1 and k.member_key = o.key)`,
    [sourceId],
  )
}

/** How many users, or groups, the walk has listed so far. */
export async function countListed(
  tx: Pick<Transaction, 'query'>,
  sourceId: number,
  walk: { readonly kind: 'u' | 'g'; readonly walk: 'first' | 'full' },
): Promise<number> {
  const table = walk.walk === 'first' ? 'mirror_objects' : 'mirror_staged_objects'
  const found = await tx.query<{ count: number }>(
    `select count(*) as count from ${table} where source_id = $1 and kind = $2 and state = 'l'`,
    [sourceId, walk.kind],
  )
  return found.rows[0]?.count ?? 0
}

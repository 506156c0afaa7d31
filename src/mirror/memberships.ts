// Direct memberships of the mirror: users in groups, and groups in groups. Every change is marked.
import type { Queries } from '../database/connect.ts'
import type { Owner } from './fence.ts'
import { markChanged, markObjects } from './marks.ts'

/** One membership that came or went; keys. */
export interface MemberChange {
  readonly groupKey: number
  readonly memberKey: number
  /** Ignored for removals: whatever the member was is removed. */
  readonly kind: 'u' | 'g'
}

const TABLES = [
  ['u', 'mirror_members'],
  ['g', 'mirror_nesting'],
] as const

/** Adds and removes memberships; a pair may stand in one of the two lists only. Repeating it changes nothing. */
export async function changeMemberships(
  tx: Queries,
  owner: Owner,
  changes: { readonly added: readonly MemberChange[]; readonly removed: readonly MemberChange[] },
): Promise<void> {
  for (const [kind, table] of TABLES) {
    const added = changes.added.filter((c) => c.kind === kind)
    if (added.length > 0) {
      await tx.query(
        `with changed as (
           insert into ${table} (group_key, member_key) select * from unnest($3::int[], $4::int[])
           on conflict do nothing returning group_key, member_key)
         ${markChanged(kind)}`,
        [owner.sourceId, owner.fence, added.map((c) => c.groupKey), added.map((c) => c.memberKey)],
      )
    }
    if (changes.removed.length > 0) {
      await tx.query(
        `with changed as (
           delete from ${table} m using unnest($3::int[], $4::int[]) as n (group_key, member_key)
           where m.group_key = n.group_key and m.member_key = n.member_key
           returning m.group_key, m.member_key)
         ${markChanged(kind)}`,
        [owner.sourceId, owner.fence, changes.removed.map((c) => c.groupKey), changes.removed.map((c) => c.memberKey)],
      )
    }
  }
  if (changes.added.length > 0) {
    await tx.query(
      `delete from mirror_doubtful_members d using unnest($2::int[], $3::int[]) as n (group_key, member_key)
       where d.source_id = $1 and d.group_key = n.group_key and d.member_key = n.member_key`,
      [owner.sourceId, changes.added.map((c) => c.groupKey), changes.added.map((c) => c.memberKey)],
    )
  }
}

/**
 * Makes the memberships of a group what its complete list says. Members in the recycle bin, which Graph leaves out of
 * every list and brings back without a word (graph.md 12.6), stay; so do those whose removal is not proven.
 */
export async function replaceMembers(
  tx: Queries,
  owner: Owner,
  group: { readonly groupKey: number; readonly users: readonly number[]; readonly groups: readonly number[] },
): Promise<void> {
  await setMembersUnknown(tx, owner, { groupKeys: [group.groupKey], unknown: false })
  for (const [kind, table] of TABLES) {
    const listed = kind === 'u' ? group.users : group.groups
    await tx.query(
      `with changed as (
         insert into ${table} (group_key, member_key) select distinct $3::int, k from unnest($4::int[]) k
         on conflict do nothing returning group_key, member_key)
       ${markChanged(kind)}`,
      [owner.sourceId, owner.fence, group.groupKey, listed],
    )
    await tx.query(
      `with listed as materialized (select k from unnest($4::int[]) k), changed as (
         delete from ${table} m using mirror_objects o
         where m.group_key = $3 and o.key = m.member_key and o.state not in ('s', 'a')
           and not exists (select 1 from listed where k = m.member_key)
         returning m.group_key, m.member_key)
       ${markChanged(kind)}`,
      [owner.sourceId, owner.fence, group.groupKey, listed],
    )
  }
}

/** Notes whether Entra lets the members of these groups be read. What is known of them stays. */
export async function setMembersUnknown(
  tx: Queries,
  owner: Owner,
  groups: { readonly groupKeys: readonly number[]; readonly unknown: boolean },
): Promise<void> {
  const changed = await tx.query<{ key: number }>(
    `update mirror_objects set members_unknown = $3
     where source_id = $1 and key = any($2::int[]) and members_unknown <> $3 returning key`,
    [owner.sourceId, groups.groupKeys, groups.unknown],
  )
  await markObjects(
    tx,
    owner,
    changed.rows.map((row) => row.key),
  )
}

/** Ends every membership of objects that are gone for good, as member and as group. */
export async function dropMembershipsOf(tx: Queries, owner: Owner, keys: readonly number[]): Promise<void> {
  if (keys.length === 0) return
  for (const [kind, table] of TABLES) {
    await tx.query(
      `with changed as (
         delete from ${table} where member_key = any($3::int[]) or group_key = any($3::int[])
         returning group_key, member_key)
       ${markChanged(kind)}`,
      [owner.sourceId, owner.fence, keys],
    )
  }
}

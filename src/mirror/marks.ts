// Marks: what the registry does not reflect yet. Set in the transaction of the change, cleared by the plan that was applied.
import type { Queries } from '../database/connect.ts'
import type { Owner } from './fence.ts'

/** Whether the registry does not reflect yet that users are not there any more. */
export async function hasMarkedRemovals(db: Queries, sourceId: number): Promise<boolean> {
  const found = await db.query<{ some: boolean }>(
    `select exists (select from mirror_marks m join mirror_objects o on o.key = m.key
       where m.source_id = $1 and o.kind = 'u' and o.state in ('s', 'x')) as some`,
    [sourceId],
  )
  return found.rows[0]?.some === true
}

/** Marks users and groups. */
export async function markObjects(tx: Queries, owner: Owner, keys: readonly number[]): Promise<void> {
  if (keys.length === 0) return
  await tx.query(
    `insert into mirror_marks (source_id, key, at) select distinct $1::int, k, $2::bigint from unnest($3::int[]) k
     on conflict (source_id, key) do update set at = excluded.at`,
    [owner.sourceId, owner.fence, keys],
  )
}

/** Marks the users whose manager is one of `objectIds`, for their mapping shows his name. */
export async function markManagedBy(tx: Queries, owner: Owner, objectIds: readonly string[]): Promise<void> {
  if (objectIds.length === 0) return
  await tx.query(
    `insert into mirror_marks (source_id, key, at)
     select source_id, key, $2 from mirror_objects where source_id = $1 and manager = any($3::uuid[])
     on conflict (source_id, key) do update set at = excluded.at`,
    [owner.sourceId, owner.fence, objectIds],
  )
}

/** Marks every membership of users and groups that were known as members only, or came back. */
export async function markMembershipsOf(tx: Queries, owner: Owner, keys: readonly number[]): Promise<void> {
  if (keys.length === 0) return
  for (const [table, kind] of [
    ['mirror_members', 'u'],
    ['mirror_nesting', 'g'],
  ]) {
    await tx.query(
      `insert into mirror_member_marks (source_id, group_key, member_key, kind, at)
       select $1, group_key, member_key, $4, $2 from ${table} where member_key = any($3::int[])
       on conflict (source_id, group_key, member_key) do update set at = excluded.at, kind = excluded.kind`,
      [owner.sourceId, owner.fence, keys, kind],
    )
  }
}

/** The statement that turns rows of `changed (group_key, member_key)` into membership marks; $1 source, $2 fence. */
export function markChanged(kind: 'u' | 'g'): string {
  return `insert into mirror_member_marks (source_id, group_key, member_key, kind, at)
    select $1, group_key, member_key, '${kind}', $2 from changed
    on conflict (source_id, group_key, member_key) do update set at = excluded.at, kind = excluded.kind`
}

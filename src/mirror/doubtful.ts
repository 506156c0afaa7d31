// Memberships that a full compare did not list, and what has to be read again before they may go.
import type { Queries } from '../database/connect.ts'
import type { ObjectId } from '../directory/ids.ts'
import type { Owner } from './fence.ts'
import { markChanged } from './marks.ts'

/** Something that came back: its memberships are read anew. */
export interface Reread {
  readonly objectId: ObjectId
  readonly kind: 'u' | 'g'
}

/** The changes since the walk name these objects, so what the walk did not list of them proves nothing. */
export async function touchDoubtful(tx: Queries, sourceId: number, keys: readonly number[]): Promise<void> {
  if (keys.length === 0) return
  await tx.query(
    'update mirror_doubtful_members set touched = true where source_id = $1 and member_key = any($2::int[])',
    [sourceId, keys],
  )
}

/** Ends the memberships that are doubtful no longer, and asks for the groups of the others to be read again. */
export async function settleDoubtful(tx: Queries, owner: Owner): Promise<void> {
  const some = await tx.query('select 1 from mirror_doubtful_members where source_id = $1 limit 1', [owner.sourceId])
  if (some.rowCount === 0) return
  await tx.query('analyze mirror_doubtful_members')
  for (const [kind, table] of [
    ['u', 'mirror_members'],
    ['g', 'mirror_nesting'],
  ] as const) {
    await tx.query(
      `with changed as (
         delete from ${table} m using mirror_doubtful_members d, mirror_objects o
         where d.source_id = $1 and d.kind = '${kind}' and not d.touched
           and m.group_key = d.group_key and m.member_key = d.member_key
           and o.key = d.member_key and o.state not in ('s', 'a')
         returning m.group_key, m.member_key)
       ${markChanged(kind)}`,
      [owner.sourceId, owner.fence],
    )
  }
  await tx.query(
    `insert into mirror_rereads (source_id, object_id, kind)
     select distinct $1::int, g.object_id, 'g'::"char"
     from mirror_doubtful_members d join mirror_objects g on g.key = d.group_key and g.state = 'l'
     where d.source_id = $1 and d.touched
     on conflict do nothing`,
    [owner.sourceId],
  )
  await tx.query('delete from mirror_doubtful_members where source_id = $1', [owner.sourceId])
}

/** Asks for the memberships of these users, or the members of these groups, to be read again. */
export async function addRereads(tx: Queries, sourceId: number, rereads: readonly Reread[]): Promise<void> {
  if (rereads.length === 0) return
  await tx.query(
    `insert into mirror_rereads (source_id, object_id, kind)
     select distinct on (id) $1::int, id, kind::"char" from unnest($2::uuid[], $3::text[]) as n (id, kind)
     on conflict do nothing`,
    [sourceId, rereads.map((r) => r.objectId), rereads.map((r) => r.kind)],
  )
}

/**
 * Asks for the members of the groups to be read again that the walk has listed and that were not there when it asked for their
 * members. Before the walk's rows go.
 */
export async function rereadMissed(tx: Queries, sourceId: number): Promise<void> {
  await tx.query(
    `insert into mirror_rereads (source_id, object_id, kind)
     select $1::int, object_id, 'g'::"char" from mirror_groups_to_list where source_id = $1 and outcome = 'm'
     on conflict do nothing`,
    [sourceId],
  )
}

/** As {@link addRereads}, for those of these groups whose members are unknown; keys. */
export async function rereadUnknown(tx: Queries, sourceId: number, groupKeys: readonly number[]): Promise<void> {
  if (groupKeys.length === 0) return
  await tx.query(
    `insert into mirror_rereads (source_id, object_id, kind)
     select $1::int, object_id, 'g'::"char" from mirror_objects where source_id = $1 and key = any($2::int[]) and members_unknown
     on conflict do nothing`,
    [sourceId, groupKeys],
  )
}

/** What waits to be read again, and whether the mirror holds it as live still. */
export async function listRereads(
  db: Queries,
  sourceId: number,
): Promise<readonly (Reread & { readonly isLive: boolean })[]> {
  const found = await db.query<{ object_id: ObjectId; kind: 'u' | 'g'; is_live: boolean }>(
    `select r.object_id, r.kind, o.state is not distinct from 'l' as is_live
     from mirror_rereads r left join mirror_objects o on o.source_id = $1 and o.object_id = r.object_id
     where r.source_id = $1 order by r.object_id`,
    [sourceId],
  )
  return found.rows.map((row) => ({ objectId: row.object_id, kind: row.kind, isLive: row.is_live }))
}

/** These have been read again. */
export async function removeRereads(tx: Queries, sourceId: number, objectIds: readonly string[]): Promise<void> {
  if (objectIds.length === 0) return
  await tx.query('delete from mirror_rereads where source_id = $1 and object_id = any($2::uuid[])', [
    sourceId,
    objectIds,
  ])
}

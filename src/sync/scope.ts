// Whether the selected groups of a source can be trusted to tell who is in scope.
import type { SourceSettings } from '../contract/sources.ts'
import type { Queries } from '../database/connect.ts'

/**
 * Why nobody's absence from the selected groups proves anything; `undefined` when it does. Needs the closure of the groups
 * that planning fills.
 */
export async function scopeDoubtOf(
  db: Queries,
  sourceId: number,
  objectIds: readonly string[],
): Promise<'scope-group-missing' | 'membership-unknown' | undefined> {
  const found = await db.query<{ known: number; unreadable: boolean }>(
    `select (select count(*) from mirror_objects where source_id = $1 and kind = 'g' and state = 'l' and object_id = any($2::uuid[])) as known,
       exists (select from scope_groups g join mirror_objects o on o.key = g.key where o.members_unknown) as unreadable`,
    [sourceId, objectIds],
  )
  const [row] = found.rows
  if (row === undefined || row.known < new Set(objectIds).size) return 'scope-group-missing'
  return row.unreadable ? 'membership-unknown' : undefined
}

/** Object ids of the groups whose members a source imports; empty where it imports everybody. */
export function scopeGroupsOf({ users }: SourceSettings): readonly string[] {
  return users.import === 'all' ? [] : users.import.groups
}

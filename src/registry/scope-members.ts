// Who of some people is in the selected groups of a source that is not the one being planned.
import type { Queries } from '../database/connect.ts'

export interface ScopeMembers {
  /** Keys in the source's mirror. */
  readonly members: ReadonlySet<number>
  /** False: a selected group is not there, or does not show its members, so that absence proves nothing. */
  readonly isComplete: boolean
}

/** Which of these users (keys of the source's mirror) are in these groups, those nested in them counted. */
export async function scopeMembers(
  db: Queries,
  sourceId: number,
  asked: { readonly groups: readonly string[]; readonly keys: readonly number[] },
): Promise<ScopeMembers> {
  const found = await db.query<{ members: number[]; known: number; unreadable: boolean }>(
    `with recursive below (key) as (
       select key from mirror_objects where source_id = $1 and kind = 'g' and state = 'l' and object_id = any($2::uuid[])
       union
       select n.member_key from below b join mirror_nesting n on n.group_key = b.key
         join mirror_objects o on o.key = n.member_key and o.state = 'l')
     select array(select distinct m.member_key from mirror_members m where m.member_key = any($3::int[]) and m.group_key in (select key from below)) as members,
       (select count(*)::int from mirror_objects where source_id = $1 and kind = 'g' and state = 'l' and object_id = any($2::uuid[])) as known,
       exists (select from below b join mirror_objects o on o.key = b.key where o.members_unknown) as unreadable`,
    [sourceId, asked.groups, asked.keys],
  )
  const [row] = found.rows
  return {
    members: new Set(row?.members),
    isComplete: row !== undefined && !row.unreadable && row.known === new Set(asked.groups).size,
  }
}

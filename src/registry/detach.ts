// Removing a source: its people, groups and memberships stay as they are, only nobody keeps them in step any more.
import type { Queries } from '../database/connect.ts'

/**
 * Removes a source. Values, memberships, status and object ids stay, and so do runs and their history; claims, mirror
 * and open issues go. A run of this source that is still going on cannot write any more, because its fence is gone.
 * Needs a transaction around it.
 *
 * Memberships keep the number of the removed source, which is never given out again: a later source that links the
 * group by its object id can so tell them from those made by hand, and ends those that Entra does not have any more.
 */
export async function detachSource(tx: Queries, sourceId: number): Promise<void> {
  const one = [sourceId]
  await tx.query('select 1 from sources where id = $1 for update', one)
  // Whoever else claims these people and groups decides about them in its next plan.
  await tx.query(
    `update sources s set marked_all = true, marked_all_at = s.fence
      where s.id <> $1 and (exists (
        select 1 from claims other join claims own on own.user_id = other.user_id and own.source_id = $1
         where other.source_id = s.id)
       or exists (
        select 1 from group_claims other join groups g on g.id = other.group_id and g.source_id = $1
         where other.source_id = s.id))`,
    one,
  )
  await tx.query(
    `update runs set decision = 'superseded', decided_reason = 'the source was removed', decided_at = now()
      where source_id = $1 and outcome = 'held' and decision is null`,
    one,
  )
  await tx.query(`update runs set cancel_requested = true where source_id = $1 and state = 'running'`, one)
  for (const table of ['mirror_members', 'mirror_nesting']) {
    await tx.query(
      `delete from ${table} where group_key in (select key from mirror_objects where source_id = $1 and kind = 'g')`,
      one,
    )
  }
  // users, groups and runs let go of the source; claims, issues and the mirror's own tables go with it.
  await tx.query('delete from sources where id = $1', one)
}

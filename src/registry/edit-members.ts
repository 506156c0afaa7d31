// Members by hand: nobody but an administrator takes them out.
import { ConflictError, NotFoundError } from '../base/errors.ts'
import type { Database, Queries } from '../database/connect.ts'
import { pathOf } from '../directory/group.ts'
import { aboutUser, type Edit, lockUser, touchUser, withEdit } from './edit.ts'

/** By whom a membership is that was made by hand. */
const BY_HAND = 0

interface Member {
  readonly groupId: number
  readonly userId: number
}

/** Puts somebody into a group; doing it again changes nothing. @throws NotFoundError */
export async function addMember(db: Database, edit: Edit & Member): Promise<void> {
  await withEdit(db, edit, async (tx) => {
    const user = await lockUser(tx, edit.userId)
    const path = await requirePath(tx, edit.groupId)
    const added = await tx.query(
      'insert into memberships (group_id, user_id, source_id, run_id) values ($1, $2, $3, 0) on conflict do nothing',
      [edit.groupId, user.id, BY_HAND],
    )
    if (added.rowCount === 0) return { result: undefined, audit: [] }
    await touchUser(tx, user.id)
    return { result: undefined, audit: [aboutUser(user, 'member.add', { new: { group: path } })] }
  })
}

/** @throws NotFoundError; ConflictError `owned-by-source` where a source gives the membership and nobody did by hand */
export async function removeMember(db: Database, edit: Edit & Member): Promise<void> {
  await withEdit(db, edit, async (tx) => {
    const user = await lockUser(tx, edit.userId)
    const path = await requirePath(tx, edit.groupId)
    const gone = await tx.query('delete from memberships where group_id = $1 and user_id = $2 and source_id = $3', [
      edit.groupId,
      user.id,
      BY_HAND,
    ])
    const others = await tx.query<{ name: string | null }>(
      `select s.name from memberships m left join sources s on s.id = m.source_id
       where m.group_id = $1 and m.user_id = $2 order by s.name limit 1`,
      [edit.groupId, user.id],
    )
    const [other] = others.rows
    if (gone.rowCount === 0) {
      if (other === undefined) throw new NotFoundError('member', String(user.id))
      throw new ConflictError(
        'owned-by-source',
        `${JSON.stringify(user.userName)} is in this group because of ${other.name ?? 'a removed source'}; take him out in Entra`,
      )
    }
    // Nobody has a default group that he is not in.
    if (other === undefined) {
      await tx.query(
        'update users set default_group_id = null, given_default_group_id = null where id = $1 and default_group_id = $2',
        [user.id, edit.groupId],
      )
    }
    await touchUser(tx, user.id)
    return { result: undefined, audit: [aboutUser(user, 'member.remove', { old: { group: path } })] }
  })
}

async function requirePath(tx: Queries, groupId: number): Promise<string> {
  const found = await tx.query<{ name: string; under: string }>(
    'select name, under from groups where id = $1 and not hidden for key share',
    [groupId],
  )
  const [group] = found.rows
  if (group === undefined) throw new NotFoundError('group', String(groupId))
  return pathOf(group.under, group.name)
}

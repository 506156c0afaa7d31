// Deactivated and restored by hand.
import { ConflictError } from '../base/errors.ts'
import type { Database, Queries } from '../database/connect.ts'
import { claimName } from './claim-values.ts'
import { aboutUser, type Edit, lockUser, touchUser, withEdit } from './edit.ts'
import { toldYield } from './edit-users.ts'

/**
 * Deactivates a user; no source reactivates him. Whom a source has deactivated already is from now on the administrator's.
 *
 * @throws NotFoundError; ConflictError `changed-meanwhile`, `already-deactivated`
 */
export async function deactivateUser(
  db: Database,
  edit: Edit & { readonly userId: number; readonly version: number; readonly reason: string },
): Promise<void> {
  await withEdit(db, edit, async (tx) => {
    const user = await lockUser(tx, edit.userId, edit.version)
    if (user.deactivatedBy === 'administrator')
      throw new ConflictError(
        'already-deactivated',
        `${JSON.stringify(user.userName)} is deactivated by an administrator already`,
      )
    await tx.query(
      `update users set active = false, deactivated_by = 'administrator', deactivated_reason = $2, deactivated_at = $3,
         restored_by_administrator = false, personal_number_key = null where id = $1`,
      [user.id, edit.reason, edit.clock.now()],
    )
    await tx.query('delete from absences where user_id = $1', [user.id])
    await tx.query('update user_names set held = false where user_id = $1', [user.id])
    await tx.query('update credentials set held = false where user_id = $1', [user.id])
    await touchUser(tx, user.id)
    const change = { old: { active: user.active }, new: { active: false }, reason: edit.reason }
    return { result: undefined, audit: [aboutUser(user, 'user.deactivate', change)] }
  })
}

/**
 * Makes a deactivated user active, with what of his values is free. What is not stays parked; the next run of his source opens an
 * issue about it. No source deactivates him until it wanted him once more.
 *
 * @throws NotFoundError; ConflictError `changed-meanwhile`, `already-active`, `user-name-conflict`
 */
export async function restoreUser(
  db: Database,
  edit: Edit & { readonly userId: number; readonly version: number },
): Promise<void> {
  await withEdit(db, edit, async (tx) => {
    const user = await lockUser(tx, edit.userId, edit.version)
    if (user.active) throw new ConflictError('already-active', `${JSON.stringify(user.userName)} is active already`)
    const names = await tx.query<{ kind: 'n' | 'a'; key: string }>(
      'select kind, key from user_names where user_id = $1 order by kind desc, key',
      [user.id],
    )
    const name = names.rows.find((row) => row.kind === 'n')
    const yielded =
      name === undefined
        ? undefined
        : await claimName(tx, { userId: user.id, value: user.userName, key: name.key, kind: 'user name' })
    await tx.query(
      `update users u set active = true, deactivated_by = null, deactivated_reason = null, deactivated_at = null,
         restored_by_administrator = object_id is not null,
         personal_number_key = case when not exists (select from users o where o.personal_number_key = u.canonical_number)
           then u.canonical_number end
       where id = $1`,
      [user.id],
    )
    const parked = await takeBack(tx, user.id)
    await touchUser(tx, user.id)
    const change = { old: { active: false }, new: { active: true, ...(parked > 0 ? { parkedValues: parked } : {}) } }
    return { result: undefined, audit: [aboutUser(user, 'user.restore', change), ...toldYield(yielded)] }
  })
}

/** @returns how many of his values somebody else has now */
async function takeBack(tx: Queries, userId: number): Promise<number> {
  await tx.query(
    `update user_names n set held = true where user_id = $1
       and not exists (select from user_names h where h.held and h.key = n.key and h.user_id <> n.user_id)`,
    [userId],
  )
  await tx.query(
    `update credentials c set held = true where user_id = $1
       and not exists (select from credentials h where h.held and h.kind = c.kind and h.lookup = c.lookup and h.user_id <> c.user_id)`,
    [userId],
  )
  const parked = await tx.query<{ count: number }>(
    `select (select count(*) from user_names where user_id = $1 and not held)
       + (select count(*) from credentials where user_id = $1 and not held)
       + (select count(*) from users where id = $1 and canonical_number is not null and personal_number_key is null) as count`,
    [userId],
  )
  return parked.rows[0]?.count ?? 0
}

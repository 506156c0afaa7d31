// Whether a name, number, card or PIN is free for somebody who is edited by hand, and whose it is.
import { ConflictError } from '../base/errors.ts'
import type { Queries } from '../database/connect.ts'

/**
 * Makes a name free for a user where only a kept old user name stands in the way: that one yields to anybody.
 *
 * @returns the user who gave it up
 * @throws ConflictError `user-name-conflict`, `alias-conflict`
 */
export async function claimName(
  tx: Queries,
  name: { readonly userId: number; readonly value: string; readonly key: string; readonly kind: 'user name' | 'alias' },
): Promise<{ readonly id: number; readonly userName: string } | undefined> {
  const found = await tx.query<{ id: number; userName: string; kept: boolean }>(
    `select u.id, u.user_name as "userName", n.origin = 'k' as kept from user_names n join users u on u.id = n.user_id
     where n.held and n.key = $1 and n.user_id <> $2 for update of u`,
    [name.key, name.userId],
  )
  const [holder] = found.rows
  if (holder === undefined) return undefined
  if (!holder.kept) {
    throw new ConflictError(
      name.kind === 'alias' ? 'alias-conflict' : 'user-name-conflict',
      `The ${name.kind} ${JSON.stringify(name.value)} belongs to ${JSON.stringify(holder.userName)}; choose another one, or take it from there first`,
    )
  }
  await tx.query(`delete from user_names where user_id = $1 and key = $2 and origin = 'k'`, [holder.id, name.key])
  await tx.query('update users set version = version + 1, updated_at = now() where id = $1', [holder.id])
  return { id: holder.id, userName: holder.userName }
}

/** The active user who has the card, PIN or personal number, other than `userId`. */
export async function holderOf(
  tx: Queries,
  value: { readonly userId: number } & (
    | { readonly kind: 'card' | 'pin'; readonly lookup: Buffer }
    | { readonly kind: 'number'; readonly key: string }
  ),
): Promise<string | undefined> {
  const found =
    value.kind === 'number'
      ? await tx.query<{ name: string }>(
          'select user_name as name from users where personal_number_key = $1 and id <> $2',
          [value.key, value.userId],
        )
      : await tx.query<{ name: string }>(
          `select u.user_name as name from credentials c join users u on u.id = c.user_id
           where c.held and c.kind = $1 and c.lookup = $2 and c.user_id <> $3`,
          [value.kind, value.lookup, value.userId],
        )
  return found.rows[0]?.name
}

/** @throws ConflictError `personal-number-conflict` */
export async function requireFreeNumber(
  tx: Queries,
  number: { readonly userId: number; readonly value: string; readonly key: string },
): Promise<void> {
  const holder = await holderOf(tx, { kind: 'number', ...number })
  if (holder === undefined) return
  throw new ConflictError(
    'personal-number-conflict',
    `The personal number ${JSON.stringify(number.value)} belongs to ${JSON.stringify(holder)}; correct one of the two`,
  )
}

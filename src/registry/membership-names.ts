// What the groups and users of membership items are called, also those that the same plan creates.
import type { Queries } from '../database/connect.ts'

export interface MembershipNames {
  readonly groups: ReadonlyMap<number, string>
  readonly users: ReadonlyMap<number, string>
}

/** Names by registry id. */
export async function membershipNames(
  db: Queries,
  ids: { readonly runId: number; readonly groupIds: readonly number[]; readonly userIds: readonly number[] },
): Promise<MembershipNames> {
  const groups = await db.query<{ id: number; name: string }>(
    `select id, name from groups where id = any($2::int[])
     union all select group_id, name from plan_items where run_id = $1 and object = 'group' and action = 'create' and group_id = any($2::int[])`,
    [ids.runId, [...new Set(ids.groupIds)]],
  )
  const userIds = [...new Set(ids.userIds)]
  const users =
    userIds.length === 0
      ? { rows: [] }
      : await db.query<{ id: number; name: string }>(
          `select id, user_name as name from users where id = any($2::int[])
           union all select user_id, name from plan_items where run_id = $1 and object = 'user' and action = 'create' and user_id = any($2::int[])`,
          [ids.runId, userIds],
        )
  return {
    groups: new Map(groups.rows.map((r) => [r.id, r.name])),
    users: new Map(users.rows.map((r) => [r.id, r.name])),
  }
}

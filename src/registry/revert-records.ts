// What `revert-plan.ts` made ready, as the plan of a revert tells it: records before and after, what is left, and memberships.
import type { Queries } from '../database/connect.ts'
import { streamRows } from '../database/stream.ts'
import type { Transaction } from '../database/transaction.ts'
import type { RegistryName } from '../directory/user.ts'
import type { LeftReason } from './revert-plan.ts'

/** A record with all that belongs to it, as the database keeps it: columns by their names. */
export interface RecordImage {
  readonly row: Readonly<Record<string, unknown>>
  readonly names?: readonly RegistryName[]
  readonly credentials?: readonly { readonly kind: 'card' | 'pin'; readonly lookup: string }[]
  /** Users: what the default group lies under, and its name. */
  readonly defaultGroup?: readonly [under: string, name: string] | null
}

/** One record of a revert. */
export interface RevertedRecord {
  readonly id: number
  /** What the run had done. */
  readonly undo: 'create' | 'delete' | 'change'
  /** Absent: there is no such record now. */
  readonly current: RecordImage | null
  /** Absent: there will be none. */
  readonly target: RecordImage | null
  readonly why: LeftReason | null
}

/** The records of the revert that `fillRevert` made ready. */
export function eachReverted(
  tx: Transaction,
  table: 'user' | 'group',
): AsyncGenerator<readonly RevertedRecord[], void, undefined> {
  // People know a default group by where it is.
  const group = (image: string) =>
    table === 'group'
      ? ''
      : `|| jsonb_build_object('defaultGroup', coalesce(
           (select jsonb_build_array(g.under, g.name) from groups g where g.id = (${image} #>> '{row,default_group_id}')::int),
           (select jsonb_build_array(g.target #> '{row,under}', g.target #> '{row,name}') from revert_groups g
             where g.group_id = (${image} #>> '{row,default_group_id}')::int)))`
  return streamRows<RevertedRecord>(
    tx.client,
    `select r.${table}_id as id, r.undo, r.why, r.current ${group('r.current')} as current, r.target ${group('r.target')} as target
     from revert_${table}s r order by r.${table}_id`,
    { batch: 1_000 },
  )
}

/** How many users and groups {@link eachReverted} gives, both together. */
export async function countReverted(tx: Queries): Promise<number> {
  const found = await tx.query<{ count: number }>(
    'select (select count(*) from revert_users) + (select count(*) from revert_groups) as count',
  )
  return found.rows[0]?.count ?? 0
}

/** Memberships that are left, summed by group. */
export interface LeftMemberships {
  readonly groupId: number
  readonly name: string | null
  readonly objectId: string | null
  readonly rows: number
  readonly why: LeftReason
}

export async function leftMemberships(tx: Transaction): Promise<readonly LeftMemberships[]> {
  const found = await tx.query<LeftMemberships>(
    `select m.group_id as "groupId", g.name, g.object_id as "objectId", count(*) as rows, m.why
     from revert_memberships m left join groups g on g.id = m.group_id where m.why is not null
     group by m.group_id, g.name, g.object_id, m.why order by m.group_id, m.why`,
  )
  return found.rows
}

/** Puts the memberships of the revert into its plan, with what its items need to name groups and people. */
export async function planRevertMemberships(tx: Transaction, runId: number): Promise<void> {
  // A membership that another source gives too stays one: its row comes or goes without an item.
  for (const [table, isShared] of [
    ['plan_memberships', 'not'],
    ['plan_shared_memberships', ''],
  ] as const) {
    await tx.query(
      `insert into ${table} (run_id, op, group_id, user_id)
       select distinct $1::int, r.op, r.group_id, r.user_id from revert_memberships r
       where r.why is null and ${isShared} exists (select from memberships m where m.group_id = r.group_id and m.user_id = r.user_id
         and not exists (select from revert_memberships e where e.op = 'r' and e.why is null
           and (e.group_id, e.user_id, e.source_id) = (m.group_id, m.user_id, m.source_id)))`,
      [runId],
    )
  }
  await tx.query(
    `insert into planned_users (user_id, object_id)
     select m.user_id, coalesce(u.object_id, (r.target #>> '{row,object_id}')::uuid)
     from (select distinct user_id from revert_memberships where why is null) m
       left join users u on u.id = m.user_id left join revert_users r on r.user_id = m.user_id`,
  )
  await tx.query(
    `insert into planned_groups (group_id, object_id)
     select m.group_id, coalesce(g.object_id, (r.target #>> '{row,object_id}')::uuid)
     from (select distinct group_id from revert_memberships where why is null) m
       left join groups g on g.id = m.group_id left join revert_groups r on r.group_id = m.group_id`,
  )
}

// Since when a source misses users who are still active, and who has to be planned because a time has come.
import type { Queries } from '../database/connect.ts'
import type { Transaction } from '../database/transaction.ts'

export interface Absence {
  readonly userId: number
  readonly isMissing: boolean
}

/** Since when the source misses these users; those whom it does not miss are not in it. */
export async function absencesOf(
  db: Queries,
  sourceId: number,
  users: readonly { readonly id: number }[],
): Promise<ReadonlyMap<number, Date>> {
  if (users.length === 0) return new Map()
  const found = await db.query<{ user_id: number; since: Date }>(
    'select user_id, since from absences where source_id = $1 and user_id = any($2::int[])',
    [sourceId, users.map((user) => user.id)],
  )
  return new Map(found.rows.map((row) => [row.user_id, row.since]))
}

/** Notes who is missing from now on, and who is not missed any more. */
export async function noteAbsences(
  db: Queries,
  noted: { readonly sourceId: number; readonly now: Date; readonly absences: readonly Absence[] },
): Promise<void> {
  const of = (isMissing: boolean) => noted.absences.filter((a) => a.isMissing === isMissing).map((a) => a.userId)
  const missing = of(true)
  if (missing.length > 0) {
    await db.query(
      'insert into absences (source_id, user_id, since) select $1, unnest($2::int[]), $3 on conflict do nothing',
      [noted.sourceId, missing, noted.now],
    )
  }
  const found = of(false)
  if (found.length > 0)
    await db.query('delete from absences where source_id = $1 and user_id = any($2::int[])', [noted.sourceId, found])
}

/**
 * Adds to `plan_keys` whose time has come: the days of grace of somebody missing are over, or a deactivated user is to be
 * deleted.
 */
export async function fillDueKeys(
  tx: Transaction,
  sourceId: number,
  options: { readonly graceDays: number; readonly deleteAfterDays: number | 'never' },
  now: Date,
): Promise<void> {
  if (options.graceDays > 0) {
    await tx.query(
      `insert into plan_keys
       select o.key from absences a join users u on u.id = a.user_id and u.active
         join mirror_objects o on o.source_id = $1 and o.object_id = u.object_id and o.kind = 'u'
       where a.source_id = $1 and a.since <= $2::timestamptz - make_interval(days => $3)
       on conflict do nothing`,
      [sourceId, now, options.graceDays],
    )
  }
  if (options.deleteAfterDays === 'never') return
  await tx.query(
    `insert into plan_keys
     select o.key from users u join mirror_objects o on o.source_id = $1 and o.object_id = u.object_id and o.kind = 'u'
     where u.source_id = $1 and u.deactivated_by = 'source' and u.deactivated_at <= $2::timestamptz - make_interval(days => $3)
     on conflict do nothing`,
    [sourceId, now, options.deleteAfterDays],
  )
}

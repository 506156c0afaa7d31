// Objects about which Graph gave no answer: groups whose members it does not show, and selected groups that it does not have.
// Each is asked again with growing pauses, so that what an administrator grants or restores heals without a full compare.
import type { Queries } from '../database/connect.ts'
import type { ObjectId } from '../directory/ids.ts'

/** Something to be asked again. */
export interface Retry {
  readonly objectId: ObjectId
  /** `members`: a group of the mirror; `group`: a selected group that the mirror does not have. */
  readonly what: 'members' | 'group'
  /** How often it was asked again so far. */
  readonly tries: number
}

/** $1 source, $2 selected groups. */
const UNANSWERED = `
  select object_id, true as is_known from mirror_objects
  where source_id = $1 and members_unknown and kind = 'g' and state = 'l'
  union all
  select s.id, false from unnest($2::uuid[]) s (id)
  where not exists (select from mirror_objects o
    where o.source_id = $1 and o.object_id = s.id and o.kind = 'g' and o.state = 'l')`

/** Whether there is anything to ask again, or to forget about: costs a run nothing where there is not. */
export async function hasUnanswered(db: Queries, sourceId: number, selected: readonly string[]): Promise<boolean> {
  const found = await db.query<{ some: boolean }>(
    `select exists (${UNANSWERED}) or exists (select from mirror_retries where source_id = $1) as some`,
    [sourceId, selected],
  )
  return found.rows[0]?.some ?? false
}

/**
 * Brings the list up to date: what is answered is forgotten, what is new is due after `firstPauseMs`.
 *
 * @returns what is due now, the longest due first
 */
export async function updateRetries(
  tx: Queries,
  sourceId: number,
  options: {
    readonly selected: readonly string[]
    readonly now: Date
    readonly firstPauseMs: number
    readonly atMost: number
  },
): Promise<readonly Retry[]> {
  const { selected, now, firstPauseMs, atMost } = options
  await tx.query(
    `delete from mirror_retries r where r.source_id = $1 and not exists (select from (${UNANSWERED}) u where u.object_id = r.object_id)`,
    [sourceId, selected],
  )
  await tx.query(
    `insert into mirror_retries (source_id, object_id, first_at, next_try_at)
     select distinct $1::int, u.object_id, $3::timestamptz, $4::timestamptz from (${UNANSWERED}) u on conflict do nothing`,
    [sourceId, selected, now, new Date(now.getTime() + firstPauseMs)],
  )
  const due = await tx.query<{ object_id: ObjectId; is_known: boolean; tries: number }>(
    `select r.object_id, u.is_known, r.tries from mirror_retries r join (${UNANSWERED}) u on u.object_id = r.object_id
     where r.source_id = $1 and r.next_try_at <= $3 order by r.next_try_at, r.object_id limit $4`,
    [sourceId, selected, now, atMost],
  )
  return due.rows.map((row) => ({
    objectId: row.object_id,
    what: row.is_known ? 'members' : 'group',
    tries: row.tries,
  }))
}

/** Notes that these were asked again, and when they are due next. Those answered by it are forgotten by the next update. */
export async function noteTries(
  tx: Queries,
  sourceId: number,
  asked: readonly { readonly objectId: ObjectId; readonly nextTryAt: Date }[],
): Promise<void> {
  await tx.query(
    `update mirror_retries r set tries = r.tries + 1, next_try_at = n.at
     from unnest($2::uuid[], $3::timestamptz[]) as n (id, at) where r.source_id = $1 and r.object_id = n.id`,
    [sourceId, asked.map((a) => a.objectId), asked.map((a) => a.nextTryAt)],
  )
}

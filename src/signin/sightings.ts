// Where somebody was identified lately: for himself alone, and forgotten after a month.
import { type Way, WAYS } from '../contract/api/terminals.ts'
import type { Queries } from '../database/connect.ts'

/** So long it is kept where somebody was identified. */
const KEPT_DAYS = 30
/** Newest ones; a person who meets more terminals within a month has seen what he wants to know. */
const MOST = 200

export interface Sighting {
  readonly terminal: string
  readonly way: Way
  readonly times: number
  readonly lastAt: Date
}

/** The latest first, one for each terminal and way. */
export async function listSightings(
  db: Queries,
  { userId, now }: { readonly userId: number; readonly now: Date },
): Promise<readonly Sighting[]> {
  const { rows } = await db.query<Sighting>(
    `select t.name as terminal, s.way, s.times, s.last_at as "lastAt"
       from terminal_sightings s join terminals t on t.id = s.terminal_id
      where s.user_id = $1 and s.last_at >= $2 and s.way = any($3)
      order by s.last_at desc, t.name, s.way limit $4`,
    [userId, endOfMemory(now), WAYS, MOST],
  )
  return rows
}

export async function removeOldSightings(db: Queries, now: Date): Promise<void> {
  await db.query('delete from terminal_sightings where last_at < $1', [endOfMemory(now)])
}

function endOfMemory(now: Date): Date {
  return new Date(now.getTime() - KEPT_DAYS * 86_400_000)
}

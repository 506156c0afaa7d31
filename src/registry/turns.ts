// Whose turn it is: work that one of several servers does for all of them, at most so often.
import type { Queries } from '../database/connect.ts'

/**
 * Takes the turn at this work, by the clock of the database.
 *
 * @returns false when somebody had it less than `everyMs` ago
 */
export async function takeTurn(
  db: Queries,
  work: { readonly name: string; readonly everyMs: number },
): Promise<boolean> {
  const taken = await db.query(
    `insert into upkeep as u (name, begun_at) values ($1, clock_timestamp())
     on conflict (name) do update set begun_at = excluded.begun_at
       where u.begun_at <= excluded.begun_at - make_interval(secs => $2 / 1000.0) or u.begun_at > excluded.begun_at`,
    [work.name, work.everyMs],
  )
  return taken.rowCount === 1
}

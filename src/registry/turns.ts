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
  // Who waited for the row of somebody else has read the clock before him, so a turn may lie a little ahead. Only one that lies further
  // ahead than a pause is of a clock that was set back.
  const taken = await db.query(
    `insert into upkeep as u (name, begun_at) values ($1, clock_timestamp())
     on conflict (name) do update set begun_at = excluded.begun_at
       where abs(extract(epoch from excluded.begun_at - u.begun_at)) * 1000 >= $2`,
    [work.name, work.everyMs],
  )
  return taken.rowCount === 1
}

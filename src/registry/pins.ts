// PINs that are drawn while a plan is made: which items wait for one, and which look-ups nobody may get.
import type { Queries } from '../database/connect.ts'

/** How many people there are once the plan was applied, deactivated ones included. */
export async function countPeopleAfter(db: Queries, runId: number): Promise<number> {
  const found = await db.query<{ count: number }>(
    `select (select count(*) from users)
       + (select count(*) from plan_items where run_id = $1 and object = 'user' and action = 'create') as count`,
    [runId],
  )
  return found.rows[0]?.count ?? 0
}

/** The numbers of the plan's items that add a PIN still to be drawn, in plan order. */
export async function itemsWithoutPin(db: Queries, runId: number): Promise<readonly number[]> {
  const found = await db.query<{ seq: number }>(
    `select seq from plan_items where run_id = $1 and object = 'credential' and action = 'add' and not new ? 'lookup' order by seq`,
    [runId],
  )
  return found.rows.map((row) => row.seq)
}

/** Those of these look-ups that somebody has as a PIN, or does without at the moment. Lower-case hex. */
export async function pinsInUse(db: Queries, lookups: readonly string[]): Promise<ReadonlySet<string>> {
  const found = await db.query<{ lookup: string }>(
    `with asked as (select decode(l, 'hex') as lookup from unnest($1::text[]) l)
     select encode(lookup, 'hex') as lookup from asked a
     where exists (select from credentials c where c.held and c.kind = 'pin' and c.lookup = a.lookup)
        or exists (select from credentials c where not c.held and c.kind = 'pin' and c.lookup = a.lookup)`,
    [lookups],
  )
  return new Set(found.rows.map((row) => row.lookup))
}

export interface DrawnPin {
  readonly seq: number
  /** Lower-case hex. */
  readonly lookup: string
}

/** Completes items with what was drawn for them. Their digests stay as they are. */
export async function notePins(db: Queries, runId: number, drawn: readonly DrawnPin[]): Promise<void> {
  await db.query(
    `update plan_items i set new = i.new || jsonb_build_object('lookup', d.lookup)
     from unnest($2::int[], $3::text[]) d (seq, lookup) where i.run_id = $1 and i.seq = d.seq`,
    [runId, drawn.map((d) => d.seq), drawn.map((d) => d.lookup)],
  )
}

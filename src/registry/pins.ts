// PINs that are drawn while a plan is made: which items wait for one, and which look-ups nobody may get.
import type { Queries } from '../database/connect.ts'
import { copyInto, copyRow } from '../database/copy.ts'
import type { Transaction } from '../database/transaction.ts'

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

/**
 * Completes items with what was drawn for them, all at once: batch by batch, PostgreSQL looks each time through what the transaction has
 * left behind. Their digests stay as they are.
 */
export async function notePins(tx: Transaction, runId: number, drawn: readonly DrawnPin[]): Promise<void> {
  await tx.query('create temp table drawn_pins (seq int primary key, lookup text not null) on commit drop')
  await copyInto(tx.client, 'drawn_pins (seq, lookup)', { rows: drawn.map((d) => copyRow([d.seq, d.lookup])) })
  await tx.query('analyze drawn_pins')
  await tx.query(
    `update plan_items i set new = i.new || jsonb_build_object('lookup', d.lookup)
     from drawn_pins d where i.run_id = $1 and i.seq = d.seq`,
    [runId],
  )
}

// Schedules: makes a job of what has come due, once, whichever servers look, and once for all that came due while none did.
import { randomUUID } from 'node:crypto'
import type { Queries } from '../database/connect.ts'
import { withTransaction } from '../database/transaction.ts'
import { getHealth, listHealth } from '../registry/health.ts'
import { isCopy } from '../registry/installation.ts'
import { addJob } from '../registry/jobs.ts'
import { lastDue } from '../registry/schedules.ts'
import { listSources, type Source } from '../registry/sources.ts'
import type { Asking } from './asking.ts'

/** The database's clock was ahead when it was looked last: what was noted then is worth nothing. */
const CLOCK_WENT_BACK_MS = 60_000

/**
 * Fires what is due of every enabled source, by the clock of the database.
 *
 * A source that nobody has synchronized yet waits: what its first run does is for somebody to see and to say.
 *
 * A schedule counts from the moment at which it is first seen, after that first run, however it ended, and again whenever it is changed: nobody is surprised by a run that
 * was due before. A full run that is due together with a delta takes its place. A source that keeps failing waits for its next try.
 *
 * @param at the time, for tests
 * @returns the ids of the jobs
 */
export async function fireDue(asking: Asking, at?: Date): Promise<readonly string[]> {
  const { db, local } = asking.engine
  if (await isCopy(db, local)) return []
  const sources = await listSources(db)
  const health = await listHealth(db)
  const begun = new Set(health.filter((one) => one.hasBegun).map((one) => one.sourceId))
  const running = sources.filter((source) => source.enabled && begun.has(source.id))
  await db.query('delete from schedules where not (source_id = any($1::int[]))', [running.map(({ id }) => id)])
  const fired: string[] = []
  for (const source of running) {
    const id = await withTransaction(db, async (tx) =>
      fireSource(asking, tx, { source, now: at ?? (await timeOf(tx)) }),
    )
    if (id !== undefined) fired.push(id)
  }
  if (fired.length > 0) asking.queue.wake()
  return fired
}

async function timeOf(tx: Queries): Promise<Date> {
  const found = await tx.query<{ now: Date }>('select clock_timestamp() as now')
  // There is one row.
  return found.rows[0]?.now ?? new Date(Number.NaN)
}

async function fireSource(
  { queue }: Asking,
  tx: Queries,
  { source, now }: { readonly source: Source; readonly now: Date },
): Promise<string | undefined> {
  const { schedule, timezone } = source.settings
  const terms = JSON.stringify([schedule.delta, schedule.full, timezone])
  await tx.query('insert into schedules values ($1, $2, $3, $3) on conflict do nothing', [source.id, terms, now])
  // Whoever holds it does what is due.
  const found = await tx.query<{ terms: string; delta_through: Date; full_through: Date }>(
    'select terms, delta_through, full_through from schedules where source_id = $1 for update skip locked',
    [source.id],
  )
  const [row] = found.rows
  if (row === undefined) return undefined
  const through = { delta: row.delta_through, full: row.full_through }
  const isAhead = Math.max(through.delta.getTime(), through.full.getTime()) > now.getTime() + CLOCK_WENT_BACK_MS
  if (row.terms !== terms || isAhead) {
    await tx.query('update schedules set terms = $2, delta_through = $3, full_through = $3 where source_id = $1', [
      source.id,
      terms,
      now,
    ])
    return undefined
  }
  const due = dueOf(source, { now, through })
  if (due === undefined) return undefined
  const health = await getHealth(tx, source.id)
  if (health?.nextTryAt !== undefined && health.nextTryAt !== null && health.nextTryAt > now) return undefined
  await tx.query(
    `update schedules set delta_through = $2, full_through = case when $3 then $2 else full_through end where source_id = $1`,
    [source.id, now, due.full],
  )
  const added = await addJob(tx, {
    id: randomUUID(),
    sourceId: source.id,
    source: source.name,
    kind: 'sync',
    full: due.full,
    actor: { kind: 'schedule', name: 'schedule' },
    slot: due.slot,
  })
  if (added === undefined) return undefined
  await queue.send(tx, added.id)
  return added.id
}

function dueOf(
  { settings }: Source,
  { now, through }: { readonly now: Date; readonly through: { readonly delta: Date; readonly full: Date } },
): { readonly full: boolean; readonly slot: Date } | undefined {
  const { schedule, timezone } = settings
  const full = lastDue(schedule.full, { timezone, now })
  if (full !== undefined && full > through.full) return { full: true, slot: full }
  const delta = lastDue(schedule.delta, { timezone, now })
  if (delta !== undefined && delta > through.delta) return { full: false, slot: delta }
  return undefined
}

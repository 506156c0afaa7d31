// The outbox: alerts are stored with what they are about, and leave it once for each sink that takes them.
import type { Queries } from '../database/connect.ts'
import type { Alert, AlertFacts } from './alert.ts'

const MINUTE_MS = 60_000
const DAY_MS = 24 * 60 * MINUTE_MS

/** After this nobody is helped by an alert any more. */
const DELIVERED_WITHIN_MS = 7 * DAY_MS
/** Kept so that the same thing is not told again. */
const KEPT_MS = 400 * DAY_MS
/** How long a try may take before another process may make the next one. */
const TRY_MS = 2 * MINUTE_MS

/**
 * Stores an alert, in the transaction of what it is about. One with a key that was raised before is not raised again.
 *
 * @returns whether it is new
 */
export async function raiseAlert(
  tx: Queries,
  alert: { readonly key: string; readonly facts: AlertFacts },
  now: Date,
): Promise<boolean> {
  const raised = await tx.query(
    'insert into alerts (key, facts, raised_at) values ($1, $2, $3) on conflict (key) do nothing returning id',
    [alert.key, JSON.stringify(alert.facts), now],
  )
  return raised.rowCount === 1
}

export async function isRaised(db: Queries, key: string): Promise<boolean> {
  return (await db.query('select 1 from alerts where key = $1', [key])).rowCount === 1
}

/** Alerts of one kind since then, the oldest first; whether they were delivered does not matter. */
export async function listRaised<Kind extends AlertFacts['kind']>(
  db: Queries,
  kind: Kind,
  since: Date,
): Promise<readonly { readonly raisedAt: Date; readonly facts: Extract<AlertFacts, { readonly kind: Kind }> }[]> {
  const { rows } = await db.query<{ raisedAt: Date; facts: Extract<AlertFacts, { readonly kind: Kind }> }>(
    `select raised_at as "raisedAt", facts from alerts where raised_at > $2 and facts ->> 'kind' = $1 order by id`,
    [kind, since],
  )
  return rows
}

/** An alert to be sent now; `tries` counts this one. */
export interface DueAlert extends Alert {
  readonly tries: number
}

/**
 * Takes the next alert that this sink has not taken yet and that is due. Nobody else gets it for two minutes; whoever dies
 * with it in his hands leaves it to the next, so that every alert is delivered at least once.
 */
export async function takeDue(db: Queries, sink: string, now: Date): Promise<DueAlert | undefined> {
  const since = new Date(now.getTime() - DELIVERED_WITHIN_MS)
  await db.query('delete from alerts where raised_at < $1', [new Date(now.getTime() - KEPT_MS)])
  await db.query(
    `update alert_deliveries d set state = 'given-up' from alerts a
     where a.id = d.alert_id and d.sink = $1 and d.state = 'waiting' and a.raised_at <= $2`,
    [sink, since],
  )
  await db.query(
    `insert into alert_deliveries (alert_id, sink, next_try_at)
     select id, $1, $2 from alerts a where a.raised_at > $3
       and not exists (select from alert_deliveries d where d.alert_id = a.id and d.sink = $1)
     on conflict do nothing`,
    [sink, now, since],
  )
  const taken = await db.query<{ id: number; raised_at: Date; facts: AlertFacts; tries: number }>(
    `update alert_deliveries d set tries = tries + 1, next_try_at = $3
     from alerts a where a.id = d.alert_id and (d.alert_id, d.sink) = (
       select w.alert_id, w.sink from alert_deliveries w
       where w.sink = $1 and w.state = 'waiting' and w.next_try_at <= $2
       order by w.alert_id limit 1 for update skip locked)
     returning a.id, a.raised_at, a.facts, d.tries`,
    [sink, now, new Date(now.getTime() + TRY_MS)],
  )
  const [row] = taken.rows
  return row === undefined ? undefined : { id: row.id, raisedAt: row.raised_at, facts: row.facts, tries: row.tries }
}

/** The sink took it. */
export async function markDelivered(
  db: Queries,
  delivery: { readonly id: number; readonly sink: string },
  now: Date,
): Promise<void> {
  await db.query(
    `update alert_deliveries set state = 'delivered', delivered_at = $3, problem = null where alert_id = $1 and sink = $2`,
    [delivery.id, delivery.sink, now],
  )
}

/** The sink did not take it: it is tried again after `pauseMs`. */
export async function markFailed(
  db: Queries,
  delivery: { readonly id: number; readonly sink: string; readonly problem: string; readonly pauseMs: number },
  now: Date,
): Promise<void> {
  await db.query(
    `update alert_deliveries set problem = $3, next_try_at = $4 where alert_id = $1 and sink = $2 and state = 'waiting'`,
    [delivery.id, delivery.sink, delivery.problem, new Date(now.getTime() + delivery.pauseMs)],
  )
}

/** Alerts that a sink has refused so far and has not taken since, and what it said last. */
export interface Undelivered {
  readonly sink: string
  readonly count: number
  readonly problem: string
  /** Null where it is not tried any more. */
  readonly nextTryAt: Date | null
}

/** One line for each sink that is behind; those given up are told for a week more. */
export async function listUndelivered(db: Queries, now: Date): Promise<readonly Undelivered[]> {
  const found = await db.query<{ sink: string; count: number; problem: string; next_try_at: Date | null }>(
    `select d.sink, count(*)::int as count, (array_agg(d.problem order by d.next_try_at desc))[1] as problem,
       min(d.next_try_at) filter (where d.state = 'waiting') as next_try_at
     from alert_deliveries d join alerts a on a.id = d.alert_id
     where d.problem is not null and d.state <> 'delivered' and a.raised_at > $1 group by d.sink order by d.sink`,
    [new Date(now.getTime() - 2 * DELIVERED_WITHIN_MS)],
  )
  return found.rows.map(({ next_try_at, ...row }) => ({ ...row, nextTryAt: next_try_at }))
}

// When each connection's app registration is asked when its client secrets end, and what came of it.
import type { Queries } from '../database/connect.ts'
import { CONNECTION_COLUMNS, type Connection, type ConnectionRow, parseConnection } from './connections.ts'

export interface ExpiryReading {
  /** When the registration last told; null: never. */
  readonly readAt: Date | null
  /** Why it did not at the latest try; null where it did, or was never asked. */
  readonly problem: string | null
}

/** The end of other credentials is known from themselves, or there is none. */
const HAS_SECRET = `exists (select from connection_credentials x where x.connection_id = c.id and x.kind = 'secret')`

/**
 * Takes a connection that is due. Of several servers one gets it; it has it until the given time, after which another one may try.
 *
 * @returns undefined where none is due
 */
export async function takeReading(
  db: Queries,
  { now, until }: { readonly now: Date; readonly until: Date },
): Promise<Connection | undefined> {
  const { rows } = await db.query<ConnectionRow>(
    `update connections c set expiry_next_at = $2
      where c.id = (select c.id from connections c where (c.expiry_next_at is null or c.expiry_next_at <= $1) and ${HAS_SECRET}
                     order by c.id limit 1 for update skip locked)
      returning ${CONNECTION_COLUMNS}`,
    [now, until],
  )
  return rows[0] === undefined ? undefined : parseConnection(rows[0])
}

/** Takes one that is asked out of its turn. */
export async function takeReadingOf(db: Queries, connectionId: number, until: Date): Promise<void> {
  await db.query('update connections set expiry_next_at = $2 where id = $1', [connectionId, until])
}

/** Nobody has changed anything: not for the audit. */
export async function noteReading(
  db: Queries,
  reading: {
    readonly connectionId: number
    /** Null: the registration has told. */
    readonly problem: string | null
    readonly now: Date
    /** Until when it was taken: whoever changed a credential meanwhile has it asked again. */
    readonly takenUntil: Date
    readonly nextAt: Date
  },
): Promise<void> {
  await db.query(
    `update connections set expiry_problem = $2, expiry_next_at = case when expiry_next_at = $5 then $4 else expiry_next_at end,
       expiry_read_at = case when $2::text is null then $3 else expiry_read_at end where id = $1`,
    [reading.connectionId, reading.problem, reading.now, reading.nextAt, reading.takenUntil],
  )
}

/** Asks soon again, because a credential was added or changed. */
export async function readSoon(db: Queries, connectionId: number): Promise<void> {
  await db.query('update connections set expiry_next_at = null where id = $1', [connectionId])
}

export async function getReading(db: Queries, connectionId: number): Promise<ExpiryReading> {
  const { rows } = await db.query<ExpiryReading>(
    'select expiry_read_at as "readAt", expiry_problem as problem from connections where id = $1',
    [connectionId],
  )
  return rows[0] ?? { readAt: null, problem: null }
}

// Which servers are alive: whoever wants the database for himself asks here.
import type { ProcessIdentity } from '../base/process.ts'
import type { Queries } from '../database/connect.ts'

/** Tells that a server is alive, for the first time or again. */
export async function noteServer(db: Queries, id: string, place: Pick<ProcessIdentity, 'host' | 'pid'>): Promise<void> {
  await db.query(
    `insert into servers (id, host, pid) values ($1, $2, $3) on conflict (id) do update set seen_at = clock_timestamp()`,
    [id, place.host, place.pid],
  )
}

/** It has ended, or been silent for so long that nobody cares any more. */
export async function forgetServer(db: Queries, id: string): Promise<void> {
  await db.query(`delete from servers where id = $1 or seen_at < clock_timestamp() - interval '1 day'`, [id])
}

// Which servers are alive, and where: whoever wants the database for himself asks here, and whoever makes a link to one.
import type { ProcessIdentity } from '../base/process.ts'
import type { Queries } from '../database/connect.ts'

/** A server that was silent for so long may be gone. */
const ALIVE_SECONDS = 30

/** Tells that a server is alive, for the first time or again; and where it is reached, once it listens. */
export async function noteServer(
  db: Queries,
  id: string,
  place: Pick<ProcessIdentity, 'host' | 'pid'> & { readonly url?: string | undefined },
): Promise<void> {
  await db.query(
    `insert into servers as s (id, host, pid, url) values ($1, $2, $3, $4)
     on conflict (id) do update set seen_at = clock_timestamp(), url = coalesce(excluded.url, s.url)`,
    [id, place.host, place.pid, place.url ?? null],
  )
}

/** Where servers that are alive are reached: those of this machine first, the latest first. */
export async function listServerUrls(
  db: Queries,
  { host }: Pick<ProcessIdentity, 'host'>,
): Promise<readonly { readonly url: string; readonly isHere: boolean }[]> {
  const { rows } = await db.query<{ url: string; is_here: boolean }>(
    `select url, host = $1 as is_here from servers
      where url is not null and seen_at > clock_timestamp() - make_interval(secs => $2)
      order by is_here desc, started_at desc`,
    [host, ALIVE_SECONDS],
  )
  return rows.map((row) => ({ url: row.url, isHere: row.is_here }))
}

/** It has ended, or been silent for so long that nobody cares any more. */
export async function forgetServer(db: Queries, id: string): Promise<void> {
  await db.query(`delete from servers where id = $1 or seen_at < clock_timestamp() - interval '1 day'`, [id])
}

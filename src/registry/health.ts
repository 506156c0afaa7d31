// How the runs of each source have been going: stored with every end of a run, shown, and asked by schedules.
import type { HealthState } from '../contract/health.ts'
import type { Queries } from '../database/connect.ts'

/** What is known of a source's runs. */
export interface SourceHealth {
  readonly state: HealthState
  readonly since: Date
  /** Failed runs in a row, and when the first of them ended. */
  readonly failures: number
  readonly failingSince: Date | null
  /** Of the last failures in a row, how many were refusals of credentials, consent or permissions. */
  readonly refusals: number
  readonly code: string | null
  readonly reason: string | null
  readonly remedy: string | null
  /** Before this a schedule does not run it. */
  readonly nextTryAt: Date | null
  readonly lastSuccessAt: Date | null
}

export interface NamedHealth {
  readonly sourceId: number
  readonly source: string
  readonly enabled: boolean
  readonly createdAt: Date
  /** Whether somebody has had it synchronized; its schedule begins with that, however it ended. */
  readonly hasBegun: boolean
  /** Undefined before its first run has ended. */
  readonly health: SourceHealth | undefined
}

const COLUMNS = `h.state, h.since, h.failures, h.failing_since as "failingSince", h.refusals, h.code, h.reason, h.remedy,
  h.next_try_at as "nextTryAt", h.last_success_at as "lastSuccessAt"`

/** Notes that somebody had a source synchronized. To be called in the transaction that ends the run. */
export async function noteBegun(db: Queries, sourceId: number, now: Date): Promise<void> {
  await db.query('update sources set begun_at = $2 where id = $1 and begun_at is null', [sourceId, now])
}

/** Whether a schedule runs it: it has one, and somebody has had it synchronized. */
export async function isScheduled(db: Queries, sourceId: number): Promise<boolean> {
  const { rowCount } = await db.query(
    `select from sources where id = $1 and begun_at is not null
       and coalesce(settings #>> '{schedule,delta}', settings #>> '{schedule,full}') is not null`,
    [sourceId],
  )
  return rowCount === 1
}

/** Undefined for a source whose first run has not ended. */
export async function getHealth(db: Queries, sourceId: number): Promise<SourceHealth | undefined> {
  const found = await db.query<SourceHealth>(`select ${COLUMNS} from source_health h where h.source_id = $1`, [
    sourceId,
  ])
  return found.rows[0]
}

/** Replaces what is known. To be called in the transaction that ends the run. */
export async function setHealth(
  db: Queries,
  place: { readonly sourceId: number; readonly runId: number },
  health: SourceHealth,
): Promise<void> {
  // Nothing for a source that was removed meanwhile.
  await db.query(
    `insert into source_health (source_id, run_id, state, since, failures, failing_since, refusals, code, reason, remedy,
       next_try_at, last_success_at)
     select s.id, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12 from sources s where s.id = $1
     on conflict (source_id) do update set run_id = excluded.run_id, state = excluded.state, since = excluded.since,
       failures = excluded.failures, failing_since = excluded.failing_since, refusals = excluded.refusals,
       code = excluded.code, reason = excluded.reason, remedy = excluded.remedy, next_try_at = excluded.next_try_at,
       last_success_at = excluded.last_success_at`,
    [
      place.sourceId,
      place.runId,
      health.state,
      health.since,
      health.failures,
      health.failingSince,
      health.refusals,
      health.code,
      health.reason,
      health.remedy,
      health.nextTryAt,
      health.lastSuccessAt,
    ],
  )
}

/** All sources by name, with how they are doing. */
export async function listHealth(db: Queries): Promise<readonly NamedHealth[]> {
  const found = await db.query<
    { id: number; name: string; enabled: boolean; created_at: Date; has_begun: boolean } & {
      [Key in keyof SourceHealth]: SourceHealth[Key] | null
    }
  >(
    `select s.id, s.name, s.enabled, s.created_at, s.begun_at is not null as has_begun, ${COLUMNS} from sources s left join source_health h on h.source_id = s.id
     order by s.name`,
  )
  return found.rows.map(({ id, name, enabled, created_at, has_begun, ...row }) => ({
    sourceId: id,
    source: name,
    enabled,
    createdAt: created_at,
    hasBegun: has_begun,
    health:
      row.state === null || row.since === null
        ? undefined
        : { ...row, state: row.state, since: row.since, failures: row.failures ?? 0, refusals: row.refusals ?? 0 },
  }))
}

// The audit as it is shown.
import { z } from 'zod'
import type { AuditEntry } from '../contract/api/administration.ts'
import { auditEntry } from '../contract/api/administration.ts'
import type { Queries } from '../database/connect.ts'

export interface AuditQuery {
  /** The beginning of an action, e.g. `run.`. */
  readonly action?: string | undefined
  /** The name of whoever did it. */
  readonly actor?: string | undefined
  /** Only entries before this one. */
  readonly before?: number | undefined
  readonly limit: number
}

const details = z.record(z.string(), z.unknown())
const kind = auditEntry.shape.actor.shape.kind

/** The newest first. */
export async function listAudit(db: Queries, query: AuditQuery): Promise<readonly AuditEntry[]> {
  const { rows } = await db.query<{
    id: number
    at: Date
    actor_kind: string
    actor_name: string
    actor_address: string | null
    action: string
    subject: string | null
    details: string
  }>(
    `select id, at, actor_kind, actor_name, actor_address, action, subject, details from audit
     where ($1::text is null or starts_with(action, $1)) and ($2::text is null or actor_name = $2)
       and ($3::bigint is null or id < $3)
     order by id desc limit $4`,
    [query.action ?? null, query.actor ?? null, query.before ?? null, query.limit],
  )
  return rows.map((row) => ({
    id: String(row.id),
    at: row.at.toISOString(),
    actor: { kind: kind.parse(row.actor_kind), name: row.actor_name, address: row.actor_address },
    action: row.action,
    subject: row.subject,
    details: details.parse(JSON.parse(row.details)),
  }))
}

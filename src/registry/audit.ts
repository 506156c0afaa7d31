// The audit: who changed what, written in the transaction that changes it. Rows are chained by keyed digests.
import type { Clock } from '../base/clock.ts'
import type { ACTOR_KINDS } from '../contract/api/administration.ts'
import type { Database, Queries } from '../database/connect.ts'
import { type Transaction, withTransaction } from '../database/transaction.ts'
import type { Vault } from '../vault/keys.ts'

/** Who does something. */
export interface Actor {
  readonly kind: (typeof ACTOR_KINDS)[number]
  /** Of the account, token or terminal; a person's user name; on the command line user@host; for nobody what was tried. Kept with runs as who decided. */
  readonly name: string
  /** Account, token or terminal id; a person's user id. */
  readonly id?: number | undefined
  /** The client's address, where there is one. */
  readonly address?: string | undefined
}

export interface AuditRecord {
  readonly actor: Actor
  /** e.g. `run.approve`; refused attempts end in `.refused`. */
  readonly action: string
  /** What it was done to, e.g. `source contoso-staff`. */
  readonly subject: string | null
  /** What changed. Never secrets, tokens, passwords, cards or PINs. */
  readonly details: Readonly<Record<string, unknown>>
}

/**
 * Adds an entry in the transaction that makes the change: both are there, or neither is.
 *
 * To be called last: until the transaction ends, other changes wait for the end of the chain.
 */
export async function recordAudit(
  tx: Transaction,
  options: { readonly vault: Pick<Vault, 'lookup'>; readonly clock: Clock },
  ...records: readonly AuditRecord[]
): Promise<void> {
  const head = await tx.query<{ last_id: number; digest: Buffer }>('select last_id, digest from audit_head for update')
  let { last_id: id, digest } = head.rows[0] ?? { last_id: 0, digest: Buffer.alloc(0) }
  for (const { actor, action, subject, details } of records) {
    id += 1
    const at = options.clock.now()
    const row = [
      at.toISOString(),
      actor.kind,
      actor.name,
      actor.address ?? null,
      action,
      subject,
      JSON.stringify(details),
    ]
    digest = digestOf(options.vault, { id, before: digest, row })
    await tx.query(
      `insert into audit (id, at, actor_kind, actor_name, actor_address, action, subject, details, digest)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
      [id, ...row, digest],
    )
  }
  await tx.query('update audit_head set last_id = $1, digest = $2', [id, digest])
}

/** Adds an entry about something that was done and changed nothing here, e.g. a check. */
export async function recordAlone(
  db: Database,
  options: Parameters<typeof recordAudit>[1],
  record: AuditRecord,
): Promise<void> {
  await withTransaction(db, (tx) => recordAudit(tx, options, record))
}

function digestOf(
  vault: Pick<Vault, 'lookup'>,
  { id, before, row }: { readonly id: number; readonly before: Buffer; readonly row: readonly (string | null)[] },
): Buffer {
  return vault.lookup('audit', JSON.stringify([id, before.toString('hex'), ...row]))
}

/** Reads the whole chain and tells the first entry that is not as it was written, or that is missing. */
export async function verifyAudit(
  db: Queries,
  vault: Pick<Vault, 'lookup'>,
): Promise<{ readonly isWhole: boolean; readonly entries: number; readonly brokenAt: number | null }> {
  const PAGE = 1_000
  let before: Buffer = Buffer.alloc(0)
  let last = 0
  for (;;) {
    const page = await db.query<{
      id: number
      at: Date
      actor_kind: string
      actor_name: string
      actor_address: string | null
      action: string
      subject: string | null
      details: string
      digest: Buffer
    }>(
      `select id, at, actor_kind, actor_name, actor_address, action, subject, details, digest
       from audit where id > $1 order by id limit ${PAGE}`,
      [last],
    )
    for (const entry of page.rows) {
      const row = [
        entry.at.toISOString(),
        entry.actor_kind,
        entry.actor_name,
        entry.actor_address,
        entry.action,
        entry.subject,
        entry.details,
      ]
      const expected = digestOf(vault, { id: last + 1, before, row })
      if (entry.id !== last + 1 || !expected.equals(entry.digest))
        return { isWhole: false, entries: last, brokenAt: last + 1 }
      before = entry.digest
      last = entry.id
    }
    if (page.rows.length < PAGE) break
  }
  const head = await db.query<{ last_id: number; digest: Buffer }>('select last_id, digest from audit_head')
  const isWhole = head.rows[0]?.last_id === last && (last === 0 || head.rows[0].digest.equals(before))
  return { isWhole, entries: last, brokenAt: isWhole ? null : last + 1 }
}

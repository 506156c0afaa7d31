// Edits by hand: one transaction that holds off plans being applied, locks what it changes, and is audited.
import type { Clock } from '../base/clock.ts'
import { BusyError, ConflictError, NotFoundError } from '../base/errors.ts'
import type { Database, Queries } from '../database/connect.ts'
import { type Transaction, withTransaction } from '../database/transaction.ts'
import { sqlState } from '../database/unavailable.ts'
import type { Vault } from '../vault/keys.ts'
import { type Actor, type AuditRecord, recordAudit } from './audit.ts'
import { userSubject } from './person-history.ts'

/** What every edit is given. */
export interface Edit {
  readonly vault: Pick<Vault, 'seal' | 'open' | 'lookup'>
  readonly clock: Clock
  readonly actor: Actor
}

/** Longest wait for a plan that is being applied. */
const WAIT_MS = 10_000

/**
 * Runs an edit in a transaction of its own. Edits come one after the other and never while a plan is applied: what an edit has found
 * free is free still when it is written, and a plan that was made before sees by the version that the row has moved.
 *
 * @throws BusyError when a plan is applied for so long that the edit gives up; whatever `work` throws
 */
export async function withEdit<T>(
  db: Database,
  edit: Edit,
  work: (tx: Transaction) => Promise<{ readonly result: T; readonly audit: readonly Omit<AuditRecord, 'actor'>[] }>,
): Promise<T> {
  try {
    return await withTransaction(
      db,
      async (tx) => {
        // A process that is stopped in the middle of this keeps nobody waiting for longer.
        await tx.query(`set local idle_in_transaction_session_timeout = '15s'`)
        await holdRegistry(tx, 'alone')
        const { result, audit } = await work(tx)
        if (audit.length > 0) await recordAudit(tx, edit, ...audit.map((record) => ({ ...record, actor: edit.actor })))
        return result
      },
      { lockTimeoutMs: WAIT_MS },
    )
  } catch (error) {
    if (sqlState(error) !== LOCK_NOT_AVAILABLE) throw error
    throw new BusyError(
      'A plan is being applied to the registry right now, so nothing else is changed; try again in a minute',
    )
  }
}

const LOCK_NOT_AVAILABLE = '55P03'

/**
 * Keeps edits by hand and plans that are applied apart until the transaction ends. Plans of several sources share it.
 * To be called before anything else is locked.
 */
export async function holdRegistry(tx: Queries, how: 'alone' | 'shared'): Promise<void> {
  const lock = how === 'alone' ? 'pg_advisory_xact_lock' : 'pg_advisory_xact_lock_shared'
  await tx.query(`select ${lock}(hashtext('muster: registry is written'))`)
}

/** A user whom an edit changes, locked. */
export interface EditedUser {
  readonly id: number
  readonly tenantId: string | null
  readonly objectId: string | null
  readonly sourceId: number | null
  readonly active: boolean
  readonly deactivatedBy: 'source' | 'administrator' | null
  readonly protected: boolean
  readonly administrator: boolean
  readonly userName: string
  readonly personalNumber: string | null
  readonly canonicalNumber: string | null
  readonly own: Readonly<Record<string, string>>
  readonly version: number
}

/**
 * @param version the one that whoever edits has seen; left out where the edit does not depend on it
 * @throws NotFoundError; ConflictError `changed-meanwhile`
 */
export async function lockUser(tx: Queries, userId: number, version?: number): Promise<EditedUser> {
  const found = await tx.query<EditedUser>(
    `select id, tenant_id as "tenantId", object_id as "objectId", source_id as "sourceId", active, deactivated_by as "deactivatedBy",
       protected, administrator, user_name as "userName", personal_number as "personalNumber", canonical_number as "canonicalNumber", own, version
     from users where id = $1 for update`,
    [userId],
  )
  const [user] = found.rows
  if (user === undefined) throw new NotFoundError('user', String(userId))
  if (version !== undefined && version !== user.version) {
    throw new ConflictError(
      'changed-meanwhile',
      `${JSON.stringify(user.userName)} was changed by somebody else or by a run since you looked; look again and repeat the change`,
    )
  }
  return user
}

/** Notes that the user changed: plans made before leave him out, and every source that has read him plans him in its next run. */
export async function touchUser(tx: Queries, userId: number): Promise<void> {
  await tx.query('update users set version = version + 1, updated_at = now() where id = $1', [userId])
  // Later than any run that goes on now, so that its end does not take the mark for its own.
  await tx.query(
    `insert into mirror_marks (source_id, key, at)
     select s.id, o.key, s.fence + 2 from users u
       join sources s on true join connections c on c.id = s.connection_id and c.tenant_id = u.tenant_id
       join mirror_objects o on o.source_id = s.id and o.object_id = u.object_id and o.kind = 'u'
     where u.id = $1 on conflict (source_id, key) do update set at = greatest(mirror_marks.at, excluded.at)`,
    [userId],
  )
}

/** An entry of the audit about a user. Values must be none that nobody should see. */
export function aboutUser(
  user: Pick<EditedUser, 'id' | 'userName'>,
  action: string,
  details: {
    readonly old?: Readonly<Record<string, unknown>>
    readonly new?: Readonly<Record<string, unknown>>
    readonly reason?: string
  } = {},
): Omit<AuditRecord, 'actor'> {
  return { action, subject: userSubject(user.id), details: { userName: user.userName, ...details } }
}

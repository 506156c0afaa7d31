// Credentials of a connection one by one: added and removed beside each other, so that one is replaced without a gap, and what is
// learnt of them. A running server opens them anew for each run and check.
import { X509Certificate } from 'node:crypto'
import type { Clock } from '../base/clock.ts'
import { ConfigError, ConflictError, NotFoundError } from '../base/errors.ts'
import { MAX_CREDENTIALS } from '../contract/credentials.ts'
import type { Database, Queries } from '../database/connect.ts'
import { withTransaction } from '../database/transaction.ts'
import type { Vault } from '../vault/keys.ts'
import { type Actor, recordAudit } from './audit.ts'
import { lockConfiguration } from './configuration.ts'
import { type CredentialOnFile, listCredentials, openCredentials, requireConnection } from './connections.ts'
import type { Editing } from './edit-connections.ts'
import { makeCertificate } from './make-certificate.ts'
import { later } from './meanwhile.ts'
import {
  certificateCredential,
  describeCredential,
  insertCredential,
  redate,
  type WantedCredential,
} from './put-connection.ts'

interface OfConnection extends Editing {
  readonly connection: string
}

/**
 * Adds a credential; `made`: a certificate whose key Muster makes.
 *
 * @throws NotFoundError; ConfigError when it is there already or there are as many as there may be
 */
export async function addCredential(
  db: Database,
  options: OfConnection & { readonly credential: WantedCredential | 'made' },
): Promise<number> {
  const { vault, clock, connection: name } = options
  return withTransaction(db, async (tx) => {
    await lockConfiguration(tx)
    const { id: connectionId } = await requireConnection(tx, name)
    const there = await listCredentials(tx, connectionId)
    if (there.length >= MAX_CREDENTIALS)
      throw mistake(`there are ${there.length} already; remove one that is not used any more`)
    const origin = options.credential === 'made' ? { origin: 'made' as const } : {}
    const credential =
      options.credential === 'made'
        ? certificateCredential(await makeCertificate({ name, now: clock.now() }))
        : options.credential
    const id = await insertCredential(tx, { connectionId, vault, credential, ...origin })
    const [added, ...others] = await listCredentials(tx, connectionId)
    if (others.some(({ kind, fingerprint }) => kind === added?.kind && fingerprint === added.fingerprint))
      throw mistake('the connection has this very credential already')
    await noteChange(tx, connectionId)
    if (added !== undefined) await audit(tx, options, { action: 'credential-add', credential: added })
    return id
  })
}

/** @throws NotFoundError; ConflictError `last-credential` where sources would be left without one */
export async function removeCredential(
  db: Database,
  options: OfConnection & { readonly credential: number },
): Promise<void> {
  await withTransaction(db, async (tx) => {
    await lockConfiguration(tx)
    const { id: connectionId } = await requireConnection(tx, options.connection)
    const { credential, others } = await requireCredential(tx, { connectionId, id: options.credential })
    const fed = await tx.query('select 1 from sources where connection_id = $1 limit 1', [connectionId])
    if (others.length === 0 && fed.rows.length > 0)
      throw new ConflictError(
        'last-credential',
        `Cannot remove the last credential of the connection ${JSON.stringify(options.connection)}: its sources could not read any more. Add another one first.`,
      )
    await tx.query('delete from connection_credentials where id = $1', [credential.id])
    await noteChange(tx, connectionId)
    await audit(tx, options, { action: 'credential-remove', credential })
  })
}

/**
 * Keeps the day on which a client secret ends, as somebody has looked it up.
 *
 * @throws NotFoundError; ConfigError for a certificate, which says it itself
 */
export async function enterExpiry(
  db: Database,
  options: OfConnection & { readonly credential: number; readonly expiresAt: Date | null },
): Promise<void> {
  const { expiresAt } = options
  await withTransaction(db, async (tx) => {
    await lockConfiguration(tx)
    const { id: connectionId } = await requireConnection(tx, options.connection)
    const { credential } = await requireCredential(tx, { connectionId, id: options.credential })
    if (credential.kind !== 'secret')
      throw new ConfigError([{ at: 'expires', message: 'is entered for client secrets only' }])
    if (credential.expiresAt?.getTime() === expiresAt?.getTime()) return
    await redate(tx, { id: credential.id, expiresAt, from: 'entered' })
    await noteChange(tx, connectionId)
    await audit(tx, options, { action: 'credential-change', credential: { ...credential, expiresAt } })
  })
}

/** The public part of a certificate as PEM, which Entra takes. @throws NotFoundError, also for other kinds */
export async function readCertificate(
  db: Queries,
  options: { readonly vault: Pick<Vault, 'open'>; readonly connection: string; readonly credential: number },
): Promise<{ readonly pem: string; readonly thumbprint: string }> {
  const { id: connectionId } = await requireConnection(db, options.connection)
  const opened = await openCredentials(db, { connectionId, vault: options.vault })
  const found = opened.find(({ id }) => id === options.credential)
  if (found?.kind !== 'certificate') throw new NotFoundError('certificate', String(options.credential))
  // The first certificate of what is kept is the one of the key; nothing else of it is shown.
  const certificate = new X509Certificate(found.pem)
  return { pem: certificate.toString(), thumbprint: certificate.fingerprint.replaceAll(':', '') }
}

/** As {@link readCertificate}, of the newest certificate that a connection has. @throws NotFoundError */
export async function newestCertificate(
  db: Queries,
  options: { readonly vault: Pick<Vault, 'open'>; readonly connection: string },
): ReturnType<typeof readCertificate> {
  const { id } = await requireConnection(db, options.connection)
  const found = (await listCredentials(db, id)).find(({ kind }) => kind === 'certificate')
  if (found === undefined)
    throw new NotFoundError('certificate of the connection', options.connection, 'certificate: generate makes one')
  return readCertificate(db, { ...options, credential: found.id })
}

/** What the latest try with a credential came to; `refusal` is null where it works. */
export interface CredentialNote {
  readonly id: number
  readonly refusal: { readonly reason: string; readonly remedy: string } | null
}

/** The same is noted at most so often: runs without changes write nothing. */
const NOTED_AFTER_MS = 3_600_000

/** Keeps what became of credentials. Not for the audit: nobody has changed anything. */
export async function noteOutcomes(
  db: Queries,
  { notes, now }: { readonly notes: readonly CredentialNote[]; readonly now: Date },
): Promise<void> {
  const before = new Date(now.getTime() - NOTED_AFTER_MS)
  for (const { id, refusal } of notes) {
    if (refusal === null)
      await db.query(
        `update connection_credentials set worked_at = $2, refused_at = null, refusal = null, remedy = null
          where id = $1 and (worked_at is null or worked_at < $3 or refused_at is not null)`,
        [id, now, before],
      )
    else
      await db.query(
        `update connection_credentials set refused_at = $2, refusal = $3, remedy = $4
          where id = $1 and (refused_at is null or refused_at < $5 or refusal <> $3)`,
        [id, now, refusal.reason, refusal.remedy, before],
      )
  }
}

/** Keeps when a client secret ends, read from the app registration; what is known already is not written again. */
export async function noteExpiry(
  db: Database,
  options: {
    readonly vault: Pick<Vault, 'lookup'>
    readonly clock: Clock
    readonly actor: Actor
    readonly connection: string
    readonly credential: number
    readonly expiresAt: Date
  },
): Promise<void> {
  const { credential: id, expiresAt } = options
  await withTransaction(db, async (tx) => {
    const { rows } = await tx.query<{ connectionId: number }>(
      `select connection_id as "connectionId" from connection_credentials
        where id = $1 and (expires_at is distinct from $2 or expiry_from is distinct from 'entra') for update`,
      [id, expiresAt],
    )
    const [row] = rows
    if (row === undefined) return
    const { credential } = await requireCredential(tx, { connectionId: row.connectionId, id })
    await redate(tx, { id, expiresAt, from: 'entra' })
    await audit(tx, options, { action: 'credential-change', credential: { ...credential, expiresAt } })
  })
}

/** A form with a credential replaces all of its kind: whoever filled one in before this change has to look again. */
async function noteChange(tx: Queries, connectionId: number): Promise<void> {
  await tx.query(`update connections set updated_at = ${later('connections')} where id = $1`, [connectionId])
}

async function requireCredential(
  db: Queries,
  { connectionId, id }: { readonly connectionId: number; readonly id: number },
): Promise<{ credential: CredentialOnFile; others: readonly CredentialOnFile[] }> {
  const all = await listCredentials(db, connectionId)
  const credential = all.find((one) => one.id === id)
  if (credential === undefined) throw new NotFoundError('credential', String(id))
  return { credential, others: all.filter((one) => one.id !== id) }
}

/** The audit names kind, thumbprint and end; never a value. */
async function audit(
  tx: Parameters<typeof recordAudit>[0],
  options: {
    readonly vault: Pick<Vault, 'lookup'>
    readonly clock: Clock
    readonly actor: Actor
    readonly connection: string
  },
  { action, credential }: { readonly action: string; readonly credential: CredentialOnFile },
): Promise<void> {
  const { id, kind, origin } = credential
  await recordAudit(tx, options, {
    actor: options.actor,
    action: `connection.${action}`,
    subject: `connection ${options.connection}`,
    details: { credential: id, kind, origin, is: describeCredential(credential) },
  })
}

function mistake(message: string): ConfigError {
  return new ConfigError([{ at: 'credential', message }])
}

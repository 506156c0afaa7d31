// Changes of accounts, sessions and tokens, each with its audit in one transaction.
import { NotFoundError } from '../base/errors.ts'
import type { Role, Scope } from '../contract/api/endpoint.ts'
import { withTransaction } from '../database/transaction.ts'
import { type Actor, recordAudit } from '../registry/audit.ts'
import { changedMeanwhile } from '../registry/meanwhile.ts'
import { type AccountChange, changeAccount, insertAccount, type ListedAccount, requireAccount } from './accounts.ts'
import { hashPassword } from './hashing.ts'
import type { SessionIdentity } from './identity.ts'
import { requireGoodPassword } from './password.ts'
import type { SignInParts } from './parts.ts'
import { ENDED_SESSION, type EndedSession, endSessionsOf, subjectOfEnded } from './sessions.ts'
import { createToken, type ListedToken, revokeToken } from './tokens.ts'

/** @throws ConfigError at `password`; ConflictError `name-taken` */
export async function createAccount(
  parts: SignInParts,
  wanted: { readonly name: string; readonly password: string; readonly role: Role },
  actor: Actor,
): Promise<ListedAccount> {
  await requireGoodPassword(parts.db, wanted.password, wanted)
  const password = await hashPassword(wanted.password)
  return withTransaction(parts.db, async (tx) => {
    const now = parts.clock.now()
    const { name, role } = wanted
    const id = await insertAccount(tx, { name, role, password, now })
    const made = await requireAccount(tx, { id, now })
    const subject = `administrator ${name}`
    await recordAudit(tx, parts, { actor, action: 'account.create', subject, details: { role } })
    return made
  })
}

/**
 * Changes somebody's account; his sessions end, as they were begun as somebody else.
 *
 * @param change.password in clear
 * @param seen how it stood for whoever changes it
 * @throws NotFoundError; ConflictError `last-administrator`, `changed-meanwhile`; ConfigError at `password`
 */
export async function changeAccountOf(
  parts: SignInParts,
  {
    id,
    change,
    seen,
  }: {
    readonly id: number
    readonly change: AccountChange
    readonly seen?: { readonly role: Role; readonly enabled: boolean } | undefined
  },
  actor: Actor,
): Promise<ListedAccount> {
  const { role, enabled } = change
  const now = parts.clock.now()
  if (change.password !== undefined)
    await requireGoodPassword(parts.db, change.password, await requireAccount(parts.db, { id, now }))
  const password = change.password === undefined ? undefined : await hashPassword(change.password)
  return withTransaction(parts.db, async (tx) => {
    const before = await changeAccount(tx, { id, change: { role, enabled, password } })
    if (seen !== undefined && (seen.role !== before.role || seen.enabled !== before.enabled))
      throw changedMeanwhile(`the account ${JSON.stringify(before.name)}`)
    await endSessionsOf(tx, { administratorId: id })
    await tx.query('delete from one_time_codes where administrator_id = $1', [id])
    const after = await requireAccount(tx, { id, now })
    const details = {
      ...(before.role === after.role ? {} : { role: { old: before.role, new: after.role } }),
      ...(before.enabled === after.enabled ? {} : { enabled: { old: before.enabled, new: after.enabled } }),
      ...(password === undefined ? {} : { password: 'changed' }),
    }
    const subject = `administrator ${before.name}`
    await recordAudit(tx, parts, { actor, action: 'account.change', subject, details })
    return after
  })
}

/** @throws NotFoundError; ConflictError `last-administrator` */
export async function removeAccount(parts: SignInParts, id: number, actor: Actor): Promise<void> {
  await withTransaction(parts.db, async (tx) => {
    const { name, role } = await changeAccount(tx, { id, change: 'remove' })
    const subject = `administrator ${name}`
    await recordAudit(tx, parts, { actor, action: 'account.remove', subject, details: { role } })
  })
}

/**
 * Ends one's own session, or as an administrator anybody's.
 *
 * @throws NotFoundError, also for a session of somebody else's that one may not end
 */
export async function endSession(
  parts: SignInParts,
  { session, identity }: { readonly session: number; readonly identity: SessionIdentity },
  actor: Actor,
): Promise<void> {
  await withTransaction(parts.db, async (tx) => {
    const { rows } = await tx.query<EndedSession>(
      `delete from sessions s where s.id = $1 and ($2 or s.${identity.kind === 'account' ? 'administrator_id' : 'user_id'} = $3)
       returning ${ENDED_SESSION}`,
      [session, identity.role === 'administrator', identity.id],
    )
    const ended = rows[0]
    if (ended === undefined) throw new NotFoundError('session', String(session))
    const subject = subjectOfEnded(ended)
    await recordAudit(tx, parts, { actor, action: 'session.end', subject, details: { session } })
  })
}

/** @param wanted.days until it ends; null: it does not end by itself */
export async function issueToken(
  parts: SignInParts,
  wanted: { readonly name: string; readonly scopes: readonly Scope[]; readonly days: number | null },
  actor: Actor,
): Promise<{ readonly token: string; readonly listed: ListedToken }> {
  return withTransaction(parts.db, async (tx) => {
    const now = parts.clock.now()
    const { name, scopes, days } = wanted
    const expiresAt = days === null ? null : new Date(now.getTime() + days * 86_400_000)
    const made = await createToken(tx, { name, scopes, maker: actor, now, expiresAt })
    const details = { prefix: made.listed.prefix, scopes: made.listed.scopes, expiresAt }
    await recordAudit(tx, parts, { actor, action: 'token.create', subject: `token ${name}`, details })
    return made
  })
}

/** @throws NotFoundError */
export async function endToken(parts: SignInParts, id: number, actor: Actor): Promise<void> {
  await withTransaction(parts.db, async (tx) => {
    const { name, prefix } = await revokeToken(tx, { id, now: parts.clock.now() })
    await recordAudit(tx, parts, { actor, action: 'token.revoke', subject: `token ${name}`, details: { prefix } })
  })
}

// What the console can do that nobody else can: make the first administrator, and let somebody in by a link.
import { NotFoundError } from '../base/errors.ts'
import { withTransaction } from '../database/transaction.ts'
import { type Actor, recordAlone, recordAudit } from '../registry/audit.ts'
import { findByName, insertAccount } from './accounts.ts'
import { issueSignInCode } from './codes.ts'
import { hashPassword } from './hashing.ts'
import type { SignInParts } from './parts.ts'
import { resetSecondFactor } from './second-factor.ts'
import { drawToken } from './random.ts'

/** @param base where the server is reached, e.g. `http://127.0.0.1:8080`; behind the `#` nothing reaches a log */
export function setupLink(base: string, code: string): string {
  return `${base}/setup#${code}`
}

/** Where this machine reaches a server that listens on all of its addresses. */
export function localUrl(url: string): string {
  return url.replace('//0.0.0.0:', '//127.0.0.1:').replace('//[::]:', '//[::1]:')
}

/** Signs in once. */
export function signInLink(base: string, code: string): string {
  return `${base}/link#${code}`
}

/** Opens the terminal page and gives it its token. */
export function terminalLink(base: string, token: string): string {
  return `${base}/terminal#${token}`
}

/**
 * A code that signs in an account that is there, for who has lost password or second factor. Whoever reaches the database may do anything
 * with it, so nothing more is asked of him; the audit keeps it.
 *
 * @param options.resetSecondFactor also takes the second factor of the account away
 * @throws NotFoundError where no account of that name may sign in
 */
export async function issueLinkCode(
  parts: SignInParts,
  options: { readonly name: string; readonly resetSecondFactor: boolean; readonly actor: Actor },
): Promise<string> {
  const { name, resetSecondFactor: isReset, actor } = options
  const code = await issueSignInCode(parts, name)
  const account = await findByName(parts.db, name)
  if (account === undefined) throw new NotFoundError('administrator', name)
  if (isReset) await resetSecondFactor(parts, account.id, actor)
  const subject = `administrator ${account.name}`
  await recordAlone(parts.db, parts, { actor, action: 'account.link', subject, details: {} })
  return code
}

/**
 * A code that signs in an administrator who is made where there is none of that name, with a password that nobody knows. For the
 * demo, whose console is its owner.
 */
export async function issueAdministratorCode(
  parts: SignInParts,
  { name, actor }: { readonly name: string; readonly actor: Actor },
): Promise<string> {
  if ((await findByName(parts.db, name)) === undefined) {
    const password = await hashPassword(drawToken())
    await withTransaction(parts.db, async (tx) => {
      const now = parts.clock.now()
      await tx.query('update setup set done_at = coalesce(done_at, $1)', [now])
      await insertAccount(tx, { name, role: 'administrator', password, now })
      const subject = `administrator ${name}`
      await recordAudit(tx, parts, { actor, action: 'account.setup', subject, details: {} })
    })
  }
  return issueSignInCode(parts, name)
}

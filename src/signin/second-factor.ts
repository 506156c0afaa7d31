// Second factors of local accounts: time-based codes (RFC 6238) of an authenticator app, or one of ten codes on paper. Each works once.
import { Secret, TOTP } from 'otpauth'
import { ConflictError, NotFoundError } from '../base/errors.ts'
import type { Queries } from '../database/connect.ts'
import { type Transaction, withTransaction } from '../database/transaction.ts'
import { type Actor, recordAudit } from '../registry/audit.ts'
import { findByName, requireAccount } from './accounts.ts'
import { type CountedAttempt, countAttempt, countCode } from './attempts.ts'
import { SignInError } from './errors.ts'
import { verifyPassword } from './hashing.ts'
import type { AccountIdentity } from './identity.ts'
import type { SignInParts } from './parts.ts'
import { digestOf, drawRecoveryCode } from './random.ts'
import { endSessionsOf } from './sessions.ts'
import { type CodeOwner, noteWrongCode } from './wrong-codes.ts'

/** Clocks of telephones differ: a code of the half minute before or after counts too. */
const WINDOW = 1
const PERIOD_SECONDS = 30
const RECOVERY_CODES = 10

/** How an account stands. */
export interface SecondFactorState {
  readonly isOn: boolean
  readonly since: Date | null
  readonly recoveryCodesLeft: number
}

/** What an authenticator app is given. */
export interface Enrolment {
  readonly secret: string
  /** `otpauth://…`, as a picture of squares. */
  readonly uri: string
}

export async function getSecondFactor(db: Queries, administratorId: number): Promise<SecondFactorState> {
  const { rows } = await db.query<{ since: Date | null; left: number }>(
    `select f.confirmed_at as since, (select count(*) from recovery_codes c where c.administrator_id = f.administrator_id) as left
     from second_factors f where f.administrator_id = $1 and f.confirmed_at is not null`,
    [administratorId],
  )
  const found = rows[0]
  return { isOn: found !== undefined, since: found?.since ?? null, recoveryCodesLeft: found?.left ?? 0 }
}

/**
 * The second half of signing in, in its transaction; nothing where the account has no second factor.
 *
 * @returns what it was, for the audit
 * @throws SignInError `second-factor-needed`, `second-factor-wrong`
 */
export async function requireSecondFactor(
  parts: SignInParts,
  tx: Transaction,
  given: { readonly account: CodeOwner; readonly code: string | undefined },
): Promise<'app' | 'recovery code' | undefined> {
  const { account, code } = given
  const { rows } = await tx.query(
    'select 1 from second_factors where administrator_id = $1 and confirmed_at is not null',
    [account.id],
  )
  if (rows.length === 0) return undefined
  if (code === undefined)
    throw new SignInError(
      'second-factor-needed',
      'The password is right; now the code of the authenticator app, or a recovery code',
      account.name,
    )
  const used = await useCode(parts, tx, { administratorId: account.id, code })
  if (used === undefined)
    throw new SignInError(
      'second-factor-wrong',
      'The code is wrong, over, or was used already; wait for the next one',
      account.name,
    )
  return used
}

/**
 * Counts a code of an account before `work` looks at it, and where it was wrong for whom that is told. Of every browser: whoever had the
 * password before there was a second factor may have the marks of many that signed in.
 *
 * @throws SlowDownError; what `work` throws
 */
export async function withCodeCounted<T>(
  parts: SignInParts,
  { account, code }: { readonly account: CodeOwner; readonly code: string | undefined },
  work: (tx: Transaction) => Promise<T>,
): Promise<T> {
  // Nobody guesses a recovery code: with one of them the owner gets in while somebody guesses the others.
  const isGuessable = code !== undefined && isAppCode(plainOf(code))
  const counted = isGuessable ? await countCode(parts, account.id) : undefined
  try {
    return await withTransaction(parts.db, async (tx) => {
      const done = await work(tx)
      await counted?.undo(tx)
      return done
    })
  } catch (error) {
    const isWrong =
      error instanceof SignInError && (error.code === 'second-factor-wrong' || error.code === 'code-wrong')
    if (isWrong) await noteWrongCode(parts, account)
    throw error
  }
}

/**
 * Draws the secret of a second factor. It counts once a first code was right.
 *
 * @throws SignInError `password-wrong`; SlowDownError; ConflictError `second-factor-on`
 */
export async function beginSecondFactor(
  parts: SignInParts,
  given: { readonly password: string },
  { identity, actor }: Owner,
): Promise<Enrolment> {
  const counted = await requirePassword(parts, given, { identity, actor })
  const secret = new Secret({ size: 20 })
  await withTransaction(parts.db, async (tx) => {
    const { rowCount } = await tx.query(
      `insert into second_factors (administrator_id, sealed) values ($1, $2)
       on conflict (administrator_id) do update set sealed = excluded.sealed, last_step = 0
       where second_factors.confirmed_at is null`,
      [identity.id, parts.vault.seal(secret.base32, contextOf(identity.id))],
    )
    if (rowCount === 0)
      throw new ConflictError(
        'second-factor-on',
        'There is a second factor already; turn it off before making another one',
      )
    await counted.undo(tx)
    await audit(parts, tx, { actor, action: 'second-factor.begin', name: identity.name })
  })
  return { secret: secret.base32, uri: totpOf(secret, identity.name).toString() }
}

/**
 * Turns it on with the first code of the app; other sessions end, which were begun without it.
 *
 * @returns the recovery codes, which nobody sees again
 * @throws SignInError `code-wrong`; SlowDownError; ConflictError `second-factor-not-begun`
 */
export async function confirmSecondFactor(
  parts: SignInParts,
  { code }: { readonly code: string },
  { identity, actor }: Owner,
): Promise<readonly string[]> {
  const counted = await countOwn(parts, { identity, actor })
  return withTransaction(parts.db, async (tx) => {
    const { rows } = await tx.query(
      'select 1 from second_factors where administrator_id = $1 and confirmed_at is null for update',
      [identity.id],
    )
    if (rows.length === 0)
      throw new ConflictError('second-factor-not-begun', 'There is nothing to confirm; begin with your password')
    if ((await useCode(parts, tx, { administratorId: identity.id, code })) === undefined) throw wrongCode()
    await tx.query('update second_factors set confirmed_at = $2 where administrator_id = $1', [
      identity.id,
      parts.clock.now(),
    ])
    const codes = await drawRecoveryCodes(tx, identity.id)
    await endSessionsOf(tx, { administratorId: identity.id, except: identity.sessionId })
    await counted.undo(tx)
    await audit(parts, tx, { actor, action: 'second-factor.on', name: identity.name })
    return codes
  })
}

/** New ones in place of those that are left. @throws as {@link endOwnSecondFactor} */
export async function renewRecoveryCodes(
  parts: SignInParts,
  given: { readonly password: string; readonly code: string },
  { identity, actor }: Owner,
): Promise<readonly string[]> {
  return withFactor(parts, given, { identity, actor }, async (tx) => {
    const codes = await drawRecoveryCodes(tx, identity.id)
    await audit(parts, tx, { actor, action: 'second-factor.recovery-codes', name: identity.name })
    return codes
  })
}

/** @throws SignInError `password-wrong`, `code-wrong`; SlowDownError; NotFoundError where there is none */
export async function endOwnSecondFactor(
  parts: SignInParts,
  given: { readonly password: string; readonly code: string },
  { identity, actor }: Owner,
): Promise<void> {
  await withFactor(parts, given, { identity, actor }, async (tx) => {
    await tx.query('delete from second_factors where administrator_id = $1', [identity.id])
    await audit(parts, tx, { actor, action: 'second-factor.off', name: identity.name })
  })
}

/**
 * Takes somebody's second factor away, who has lost it; his sessions end. He signs in with his password then.
 *
 * @throws NotFoundError
 */
export async function resetSecondFactor(parts: SignInParts, id: number, actor: Actor): Promise<void> {
  await withTransaction(parts.db, async (tx) => {
    const { name } = await requireAccount(tx, { id, now: parts.clock.now() })
    const { rowCount } = await tx.query('delete from second_factors where administrator_id = $1', [id])
    if (rowCount === 0) throw new NotFoundError('second factor of the account', name)
    await endSessionsOf(tx, { administratorId: id })
    await audit(parts, tx, { actor, action: 'second-factor.reset', name })
  })
}

interface Owner {
  readonly identity: AccountIdentity
  readonly actor: Actor
}

async function withFactor<T>(
  parts: SignInParts,
  given: { readonly password: string; readonly code: string },
  owner: Owner,
  work: (tx: Transaction) => Promise<T>,
): Promise<T> {
  const counted = await requirePassword(parts, given, owner)
  const { id, name } = owner.identity
  return withCodeCounted(parts, { account: owner.identity, code: given.code }, async (tx) => {
    if (!(await getSecondFactor(tx, id)).isOn) throw new NotFoundError('second factor of the account', name)
    if ((await useCode(parts, tx, { administratorId: id, code: given.code })) === undefined) throw wrongCode()
    await counted.undo(tx)
    return work(tx)
  })
}

/** Counted with the tries of changing one's password. */
function countOwn(parts: SignInParts, { identity, actor }: Owner): Promise<CountedAttempt> {
  return countAttempt(parts, {
    target: `password of ${identity.id}`,
    address: actor.address ?? '',
    device: `session ${identity.sessionId}`,
  })
}

async function requirePassword(
  parts: SignInParts,
  { password }: { readonly password: string },
  owner: Owner,
): Promise<CountedAttempt> {
  const counted = await countOwn(parts, owner)
  const account = await findByName(parts.db, owner.identity.name)
  if (!(await verifyPassword(password, account?.password)))
    throw new SignInError('password-wrong', 'The present password is wrong')
  return counted
}

/** Uses a code of the app or a recovery code up; of several at once one counts. */
async function useCode(
  parts: SignInParts,
  tx: Transaction,
  { administratorId, code }: { readonly administratorId: number; readonly code: string },
): Promise<'app' | 'recovery code' | undefined> {
  const { rows } = await tx.query<{ sealed: Buffer; last_step: number; confirmed: boolean }>(
    `select sealed, last_step, confirmed_at is not null as confirmed from second_factors where administrator_id = $1 for update`,
    [administratorId],
  )
  const factor = rows[0]
  if (factor === undefined) return undefined
  const plain = plainOf(code)
  if (!isAppCode(plain)) {
    const { rowCount } = await tx.query('delete from recovery_codes where administrator_id = $1 and digest = $2', [
      administratorId,
      digestOf(plain),
    ])
    return rowCount === 1 ? 'recovery code' : undefined
  }
  const secret = Secret.fromBase32(parts.vault.open(factor.sealed, contextOf(administratorId)))
  const timestamp = parts.clock.now().getTime()
  const delta = totpOf(secret, '').validate({ token: plain, timestamp, window: WINDOW })
  if (delta === null) return undefined
  const step = Math.floor(timestamp / 1_000 / PERIOD_SECONDS) + delta
  if (step <= factor.last_step) return undefined
  await tx.query('update second_factors set last_step = $2 where administrator_id = $1', [administratorId, step])
  return 'app'
}

/** However it was typed. */
function plainOf(code: string): string {
  return code.replaceAll(/[\s-]/g, '').toLowerCase()
}

function isAppCode(plain: string): boolean {
  return /^\d{6}$/.test(plain)
}

/** 79 bits each: a plain digest keeps them, which no list of guesses opens. */
async function drawRecoveryCodes(tx: Transaction, administratorId: number): Promise<readonly string[]> {
  const codes = Array.from({ length: RECOVERY_CODES }, drawRecoveryCode)
  await tx.query('delete from recovery_codes where administrator_id = $1', [administratorId])
  await tx.query('insert into recovery_codes (administrator_id, digest) select $1, unnest($2::bytea[])', [
    administratorId,
    codes.map((code) => digestOf(code.replaceAll('-', ''))),
  ])
  return codes
}

function totpOf(secret: Secret, name: string): TOTP {
  return new TOTP({ issuer: 'Muster', label: name, secret, algorithm: 'SHA1', digits: 6, period: PERIOD_SECONDS })
}

function contextOf(administratorId: number): string {
  return `second factor:${administratorId}`
}

function wrongCode(): SignInError {
  return new SignInError('code-wrong', 'The code is wrong, over, or was used already; wait for the next one')
}

async function audit(
  parts: SignInParts,
  tx: Transaction,
  { actor, action, name }: { readonly actor: Actor; readonly action: string; readonly name: string },
): Promise<void> {
  await recordAudit(tx, parts, { actor, action, subject: `administrator ${name}`, details: {} })
}

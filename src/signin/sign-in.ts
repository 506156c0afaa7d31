// Signing in: by the first start's code, by name and password, by a link from the console. Each begins a new session and is audited
// with it.
import { ConfigError, ConflictError, NotFoundError } from '../base/errors.ts'
import { type Transaction, withTransaction } from '../database/transaction.ts'
import { type Actor, recordAudit } from '../registry/audit.ts'
import { canonicalName, findByName, insertAccount, requireAccount } from './accounts.ts'
import { type CountedAttempt, countAttempt } from './attempts.ts'
import { isSetUp, useCode } from './codes.ts'
import { drawDevice, knownDevice } from './devices.ts'
import { SignInError, SlowDownError } from './errors.ts'
import { hashPassword, verifyPassword } from './hashing.ts'
import type { AccountIdentity } from './identity.ts'
import { requireSecondFactor, withCodeCounted } from './second-factor.ts'
import { requireGoodPassword } from './password.ts'
import type { SignInParts } from './parts.ts'
import { RECENT_MS } from './prove-again.ts'
import { csrfOf, endSessionsOf, type SessionPlace, startSession } from './sessions.ts'

/** From where somebody signs in. */
export interface SignInPlace extends SessionPlace {
  /** The mark of a browser that signed in before, as its cookie tells. */
  readonly device: string | undefined
}

export interface SignedIn {
  readonly identity: AccountIdentity
  /** For the session's cookie. */
  readonly token: string
  /** For the cookie that marks the browser. */
  readonly device: string
}

/**
 * Makes the first administrator, once.
 *
 * @throws NotFoundError where there has been one; SignInError `code-invalid`; SlowDownError; ConfigError at `password`
 */
export async function setUp(
  parts: SignInParts,
  wanted: { readonly code: string; readonly name: string; readonly password: string },
  place: SignInPlace,
): Promise<SignedIn> {
  if (await isSetUp(parts.db)) throw new NotFoundError('page', 'setup')
  const counted = await countAttempt(parts, { target: 'setup', address: place.address, device: undefined })
  await undoing(counted, parts, () => requireGoodPassword(parts.db, wanted.password, wanted))
  const password = await hashPassword(wanted.password)
  return withTransaction(parts.db, async (tx) => {
    const now = parts.clock.now()
    const { rows } = await tx.query('update setup set done_at = $1 where done_at is null returning single', [now])
    if (rows.length === 0) throw new NotFoundError('page', 'setup')
    await useCode(tx, { code: wanted.code, kind: 'setup', now })
    await tx.query('delete from one_time_codes where administrator_id is null')
    const id = await insertAccount(tx, { name: wanted.name, role: 'administrator', password, now })
    await counted.undo(tx)
    return begin(parts, tx, { administratorId: id, place, action: 'account.setup', how: {} })
  })
}

/**
 * @param given.code of the second factor, where the account has one
 * @throws SignInError `sign-in-failed`, `second-factor-needed`, `second-factor-wrong`; SlowDownError; HasherBusyError
 */
export async function signIn(
  parts: SignInParts,
  given: { readonly name: string; readonly password: string; readonly code?: string | undefined },
  place: SignInPlace,
): Promise<SignedIn> {
  const account = await findByName(parts.db, given.name)
  const device = knownDevice(parts, { device: place.device, administratorId: account?.id })
  const counted = await countAttempt(parts, { target: canonicalName(given.name), address: place.address, device })
  const isRight = await verifyPassword(given.password, account?.password)
  const refusal = new SignInError(
    'sign-in-failed',
    'Name or password is wrong, or the account is disabled',
    account?.name,
  )
  if (!isRight || account?.enabled !== true) throw refusal
  const entering = withCodeCounted(parts, { account, code: given.code }, async (tx) => {
    // Disabled, or given another password, since it was read. Of two at once one waits: both write when he signed in last.
    const { rows } = await tx.query(
      'select id from administrators where id = $1 and enabled and password = $2 for no key update',
      [account.id, account.password],
    )
    if (rows.length === 0) throw refusal
    const secondFactor = await requireSecondFactor(parts, tx, { account, code: given.code })
    await counted.undo(tx)
    const how = { by: 'password', ...(secondFactor === undefined ? {} : { secondFactor }) }
    return begin(parts, tx, { administratorId: account.id, place, action: 'session.start', how })
  })
  try {
    return await entering
  } catch (error) {
    // A right password alone is no attempt in vain, nor is a code that was not looked at.
    const isNeeded = error instanceof SignInError && error.code === 'second-factor-needed'
    if (isNeeded || error instanceof SlowDownError) await counted.undo(parts.db)
    throw error
  }
}

/**
 * The session may set the account's password without the old one, for as long as its proof is recent: links are for who has lost it.
 *
 * @throws SignInError `code-invalid`; SlowDownError
 */
export async function signInByLink(
  parts: SignInParts,
  { code }: { readonly code: string },
  place: SignInPlace,
): Promise<SignedIn> {
  // Nobody guesses 256 bits; it is counted so that trying costs the same everywhere, and never by account.
  const counted = await countAttempt(parts, { target: 'link', address: place.address, device: undefined })
  return withTransaction(parts.db, async (tx) => {
    const id = await useCode(tx, { code, kind: 'sign-in', now: parts.clock.now() })
    const refusal = new SignInError('code-invalid', 'The account of this link is disabled')
    if (id === null) throw refusal
    const { rows } = await tx.query('select id from administrators where id = $1 and enabled for no key update', [id])
    if (rows.length === 0) throw refusal
    await counted.undo(tx)
    const setsPasswordUntil = new Date(parts.clock.now().getTime() + RECENT_MS)
    const how = { by: 'link' }
    return begin(parts, tx, { administratorId: id, setsPasswordUntil, place, action: 'session.start', how })
  })
}

interface Beginning {
  readonly administratorId: number
  readonly setsPasswordUntil?: Date
  readonly place: SignInPlace
  readonly action: string
  readonly how: Readonly<Record<string, unknown>>
}

async function begin(parts: SignInParts, tx: Transaction, options: Beginning): Promise<SignedIn> {
  const { administratorId, setsPasswordUntil, place, action, how } = options
  const now = parts.clock.now()
  const { name, role } = await requireAccount(tx, { id: administratorId, now })
  const session = await startSession(tx, { owner: { administratorId, setsPasswordUntil }, now, place })
  const actor: Actor = { kind: 'account', name, id: administratorId, address: place.address }
  const details = { ...how, ...(session.replaced === undefined ? {} : { replaced: session.replaced }) }
  await recordAudit(tx, parts, { actor, action, subject: `administrator ${name}`, details })
  const identity: AccountIdentity = {
    kind: 'account',
    id: administratorId,
    name,
    role,
    sessionId: session.id,
    csrf: csrfOf(session.token),
    expiresAt: session.expiresAt,
    authenticatedAt: now,
    setsPasswordUntil: setsPasswordUntil ?? null,
  }
  const known = knownDevice(parts, { device: place.device, administratorId })
  const device = known === undefined || place.device === undefined ? drawDevice(parts, administratorId) : place.device
  return { identity, token: session.token, device }
}

/** What is wrong with a new password is no attempt in vain at what is guessed. */
async function undoing(counted: CountedAttempt, parts: SignInParts, check: () => Promise<void>): Promise<void> {
  try {
    await check()
  } catch (error) {
    await counted.undo(parts.db)
    throw error
  }
}

/**
 * Gives oneself another password; other sessions end.
 *
 * @param given.current left out by a session that a link of the console has begun, once and within the time that its proof counts
 * @throws SignInError `password-wrong`; SlowDownError; ConfigError at `password`, and at `current` where it is needed
 */
export async function changeOwnPassword(
  parts: SignInParts,
  given: { readonly current?: string | undefined; readonly password: string },
  options: { readonly identity: AccountIdentity; readonly actor: Actor },
): Promise<void> {
  const { identity, actor } = options
  const { current } = given
  const counted = current === undefined ? undefined : await requireCurrent(parts, current, options)
  if (counted === undefined) {
    if (identity.setsPasswordUntil === null || identity.setsPasswordUntil <= parts.clock.now()) throw currentNeeded()
    await requireGoodPassword(parts.db, given.password, identity)
  } else {
    await undoing(counted, parts, async () => {
      await requireGoodPassword(parts.db, given.password, identity)
      if (current === given.password)
        throw new ConflictError('password-unchanged', 'The new password is the present one; choose another')
    })
  }
  const password = await hashPassword(given.password)
  await withTransaction(parts.db, async (tx) => {
    await tx.query('update administrators set password = $2 where id = $1', [identity.id, password])
    if (counted === undefined) await useUpLink(tx, { sessionId: identity.sessionId, now: parts.clock.now() })
    await endSessionsOf(tx, { administratorId: identity.id, except: identity.sessionId })
    await counted?.undo(tx)
    const subject = `administrator ${identity.name}`
    const details = counted === undefined ? { by: 'link' } : {}
    await recordAudit(tx, parts, { actor, action: 'account.password', subject, details })
  })
}

/** Counted as an attempt, to be undone once all is well. @throws SignInError `password-wrong`; SlowDownError */
async function requireCurrent(
  parts: SignInParts,
  current: string,
  { identity, actor }: { readonly identity: AccountIdentity; readonly actor: Actor },
): Promise<CountedAttempt> {
  const counted = await countAttempt(parts, {
    target: `password of ${identity.id}`,
    address: actor.address ?? '',
    device: `session ${identity.sessionId}`,
  })
  const account = await findByName(parts.db, identity.name)
  if (!(await verifyPassword(current, account?.password)))
    throw new SignInError('password-wrong', 'The present password is wrong')
  return counted
}

/** Whoever finds the session later must not set another one; of two requests at once one is refused. @throws ConfigError at `current` */
async function useUpLink(
  tx: Transaction,
  { sessionId, now }: { readonly sessionId: number; readonly now: Date },
): Promise<void> {
  const { rows } = await tx.query(
    'update sessions set sets_password_until = null where id = $1 and sets_password_until > $2 returning id',
    [sessionId, now],
  )
  if (rows.length === 0) throw currentNeeded()
}

function currentNeeded(): ConfigError {
  const message =
    'the present password is needed. Whoever has forgotten it runs muster sign-in-link NAME where the server runs, and sets a new one within ten minutes of signing in by that link'
  return new ConfigError([{ at: 'current', message }])
}

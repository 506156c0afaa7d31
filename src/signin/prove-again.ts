// Proving anew who one is, before what is sensitive: by the password and second factor of a local account, or at Microsoft. It counts for
// this session and for some minutes. API tokens prove nothing anew: they are made for programs, with no more than they need.
import { type Transaction, withTransaction } from '../database/transaction.ts'
import { type Actor, recordAudit } from '../registry/audit.ts'
import { userSubject } from '../registry/person-history.ts'
import { maySignIn, SIGN_IN_JOINS } from '../registry/sign-in-rule.ts'
import { findByName } from './accounts.ts'
import { countAttempt } from './attempts.ts'
import { SignInError, SlowDownError } from './errors.ts'
import type { Flow } from './flows.ts'
import { verifyPassword } from './hashing.ts'
import type { VerifiedPerson } from './id-token.ts'
import type { AccountIdentity, SessionIdentity } from './identity.ts'
import type { SignInParts } from './parts.ts'
import { requireSecondFactor, withCodeCounted } from './second-factor.ts'

/**
 * So long a proof is recent. Shorter, and approving three plans asks three times; longer, and a screen that was left alone over a coffee
 * approves.
 */
export const RECENT_MS = 10 * 60_000
/** What is begun with a proof this near its end may reach the server after it. */
const MARGIN_MS = 30_000

/** Whether whoever has the session has proved who he is within some minutes. */
export function isRecent({ authenticatedAt }: Pick<SessionIdentity, 'authenticatedAt'>, now: Date): boolean {
  return authenticatedAt !== null && now.getTime() - authenticatedAt.getTime() <= RECENT_MS
}

/** Until when pages need not ask for a proof; null: they have to. */
export function recentUntil({ authenticatedAt }: Pick<SessionIdentity, 'authenticatedAt'>, now: Date): Date | null {
  return authenticatedAt === null ? null : withMargin(new Date(authenticatedAt.getTime() + RECENT_MS), now)
}

/** Until when pages need not ask for the old password to set another one; null: they have to. */
export function spareOldPasswordUntil(
  { setsPasswordUntil }: Pick<AccountIdentity, 'setsPasswordUntil'>,
  now: Date,
): Date | null {
  return setsPasswordUntil === null ? null : withMargin(setsPasswordUntil, now)
}

function withMargin(end: Date, now: Date): Date | null {
  const until = new Date(end.getTime() - MARGIN_MS)
  return until > now ? until : null
}

/**
 * By password, and the second factor where the account has one.
 *
 * @returns the identity with the new proof
 * @throws SignInError `password-wrong`, `second-factor-needed`, `second-factor-wrong`; SlowDownError; HasherBusyError
 */
export async function proveByPassword(
  parts: SignInParts,
  given: { readonly password: string; readonly code?: string | undefined },
  { identity, actor }: { readonly identity: AccountIdentity; readonly actor: Actor },
): Promise<AccountIdentity> {
  // Counted with the tries of changing one's password: whoever sits at an open screen gets no more of them here.
  const counted = await countAttempt(parts, {
    target: `password of ${identity.id}`,
    address: actor.address ?? '',
    device: `session ${identity.sessionId}`,
  })
  const account = await findByName(parts.db, identity.name)
  const refusal = new SignInError('password-wrong', 'The password is wrong')
  if (!(await verifyPassword(given.password, account?.password)) || account === undefined) throw refusal
  try {
    return await withCodeCounted(parts, { account: identity, code: given.code }, async (tx) => {
      const { rows } = await tx.query(
        'select id from administrators where id = $1 and enabled and password = $2 for no key update',
        [identity.id, account.password],
      )
      if (rows.length === 0) throw refusal
      const secondFactor = await requireSecondFactor(parts, tx, { account: identity, code: given.code })
      await counted.undo(tx)
      const authenticatedAt = parts.clock.now()
      await keepProof(tx, { sessionId: identity.sessionId, authenticatedAt })
      const details = { by: 'password', ...(secondFactor === undefined ? {} : { secondFactor }) }
      const subject = `administrator ${identity.name}`
      await recordAudit(tx, parts, { actor, action: 'session.prove', subject, details })
      return { ...identity, authenticatedAt }
    })
  } catch (error) {
    // As when signing in: a right password alone is no attempt in vain, nor is a code that was not looked at.
    const isNeeded = error instanceof SignInError && error.code === 'second-factor-needed'
    if (isNeeded || error instanceof SlowDownError) await counted.undo(parts.db)
    throw error
  }
}

/** Why a way to Microsoft and back has proved nothing. */
export type ProofRefusal =
  /** The token does not say when the person has signed in. */
  | 'proof-missing'
  /** He has signed in too long ago: Microsoft was not asked, or did not ask him. */
  | 'proof-old'
  /** Somebody else has, or the session has ended. */
  | 'proof-other-person'

/** Keeps what Microsoft has proved for the session that asked for it, if it is that person's; that is audited, and a refusal by whoever asks. */
export async function proveByMicrosoft(
  parts: SignInParts,
  proof: {
    readonly flow: Flow & { readonly sessionId: number }
    readonly person: VerifiedPerson
    readonly address: string
  },
): Promise<ProofRefusal | undefined> {
  const { flow, person, address } = proof
  const now = parts.clock.now()
  const { authenticatedAt } = person
  if (authenticatedAt === null) return 'proof-missing'
  if (!isRecent({ authenticatedAt }, now)) return 'proof-old'
  const proved = await withTransaction(parts.db, async (tx) => {
    const { rows } = await tx.query<{ id: number; userName: string }>(
      `select u.id, u.user_name as "userName" from sessions x join users u on u.id = x.user_id ${SIGN_IN_JOINS}
        where x.id = $1 and x.connection_id = $2 and x.expires_at > $3 and u.tenant_id = $4 and u.object_id = $5
          and ${maySignIn('x.connection_id')} for update of x`,
      [flow.sessionId, flow.connectionId, now, person.tenantId, person.objectId],
    )
    const [owner] = rows
    if (owner === undefined) return false
    await keepProof(tx, { sessionId: flow.sessionId, authenticatedAt })
    const actor: Actor = { kind: 'person', name: owner.userName, id: owner.id, address }
    const subject = userSubject(owner.id)
    await recordAudit(tx, parts, { actor, action: 'session.prove', subject, details: { by: 'microsoft' } })
    return true
  })
  return proved ? undefined : 'proof-other-person'
}

async function keepProof(
  tx: Transaction,
  { sessionId, authenticatedAt }: { readonly sessionId: number; readonly authenticatedAt: Date },
): Promise<void> {
  await tx.query('update sessions set authenticated_at = $2 where id = $1', [sessionId, authenticatedAt])
}

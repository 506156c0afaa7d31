// Registering an unknown card: whoever was identified at a terminal in another way may do it there, once, for two minutes.
import { ConflictError } from '../base/errors.ts'
import type { Vault } from '../vault/keys.ts'
import type { Actor } from '../registry/audit.ts'
import { addCard } from '../registry/edit-credentials.ts'
import type { SignInParts } from './parts.ts'
import { digestOf, drawToken } from './random.ts'

const REGISTRATION_MS = 2 * 60_000

/** @returns what the terminal sends back with the card */
export async function issueRegistration(
  { db, clock }: SignInParts,
  to: { readonly terminalId: number; readonly userId: number },
): Promise<{ readonly code: string; readonly expiresAt: string }> {
  const code = drawToken()
  const expiresAt = new Date(clock.now().getTime() + REGISTRATION_MS)
  await db.query(
    'insert into terminal_registrations (digest, terminal_id, user_id, expires_at) values ($1, $2, $3, $4)',
    [digestOf(code), to.terminalId, to.userId, expiresAt],
  )
  return { code, expiresAt: expiresAt.toISOString() }
}

/**
 * Gives the card to who was identified. It becomes the registry's own: no source takes it away.
 *
 * @throws ConflictError `registration-ended`, `card-conflict` (without telling whose it is), `deactivated`
 */
export async function registerCard(
  parts: SignInParts & { readonly vault: Pick<Vault, 'seal' | 'open' | 'lookup'> },
  given: { readonly terminalId: number; readonly code: string; readonly card: string },
  actor: Actor,
): Promise<{ readonly userId: number }> {
  const { rows } = await parts.db.query<{ user_id: number }>(
    'delete from terminal_registrations where digest = $1 and terminal_id = $2 and expires_at > $3 returning user_id',
    [digestOf(given.code), given.terminalId, parts.clock.now()],
  )
  const [taken] = rows
  if (taken === undefined) {
    throw new ConflictError(
      'registration-ended',
      'The card was not registered: this registration was used, or its two minutes are over; identify yourself again',
    )
  }
  const { vault, clock } = parts
  try {
    await addCard(parts.db, { vault, clock, actor, userId: taken.user_id, card: given.card, onlyActive: true })
  } catch (error) {
    if (!(error instanceof ConflictError) || error.code !== 'card-conflict') throw error
    // Whose it is concerns nobody who stands at a terminal.
    throw new ConflictError('card-conflict', 'This card belongs to somebody else; ask whoever looks after the cards')
  }
  return { userId: taken.user_id }
}

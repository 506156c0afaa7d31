// Registering an unknown card: whoever was identified at a terminal in another way may do it there, once, for two minutes.
import { ConflictError } from '../base/errors.ts'
import type { Way } from '../contract/api/terminals.ts'
import type { Actor } from '../registry/audit.ts'
import { addCard } from '../registry/edit-credentials.ts'
import type { SignInParts } from './parts.ts'
import { digestOf, drawToken } from './random.ts'
import { type CountingParts, countAttempt } from './terminal-attempts.ts'
import type { TerminalIdentity } from './identity.ts'

/** Cards that somebody has because he registered them himself. */
const MOST_REGISTERED = 3
const REGISTRATION_MS = 2 * 60_000

/** Whether somebody who was identified in this way may register a card at a terminal. */
export function mayRegisterBy(terminal: Pick<TerminalIdentity, 'may' | 'unknownCard'>, way: Way): boolean {
  if (way === 'card' || !terminal.may.includes('card') || !terminal.may.includes(way)) return false
  return terminal.unknownCard === 'registerAlsoByCode' || (terminal.unknownCard === 'register' && way !== 'deviceCode')
}

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
 * Gives the card to who was identified. It becomes the registry's own: no source takes it away, unless one had given it to him. That a card is somebody else's is told
 * as a card that is shown tells it, so that it is counted as one that nobody has.
 *
 * @throws ConflictError `registration-ended`, `card-conflict` (without telling whose it is), `deactivated`, `too-many-cards`; SlowDownError
 */
export async function registerCard(
  parts: CountingParts,
  given: { readonly terminal: TerminalIdentity; readonly code: string; readonly card: string },
  actor: Actor,
): Promise<{ readonly userId: number }> {
  const { terminal } = given
  // Before the registration is used up: whoever has to wait still has it then.
  const attempt = await countAttempt(parts, { terminalId: terminal.id, shown: 'card' })
  const { rows } = await parts.db.query<{ user_id: number }>(
    'delete from terminal_registrations where digest = $1 and terminal_id = $2 and expires_at > $3 returning user_id',
    [digestOf(given.code), terminal.id, parts.clock.now()],
  )
  const [taken] = rows
  if (taken === undefined) {
    await attempt.fail()
    throw new ConflictError(
      'registration-ended',
      'The card was not registered: this registration was used, or its two minutes are over; identify yourself again',
    )
  }
  const { vault, clock } = parts
  try {
    const atTerminal = { name: terminal.name, most: MOST_REGISTERED }
    await addCard(parts.db, { vault, clock, actor, userId: taken.user_id, card: given.card, atTerminal })
    await attempt.succeed()
  } catch (error) {
    if (!(error instanceof ConflictError)) throw error
    await (error.code === 'card-conflict' ? attempt.fail() : attempt.succeed())
    if (error.code !== 'card-conflict') throw error
    // Whose it is concerns nobody who stands at a terminal.
    throw new ConflictError('card-conflict', 'This card belongs to somebody else; ask whoever looks after the cards')
  }
  return { userId: taken.user_id }
}

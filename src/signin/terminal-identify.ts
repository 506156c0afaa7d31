// Identifying people at terminals by what they show or type. A card that somebody has is looked up without anything being written.
import { timingSafeEqual } from 'node:crypto'
import type { Identification, IdentifiedUser, Told, Way } from '../contract/api/terminals.ts'
import { applyTransform, parseTransform } from '../contract/transform.ts'
import { canonical } from '../directory/canonical.ts'
import { findByPin, findNameWithPin, findPerson, type FoundPerson } from '../registry/identify.ts'
import type { CardLookUps } from './card-look-ups.ts'
import type { TerminalIdentity } from './identity.ts'
import { standing, waitOf } from './misses.ts'
import type { SignInParts } from './parts.ts'
import { addCardMiss, countAttempt, slowDown } from './terminal-attempts.ts'
import type { TerminalMemory } from './terminal-memory.ts'
import { ruleOf, USER_RULE } from './terminal-misses.ts'
import { issueRegistration, mayRegisterBy } from './terminal-registration.ts'

export interface TerminalParts extends SignInParts {
  readonly terminals: TerminalMemory
}

/** With what looks up cards, beside. */
export interface ShownParts extends TerminalParts {
  readonly cards: CardLookUps
}

/** What was shown or typed. */
export type Shown =
  | { readonly by: 'card'; readonly card: string }
  | { readonly by: 'pin'; readonly pin: string }
  | { readonly by: 'userNamePin'; readonly userName: string; readonly pin: string }

/** By card the terminal is looked at together with the card: it was changed, renewed or revoked since it was looked at before. */
export const NOT_AS_IT_WAS = 'not-as-it-was'

/**
 * Identifies somebody, or says why not. The terminal may use this way; the caller has checked it.
 *
 * @throws SlowDownError
 */
export async function identifyShown(
  parts: ShownParts,
  { terminal, shown }: { readonly terminal: TerminalIdentity; readonly shown: Shown },
): Promise<Identification | typeof NOT_AS_IT_WAS> {
  const person = await find(parts, terminal, shown)
  if (person === NOT_AS_IT_WAS) return person
  return person === undefined
    ? refusal(terminal, shown.by)
    : presentIdentified(parts, { terminal, person, by: shown.by })
}

function find(
  parts: ShownParts,
  terminal: TerminalIdentity,
  shown: Shown,
): Promise<FoundPerson | undefined | typeof NOT_AS_IT_WAS> {
  switch (shown.by) {
    case 'card':
      return findByCard(parts, terminal, shown.card)
    case 'pin':
      return findByTypedPin(parts, terminal, shown.pin)
    case 'userNamePin':
      return findByNameAndPin(parts, terminal, shown)
    default:
      return shown satisfies never
  }
}

/** What the terminal is told of somebody whom it has identified. Noted for the person's own page, in memory. */
export async function presentIdentified(
  parts: TerminalParts,
  of: {
    readonly terminal: TerminalIdentity
    readonly person: FoundPerson
    readonly by: Way
    /** Where this is told once more it is no other sighting, and gives no second card. */
    readonly isAgain?: boolean
  },
): Promise<Identification> {
  const { terminal, person, by, isAgain = false } = of
  if (!isAgain)
    parts.terminals.noteSighting({ userId: person.id, terminalId: terminal.id, way: by, at: parts.clock.now() })
  const registration =
    isAgain || !mayRegisterBy(terminal, by)
      ? null
      : await issueRegistration(parts, { terminalId: terminal.id, userId: person.id })
  return { kind: 'identified', by, user: presentPerson(person, terminal.tells), registration }
}

function presentPerson(person: FoundPerson, tells: readonly Told[]): IdentifiedUser {
  const { id, userName, fullName } = person
  const told = Object.fromEntries(tells.map((field) => [field, field === 'groups' ? groupsOf(person) : person[field]]))
  return { id: String(id), userName, fullName, ...told }
}

function groupsOf({ groups }: FoundPerson): { readonly id: string; readonly path: string }[] {
  return (groups ?? []).map(({ id, path }) => ({ id: String(id), path }))
}

const REFUSALS = {
  card: ['unknown-card', 'Nobody has this card.'],
  pin: ['wrong-pin', 'The PIN is wrong.'],
  userNamePin: ['wrong-user-name-or-pin', 'User name or PIN is wrong.'],
} as const satisfies Record<Shown['by'], readonly [string, string]>

function refusal(terminal: TerminalIdentity, by: Shown['by']): Identification {
  const [reason, message] = REFUSALS[by]
  const mayRegister = by === 'card' && terminal.may.some((way) => mayRegisterBy(terminal, way))
  return { kind: 'refused', reason, message, mayRegister }
}

/** A card as its owner's is kept: without outer spaces, as the terminal's reader is set up; undefined where it cannot be one. */
export function readCard(terminal: Pick<TerminalIdentity, 'cardTransform'>, shown: string): string | undefined {
  const card = shown.trim()
  if (card === '' || terminal.cardTransform === null) return card === '' ? undefined : card
  const parsed = parseTransform(terminal.cardTransform)
  if (parsed.kind === 'refused') return undefined
  const result = applyTransform(parsed.transform, card)
  return 'value' in result ? result.value : undefined
}

/**
 * The look-up counts in memory while it goes on, and in the database when nobody has the card. Where the two together reach what a
 * terminal may miss, it is counted before it is looked at, as everything else is. Those counted do not see those under way: a burst may
 * miss up to twice as often as a terminal may otherwise, once.
 */
async function findByCard(
  parts: ShownParts,
  terminal: TerminalIdentity,
  shown: string,
): Promise<FoundPerson | undefined | typeof NOT_AS_IT_WAS> {
  const card = readCard(terminal, shown)
  const lookup = parts.vault.lookup('card', canonical(card ?? ''))
  const { count, leave } = parts.terminals.enter(terminal.id)
  try {
    const now = parts.clock.now()
    const found = await parts.cards.find({ terminal, lookup })
    if (found === undefined) return NOT_AS_IT_WAS
    const rule = ruleOf('card', found, now)
    const wait = waitOf(found.misses, rule, now)
    if (wait > 0) throw slowDown(wait)
    if (standing(found.misses, rule, now) + count <= rule.free) {
      if (found.person === undefined || card === undefined) {
        await addCardMiss(parts, { terminalId: terminal.id, rule })
        return undefined
      }
      return found.person
    }
  } finally {
    leave()
  }
  const attempt = await countAttempt(parts, { terminalId: terminal.id, shown: 'card' })
  const again = await parts.cards.find({ terminal, lookup })
  if (again === undefined) return NOT_AS_IT_WAS
  const { person } = again
  const isFound = person !== undefined && card !== undefined
  await (isFound ? attempt.succeed() : attempt.fail())
  return isFound ? person : undefined
}

async function findByTypedPin(
  parts: TerminalParts,
  terminal: TerminalIdentity,
  pin: string,
): Promise<FoundPerson | undefined> {
  const attempt = await countAttempt(parts, { terminalId: terminal.id, shown: 'pin' })
  const lookup = parts.vault.lookup('pin', canonical(pin))
  const person = await findByPin(parts.db, { lookup, withGroups: terminal.tells.includes('groups') })
  await (person === undefined ? attempt.fail() : attempt.succeed())
  return person
}

/** Compared with; nobody's. */
const NO_PIN = Buffer.alloc(16)

/** Takes the same steps for a name that nobody has, up to the answer. */
async function findByNameAndPin(
  parts: TerminalParts,
  terminal: TerminalIdentity,
  typed: { readonly userName: string; readonly pin: string },
): Promise<FoundPerson | undefined> {
  const name = canonical(typed.userName)
  const named = await findNameWithPin(parts.db, name)
  const bucket = named === undefined ? `name ${name}` : `user ${named.userId}`
  const attempt = await countAttempt(parts, { terminalId: terminal.id, shown: { bucket, overall: USER_RULE } })
  const given = parts.vault.lookup('pin', canonical(typed.pin))
  const isRight = timingSafeEqual(given, named?.pin ?? NO_PIN)
  const person =
    named === undefined || named.pin === null || !isRight
      ? undefined
      : await findPerson(parts.db, { userId: named.userId, withGroups: terminal.tells.includes('groups') })
  await (person === undefined ? attempt.fail() : attempt.succeed())
  return person
}

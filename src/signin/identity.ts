// Who asks: nobody, a person with a session, or a program with a token; and whether that is enough for an endpoint.
import { type Endpoint, mayAct, ROLES, type Role } from '../contract/api/endpoint.ts'
import type { Told, UnknownCards, Way } from '../contract/api/terminals.ts'
import type { Actor } from '../registry/audit.ts'

export interface AccountIdentity {
  readonly kind: 'account'
  readonly id: number
  readonly name: string
  readonly role: Role
  readonly sessionId: number
  /** To be sent back with everything that changes something; made of the session's token, which it does not tell. */
  readonly csrf: string
  readonly expiresAt: Date
  /** When he last proved who he is; null: nobody knows. */
  readonly authenticatedAt: Date | null
  /** Until then he sets his password without the old one, once: he came by a link of the console. Null: he does not. */
  readonly setsPasswordUntil: Date | null
}

/** Somebody of the registry who signed in with Microsoft. */
export interface PersonIdentity {
  readonly kind: 'person'
  /** The user's id. */
  readonly id: number
  /** The registry's user name. */
  readonly name: string
  /** What app roles or groups of the tenant gave; null: the own page only. */
  readonly role: Role | null
  readonly sessionId: number
  readonly csrf: string
  readonly expiresAt: Date
  readonly authenticatedAt: Date | null
  readonly connectionId: number
}

/** A device that identifies people. */
export interface TerminalIdentity {
  readonly kind: 'terminal'
  readonly id: number
  readonly name: string
  /** Ways of identifying that it may use. */
  readonly may: readonly Way[]
  /** What it is told about whom it identified. */
  readonly tells: readonly Told[]
  readonly unknownCard: UnknownCards
  /** How its reader writes cards; null: as the registry. */
  readonly cardTransform: string | null
  readonly expiresAt: Date | null
  /** SHA-256 of its token. */
  readonly digest: Buffer
  /** Changes with each of its settings. */
  readonly state: string
}

/**
 * A terminal as this process saw it last: what it asks has to be looked up together with whether it still is so. Nothing but
 * looking up a card takes it; everything else refuses it.
 */
export interface RememberedTerminal {
  readonly kind: 'remembered-terminal'
  readonly id: number
  readonly name: string
  readonly terminal: TerminalIdentity
}

export interface TokenIdentity {
  readonly kind: 'token'
  readonly id: number
  readonly name: string
  readonly scopes: ReadonlySet<string>
  /** What its maker may now. */
  readonly role: Role
}

/** Whoever has a session. */
export type SessionIdentity = AccountIdentity | PersonIdentity

export type Identity =
  | SessionIdentity
  | TerminalIdentity
  | RememberedTerminal
  | TokenIdentity
  | { readonly kind: 'nobody' }

export const NOBODY: Identity = { kind: 'nobody' }

/** `signed-out`: he has to say who he is; `forbidden`: that is known and not enough. */
export type Verdict = 'allowed' | 'signed-out' | 'forbidden'

/** Whoever is not named by the endpoint's role or scope may not. */
export function judgeAccess(identity: Identity, endpoint: Pick<Endpoint, 'role' | 'scope'>): Verdict {
  const { role } = endpoint
  if (identity.kind === 'terminal' || identity.kind === 'remembered-terminal')
    return role === 'terminal' ? 'allowed' : 'forbidden'
  if (identity.kind === 'token') return isWithin(identity, endpoint) ? 'allowed' : 'forbidden'
  if (role === 'anyone') return 'allowed'
  if (identity.kind === 'nobody') return 'signed-out'
  return isEnough(identity, role) ? 'allowed' : 'forbidden'
}

function isEnough(identity: SessionIdentity, role: Exclude<Endpoint['role'], 'anyone'>): boolean {
  if (role === 'terminal') return false
  if (role === 'signed-in') return true
  if (role === 'account' || role === 'person') return identity.kind === role
  return identity.role !== null && mayAct(identity.role, role)
}

/** A token may what its scopes name, and of that what its maker may. */
function isWithin(token: TokenIdentity, { role, scope }: Pick<Endpoint, 'role' | 'scope'>): boolean {
  if (scope === null || !token.scopes.has(scope)) return false
  const needed = ROLES.find((known) => known === role)
  return needed === undefined || mayAct(token.role, needed)
}

/** The session that was brought along; undefined: none. */
export function sessionIdOf(identity: Identity): number | undefined {
  return identity.kind === 'account' || identity.kind === 'person' ? identity.sessionId : undefined
}

/** As the audit names him. */
export function actorOf(identity: Identity, address: string): Actor {
  if (identity.kind === 'nobody') return { kind: 'nobody', name: 'nobody', address }
  const kind = identity.kind === 'remembered-terminal' ? 'terminal' : identity.kind
  return { kind, name: identity.name, id: identity.id, address }
}

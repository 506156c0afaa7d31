// Who asks: nobody, a person with a session, or a program with a token; and whether that is enough for an endpoint.
import { type Endpoint, mayAct, type Role, type Scope } from '../contract/api/endpoint.ts'
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
}

export interface TokenIdentity {
  readonly kind: 'token'
  readonly id: number
  readonly name: string
  readonly scopes: ReadonlySet<string>
}

export type Identity = AccountIdentity | TokenIdentity | { readonly kind: 'nobody' }

export const NOBODY: Identity = { kind: 'nobody' }

/** `signed-out`: he has to say who he is; `forbidden`: that is known and not enough. */
export type Verdict = 'allowed' | 'signed-out' | 'forbidden'

/** Whoever is not named by the endpoint's role or scope may not. */
export function judgeAccess(identity: Identity, endpoint: Pick<Endpoint, 'role' | 'scope'>): Verdict {
  const { role, scope } = endpoint
  if (identity.kind === 'token') return hasScope(identity, scope) ? 'allowed' : 'forbidden'
  if (role === 'anyone') return 'allowed'
  if (identity.kind === 'nobody') return 'signed-out'
  return role === 'signed-in' || mayAct(identity.role, role) ? 'allowed' : 'forbidden'
}

function hasScope(identity: TokenIdentity, scope: Scope | null): boolean {
  return scope !== null && identity.scopes.has(scope)
}

/** As the audit names him. */
export function actorOf(identity: Identity, address: string): Actor {
  if (identity.kind === 'nobody') return { kind: 'nobody', name: 'nobody', address }
  return { kind: identity.kind, name: identity.name, id: identity.id, address }
}

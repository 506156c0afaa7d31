// Routes of signing in, one's own sessions, administrators, API tokens and the audit.
import { z } from 'zod'
import type { OpenSession, OwnSession } from '../../contract/api/access.ts'
import type { Account, ApiToken } from '../../contract/api/administration.ts'
import { verifyAudit } from '../../registry/audit.ts'
import { listAudit } from '../../registry/audit-list.ts'
import { ConflictError, NotFoundError } from '../../base/errors.ts'
import { requireUserView } from '../../registry/user-view.ts'
import { type ListedAccount, listAccounts, requireAccount } from '../../signin/accounts.ts'
import {
  changeAccountOf,
  createAccount,
  endSession,
  endToken,
  issueToken,
  removeAccount,
} from '../../signin/administer.ts'
import { isSetUp } from '../../signin/codes.ts'
import { type AccountIdentity, type Identity, type SessionIdentity, sessionIdOf } from '../../signin/identity.ts'
import {
  beginSecondFactor,
  confirmSecondFactor,
  endOwnSecondFactor,
  getSecondFactor,
  renewRecoveryCodes,
  resetSecondFactor,
} from '../../signin/second-factor.ts'
import { listPeopleWithRoles } from '../../signin/people-with-roles.ts'
import { listSessions } from '../../signin/sessions.ts'
import { proveByPassword, recentUntil, spareOldPasswordUntil } from '../../signin/prove-again.ts'
import {
  changeOwnPassword,
  setUp,
  type SignedIn,
  signIn,
  signInByLink,
  type SignInPlace,
} from '../../signin/sign-in.ts'
import { type ListedToken, listTokens } from '../../signin/tokens.ts'
import type { Engine } from '../../sync/engine.ts'
import { readCursor, writeCursor } from '../cursor.ts'
import type { Client, Handlers } from '../handler.ts'
import type { HttpParts } from '../parts.ts'
import { HttpError } from '../problem.ts'

export const accessRoutes = {
  getSetup: async ({ engine, version }) => {
    if (await isSetUp(engine.db)) throw new NotFoundError('page', 'setup')
    return { isOpen: true, version }
  },
  setUp: async (parts, { body, client, identity }) =>
    welcome(parts, client, await setUp(parts.engine, body, placeOf(client, identity))),
  signIn: async (parts, { body, client, identity }) =>
    welcome(parts, client, await signIn(parts.engine, body, placeOf(client, identity))),
  signInByLink: async (parts, { body, client, identity }) =>
    welcome(parts, client, await signInByLink(parts.engine, body, placeOf(client, identity))),

  getSession: async (parts, { identity }) => presentSession(parts, ownerOf(identity)),

  proveAgain: async (parts, { body, identity, actor }) =>
    presentSession(parts, await proveByPassword(parts.engine, body, { identity: accountOf(identity), actor })),

  signOut: async ({ engine }, { identity, actor, client }) => {
    const owner = ownerOf(identity)
    await endSession(engine, { session: owner.sessionId, identity: owner }, actor)
    client.setSession(undefined)
    return undefined
  },

  changePassword: async ({ engine }, { body, identity, actor }) => {
    await changeOwnPassword(engine, body, { identity: accountOf(identity), actor })
    return undefined
  },

  getSecondFactor: async ({ engine }, { identity }) => {
    const { since, ...state } = await getSecondFactor(engine.db, accountOf(identity).id)
    return { ...state, since: since?.toISOString() ?? null }
  },
  beginSecondFactor: ({ engine }, { body, identity, actor }) =>
    beginSecondFactor(engine, body, { identity: accountOf(identity), actor }),
  confirmSecondFactor: async ({ engine }, { body, identity, actor }) => ({
    recoveryCodes: [...(await confirmSecondFactor(engine, body, { identity: accountOf(identity), actor }))],
  }),
  renewRecoveryCodes: async ({ engine }, { body, identity, actor }) => ({
    recoveryCodes: [...(await renewRecoveryCodes(engine, body, { identity: accountOf(identity), actor }))],
  }),
  endSecondFactor: async ({ engine }, { body, identity, actor }) => {
    await endOwnSecondFactor(engine, body, { identity: accountOf(identity), actor })
    return undefined
  },
  resetSecondFactor: async ({ engine }, { params, identity, actor }) => {
    const id = Number(params.account)
    if (identity.kind === 'account' && identity.id === id)
      throw new ConflictError(
        'own-second-factor',
        'Turn your own second factor off under My account, with password and code. Who has lost both app and recovery codes asks another administrator, or runs muster sign-in-link NAME --reset-second-factor where the server runs',
      )
    await resetSecondFactor(engine, id, actor)
    return undefined
  },

  listSessions: async ({ engine }, { identity }) => sessionsOf(engine, ownerOf(identity), identity),
  listAccountSessions: async ({ engine }, { params, identity }) => {
    const { id } = await requireAccount(engine.db, { id: Number(params.account), now: engine.clock.now() })
    return sessionsOf(engine, { kind: 'account', id }, identity)
  },
  listUserSessions: async ({ engine }, { params, identity }) => {
    const id = Number(params.user)
    await requireUserView(engine.db, id, engine)
    return sessionsOf(engine, { kind: 'person', id }, identity)
  },

  endSession: async ({ engine }, { params, identity, actor, client }) => {
    const owner = ownerOf(identity)
    const session = Number(params.session)
    await endSession(engine, { session, identity: owner }, actor)
    if (session === owner.sessionId) client.setSession(undefined)
    return undefined
  },

  listAccounts: async ({ engine }) => ({
    items: (await listAccounts(engine.db, engine.clock.now())).map(presentAccount),
  }),
  listPeopleWithRoles: async ({ engine }) => ({
    items: (await listPeopleWithRoles(engine.db, engine.clock.now())).map(({ userId, mappedBy, ...person }) => ({
      ...person,
      id: String(userId),
      mappedBy: [...mappedBy],
      signedInAt: person.signedInAt.toISOString(),
    })),
  }),
  createAccount: async ({ engine }, { body, actor }) => presentAccount(await createAccount(engine, body, actor)),
  changeAccount: async ({ engine }, { params, body, identity, actor }) => {
    const id = Number(params.account)
    // Whoever finds a session that was left open could keep the account.
    if (identity.kind === 'account' && identity.id === id && body.password !== undefined)
      throw new ConflictError(
        'own-password',
        'Change your own password under My account, with the one you have (PUT /api/v1/session/password). Who has forgotten it asks another administrator, or runs muster sign-in-link NAME where the server runs and sets a new one there within ten minutes of signing in by that link',
      )
    const change = { id, change: body, seen: body.seen }
    return presentAccount(await changeAccountOf(engine, change, actor))
  },
  removeAccount: async ({ engine }, { params, actor }) => {
    await removeAccount(engine, Number(params.account), actor)
    return undefined
  },

  listTokens: async ({ engine }) => ({ items: (await listTokens(engine.db, engine.clock.now())).map(presentToken) }),
  createToken: async ({ engine }, { body, actor }) => {
    const { token, listed } = await issueToken(engine, body, actor)
    return { ...presentToken(listed), token }
  },
  revokeToken: async ({ engine }, { params, actor }) => {
    await endToken(engine, Number(params.token), actor)
    return undefined
  },

  listAudit: async ({ engine }, { query }) => {
    const { action, actor, limit } = query
    const [before] = readCursor(query.cursor, z.tuple([z.number()])) ?? []
    const entries = await listAudit(engine.db, { action, actor, before, limit: limit + 1 })
    const items = entries.slice(0, limit)
    const last = items.at(-1)
    return { items, next: entries.length > limit && last !== undefined ? writeCursor([Number(last.id)]) : null }
  },
  verifyAudit: async ({ engine }) => {
    const { brokenAt, ...rest } = await verifyAudit(engine.db, engine.vault)
    return { ...rest, brokenAt: brokenAt === null ? null : String(brokenAt) }
  },
} satisfies Partial<Handlers>

function placeOf({ address, userAgent, device, flow }: Client, identity: Identity): SignInPlace {
  return { address, userAgent, device, flow, replaces: sessionIdOf(identity) }
}

function welcome(parts: HttpParts, client: Client, { identity, token, device }: SignedIn): OwnSession {
  client.setSession(token)
  client.setDevice(device)
  return presentSession(parts, identity)
}

/** The endpoints that ask for it are for whoever has a session. */
function ownerOf(identity: Identity): SessionIdentity {
  if (identity.kind === 'account' || identity.kind === 'person') return identity
  throw new HttpError(403, 'forbidden', { message: 'This is for people who have signed in' })
}

function accountOf(identity: Identity): AccountIdentity {
  if (identity.kind === 'account') return identity
  throw new HttpError(403, 'forbidden', { message: 'This is for local accounts' })
}

function presentSession({ engine, version }: HttpParts, identity: SessionIdentity): OwnSession {
  const { kind, id, name, role, csrf, expiresAt } = identity
  const now = engine.clock.now()
  const setsPasswordUntil = identity.kind === 'account' ? spareOldPasswordUntil(identity, now) : null
  return {
    account: { kind, id: String(id), name, role },
    csrf,
    expiresAt: expiresAt.toISOString(),
    provenUntil: recentUntil(identity, now)?.toISOString() ?? null,
    setsPasswordUntil: setsPasswordUntil?.toISOString() ?? null,
    version,
  }
}

function presentAccount(account: ListedAccount): Account {
  return {
    id: String(account.id),
    name: account.name,
    role: account.role,
    enabled: account.enabled,
    createdAt: account.createdAt.toISOString(),
    lastSignInAt: account.lastSignInAt?.toISOString() ?? null,
    sessions: account.sessions,
    secondFactor: account.secondFactor,
  }
}

function presentToken(token: ListedToken): ApiToken {
  return {
    id: String(token.id),
    name: token.name,
    prefix: token.prefix,
    scopes: [...token.scopes],
    createdBy: token.createdBy,
    makerRole: token.makerRole,
    createdAt: token.createdAt.toISOString(),
    expiresAt: token.expiresAt?.toISOString() ?? null,
    lastUsedAt: token.lastUsedAt?.toISOString() ?? null,
  }
}

/** The open sessions of somebody, as whoever asks sees them. */
async function sessionsOf(
  { db, clock }: Engine,
  owner: Pick<SessionIdentity, 'kind' | 'id'>,
  identity: Identity,
): Promise<{ readonly items: OpenSession[] }> {
  const own = 'sessionId' in identity ? identity.sessionId : undefined
  const sessions = await listSessions(db, { owner, now: clock.now() })
  return {
    items: sessions.map((session) => ({
      id: String(session.id),
      createdAt: session.createdAt.toISOString(),
      lastSeenAt: session.lastSeenAt.toISOString(),
      expiresAt: session.expiresAt.toISOString(),
      address: session.address,
      userAgent: session.userAgent,
      isThis: session.id === own,
    })),
  }
}

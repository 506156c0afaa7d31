// Signing in with Microsoft in the browser: from the button to the session. Every session is audited here; refusals by whoever asked, who
// counts equal ones.
import { raiseAlert } from '../alerts/outbox.ts'
import { ConflictError, NotFoundError } from '../base/errors.ts'
import type { Role } from '../contract/api/endpoint.ts'
import type { SignInRefusal } from '../contract/sign-in-refusals.ts'
import type { Queries } from '../database/connect.ts'
import { type Transaction, withTransaction } from '../database/transaction.ts'
import type { GraphClient } from '../graph/client.ts'
import { type Actor, recordAudit } from '../registry/audit.ts'
import { type Connection, listConnections, requireConnectionById } from '../registry/connections.ts'
import { userSubject } from '../registry/person-history.ts'
import { judgePerson, signInConnections } from '../registry/sign-in-rule.ts'
import { keepFlow, takeFlow } from './flows.ts'
import type { HomeRealms } from './home-realms.ts'
import type { VerifiedPerson } from './id-token.ts'
import type { PersonIdentity } from './identity.ts'
import { keepRole } from './makers.ts'
import { beginCodeFlow, finishCodeFlow } from './oidc.ts'
import type { Oidc } from './oidc-exchange.ts'
import type { Refused } from './oidc-refusals.ts'
import type { SignInParts } from './parts.ts'
import { type ProofRefusal, proveByMicrosoft } from './prove-again.ts'
import { drawToken, isToken } from './random.ts'
import { findRole, type GivenRole } from './roles.ts'
import { csrfOf, type SessionPlace, startSession } from './sessions.ts'

/** What signing in with Microsoft works with beside the engine. */
export interface MicrosoftParts extends SignInParts {
  readonly oidc: Oidc
  readonly realms: HomeRealms
  readonly openGraph: (connection: Connection) => Promise<GraphClient>
}

/** Where people may go when they have signed in: a page of ours, nothing else. */
function pageOf(returnTo: string | undefined): string {
  if (returnTo === undefined || !/^\/(?![/\\])[\w\-./~%?=&:,+@]{0,500}$/.test(returnTo)) return '/'
  // As a browser reads it: of `/..//x` it makes `//x`, and of `/x/../api` `/api`.
  const { pathname } = new URL(returnTo, 'http://muster')
  return /^\/(api|signin|sign-in|setup|link)(\/|$)|\/\//.test(pathname) ? '/' : returnTo
}

/** What the audit is to keep of a refusal; equal ones are counted. */
export interface RefusedSignIn {
  readonly facts: Readonly<Record<string, unknown>>
  /** Whom it was about, as far as that is proved. */
  readonly about?: string
  readonly subject?: string
}

/** Where the browser goes, or why it cannot. */
export type BegunMicrosoft =
  | {
      readonly kind: 'begun'
      readonly url: string
      readonly browser: string
      /** What the browser keeps of it, where there was no room for it here. */
      readonly sealed: string | undefined
    }
  | {
      readonly kind: 'refused'
      readonly reason: SignInRefusal
      /** For whoever asked. Why, the audit has: it may name a proxy or an address of this network. */
      readonly message: string
      readonly refusal: RefusedSignIn
    }

/**
 * Where the browser goes to sign in. Which connection it is: the named one, the only one, or the one of the user name's domain. Whether
 * there is somebody of that name is not looked at, so that nobody learns it.
 *
 * @throws NotFoundError for a connection that is not for sign-in; ConflictError `choose-connection`
 */
export async function beginMicrosoft(
  parts: MicrosoftParts,
  asked: {
    readonly connection?: string | undefined
    readonly userName?: string | undefined
    readonly selectAccount?: boolean | undefined
    readonly returnTo?: string | undefined
    readonly redirectUri: string
    readonly address: string
    /** What the browser's cookie holds already: it may be signing in in another tab. */
    readonly browser: string | undefined
    /** The session that this browser has already; it ends with the sign-in. */
    readonly replaces?: number | undefined
    readonly signal: AbortSignal
  },
): Promise<BegunMicrosoft> {
  const connection = await chooseConnection(parts, asked)
  return beginAt(parts, { ...asked, connection })
}

/**
 * Where the browser goes to prove a session anew: at Microsoft, who asks for everything again and says in the token when that was.
 *
 * @see https://learn.microsoft.com/entra/identity-platform/v2-protocols-oidc (`prompt=login`)
 * @see https://openid.net/specs/openid-connect-core-1_0.html#AuthRequest (`max_age`, `auth_time`)
 */
export async function beginProof(
  parts: MicrosoftParts,
  asked: Omit<Way, 'connection' | 'userName' | 'selectAccount' | 'proves'> & { readonly identity: PersonIdentity },
): Promise<BegunMicrosoft> {
  const { identity } = asked
  const connection = await requireConnectionById(parts.db, identity.connectionId)
  return beginAt(parts, { ...asked, connection, userName: identity.name, proves: identity.sessionId })
}

interface Way {
  readonly connection: Connection
  readonly userName?: string | undefined
  readonly selectAccount?: boolean | undefined
  readonly returnTo?: string | undefined
  readonly redirectUri: string
  readonly address: string
  readonly browser: string | undefined
  /** The session that is proved anew; left out: one is begun. */
  readonly proves?: number
  readonly replaces?: number | undefined
  readonly signal: AbortSignal
}

/**
 * At Microsoft http is registered for the name localhost only. Who opened the page by a number of this machine would end on Microsoft's page of
 * errors; his cookies are those of the number, so that he has to open it anew.
 *
 * @throws ConflictError `other-address`
 */
function requireRegistrable({ cloud }: Pick<Connection, 'cloud'>, redirectUri: string): void {
  const url = new URL(redirectUri)
  if (cloud === 'custom' || url.protocol !== 'http:' || !/^127\.|^\[::1\]$/.test(url.hostname)) return
  throw new ConflictError(
    'other-address',
    `To sign in with Microsoft, open Muster as http://localhost${url.port === '' ? '' : `:${url.port}`}`,
  )
}

async function beginAt(parts: MicrosoftParts, asked: Way): Promise<BegunMicrosoft> {
  requireRegistrable(asked.connection, asked.redirectUri)
  const { connection, userName: loginHint, selectAccount, redirectUri, proves, replaces, address, signal } = asked
  const how = { loginHint, selectAccount, isProof: proves !== undefined }
  const begun = await beginCodeFlow(parts.oidc, { connection, redirectUri, ...how, signal })
  if (begun.kind === 'refused')
    return {
      kind: 'refused',
      reason: begun.reason,
      message: `Cannot begin to sign in through ${JSON.stringify(connection.name)}; try again in a few minutes. If it goes on, the audit tells an administrator why`,
      refusal: refusalOf(connection, begun),
    }
  // Two tabs have one cookie: with a mark of its own the later one would take the earlier one's way back.
  const browser = asked.browser !== undefined && isToken(asked.browser) ? asked.browser : drawToken()
  const returnTo = pageOf(asked.returnTo)
  const flow = {
    connectionId: connection.id,
    redirectUri,
    returnTo,
    begun,
    browser,
    address,
    sessionId: proves,
    replaces,
  }
  const sealed = await keepFlow(parts, flow)
  return { kind: 'begun', url: begun.url, browser, sealed }
}

async function chooseConnection(
  parts: MicrosoftParts,
  asked: { readonly connection?: string | undefined; readonly userName?: string | undefined },
): Promise<Connection> {
  const usable = await signInConnections(parts.db)
  if (asked.connection !== undefined) {
    const named = usable.find((connection) => connection.name === asked.connection)
    if (named !== undefined) return named
    throw new NotFoundError('connection for sign-in', asked.connection)
  }
  const [only, ...others] = usable
  if (only === undefined) throw new NotFoundError('connection for sign-in', '')
  if (others.length === 0) return only
  const id = asked.userName === undefined ? undefined : await parts.realms.find(asked.userName)
  const found = usable.find((connection) => connection.id === id)
  if (found !== undefined) return found
  throw new ConflictError(
    'choose-connection',
    'There are several organizations here, and the user name does not tell which one is meant; choose one',
  )
}

export type MicrosoftSignIn =
  | {
      readonly kind: 'signed-in'
      readonly identity: PersonIdentity
      readonly token: string
      readonly returnTo: string
    }
  /** The way was one to prove a session anew, and did; nobody is signed in by it. */
  | { readonly kind: 'proved'; readonly returnTo: string }
  /** The same, and it did not. */
  | {
      readonly kind: 'not-proved'
      readonly reason: ProofRefusal | SignInRefusal
      readonly refusal: RefusedSignIn
      readonly returnTo: string
    }
  | { readonly kind: 'refused'; readonly reason: SignInRefusal; readonly refusal: RefusedSignIn }

/** Ends a sign-in with what the browser brought back. Never throws for what Microsoft, the person or an attacker did. */
export async function finishMicrosoft(
  parts: MicrosoftParts,
  options: {
    readonly returned: URLSearchParams
    readonly browser: string | undefined
    readonly sealed: string | undefined
    readonly place: SessionPlace
    readonly signal: AbortSignal
  },
): Promise<MicrosoftSignIn> {
  const { returned, browser, sealed, place, signal } = options
  const states = returned.getAll('state')
  const [state] = states
  if (state === undefined || state === '' || states.length > 1)
    return { kind: 'refused', reason: 'callback-malformed', refusal: NOTHING_KNOWN }
  const taken = await takeFlow(parts, { state, browser, sealed })
  if (taken.kind === 'unknown') return { kind: 'refused', reason: 'flow-unknown', refusal: NOTHING_KNOWN }
  if (taken.kind === 'other-browser') return { kind: 'refused', reason: 'flow-other-browser', refusal: NOTHING_KNOWN }
  const { flow } = taken
  const connection = (await listConnections(parts.db)).find(({ id }) => id === flow.connectionId)
  // Those that are kept here go with their connection; those in a browser do not.
  if (connection === undefined) return { kind: 'refused', reason: 'flow-unknown', refusal: NOTHING_KNOWN }
  const { redirectUri } = flow
  const proved = await finishCodeFlow(parts.oidc, { connection, redirectUri, returned, flow, signal })
  const { sessionId, returnTo } = flow
  if (proved.kind === 'refused') {
    const refused = { reason: proved.reason, refusal: refusalOf(connection, proved) }
    return sessionId === null ? { kind: 'refused', ...refused } : { kind: 'not-proved', ...refused, returnTo }
  }
  if (sessionId !== null) {
    const { person } = proved
    const reason = await proveByMicrosoft(parts, { flow: { ...flow, sessionId }, person, address: place.address })
    if (reason === undefined) return { kind: 'proved', returnTo }
    return { kind: 'not-proved', reason, refusal: refusalOfPerson(connection, person), returnTo }
  }
  const entered = { ...place, flow: browser, replaces: flow.replaces ?? undefined }
  return enter(parts, { connection, returnTo, person: proved.person, place: entered, signal })
}

interface Entering {
  readonly connection: Connection
  readonly returnTo: string
  readonly person: VerifiedPerson
  readonly place: SessionPlace
  readonly signal: AbortSignal
}

async function enter(parts: MicrosoftParts, entering: Entering): Promise<MicrosoftSignIn> {
  const { connection, person, signal } = entering
  // Asked before the transaction: Graph may take its time, and a session that is begun sees the rule again.
  const given = await findRole(parts, {
    connectionId: connection.id,
    person,
    openGraph: () => parts.openGraph(connection),
    signal,
  })
  return withTransaction(parts.db, async (tx) => {
    const { tenantId, objectId } = person
    const judged = await judgePerson(tx, { tenantId, objectId, connectionId: connection.id })
    if (judged.kind === 'refused') {
      const { reason, userId } = judged
      const subject = userId === undefined ? {} : { subject: userSubject(userId) }
      return { kind: 'refused', reason, refusal: { ...refusalOfPerson(connection, person), ...subject } }
    }
    return begin(parts, tx, { ...entering, given, userId: judged.userId, userName: judged.userName })
  })
}

async function begin(
  parts: MicrosoftParts,
  tx: Transaction,
  entering: Entering & { readonly given: GivenRole; readonly userId: number; readonly userName: string },
): Promise<MicrosoftSignIn> {
  const { connection, given, userId, userName, place, returnTo } = entering
  const now = parts.clock.now()
  const { role, problem } = given
  const { subject, authenticatedAt } = entering.person
  const owner = { userId, connectionId: connection.id, role, roleProblem: problem, subject, authenticatedAt }
  const session = await startSession(tx, { owner, now, place })
  const actor: Actor = { kind: 'person', name: userName, id: userId, address: place.address }
  const details = {
    by: 'microsoft',
    connection: connection.name,
    role,
    ...(given.by === null ? {} : { roleBy: given.by }),
    ...(problem === null ? {} : { roleProblem: problem }),
    ...(session.replaced === undefined ? {} : { replaced: session.replaced }),
  }
  // What could not be asked for is not known to be gone.
  if (problem === null) await keepRole(tx, { userId, connectionId: connection.id, role, now })
  if (role !== null) await noteRole(tx, { userId, role, connection: connection.name, now })
  await recordAudit(tx, parts, { actor, action: 'session.start', subject: userSubject(userId), details })
  const identity: PersonIdentity = {
    kind: 'person',
    id: userId,
    name: userName,
    role,
    sessionId: session.id,
    csrf: csrfOf(session.token),
    expiresAt: session.expiresAt,
    authenticatedAt,
    connectionId: connection.id,
  }
  return { kind: 'signed-in', identity, token: session.token, returnTo }
}

/** Who gets a role from Entra for the first time is told of: whoever may change groups there can make administrators here. */
async function noteRole(
  tx: Queries,
  given: { readonly userId: number; readonly role: Role; readonly connection: string; readonly now: Date },
): Promise<void> {
  const { userId, role, connection, now } = given
  const facts = { kind: 'role', user: userId, role, connection } as const
  await raiseAlert(tx, { key: `role:${userId}:${role}`, facts }, now)
}

const NOTHING_KNOWN: RefusedSignIn = { facts: {} }

function refusalOf(connection: Connection, refused: Refused): RefusedSignIn {
  const { kind: _, ...facts } = refused
  return { facts: { by: 'microsoft', connection: connection.name, ...facts } }
}

/** Of somebody whom Microsoft has proved to be this person. */
function refusalOfPerson(connection: Connection, { tenantId, objectId }: VerifiedPerson): RefusedSignIn {
  return {
    facts: { by: 'microsoft', connection: connection.name, tenantId, objectId },
    about: `${tenantId} ${objectId}`,
  }
}

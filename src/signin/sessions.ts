// Sessions: an opaque token in a cookie, its digest in the database. Everything about a session is looked up with each request, so
// that one that was ended, an account that was disabled or changed, and a person who may not sign in any more, count at once and on
// every server.
import { createHash } from 'node:crypto'
import { z } from 'zod'
import { ROLES, type Role } from '../contract/api/endpoint.ts'
import type { Queries } from '../database/connect.ts'
import { userSubject } from '../registry/person-history.ts'
import { maySignIn, SIGN_IN_JOINS } from '../registry/sign-in-rule.ts'
import { haveFlowsReplace } from './flows.ts'
import type { SessionIdentity } from './identity.ts'
import { noteUse } from './last-seen.ts'
import type { SignInParts } from './parts.ts'
import { digestOf, drawToken } from './random.ts'

const HOUR_MS = 3_600_000
/** A session that nobody used for so long has ended. */
const IDLE_MS = 30 * 60_000
/** However much it is used. A role that Entra gave is looked at again each working day. */
const LONGEST_MS = { account: 12 * HOUR_MS, personWithRole: 8 * HOUR_MS, person: 12 * HOUR_MS }
/** How exactly it is kept when a session was last used: each request would write otherwise. */
const SEEN_MS = 60_000
/** Longer names of browsers are cut. */
const LONGEST_USER_AGENT = 300

export interface SessionPlace {
  readonly address: string
  readonly userAgent: string
  /** The session that this browser has already. It gets another cookie, so that nobody could end that one but by the list. */
  readonly replaces?: number | undefined
  /** The mark of this browser, where sign-ins with Microsoft may be under way in other tabs of it. */
  readonly flow?: string | undefined
}

/** Whose session it is. */
export type SessionOwner =
  | {
      readonly administratorId: number
      /** Until then the password is set without the old one, once; left out: it is not. */
      readonly setsPasswordUntil?: Date | undefined
    }
  | {
      readonly userId: number
      readonly connectionId: number
      readonly role: Role | null
      readonly roleProblem: string | null
      readonly subject: string
      /** When he has signed in at Microsoft, as the token says; null where it does not. */
      readonly authenticatedAt: Date | null
    }

export interface StartedSession {
  /** In nobody's hands but the caller's. */
  readonly token: string
  readonly id: number
  readonly expiresAt: Date
  /** The one that ended by it, for the audit of the beginning; undefined: there was none. */
  readonly replaced: { readonly session: number; readonly of: string } | undefined
}

/** Begins a session, and ends the one that the browser had; it will end by those that are still to begin there. */
export async function startSession(
  tx: Queries,
  options: { readonly owner: SessionOwner; readonly now: Date; readonly place: SessionPlace },
): Promise<StartedSession> {
  const { owner, now, place } = options
  const token = drawToken()
  const expiresAt = new Date(now.getTime() + longestOf(owner))
  const person = 'userId' in owner ? owner : undefined
  const account = 'administratorId' in owner ? owner : undefined
  const administratorId = account?.administratorId ?? null
  const replaced = place.replaces === undefined ? undefined : await endReplaced(tx, place.replaces)
  const { rows } = await tx.query<{ id: number }>(
    `insert into sessions (digest, administrator_id, user_id, connection_id, role, role_problem, subject, created_at, last_seen_at,
       expires_at, address, user_agent, authenticated_at, sets_password_until)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $8, $9, $10, $11, $12, $13) returning id`,
    [
      digestOf(token),
      administratorId,
      person?.userId ?? null,
      person?.connectionId ?? null,
      person?.role ?? null,
      person?.roleProblem ?? null,
      person?.subject ?? null,
      now,
      expiresAt,
      place.address,
      place.userAgent.slice(0, LONGEST_USER_AGENT),
      person === undefined ? now : person.authenticatedAt,
      account?.setsPasswordUntil ?? null,
    ],
  )
  if (administratorId !== null)
    await tx.query('update administrators set last_sign_in_at = $2 where id = $1', [administratorId, now])
  const id = rows[0]?.id ?? 0
  if (place.flow !== undefined) await haveFlowsReplace(tx, { browser: place.flow, session: id })
  return { token, id, expiresAt, replaced }
}

async function endReplaced(tx: Queries, session: number): Promise<StartedSession['replaced']> {
  const { rows } = await tx.query<EndedSession>(`delete from sessions s where s.id = $1 returning ${ENDED_SESSION}`, [
    session,
  ])
  const [ended] = rows
  return ended === undefined ? undefined : { session, of: subjectOfEnded(ended) }
}

/** SQL: what the audit is told of a session `s` that is deleted. */
export const ENDED_SESSION =
  's.user_id, (select a.name from administrators a where a.id = s.administrator_id) as administrator'

export interface EndedSession {
  readonly user_id: number | null
  readonly administrator: string | null
}

/** Whose it was, as the audit names him. */
export function subjectOfEnded({ user_id: userId, administrator }: EndedSession): string {
  return userId === null ? `administrator ${administrator ?? ''}` : userSubject(userId)
}

function longestOf(owner: SessionOwner): number {
  if ('administratorId' in owner) return LONGEST_MS.account
  return owner.role === null ? LONGEST_MS.person : LONGEST_MS.personWithRole
}

/** SQL: sessions `x` of people who may sign in still, with what is known of them. */
const SESSIONS_OF_PEOPLE = `sessions x join users u on u.id = x.user_id ${SIGN_IN_JOINS} where ${maySignIn('x.connection_id')}`

const found = z.object({
  id: z.int(),
  kind: z.enum(['account', 'person']),
  owner: z.int(),
  name: z.string(),
  role: z.enum(ROLES).nullable(),
  connection_id: z.int().nullable(),
  expires_at: z.date(),
  last_seen_at: z.date(),
  authenticated_at: z.date().nullable(),
  sets_password_until: z.date().nullable(),
})

/**
 * Whose session this is; undefined where it has ended, or its owner may not sign in.
 *
 * @param options.isUse false for what a page asks by itself: it does not make the session last longer
 */
export async function findSession(
  parts: SignInParts,
  token: string,
  { isUse = true }: { readonly isUse?: boolean } = {},
): Promise<SessionIdentity | undefined> {
  const now = parts.clock.now()
  const { rows } = await parts.db.query(
    `select x.id, 'account' as kind, a.id as owner, a.name, a.role, null::int as connection_id, x.expires_at, x.last_seen_at, x.authenticated_at,
            x.sets_password_until
       from sessions x join administrators a on a.id = x.administrator_id
      where x.digest = $1 and a.enabled and x.expires_at > $2 and x.last_seen_at > $3
     union all
     select x.id, 'person', u.id, u.user_name, x.role, x.connection_id, x.expires_at, x.last_seen_at, x.authenticated_at, null
       from ${SESSIONS_OF_PEOPLE} and x.digest = $1 and x.expires_at > $2 and x.last_seen_at > $3`,
    [digestOf(token), now, idleSince(now)],
  )
  if (rows[0] === undefined) return undefined
  const session = found.parse(rows[0])
  if (isUse && now.getTime() - session.last_seen_at.getTime() > SEEN_MS)
    await noteUse(parts.db, 'update sessions set last_seen_at = $2 where id = $1', [session.id, now])
  const { owner: id, name, role, connection_id: connectionId, expires_at: expiresAt } = session
  const { authenticated_at: authenticatedAt } = session
  const common = { id, name, sessionId: session.id, csrf: csrfOf(token), expiresAt, authenticatedAt }
  if (session.kind === 'person') return { ...common, kind: 'person', role, connectionId: connectionId ?? 0 }
  return role === null
    ? undefined
    : { ...common, kind: 'account', role, setsPasswordUntil: session.sets_password_until }
}

/** Why groups could not be asked for when a session began; null where nothing is missing. */
export async function roleProblemOf(db: Queries, sessionId: number): Promise<string | null> {
  const { rows } = await db.query<{ role_problem: string | null }>('select role_problem from sessions where id = $1', [
    sessionId,
  ])
  return rows[0]?.role_problem ?? null
}

/** Removes sessions of people who may not sign in any more. Nobody can use them; nobody should see them either. */
export async function removeSessionsOfFormer(db: Queries): Promise<void> {
  await db.query(
    `delete from sessions where user_id is not null and id not in (select x.id from ${SESSIONS_OF_PEOPLE})`,
  )
}

/** What belongs to a session's token, but does not tell it. */
export function csrfOf(token: string): string {
  return createHash('sha256').update(`csrf\0${token}`, 'utf8').digest('base64url')
}

export interface OpenSession {
  readonly id: number
  readonly createdAt: Date
  readonly lastSeenAt: Date
  readonly expiresAt: Date
  readonly address: string
  readonly userAgent: string
}

/** Somebody's sessions that still work, the one used last first. */
export async function listSessions(
  db: Queries,
  options: { readonly owner: Pick<SessionIdentity, 'kind' | 'id'>; readonly now: Date },
): Promise<readonly OpenSession[]> {
  const { owner, now } = options
  const { rows } = await db.query<{
    id: number
    created_at: Date
    last_seen_at: Date
    expires_at: Date
    address: string
    user_agent: string
  }>(
    `select id, created_at, last_seen_at, expires_at, address, user_agent from sessions
     where ${OWNER_COLUMNS[owner.kind]} = $1 and expires_at > $2 and last_seen_at > $3 order by last_seen_at desc, id`,
    [owner.id, now, idleSince(now)],
  )
  return rows.map((row) => ({
    id: row.id,
    createdAt: row.created_at,
    lastSeenAt: row.last_seen_at,
    expiresAt: row.expires_at,
    address: row.address,
    userAgent: row.user_agent,
  }))
}

const OWNER_COLUMNS = { account: 'administrator_id', person: 'user_id' } as const

/** Sessions last used before this have ended. */
export function idleSince(now: Date): Date {
  return new Date(now.getTime() - IDLE_MS)
}

/** Ends every session of an account, but perhaps one. */
export async function endSessionsOf(
  tx: Queries,
  options: { readonly administratorId: number; readonly except?: number | undefined },
): Promise<void> {
  await tx.query('delete from sessions where administrator_id = $1 and id is distinct from $2::int', [
    options.administratorId,
    options.except ?? null,
  ])
}

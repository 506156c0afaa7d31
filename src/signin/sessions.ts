// Sessions of people: an opaque token in a cookie, its digest in the database. Everything about a session is looked up with each
// request, so that one that was ended, and an account that was disabled or changed, counts at once and on every server.
import { createHash } from 'node:crypto'
import { z } from 'zod'
import { ROLES } from '../contract/api/endpoint.ts'
import type { Queries } from '../database/connect.ts'
import type { AccountIdentity } from './identity.ts'
import type { SignInParts } from './parts.ts'
import { digestOf, drawToken } from './random.ts'

/** A session that nobody used for so long has ended. */
const IDLE_MS = 30 * 60_000
/** However much it is used. */
const LONGEST_MS = 12 * 3_600_000
/** How exactly it is kept when a session was last used: each request would write otherwise. */
const SEEN_MS = 60_000
/** Longer names of browsers are cut. */
const LONGEST_USER_AGENT = 300

export interface SessionPlace {
  readonly address: string
  readonly userAgent: string
}

/** Begins a session. The token is in nobody's hands but the caller's. */
export async function startSession(
  tx: Queries,
  options: { readonly administratorId: number; readonly now: Date; readonly place: SessionPlace },
): Promise<{ readonly token: string; readonly id: number; readonly expiresAt: Date }> {
  const { administratorId, now, place } = options
  const token = drawToken()
  const expiresAt = new Date(now.getTime() + LONGEST_MS)
  const { rows } = await tx.query<{ id: number }>(
    `insert into sessions (digest, administrator_id, created_at, last_seen_at, expires_at, address, user_agent)
     values ($1, $2, $3, $3, $4, $5, $6) returning id`,
    [digestOf(token), administratorId, now, expiresAt, place.address, place.userAgent.slice(0, LONGEST_USER_AGENT)],
  )
  await tx.query('update administrators set last_sign_in_at = $2 where id = $1', [administratorId, now])
  return { token, id: rows[0]?.id ?? 0, expiresAt }
}

/** Whose session this is; undefined where it has ended, or its account may not sign in. */
export async function findSession(parts: SignInParts, token: string): Promise<AccountIdentity | undefined> {
  const now = parts.clock.now()
  const { rows } = await parts.db.query<{
    id: number
    administrator_id: number
    name: string
    role: string
    expires_at: Date
    last_seen_at: Date
  }>(
    `select s.id, s.administrator_id, a.name, a.role, s.expires_at, s.last_seen_at
     from sessions s join administrators a on a.id = s.administrator_id
     where s.digest = $1 and a.enabled and s.expires_at > $2 and s.last_seen_at > $3`,
    [digestOf(token), now, idleSince(now)],
  )
  const found = rows[0]
  if (found === undefined) return undefined
  if (now.getTime() - found.last_seen_at.getTime() > SEEN_MS)
    await parts.db.query('update sessions set last_seen_at = $2 where id = $1', [found.id, now])
  return {
    kind: 'account',
    id: found.administrator_id,
    name: found.name,
    role: z.enum(ROLES).parse(found.role),
    sessionId: found.id,
    csrf: csrfOf(token),
    expiresAt: found.expires_at,
  }
}

/** What belongs to a session's token, but does not tell it. */
export function csrfOf(token: string): string {
  return createHash('sha256').update(`csrf\0${token}`, 'utf8').digest('base64url')
}

export interface OpenSession {
  readonly id: number
  readonly administratorId: number
  readonly createdAt: Date
  readonly lastSeenAt: Date
  readonly expiresAt: Date
  readonly address: string
  readonly userAgent: string
}

/** The sessions of an account that still work, the one used last first. */
export async function listSessions(
  db: Queries,
  options: { readonly administratorId: number; readonly now: Date },
): Promise<readonly OpenSession[]> {
  const { rows } = await db.query<{
    id: number
    administrator_id: number
    created_at: Date
    last_seen_at: Date
    expires_at: Date
    address: string
    user_agent: string
  }>(
    `select id, administrator_id, created_at, last_seen_at, expires_at, address, user_agent from sessions
     where administrator_id = $1 and expires_at > $2 and last_seen_at > $3 order by last_seen_at desc, id`,
    [options.administratorId, options.now, idleSince(options.now)],
  )
  return rows.map((row) => ({
    id: row.id,
    administratorId: row.administrator_id,
    createdAt: row.created_at,
    lastSeenAt: row.last_seen_at,
    expiresAt: row.expires_at,
    address: row.address,
    userAgent: row.user_agent,
  }))
}

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

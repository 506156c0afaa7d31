// API tokens: shown once, kept as digests, with scopes and an end.
import { SCOPES } from '../contract/api/endpoint.ts'
import type { Scope } from '../contract/api/endpoint.ts'
import { NotFoundError } from '../base/errors.ts'
import type { Queries } from '../database/connect.ts'
import type { TokenIdentity } from './identity.ts'
import { noteUse } from './last-seen.ts'
import type { SignInParts } from './parts.ts'
import { digestOf, drawToken } from './random.ts'

/** So that scanners of repositories and logs recognize a lost one. */
const PREFIX = 'mst_'
/** How much of a token is listed, to recognize it by; the rest keeps more than 200 bits. */
const SHOWN = PREFIX.length + 6
const USED_MS = 60_000

export interface ListedToken {
  readonly id: number
  readonly name: string
  readonly prefix: string
  readonly scopes: readonly Scope[]
  readonly createdBy: string
  readonly createdAt: Date
  readonly expiresAt: Date | null
  readonly lastUsedAt: Date | null
}

/** Whose token this is; undefined where it never was, has ended or was revoked. */
export async function findToken(parts: SignInParts, token: string): Promise<TokenIdentity | undefined> {
  if (!token.startsWith(PREFIX)) return undefined
  const now = parts.clock.now()
  const { rows } = await parts.db.query<{ id: number; name: string; scopes: string[]; last_used_at: Date | null }>(
    `select id, name, scopes, last_used_at from api_tokens
     where digest = $1 and revoked_at is null and (expires_at is null or expires_at > $2)`,
    [digestOf(token), now],
  )
  const found = rows[0]
  if (found === undefined) return undefined
  if (found.last_used_at === null || now.getTime() - found.last_used_at.getTime() > USED_MS)
    await noteUse(parts.db, 'update api_tokens set last_used_at = $2 where id = $1', [found.id, now])
  return { kind: 'token', id: found.id, name: found.name, scopes: new Set(found.scopes) }
}

/** Makes a token; the text is told here and never again. */
export async function createToken(
  tx: Queries,
  wanted: {
    readonly name: string
    readonly scopes: readonly Scope[]
    readonly createdBy: string
    readonly now: Date
    readonly expiresAt: Date | null
  },
): Promise<{ readonly token: string; readonly listed: ListedToken }> {
  const token = `${PREFIX}${drawToken()}`
  const prefix = token.slice(0, SHOWN)
  const scopes = SCOPES.filter((scope) => wanted.scopes.includes(scope))
  const { rows } = await tx.query<{ id: number }>(
    `insert into api_tokens (name, digest, prefix, scopes, created_by, created_at, expires_at)
     values ($1, $2, $3, $4, $5, $6, $7) returning id`,
    [wanted.name, digestOf(token), prefix, scopes, wanted.createdBy, wanted.now, wanted.expiresAt],
  )
  const { name, createdBy, now: createdAt, expiresAt } = wanted
  return {
    token,
    listed: { id: rows[0]?.id ?? 0, name, prefix, scopes, createdBy, createdAt, expiresAt, lastUsedAt: null },
  }
}

/** The tokens that work, the newest first. */
export async function listTokens(db: Queries, now: Date): Promise<readonly ListedToken[]> {
  const { rows } = await db.query<{
    id: number
    name: string
    prefix: string
    scopes: string[]
    created_by: string
    created_at: Date
    expires_at: Date | null
    last_used_at: Date | null
  }>(
    `select id, name, prefix, scopes, created_by, created_at, expires_at, last_used_at from api_tokens
     where revoked_at is null and (expires_at is null or expires_at > $1) order by id desc`,
    [now],
  )
  return rows.map((row) => ({
    id: row.id,
    name: row.name,
    prefix: row.prefix,
    scopes: SCOPES.filter((scope) => row.scopes.includes(scope)),
    createdBy: row.created_by,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    lastUsedAt: row.last_used_at,
  }))
}

/** Ends a token at once. @throws NotFoundError where it does not work anyway */
export async function revokeToken(
  tx: Queries,
  { id, now }: { readonly id: number; readonly now: Date },
): Promise<{ readonly name: string; readonly prefix: string }> {
  const { rows } = await tx.query<{ name: string; prefix: string }>(
    `update api_tokens set revoked_at = $2
     where id = $1 and revoked_at is null and (expires_at is null or expires_at > $2) returning name, prefix`,
    [id, now],
  )
  const revoked = rows[0]
  if (revoked === undefined) throw new NotFoundError('token', String(id), 'it has ended or was revoked already')
  return revoked
}

// API tokens: shown once, kept as digests, with scopes and an end. None does more than whoever made it may at that moment.
import { type Role, SCOPES, type Scope } from '../contract/api/endpoint.ts'
import { NotFoundError } from '../base/errors.ts'
import type { Queries } from '../database/connect.ts'
import type { Actor } from '../registry/audit.ts'
import { SignInError } from './errors.ts'
import type { TokenIdentity } from './identity.ts'
import { noteUse } from './last-seen.ts'
import { MAKER_JOINS, makerOf, makerRole, parseRole } from './makers.ts'
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
  /** What its maker may now, and it no more; null: it does nothing. */
  readonly makerRole: Role | null
  readonly createdAt: Date
  readonly expiresAt: Date | null
  readonly lastUsedAt: Date | null
}

/**
 * Whose token this is; undefined where it never was, has ended or was revoked.
 *
 * @throws SignInError `token-suspended` where its maker may nothing any more
 */
export async function findToken(parts: SignInParts, token: string): Promise<TokenIdentity | undefined> {
  if (!token.startsWith(PREFIX)) return undefined
  const now = parts.clock.now()
  const { rows } = await parts.db.query<{
    id: number
    name: string
    scopes: string[]
    last_used_at: Date | null
    created_by: string
    maker_role: string | null
  }>(
    `select t.id, t.name, t.scopes, t.last_used_at, t.created_by, ${makerRole('$2')} as maker_role
       from api_tokens t ${MAKER_JOINS}
      where t.digest = $1 and t.revoked_at is null and (t.expires_at is null or t.expires_at > $2)`,
    [digestOf(token), now],
  )
  const found = rows[0]
  if (found === undefined) return undefined
  const role = parseRole(found.maker_role)
  if (role === null) {
    throw new SignInError(
      'token-suspended',
      `The API token ${JSON.stringify(found.name)} does nothing, because ${found.created_by}, who made it, may not use this installation any more, or has not signed in with his role for long; make another one`,
      found.name,
    )
  }
  if (found.last_used_at === null || now.getTime() - found.last_used_at.getTime() > USED_MS)
    await noteUse(parts.db, 'update api_tokens set last_used_at = $2 where id = $1', [found.id, now])
  return { kind: 'token', id: found.id, name: found.name, scopes: new Set(found.scopes), role }
}

/** Makes a token; the text is told here and never again. */
export async function createToken(
  tx: Queries,
  wanted: {
    readonly name: string
    readonly scopes: readonly Scope[]
    /** An administrator, as he is when he makes it. */
    readonly maker: Actor
    readonly now: Date
    readonly expiresAt: Date | null
  },
): Promise<{ readonly token: string; readonly listed: ListedToken }> {
  const token = `${PREFIX}${drawToken()}`
  const prefix = token.slice(0, SHOWN)
  const scopes = SCOPES.filter((scope) => wanted.scopes.includes(scope))
  const { name, now: createdAt, expiresAt } = wanted
  const createdBy = wanted.maker.name
  const maker = makerOf(wanted.maker)
  const { rows } = await tx.query<{ id: number }>(
    `insert into api_tokens (name, digest, prefix, scopes, created_by, created_at, expires_at, maker_kind, maker_id)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9) returning id`,
    [name, digestOf(token), prefix, scopes, createdBy, createdAt, expiresAt, maker.kind, maker.id],
  )
  const common = { name, prefix, scopes, createdBy, createdAt, expiresAt }
  return { token, listed: { ...common, id: rows[0]?.id ?? 0, makerRole: 'administrator', lastUsedAt: null } }
}

/** The tokens that were not revoked and have not ended, the newest first. */
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
    maker_role: string | null
  }>(
    `select t.id, t.name, t.prefix, t.scopes, t.created_by, t.created_at, t.expires_at, t.last_used_at, ${makerRole('$1')} as maker_role
       from api_tokens t ${MAKER_JOINS}
      where t.revoked_at is null and (t.expires_at is null or t.expires_at > $1) order by t.id desc`,
    [now],
  )
  return rows.map((row) => ({
    id: row.id,
    name: row.name,
    prefix: row.prefix,
    scopes: SCOPES.filter((scope) => row.scopes.includes(scope)),
    createdBy: row.created_by,
    makerRole: parseRole(row.maker_role),
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

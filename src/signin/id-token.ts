// Judges what an id token says. Pure; its signature is another matter (oidc-verify.ts). Everything that is not as it must be has
// its own reason, so that the audit tells which attack or which mistake it was.
import { z } from 'zod'
import type { TokenRefusal } from '../contract/sign-in-refusals.ts'
import { type ObjectId, parseObjectId, parseTenantId, type TenantId } from '../directory/ids.ts'

/** Clocks may differ so much, seconds; the most that Microsoft's own libraries allow. */
export const CLOCK_TOLERANCE_SECONDS = 300

/** Who has signed in, as Microsoft says it. No name and no mail: nobody is found by them. */
export interface VerifiedPerson {
  readonly tenantId: TenantId
  readonly objectId: ObjectId
  /** `sub`: the person for this application alone. */
  readonly subject: string
  /** App roles (`roles`) as their values stand in the app registration. */
  readonly roles: readonly string[]
  readonly groups: TokenGroups
  /** `auth_time`: when he has signed in at Microsoft, at the latest now; null where the token does not say it. */
  readonly authenticatedAt: Date | null
}

/** `absent`: the app registration does not emit groups; `overage`: there are too many to stand in a token. */
export type TokenGroups =
  | { readonly kind: 'listed'; readonly ids: readonly ObjectId[] }
  | { readonly kind: 'overage' | 'absent' }

export interface Expected {
  /** Exactly `{authority}/{tenant id}/v2.0`. */
  readonly issuer: string
  readonly tenantId: string
  readonly clientId: string
  /** What this sign-in was begun with; null where the way has none (device code, password). */
  readonly nonce: string | null
  readonly now: Date
}

export type Judged =
  | { readonly kind: 'accepted'; readonly person: VerifiedPerson }
  | { readonly kind: 'refused'; readonly reason: TokenRefusal }

/** The parts of a token that was decoded, and nothing else done to it. */
export interface DecodedToken {
  readonly header: Readonly<Record<string, unknown>>
  readonly claims: Readonly<Record<string, unknown>>
}

/**
 * Whether the claims of an id token are those of a person of this tenant for this application and this sign-in.
 *
 * @see https://learn.microsoft.com/entra/identity-platform/id-token-claims-reference
 * @see https://learn.microsoft.com/entra/identity-platform/claims-validation
 */
export function judgeIdToken({ header, claims }: DecodedToken, expected: Expected): Judged {
  const reason = judgeHeader(header) ?? judgeClaims(claims, expected)
  if (reason !== undefined) return { kind: 'refused', reason }
  const tenantId = parseTenantId(String(claims['tid']))
  const objectId = parseObjectId(String(claims['oid']))
  const roles = texts.safeParse(claims['roles'] ?? [])
  const groups = groupsOf(claims)
  if (tenantId === undefined || objectId === undefined || !roles.success || groups === undefined)
    return { kind: 'refused', reason: 'token-malformed' }
  return {
    kind: 'accepted',
    person: {
      tenantId,
      objectId,
      subject: String(claims['sub']),
      roles: roles.data,
      groups,
      authenticatedAt: authenticatedAt(claims['auth_time'], expected.now),
    },
  }
}

/** Only what stands here may be in a header: a token that brings or names its own key is nobody's mistake. */
const HEADER = new Set(['alg', 'kid', 'typ', 'x5t', 'x5t#S256'])

/** Why a header cannot be that of an id token; looked at before any key is. */
export function judgeHeader(header: Readonly<Record<string, unknown>>): TokenRefusal | undefined {
  if (header['alg'] !== 'RS256') return 'token-algorithm'
  const { typ, kid } = header
  // An access token by RFC 9068 calls itself at+jwt.
  if (typ !== undefined && (typeof typ !== 'string' || typ.toUpperCase() !== 'JWT')) return 'token-header'
  if (typeof kid !== 'string' || kid === '' || Object.keys(header).some((name) => !HEADER.has(name)))
    return 'token-header'
  return undefined
}

function judgeClaims(claims: Readonly<Record<string, unknown>>, expected: Expected): TokenRefusal | undefined {
  const { iss, aud, azp, tid, oid, sub, ver } = claims
  if (iss !== expected.issuer) return 'token-issuer'
  // The list of one is as good as the text; a second audience is not.
  const audience: unknown = Array.isArray(aud) && aud.length === 1 ? aud[0] : aud
  if (audience !== expected.clientId || (azp !== undefined && azp !== expected.clientId)) return 'token-audience'
  if (typeof tid !== 'string' || parseTenantId(tid) !== expected.tenantId.toLowerCase()) return 'token-tenant'
  if (ver !== '2.0') return 'token-version'
  if (isOtherKind(claims)) return 'token-kind'
  if (typeof oid !== 'string' || parseObjectId(oid) === undefined) return 'token-object-id'
  if (typeof sub !== 'string' || sub === '') return 'token-object-id'
  if (claims['nonce'] !== (expected.nonce ?? undefined)) return 'token-nonce'
  return judgeTimes(claims, expected.now)
}

/** Access tokens have scopes; tokens of applications say so, and their subject is the application's own object. */
function isOtherKind({ scp, idtyp, appid, appidacr, azpacr }: Readonly<Record<string, unknown>>): boolean {
  return [scp, idtyp, appid, appidacr, azpacr].some((claim) => claim !== undefined)
}

function judgeTimes({ exp, nbf, iat }: Readonly<Record<string, unknown>>, at: Date): TokenRefusal | undefined {
  const now = at.getTime() / 1000
  if (!isTime(exp) || !isTime(iat) || (nbf !== undefined && !isTime(nbf))) return 'token-malformed'
  if (exp + CLOCK_TOLERANCE_SECONDS <= now || exp <= iat) return 'token-expired'
  const isEarly = Math.max(iat, nbf ?? iat) - CLOCK_TOLERANCE_SECONDS > now
  return isEarly ? 'token-not-yet-valid' : undefined
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value > 0
}

/** What lies further ahead than clocks differ says nothing. */
function authenticatedAt(authTime: unknown, at: Date): Date | null {
  const now = at.getTime() / 1000
  if (!isTime(authTime) || authTime > now + CLOCK_TOLERANCE_SECONDS) return null
  return new Date(Math.min(authTime, now) * 1000)
}

const texts = z.array(z.string())

/**
 * The two marks of too many groups are those of tokens from the token endpoint and from the authorize endpoint. The address that
 * comes with the first one is not looked at: Graph is asked through the connection.
 *
 * @returns undefined where `groups` is no list of texts
 */
function groupsOf(claims: Readonly<Record<string, unknown>>): TokenGroups | undefined {
  const names = claims['_claim_names']
  const isElsewhere = typeof names === 'object' && names !== null && 'groups' in names
  if (isElsewhere || (claims['hasgroups'] !== undefined && claims['hasgroups'] !== false)) return { kind: 'overage' }
  if (claims['groups'] === undefined) return { kind: 'absent' }
  const listed = texts.safeParse(claims['groups'])
  if (!listed.success) return undefined
  const ids = listed.data.flatMap((text) => parseObjectId(text) ?? [])
  // Groups may be emitted by name (synchronized ones). Names give nobody a role, and do not say what else he is a member of.
  return ids.length < listed.data.length ? { kind: 'absent' } : { kind: 'listed', ids }
}

// Who asks, whether it comes from our own pages, and whether he may: decided before a body is read.
import type { FastifyRequest } from 'fastify'
import { timingSafeEqual } from 'node:crypto'
import type { Endpoint } from '../contract/api/endpoint.ts'
import { type Identity, judgeAccess, NOBODY, type TerminalIdentity } from '../signin/identity.ts'
import type { SignInParts } from '../signin/parts.ts'
import { isRecent } from '../signin/prove-again.ts'
import { findSession } from '../signin/sessions.ts'
import { digestOf } from '../signin/random.ts'
import type { TerminalMemory } from '../signin/terminal-memory.ts'
import { findTerminal, TERMINAL_PREFIX } from '../signin/terminals.ts'
import { findToken } from '../signin/tokens.ts'
import { readCookie } from './cookies.ts'
import { HttpError } from './problem.ts'

export interface Identifying {
  /**
   * False where nobody has done anything: a session does not last longer by it. What a page asks by itself while nobody is there says
   * so, in `X-Muster-Unattended`
   */
  readonly isUse?: boolean
  /** Where a terminal may be as it was last seen, because the endpoint looks at it again. */
  readonly terminals?: TerminalMemory | undefined
  /** Whose token has this digest; looked up by itself unless told. */
  readonly findTerminal?: ((digest: Buffer) => Promise<TerminalIdentity | undefined>) | undefined
}

/**
 * A token in the Authorization header counts alone; a cookie is not looked at then.
 *
 * @throws HttpError `token-invalid`
 */
export async function identify(
  parts: SignInParts,
  request: FastifyRequest,
  options: Identifying = {},
): Promise<Identity> {
  const { authorization } = request.headers
  if (authorization !== undefined) {
    const token = bearerOf(request)
    const isTerminal = token?.startsWith(TERMINAL_PREFIX) === true
    const find = isTerminal ? identifyTerminal : findToken
    const found = token === undefined ? undefined : await find(parts, token, options)
    if (found !== undefined) return found
    throw tokenInvalid(isTerminal ? 'terminal' : 'API')
  }
  const session = readCookie(request, 'session')
  if (session === undefined) return NOBODY
  const isAttended = request.headers['x-muster-unattended'] === undefined
  return (await findSession(parts, session, { isUse: (options.isUse ?? true) && isAttended })) ?? NOBODY
}

/** Whether what is asked brings a token that looks like one of a terminal. */
export function isFromTerminal(request: FastifyRequest): boolean {
  return bearerOf(request)?.startsWith(TERMINAL_PREFIX) === true
}

function bearerOf(request: FastifyRequest): string | undefined {
  return /^Bearer +([\w.~+/-]+=*) *$/i.exec(request.headers.authorization ?? '')?.[1]
}

async function identifyTerminal(
  parts: SignInParts,
  token: string,
  { terminals, findTerminal: find = (digest) => findTerminal(parts, digest) }: Identifying,
): Promise<Identity | undefined> {
  const digest = digestOf(token)
  const terminal = terminals?.recall(digest)
  if (terminal !== undefined) return { kind: 'remembered-terminal', id: terminal.id, name: terminal.name, terminal }
  const found = await find(digest)
  if (found !== undefined) terminals?.remember(found)
  return found
}

export function tokenInvalid(kind: 'terminal' | 'API'): HttpError {
  return new HttpError(401, 'token-invalid', {
    message: `The ${kind} token is not one of this installation, has ended or was revoked; make another one`,
    headers: { 'www-authenticate': 'Bearer error="invalid_token"' },
  })
}

/** @throws HttpError `signed-out`, `forbidden` */
export function checkAccess(identity: Identity, endpoint: Pick<Endpoint, 'role' | 'scope'>): void {
  const verdict = judgeAccess(identity, endpoint)
  if (verdict === 'signed-out') {
    throw new HttpError(401, 'signed-out', {
      message: 'Nobody is signed in, or the session has ended; sign in, or send an API token',
      headers: { 'www-authenticate': 'Bearer' },
    })
  }
  if (verdict === 'forbidden') throw new HttpError(403, 'forbidden', { message: whyForbidden(identity, endpoint) })
}

/** @throws HttpError `proof-needed` */
export function checkProof(identity: Identity, now: Date): void {
  if (identity.kind === 'token') return
  if ((identity.kind === 'account' || identity.kind === 'person') && isRecent(identity, now)) return
  throw new HttpError(403, 'proof-needed', {
    message:
      'This asks for a recent proof of who you are: confirm it with your password, or at Microsoft, and ask again within ten minutes',
  })
}

function whyForbidden(identity: Identity, { role, scope }: Pick<Endpoint, 'role' | 'scope'>): string {
  if (role === 'terminal') return 'This is for terminals, with a token of their own'
  if (identity.kind === 'terminal' || identity.kind === 'remembered-terminal')
    return 'A terminal may do nothing but identify people'
  if (role === 'account') return 'This is for local accounts; whoever signed in with Microsoft has no password here'
  if (role === 'person')
    return 'This is for people who signed in with Microsoft; a local account is nobody of the registry'
  if (identity.kind !== 'token') return `This needs the role ${role}`
  if (scope === null) return 'This is for people, not for API tokens'
  return identity.scopes.has(scope)
    ? `This needs the role ${role}, and whoever made this token is ${identity.role} now`
    : `This needs a token with the scope ${scope}`
}

/**
 * A browser sends cookies with requests of other sites' pages too. So what comes with a cookie, or begins a session, must
 * come from a page of ours; what changes something must besides carry what only our pages know.
 *
 * @throws HttpError `cross-site`, `csrf`
 */
export function checkOrigin(request: FastifyRequest, identity: Identity): void {
  if (identity.kind === 'token' || identity.kind === 'terminal' || identity.kind === 'remembered-terminal') return
  const isReading = request.method === 'GET' || request.method === 'HEAD'
  const site = request.headers['sec-fetch-site']
  const { origin } = request.headers
  const isOfOthers = site !== undefined && site !== 'same-origin' && !(isReading && site === 'none')
  const isFromElsewhere = origin !== undefined && !isOriginOf(origin, request.host)
  // Every browser of these years sends one of the two with what changes something.
  const isUnknown = !isReading && site === undefined && origin === undefined
  if (isOfOthers || isFromElsewhere || isUnknown) {
    throw new HttpError(403, 'cross-site', {
      message: `This was not asked by a page of this server; behind a proxy, let it pass the Host header on`,
    })
  }
  if (isReading || identity.kind === 'nobody') return
  const given = request.headers['x-muster-csrf']
  if (typeof given !== 'string' || !isSame(given, identity.csrf)) {
    throw new HttpError(403, 'csrf', { message: 'X-Muster-Csrf does not belong to this session; load the page again' })
  }
}

/** The scheme is not compared: a proxy that ends TLS may not be known to us, and a browser that sends it keeps to it itself. */
function isOriginOf(origin: string, host: string): boolean {
  const given = URL.parse(origin)
  return given !== null && given.host === URL.parse(`${given.protocol}//${host}`)?.host
}

function isSame(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)]
  return left.length === right.length && timingSafeEqual(left, right)
}

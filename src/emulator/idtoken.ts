// What an id token says about a person (graph.md 5.6).
import { createHash } from 'node:crypto'
import { assignmentsOf, invitedAddress, isGuest, type Person } from './authenticate.ts'
import type { DirectoryObject } from './object.ts'
import type { Random } from './random.ts'
import type { AppRegistration, Tenant } from './tenant.ts'

/** More groups than this are not in a token: the overage of graph.md 5.6. */
const MAX_GROUPS = 200
/** Entra dates id tokens back by its clock tolerance; they end 60 minutes from now. */
const BACKDATED_SECONDS = 300
const LIFE_SECONDS = 3600

export interface SignedIn {
  readonly person: Person
  readonly app: AppRegistration
  readonly scopes: ReadonlySet<string>
  readonly nonce: string | undefined
  /** Wall clock, milliseconds: when the person last proved who he is. */
  readonly authenticatedAtMs: number
  /** `max_age` was asked, so that the token must say when. */
  readonly tellsAuthTime: boolean
  /** Of the browser session. */
  readonly sessionId: string
}

export interface IdTokenContext {
  readonly origin: string
  readonly random: Random
  readonly now: Date
  /** Straight from the authorize endpoint. */
  readonly isImplicit: boolean
  /** `c_hash` is made of it. */
  readonly code: string | undefined
}

/** The claims, in Entra's order as far as it is known; `undefined` ones are left out. */
export function idTokenClaims(signedIn: SignedIn, context: IdTokenContext): Record<string, unknown> {
  const { person, app, scopes, nonce } = signedIn
  const { tenant, user } = person
  const { origin, random } = context
  const nowSeconds = Math.floor(context.now.getTime() / 1000)
  const from = nowSeconds - BACKDATED_SECONDS
  const hasProfile = scopes.has('profile')
  return withoutUndefined({
    ver: '2.0',
    iss: `${origin}/${tenant.id}/v2.0`,
    sub: pairwise(app.appId, user.id),
    aud: app.appId,
    exp: nowSeconds + LIFE_SECONDS,
    iat: from,
    nbf: from,
    ...(hasProfile && {
      name: textOf(user, 'displayName'),
      preferred_username: userNameOf(user),
      oid: user.id,
    }),
    email: emailOf(signedIn),
    tid: tenant.id,
    nonce,
    c_hash: context.code === undefined ? undefined : halfHash(context.code),
    idp: identityProvider(person),
    roles: rolesOf(person, app),
    ...groupClaims(person, app, context.isImplicit),
    ...optionalClaims(signedIn),
    aio: opaque(random, 84),
    rh: `1.${opaque(random, 60)}.`,
    uti: opaque(random, 22),
  })
}

/** The same person has another one at every app. */
export function pairwise(appId: string, objectId: string): string {
  return createHash('sha256').update(`${appId}\n${objectId}`).digest('base64url')
}

/** Text that a client is not meant to read, seeded. */
export function opaque(random: Random, length: number): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  return Array.from({ length }, () => alphabet.charAt(random.int(alphabet.length))).join('')
}

export function userNameOf(user: DirectoryObject): string {
  return isGuest(user) ? invitedAddress(user) : String(user.properties['userPrincipalName'])
}

function emailOf({ person, app, scopes }: SignedIn): string | undefined {
  const isAsked = scopes.has('email') || app.signIn.optionalClaims.includes('email')
  return isAsked || isGuest(person.user) ? textOf(person.user, 'mail') : undefined
}

function identityProvider({ user, home }: Person): string | undefined {
  if (!isGuest(user)) return undefined
  return home === undefined ? 'mail' : `https://sts.windows.net/${home.tenant.id}/`
}

function rolesOf(person: Person, app: AppRegistration): readonly string[] | undefined {
  const roles = new Set(assignmentsOf(person, app).flatMap(({ role }) => (role === undefined ? [] : [role])))
  return roles.size === 0 ? undefined : [...roles]
}

function groupClaims(person: Person, app: AppRegistration, isImplicit: boolean): Record<string, unknown> {
  const { tenant, user } = person
  const wanted = app.signIn.groupMembershipClaims
  if (wanted === 'None') return {}
  const assigned = new Set(app.signIn.assignments.map(({ principalId }) => principalId))
  const groups = allGroupsOf(tenant, user)
    .filter((group) => {
      if (wanted === 'ApplicationGroup') return assigned.has(group.id)
      return wanted === 'All' || group.properties['securityEnabled'] === true
    })
    .map((group) => group.id)
  if (groups.length === 0) return {}
  if (groups.length <= MAX_GROUPS) return { groups }
  if (isImplicit) return { hasgroups: true }
  return {
    _claim_names: { groups: 'src1' },
    _claim_sources: {
      // Real tokens still name the service that was switched off; clients ask Graph instead.
      src1: { endpoint: `https://graph.windows.net/${tenant.id}/users/${user.id}/getMemberObjects` },
    },
  }
}

function allGroupsOf(tenant: Tenant, user: DirectoryObject): readonly DirectoryObject[] {
  const found = new Set<number>(user.memberOf)
  for (const no of found) for (const above of tenant.at(no).memberOf) found.add(above)
  return [...found].map((no) => tenant.at(no)).filter(({ presence, kind }) => presence === 'live' && kind === 'group')
}

function optionalClaims(signedIn: SignedIn): Record<string, unknown> {
  const { app, person, authenticatedAtMs, tellsAuthTime, sessionId } = signedIn
  const { tenant, user } = person
  const known: Readonly<Record<string, unknown>> = {
    upn: String(user.properties['userPrincipalName']),
    auth_time: Math.floor(authenticatedAtMs / 1000),
    login_hint: `O.${Buffer.from(`${tenant.id}:${user.id}`).toString('base64url')}`,
    sid: sessionId,
    acct: isGuest(user) ? 1 : 0,
    tenant_ctry: textOf(user, 'usageLocation'),
  }
  const names = new Set([...app.signIn.optionalClaims, ...(tellsAuthTime ? ['auth_time'] : [])])
  return Object.fromEntries(Object.entries(known).filter(([name]) => names.has(name)))
}

// The left half of SHA-256 (OpenID Connect Core 3.3.2.11).
function halfHash(text: string): string {
  return createHash('sha256').update(text, 'ascii').digest().subarray(0, 16).toString('base64url')
}

function textOf(user: DirectoryObject, name: string): string | undefined {
  const value = user.properties[name]
  return typeof value === 'string' && value !== '' ? value : undefined
}

function withoutUndefined(claims: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined))
}

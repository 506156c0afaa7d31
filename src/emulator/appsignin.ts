// What an app registration says about signing people in: addresses, kind of client, roles, who is assigned, and which
// claims the id token carries.
import { ConflictError } from '../base/errors.ts'
import type { Random } from './random.ts'

/** Platform of a redirect URI: a confidential client, a browser app, or a program on a device. */
export type Platform = 'web' | 'spa' | 'publicClient'

export interface RedirectUri {
  readonly uri: string
  readonly platform: Platform
}

export interface AppRole {
  readonly id: string
  readonly value: string
  readonly displayName: string
}

/** A user or a group that the app is assigned to; without a role it is the default access. */
export interface Assignment {
  readonly principalId: string
  readonly role: string | undefined
}

/** Plain mutable data: tests and the administration interface assign to it. */
export interface AppSignIn {
  readonly redirectUris: RedirectUri[]
  /** *Allow public client flows*: device code and password without a credential. */
  publicClient: boolean
  /** Id tokens straight from the authorize endpoint. */
  implicitIdTokens: boolean
  /** *Assignment required?*: others get AADSTS50105. */
  assignmentRequired: boolean
  readonly appRoles: AppRole[]
  readonly assignments: Assignment[]
  groupMembershipClaims: 'None' | 'SecurityGroup' | 'ApplicationGroup' | 'All'
  /** Names of {@link OPTIONAL_CLAIMS} that id tokens carry. */
  optionalClaims: readonly string[]
  /** `ask`: everybody is asked once; `missing`: nobody may consent (AADSTS65001). */
  consent: 'granted' | 'ask' | 'missing'
  /** Object ids of people who consented. */
  readonly consented: Set<string>
  /** Who may sign in: people of the own tenant, or of any. */
  audience: 'AzureADMyOrg' | 'AzureADMultipleOrgs'
}

export interface AppSignInOptions
  extends Partial<Omit<AppSignIn, 'redirectUris' | 'appRoles' | 'assignments' | 'consented'>> {
  /** Of platform `web` unless said otherwise. */
  readonly redirectUris?: readonly (string | RedirectUri)[]
  readonly appRoles?: readonly (Omit<AppRole, 'id'> & { readonly id?: string })[]
  readonly assignments?: readonly Assignment[]
}

/** Optional claims of id tokens that the emulator knows. */
export const OPTIONAL_CLAIMS: readonly string[] = [
  'upn',
  'email',
  'auth_time',
  'login_hint',
  'sid',
  'acct',
  'tenant_ctry',
]

const MAX_REDIRECT_URI = 256

/** A registration as a portal makes it: granted for the own organization, no address yet. @throws ConflictError */
export function newSignIn(random: Random, options: AppSignInOptions = {}): AppSignIn {
  const { redirectUris = [], appRoles = [], assignments = [], ...rest } = options
  const signIn: AppSignIn = {
    publicClient: false,
    implicitIdTokens: false,
    assignmentRequired: false,
    groupMembershipClaims: 'None',
    optionalClaims: [],
    consent: 'granted',
    audience: 'AzureADMyOrg',
    ...rest,
    redirectUris: [],
    appRoles: appRoles.map((role) => ({ ...role, id: role.id ?? random.guid() })),
    assignments: [...assignments],
    consented: new Set(),
  }
  for (const one of redirectUris) addRedirectUri(signIn, typeof one === 'string' ? { uri: one, platform: 'web' } : one)
  return signIn
}

/**
 * Registers an address that sign-ins may return to.
 *
 * @throws ConflictError `redirect-uri-refused` for what the portal does not take: no https (but on the own machine),
 * a fragment, a wildcard, more than 256 characters
 */
export function addRedirectUri(signIn: AppSignIn, added: RedirectUri): void {
  const { uri, platform } = added
  const url = URL.canParse(uri) ? new URL(uri) : undefined
  const isLocal = url?.protocol === 'http:' && /^(localhost|127\.0\.0\.1|\[::1\])$/.test(url.hostname)
  const isOwnScheme = platform === 'publicClient' && url !== undefined && !/^https?:$/.test(url.protocol)
  const isSound = uri.length <= MAX_REDIRECT_URI && !uri.includes('#') && !uri.includes('*')
  if (url === undefined || !isSound || !(url.protocol === 'https:' || isLocal || isOwnScheme)) {
    throw new ConflictError('redirect-uri-refused', `${uri} cannot be a redirect URI of platform ${platform}`)
  }
  if (signIn.redirectUris.some((known) => known.uri === uri && known.platform === platform)) return
  signIn.redirectUris.push(added)
}

/** The registered address that a request names: exactly, or for `localhost` with any port (graph.md 5.3). */
export function matchRedirectUri(signIn: AppSignIn, uri: string): RedirectUri | undefined {
  const exact = signIn.redirectUris.find((known) => known.uri === uri)
  if (exact !== undefined) return exact
  const portless = withoutLocalPort(uri)
  return portless === undefined
    ? undefined
    : signIn.redirectUris.find((known) => withoutLocalPort(known.uri) === portless)
}

function withoutLocalPort(uri: string): string | undefined {
  const found = /^http:\/\/localhost(?::\d+)?(\/.*)?$/.exec(uri)
  return found === null ? undefined : `http://localhost${found[1] ?? ''}`
}

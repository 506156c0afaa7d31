// Grants that stand for a person: code, refresh token, device code and password (graph.md 5.3 to 5.5).
import {
  findPerson,
  isGuest,
  type Person,
  refuseAccount,
  refuseAdmission,
  refusePassword,
  secondFactor,
  tenantOfDomain,
} from './authenticate.ts'
import { matchRedirectUri } from './appsignin.ts'
import { type ClientContext, refusePlatform, refusePublicClient, type TokenForm } from './clientauth.ts'
import type { Codes } from './codes.ts'
import type { SignedIn } from './idtoken.ts'
import type { Issuer } from './issuer.ts'
import { deny } from './signinerrors.ts'
import type { AppRegistration, Tenant } from './tenant.ts'
import { refuse, type Refusal } from './tokenerrors.ts'

export interface GrantContext {
  readonly grantType: string
  /** Undefined at the shared addresses. */
  readonly tenant: Tenant | undefined
  /** The name in the address, in lower case. */
  readonly place: string
  readonly app: AppRegistration
  readonly tenants: readonly Tenant[]
  readonly origin: string
  /** A browser's request to another origin. */
  readonly hasOrigin: boolean
  readonly now: Date
  readonly codes: Codes
  readonly issuer: Issuer
}

type Granted = Refusal | { readonly granted: Record<string, unknown> }

const GRANTS: Readonly<Record<string, (sent: TokenForm, context: GrantContext) => Promise<Granted>>> = {
  authorization_code: byCode,
  refresh_token: byRefreshToken,
  'urn:ietf:params:oauth:grant-type:device_code': byDeviceCode,
  password: byPassword,
}

export const PERSONAL_GRANTS: ReadonlySet<string> = new Set(Object.keys(GRANTS))

/** @param context.grantType one of {@link PERSONAL_GRANTS} */
export async function grantToPerson(sent: TokenForm, context: GrantContext): Promise<Granted> {
  const grant = GRANTS[context.grantType]
  return grant === undefined ? refuse.unsupportedGrant(context.grantType) : await grant(sent, context)
}

async function byCode(sent: TokenForm, context: GrantContext): Promise<Granted> {
  const { app, codes, tenant } = context
  const code = sent.form.get('code')
  if (code === null || code === '') return refuse.missing('code')
  const redirectUri = sent.form.get('redirect_uri') ?? undefined
  const asked = codes.redirectUriOf(code) ?? redirectUri ?? ''
  const refused = await refusePlatform(sent, { ...client(context), redirectUri: asked, hasOrigin: context.hasOrigin })
  if (refused !== undefined) return refused
  const verifier = sent.form.get('code_verifier') ?? undefined
  const redeemed = codes.redeemCode(code, { app, tenant, redirectUri, verifier })
  if ('code' in redeemed) return redeemed
  return refuseNow(redeemed.signedIn) ?? (await tokens(context, redeemed.signedIn, redeemed.redirectUri))
}

async function byRefreshToken(sent: TokenForm, context: GrantContext): Promise<Granted> {
  const { app, codes } = context
  const token = sent.form.get('refresh_token')
  if (token === null || token === '') return refuse.missing('refresh_token')
  const found = codes.findRefreshToken(token, app)
  if ('code' in found) return found
  const { redirectUri } = found
  const refused =
    redirectUri === undefined
      ? await refusePublicClient(sent, client(context))
      : await refusePlatform(sent, { ...client(context), redirectUri, hasOrigin: context.hasOrigin })
  if (refused !== undefined) return refused
  const asked = (sent.form.get('scope') ?? '').split(' ').filter((scope) => scope !== '')
  const scopes = asked.length === 0 ? found.signedIn.scopes : new Set([...asked, 'offline_access'])
  const signedIn = { ...found.signedIn, scopes, nonce: undefined }
  return refuseNow(signedIn) ?? (await tokens(context, signedIn, redirectUri))
}

async function byDeviceCode(sent: TokenForm, context: GrantContext): Promise<Granted> {
  const { app, codes, tenant } = context
  const code = sent.form.get('device_code')
  if (code === null || code === '') return refuse.missing('device_code')
  const refused = await refusePublicClient(sent, client(context))
  if (refused !== undefined) return refused
  const redeemed = codes.redeemDeviceCode(code, app, tenant)
  if ('code' in redeemed) return redeemed
  return refuseNow(redeemed) ?? (await tokens(context, redeemed, undefined))
}

async function byPassword(sent: TokenForm, context: GrantContext): Promise<Granted> {
  const { app, place, tenants, now } = context
  if (place === 'common' || place === 'consumers') return deny.sharedEndpoint()
  const [userName, password] = [sent.form.get('username') ?? '', sent.form.get('password') ?? '']
  if (userName === '') return refuse.missing('username')
  if (password === '') return refuse.missing('password')
  const scopes = new Set((sent.form.get('scope') ?? '').split(' ').filter((scope) => scope !== ''))
  if (scopes.size === 0) return refuse.missing('scope')
  const refused = await refusePublicClient(sent, client(context))
  if (refused !== undefined) return refused
  const tenant = context.tenant ?? tenantOfDomain(tenants, userName)
  if (tenant === undefined) return deny.unknownUser(place)
  const person = findPerson(tenants, tenant, userName)
  if (person === undefined || isGuest(person.user)) return deny.unknownUser(tenant.id)
  const impossible = refuseByPassword(person, password) ?? refuseAdmission(person, app)
  // A token request has no page to be denied on.
  if (impossible !== undefined) return { ...impossible, error: 'invalid_grant' }
  if (app.signIn.consent !== 'granted' && !app.signIn.consented.has(person.user.id)) return deny.noConsent(app)
  const signedIn: SignedIn = {
    person,
    app,
    scopes,
    nonce: undefined,
    authenticatedAtMs: now.getTime(),
    tellsAuthTime: false,
    sessionId: '',
  }
  return await tokens(context, signedIn, undefined)
}

/** What a password alone cannot do (graph.md 5.5). */
function refuseByPassword(person: Person, password: string): Refusal | undefined {
  const domain = String(person.user.properties['userPrincipalName']).split('@').at(-1)?.toLowerCase()
  const isFederated = person.tenant.verifiedDomains.some(
    ({ name, type }) => type === 'Federated' && name.toLowerCase() === domain,
  )
  // The password of a federated account is with its own identity provider; spaces around one are lost on the way.
  if (isFederated || password.trim() !== password) return deny.wrongPassword()
  const refused = refusePassword(person, password)
  if (refused !== undefined) return refused
  const factor = secondFactor(person)
  if (factor === 'none') return undefined
  return factor === 'enrol' ? deny.needsEnrolment() : deny.needsSecondFactor()
}

/** Between the sign-in and the redemption an account may have been disabled, deleted or shut out. */
function refuseNow({ person, app }: SignedIn): Refusal | undefined {
  const refused = refuseAccount(person) ?? refuseAdmission(person, app)
  return refused === undefined ? undefined : { ...refused, error: 'invalid_grant' }
}

async function tokens(context: GrantContext, signedIn: SignedIn, redirectUri: string | undefined): Promise<Granted> {
  const { codes, issuer, origin, app } = context
  const answer = await issuer.forPerson(signedIn, { origin })
  if (!signedIn.scopes.has('offline_access')) return { granted: answer }
  const platform =
    redirectUri === undefined ? 'publicClient' : (matchRedirectUri(app.signIn, redirectUri)?.platform ?? 'web')
  return { granted: { ...answer, refresh_token: codes.giveRefreshToken(signedIn, { redirectUri, platform }) } }
}

/** Who proves itself; at a shared address against the app's own tenant. */
function client({ origin, now, app, tenant, tenants }: GrantContext): ClientContext {
  const own = tenant ?? tenants.find(({ apps }) => apps.get(app.appId) === app)
  if (own === undefined) throw new Error(`the app ${app.appId} is of no tenant`)
  return { origin, now, app, tenant: own }
}

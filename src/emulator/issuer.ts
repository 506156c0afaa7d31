// Signs tokens and knows its own again: access tokens of apps and of people for Graph, and id tokens (graph.md 5.2, 5.6).
import { jwtVerify, SignJWT } from 'jose'
import type { Clock } from '../base/clock.ts'
import type { Certificate } from './certificate.ts'
import { forgeIdToken, type IdTokenDraft, type IdTokenForgery } from './forgeries.ts'
import { idTokenClaims, pairwise, type SignedIn, userNameOf } from './idtoken.ts'
import type { Random } from './random.ts'
import { SigningKeys } from './signingkeys.ts'
import type { AppRegistration, Tenant } from './tenant.ts'

/** A token that Graph accepts. */
export interface Bearer {
  readonly tenantId: string
  readonly appId: string
  readonly roles: ReadonlySet<string>
  /** Seconds since 1970. */
  readonly expiresAt: number
  /** Order of issue within this service. */
  readonly number: number
  readonly declaresCae: boolean
  /** Object id of the person that the app acts for. */
  readonly userId: string | undefined
}

export interface IssuerOptions {
  readonly clock: Clock
  readonly random: Random
  /** Whether a root may stand before `/.default`. */
  acceptsRoot(root: string): boolean
  /** What a scripted fault makes of the next id token. */
  forgery(tenantId: string): IdTokenForgery | undefined
  readonly signingCertificate?: Certificate | undefined
}

export const GLOBAL_GRAPH = 'https://graph.microsoft.com'
export const GRAPH_APP_ID = '00000003-0000-0000-c000-000000000000'
const CACHED_TOKENS = 5_000

export class Issuer {
  readonly keys: SigningKeys
  /** Life of new tokens in seconds; drawn evenly between the two. Entra draws 60 to 90 minutes. */
  lifetimeSeconds: { min: number; max: number } = { min: 3599, max: 3599 }
  /** Life of tokens for callers that declare `cp1` (graph.md 5.10). */
  caeLifetimeSeconds = 86_399
  /** For tests in the same process: makes something else of every id token. */
  makeIdToken: ((draft: IdTokenDraft) => Promise<string> | string) | undefined
  readonly #options: IssuerOptions
  readonly #checked = new Map<string, Bearer>()
  readonly #numbers = new Map<string, number>()
  #issued = 0

  constructor(options: IssuerOptions) {
    this.#options = options
    this.keys = new SigningKeys(() => options.clock.now(), options.signingCertificate)
  }

  /** How many access tokens were given. */
  get issued(): number {
    return this.#issued
  }

  /** Tokens are verified anew, because keys were withdrawn. */
  forget(): void {
    this.#checked.clear()
  }

  /** An app's own token. */
  async forApp(
    { tenant, app }: { readonly tenant: Tenant; readonly app: AppRegistration },
    options: { readonly root: string; readonly byCertificate: boolean; readonly declaresCae: boolean },
  ): Promise<Record<string, unknown>> {
    const life = options.declaresCae ? this.caeLifetimeSeconds : this.#life()
    return await this.#accessToken(tenant, life, {
      aud: options.root,
      sub: app.servicePrincipalId,
      appid: app.appId,
      app_displayname: app.displayName,
      appidacr: options.byCertificate ? '2' : '1',
      idp: `https://sts.windows.net/${tenant.id}/`,
      idtyp: 'app',
      oid: app.servicePrincipalId,
      ...(app.roles.size === 0 ? {} : { roles: [...app.roles] }),
      ...(options.declaresCae ? { xms_cc: ['cp1'] } : {}),
    })
  }

  /** What a person who signed in brings: an access token for Graph, and an id token where `openid` was asked. */
  async forPerson(signedIn: SignedIn, options: { readonly origin: string }): Promise<Record<string, unknown>> {
    const { person, app, scopes } = signedIn
    const { tenant, user } = person
    const given = [...scopes].filter((scope) => scope !== 'offline_access')
    const access = await this.#accessToken(tenant, this.#life(), {
      aud: GRAPH_APP_ID,
      sub: pairwise(GRAPH_APP_ID, user.id),
      appid: app.appId,
      app_displayname: app.displayName,
      idtyp: 'user',
      name: user.properties['displayName'],
      oid: user.id,
      scp: given.join(' '),
      unique_name: userNameOf(user),
      upn: user.properties['userPrincipalName'],
    })
    const idToken = scopes.has('openid')
      ? { id_token: await this.idToken(signedIn, { ...options, isImplicit: false, code: undefined }) }
      : {}
    return { ...access, scope: given.join(' '), ...idToken }
  }

  async idToken(
    signedIn: SignedIn,
    given: { readonly origin: string; readonly isImplicit: boolean; readonly code: string | undefined },
  ): Promise<string> {
    const { clock, random } = this.#options
    const { tenant } = signedIn.person
    const claims = idTokenClaims(signedIn, { ...given, random, now: clock.now() })
    const key = this.keys.signing(tenant.id)
    const draft: IdTokenDraft = { header: { typ: 'JWT', alg: 'RS256', kid: key.kid }, claims, key }
    if (this.makeIdToken !== undefined) return await this.makeIdToken(draft)
    const forgery = this.#options.forgery(tenant.id)
    if (forgery !== undefined) return await forgeIdToken(draft, forgery, this.keys)
    return await new SignJWT({ ...claims })
      .setProtectedHeader({ typ: 'JWT', alg: 'RS256', kid: key.kid })
      .sign(key.certificate.privateKey)
  }

  /** The bearer's rights, or why Graph refuses it (the message of graph.md 6.3's InvalidAuthenticationToken). */
  async check(token: string): Promise<Bearer | { readonly refusal: string }> {
    const nowSeconds = this.#options.clock.now().getTime() / 1000
    let bearer = this.#checked.get(token)
    if (bearer === undefined) {
      const verified = await this.#verify(token)
      if ('refusal' in verified) return verified
      bearer = verified
      if (this.#checked.size >= CACHED_TOKENS) this.#checked.clear()
      this.#checked.set(token, bearer)
    }
    if (nowSeconds >= bearer.expiresAt) return { refusal: 'Lifetime validation failed, the token is expired.' }
    return bearer
  }

  async #verify(token: string): Promise<Bearer | { readonly refusal: string }> {
    if (token === '') return { refusal: 'Access token is empty.' }
    if (token.split('.').length !== 3) return { refusal: 'CompactToken parsing failed with error code: 80049217' }
    try {
      const { payload } = await jwtVerify(
        token,
        (header) => {
          const key = this.keys.find(header.kid)
          if (key === undefined) throw new Error('unknown key')
          return key.publicKey
        },
        { algorithms: ['RS256'], currentDate: new Date(0), clockTolerance: Number.MAX_SAFE_INTEGER },
      )
      const audience = typeof payload.aud === 'string' ? payload.aud : ''
      if (!this.#options.acceptsRoot(audience)) return { refusal: 'Access token validation failure. Invalid audience.' }
      return {
        tenantId: String(payload['tid']),
        appId: String(payload['appid']),
        roles: new Set(Array.isArray(payload['roles']) ? payload['roles'].map(String) : []),
        expiresAt: payload.exp ?? 0,
        number: this.#numbers.get(String(payload['uti'])) ?? 0,
        declaresCae: Array.isArray(payload['xms_cc']) && payload['xms_cc'].includes('cp1'),
        userId: payload['idtyp'] === 'user' ? String(payload['oid']) : undefined,
      }
    } catch {
      // Whatever is wrong with the token, Graph tells no more than this.
      return { refusal: 'Access token validation failure. Invalid signature.' }
    }
  }

  async #accessToken(
    tenant: Tenant,
    life: number,
    claims: Readonly<Record<string, unknown>>,
  ): Promise<Record<string, unknown>> {
    const { clock, random } = this.#options
    const key = this.keys.signing(tenant.id)
    const now = Math.floor(clock.now().getTime() / 1000)
    const uti = random.guid()
    this.#issued++
    this.#numbers.set(uti, this.#issued)
    const token = await new SignJWT({ ...claims, tid: tenant.id, uti, ver: '1.0' })
      .setProtectedHeader({ typ: 'JWT', alg: 'RS256', kid: key.kid, x5t: key.kid })
      .setIssuer(`https://sts.windows.net/${tenant.id}/`)
      .setIssuedAt(now)
      .setNotBefore(now)
      .setExpirationTime(now + life)
      .sign(key.certificate.privateKey)
    return { token_type: 'Bearer', expires_in: life, ext_expires_in: life, access_token: token }
  }

  #life(): number {
    const { min, max } = this.lifetimeSeconds
    return min + this.#options.random.int(max - min + 1)
  }
}

// The token service: grants of apps and of people, discovery and keys (graph.md 5). Pages are in interaction.ts.
import type { Clock } from '../base/clock.ts'
import { readConsent } from './adminconsent.ts'
import type { Standing } from './applications.ts'
import { type AuthorizeOutcome, readAuthorize } from './authorize.ts'
import type { Certificate } from './certificate.ts'
import { readTokenForm, refuseClient, type TokenForm } from './clientauth.ts'
import { Codes } from './codes.ts'
import { discovery } from './discovery.ts'
import type { IdTokenForgery } from './forgeries.ts'
import { grantToPerson, PERSONAL_GRANTS } from './grants.ts'
import { Interaction, returnRefusal, shownRefusal } from './interaction.ts'
import { type Bearer, GLOBAL_GRAPH, GRAPH_APP_ID, Issuer } from './issuer.ts'
import type { Random } from './random.ts'
import { deny } from './signinerrors.ts'
import { devicePage, lastPage } from './signinpages.ts'
import type { AppRegistration, Tenant } from './tenant.ts'
import { refuse, type Refusal, renderRefusal } from './tokenerrors.ts'
import { userInfo } from './userinfo.ts'
import { jsonResponse, type WireRequest, type WireResponse } from './wire.ts'

export { createSigningCertificate } from './signingkeys.ts'

export interface TokenServiceOptions {
  readonly clock: Clock
  readonly random: Random
  tenants(): readonly Tenant[]
  /** By id or verified domain, in lower case. */
  findTenant(name: string): Tenant | undefined
  standing(app: AppRegistration): Standing
  /** Further roots that may stand before `/.default` beside the emulator's own origins and Microsoft's global Graph. */
  isGraphRoot(root: string): boolean
  /** What a scripted fault makes of the next id token of a tenant. */
  forgery(tenantId: string): IdTokenForgery | undefined
  readonly signingCertificate?: Certificate | undefined
}

/** The tenant in the address; undefined for the shared names. */
interface Place {
  readonly tenant: Tenant | undefined
  readonly name: string
}

const ENDPOINTS =
  /^\/([^/]+)\/(adminconsent|oauth2\/v2\.0\/(?:token|authorize|devicecode|logout)|v2\.0\/\.well-known\/openid-configuration|discovery\/v2\.0\/keys)$/
const SHARED = /^(common|organizations|consumers)$/
const TROUBLE = 'Sorry, but we’re having trouble signing you in.'

export class TokenService {
  readonly issuer: Issuer
  readonly codes: Codes
  readonly #interaction: Interaction
  readonly #options: TokenServiceOptions

  constructor(options: TokenServiceOptions) {
    const { clock, random } = options
    const nowMs = (): number => clock.now().getTime()
    this.#options = options
    this.issuer = new Issuer({
      clock,
      random,
      acceptsRoot: (root) => this.#acceptsRoot(root),
      forgery: (tenantId) => options.forgery(tenantId),
      signingCertificate: options.signingCertificate,
    })
    this.codes = new Codes(random, nowMs)
    this.#interaction = new Interaction({
      random,
      codes: this.codes,
      nowMs,
      tenants: () => options.tenants(),
      grant: (app, tenant) => this.#consented(app, tenant),
      idToken: (signedIn, given) => this.issuer.idToken(signedIn, { ...given, isImplicit: true }),
    })
  }

  /** How many tokens were given; {@link Standing.revokedUpTo} set to it revokes all of them. */
  get issued(): number {
    return this.issuer.issued
  }

  get lifetimeSeconds(): { min: number; max: number } {
    return this.issuer.lifetimeSeconds
  }

  set lifetimeSeconds(bounds: { min: number; max: number }) {
    this.issuer.lifetimeSeconds = bounds
  }

  /** From now on a new key signs; the old ones stay published, as at Microsoft. */
  rotateKey(): void {
    this.issuer.keys.rotate()
  }

  /** Forgets all keys but the newest: tokens signed by the others stop to be accepted. */
  dropOldKeys(): void {
    this.issuer.keys.dropOld()
    this.issuer.forget()
  }

  /** A new key, and none but it, at once. */
  rollKeys(): void {
    this.issuer.keys.roll()
    this.issuer.forget()
  }

  async check(token: string): Promise<Bearer | { readonly refusal: string }> {
    return await this.issuer.check(token)
  }

  /** Answers what is under `/{tenant}/`, `/devicelogin` and userinfo; undefined for every other path. */
  async handle(request: WireRequest): Promise<WireResponse | undefined> {
    if (request.path === '/devicelogin') return await this.#deviceLogin(request)
    if (request.path === '/oidc/userinfo') {
      const token = /^Bearer\s+(.*)$/i.exec(request.headers.get('authorization') ?? '')?.[1] ?? ''
      return userInfo(await this.check(token), (id) => this.#options.findTenant(id))
    }
    const [, asked, endpoint] = ENDPOINTS.exec(request.path) ?? []
    if (asked === undefined || endpoint === undefined) return undefined
    const name = decodeURIComponent(asked).toLowerCase()
    const tenant = this.#options.findTenant(name)
    const isPage = /^(adminconsent|oauth2\/v2\.0\/(authorize|logout))$/.test(endpoint)
    if (tenant === undefined && !SHARED.test(name)) {
      const refused = refuse.unknownTenant(decodeURIComponent(asked))
      return isPage ? shownRefusal(refused, TROUBLE) : this.#refused(request, refused)
    }
    const place: Place = { tenant, name }
    switch (endpoint) {
      case 'discovery/v2.0/keys':
        return jsonResponse(200, await this.issuer.keys.keySet(request.origin, tenant?.id ?? name))
      case 'adminconsent':
        return await this.#consent(request, place)
      case 'oauth2/v2.0/authorize':
        return await this.#authorize(request, place)
      case 'oauth2/v2.0/devicecode':
        return this.#answered(request, this.#deviceCode(request, place))
      case 'oauth2/v2.0/logout':
        return this.#logout(request, place)
      case 'oauth2/v2.0/token':
        if (request.method !== 'POST') return this.#refused(request, refuse.onlyPost(request.method))
        return this.#answered(request, await this.#grant(request, place))
      default:
        return jsonResponse(200, discovery(request.origin, tenant, name))
    }
  }

  async #grant(request: WireRequest, place: Place): Promise<Refusal | { readonly granted: Record<string, unknown> }> {
    const { clock } = this.#options
    const sent = readTokenForm(request)
    const grantType = sent.form.get('grant_type')
    const isPersonal = grantType !== null && PERSONAL_GRANTS.has(grantType)
    if (place.tenant === undefined && !isPersonal) return refuse.noTenant()
    if (grantType === null) return refuse.missing('grant_type')
    if (grantType !== 'client_credentials' && !isPersonal) return refuse.unsupportedGrant(grantType)
    const app = this.#app(sent.clientId, place)
    if ('code' in app) return app
    if (isPersonal) {
      return await grantToPerson(sent, {
        grantType,
        tenant: place.tenant,
        place: place.name,
        app,
        tenants: this.#options.tenants(),
        origin: request.origin,
        hasOrigin: request.headers.has('origin'),
        now: clock.now(),
        codes: this.codes,
        issuer: this.issuer,
      })
    }
    const { tenant } = place
    if (tenant === undefined) return refuse.noTenant()
    return await this.#forApp(sent, { request, tenant, app })
  }

  async #forApp(
    sent: TokenForm,
    context: { readonly request: WireRequest; readonly tenant: Tenant; readonly app: AppRegistration },
  ): Promise<Refusal | { readonly granted: Record<string, unknown> }> {
    const { request, tenant, app } = context
    const scope = sent.form.get('scope') ?? ''
    const root = scope.endsWith('/.default') ? scope.slice(0, -'/.default'.length) : undefined
    if (scope.trim() === '' || /\s/.test(scope)) return refuse.invalidScope(scope)
    if (root === undefined) return refuse.scopeWithoutDefault(scope)
    if (!this.#acceptsRoot(root)) return refuse.unknownResource(root, tenant.id)
    const now = this.#options.clock.now()
    const refused = await refuseClient(sent, { origin: request.origin, now, tenant, app })
    if (refused !== undefined) return refused
    const granted = await this.issuer.forApp(
      { tenant, app },
      {
        root: root === GRAPH_APP_ID ? GLOBAL_GRAPH : root,
        byCertificate: sent.assertion !== undefined,
        declaresCae: declaresCae(sent.form.get('claims')),
      },
    )
    return { granted }
  }

  async #consent(request: WireRequest, place: Place): Promise<WireResponse> {
    const sent = parametersOf(request)
    if (sent.has('flow')) return await this.#interaction.step(request, sent)
    const app = this.#app(sent.get('client_id') ?? undefined, place)
    if ('code' in app) return shownRefusal(app, TROUBLE)
    const asked = readConsent(sent, app)
    if ('code' in asked) return shownRefusal(asked, TROUBLE)
    return this.#interaction.consent(request, { app, tenant: place.tenant, request: asked })
  }

  async #authorize(request: WireRequest, place: Place): Promise<WireResponse> {
    const sent = parametersOf(request)
    if (sent.has('flow')) return await this.#interaction.step(request, sent)
    const app = this.#app(sent.get('client_id') ?? undefined, place)
    if ('code' in app) return shownRefusal(app, TROUBLE)
    const outcome: AuthorizeOutcome = readAuthorize(sent, { tenant: place.tenant, app })
    switch (outcome.kind) {
      case 'shown':
        return shownRefusal(outcome.refusal, TROUBLE)
      case 'returned': {
        const { random, clock } = this.#options
        const given = { refused: outcome.refusal, random, nowMs: clock.now().getTime() }
        return returnRefusal(request, outcome.to, given)
      }
      case 'request':
        return await this.#interaction.authorize(request, outcome.request)
    }
  }

  #deviceCode(request: WireRequest, place: Place): Refusal | { readonly granted: Record<string, unknown> } {
    if (request.method !== 'POST') return refuse.onlyPost(request.method)
    const { form, clientId } = readTokenForm(request)
    const app = this.#app(clientId, place)
    if ('code' in app) return app
    const scopes = new Set((form.get('scope') ?? '').split(' ').filter((scope) => scope !== ''))
    if (scopes.size === 0) return refuse.missing('scope')
    const code = this.codes.giveDeviceCode({ app, tenant: place.tenant, scopes })
    const uri = `${request.origin}/devicelogin`
    return {
      granted: {
        user_code: code.userCode,
        device_code: code.deviceCode,
        verification_uri: uri,
        expires_in: this.codes.device.expiresInSeconds,
        interval: this.codes.device.intervalSeconds,
        message: `To sign in, use a web browser to open the page ${uri} and enter the code ${code.userCode} to authenticate.`,
      },
    }
  }

  async #deviceLogin(request: WireRequest): Promise<WireResponse> {
    const form = new URLSearchParams(new TextDecoder().decode(request.body))
    if (form.has('flow')) return await this.#interaction.step(request, form)
    const typed = form.get('otc')
    if (typed === null) return devicePage(undefined)
    const code = this.codes.findUserCode(typed)
    if (code === 'unknown')
      return devicePage({ code: 70018, words: 'That code didn’t work. Check the code and try again.' })
    if (code === 'expired')
      return devicePage({ code: 70020, words: 'The code you entered has expired. Get a new code from the device.' })
    return this.#interaction.device(request, code)
  }

  #logout(request: WireRequest, { tenant }: Place): WireResponse {
    const sent = new URLSearchParams(
      request.method === 'POST' ? new TextDecoder().decode(request.body) : request.rawQuery,
    )
    const { cookie } = this.#interaction.signOut(request)
    const to = sent.get('post_logout_redirect_uri')
    const tenants = tenant === undefined ? this.#options.tenants() : [tenant]
    const isKnown = tenants.some(({ apps }) =>
      [...apps.values()].some(({ signIn }) => signIn.redirectUris.some(({ uri }) => uri === to)),
    )
    if (to === null || !isKnown) {
      const page = lastPage({
        title: 'You signed out of your account',
        text: 'It’s a good idea to close all browser windows.',
      })
      return { ...page, headers: { ...page.headers, 'Set-Cookie': cookie } }
    }
    const url = new URL(to)
    const state = sent.get('state')
    if (state !== null) url.searchParams.set('state', state)
    return { status: 302, headers: { Location: url.href, 'Set-Cookie': cookie }, body: undefined }
  }

  /** In a foreign tenant an app has a service principal of its own, whose permissions are not its permissions here. */
  #consented(app: AppRegistration, tenant: Tenant): void {
    if (tenant.apps.get(app.appId) !== app) return
    for (const role of app.asksFor) {
      app.roles.add(role)
      this.#options.standing(app).withdrawn.delete(role)
    }
    app.signIn.consent = 'granted'
  }

  /** The app of a request: of the tenant, or one of another tenant that takes people of any. */
  #app(clientId: string | undefined, { tenant, name }: Place): AppRegistration | Refusal {
    if (clientId === undefined || clientId === '') return refuse.missing('client_id')
    const wanted = clientId.toLowerCase()
    const own = tenant?.apps.get(wanted)
    const anywhere = own ?? this.#options.tenants().flatMap(({ apps }) => apps.get(wanted) ?? [])[0]
    const isOpen = anywhere?.signIn.audience === 'AzureADMultipleOrgs'
    if (anywhere === undefined || (tenant !== undefined && own === undefined && !isOpen))
      return refuse.unknownApplication(clientId, tenant?.id ?? name)
    if (tenant === undefined && !isOpen) return deny.singleTenant(anywhere, name)
    return this.#options.standing(anywhere).enabled ? anywhere : refuse.disabledApplication(anywhere)
  }

  #acceptsRoot(root: string): boolean {
    return root === GLOBAL_GRAPH || root === GRAPH_APP_ID || this.#options.isGraphRoot(root)
  }

  #answered(request: WireRequest, answer: Refusal | { readonly granted: Record<string, unknown> }): WireResponse {
    return 'code' in answer
      ? this.#refused(request, answer)
      : jsonResponse(200, answer.granted, { 'Cache-Control': 'no-store, no-cache', Pragma: 'no-cache' })
  }

  #refused(request: WireRequest, refusal: Refusal): WireResponse {
    const { clock, random } = this.#options
    return renderRefusal(refusal, {
      origin: request.origin,
      now: clock.now(),
      traceId: random.guid(),
      correlationId: request.headers.get('client-request-id') ?? random.guid(),
    })
  }
}

function declaresCae(claims: string | null): boolean {
  return claims !== null && /"xms_cc"\s*:\s*\{[^}]*"cp1"/i.test(claims)
}

function parametersOf(request: WireRequest): URLSearchParams {
  return new URLSearchParams(request.method === 'POST' ? new TextDecoder().decode(request.body) : request.rawQuery)
}

// Signing in, page by page: which account, its password, the second factor, consent, and back to the app or the device.
import {
  acceptInvitation,
  findPerson,
  type Person,
  refuseAccount,
  refuseAdmission,
  refusePassword,
  secondFactor,
  tenantOfDomain,
} from './authenticate.ts'
import { type ConsentRequest, returnConsent, returnNoConsent } from './adminconsent.ts'
import { type AuthorizeRequest, returnTo } from './authorize.ts'
import type { Codes, DeviceCode } from './codes.ts'
import { opaque, type SignedIn, userNameOf } from './idtoken.ts'
import type { Random } from './random.ts'
import {
  accountPage,
  adminConsentPage,
  approvePage,
  confirmDevicePage,
  consentPage,
  type FormPage,
  lastPage,
  signInPage,
} from './signinpages.ts'
import { deny, pageWords } from './signinerrors.ts'
import type { AppRegistration, Tenant } from './tenant.ts'
import { describeRefusal, type Refusal } from './tokenerrors.ts'
import type { WireRequest, WireResponse } from './wire.ts'

/** Somebody who signed in with this browser before. */
interface Known {
  readonly person: Person
  readonly authenticatedAtMs: number
  hasSecondFactor: boolean
}

interface BrowserSession {
  /** The cookie's value. */
  readonly key: string
  /** What apps are told. */
  readonly id: string
  readonly known: Map<string, Known>
}

type Purpose =
  | { readonly kind: 'app'; readonly request: AuthorizeRequest }
  | { readonly kind: 'device'; readonly code: DeviceCode }
  | { readonly kind: 'consent'; readonly request: ConsentRequest }

type SigningIn = Exclude<Purpose, { readonly kind: 'consent' }>

/** A sign-in that waits for its next page. */
interface Flow {
  readonly id: string
  readonly purpose: Purpose
  readonly app: AppRegistration
  readonly tenant: Tenant | undefined
  readonly session: BrowserSession
  readonly path: string
  readonly endsAtMs: number
  person: Known | undefined
  isConsented: boolean
}

export interface InteractionOptions {
  readonly random: Random
  readonly codes: Codes
  nowMs(): number
  tenants(): readonly Tenant[]
  /** An administrator of the tenant has consented to what the app asks for. */
  grant(app: AppRegistration, tenant: Tenant): void
  /** An id token for an answer of the authorize endpoint. */
  idToken(signedIn: SignedIn, given: { readonly origin: string; readonly code: string | undefined }): Promise<string>
}

const FLOW_MS = 60 * 60_000
const COOKIE = 'ESTSAUTH'

export class Interaction {
  readonly #options: InteractionOptions
  readonly #flows = new Map<string, Flow>()
  readonly #sessions = new Map<string, BrowserSession>()

  constructor(options: InteractionOptions) {
    this.#options = options
  }

  /** Begins for an app that has asked soundly. */
  async authorize(http: WireRequest, request: AuthorizeRequest): Promise<WireResponse> {
    const { app, tenant } = request
    const flow = this.#begin(http, { purpose: { kind: 'app', request }, app, tenant })
    const usable = this.#usable(flow)
    const [only] = usable
    const isQuiet = request.prompt === undefined || request.prompt === 'none' || request.prompt === 'consent'
    if (isQuiet && only !== undefined && usable.length === 1) {
      flow.person = only
      return this.#answer(flow, await this.#next(http, flow))
    }
    if (request.prompt === 'none') return this.#answer(flow, this.#returned(http, flow, deny.silentSignIn()))
    const offers = request.loginHint === undefined && request.prompt !== 'login' && flow.session.known.size > 0
    return this.#answer(flow, offers ? this.#accounts(flow) : this.#form(flow, undefined))
  }

  /** Begins for a device whose code was typed. */
  device(http: WireRequest, code: DeviceCode): WireResponse {
    const { app, tenant } = code
    const flow = this.#begin(http, { purpose: { kind: 'device', code }, app, tenant })
    return this.#answer(flow, flow.session.known.size > 0 ? this.#accounts(flow) : this.#form(flow, undefined))
  }

  /** Begins for an administrator who was sent a link of consent. */
  consent(
    http: WireRequest,
    about: { readonly app: AppRegistration; readonly tenant: Tenant | undefined; readonly request: ConsentRequest },
  ): WireResponse {
    const { app, tenant, request } = about
    const flow = this.#begin(http, { purpose: { kind: 'consent', request }, app, tenant })
    return this.#answer(flow, flow.session.known.size > 0 ? this.#accounts(flow) : this.#form(flow, undefined))
  }

  /** A page was answered. */
  async step(http: WireRequest, form: URLSearchParams): Promise<WireResponse> {
    const flow = this.#flows.get(form.get('flow') ?? '')
    if (flow === undefined || flow.endsAtMs <= this.#options.nowMs())
      return lastPage({
        title: 'Sign in again',
        text: 'This sign-in is over. Start again from the app.',
        error: { code: 50089, words: 'Authentication failed due to flow token expired.' },
      })
    return this.#answer(flow, await this.#act(http, flow, form))
  }

  /** Ends every session of the browser. */
  signOut(http: WireRequest): { readonly cookie: string } {
    this.#sessions.delete(cookieOf(http) ?? '')
    return { cookie: `${COOKIE}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0` }
  }

  async #act(http: WireRequest, flow: Flow, form: URLSearchParams): Promise<WireResponse> {
    const account = form.get('account')
    if (account !== null) {
      const known = this.#usable(flow).find(({ person }) => person.user.id === account)
      if (known === undefined) return this.#form(flow, undefined)
      flow.person = known
      return await this.#next(http, flow)
    }
    switch (form.get('action') ?? 'sign-in') {
      case 'other':
        return this.#form(flow, undefined)
      case 'approve':
        if (flow.person === undefined) return this.#form(flow, undefined)
        flow.person.hasSecondFactor = true
        return await this.#next(http, flow)
      case 'deny':
        return this.#form(flow, deny.secondFactorDenied())
      case 'accept':
        flow.isConsented = true
        return await this.#next(http, flow)
      case 'continue':
        flow.isConsented = true
        return await this.#next(http, flow)
      case 'decline':
      case 'cancel':
        return this.#returned(http, flow, deny.declined())
      default:
        return await this.#typed(http, flow, form)
    }
  }

  async #typed(http: WireRequest, flow: Flow, form: URLSearchParams): Promise<WireResponse> {
    const userName = form.get('loginfmt') ?? ''
    const person = this.#find(flow, userName)
    if ('code' in person) return this.#form(flow, person, userName)
    const refused = refusePassword(person, form.get('passwd') ?? '')
    if (refused !== undefined) return this.#form(flow, refused, userName)
    const known: Known = { person, authenticatedAtMs: this.#options.nowMs(), hasSecondFactor: false }
    flow.session.known.set(`${person.tenant.id} ${person.user.id}`, known)
    flow.person = known
    return await this.#next(http, flow)
  }

  #find(flow: Flow, userName: string): Person | Refusal {
    const tenants = this.#options.tenants()
    const tenant = flow.tenant ?? tenantOfDomain(tenants, userName)
    if (tenant === undefined) return deny.unknownUser('organizations')
    const person = findPerson(tenants, tenant, userName)
    if (person !== undefined) return person
    const elsewhere = tenantOfDomain(tenants, userName)
    const isForeign = elsewhere !== undefined && elsewhere !== tenant && elsewhere.findByUpn(userName) !== undefined
    return isForeign ? deny.foreignUser(tenant.displayName, flow.app) : deny.unknownUser(tenant.id)
  }

  /** What still stands between the person and the app; at last the answer. */
  async #next(http: WireRequest, flow: Flow): Promise<WireResponse> {
    const { person: known, purpose, app } = flow
    if (known === undefined) return this.#form(flow, undefined)
    const { person } = known
    const refused = refuseAccount(person)
    if (refused !== undefined) return this.#form(flow, refused)
    const isSilent = purpose.kind === 'app' && purpose.request.prompt === 'none'
    const factor = known.hasSecondFactor ? 'none' : secondFactor(person)
    if (factor !== 'none') {
      const silent = factor === 'enrol' ? deny.needsEnrolment() : deny.needsSecondFactor()
      if (isSilent) return this.#returned(http, flow, { ...silent, error: 'interaction_required' })
      return approvePage(this.#page(flow), 10 + this.#options.random.int(90))
    }
    if (purpose.kind === 'consent') return this.#consented(flow, purpose.request, person.tenant)
    const notAdmitted = refuseAdmission(person, app)
    if (notAdmitted?.code === 50105) return this.#returned(http, flow, notAdmitted)
    if (notAdmitted !== undefined) {
      return isSilent
        ? this.#returned(http, flow, { ...notAdmitted, error: 'interaction_required' })
        : shownRefusal(notAdmitted, 'You cannot access this right now')
    }
    if (this.#needsConsent(flow, person)) {
      if (isSilent) return this.#returned(http, flow, { ...deny.noConsent(app), error: 'consent_required' })
      if (app.signIn.consent === 'missing') return shownRefusal(deny.noConsent(app), 'Need admin approval')
      return consentPage(this.#page(flow), [...scopesOf(purpose)])
    }
    return await this.#finish(http, flow, { known, purpose })
  }

  #consented(flow: Flow, request: ConsentRequest, tenant: Tenant): WireResponse {
    const { app, isConsented } = flow
    if (!isConsented)
      return adminConsentPage(this.#page(flow), { tenant: tenant.displayName, permissions: [...app.asksFor] })
    this.#flows.delete(flow.id)
    this.#options.grant(app, tenant)
    return returnConsent(request, tenant)
  }

  #needsConsent({ purpose, app, isConsented }: Flow, person: Person): boolean {
    if (isConsented) return false
    if (purpose.kind === 'app' && purpose.request.prompt === 'consent') return true
    return app.signIn.consent !== 'granted' && !app.signIn.consented.has(person.user.id)
  }

  async #finish(
    http: WireRequest,
    flow: Flow,
    { known, purpose }: { readonly known: Known; readonly purpose: SigningIn },
  ): Promise<WireResponse> {
    const { app } = flow
    if (purpose.kind === 'device' && !flow.isConsented) return confirmDevicePage(this.#page(flow))
    const { person, authenticatedAtMs } = known
    acceptInvitation(person)
    const signedIn: SignedIn = {
      person,
      app,
      scopes: scopesOf(purpose),
      nonce: purpose.kind === 'app' ? purpose.request.nonce : undefined,
      authenticatedAtMs,
      tellsAuthTime: purpose.kind === 'app' && purpose.request.maxAgeSeconds !== undefined,
      sessionId: flow.session.id,
    }
    this.#flows.delete(flow.id)
    if (flow.isConsented) app.signIn.consented.add(person.user.id)
    if (purpose.kind === 'device') {
      purpose.code.outcome = signedIn
      return lastPage({
        title: app.displayName,
        text: `You have signed in to the ${app.displayName} application on your device. You may now close this window.`,
      })
    }
    const { request } = purpose
    const code = request.wantsCode ? this.#options.codes.giveCode(signedIn, request) : undefined
    const idToken = request.wantsIdToken
      ? await this.#options.idToken(signedIn, { origin: http.origin, code })
      : undefined
    return returnTo(request, { code, id_token: idToken, session_state: flow.session.id })
  }

  /** Tells the app, or the device, that nobody signed in. */
  #returned(http: WireRequest, flow: Flow, refused: Refusal): WireResponse {
    const { purpose } = flow
    if (purpose.kind === 'device') {
      if (refused.code === 65004) purpose.code.outcome = 'declined'
      return refused.code === 65004
        ? lastPage({ title: flow.app.displayName, text: 'You declined. You may now close this window.' })
        : shownRefusal(refused, 'Sorry, but we’re having trouble signing you in.')
    }
    this.#flows.delete(flow.id)
    if (purpose.kind === 'consent') {
      const ids = { traceId: this.#options.random.guid(), correlationId: this.#options.random.guid() }
      const description = describeRefusal(refused, { now: new Date(this.#options.nowMs()), ...ids })
      return returnNoConsent(purpose.request, description)
    }
    return returnRefusal(http, purpose.request, { refused, random: this.#options.random, nowMs: this.#options.nowMs() })
  }

  /** Who may go on without typing: known in this browser, of the right tenant, and recent enough. */
  #usable({ session, tenant, purpose }: Flow): readonly Known[] {
    const nowMs = this.#options.nowMs()
    return [...session.known.values()].filter(({ person, authenticatedAtMs }) => {
      const { accounts } = person.tenant
      if (tenant !== undefined && person.tenant !== tenant) return false
      if (accounts.of(person.user.id).revokedAtMs >= authenticatedAtMs) return false
      if (purpose.kind !== 'app') return true
      const { loginHint, maxAgeSeconds } = purpose.request
      if (loginHint !== undefined && userNameOf(person.user).toLowerCase() !== loginHint.toLowerCase()) return false
      return maxAgeSeconds === undefined || nowMs - authenticatedAtMs <= maxAgeSeconds * 1000
    })
  }

  #begin(http: WireRequest, about: Pick<Flow, 'purpose' | 'app' | 'tenant'>): Flow {
    const { random } = this.#options
    const flow: Flow = {
      ...about,
      id: opaque(random, 43),
      session: this.#session(http),
      path: http.path,
      endsAtMs: this.#options.nowMs() + FLOW_MS,
      person: undefined,
      isConsented: false,
    }
    this.#flows.set(flow.id, flow)
    return flow
  }

  #session(http: WireRequest): BrowserSession {
    const known = this.#sessions.get(cookieOf(http) ?? '')
    if (known !== undefined) return known
    const { random } = this.#options
    const made: BrowserSession = { key: opaque(random, 43), id: random.guid(), known: new Map() }
    this.#sessions.set(made.key, made)
    return made
  }

  #accounts(flow: Flow): WireResponse {
    const accounts = this.#usable(flow).map(({ person }) => ({ id: person.user.id, name: userNameOf(person.user) }))
    return accounts.length === 0 ? this.#form(flow, undefined) : accountPage(this.#page(flow), accounts)
  }

  #form(flow: Flow, refused: Refusal | undefined, typed?: string): WireResponse {
    flow.person = undefined
    const hint = flow.purpose.kind === 'app' ? flow.purpose.request.loginHint : undefined
    const domain = flow.purpose.kind === 'app' ? flow.purpose.request.domainHint : undefined
    const suggested = domain !== undefined && domain.includes('.') ? `@${domain}` : ''
    const error = refused === undefined ? undefined : { code: refused.code, words: pageWords(refused) }
    return signInPage(this.#page(flow), { userName: typed ?? hint ?? suggested, error })
  }

  #page({ id, path, app }: Flow): FormPage {
    return { action: path, flow: id, appName: app.displayName }
  }

  #answer(flow: Flow, response: WireResponse): WireResponse {
    const cookie = `${COOKIE}=${flow.session.key}; Path=/; HttpOnly; SameSite=Lax`
    return { ...response, headers: { ...response.headers, 'Set-Cookie': cookie } }
  }
}

/** An error at the redirect URI (graph.md 5.3). */
export function returnRefusal(
  http: WireRequest,
  to: Parameters<typeof returnTo>[0],
  given: { readonly refused: Refusal; readonly random: Random; readonly nowMs: number },
): WireResponse {
  const { refused, random, nowMs } = given
  const ids = { traceId: random.guid(), correlationId: random.guid() }
  return returnTo(to, {
    error: refused.error,
    ...(refused.code === 65004 ? { error_subcode: 'cancel' } : {}),
    error_description: describeRefusal(refused, { now: new Date(nowMs), ...ids }),
    error_uri: `${http.origin}/error?code=${refused.code}`,
  })
}

/** An error that stays on a page. */
export function shownRefusal(refused: Refusal, title: string): WireResponse {
  return lastPage({ title, text: '', error: { code: refused.code, words: pageWords(refused) } })
}

function scopesOf(purpose: SigningIn): ReadonlySet<string> {
  return purpose.kind === 'app' ? purpose.request.scopes : purpose.code.scopes
}

function cookieOf(http: WireRequest): string | undefined {
  return new RegExp(`(?:^|;\\s*)${COOKIE}=([^;]*)`).exec(http.headers.get('cookie') ?? '')?.[1]
}

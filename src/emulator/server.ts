// A faithful Entra tenant, or several, in this process: token service and Microsoft Graph on one origin.
//
//   const emulator = new Emulator({ seed: 1 })
//   const tenant = generateTenant({ users: 100, groups: 10, memberships: 500, seed: 1, clock: emulator.clock })
//   const contoso = emulator.host(tenant)                                     // registers an app too
//   hire(contoso.tenant, { userPrincipalName: 'new@contoso.com' })            // operations.ts, memberships.ts
//   const { authorityUrl, graphUrl } = await emulator.listen()                // real HTTP, or:
//   createClient({ fetch: emulator.fetch, graphUrl: emulator.graphUrl })      // the same without a port
//   emulator.faults.add({ kind: 'throttled', retryAfter: 2, path: '/users', count: 3 })
//   emulator.requests                                                         // what was asked
//   await emulator.stop()
import { randomBytes } from 'node:crypto'
import { type Clock, systemClock } from '../base/clock.ts'
import { handleAdmin } from './admin.ts'
import { App } from './app.ts'
import { type ApplicationOptions, registerApplication } from './applications.ts'
import type { Certificate } from './certificate.ts'
import { createMovableClock, type MovableClock } from './clock.ts'
import type { Faults } from './faults.ts'
import { homePage } from './homepage.ts'
import { createInProcessFetch } from './inprocess.ts'
import { type Listener, type ListenOptions, startListener } from './listener.ts'
import { createRandom, type Random } from './random.ts'
import type { AppRegistration, Tenant } from './tenant.ts'
import type { Throttle, ThrottleSettings } from './throttle.ts'
import type { TokenService } from './token.ts'
import type { LoggedRequest, WireRequest, WireResponse } from './wire.ts'

export interface EmulatorOptions {
  /** Where time comes from; `emulator.clock` runs with it and can be moved ahead. The machine's clock unless given. */
  readonly clock?: Clock
  /** For ids, tokens and jitter of the emulator itself. */
  readonly seed?: number
  /** Added to every request. */
  readonly latencyMs?: number
  /** Answers are packed when the caller accepts it. Off unless given, because packing costs more than serving. */
  readonly gzip?: boolean
  readonly throttling?: Partial<ThrottleSettings>
  /** Origin for in-process requests. */
  readonly origin?: string
  /** RSA key that signs tokens; emulators that share one start faster. See `createSigningCertificate`. */
  readonly signingCertificate?: Certificate
}

/** A tenant that is being served, and an app registered in it. */
export interface HostedTenant {
  readonly tenant: Tenant
  readonly tenantId: string
  readonly app: AppRegistration
  readonly clientId: string
  readonly clientSecret: string
  readonly throttle: Throttle
}

/** Where a started emulator is reached. */
export interface Addresses {
  /** Root of the token service and of Graph alike, without tenant or version. */
  readonly authorityUrl: string
  readonly graphUrl: string
  readonly adminUrl: string
  readonly port: number
  /** To be trusted by callers, when listening with TLS. */
  readonly authorityPem: string | undefined
}

const GLOBAL_ORIGINS = ['https://graph.microsoft.com', 'https://login.microsoftonline.com']

export class Emulator {
  readonly clock: MovableClock
  readonly random: Random
  /** Demanded by `/_admin/…` in the header `x-admin-key`. */
  readonly adminKey = randomBytes(16).toString('hex')
  /** Requests in process to hosts that are not the emulator; they failed. A bearer token among them is a leak. */
  readonly strayRequests: Request[] = []
  /** The emulator as a fetch function. Also answers for Microsoft's global hosts. */
  readonly fetch: typeof fetch
  latencyMs: number
  gzip: boolean
  readonly #app: App
  readonly #origins: Set<string>
  readonly #listeners: Listener[] = []
  readonly #origin: string

  constructor(options: EmulatorOptions = {}) {
    this.clock = createMovableClock(options.clock ?? systemClock)
    // Another sequence than that of a tenant generated from the same seed, else their ids would be equal.
    this.random = createRandom((options.seed ?? 1) + 0x5eed_0000)
    this.latencyMs = options.latencyMs ?? 0
    this.gzip = options.gzip ?? false
    this.#origin = options.origin ?? 'https://entra.emulator.test'
    this.#origins = new Set([this.#origin, ...GLOBAL_ORIGINS])
    this.#app = new App({
      clock: this.clock,
      random: this.random,
      isOwnRoot: (root) => this.#origins.has(root),
      admin: (request) => handleAdmin(request, this),
      home: (request) => homePage(request, this.tenants),
      signingCertificate: options.signingCertificate,
    })
    Object.assign(this.#app.throttling, options.throttling)
    this.fetch = createInProcessFetch({
      clock: this.clock,
      isOwnOrigin: (origin) => this.#origins.has(origin),
      handle: (request) => this.#handle(request),
      onStray: (request) => this.strayRequests.push(request),
    })
  }

  get faults(): Faults {
    return this.#app.faults
  }

  get tokens(): TokenService {
    return this.#app.tokens
  }

  get throttling(): ThrottleSettings {
    return this.#app.throttling
  }

  /** Every request so far, those inside batches included; see {@link LoggedRequest}. */
  get requests(): readonly LoggedRequest[] {
    return this.#app.log.entries
  }

  get tenants(): readonly Tenant[] {
    return this.#app.tenants
  }

  /** Root of the token service: of the first listener, else for in-process requests. */
  get authorityUrl(): string {
    return this.#listeners[0]?.origin ?? this.#origin
  }

  get graphUrl(): string {
    return this.authorityUrl
  }

  /** Serves a tenant and registers an app in it, with the permissions of a directory synchronization unless given. */
  host(tenant: Tenant, application: ApplicationOptions = {}): HostedTenant {
    this.#app.addTenant(tenant)
    const app = registerApplication(tenant, this.random, application)
    return {
      tenant,
      tenantId: tenant.id,
      app,
      clientId: app.appId,
      clientSecret: app.secrets[0]?.secretText ?? '',
      throttle: this.#app.throttle(tenant, app),
    }
  }

  /** Revokes every token given to the app so far; callers that declare `cp1` get a claims challenge. */
  revokeTokens(app: AppRegistration): void {
    this.#app.standing(app).revokedUpTo = this.tokens.issued
  }

  /** Takes permissions away from the app at once, also in tokens that are out; granting again gives them back. */
  withdrawRoles(app: AppRegistration, roles: Iterable<string>): void {
    for (const role of roles) {
      app.roles.delete(role)
      this.#app.standing(app).withdrawn.add(role)
    }
  }

  grantRoles(app: AppRegistration, roles: Iterable<string>): void {
    for (const role of roles) {
      app.roles.add(role)
      this.#app.standing(app).withdrawn.delete(role)
    }
  }

  setEnabled(app: AppRegistration, isEnabled: boolean): void {
    this.#app.standing(app).enabled = isEnabled
  }

  clearRequests(): void {
    this.#app.log.entries.length = 0
  }

  /** Keeping the log of a long run costs memory. On unless switched off. */
  set keepsLog(isKept: boolean) {
    this.#app.log.isKept = isKept
  }

  /** Opens a port on this machine; several may be open, one with TLS and one without. */
  async listen(options: ListenOptions = {}): Promise<Addresses> {
    const listener = await startListener(options, {
      clock: this.clock,
      usesGzip: () => this.gzip,
      handle: (request) => this.#handle(request),
    })
    this.#listeners.push(listener)
    this.#origins.add(listener.origin)
    this.#origins.add(listener.origin.replace('//127.0.0.1:', '//localhost:'))
    return {
      authorityUrl: listener.origin,
      graphUrl: listener.origin,
      adminUrl: `${listener.origin}/_admin`,
      port: listener.port,
      authorityPem: listener.authorityPem,
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.#listeners.splice(0).map((listener) => listener.stop()))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  async #handle(request: WireRequest): Promise<WireResponse> {
    const answer = await this.#app.handle(request)
    if (this.latencyMs === 0 || request.path.startsWith('/_admin/')) return answer
    return { ...answer, delayMs: (answer.delayMs ?? 0) + this.latencyMs }
  }
}

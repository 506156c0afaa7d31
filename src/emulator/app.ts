// The emulator without a listener: a request goes through authentication, throttling and faults to the tenant's
// directory, and back through the faults. Both ways in (HTTP and in process) end here.
import type { Clock } from '../base/clock.ts'
import { assert } from '../base/errors.ts'
import { type Standing, newStanding } from './applications.ts'
import type { Certificate } from './certificate.ts'
import { type Answer, bearerChallenge, claimsChallenge, errorAnswer, withChallenge } from './faultanswers.ts'
import type { FaultTarget } from './faultkinds.ts'
import { deliveryOf, Faults } from './faults.ts'
import type { Random } from './random.ts'
import { RequestLog } from './requestlog.ts'
import type { GraphRequest, GraphResponse } from './respond.ts'
import { routeGraph } from './routes.ts'
import type { AppRegistration, Tenant } from './tenant.ts'
import { Throttle, type ThrottleSettings } from './throttle.ts'
import type { Bearer } from './issuer.ts'
import { TokenService } from './token.ts'
import { jsonResponse, type WireRequest, type WireResponse } from './wire.ts'

export interface AppOptions {
  readonly clock: Clock
  readonly random: Random
  /** Whether a root may stand before `/.default`, i.e. is an address of this emulator. */
  isOwnRoot(root: string): boolean
  /** Answers `/_admin/…`; undefined leaves the path unknown. */
  admin(request: WireRequest): Promise<WireResponse>
  /** Answers `/`. */
  home(request: WireRequest): WireResponse
  readonly signingCertificate?: Certificate | undefined
}

const GRAPH = '/v1.0'

// What every answer of Graph carries (graph.md 6.2).
const COMMON_HEADERS: Readonly<Record<string, string>> = {
  'Cache-Control': 'no-cache',
  Vary: 'Accept-Encoding',
  'Strict-Transport-Security': 'max-age=31536000',
  'OData-Version': '4.0',
  'x-ms-ags-diagnostic':
    '{"ServerInfo":{"DataCenter":"Emulator","Slice":"E","Ring":"1","ScaleUnit":"000","RoleInstance":"MUSTER000001"}}',
}

export class App {
  readonly faults: Faults
  readonly tokens: TokenService
  readonly throttling: ThrottleSettings = { enabled: true, scale: 1 }
  readonly log: RequestLog
  readonly #options: AppOptions
  readonly #tenants = new Map<string, Tenant>()
  readonly #throttles = new Map<AppRegistration, Throttle>()
  readonly #standings = new Map<AppRegistration, Standing>()

  constructor(options: AppOptions) {
    this.#options = options
    this.log = new RequestLog(options.clock)
    this.faults = new Faults({
      clock: options.clock,
      behaviours: (tenantId) =>
        this.tenants.filter((tenant) => tenantId === undefined || tenant.id === tenantId).map((t) => t.behaviour),
    })
    this.tokens = new TokenService({
      clock: options.clock,
      random: options.random,
      tenants: () => this.tenants,
      findTenant: (name) => this.findTenant(name),
      standing: (app) => this.standing(app),
      isGraphRoot: (root) => options.isOwnRoot(root),
      forgery: (tenantId) => this.faults.forgery(tenantId),
      signingCertificate: options.signingCertificate,
    })
  }

  get tenants(): readonly Tenant[] {
    return [...this.#tenants.values()]
  }

  addTenant(tenant: Tenant): void {
    assert(tenant.clock === this.#options.clock, 'a tenant must be made with the clock of its emulator')
    this.#tenants.set(tenant.id, tenant)
  }

  /** By id or verified domain. */
  findTenant(name: string): Tenant | undefined {
    return (
      this.#tenants.get(name) ??
      this.tenants.find((tenant) => tenant.verifiedDomains.some((domain) => domain.name.toLowerCase() === name))
    )
  }

  standing(app: AppRegistration): Standing {
    const known = this.#standings.get(app) ?? newStanding()
    this.#standings.set(app, known)
    return known
  }

  /** The bucket of an app in its tenant. */
  throttle(tenant: Tenant, app: AppRegistration): Throttle {
    const known =
      this.#throttles.get(app) ??
      new Throttle(
        {
          clock: this.#options.clock,
          tenantId: tenant.id,
          appId: app.appId,
          userCount: () => tenant.count('user'),
        },
        this.throttling,
      )
    this.#throttles.set(app, known)
    return known
  }

  async handle(request: WireRequest): Promise<WireResponse> {
    if (request.path.startsWith('/_admin/')) return await this.#options.admin(request)
    if (request.path === '/') return this.#options.home(request)
    if (request.path === GRAPH || request.path.startsWith(`${GRAPH}/`)) return await this.#graph(request)
    const target = this.#target(request, { path: request.path, tenantId: undefined })
    const met = this.faults.meet(target)
    const isToken = request.path.endsWith('/oauth2/v2.0/token')
    const response =
      met.answer ??
      (await this.tokens.handle(request)) ??
      jsonResponse(404, { error: 'not_found', error_description: `Nothing is served at ${request.path}.` })
    this.log.add(request, { target, service: isToken ? 'token' : 'other', ...response, resourceUnits: 0 })
    return finish(this.faults.spoil(target, response), met)
  }

  async #graph(request: WireRequest): Promise<WireResponse> {
    const requestId = this.#options.random.guid()
    const token = /^Bearer\s+(.*)$/i.exec(request.headers.get('authorization') ?? '')?.[1] ?? ''
    const bearer = await this.tokens.check(token.trim())
    const tenant = 'refusal' in bearer ? undefined : this.#tenants.get(bearer.tenantId)
    const app = 'refusal' in bearer ? undefined : tenant?.apps.get(bearer.appId)
    const target = this.#target(request, {
      path: request.path.slice(GRAPH.length) || '/',
      tenantId: tenant?.id,
      requestId,
    })
    const number = this.log.nextNumber()
    const met = this.faults.meet(target)
    const refused =
      met.answer ??
      ('refusal' in bearer
        ? this.#unauthorized(target, bearer.refusal)
        : tenant === undefined || app === undefined
          ? this.#unauthorized(target, 'The identity of the calling application could not be established.')
          : this.#revoked(target, { bearer, app }))
    if (refused !== undefined || 'refusal' in bearer || tenant === undefined || app === undefined) {
      const answer = refused ?? this.#unauthorized(target, 'Access token validation failure.')
      this.log.add(request, { target, service: 'graph', ...answer, resourceUnits: 0, number })
      return finish({ ...answer, headers: { ...this.#headers(request, requestId), ...answer.headers } }, met)
    }
    const answered = this.#serve(request, { tenant, app, bearer, target, number })
    this.log.add(request, { target, service: 'graph', ...answered, number })
    const headers = { ...COMMON_HEADERS, 'request-id': requestId, ...answered.headers }
    return finish(this.faults.spoil(target, { ...answered, headers }), met)
  }

  #serve(
    request: WireRequest,
    context: {
      readonly tenant: Tenant
      readonly app: AppRegistration
      readonly bearer: Bearer
      readonly target: FaultTarget
      readonly number: number
    },
  ): GraphResponse {
    const { tenant, app, bearer, target, number } = context
    const throttle = this.throttle(tenant, app)
    const isBatch = /^\/(\$|%24)batch$/i.test(target.path)
    const refused = isBatch ? undefined : throttle.refusal({ requestId: target.requestId })
    if (refused !== undefined)
      return {
        status: 429,
        headers: { ...this.#headers(request, target.requestId), ...refused.headers },
        body: refused.body,
        resourceUnits: 0,
      }
    const { withdrawn } = this.standing(app)
    const graphRequest: GraphRequest = {
      method: request.method,
      path: target.path,
      query: new URLSearchParams(request.rawQuery),
      rawQuery: request.rawQuery,
      headers: request.headers,
      body: parseBody(request.body),
      roles: withdrawn.size === 0 ? bearer.roles : new Set([...bearer.roles].filter((role) => !withdrawn.has(role))),
      appId: app.appId,
      graphRoot: `${request.origin}${GRAPH}`,
      behaviour: tenant.behaviour,
    }
    const response = routeGraph(tenant, graphRequest, (inner) =>
      this.#inner(inner, { tenant, throttle, target, number }),
    )
    if (isBatch) return response
    return { ...response, headers: { ...response.headers, ...throttle.charge(response.resourceUnits) } }
  }

  /** One request of a `$batch`: throttled, charged, spoilt and logged like any other. */
  #inner(
    request: GraphRequest,
    context: {
      readonly tenant: Tenant
      readonly throttle: Throttle
      readonly target: FaultTarget
      readonly number: number
    },
  ): GraphResponse {
    const { tenant, throttle } = context
    const target: FaultTarget = {
      ...context.target,
      method: request.method,
      path: request.path,
      rawQuery: request.rawQuery,
      isInner: true,
    }
    const { answer } = this.faults.meet(target)
    const refused = answer === undefined ? throttle.refusal({ requestId: target.requestId }) : undefined
    let response: GraphResponse
    if (answer !== undefined) response = { ...answer, resourceUnits: 0 }
    else if (refused !== undefined) response = { status: 429, ...refused, resourceUnits: 0 }
    else {
      const routed = routeGraph(tenant, request, (nested) => this.#inner(nested, context))
      const headers = { ...routed.headers, ...throttle.charge(routed.resourceUnits) }
      response = this.faults.spoil(target, { ...routed, headers })
    }
    this.log.add(undefined, { target, service: 'graph', ...response, batch: context.number })
    return response
  }

  #revoked(
    target: FaultTarget,
    context: { readonly bearer: Bearer; readonly app: AppRegistration },
  ): Answer | undefined {
    const { bearer, app } = context
    if (bearer.number > this.standing(app).revokedUpTo) return undefined
    const now = this.#options.clock.now()
    if (bearer.declaresCae) return claimsChallenge({ target, now }, { notBefore: now, multi: false })
    return this.#unauthorized(target, 'Access token has been revoked.')
  }

  #unauthorized(target: FaultTarget, message: string): Answer {
    const now = this.#options.clock.now()
    const refused = errorAnswer({ target, now }, { status: 401, code: 'InvalidAuthenticationToken', message })
    return withChallenge(refused, bearerChallenge(target.origin))
  }

  #headers(request: WireRequest, requestId: string): Record<string, string> {
    const clientRequestId = request.headers.get('client-request-id')
    return {
      ...COMMON_HEADERS,
      'request-id': requestId,
      ...(clientRequestId === null ? {} : { 'client-request-id': clientRequestId }),
    }
  }

  #target(
    request: WireRequest,
    about: { readonly path: string; readonly tenantId: string | undefined; readonly requestId?: string },
  ): FaultTarget {
    return {
      method: request.method,
      origin: request.origin,
      path: about.path,
      rawQuery: request.rawQuery,
      isGraph: request.path.startsWith(GRAPH),
      isInner: false,
      tenantId: about.tenantId,
      requestId: about.requestId ?? this.#options.random.guid(),
    }
  }
}

function finish(
  response: Pick<WireResponse, 'status' | 'headers' | 'body'>,
  met: ReturnType<Faults['meet']>,
): WireResponse {
  const delay = met.delayMs === 0 ? {} : { delayMs: met.delayMs }
  if (met.damage === undefined) return { ...response, ...delay }
  return { ...response, ...delay, delivery: deliveryOf(met.damage, byteLength(response.body)) }
}

function byteLength(body: string | Uint8Array | undefined): number {
  if (body === undefined) return 0
  return typeof body === 'string' ? new TextEncoder().encode(body).length : body.length
}

/** Undefined for an empty body; the text itself where it is not JSON, which no handler accepts. */
function parseBody(body: Uint8Array): unknown {
  if (body.length === 0) return undefined
  const text = new TextDecoder().decode(body)
  try {
    return JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) return text
    throw error
  }
}

// The token service: client credentials, discovery and keys, and the check of the tokens it gave (graph.md 5).
// Sign-in of people (authorize, device code, password) is to be added as further grants in `handle`.
import { createPublicKey, type KeyObject } from 'node:crypto'
import { exportJWK, jwtVerify, SignJWT } from 'jose'
import type { Clock } from '../base/clock.ts'
import type { Standing } from './applications.ts'
import { checkAssertion } from './assertion.ts'
import { type Certificate, createCertificate, thumbprints } from './certificate.ts'
import type { Random } from './random.ts'
import { discovery } from './discovery.ts'
import type { AppRegistration, Tenant } from './tenant.ts'
import { refuse, type Refusal, renderRefusal } from './tokenerrors.ts'
import { jsonResponse, type WireRequest, type WireResponse } from './wire.ts'

export interface TokenServiceOptions {
  readonly clock: Clock
  readonly random: Random
  /** By id or verified domain, in lower case. */
  findTenant(name: string): Tenant | undefined
  standing(app: AppRegistration): Standing
  /** Further roots that may stand before `/.default` beside the emulator's own origins and Microsoft's global Graph. */
  isGraphRoot(root: string): boolean
  /** The first signing key, RSA; made when first needed unless given, which takes a tenth of a second. */
  readonly signingCertificate?: Certificate | undefined
}

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
}

const GLOBAL_GRAPH = 'https://graph.microsoft.com'
const GRAPH_APP_ID = '00000003-0000-0000-c000-000000000000'
const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
const CACHED_TOKENS = 5_000

interface SigningKey {
  readonly kid: string
  readonly certificate: Certificate
  readonly publicKey: KeyObject
}

/** The body of a token answer. */
interface Granted {
  readonly granted: Readonly<Record<string, unknown>>
}

export class TokenService {
  /** Life of new tokens in seconds; drawn evenly between the two. Entra draws 60 to 90 minutes. */
  lifetimeSeconds: { min: number; max: number } = { min: 3599, max: 3599 }
  /** Life of tokens for callers that declare `cp1` (graph.md 5.10). */
  caeLifetimeSeconds = 86_399
  readonly #options: TokenServiceOptions
  readonly #keys: SigningKey[] = []
  readonly #checked = new Map<string, Bearer>()
  readonly #numbers = new Map<string, number>()
  #issued = 0

  constructor(options: TokenServiceOptions) {
    this.#options = options
  }

  /** How many tokens were given; {@link Standing.revokedUpTo} set to it revokes all of them. */
  get issued(): number {
    return this.#issued
  }

  /** From now on a new key signs; the old ones stay published, as at Microsoft. */
  rotateKey(): void {
    this.#addKey(createSigningCertificate(this.#options.clock.now()))
  }

  #addKey(certificate: Certificate): void {
    this.#keys.unshift({
      kid: thumbprints(certificate.der).sha1,
      certificate,
      publicKey: createPublicKey(certificate.privateKey),
    })
  }

  /** Forgets all keys but the newest: tokens signed by the others stop to be accepted. */
  dropOldKeys(): void {
    this.#keys.splice(1)
    this.#checked.clear()
  }

  /** Answers `/{tenant}/oauth2/v2.0/token`, discovery and keys; undefined for every other path. */
  async handle(request: WireRequest): Promise<WireResponse | undefined> {
    const found =
      /^\/([^/]+)\/(oauth2\/v2\.0\/token|v2\.0\/\.well-known\/openid-configuration|discovery\/v2\.0\/keys)$/.exec(
        request.path,
      )
    if (found?.[1] === undefined) return undefined
    const tenantName = decodeURIComponent(found[1])
    const isCommon = /^(common|organizations|consumers)$/i.test(tenantName)
    const tenant = this.#options.findTenant(tenantName.toLowerCase())
    if (tenant === undefined && !isCommon) return this.#refused(request, refuse.unknownTenant(tenantName))
    if (found[2] === 'discovery/v2.0/keys') return jsonResponse(200, await this.#keySet(request.origin, tenant))
    if (found[2] !== 'oauth2/v2.0/token') return jsonResponse(200, discovery(request.origin, tenant, tenantName))
    if (request.method !== 'POST') return this.#refused(request, refuse.onlyPost(request.method))
    if (tenant === undefined) return this.#refused(request, refuse.noTenant())
    const answer = await this.#grant(request, tenant)
    return 'code' in answer
      ? this.#refused(request, answer)
      : jsonResponse(200, answer.granted, { 'Cache-Control': 'no-store, no-cache', Pragma: 'no-cache' })
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
          const key = this.#keys.find((candidate) => candidate.kid === header.kid)
          if (key === undefined) throw new Error('unknown key')
          return key.publicKey
        },
        { algorithms: ['RS256'], currentDate: new Date(0), clockTolerance: Number.MAX_SAFE_INTEGER },
      )
      const audience = typeof payload.aud === 'string' ? payload.aud : ''
      if (!this.#acceptsRoot(audience)) return { refusal: 'Access token validation failure. Invalid audience.' }
      return {
        tenantId: String(payload['tid']),
        appId: String(payload['appid']),
        roles: new Set(Array.isArray(payload['roles']) ? payload['roles'].map(String) : []),
        expiresAt: payload.exp ?? 0,
        number: this.#numbers.get(String(payload['uti'])) ?? 0,
        declaresCae: Array.isArray(payload['xms_cc']) && payload['xms_cc'].includes('cp1'),
      }
    } catch {
      // Whatever is wrong with the token, Graph tells no more than this.
      return { refusal: 'Access token validation failure. Invalid signature.' }
    }
  }

  #acceptsRoot(root: string): boolean {
    return root === GLOBAL_GRAPH || root === GRAPH_APP_ID || this.#options.isGraphRoot(root)
  }

  async #grant(request: WireRequest, tenant: Tenant): Promise<Refusal | Granted> {
    const form = new URLSearchParams(new TextDecoder().decode(request.body))
    const basic = basicCredentials(request.headers.get('authorization'))
    const clientId = form.get('client_id') ?? basic?.id
    const grantType = form.get('grant_type')
    if (grantType === null) return refuse.missing('grant_type')
    if (grantType !== 'client_credentials') return refuse.unsupportedGrant(grantType)
    if (clientId === undefined || clientId === '') return refuse.missing('client_id')
    const app = tenant.apps.get(clientId.toLowerCase())
    if (app === undefined) return refuse.unknownApplication(clientId, tenant.id)
    if (!this.#options.standing(app).enabled) return refuse.disabledApplication(app)
    const scope = form.get('scope') ?? ''
    const root = scope.endsWith('/.default') ? scope.slice(0, -'/.default'.length) : undefined
    if (scope.trim() === '' || /\s/.test(scope)) return refuse.invalidScope(scope)
    if (root === undefined) return refuse.scopeWithoutDefault(scope)
    if (!this.#acceptsRoot(root)) return refuse.unknownResource(root, tenant.id)
    const secret = form.get('client_secret') ?? basic?.secret
    const assertion = form.get('client_assertion')
    const refused =
      assertion !== null && form.get('client_assertion_type') === ASSERTION_TYPE
        ? await checkAssertion(assertion, { origin: request.origin, now: this.#options.clock.now(), tenant, app })
        : this.#checkSecret(secret, app)
    if (refused !== undefined) return refused
    const granted = await this.#issue(tenant, app, {
      root: root === GRAPH_APP_ID ? GLOBAL_GRAPH : root,
      byCertificate: assertion !== null,
      declaresCae: declaresCae(form.get('claims')),
    })
    return { granted }
  }

  #checkSecret(secret: string | undefined, app: AppRegistration): Refusal | undefined {
    if (secret === undefined || secret === '') return refuse.noCredential()
    const found = app.secrets.find((candidate) => candidate.secretText === secret)
    if (found === undefined) return refuse.wrongSecret(app)
    if (Date.parse(found.endDateTime) <= this.#options.clock.now().getTime()) return refuse.expiredSecret(app)
    return undefined
  }

  async #issue(
    tenant: Tenant,
    app: AppRegistration,
    options: { readonly root: string; readonly byCertificate: boolean; readonly declaresCae: boolean },
  ): Promise<Record<string, unknown>> {
    const { clock, random } = this.#options
    const key = this.#signingKey()
    const { min, max } = this.lifetimeSeconds
    const life = options.declaresCae ? this.caeLifetimeSeconds : min + random.int(max - min + 1)
    const now = Math.floor(clock.now().getTime() / 1000)
    const uti = random.guid()
    this.#issued++
    this.#numbers.set(uti, this.#issued)
    const token = await new SignJWT({
      appid: app.appId,
      app_displayname: app.displayName,
      appidacr: options.byCertificate ? '2' : '1',
      idp: `https://sts.windows.net/${tenant.id}/`,
      idtyp: 'app',
      oid: app.servicePrincipalId,
      ...(app.roles.size === 0 ? {} : { roles: [...app.roles] }),
      tid: tenant.id,
      uti,
      ver: '1.0',
      ...(options.declaresCae ? { xms_cc: ['cp1'] } : {}),
    })
      .setProtectedHeader({ typ: 'JWT', alg: 'RS256', kid: key.kid, x5t: key.kid })
      .setAudience(options.root)
      .setIssuer(`https://sts.windows.net/${tenant.id}/`)
      .setSubject(app.servicePrincipalId)
      .setIssuedAt(now)
      .setNotBefore(now)
      .setExpirationTime(now + life)
      .sign(key.certificate.privateKey)
    return { token_type: 'Bearer', expires_in: life, ext_expires_in: life, access_token: token }
  }

  #signingKey(): SigningKey {
    if (this.#keys.length === 0) {
      this.#addKey(this.#options.signingCertificate ?? createSigningCertificate(this.#options.clock.now()))
    }
    const key = this.#keys[0]
    if (key === undefined) throw new Error('no signing key')
    return key
  }

  async #keySet(origin: string, tenant: Tenant | undefined): Promise<unknown> {
    this.#signingKey()
    const keys = await Promise.all(
      this.#keys.map(async ({ kid, certificate, publicKey }) => {
        const { n, e } = await exportJWK(publicKey)
        return {
          kty: 'RSA',
          use: 'sig',
          kid,
          x5t: kid,
          n,
          e,
          x5c: [certificate.der.toString('base64')],
          issuer: `${origin}/${tenant?.id ?? '{tenantid}'}/v2.0`,
        }
      }),
    )
    return { keys }
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

/** What a token service signs with: an RSA key in a certificate of five years. */
export function createSigningCertificate(now: Date): Certificate {
  return createCertificate({
    commonName: 'accounts.accesscontrol.windows.net',
    key: 'rsa',
    notBefore: new Date(now.getTime() - 86_400_000),
    notAfter: new Date(now.getTime() + 5 * 365 * 86_400_000),
  })
}

function basicCredentials(header: string | null): { readonly id: string; readonly secret: string } | undefined {
  const encoded = /^Basic\s+(\S+)$/i.exec(header ?? '')?.[1]
  if (encoded === undefined) return undefined
  const [id = '', secret = ''] = Buffer.from(encoded, 'base64').toString('utf8').split(/:(.*)/s)
  return { id: decodeURIComponent(id), secret: decodeURIComponent(secret) }
}

function declaresCae(claims: string | null): boolean {
  return claims !== null && /"xms_cc"\s*:\s*\{[^}]*"cp1"/i.test(claims)
}

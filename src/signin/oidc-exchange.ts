// One question to a tenant's token service in the protocol's own library, over the transport of the Graph client: its proxy, its
// authorities, its deadlines, no redirects. The id token of an answer is verified before the library sees it, so that the reason of a
// refusal is ours; what the library checks besides counts as well.
import { randomUUID } from 'node:crypto'
import {
  allowInsecureRequests,
  type ClientAuth,
  ClientError,
  clockSkew,
  clockTolerance,
  Configuration,
  customFetch,
  enableNonRepudiationChecks,
  None,
  ResponseBodyError,
} from 'openid-client'
import { type Clock, systemClock } from '../base/clock.ts'
import { assert } from '../base/errors.ts'
import type { FlowRefusal, TokenRefusal } from '../contract/sign-in-refusals.ts'
import { asRecord, parseJson } from '../graph/body.ts'
import { type Credential, clientAuthentication } from '../graph/credential.ts'
import { TokenError } from '../graph/errors.ts'
import { CLOCK_TOLERANCE_SECONDS, type VerifiedPerson } from './id-token.ts'
import { type Discovered, type DocumentParts, ProviderUnavailable, TenantDocuments } from './oidc-documents.ts'
import { type Refused, refusalOf } from './oidc-refusals.ts'
import { verifyIdToken } from './oidc-verify.ts'

/** Through which tenant and application somebody signs in. */
export interface SignInConnection {
  readonly id: number
  readonly tenantId: string
  readonly clientId: string
  readonly authorityUrl: string
}

export interface OidcParts extends DocumentParts {
  /** The connection's credentials, in the order in which they are tried. */
  readonly openCredentials: (connectionId: number) => Promise<readonly Credential[]>
}

/** What the five ways work with; keeps what tenants publish. Made once in a process. */
export interface Oidc extends OidcParts {
  readonly documentsOf: (connection: SignInConnection) => TenantDocuments
}

export function createOidc(parts: OidcParts): Oidc {
  const byIssuer = new Map<string, TenantDocuments>()
  return {
    ...parts,
    documentsOf(connection) {
      const issuer = issuerOf(connection)
      const documents = byIssuer.get(issuer) ?? new TenantDocuments(issuer, parts)
      byIssuer.set(issuer, documents)
      return documents
    },
  }
}

/** Computed, never learned: `common` and what a document claims are nobody's issuer here. */
function issuerOf({ authorityUrl, tenantId }: SignInConnection): string {
  return `${authorityUrl}/${tenantId.toLowerCase()}/v2.0`
}

/** `confidential`: with the connection's credential; `public`: by the application's id alone. */
export type Manner = 'confidential' | 'public'

export interface Exchange {
  readonly connection: SignInConnection
  /** Tried one after the other while the application itself is refused. */
  readonly manners: readonly Manner[]
  /** Of this sign-in; null where its way has none. */
  readonly nonce: string | null
  readonly signal: AbortSignal
}

export type Verified = { readonly kind: 'verified'; readonly person: VerifiedPerson }

/** Asks for an id token by one grant, as often as there are credentials to try. */
export async function askForPerson(
  oidc: Oidc,
  exchange: Exchange,
  grant: (config: Configuration) => Promise<unknown>,
): Promise<Verified | Refused> {
  let person: VerifiedPerson | undefined
  const answered = await ask(oidc, exchange, {
    grant,
    async inspect(body) {
      const token = body['id_token']
      if (typeof token !== 'string') throw new TokenRefused('token-missing')
      const documents = oidc.documentsOf(exchange.connection)
      const { tenantId, clientId } = exchange.connection
      const issuer = issuerOf(exchange.connection)
      const expected = { issuer, tenantId, clientId, nonce: exchange.nonce, now: oidc.clock.now() }
      const judged = await verifyIdToken(token, { documents, expected, signal: exchange.signal })
      if (judged.kind === 'refused') throw new TokenRefused(judged.reason)
      person = judged.person
    },
  })
  if (answered.kind === 'refused') return answered
  return person === undefined ? { kind: 'refused', reason: 'token-missing' } : { kind: 'verified', person }
}

interface Asking<Answer> {
  readonly grant: (config: Configuration) => Promise<Answer>
  /** Looks at a good answer of the token service before anybody else does. */
  readonly inspect?: (body: Readonly<Record<string, unknown>>) => Promise<void>
}

/** @returns `answered`, or why not: no fault of Microsoft's is thrown */
export async function ask<Answer>(
  oidc: Oidc,
  exchange: Exchange,
  asking: Asking<Answer>,
): Promise<{ readonly kind: 'answered'; readonly answer: Answer } | Refused> {
  let first: Refused | undefined
  try {
    const discovered = await oidc.documentsOf(exchange.connection).discover(exchange.signal)
    for (const proof of await proofsOf(oidc, exchange, discovered.token_endpoint)) {
      const outcome = await askOnce(oidc, { ...exchange, ...asking, discovered, proof })
      if (outcome.kind === 'answered' || outcome.error !== 'invalid_client') return outcome
      first ??= outcome
    }
  } catch (error) {
    if (error instanceof TokenError) return { kind: 'refused', reason: 'application-refused', hint: error.message }
    if (!(error instanceof ProviderUnavailable)) throw error
    return { kind: 'refused', reason: 'provider-unavailable', hint: error.message }
  }
  return first ?? { kind: 'refused', reason: 'application-refused', hint: 'The connection has no credential.' }
}

async function proofsOf(oidc: Oidc, exchange: Exchange, tokenUrl: string): Promise<readonly ClientAuth[]> {
  const proofs: ClientAuth[] = []
  let unusable: TokenError | undefined
  for (const manner of exchange.manners) {
    if (manner === 'public') proofs.push(None())
    else
      for (const credential of await oidc.openCredentials(exchange.connection.id))
        try {
          proofs.push(await clientAuthentication(credential, { tokenUrl, clock: oidc.clock }))
        } catch (error) {
          // A managed identity proves itself to Azure only, and a file may lack; another credential may do.
          if (!(error instanceof TokenError)) throw error
          unusable ??= error
        }
  }
  if (proofs.length === 0 && unusable !== undefined) throw unusable
  return proofs
}

interface One<Answer> extends Exchange, Asking<Answer> {
  readonly discovered: Discovered
  readonly proof: ClientAuth
}

async function askOnce<Answer>(
  oidc: Oidc,
  one: One<Answer>,
): Promise<{ readonly kind: 'answered'; readonly answer: Answer } | Refused> {
  const config = configure(one, oidc.clock)
  let thrown: unknown
  config[customFetch] = async (url, init) => {
    try {
      if (url === one.discovered.jwks_uri) return json(await oidc.documentsOf(one.connection).allKeys(one.signal))
      const body = await send(oidc, { url, init, signal: one.signal })
      if (url === one.discovered.token_endpoint && body.ok) await one.inspect?.(body.document)
      return json(body.document, body.status)
    } catch (error) {
      thrown = error
      throw error
    }
  }
  try {
    return { kind: 'answered', answer: await one.grant(config) }
  } catch (error) {
    if (thrown instanceof TokenRefused) return { kind: 'refused', reason: thrown.reason }
    if (thrown !== undefined) throw thrown
    if (error instanceof ResponseBodyError) return refusalOf(error)
    // What the library finds wrong with a token that we have let pass, or with the answer around it.
    if (error instanceof ClientError) return { kind: 'refused', reason: 'token-malformed', hint: error.code }
    throw error
  }
}

/** What the library knows of the tenant and of us. */
export function configure(
  { connection, discovered, proof }: Pick<One<unknown>, 'connection' | 'discovered' | 'proof'>,
  clock: Clock,
): Configuration {
  const metadata = { ...discovered, id_token_signing_alg_values_supported: ['RS256'] }
  const config = new Configuration(
    metadata,
    connection.clientId,
    {
      id_token_signed_response_alg: 'RS256',
      // It reads the machine's clock; ours may be another one.
      [clockSkew]: Math.round((clock.now().getTime() - systemClock.now().getTime()) / 1000),
      [clockTolerance]: CLOCK_TOLERANCE_SECONDS,
    },
    proof,
  )
  config.timeout = undefined // the sender has its own deadline, on our clock
  enableNonRepudiationChecks(config)
  // Plain http is taken on loopback only; the connection was checked for that when it was saved.
  if (discovered.issuer.startsWith('http:')) allowInsecureRequests(config)
  return config
}

class TokenRefused extends Error {
  readonly reason: TokenRefusal | FlowRefusal

  constructor(reason: TokenRefusal | FlowRefusal) {
    super(reason)
    this.name = 'TokenRefused'
    this.reason = reason
  }
}

interface Received {
  readonly status: number
  readonly ok: boolean
  readonly document: Readonly<Record<string, unknown>>
}

async function send(
  oidc: Oidc,
  {
    url,
    init,
    signal,
  }: {
    readonly url: string
    readonly init: { readonly method: string; readonly body?: unknown; readonly headers: Record<string, string> }
    readonly signal: AbortSignal
  },
): Promise<Received> {
  const { origin, pathname, search } = new URL(url)
  const { body } = init
  assert(init.method === 'POST' && body instanceof URLSearchParams, 'a token service is asked by a form')
  let status: number
  let document: Record<string, unknown> | undefined
  try {
    const answer = await oidc.sender.send({
      method: 'POST',
      origin,
      path: `${pathname}${search}`,
      headers: {
        ...Object.fromEntries(new Headers(init.headers)),
        'content-type': 'application/x-www-form-urlencoded;charset=UTF-8',
        'user-agent': oidc.userAgent,
        'client-request-id': randomUUID(),
      },
      body: body.toString(),
      signal,
    })
    status = answer.status
    document = asRecord(parseJson(answer.body))
  } catch (error) {
    signal.throwIfAborted()
    const reason = error instanceof Error ? error.message : String(error)
    throw new ProviderUnavailable(`The token service cannot be asked: ${reason}`, { cause: error })
  }
  if (status === 429 || status >= 500) throw new ProviderUnavailable(`The token service answered ${status}`)
  if (document === undefined) throw new ProviderUnavailable(`The token service answered ${status} without JSON`)
  return { status, ok: status === 200, document }
}

function json(document: unknown, status = 200): Response {
  return new Response(JSON.stringify(document), { status, headers: { 'content-type': 'application/json' } })
}

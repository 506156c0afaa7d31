// Is it the app? Client authentication at the token endpoint: secret, certificate or a foreign issuer's token, in the body
// or by HTTP Basic (graph.md 5.1), and public clients that have none.
import { matchRedirectUri } from './appsignin.ts'
import { checkAssertion } from './assertion.ts'
import { deny } from './signinerrors.ts'
import type { AppRegistration, Tenant } from './tenant.ts'
import { refuse, type Refusal } from './tokenerrors.ts'
import type { WireRequest } from './wire.ts'

const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

/** The parsed body of a token request. */
export interface TokenForm {
  readonly form: URLSearchParams
  readonly clientId: string | undefined
  readonly secret: string | undefined
  readonly assertion: string | undefined
}

export function readTokenForm(request: WireRequest): TokenForm {
  const form = new URLSearchParams(new TextDecoder().decode(request.body))
  const basic = basicCredentials(request.headers.get('authorization'))
  const assertion = form.get('client_assertion_type') === ASSERTION_TYPE ? form.get('client_assertion') : null
  return {
    form,
    clientId: form.get('client_id') ?? basic?.id,
    secret: form.get('client_secret') ?? basic?.secret,
    assertion: assertion ?? undefined,
  }
}

export interface ClientContext {
  readonly origin: string
  readonly now: Date
  readonly tenant: Tenant
  readonly app: AppRegistration
}

/** Why the caller is not the app, undefined when it is. A credential is demanded. */
export async function refuseClient(sent: TokenForm, context: ClientContext): Promise<Refusal | undefined> {
  if (sent.assertion !== undefined) return await checkAssertion(sent.assertion, context)
  return refuseSecret(sent.secret, context)
}

/** For device code and password: a public client need not prove itself (graph.md 5.4). */
export async function refusePublicClient(sent: TokenForm, context: ClientContext): Promise<Refusal | undefined> {
  const isSilent = sent.assertion === undefined && (sent.secret === undefined || sent.secret === '')
  return isSilent && context.app.signIn.publicClient ? undefined : await refuseClient(sent, context)
}

/** For codes and refresh tokens: what the platform of the redirect URI demands (graph.md 5.3). */
export async function refusePlatform(
  sent: TokenForm,
  context: ClientContext & { readonly redirectUri: string; readonly hasOrigin: boolean },
): Promise<Refusal | undefined> {
  const { app, redirectUri, hasOrigin } = context
  const platform = matchRedirectUri(app.signIn, redirectUri)?.platform ?? 'web'
  const hasCredential = sent.assertion !== undefined || (sent.secret !== undefined && sent.secret !== '')
  if (platform === 'web') return hasOrigin ? deny.crossOrigin() : await refuseClient(sent, context)
  if (hasCredential) return deny.publicWithCredential()
  return platform === 'spa' && !hasOrigin ? deny.notCrossOrigin() : undefined
}

function refuseSecret(secret: string | undefined, { app, now }: ClientContext): Refusal | undefined {
  if (secret === undefined || secret === '') return refuse.noCredential()
  const found = app.secrets.find((candidate) => candidate.secretText === secret)
  if (found === undefined) return refuse.wrongSecret(app)
  return Date.parse(found.endDateTime) <= now.getTime() ? refuse.expiredSecret(app) : undefined
}

function basicCredentials(header: string | null): { readonly id: string; readonly secret: string } | undefined {
  const encoded = /^Basic\s+(\S+)$/i.exec(header ?? '')?.[1]
  if (encoded === undefined) return undefined
  const [id = '', secret = ''] = Buffer.from(encoded, 'base64').toString('utf8').split(/:(.*)/s)
  return { id: decodeURIComponent(id), secret: decodeURIComponent(secret) }
}

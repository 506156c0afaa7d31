// What an app asks of the authorize endpoint: read, judged, and answered at its redirect URI (graph.md 5.3).
import { matchRedirectUri, type Platform } from './appsignin.ts'
import { redirectPage } from './signinpages.ts'
import { deny } from './signinerrors.ts'
import type { AppRegistration, Tenant } from './tenant.ts'
import { refuse, type Refusal } from './tokenerrors.ts'
import type { WireResponse } from './wire.ts'

export type ResponseMode = 'query' | 'fragment' | 'form_post'

/** Where answers go. */
export interface ReturnAddress {
  readonly redirectUri: string
  readonly mode: ResponseMode
  readonly state: string | undefined
}

export interface AuthorizeRequest extends ReturnAddress {
  /** Undefined at `common` and `organizations`, until it is known who signs in. */
  readonly tenant: Tenant | undefined
  readonly app: AppRegistration
  readonly platform: Platform
  readonly wantsCode: boolean
  readonly wantsIdToken: boolean
  readonly scopes: ReadonlySet<string>
  readonly nonce: string | undefined
  readonly challenge: { readonly text: string; readonly method: 'S256' | 'plain' } | undefined
  readonly prompt: 'none' | 'login' | 'select_account' | 'consent' | undefined
  readonly loginHint: string | undefined
  readonly domainHint: string | undefined
  readonly maxAgeSeconds: number | undefined
}

/** `shown`: on a page, because there is no address that is known to be the app's. */
export type AuthorizeOutcome =
  | { readonly kind: 'request'; readonly request: AuthorizeRequest }
  | { readonly kind: 'shown'; readonly refusal: Refusal }
  | { readonly kind: 'returned'; readonly refusal: Refusal; readonly to: ReturnAddress }

const RESPONSE_TYPES: ReadonlySet<string> = new Set(['code', 'id_token', 'code id_token', 'id_token token'])
const RESPONSE_MODES: readonly ResponseMode[] = ['query', 'fragment', 'form_post']
const PROMPTS = ['none', 'login', 'select_account', 'consent'] as const
const CHALLENGE = /^[A-Za-z0-9._~-]{43,128}$/

export function readAuthorize(
  parameters: URLSearchParams,
  context: { readonly tenant: Tenant | undefined; readonly app: AppRegistration },
): AuthorizeOutcome {
  const { tenant, app } = context
  const shown = (refusal: Refusal): AuthorizeOutcome => ({ kind: 'shown', refusal })
  const redirectUri = parameters.get('redirect_uri') ?? app.signIn.redirectUris[0]?.uri
  if (redirectUri === undefined) return shown(deny.noReplyAddress(app))
  const registered = matchRedirectUri(app.signIn, redirectUri)
  if (registered === undefined) return shown(deny.wrongReplyAddress(redirectUri, app))

  const type = (parameters.get('response_type') ?? '').split(' ').toSorted().join(' ')
  const wantsIdToken = type.includes('id_token')
  const askedMode = parameters.get('response_mode') ?? (wantsIdToken ? 'fragment' : 'query')
  const mode = RESPONSE_MODES.find((known) => known === askedMode) ?? 'query'
  const state = parameters.get('state') ?? undefined
  const returned = (refusal: Refusal): AuthorizeOutcome => ({
    kind: 'returned',
    refusal,
    to: { redirectUri, mode, state },
  })
  if (type === '') return returned(refuse.missing('response_type'))
  if (!RESPONSE_TYPES.has(type)) return returned(deny.unknownResponseType(type))
  if (wantsIdToken && !app.signIn.implicitIdTokens) return returned(deny.responseType(type))
  if (mode !== askedMode || (wantsIdToken && mode === 'query')) return returned(deny.unknownResponseType(askedMode))
  const scopes = new Set((parameters.get('scope') ?? '').split(' ').filter((scope) => scope !== ''))
  if (scopes.size === 0) return returned(refuse.missing('scope'))
  const nonce = parameters.get('nonce') ?? undefined
  if (wantsIdToken && nonce === undefined) return returned(deny.missingNonce())
  const promptText = parameters.get('prompt') ?? undefined
  const prompt = PROMPTS.find((known) => known === promptText)
  if (prompt === undefined && promptText !== undefined) return returned(deny.badParameter('prompt', promptText))
  const challenge = readChallenge(parameters)
  if (challenge === 'bad') return returned(deny.badChallenge())
  if (challenge === undefined && registered.platform === 'spa') return returned(deny.challengeNeeded())
  const maxAge = parameters.get('max_age')
  return {
    kind: 'request',
    request: {
      tenant,
      app,
      redirectUri,
      mode,
      state,
      platform: registered.platform,
      wantsCode: type.split(' ').includes('code'),
      wantsIdToken,
      scopes,
      nonce,
      challenge,
      prompt,
      loginHint: parameters.get('login_hint') ?? undefined,
      domainHint: parameters.get('domain_hint') ?? undefined,
      maxAgeSeconds: maxAge === null ? undefined : Number(maxAge),
    },
  }
}

/** Sends the browser back to the app, in the way that it asked for. */
export function returnTo(
  { redirectUri, mode, state }: ReturnAddress,
  given: Readonly<Record<string, string | undefined>>,
): WireResponse {
  const fields = Object.entries({ ...given, state }).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  )
  if (mode === 'form_post') return redirectPage(redirectUri, fields)
  const text = new URLSearchParams(fields).toString()
  const joint = mode === 'fragment' ? '#' : redirectUri.includes('?') ? '&' : '?'
  const headers = {
    Location: `${redirectUri}${joint}${text}`,
    'Cache-Control': 'no-store, no-cache',
    Pragma: 'no-cache',
  }
  return { status: 302, headers, body: undefined }
}

function readChallenge(parameters: URLSearchParams): AuthorizeRequest['challenge'] | 'bad' {
  const text = parameters.get('code_challenge')
  const method = parameters.get('code_challenge_method') ?? 'plain'
  if (text === null) return undefined
  if (!CHALLENGE.test(text) || (method !== 'S256' && method !== 'plain')) return 'bad'
  return { text, method }
}

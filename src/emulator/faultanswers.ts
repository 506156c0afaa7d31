// Faults that answer in place of the service: statuses, refusals and challenges with Microsoft's bodies.
import type { AnswerFault, FaultTarget } from './faultkinds.ts'
import { tooManyRequests } from './throttle.ts'
import { renderRefusal } from './tokenerrors.ts'

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | undefined
}

interface Context {
  readonly target: FaultTarget
  readonly now: Date
}

const PAGE =
  '<!DOCTYPE html>\r\n<html><head><title>Sign in to the network</title></head><body><h1>Service unavailable</h1><p>Proxy error.</p></body></html>'

/** The answer, or undefined where the fault does not concern this request. */
export function answerFault(fault: AnswerFault, context: Context): Answer | undefined {
  const { target, now } = context
  switch (fault.kind) {
    case 'throttled':
      return {
        status: 429,
        ...tooManyRequests({
          retryAfter: retryAfterHeader(fault, now),
          scope: `Tenant_Application/ReadWrite/${target.tenantId ?? '-'}`,
          now,
          requestId: target.requestId,
        }),
      }
    case 'status':
      if (fault.body === 'html') return htmlPage(fault.status, 'text/html')
      if (fault.body === 'none') return { status: fault.status, headers: { ...fault.headers }, body: undefined }
      return {
        ...errorAnswer(context, {
          status: fault.status,
          code: fault.code ?? defaultCode(fault.status),
          message: fault.message ?? 'The service could not complete the request.',
        }),
        headers: { 'Content-Type': 'application/json', ...fault.headers },
      }
    case 'html':
      return htmlPage(fault.status ?? 200, fault.contentType ?? 'text/html')
    case 'unauthorized':
      return withChallenge(
        errorAnswer(context, {
          status: 401,
          code: 'InvalidAuthenticationToken',
          message: 'Lifetime validation failed, the token is expired.',
        }),
        bearerChallenge(target.origin),
      )
    case 'claims-challenge':
      return claimsChallenge(context, { notBefore: now, multi: fault.multi === true })
    case 'forbidden':
      return errorAnswer(context, {
        status: 403,
        code: 'Authorization_RequestDenied',
        message: 'Insufficient privileges to complete the operation.',
      })
    case 'redirect':
      return { status: fault.status ?? 302, headers: { Location: fault.location }, body: undefined }
    case 'expired-page-token':
    case 'dead-page-token':
      return hasToken(target, 'skiptoken') ? errorAnswer(context, PAGE_TOKEN[fault.kind]) : undefined
    case 'delta-expired':
      if (!hasToken(target, 'deltatoken')) return undefined
      return errorAnswer(context, {
        status: fault.status ?? 400,
        code: fault.code ?? 'syncStateNotFound',
        message:
          'The sync state generation is not found. The delta token is expired and data must be synchronized again.',
      })
    case 'delta-reset': {
      if (!hasToken(target, 'deltatoken') && !hasToken(target, 'skiptoken')) return undefined
      const location = fault.location ?? `${target.origin}/v1.0${target.path}?$deltatoken=`
      const refused = errorAnswer(context, {
        status: 410,
        code: 'resyncRequired',
        message: 'Resync required. Replace any local items with the version from the service.',
      })
      return { ...refused, headers: { ...refused.headers, Location: location } }
    }
    case 'page-size-refused': {
      const top = Number(new URLSearchParams(target.rawQuery).get('$top') ?? 0)
      if (top <= fault.max) return undefined
      return errorAnswer(context, {
        status: 400,
        code: 'Request_UnsupportedQuery',
        message: `Cannot query data for more than ${fault.max} users at a time.`,
      })
    }
    case 'token-error': {
      if (!target.path.endsWith('/oauth2/v2.0/token')) return undefined
      const refusal = {
        code: fault.aadsts,
        status: fault.status,
        error: fault.error,
        text: 'Scripted by the emulator.',
      }
      const ids = { traceId: target.requestId, correlationId: target.requestId }
      const { status, headers, body } = renderRefusal(refusal, { origin: target.origin, now, ...ids })
      return { status, headers, body: typeof body === 'string' ? body : undefined }
    }
  }
}

const PAGE_TOKEN = {
  'expired-page-token': {
    status: 400,
    code: 'Directory_ExpiredPageToken',
    message: 'The specified page token value has expired and can no longer be included in your request.',
  },
  'dead-page-token': {
    status: 400,
    code: 'DirectoryPageTokenNotFoundException',
    message: 'The page token is not found.',
  },
} as const

/** Graph's error body (graph.md 6.3). */
export function errorAnswer(
  context: Context,
  error: { readonly status: number; readonly code: string; readonly message: string },
): Answer {
  return {
    status: error.status,
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({
      error: {
        code: error.code,
        message: error.message,
        innerError: {
          date: context.now.toISOString().slice(0, 19),
          'request-id': context.target.requestId,
          'client-request-id': context.target.requestId,
        },
      },
    }),
  }
}

/** What Graph demands on every 401. */
export function bearerChallenge(origin: string): string {
  return `Bearer realm="", authorization_uri="${origin}/common/oauth2/authorize", client_id="00000003-0000-0000-c000-000000000000"`
}

export function withChallenge(answer: Answer, challenge: string): Answer {
  return { ...answer, headers: { ...answer.headers, 'WWW-Authenticate': challenge } }
}

/** The claims challenge of graph.md 5.10: tokens from before `notBefore` are no longer good. */
export function claimsChallenge(
  context: Context,
  options: { readonly notBefore: Date; readonly multi: boolean },
): Answer {
  const seconds = String(Math.ceil(options.notBefore.getTime() / 1000))
  const claims = Buffer.from(JSON.stringify({ access_token: { nbf: { essential: true, value: seconds } } })).toString(
    'base64',
  )
  const challenge = `${bearerChallenge(context.target.origin)}, error="insufficient_claims", claims="${claims}"`
  const refused = errorAnswer(context, {
    status: 401,
    code: 'InvalidAuthenticationToken',
    message:
      'Continuous access evaluation resulted in challenge with result: InteractionRequired and code: TokenIssuedBeforeRevocationTimestamp',
  })
  return withChallenge(refused, options.multi ? `PoP realm="", nonce="bm9uY2U=", ${challenge}` : challenge)
}

function retryAfterHeader(fault: AnswerFault & { readonly kind: 'throttled' }, now: Date): string | undefined {
  if (fault.retryAfterDate !== undefined)
    return new Date(Math.ceil(now.getTime() / 1000 + fault.retryAfterDate) * 1000).toUTCString()
  if (fault.retryAfter === null) return undefined
  return String(fault.retryAfter ?? 1)
}

function htmlPage(status: number, contentType: string): Answer {
  return { status, headers: { 'Content-Type': contentType }, body: PAGE }
}

function hasToken(target: FaultTarget, name: 'skiptoken' | 'deltatoken'): boolean {
  const found = new URLSearchParams(target.rawQuery).get(`$${name}`)
  return found !== null && found !== '' && found !== 'latest'
}

function defaultCode(status: number): string {
  if (status === 503) return 'serviceNotAvailable'
  if (status === 504) return 'gatewayTimeout'
  if (status === 404) return 'Request_ResourceNotFound'
  return status >= 500 ? 'UnknownError' : 'BadRequest'
}

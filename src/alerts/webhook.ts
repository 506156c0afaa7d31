// Alerts as signed POST requests to an address that the administrator named.
import { createHmac } from 'node:crypto'
import type { LookupFunction } from 'node:net'
import { createSecureContext, getCACertificates } from 'node:tls'
import { Agent, type Dispatcher, EnvHttpProxyAgent, fetch } from 'undici'
import type { Clock } from '../base/clock.ts'
import type { Secret } from '../base/secret.ts'
import { guardedLookup, isLoopback, isRefused } from './addresses.ts'
import { type Alert, type Sink, SinkError } from './alert.ts'
import { presentAlert } from './text.ts'

const TIMEOUT_MS = 8_000

export interface WebhookSettings {
  /** https; plain http on loopback. Secret because services put their key into it. */
  readonly url: Secret
  /** Signs the body; without it nobody can tell that Muster sent it. */
  readonly secret: Secret | undefined
  readonly clock: Clock
  readonly userAgent: string
  readonly proxy?: { readonly httpsProxy: string; readonly noProxy: string | undefined } | undefined
  /** PEM of authorities to trust beside the public ones. */
  readonly ca?: string | undefined
  /** Name look-up; a test seam. */
  readonly lookup?: LookupFunction | undefined
}

/** What is posted: facts for programs, title and text for people. See docs/alerts.md. */
function webhookBody(alert: Alert): string {
  return JSON.stringify({
    version: 1,
    id: String(alert.id),
    raisedAt: alert.raisedAt.toISOString(),
    ...presentAlert(alert.facts),
    ...alert.facts,
  })
}

/** `t=SECONDS,v1=HEX`: HMAC-SHA-256 over `SECONDS.BODY`, so that an old request cannot be passed off as a new one. */
function sign(body: string, { secret, seconds }: { readonly secret: string; readonly seconds: number }): string {
  return `t=${seconds},v1=${createHmac('sha256', secret).update(`${seconds}.${body}`).digest('hex')}`
}

export function createWebhookSink(settings: WebhookSettings): Sink {
  const url = new URL(settings.url.reveal())
  const allowLoopback = isLoopback(url.hostname)
  const dispatcher = createDispatcher(settings, { allowLoopback })
  return {
    name: 'webhook',
    async send(alert, signal) {
      // A name is judged when it is resolved.
      if (/^[\d.]+$|^\[/.test(url.hostname) && isRefused(url.hostname, { allowLoopback }))
        throw new SinkError('its address is one that alerts are not posted to')
      const body = webhookBody(alert)
      const seconds = Math.floor(settings.clock.now().getTime() / 1000)
      const signature =
        settings.secret === undefined
          ? {}
          : { 'muster-signature': sign(body, { secret: settings.secret.reveal(), seconds }) }
      const status = await post(url, {
        dispatcher,
        body,
        headers: { 'content-type': 'application/json', 'user-agent': settings.userAgent, ...signature },
        signal,
      })
      if (status >= 300 && status < 400) throw new SinkError('it answered with a redirect, which is never followed')
      if (status < 200 || status >= 300) throw new SinkError(`it answered ${status}`)
    },
    stop: () => dispatcher.close(),
  }
}

async function post(
  url: URL,
  request: {
    readonly dispatcher: Dispatcher
    readonly body: string
    readonly headers: Readonly<Record<string, string>>
    readonly signal: AbortSignal
  },
): Promise<number> {
  const timeout = AbortSignal.timeout(TIMEOUT_MS)
  try {
    const response = await fetch(url, {
      ...request,
      method: 'POST',
      redirect: 'manual',
      signal: AbortSignal.any([request.signal, timeout]),
    })
    // Not read: whatever is said there is not for us, and may be endless.
    await response.body?.cancel()
    return response.status
  } catch (error) {
    if (request.signal.aborted) throw request.signal.reason
    if (timeout.aborted) throw new SinkError('it did not answer in time', { cause: error })
    throw new SinkError(`it could not be reached${codeOf(error)}`, { cause: error })
  }
}

/** Never the message: it may name the address. */
function codeOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined
  const code: unknown = cause instanceof Error && 'code' in cause ? cause.code : undefined
  return typeof code === 'string' ? ` (${code})` : ''
}

function createDispatcher(settings: WebhookSettings, options: { readonly allowLoopback: boolean }): Dispatcher {
  const trust =
    settings.ca === undefined
      ? {}
      : { secureContext: createSecureContext({ ca: [...getCACertificates('default'), settings.ca] }) }
  const tls = { rejectUnauthorized: true, ...trust }
  const connect = { ...tls, lookup: guardedLookup(options, settings.lookup) }
  if (settings.proxy === undefined || options.allowLoopback) return new Agent({ connect, connections: 1 })
  const { httpsProxy, noProxy } = settings.proxy
  // The proxy resolves the name, and says which addresses it lets through.
  return new EnvHttpProxyAgent({
    connect,
    requestTls: tls,
    proxyTls: tls,
    httpProxy: '',
    httpsProxy,
    noProxy: noProxy ?? '',
  })
}

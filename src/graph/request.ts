// The one place that sends. One request, one answer, whole or not at all; retries are the business of retry.ts.
import type { LookupFunction } from 'node:net'
import type { Dispatcher } from 'undici'
import type { Clock } from '../base/clock.ts'
import { BodyCollector, decodeBody } from './body.ts'
import { explainCause, explainProxyRefusal, type Way } from './causes.ts'
import { createDispatcher, type ProxySettings } from './dispatcher.ts'
import { BadAnswer } from './errors.ts'
import type { Limits } from './limits.ts'
import { proxyFor } from './proxy.ts'

export interface WireRequest {
  readonly method: 'GET' | 'POST'
  /** `https://graph.microsoft.com` */
  readonly origin: string
  /** Path and query, sent verbatim. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  readonly signal: AbortSignal
  /** Asks for a connection that is closed afterwards, so that the next request gets a new one. */
  readonly lastOnConnection?: boolean
}

export interface WireAnswer {
  readonly status: number
  /** First value of a header, by lower-case name. */
  header(name: string): string | undefined
  /** Decoded and complete as far as the transport can tell. */
  readonly body: Buffer
  /** Size as received. */
  readonly receivedBytes: number
}

/** No answer. `lasting` ones (certificate, proxy refusal, private address) do not go away by trying again. */
export class TransportError extends Error {
  readonly kind: 'timeout' | 'unreachable'
  readonly lasting: boolean
  /** What an administrator does about it. */
  readonly remedy: string
  /** What a proxy answered in place of a connection: an HTTP status. */
  readonly proxyStatus: number | undefined

  constructor(
    kind: 'timeout' | 'unreachable',
    message: string,
    options: { lasting?: boolean; cause?: unknown; remedy?: string; proxyStatus?: number } = {},
  ) {
    super(message, { cause: options.cause })
    this.name = 'TransportError'
    this.kind = kind
    this.lasting = options.lasting ?? false
    this.remedy = options.remedy ?? 'Check network, proxy and firewall.'
    this.proxyStatus = options.proxyStatus
  }
}

export interface Sender {
  /**
   * Sends once. Redirects are answers like others and never followed.
   *
   * @throws TransportError without an answer, BadAnswer for a body that is damaged or too large, and the signal's reason
   */
  send(request: WireRequest): Promise<WireAnswer>
  /** Ends connections; requests in flight fail. */
  stop(): Promise<void>
}

export interface SenderOptions {
  readonly clock: Clock
  readonly limits: Limits
  readonly graphUrl: string
  readonly proxy?: ProxySettings | undefined
  readonly caFile?: string | undefined
  readonly lookup?: LookupFunction | undefined
  /** Stands in for the network in tests. Bodies are taken as decoded. */
  readonly fetch?: typeof fetch | undefined
}

/**
 * Over undici's dispatch interface: 400 pages of 502 kB cost 513 ms of CPU, 607 by its `request`, 776 by node:http and
 * 1,017 by fetch (medians on loopback).
 */
export function createSender(options: SenderOptions): Sender {
  const stopped = new AbortController()
  const dispatcher = options.fetch === undefined ? createDispatcher(options) : undefined
  const { fetch } = options
  const exchange = fetch === undefined ? viaDispatcher : viaFetch

  function viaDispatcher(request: WireRequest, abort: AbortSignal): Promise<WireAnswer> {
    return new Promise((resolve, reject) => {
      const body = new BodyCollector(options.limits)
      let status = 0
      let headers: Record<string, string | string[] | undefined> = {}
      let controller: Dispatcher.DispatchController | undefined
      const header = (name: string) => first(headers[name])
      /** A refusal is one by its head: its Retry-After counts even if the rest of it is lost. */
      const withoutBody = () => ({ status, header, body: NO_BODY, receivedBytes: body.bytes })
      const fail = (error: Error) => {
        abort.removeEventListener('abort', onAbort)
        reject(error)
      }
      const onAbort = () => {
        fail(abort.reason)
        controller?.abort(abort.reason)
      }
      abort.addEventListener('abort', onAbort, { once: true })
      dispatcher?.dispatch(
        {
          origin: request.origin,
          path: request.path,
          method: request.method,
          headers: { ...request.headers, 'accept-encoding': 'gzip' },
          body: request.body ?? null,
          reset: request.lastOnConnection ?? false,
        },
        {
          onRequestStart(started) {
            controller = started
            if (abort.aborted) started.abort(abort.reason)
          },
          onResponseStart(_, code, received) {
            status = code
            headers = received
          },
          onResponseData(running, chunk) {
            try {
              body.push(chunk)
            } catch (error) {
              running.abort(error instanceof Error ? error : new Error(String(error)))
            }
          },
          onResponseEnd() {
            abort.removeEventListener('abort', onAbort)
            try {
              const decoded = decodeBody(body.concat(), header('content-encoding'), options.limits)
              resolve({ status, header, body: decoded, receivedBytes: body.bytes })
            } catch (error) {
              if (status >= 400) resolve(withoutBody())
              else reject(error)
            }
          },
          onResponseError(_, error) {
            if (status < 400 || abort.aborted) fail(error)
            else resolve(withoutBody())
          },
        },
      )
    })
  }

  async function viaFetch(request: WireRequest, abort: AbortSignal): Promise<WireAnswer> {
    const response = await fetch?.(`${request.origin}${request.path}`, {
      method: request.method,
      headers: { ...request.headers, 'accept-encoding': 'identity' },
      body: request.body ?? null,
      redirect: 'manual',
      signal: abort,
    })
    if (response === undefined) throw new TransportError('unreachable', 'no fetch')
    const body = new BodyCollector(options.limits)
    const { status } = response
    const header = (name: string) => response.headers.get(name) ?? undefined
    try {
      if (response.body !== null) for await (const chunk of response.body) body.push(Buffer.from(chunk))
    } catch (error) {
      if (status < 400) throw error
      return { status, header, body: NO_BODY, receivedBytes: body.bytes }
    }
    return { status, header, body: body.concat(), receivedBytes: body.bytes }
  }

  return {
    async send(request) {
      request.signal.throwIfAborted()
      const done = new AbortController()
      const over = new AbortController()
      const { requestTimeoutMs } = options.limits
      const onCancel = () => over.abort(request.signal.reason)
      const onStop = () => over.abort(new TransportError('unreachable', 'the client was stopped', { lasting: true }))
      request.signal.addEventListener('abort', onCancel, { once: true })
      stopped.signal.addEventListener('abort', onStop, { once: true })
      if (stopped.signal.aborted) onStop()
      options.clock.sleep(requestTimeoutMs, done.signal).then(
        () => over.abort(new TransportError('timeout', `no complete answer within ${requestTimeoutMs} ms`)),
        () => undefined, // only ever aborted when the request is done
      )
      try {
        over.signal.throwIfAborted()
        return await exchange(request, over.signal)
      } catch (error) {
        over.signal.throwIfAborted()
        throw named(error, wayOf(request.origin, options.proxy))
      } finally {
        done.abort()
        request.signal.removeEventListener('abort', onCancel)
        stopped.signal.removeEventListener('abort', onStop)
      }
    },
    async stop() {
      stopped.abort()
      await dispatcher?.destroy()
    },
  }
}

const NO_BODY = Buffer.alloc(0)

function first(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value
}

function wayOf(origin: string, proxy: ProxySettings | undefined): Way {
  return { host: new URL(origin).host, proxy: proxyFor(proxy, origin) }
}

/** Says what happened in words; keeps the original as cause. */
function named(error: unknown, way: Way): Error {
  if (error instanceof BadAnswer || error instanceof TransportError) return error
  const root = rootCause(error)
  const answered = /Proxy response \((\d+)\)/.exec(root.message)?.[1]
  const code = 'code' in root && typeof root.code === 'string' ? root.code : root.name
  const { what, remedy, isLasting } =
    answered === undefined ? explainCause(code, way) : explainProxyRefusal(answered, way)
  const proxyStatus = answered === undefined ? {} : { proxyStatus: Number(answered) }
  return new TransportError('unreachable', what, { lasting: isLasting, remedy, cause: error, ...proxyStatus })
}

function rootCause(error: unknown): Error {
  let current = error
  for (let depth = 0; depth < 5 && current instanceof Error && current.cause instanceof Error; depth++) {
    current = current.cause
  }
  return current instanceof Error ? current : new Error(String(current))
}

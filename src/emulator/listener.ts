// The emulator over HTTP or HTTPS on this machine.
import { Buffer } from 'node:buffer'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { type Clock, systemClock } from '../base/clock.ts'
import { createServerCertificate } from './certificate.ts'
import { createEncoder, deliver, type Encoder } from './delivery.ts'
import type { WireRequest, WireResponse } from './wire.ts'

export interface ListenOptions {
  /** 0 or absent: any free one. */
  readonly port?: number
  readonly host?: string
  /** True: a certificate of a private authority for localhost and 127.0.0.1; or one of the caller's own, PEM. */
  readonly tls?: boolean | { readonly certificatePem: string; readonly privateKeyPem: string }
}

/** The address cannot be listened on: taken, not of this machine, or not allowed. */
class ListenError extends Error {
  readonly code = 'cannot-listen'

  constructor(address: string, cause: unknown) {
    const code: unknown = cause instanceof Error ? Reflect.get(cause, 'code') : undefined
    const why =
      code === 'EADDRINUSE'
        ? 'another program listens there already; name another port, or 0 for any free one'
        : `the system says ${String(code)}`
    super(`Cannot listen on ${address}: ${why}`, { cause })
    this.name = 'ListenError'
  }
}

export interface Listener {
  /** `http://127.0.0.1:PORT` */
  readonly origin: string
  readonly port: number
  /** PEM to trust; undefined without TLS or with the caller's own certificate. */
  readonly authorityPem: string | undefined
  stop(): Promise<void>
}

const MAX_BODY_BYTES = 4 * 1024 * 1024

export async function startListener(
  options: ListenOptions,
  services: { readonly clock: Clock; usesGzip(): boolean; handle(request: WireRequest): Promise<WireResponse> },
): Promise<Listener> {
  const host = options.host ?? '127.0.0.1'
  const tls = options.tls ?? false
  const encode = createEncoder()
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    respond(request, { response, services, encode, scheme: tls === false ? 'http' : 'https' }).catch(
      (error: unknown) => {
        // A bug of the emulator: told on the wire and on the console, because a test would else see only a time-out.
        console.error('emulator:', error)
        response.destroy()
      },
    )
  }
  const own =
    tls === true ? createServerCertificate({ now: systemClock.now(), hosts: ['localhost', '127.0.0.1'] }) : undefined
  const pem = typeof tls === 'object' ? tls : own?.server
  const settings = { keepAlive: true, keepAliveTimeout: 120_000, requestTimeout: 0 }
  const server =
    pem === undefined
      ? createServer(settings, answer)
      : createTlsServer({ ...settings, cert: pem.certificatePem, key: pem.privateKeyPem }, answer)
  server.listen(options.port ?? 0, host)
  try {
    await once(server, 'listening')
  } catch (error) {
    throw new ListenError(`${host}:${options.port ?? 0}`, error)
  }
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('not listening on a port')
  return {
    origin: `${tls === false ? 'http' : 'https'}://${host}:${address.port}`,
    port: address.port,
    authorityPem: own?.authorityPem,
    async stop() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

async function respond(
  request: IncomingMessage,
  context: {
    readonly response: ServerResponse
    readonly services: Parameters<typeof startListener>[1]
    readonly scheme: 'http' | 'https'
    readonly encode: Encoder
  },
): Promise<void> {
  const { response, services, scheme, encode } = context
  const atMs = services.clock.monotonicMs()
  const url = request.url ?? '/'
  const at = url.indexOf('?')
  const body = request.method === 'GET' || request.method === 'HEAD' ? new Uint8Array(0) : await readBody(request)
  const answer = await services.handle({
    method: request.method ?? 'GET',
    origin: `${scheme}://${request.headers.host ?? ''}`,
    path: at < 0 ? url : url.slice(0, at),
    rawQuery: at < 0 ? '' : url.slice(at + 1),
    headers: toHeaders(request.rawHeaders),
    body,
    atMs,
  })
  if (answer.delayMs !== undefined && answer.delayMs > 0) await services.clock.sleep(answer.delayMs)
  if (response.destroyed) return
  const acceptsGzip = services.usesGzip() && /\bgzip\b/.test(request.headers['accept-encoding'] ?? '')
  await deliver(response, answer, { clock: services.clock, acceptsGzip, encode })
}

async function readBody(request: IncomingMessage): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  let bytes = 0
  for await (const part of request as AsyncIterable<Uint8Array>) {
    bytes += part.length
    if (bytes > MAX_BODY_BYTES) throw new Error('request body too large')
    parts.push(part)
  }
  return Buffer.concat(parts)
}

function toHeaders(raw: readonly string[]): Headers {
  const headers = new Headers()
  for (let i = 0; i + 1 < raw.length; i += 2) headers.append(raw[i] ?? '', raw[i + 1] ?? '')
  return headers
}

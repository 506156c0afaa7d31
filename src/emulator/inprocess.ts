// The emulator as a `fetch`: the same services without a port. Damage on the way becomes the error that Node's fetch
// would give for it.
import { Buffer } from 'node:buffer'
import { constants, gunzipSync, gzipSync } from 'node:zlib'
import type { Clock } from '../base/clock.ts'
import type { WireRequest, WireResponse } from './wire.ts'

export interface InProcessOptions {
  readonly clock: Clock
  /** Whether a request to this origin is for the emulator. */
  isOwnOrigin(origin: string): boolean
  handle(request: WireRequest): Promise<WireResponse>
  /** Told of requests to other hosts, which then fail as if the name did not resolve. */
  onStray(request: Request): void
}

const MAX_REDIRECTS = 20

/** @returns a function of fetch's shape; rejects with a TypeError whose cause has the socket's `code` */
export function createInProcessFetch(options: InProcessOptions): typeof fetch {
  const send = async (request: Request, redirects: number): Promise<Response> => {
    const url = new URL(request.url)
    if (!options.isOwnOrigin(url.origin)) {
      options.onStray(request)
      throw failed('getaddrinfo ENOTFOUND', 'ENOTFOUND')
    }
    request.signal.throwIfAborted()
    const answer = await options.handle({
      method: request.method,
      origin: url.origin,
      path: url.pathname,
      rawQuery: url.search.slice(1),
      headers: request.headers,
      body: new Uint8Array(await request.arrayBuffer()),
      atMs: options.clock.monotonicMs(),
    })
    if (answer.delayMs !== undefined && answer.delayMs > 0) await options.clock.sleep(answer.delayMs, request.signal)
    request.signal.throwIfAborted()
    const location = answer.status >= 300 && answer.status < 400 ? answer.headers['Location'] : undefined
    if (location === undefined || request.redirect === 'manual') return toResponse(answer, options.clock)
    if (request.redirect === 'error' || redirects >= MAX_REDIRECTS) throw failed('unexpected redirect', undefined)
    const next = new URL(location, url)
    const headers = new Headers(request.headers)
    if (next.origin !== url.origin) headers.delete('authorization')
    return await send(new Request(next, { headers, signal: request.signal }), redirects + 1)
  }
  return (input, init) => send(new Request(input, init), 0)
}

function toResponse(answer: WireResponse, clock: Clock): Response {
  const { delivery } = answer
  const init = { status: answer.status, headers: { ...answer.headers } }
  const body = typeof answer.body === 'string' ? Buffer.from(answer.body) : Buffer.from(answer.body ?? [])
  if (delivery === undefined) {
    const hasNone = answer.body === undefined || [204, 205, 304].includes(answer.status)
    return new Response(hasNone ? null : body, init)
  }
  switch (delivery.kind) {
    case 'reset-before-headers':
      throw failed('read ECONNRESET', 'ECONNRESET')
    case 'reset-in-body':
      return new Response(brokenOff(body.subarray(0, delivery.keepBytes)), init)
    case 'cut': {
      if (delivery.framing === 'gzip') return new Response(unpackCut(body, delivery.keepBytes), init)
      const end = delivery.keepBytes < 0 ? Math.max(0, body.length + delivery.keepBytes) : delivery.keepBytes
      const kept = body.subarray(0, end)
      return new Response(delivery.framing === 'close' ? kept : brokenOff(kept), init)
    }
    case 'drip':
      return new Response(stream(dripping(body, { ...delivery, clock })), init)
    case 'endless':
      return new Response(stream(repeated('{"value":[', delivery.filler, Number.POSITIVE_INFINITY)), init)
    case 'bomb':
      return new Response(stream(repeated('{"value":[', ' '.repeat(1_048_576), delivery.decodedBytes)), init)
  }
}

function failed(message: string, code: string | undefined): TypeError {
  const cause = Object.assign(new Error(message), code === undefined ? {} : { code })
  return new TypeError('fetch failed', { cause })
}

function brokenOff(kept: Uint8Array): ReadableStream<Uint8Array> {
  let isSent = false
  return new ReadableStream({
    pull(controller) {
      if (!isSent && kept.length > 0) controller.enqueue(kept)
      else controller.error(terminated())
      isSent = true
    },
  })
}

function terminated(): TypeError {
  return new TypeError('terminated', {
    cause: Object.assign(new Error('other side closed'), { code: 'UND_ERR_SOCKET' }),
  })
}

/** Node's fetch accepts a gzip body without its trailer, so this does too. */
function unpackCut(body: Uint8Array, keepBytes: number): Buffer {
  const packed = gzipSync(body)
  const kept = packed.subarray(0, keepBytes < 0 ? Math.max(0, packed.length + keepBytes) : keepBytes)
  if (kept.length < 10) return Buffer.alloc(0)
  return gunzipSync(kept, { finishFlush: constants.Z_SYNC_FLUSH })
}

async function* dripping(
  body: Uint8Array,
  options: { readonly bytes: number; readonly everyMs: number; readonly clock: Clock },
): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < body.length; at += options.bytes) {
    yield body.subarray(at, at + options.bytes)
    await options.clock.sleep(options.everyMs)
  }
}

async function* repeated(first: string, filler: string, bytes: number): AsyncGenerator<Uint8Array> {
  yield Buffer.from(first)
  const part = Buffer.from(filler)
  for (let done = 0; done < bytes; done += part.length) yield part
  yield Buffer.from(']}')
}

function stream(parts: AsyncGenerator<Uint8Array>): ReadableStream<Uint8Array> {
  return new ReadableStream({
    async pull(controller) {
      const next = await parts.next()
      if (next.done === true) controller.close()
      else controller.enqueue(next.value)
    },
    async cancel() {
      await parts.return(undefined)
    },
  })
}

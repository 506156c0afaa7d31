// How an answer reaches an HTTP caller: whole, or damaged in the ways that networks and proxies damage it.
import { Buffer } from 'node:buffer'
import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { gzipSync } from 'node:zlib'
import type { Clock } from '../base/clock.ts'
import type { Delivery, WireResponse } from './wire.ts'

/** Unpacked size of one member of a gzip bomb; members are repeated, so that only one has to be packed. */
const BOMB_MEMBER = 16 * 1024 * 1024

/** Text as bytes in a buffer that is used again once `release` was called. */
interface Encoded {
  readonly bytes: Buffer
  readonly release: () => void
}

export type Encoder = (text: string) => Encoded

/**
 * Turns text into bytes by way of large buffers that are kept. Measured on the 800 kB of a page of users: `Buffer.from`
 * takes three times as long, and a new buffer for each page makes the collector walk the whole tenant again and again.
 */
export function createEncoder(): Encoder {
  const idle: Buffer[] = []
  return (text) => {
    if (text.length < 4096) return { bytes: Buffer.from(text), release: () => undefined }
    const kept = idle.pop()
    // Three bytes for each UTF-16 unit is the most that UTF-8 takes.
    const buffer = kept !== undefined && kept.length >= text.length * 3 ? kept : Buffer.allocUnsafeSlow(text.length * 4)
    const bytes = buffer.subarray(0, buffer.write(text, 'utf8'))
    return { bytes, release: () => idle.push(buffer) }
  }
}

/** Sends the answer and resolves when it is out or the caller has gone. */
export async function deliver(
  response: ServerResponse,
  answer: WireResponse,
  options: { readonly clock: Clock; readonly acceptsGzip: boolean; readonly encode: Encoder },
): Promise<void> {
  if (answer.delivery !== undefined) {
    await deliverDamaged(response, { answer, delivery: answer.delivery, clock: options.clock })
    return
  }
  const { bytes, release } =
    typeof answer.body === 'string'
      ? options.encode(answer.body)
      : { bytes: Buffer.from(answer.body ?? []), release: () => undefined }
  const isPacked = options.acceptsGzip && bytes.length > 1024
  const body = isPacked ? gzipSync(bytes, { level: 1 }) : bytes
  response.writeHead(answer.status, {
    ...answer.headers,
    ...(isPacked ? { 'Content-Encoding': 'gzip' } : {}),
    'Content-Length': String(body.length),
  })
  // Called when the system has taken the bytes; a caller that hangs up costs one buffer.
  response.end(body, release)
}

interface Damage<D extends Delivery = Delivery> {
  readonly answer: WireResponse
  readonly delivery: D
  readonly clock: Clock
}

// Past here the bytes are written by hand, because node:http rightly refuses to send what is wrong.
async function deliverDamaged(response: ServerResponse, damage: Damage): Promise<void> {
  const { answer, delivery, clock } = damage
  const { socket } = response
  if (socket === null) return
  // The caller may hang up while damage is being sent; that is its way out and no error of ours.
  socket.on('error', () => socket.destroy())
  const body = Buffer.from(answer.body ?? '')
  switch (delivery.kind) {
    case 'reset-before-headers':
      reset(socket)
      return
    case 'reset-in-body':
      socket.write(head(answer, { 'Content-Length': String(body.length) }))
      socket.write(body.subarray(0, delivery.keepBytes), () => reset(socket))
      return
    case 'cut':
      cut(socket, { answer, delivery, clock })
      return
    case 'drip':
      socket.write(head(answer, { 'Content-Length': String(body.length) }))
      for (let at = 0; at < body.length && !socket.destroyed; at += delivery.bytes) {
        socket.write(body.subarray(at, at + delivery.bytes))
        await clock.sleep(delivery.everyMs)
      }
      socket.end()
      return
    case 'endless':
      socket.write(head(answer, { 'Transfer-Encoding': 'chunked' }))
      await writeAll(socket, endlessly(chunk(Buffer.from('{"value":[')), chunk(Buffer.from(delivery.filler))))
      return
    case 'bomb':
      socket.write(head(answer, { 'Content-Encoding': 'gzip', Connection: 'close' }))
      await writeAll(socket, bombMembers(delivery.decodedBytes))
      socket.end()
      return
  }
}

function cut(socket: Socket, damage: Damage<Delivery & { kind: 'cut' }>): void {
  const { answer, delivery } = damage
  const plain = Buffer.from(answer.body ?? '')
  const body = delivery.framing === 'gzip' ? gzipSync(plain) : plain
  const kept = body.subarray(
    0,
    delivery.keepBytes < 0 ? Math.max(0, body.length + delivery.keepBytes) : delivery.keepBytes,
  )
  const framing: Record<typeof delivery.framing, Record<string, string>> = {
    'content-length': { 'Content-Length': String(body.length) },
    chunked: { 'Transfer-Encoding': 'chunked' },
    close: { Connection: 'close' },
    gzip: { 'Content-Encoding': 'gzip', 'Content-Length': String(kept.length) },
  }
  socket.write(head(answer, framing[delivery.framing]))
  if (kept.length > 0) socket.write(delivery.framing === 'chunked' ? chunk(kept) : kept)
  socket.end()
}

function head(answer: WireResponse, framing: Readonly<Record<string, string>>): string {
  const lines = Object.entries({ ...answer.headers, ...framing }).map(([name, value]) => `${name}: ${value}\r\n`)
  return `HTTP/1.1 ${answer.status} Emulated\r\n${lines.join('')}\r\n`
}

function chunk(bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')])
}

function* endlessly(first: Buffer, filler: Buffer): Generator<Buffer> {
  yield first
  for (;;) yield filler
}

function* bombMembers(decodedBytes: number): Generator<Buffer> {
  yield gzipSync('{"value":[')
  const member = gzipSync(Buffer.alloc(BOMB_MEMBER, ' '), { level: 9 })
  for (let done = 0; done < decodedBytes; done += BOMB_MEMBER) yield member
  yield gzipSync(']}')
}

/** Writes until everything is out or the caller has hung up, which is how endless bodies are meant to end. */
async function writeAll(socket: Socket, parts: Iterable<Buffer>): Promise<void> {
  for (const part of parts) {
    if (socket.destroyed) return
    if (!socket.write(part)) await drainedOrClosed(socket)
  }
}

function drainedOrClosed(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      for (const event of ['drain', 'close', 'error']) socket.off(event, done)
      resolve()
    }
    for (const event of ['drain', 'close', 'error']) socket.on(event, done)
  })
}

function reset(socket: Socket): void {
  // A TLS socket has no handle to reset; closing it without its goodbye is as near as it gets.
  if ('encrypted' in socket) socket.destroy()
  else socket.resetAndDestroy()
}

// From received bytes to a body that is known to be whole: sizes capped, gzip verified to its last byte, text strictly UTF-8.
import { isUtf8 } from 'node:buffer'
import { gunzipSync } from 'node:zlib'
import { BadAnswer } from './errors.ts'
import type { Limits } from './limits.ts'

/** Collects a body while it arrives and refuses to hold more than the cap. */
export class BodyCollector {
  readonly #chunks: Buffer[] = []
  readonly #maxBytes: number
  #bytes = 0

  constructor(limits: Limits) {
    this.#maxBytes = limits.maxBodyBytes
  }

  get bytes(): number {
    return this.#bytes
  }

  /** @throws BadAnswer beyond the cap */
  push(chunk: Buffer): void {
    this.#bytes += chunk.length
    if (this.#bytes > this.#maxBytes) throw new BadAnswer(`the body is larger than ${this.#maxBytes} bytes`)
    this.#chunks.push(chunk)
  }

  concat(): Buffer {
    const [first] = this.#chunks
    return this.#chunks.length === 1 && first !== undefined ? first : Buffer.concat(this.#chunks, this.#bytes)
  }
}

/**
 * Undoes the content encoding. zlib checks the gzip trailer (CRC and length), which `fetch` does not: a body that lacks
 * its last bytes is an error here.
 *
 * @throws BadAnswer for a broken or unknown encoding, a bomb, or a body above the cap
 */
export function decodeBody(body: Buffer, encoding: string | undefined, limits: Limits): Buffer {
  const name = (encoding ?? '').trim().toLowerCase()
  if (name === '' || name === 'identity') return body
  if (name !== 'gzip' && name !== 'x-gzip') throw new BadAnswer('the body has an encoding that was not asked for')
  const byRatio = Math.max(limits.ratioFreeBytes, body.length * limits.maxCompressionRatio)
  try {
    return gunzipSync(body, { maxOutputLength: Math.min(limits.maxBodyBytes, byRatio) })
  } catch (error) {
    throw new BadAnswer('the gzip body is damaged, cut off or too large', { cause: error })
  }
}

/** @throws BadAnswer when the bytes are not UTF-8; replacing them silently would corrupt names */
export function utf8(body: Buffer): string {
  if (!isUtf8(body)) throw new BadAnswer('the body is not UTF-8')
  return body.toString('utf8')
}

/** @throws BadAnswer when the bytes are not one complete JSON text (a byte order mark is not JSON) */
export function parseJson(body: Buffer): unknown {
  const text = utf8(body)
  try {
    return JSON.parse(text)
  } catch {
    // the parser's message quotes the text, which may hold names
    throw new BadAnswer('the body is not complete JSON')
  }
}

/** A plain record of unknown values, or undefined. Inherited names are the caller's business: read own keys only. */
export function asRecord(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return isRecord(value) ? value : undefined
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

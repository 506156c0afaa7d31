// Opaque page and delta tokens: sealed, so that a client cannot look inside, URL-safe, and 300 characters or more, so
// that nobody stores them in too narrow a column (graph.md 19).
import { createCipheriv, createDecipheriv, createHash } from 'node:crypto'

const IV_BYTES = 12
const TAG_BYTES = 16
/** Payloads are padded to this many bytes: 320 characters of base64url with IV and tag. */
const MIN_PAYLOAD = 212

/** Turns plain data into tokens and back. One per tenant. */
export class TokenSeal {
  readonly #key: Buffer
  #count = 0

  constructor(tenantId: string) {
    this.#key = createHash('sha256').update(`page tokens of ${tenantId}`).digest()
  }

  /** The token of some JSON data; never the same twice. */
  seal(data: object): string {
    this.#count += 1
    const iv = Buffer.alloc(IV_BYTES)
    iv.writeUIntBE(this.#count, IV_BYTES - 6, 6)
    const cipher = createCipheriv('aes-256-gcm', this.#key, iv)
    const text = Buffer.from(JSON.stringify(data).padEnd(MIN_PAYLOAD))
    return Buffer.concat([iv, cipher.update(text), cipher.final(), cipher.getAuthTag()]).toString('base64url')
  }

  /** The data of a token; `undefined` for anything that {@link seal} did not make. */
  open(token: string): unknown {
    const bytes = Buffer.from(token, 'base64url')
    if (bytes.length < IV_BYTES + TAG_BYTES) return undefined
    const decipher = createDecipheriv('aes-256-gcm', this.#key, bytes.subarray(0, IV_BYTES))
    decipher.setAuthTag(bytes.subarray(-TAG_BYTES))
    try {
      const text = Buffer.concat([decipher.update(bytes.subarray(IV_BYTES, -TAG_BYTES)), decipher.final()])
      return JSON.parse(text.toString())
    } catch (error) {
      if (isWrongTag(error)) return undefined
      throw error
    }
  }
}

// node:crypto has no code for a tag that does not match
function isWrongTag(error: unknown): boolean {
  return error instanceof Error && error.message.includes('unable to authenticate data')
}

/** Remembers page requests, for the switch that punishes repeating them (graph.md 8.3). */
export class PageMemory {
  readonly #asked = new Map<string, number>()

  /** Notes that a page was asked for and not delivered, e.g. because a 503 was answered instead. */
  noteFailed(url: string): void {
    this.#asked.set(url, 1)
  }

  /** Notes a page being delivered; `true` when this is the second time, `false` for the first and the third. */
  isRepeat(url: string): boolean {
    const times = this.#asked.get(url) ?? 0
    this.#asked.set(url, times + 1)
    return times === 1
  }
}

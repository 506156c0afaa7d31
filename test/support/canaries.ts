// Secrets that a test has planted, and where else than in their place they are found: as they are, in parts, and as they look when
// they were packed into something else.
import { createHash } from 'node:crypto'

export interface CanaryOptions {
  /** So many characters at its beginning are shown on purpose, to recognize it by. */
  readonly shown?: number
  /** There are so few values of its kind that a plain digest gives it away: PINs, cards, passwords. */
  readonly isGuessable?: boolean
}

interface Needle {
  readonly kind: string
  readonly form: string
  readonly text: string
}

/** Shorter ones would be met by chance. */
const SHORTEST = 8
/** A part of this length gives away enough, and is met by chance never. */
const PART = 14
const MOST_PARTS = 8

export class Canaries {
  readonly #needles = new Map<string, Needle>()
  readonly #kinds = new Map<string, number>()
  readonly #leaks = new Set<string>()

  /** Each value once; empty ones are a mistake of the test. */
  add(kind: string, value: string, options: CanaryOptions = {}): void {
    if (value.length < SHORTEST) throw new Error(`${kind} is too short to be searched for`)
    this.#kinds.set(kind, (this.#kinds.get(kind) ?? 0) + 1)
    for (const [form, text] of formsOf(value, options)) {
      if (text.length >= SHORTEST && !this.#needles.has(text)) this.#needles.set(text, { kind, form, text })
    }
  }

  /** A JSON Web Token: header and payload are no secret, what makes it one is its signature. */
  addToken(kind: string, token: string): void {
    this.add(kind, token.split('.').at(-1) ?? '')
  }

  /** Line by line, because whoever prints it may break it anew. */
  addPem(kind: string, pem: string): void {
    const key = /-----BEGIN [A-Z ]*PRIVATE KEY-----([^-]+)-----END/.exec(pem)?.[1] ?? ''
    for (const line of key.trim().split('\n').slice(1, -1)) this.add(kind, line)
  }

  /** How many values of each kind were planted. */
  get kinds(): ReadonlyMap<string, number> {
    return this.#kinds
  }

  /** Searches one place; what is found is remembered. Bytes are searched as Latin-1. */
  search(place: string, content: string | Buffer): void {
    const text = typeof content === 'string' ? content : content.toString('latin1')
    for (const { kind, form, text: needle } of this.#needles.values())
      if (text.includes(needle)) this.#leaks.add(`${kind}, ${form}, in ${place}`)
  }

  /** Only as they are: for large files. */
  searchPlain(place: string, content: Buffer): void {
    for (const { kind, form, text } of this.#needles.values())
      if (form === 'plain' && content.includes(text, 0, 'latin1')) this.#leaks.add(`${kind}, plain, in ${place}`)
  }

  /** `kind, form, in place`, each once. */
  get leaks(): readonly string[] {
    return [...this.#leaks].sort()
  }
}

/** As a value looks in other clothes. Latin-1 throughout. */
function* formsOf(
  value: string,
  { shown = 0, isGuessable = false }: CanaryOptions,
): Generator<readonly [string, string]> {
  const bytes = Buffer.from(value)
  const hidden = value.slice(shown)
  yield ['plain', bytes.toString('latin1')]
  for (let at = 0, count = 0; at + PART <= hidden.length && count < MOST_PARTS; at += PART, count += 1)
    yield ['in parts', hidden.slice(at, at + PART)]
  if (hidden.length >= PART) yield ['in parts', hidden.slice(-PART)]
  yield ['in hex', bytes.toString('hex')]
  yield ['in hex', bytes.toString('hex').toUpperCase()]
  yield ['reversed', Array.from(value).reverse().join('')]
  yield ['URL-encoded', encodeURIComponent(value)]
  yield ['in a form', new URLSearchParams({ value }).toString().slice('value='.length)]
  yield ['in JSON', JSON.stringify(value).slice(1, -1)]
  yield ['in JSON in JSON', JSON.stringify(JSON.stringify(value)).slice(3, -3)]
  yield ['in HTML', value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')]
  yield ['in UTF-16', Buffer.from(value, 'utf16le').toString('latin1')]
  // Whatever stands before it, it begins at one of three places of a group of four.
  for (const offset of [0, 1, 2]) {
    const text = Buffer.concat([Buffer.alloc(offset), bytes]).toString('base64')
    const inner = text.slice([0, 2, 3][offset]).replace(/.?=+$/, '').slice(0, -1)
    yield ['in base64', inner]
    yield ['in base64url', inner.replaceAll('+', '-').replaceAll('/', '_')]
  }
  if (!isGuessable) return
  for (const algorithm of ['md5', 'sha1', 'sha256', 'sha512']) {
    const digest = createHash(algorithm).update(value).digest()
    yield [`as ${algorithm}`, digest.toString('hex')]
    yield [`as ${algorithm}`, digest.toString('base64').replace(/=+$/, '')]
    yield [`as ${algorithm}`, digest.toString('latin1')]
  }
}

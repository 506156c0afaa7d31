// Passwords as Argon2id, computed beside the event loop and only so many at once: each takes memory and a processor.
import { argon2, randomBytes, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { HasherBusyError } from './errors.ts'

/** About 40 ms and 32 MiB, above OWASP's least (19 MiB, 2 passes, seen 2026-11). Less makes guessing cheaper for who has the database, more makes signing in a way to use up memory. */
const COST = { memory: 32 * 1024, passes: 2, parallelism: 1 } as const
const HASH_BYTES = 32
const SALT_BYTES = 16
/** Computed at once by this process. */
const AT_ONCE = 2
/** Waiting; more are refused, so that a flood does not fill the memory with requests. */
const MOST_WAITING = 20

const derive = promisify(argon2)
let running = 0
const waiting: (() => void)[] = []

/** @throws HasherBusyError */
async function compute(
  password: string,
  options: Cost & { readonly salt: Buffer; readonly length: number },
): Promise<Buffer> {
  if (running >= AT_ONCE) {
    if (waiting.length >= MOST_WAITING) throw new HasherBusyError()
    await new Promise<void>((resolve) => waiting.push(resolve))
  } else running += 1
  try {
    return await derive('argon2id', {
      message: Buffer.from(password.normalize('NFKC'), 'utf8'),
      nonce: options.salt,
      memory: options.memory,
      passes: options.passes,
      parallelism: options.parallelism,
      tagLength: options.length,
    })
  } finally {
    const next = waiting.shift()
    // The place is handed on, so that nobody takes it in between.
    if (next === undefined) running -= 1
    else next()
  }
}

interface Cost {
  readonly memory: number
  readonly passes: number
  readonly parallelism: number
}

/** @returns the hash with salt and cost, in the form of the reference implementation */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES)
  const hash = await compute(password, { ...COST, salt, length: HASH_BYTES })
  const text = (bytes: Buffer) => bytes.toString('base64').replace(/=+$/, '')
  return `$argon2id$v=19$m=${COST.memory},t=${COST.passes},p=${COST.parallelism}$${text(salt)}$${text(hash)}`
}

/**
 * Whether this is the password that was hashed. Takes as long without a hash, so that the time does not tell which names exist.
 *
 * @throws HasherBusyError
 */
export async function verifyPassword(password: string, stored: string | undefined): Promise<boolean> {
  const parsed = stored === undefined ? undefined : parse(stored)
  const { salt, hash, ...cost } = parsed ?? { ...COST, salt: Buffer.alloc(SALT_BYTES), hash: Buffer.alloc(HASH_BYTES) }
  const computed = await compute(password, { ...cost, salt, length: hash.length })
  return timingSafeEqual(computed, hash) && parsed !== undefined
}

function parse(stored: string): (Cost & { readonly salt: Buffer; readonly hash: Buffer }) | undefined {
  const [, m, t, p, salt, hash] = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([\w+/]+)\$([\w+/]+)$/.exec(stored) ?? []
  if (salt === undefined || hash === undefined) return undefined
  const bytes = (text: string) => Buffer.from(text, 'base64')
  return { memory: Number(m), passes: Number(t), parallelism: Number(p), salt: bytes(salt), hash: bytes(hash) }
}

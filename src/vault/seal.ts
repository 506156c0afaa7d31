// Sealing: AES-256-GCM under a versioned key, bound to the place where the value is stored.
import { createCipheriv, createDecipheriv, type KeyObject, randomFillSync } from 'node:crypto'
import { RunError } from '../base/errors.ts'

/** Sealing keys by version; every version opens. */
export type SealingKeys = ReadonlyMap<number, KeyObject>

// Layout: format (1 byte) · key version (4 bytes, big endian) · nonce (12) · ciphertext · tag (16).
const FORMAT = 1
const HEADER_BYTES = 5
const NONCE_BYTES = 12
const TAG_BYTES = 16
const PREFIX_BYTES = HEADER_BYTES + NONCE_BYTES
const CIPHER = 'aes-256-gcm'
/** Asking the system for 12 bytes at a time is a third of the cost of sealing a card. */
const NONCES_AT_ONCE = 512

/** A source of random nonces, each given out once and valid until the next 511 were taken. */
export function randomNonces(): () => Buffer {
  const block = Buffer.alloc(NONCE_BYTES * NONCES_AT_ONCE)
  let at = block.length
  return () => {
    if (at === block.length) {
      randomFillSync(block)
      at = 0
    }
    at += NONCE_BYTES
    return block.subarray(at - NONCE_BYTES, at)
  }
}

/**
 * Seals text for one place. The nonce is random: a key may seal about 2^32 values before two of them could meet.
 *
 * @param options.version of the key to seal with
 * @param options.context names the place, e.g. `card:17`; the value opens there and nowhere else, so that nobody can move it
 */
export function seal(
  keys: SealingKeys,
  options: { version: number; plain: string; context: string; takeNonce: () => Buffer },
): Buffer {
  const { version, plain, context, takeNonce } = options
  const nonce = takeNonce()
  const cipher = createCipheriv(CIPHER, requireKey(keys, version), nonce, { authTagLength: TAG_BYTES })
  cipher.setAAD(associated(version, context))
  const body = cipher.update(plain, 'utf8')
  cipher.final()
  const sealed = Buffer.allocUnsafe(PREFIX_BYTES + body.length + TAG_BYTES)
  sealed.writeUInt8(FORMAT, 0)
  sealed.writeUInt32BE(version, 1)
  nonce.copy(sealed, HEADER_BYTES)
  body.copy(sealed, PREFIX_BYTES)
  cipher.getAuthTag().copy(sealed, PREFIX_BYTES + body.length)
  return sealed
}

/**
 * Opens what {@link seal} made for the same context, under any version that is still there.
 *
 * @throws RunError `vault-unreadable`
 */
export function open(keys: SealingKeys, { sealed, context }: { sealed: Buffer; context: string }): string {
  const version = versionOf(sealed)
  if (version === undefined) throw unreadable('it is not one of ours')
  const nonce = sealed.subarray(HEADER_BYTES, PREFIX_BYTES)
  const decipher = createDecipheriv(CIPHER, requireKey(keys, version), nonce, { authTagLength: TAG_BYTES })
  decipher.setAAD(associated(version, context))
  decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES))
  try {
    const plain = decipher.update(sealed.subarray(PREFIX_BYTES, sealed.length - TAG_BYTES))
    decipher.final()
    return plain.toString('utf8')
  } catch (error) {
    throw unreadable('it was altered, or sealed for another place', error)
  }
}

/** The version that something was sealed with; undefined where it is not one of ours. SQL knows it as `sealed_version`. */
export function versionOf(sealed: Buffer): number | undefined {
  if (sealed.length < PREFIX_BYTES + TAG_BYTES || sealed.readUInt8(0) !== FORMAT) return undefined
  return sealed.readUInt32BE(1)
}

function requireKey(keys: SealingKeys, version: number): KeyObject {
  const key = keys.get(version)
  if (key === undefined) throw unreadable(`it needs version ${version} of the key, which the key file lacks`)
  return key
}

function associated(version: number, context: string): Buffer {
  return Buffer.from(`${FORMAT}:${version}:${context}`, 'utf8')
}

function unreadable(reason: string, cause?: unknown): RunError {
  return new RunError('vault-unreadable', `Cannot open a sealed value: ${reason}; is MUSTER_KEY_FILE the right one?`, {
    cause,
  })
}

// Tokens and codes that nobody can guess, and the form in which the database keeps them.
import { createHash, randomBytes } from 'node:crypto'

/** 256 random bits as text of 43 characters that need no escaping anywhere. */
export function drawToken(): string {
  return randomBytes(32).toString('base64url')
}

/** A random token needs no salt and no slowness: there is nothing to try through. */
export function digestOf(token: string): Buffer {
  return createHash('sha256').update(token, 'utf8').digest()
}

// Tokens and codes that nobody can guess, and the form in which the database keeps them.
import { hash, randomBytes } from 'node:crypto'

/** 256 random bits as text of 43 characters that need no escaping anywhere. */
export function drawToken(): string {
  return randomBytes(32).toString('base64url')
}

/** 79 random bits in four groups of letters and digits that are told apart in every hand. */
export function drawRecoveryCode(): string {
  const letters = 'abcdefghjkmnpqrstuvwxyz23456789'
  // 16 of 31 letters are 79 bits; a byte above the last whole multiple would favour some letters.
  let code = ''
  while (code.length < 16)
    for (const byte of randomBytes(32)) if (byte < 248 && code.length < 16) code += letters[byte % 31]
  return code.replaceAll(/(.{4})(?=.)/g, '$1-')
}

/** Whether a text is of the form of {@link drawToken}. */
export function isToken(text: string): boolean {
  return /^[\w-]{43}$/.test(text)
}

/** A random token needs no salt and no slowness: there is nothing to try through. */
export function digestOf(token: string): Buffer {
  return hash('sha256', token, 'buffer')
}

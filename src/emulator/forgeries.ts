// Id tokens as no sound provider gives them, scripted as faults: other claims, other headers, other signatures.
import { createHmac, generateKeyPairSync } from 'node:crypto'
import { SignJWT } from 'jose'
import type { SigningKey, SigningKeys } from './signingkeys.ts'

/** An id token before it is signed. */
export interface IdTokenDraft {
  readonly header: Readonly<Record<string, unknown>>
  readonly claims: Readonly<Record<string, unknown>>
  readonly key: SigningKey
}

/** What is wrong with the token; everything else is as it should be. */
export interface IdTokenForgery {
  readonly kind: 'id-token'
  /** Replace or add claims; `null` leaves one out. */
  readonly claims?: Readonly<Record<string, unknown>>
  /** Replace or add members of the header; `null` leaves one out. */
  readonly header?: Readonly<Record<string, unknown>>
  /**
   * `none`: no signature and `alg: none`. `hs256`: a MAC whose secret is the published key. `foreign`: a key that was never
   * published, under the published `kid`. `retired`: the newest key that is published no more. `damaged`: one bit is wrong.
   */
  readonly signature?: 'none' | 'hs256' | 'foreign' | 'retired' | 'damaged'
  /** In place of the token. */
  readonly replace?: string
}

export async function forgeIdToken(draft: IdTokenDraft, forgery: IdTokenForgery, keys: SigningKeys): Promise<string> {
  if (forgery.replace !== undefined) return forgery.replace
  const claims = merged(draft.claims, forgery.claims)
  const alg = { none: 'none', hs256: 'HS256' }[String(forgery.signature)]
  const retired = forgery.signature === 'retired' ? keys.retired[0] : undefined
  const header = merged(
    {
      ...draft.header,
      ...(alg === undefined ? {} : { alg }),
      ...(retired === undefined ? {} : { kid: retired.kid }),
    },
    forgery.header,
  )
  const unsigned = `${encode(header)}.${encode(claims)}`
  if (forgery.signature === 'none') return `${unsigned}.`
  if (forgery.signature === 'hs256') {
    const secret = draft.key.publicKey.export({ type: 'spki', format: 'pem' })
    return `${unsigned}.${createHmac('sha256', secret).update(unsigned).digest('base64url')}`
  }
  const privateKey =
    forgery.signature === 'foreign'
      ? generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
      : (retired ?? draft.key).certificate.privateKey
  // The library orders header and claims as they are given, so that the text is the same as above.
  const signed = await new SignJWT(claims).setProtectedHeader({ ...header, alg: 'RS256' }).sign(privateKey)
  return forgery.signature === 'damaged' ? damaged(signed) : signed
}

function merged(
  genuine: Readonly<Record<string, unknown>>,
  changes: Readonly<Record<string, unknown>> = {},
): Record<string, unknown> {
  return Object.fromEntries(Object.entries({ ...genuine, ...changes }).filter(([, value]) => value !== null))
}

function encode(part: Readonly<Record<string, unknown>>): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url')
}

// The middle of the signature: its last character has bits that mean nothing.
function damaged(token: string): string {
  const at = token.lastIndexOf('.') + 40
  return `${token.slice(0, at)}${token[at] === 'A' ? 'B' : 'A'}${token.slice(at + 1)}`
}

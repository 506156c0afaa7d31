// Makes id tokens by hand: every part can be wrong on its own, and everything else is as a sound provider makes it.
import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import type { IdTokenDraft } from '../../src/emulator/forgeries.ts'
import type { SigningKey } from '../../src/emulator/signingkeys.ts'

export interface Kit {
  /** What the provider would sign. */
  readonly draft: IdTokenDraft
  /** Seconds since 1970. */
  readonly now: number
  readonly clientId: string
  readonly tenantId: string
  /** `{authority}/{tenant id}/v2.0` */
  readonly issuer: string
  /** `http://127.0.0.1:PORT` */
  readonly authority: string
  /** Nobody publishes it. */
  readonly foreign: { readonly privateKey: KeyObject; readonly publicKey: KeyObject }
  /** Was published once. */
  readonly retired: SigningKey
  /** Published for another tenant of the same provider only. */
  readonly otherTenants: SigningKey
}

/** `undefined` leaves a member out. */
type Changes = Readonly<Record<string, unknown>>

export const FOREIGN = generateKeyPairSync('rsa', { modulusLength: 2048 })
export const OTHER_TENANT = '99999999-0000-4000-8000-000000000009'

/** A token under the provider's own good signature, with other claims. */
export function claiming(claims: Changes): (kit: Kit) => string {
  return (kit) => sealed(kit, {}, claims)
}

/** A token under the provider's own good signature, with another header. */
export function heading(header: Changes): (kit: Kit) => string {
  return (kit) => sealed(kit, header, {})
}

/** Signed with RS256 by the provider's key unless another one is given. */
export function sealed(
  { draft }: Kit,
  header: Changes,
  claims: Changes,
  key = draft.key.certificate.privateKey,
): string {
  return seal(part({ ...draft.header, ...header }), part({ ...draft.claims, ...claims }), key)
}

/** Signs two parts as they are, whatever they hold. */
export function seal(header: string, payload: string, key: KeyObject): string {
  const text = `${header}.${payload}`
  return `${text}.${sign('sha256', Buffer.from(text), key).toString('base64url')}`
}

/** The payload is this text, to the byte. */
export function raw(payload: string, kit: Kit): string {
  return seal(part(kit.draft.header), base64url(payload), kit.draft.key.certificate.privateKey)
}

export function hmac(kit: Kit, alg: 'HS256' | 'HS384' | 'HS512', secret: string | Buffer): string {
  const text = `${part({ ...kit.draft.header, alg })}.${part(kit.draft.claims)}`
  return `${text}.${createHmac(`sha${alg.slice(2)}`, secret)
    .update(text)
    .digest('base64url')}`
}

export function part(value: Changes): string {
  return base64url(JSON.stringify(value))
}

export function base64url(text: string): string {
  return Buffer.from(text).toString('base64url')
}

/** The provider's own good token. */
export function sound(kit: Kit): string {
  return sealed(kit, {}, {})
}

/** The parts of the good token. */
export function partsOf(kit: Kit): readonly [header: string, payload: string, signature: string] {
  const [header = '', payload = '', signature = ''] = sound(kit).split('.')
  return [header, payload, signature]
}

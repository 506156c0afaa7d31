// The mark of a browser that signed in before: others' attempts do not make it wait. It lets nobody in.
import { randomBytes, timingSafeEqual } from 'node:crypto'
import type { SignInParts } from './parts.ts'

/** A mark for a cookie, bound to the account. */
export function drawDevice(parts: SignInParts, administratorId: number): string {
  const text = `${administratorId}.${randomBytes(12).toString('base64url')}`
  return `${text}.${macOf(parts, text)}`
}

/** The mark, where it is one of ours for this account. */
export function knownDevice(
  parts: SignInParts,
  { device, administratorId }: { readonly device: string | undefined; readonly administratorId: number | undefined },
): string | undefined {
  const [, text, id, mac] = /^((\d+)\.[\w-]{16})\.([\w-]{22})$/.exec(device ?? '') ?? []
  if (text === undefined || mac === undefined || Number(id) !== administratorId) return undefined
  return timingSafeEqual(Buffer.from(mac), Buffer.from(macOf(parts, text))) ? text : undefined
}

function macOf({ vault }: SignInParts, text: string): string {
  return vault.lookup('sign-in device', text).toString('base64url')
}

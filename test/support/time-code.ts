// Codes of an authenticator app, worked out by RFC 6238 without the library that checks them.
import { createHmac } from 'node:crypto'

/** With SHA-1, 30 seconds and six digits, for the half minute that is `steps` away from `at`. */
export function timeCode(secret: string, at: Date, steps = 0): string {
  const bits = Array.from(secret, (letter) =>
    'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0'),
  )
  const key = Buffer.from((bits.join('').match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)))
  const counter = Buffer.alloc(8)
  counter.writeBigUInt64BE(BigInt(Math.floor(at.getTime() / 30_000) + steps))
  const mac = createHmac('sha1', key).update(counter).digest()
  const place = mac[19]! & 15
  return String((mac.readUInt32BE(place) & 0x7f_ff_ff_ff) % 1_000_000).padStart(6, '0')
}

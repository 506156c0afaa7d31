// Keyed look-up: equal values can be found and kept unique without the database knowing them.
import { createHmac, type KeyObject } from 'node:crypto'
import { assert } from '../base/errors.ts'

/** 128 bits: two of a billion different values meet with a chance below 2^-68, and indexes are half as large as with 256. */
const LOOKUP_BYTES = 16

/**
 * HMAC-SHA-256 of a value within its space, cut to 16 bytes. Cards and PINs are short: without the key they could be
 * found by trying all of them, with it a copy of the database tells nothing.
 *
 * @param space keeps equal values of different kinds apart, e.g. `card`, `pin`
 * @param canonical the form in which two values count as equal
 */
export function lookUp(key: KeyObject, { space, canonical }: { space: string; canonical: string }): Buffer {
  assert(!space.includes('\0'), 'the name of a look-up space has no U+0000')
  return createHmac('sha256', key).update(`${space}\0${canonical}`, 'utf8').digest().subarray(0, LOOKUP_BYTES)
}

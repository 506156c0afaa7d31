import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { canonical } from './canonical.ts'

describe('the canonical form', () => {
  it('D8: is idempotent for any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 30 }), (text) => {
        expect(canonical(canonical(text))).toBe(canonical(text))
      }),
      { numRuns: 5000 },
    )
  })

  it('D8: is idempotent for every character by itself', () => {
    const wrong: string[] = []
    for (let code = 0; code <= 0x10ffff; code++) {
      if (code >= 0xd800 && code <= 0xdfff) continue
      const one = canonical(String.fromCodePoint(code))
      if (canonical(one) !== one) wrong.push(code.toString(16))
    }
    expect(wrong).toEqual([])
  })

  it.each([
    ['Ann', 'aNN'],
    ['ſ', 'S'],
    ['\u212a', 'k'],
    ['ß', 'SS'],
    ['ﬁ', 'FI'],
    ['Ａ', 'a'],
    ['e\u0301', 'É'],
    ['ΟΔΟΣ', 'οδος'],
    [' x ', 'x'],
    ['İ', 'i'],
  ])('D8: %s and %s are one', (a, b) => {
    expect(canonical(a)).toBe(canonical(b))
  })

  it('keeps apart what differs', () => {
    expect(canonical('а')).not.toBe(canonical('a'))
    expect(canonical('a b')).not.toBe(canonical('ab'))
  })
})

import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { applyTransform, parseTransform } from './transform.ts'

function run(text: string, value: string): string {
  const parsed = parseTransform(text)
  if (parsed.kind === 'refused') return `refused at ${parsed.at}: ${parsed.problem}`
  const result = applyTransform(parsed.transform, value)
  return 'value' in result ? result.value : `problem: ${result.problem}`
}

describe('D11: card transformations', () => {
  it.each([
    // MIFARE 4-byte UID as written by an enrolment desk → decimal as a USB reader types it
    ["strip(':') hex2dec", '04:A2:3B:1C', '77740828'],
    // the same card, least significant byte first
    ["strip(':') reverse() hex2dec", '04:A2:3B:1C', '473670148'],
    // 7-byte UID: beyond 2^53
    ["strip(':') hex2dec", '04:A2:3B:1C:55:80:20', '1304274668978208'],
    ["strip(':-') reverse hex2dec lpad(17,'0')", '04-A2-3B-1C-55-80-FE', '71635747118752260'],
    // 10-digit decimal of an EM4100 reader → hexadecimal, eight digits
    ["dec2hex lpad(8,'0')", '0004660046', '00471B4E'],
    // Wiegand 26: facility code and number out of the bits
    ['hex2bin lpad(26,0) mid(2,8) bin2dec', '2B21E4D', '89'],
    ['hex2bin lpad(26,0) mid(10,16) bin2dec', '2B21E4D', '3878'],
    // track 2 of a magnetic stripe: the digits between ; and =
    ['ltrim(1) left(16)', ';1234567890123456=99121', '1234567890123456'],
    ['right(6)', '000000123456', '123456'],
    ['rtrim(2)', '12345678', '123456'],
    ["prepend('A') append('-1') lower", '42', 'a42-1'],
    ['upper', '04a2', '04A2'],
    ["strip(' :')", '04: A2', '04A2'],
    ['bin2hex', '11111111', 'FF'],
    ['dec2bin', '10', '1010'],
    ['hex2dec', '0000', '0'],
    ['hex2dec()', '00FF', '255'],
  ])('%s makes of %s: %s', (text, value, expected) => {
    expect(run(text, value)).toBe(expected)
  })

  it.each([
    ['hex2dec', '04:A2', 'problem: hex2dec: the value has characters that are no hexadecimal digits'],
    ['dec2hex', '12x', 'problem: dec2hex: the value has characters that are no decimal digits'],
    [
      'reverse()',
      '04A',
      'problem: reverse(): the value has an odd number of digits (3), so its pairs cannot be turned',
    ],
    ['ltrim(9)', '123', 'problem: ltrim(9): nothing is left of the value'],
    ['mid(5,2)', '123', 'problem: mid(5,2): nothing is left of the value'],
  ])('%s of %s fails and does not repeat the value', (text, value, expected) => {
    expect(run(text, value)).toBe(expected)
  })

  it.each([
    ['hex2dez', 'refused at 0: there is no step "hex2dez"'],
    ['upper hex2dez', 'refused at 6: there is no step "hex2dez"'],
    ['left', 'refused at 0: left takes count, not 0 arguments'],
    ['left(a)', 'refused at 0: left takes a whole number up to 9999, not "a"'],
    ['left(-1)', 'refused at 0: left takes a whole number'],
    ['mid(0,2)', 'refused at 0: mid counts characters from 1'],
    ["lpad(8,'00')", 'refused at 0: lpad takes one character'],
    ["strip('')", 'refused at 0: strip takes a text that is not empty'],
    ["strip(':'", 'refused at 6: an argument is a number or a text'],
    ['', 'refused at 0: the transformation is empty'],
    ['| upper', 'refused at 0: a step is a name'],
    ['__proto__', 'refused at 0: a step is a name'],
    ['constructor', 'refused at 0: there is no step "constructor"'],
  ])('%j is refused when it is saved', (text, expected) => {
    expect(run(text, '1')).toContain(expected)
  })

  it('converts numbers of any length there and back', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 400n }), (number) => {
        expect(run('dec2hex hex2bin bin2dec', String(number))).toBe(String(number))
        expect(run('dec2hex', String(number))).toBe(number.toString(16).toUpperCase())
      }),
    )
  })

  it('turned twice, a number is what it was', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...'0123456789ABCDEF'.split('')), { minLength: 2, maxLength: 40 }),
        (digits) => {
          const even = digits.slice(0, digits.length - (digits.length % 2)).join('')
          expect(run('reverse reverse', even)).toBe(even)
        },
      ),
    )
  })
})

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
    // HID Corporate 1000, 35 bits: company and number
    ['hex2bin lpad(35,0) mid(3,12) bin2dec', '49A5154A5', '1234'],
    ['hex2bin lpad(35,0) mid(15,20) bin2dec', '49A5154A5', '567890'],
    // HID H10304, 37 bits: facility and number; the first bit is 0
    ['hex2bin lpad(37,0) mid(2,16) bin2dec', '10E13C481', '4321'],
    ['hex2bin lpad(37,0) mid(18,19) bin2dec', '10E13C481', '123456'],
    // Wiegand 34: 16 bits each
    ['hex2bin lpad(34,0) mid(2,16) bin2dec', '3FFFE0002', '65535'],
    ['hex2bin lpad(34,0) mid(18,16) bin2dec', '3FFFE0002', '1'],
    // EM4100: facility and number of the three last bytes, as printed 071,06990
    ['right(6) left(2) hex2dec lpad(3,0)', '0000471B4E', '071'],
    ['right(4) hex2dec lpad(5,0)', '0000471B4E', '06990'],
    // decimal of a reader that turns the bytes → UID as printed on the card
    ['dec2hex lpad(8,0) reverse', '473670148', '04A23B1C'],
    // leading zeros dropped by one reader and kept by another
    ['dec2bin bin2dec', '0000012345', '12345'],
    ['lpad(10,0)', '12345', '0000012345'],
    // hidden characters: zero-width space, no-break space, byte order mark, carriage return
    ["strip(' \u200b\u00a0\ufeff\r\n') hex2dec", '\ufeff04\u00a0A2\u200b3B1C\r', '77740828'],
    // ISO 14443 UID of ten bytes
    ["strip(' ') hex2dec", '08 04 A2 3B 1C 55 80 20 99 01', '37864408807663317588225'],
    // iCLASS serial number, least significant byte first
    ['reverse hex2dec', '00F0A1B2C3D4E0FE', '18365913217397551104'],
    // the four last bytes of a 7-byte UID, for readers that send no more
    ["strip(':') right(8) hex2dec", '04:A2:3B:1C:55:80:20', '475365408'],
    // a number and a site code with a space between them
    ['left(4)', '123 45', '123'],
    // a prefix of the reader and its check digit cut off
    ['ltrim(2) rtrim(1)', '%E123456789', '12345678'],
  ])('%s makes of %s: %s', (text, value, expected) => {
    expect(run(text, value)).toBe(expected)
  })

  it.each([
    ['hex2dec', '04:A2', 'problem: hex2dec: the value has characters that are no hexadecimal digits'],
    // what a spreadsheet makes of a long number: the digits are lost, and it must not become another card
    ['dec2hex', '1.16E+20', 'problem: dec2hex: the value has characters that are no decimal digits'],
    // the hidden character that was not stripped
    ['hex2dec', '04A23B1C\u200b', 'problem: hex2dec: the value has characters that are no hexadecimal digits'],
    ['dec2hex', '12x', 'problem: dec2hex: the value has characters that are no decimal digits'],
    [
      'reverse()',
      '04A',
      'problem: reverse(): the value has an odd number of digits (3), so its pairs cannot be turned',
    ],
    ['ltrim(9)', '123', 'problem: ltrim(9): nothing is left of the value'],
    ['mid(5,2)', '123', 'problem: mid(5,2): nothing is left of the value'],
    ['mid(3,2)', '12  34', 'problem: mid(3,2): nothing is left of the value'],
    ['mid(3,2) prepend(A)', '12  34', 'problem: mid(3,2): nothing is left of the value'],
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

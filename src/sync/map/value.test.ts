import { describe, expect, it } from 'vitest'
import { canonical } from '../../directory/canonical.ts'
import { MAX_KEY_LENGTH, MAX_TEXT_LENGTH, valueProblem, valuesOf } from './value.ts'

describe('the values of an attribute', () => {
  it.each([
    ['  Ann\u00a0', ['Ann']],
    [' \u3000\t', []],
    ['', []],
    [null, []],
    [undefined, []],
    [4711, ['4711']],
    [0, ['0']],
    [true, ['true']],
    [false, ['false']],
    [
      [' a ', '', 'b', '  '],
      ['a', 'b'],
    ],
    [[], []],
  ])('%j gives %j', (value, values) => {
    expect(valuesOf(value === undefined ? {} : { department: value }, 'department')).toEqual(values)
  })

  it.each([
    ['ann@contoso.com', ['ann']],
    ['ann@home@contoso.com', ['ann@home']],
    ['ann', ['ann']],
    ['@contoso.com', []],
    [' @x', []],
    ['ada_example.com#EXT#@contoso.com', ['ada_example.com#EXT#']],
    [null, []],
  ])('the prefix of %j is %j', (userPrincipalName, values) => {
    expect(valuesOf({ userPrincipalName }, 'upnPrefix')).toEqual(values)
  })

  it.each([
    ['ada', 'corp.local', ['ada@corp.local']],
    [' ada ', ' corp ', ['ada@corp']],
    ['ada', null, []],
    [null, 'corp', []],
    [' ', 'corp', []],
  ])('account %j of domain %j gives %j', (onPremisesSamAccountName, onPremisesDomainName, values) => {
    const attributes = { onPremisesSamAccountName, onPremisesDomainName }

    expect(valuesOf(attributes, 'onPremisesSamAccountName@onPremisesDomainName')).toEqual(values)
  })
})

describe('what cannot be kept', () => {
  it.each([
    ['a\0b', 'contains a NUL character'],
    ['\ud800', 'contains a broken Unicode character'],
    ['a\udc00', 'contains a broken Unicode character'],
    ['a\ufffdb', 'contains a broken Unicode character'],
    ['é'.repeat(257), 'is 257 characters long; at most 256 are kept'],
    ['ﷺ'.repeat(43), 'is longer than 768 characters once its ligatures are written out'],
  ])('D10: %j %s', (value, problem) => {
    expect(valueProblem(value, MAX_KEY_LENGTH)).toBe(problem)
  })

  it.each(['a'.repeat(256), '😀'.repeat(128), 'ﷺ'.repeat(42), 'é'.repeat(256), ' \r\n\u202e', '=1+1'])(
    'D10: everything else can: %j',
    (value) => {
      expect(valueProblem(value, MAX_KEY_LENGTH)).toBeUndefined()
    },
  )

  it('D10: a text may be longer, and its canonical form is not asked for', () => {
    expect(valueProblem('x'.repeat(10_000), MAX_TEXT_LENGTH)).toBeUndefined()
    expect(valueProblem('x'.repeat(10_001), MAX_TEXT_LENGTH)).toBe('is 10001 characters long; at most 10000 are kept')
    expect(valueProblem('ﷺ'.repeat(43), MAX_TEXT_LENGTH)).toBeUndefined()
  })

  it('D10: what passes fits an index of the database, which takes 2,704 bytes', () => {
    const widest = Array.from({ length: 0xffff }, (_, code) => String.fromCharCode(code)).filter((c) =>
      c.isWellFormed(),
    )
    const worst = widest.toSorted((a, b) => canonical(b).length - canonical(a).length).slice(0, 20)

    for (const char of worst) {
      const most = Array.from({ length: 256 }, (_, n) => char.repeat(n + 1)).findLast(
        (value) => value.trim() !== '' && valueProblem(value, MAX_KEY_LENGTH) === undefined,
      )
      expect(Buffer.byteLength(canonical(most ?? ''))).toBeLessThan(2704)
    }
  })
})

import { parse } from 'csv-parse/sync'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { joinValues, neutralise, writeCsv } from './csv.ts'
import { hostileValues, splitValues, unprotected, wouldRun } from '../../test/support/hostile.ts'
import { myqCells } from './myq.ts'
import type { ExportedPrintUser } from './export.ts'

const HOSTILE = [
  '=1+1',
  '+420 123',
  '-2+3',
  '@SUM(A1)',
  '\t=1',
  '\r=1',
  '\n=1',
  '  =cmd|calc',
  '\u00a0=1',
  '\u3000@x',
  '\ufeff=1',
  '\u200b=1',
  '＝1+1',
  '＋1',
  '－1',
  '＠x',
  '\u0001=1',
  "'=1",
  "''+1",
  '\u202e=1',
]
const HARMLESS = [
  'Ada',
  'a=b',
  '1-2',
  'ada@example.com',
  '',
  ' x',
  "'quoted",
  '"',
  'a,b',
  'line\nbreak',
  'ends\r\n',
  'é',
  '7E9700C9',
]

describe('csv', () => {
  it.each(HOSTILE)('D13: a cell that a spreadsheet would run is neutralised: %j', (cell) => {
    expect(neutralise(cell)).toBe(`'${cell}`)
  })

  it.each(HARMLESS)('D13: any other cell stays as it is: %j', (cell) => {
    expect(neutralise(cell)).toBe(cell)
  })

  it('D13: 5,000 hostile cells read back as literal text by an RFC 4180 reader', () => {
    const alphabet = [
      '=',
      '+',
      '-',
      '@',
      '\t',
      '\r',
      '\n',
      '"',
      ',',
      ';',
      "'",
      ' ',
      'x',
      '1',
      '＝',
      '\u00a0',
      '|',
      '\\',
    ]
    let state = 7
    const next = () => {
      state = (state * 48_271) % 2_147_483_647
      return state
    }
    const cells = Array.from({ length: 5_000 }, () =>
      Array.from({ length: 1 + (next() % 6) }, () => alphabet[next() % alphabet.length]).join(''),
    )
    const rows = Array.from({ length: 500 }, (_, i) => cells.slice(i * 10, i * 10 + 10))

    const output = writeCsv(rows)

    const back = parse(output, { record_delimiter: '\r\n' })
    expect(back).toEqual(rows.map((row) => row.map(neutralise)))
    expect(back.flat().filter((cell) => /^[\s\p{Cc}]*[=+\-@＝＋－＠]/u.test(cell))).toEqual([])
  })

  it.each(['a\n=1+1', 'a\r=1+1', 'a\r\n=1+1', 'a\u2028=1+1', '\n', 'a\r'])(
    'D13: a line end of any kind stays inside its cell, whatever a reader takes for the end of a row: %j',
    (cell) => {
      const output = writeCsv([[cell, 'x']])

      expect(output).toBe(`"${neutralise(cell)}",x\r\n`)
      expect(parse(output, { record_delimiter: ['\r\n', '\n', '\r'] })).toEqual([[neutralise(cell), 'x']])
    },
  )

  it('writes lines that end in CRLF, true and false as words, nothing for null', () => {
    expect(writeCsv([['a', true, null, 'x"y']])).toBe('a,true,,"x""y"\r\n')
  })

  it.each([
    [[], ''],
    [['a', 'b;c'], 'a;b\\;c'],
    [['a\\', 'b'], 'a\\\\;b'],
    [['a\\;b'], 'a\\\\\\;b'],
    [[';', '\\'], '\\;;\\\\'],
    [['DOMAIN\\ada', 'Sales\\|North'], 'DOMAIN\\ada;Sales\\|North'],
  ])('D13: joins %j so that they can be told apart again', (values, cell) => {
    expect(joinValues(values)).toBe(cell)
    expect(splitValues(cell)).toEqual(values)
  })

  it('D13: any values joined in a cell read back as they were', () => {
    const value = fc.string({ unit: fc.constantFrom('\\', ';', 'a', '|', '"'), minLength: 1, maxLength: 6 })
    fc.assert(
      fc.property(fc.array(value, { maxLength: 5 }), (values) => {
        expect(splitValues(joinValues(values))).toEqual(values)
      }),
      { numRuns: 3000 },
    )
  })

  it('D13: hostile cells never begin what a spreadsheet would run, and taking the apostrophe away gives them back', () => {
    for (const { value } of hostileValues(1, 3000)) {
      expect(wouldRun(neutralise(value))).toBe(false)
      expect(unprotected(neutralise(value))).toBe(value)
    }
  })
})

describe('the print server layout', () => {
  const user: ExportedPrintUser = {
    id: '1',
    userName: 'Lovelace, Ada',
    fullName: 'Ada Lovelace',
    email: 'ada@example.com',
    phone: null,
    language: null,
    department: null,
    personalNumber: '42',
    aliases: ['ada', 'a,b'],
    cards: ['7E9700C9', '1,2'],
    groups: ['Entra ID|Engineers', 'Printers, 2nd \\| floor'],
    active: true,
    source: 'staff',
    tenantId: null,
    objectId: null,
    storage: '\\\\server\\ada',
    authenticationServer: 'contoso',
  }

  it('puts user name and aliases, cards and group trees together as that system reads them, and no PIN', () => {
    expect(myqCells(user)).toEqual([
      'Ada Lovelace',
      'Lovelace  Ada,ada',
      'ada@example.com',
      '7E9700C9',
      'Entra ID|Engineers,Printers  2nd / floor',
      '42',
      '\\\\server\\ada',
      '',
      'contoso',
    ])
  })
})

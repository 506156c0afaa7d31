import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { attributesOfFilter } from '../../contract/attributes-read.ts'
import { type Clause, filter, type Filter } from '../../contract/filter.ts'
import { FILTER_PRESET_NAMES, FILTER_PRESETS } from '../../contract/filter-presets.ts'
import type { Attributes } from '../../directory/change.ts'
import { meetsFilter, prepareFilter } from './filter.ts'

const meets = (clause: Clause, attributes: Attributes): boolean => meetsFilter(attributes, prepareFilter(one(clause)))
const one = (clause: Clause): Filter => ({ any: [{ all: [clause] }] })
const DEPARTMENT = { attribute: 'department' }

describe('a clause', () => {
  const text: readonly (readonly [Omit<Clause, 'attribute'>, string | null, boolean])[] = [
    [{ eq: 'Sales' }, 'Sales', true],
    [{ eq: 'sales' }, '  SALES ', true],
    [{ eq: 'Sales' }, 'Sales West', false],
    [{ eq: 'Straße' }, 'STRASSE', true],
    [{ eq: 'ﬁnance' }, 'Finance', true],
    [{ eq: 'Ｓales' }, 'sales', true],
    [{ eq: 'Zoe\u0308' }, 'zoë', true],
    // other letters than they look: Cyrillic а
    [{ eq: 'Sales' }, 'Sаles', false],
    [{ eq: 'Sales' }, null, false],
    [{ ne: 'Sales' }, 'Sales', false],
    [{ ne: 'Sales' }, 'sALES', false],
    [{ ne: 'Sales' }, 'Finance', true],
    [{ ne: 'Sales' }, null, true],
    [{ ne: 'Sales' }, '   ', true],
    [{ contains: 'ale' }, 'SALES', true],
    [{ contains: 'a e' }, 'sales', false],
    // a space at the edge of what is looked for is meant
    [{ contains: ' West' }, 'Sales West', true],
    [{ contains: ' West' }, 'SalesWest', false],
    [{ contains: 'x' }, null, false],
    [{ startsWith: 'sa' }, 'Sales', true],
    [{ startsWith: 'al' }, 'Sales', false],
    [{ startsWith: 'x' }, null, false],
    [{ endsWith: 'ES' }, 'Sales', true],
    [{ endsWith: 'sale' }, 'Sales', false],
    [{ endsWith: 'x' }, null, false],
    [{ matches: 'al' }, 'SALES', true],
    [{ matches: '^al' }, 'SALES', false],
    [{ matches: '^s.*s$' }, 'SALES', true],
    [{ matches: '^\\d{3}$' }, '１２３', true],
    [{ matches: '^\\d{3}$' }, '1234', false],
    [{ matches: '.*' }, null, false],
    [{ present: true }, 'x', true],
    [{ present: true }, ' ', false],
    [{ present: true }, null, false],
    [{ absent: true }, 'x', false],
    [{ absent: true }, '\t', true],
    [{ absent: true }, null, true],
  ]
  it.each(text)('%j, department is %j: %s', (operator, value, expected) => {
    expect(meets({ ...DEPARTMENT, ...operator }, { department: value })).toBe(expected)
    expect(filter.safeParse(one({ ...DEPARTMENT, ...operator })).success).toBe(true)
  })

  it.each([
    ['eq', false],
    ['ne', true],
    ['contains', false],
    ['startsWith', false],
    ['endsWith', false],
    ['matches', false],
  ] as const)('%s on an attribute of which Graph has never said anything: %s', (operator, expected) => {
    expect(meets({ ...DEPARTMENT, [operator]: 'x' }, {})).toBe(expected)
  })

  it.each([
    [{ attribute: 'accountEnabled', eq: true }, { accountEnabled: true }, true],
    [{ attribute: 'accountEnabled', eq: 'TRUE' }, { accountEnabled: true }, true],
    [{ attribute: 'accountEnabled', ne: true }, { accountEnabled: false }, true],
    [{ attribute: 'accountEnabled', eq: false }, { accountEnabled: null }, false],
    [{ attribute: 'employeeId', eq: 5 }, { employeeId: '5' }, true],
    [{ attribute: 'employeeId', eq: 5 }, { employeeId: '05' }, false],
    [{ attribute: 'employeeId', ne: 5 }, { employeeId: 5 }, false],
  ])('compares numbers and truth values by their text: %j with %j is %s', (clause, attributes, expected) => {
    expect(meets(clause, attributes)).toBe(expected)
  })

  const MAILS = { otherMails: ['ann@contoso.com', 'ann@fabrikam.com'] }
  it.each([
    [{ eq: 'ANN@fabrikam.com' }, true],
    [{ eq: 'bo@contoso.com' }, false],
    [{ ne: 'bo@contoso.com' }, true],
    [{ ne: 'ann@fabrikam.com' }, false],
    [{ contains: 'fabrikam' }, true],
    [{ endsWith: 'contoso.com' }, true],
    [{ startsWith: 'bo' }, false],
    [{ matches: '^ann@contoso' }, true],
    [{ present: true as const }, true],
    [{ absent: true as const }, false],
  ])('on several values %j is %s: ne means none equals, the others mean any', (operator, expected) => {
    expect(meets({ attribute: 'otherMails', ...operator }, MAILS)).toBe(expected)
  })

  it('takes a list without values as null', () => {
    const empty = { otherMails: [] }

    expect(meets({ attribute: 'otherMails', absent: true }, empty)).toBe(true)
    expect(meets({ attribute: 'otherMails', ne: 'x' }, empty)).toBe(true)
    expect(meets({ attribute: 'otherMails', eq: 'x' }, empty)).toBe(false)
  })

  it('reads combinations and the object id as mappings do', () => {
    expect(meets({ attribute: 'upnPrefix', eq: 'ann' }, { userPrincipalName: 'Ann@contoso.com' })).toBe(true)
    expect(meets({ attribute: 'id', startsWith: '0000' }, { id: '0000-1' })).toBe(true)
    expect(attributesOfFilter(one({ attribute: 'upnPrefix', eq: 'ann' }))).toEqual(['userPrincipalName'])
  })
})

describe('groups of clauses', () => {
  const both: Filter = {
    any: [
      {
        all: [
          { attribute: 'employeeType', eq: 'Employee' },
          { attribute: 'mail', present: true },
        ],
      },
      { all: [{ attribute: 'department', eq: 'Board' }] },
    ],
  }
  it.each([
    [{ employeeType: 'employee', mail: 'a@x' }, true],
    [{ employeeType: 'employee', mail: null }, false],
    [{ mail: 'a@x' }, false],
    [{ department: 'board' }, true],
    [{}, false],
  ])('%j: %s, for all within a group and any of the groups count', (attributes, expected) => {
    expect(meetsFilter(attributes, prepareFilter(both))).toBe(expected)
  })

  const clauses: fc.Arbitrary<Clause> = fc.oneof(
    fc.record({ attribute: fc.constantFrom('mail', 'city'), eq: fc.constantFrom('a', 'b', 1, true) }),
    fc.record({ attribute: fc.constantFrom('mail', 'city'), ne: fc.constantFrom('a', 'b', 1, true) }),
    fc.record({ attribute: fc.constantFrom('mail', 'otherMails'), contains: fc.constantFrom('a', 'b') }),
    fc.record({ attribute: fc.constantFrom('mail', 'otherMails'), matches: fc.constantFrom('a|b', '^b') }),
    fc.record({ attribute: fc.constantFrom('mail', 'city'), present: fc.constant(true as const) }),
    fc.record({ attribute: fc.constantFrom('mail', 'otherMails'), absent: fc.constant(true as const) }),
  )
  const value = fc.oneof(fc.constantFrom('a', 'A', 'b', 'ab', ' '), fc.string({ unit: 'binary' }), fc.constant(null))
  const people = fc.record({ mail: value, city: value, otherMails: fc.array(fc.string(), { maxLength: 3 }) })

  it('more groups take more people, more clauses take fewer', () => {
    fc.assert(
      fc.property(fc.array(clauses, { minLength: 1 }), clauses, people, (all, extra, attributes) => {
        const base = meetsFilter(attributes, prepareFilter({ any: [{ all }] }))
        const wider = meetsFilter(attributes, prepareFilter({ any: [{ all }, { all: [extra] }] }))
        const narrower = meetsFilter(attributes, prepareFilter({ any: [{ all: [...all, extra] }] }))
        expect(wider).toBe(base || meets(extra, attributes))
        expect(narrower).toBe(base && meets(extra, attributes))
      }),
    )
  })

  it('D10: eq and ne, present and absent are opposites of each other for any value', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string({ unit: 'binary' }), fc.constant(null)),
        fc.string({ minLength: 1 }),
        (mail, text) => {
          expect(meets({ attribute: 'mail', eq: text }, { mail })).toBe(
            !meets({ attribute: 'mail', ne: text }, { mail }),
          )
          expect(meets({ attribute: 'mail', present: true }, { mail })).toBe(
            !meets({ attribute: 'mail', absent: true }, { mail }),
          )
        },
      ),
    )
  })
})

describe('presets', () => {
  it.each(FILTER_PRESET_NAMES)('%s is a filter that could be written out', (name) => {
    expect(filter.parse(FILTER_PRESETS[name].filter)).toEqual(FILTER_PRESETS[name].filter)
    expect(FILTER_PRESETS[name].label.length * FILTER_PRESETS[name].description.length).toBeGreaterThan(0)
  })

  it.each([
    ['realPeopleOnly', { givenName: 'Ann', surname: 'Lee' }, true],
    ['realPeopleOnly', { givenName: null, surname: null, employeeId: '7' }, true],
    ['realPeopleOnly', { displayName: 'Meeting room 3', givenName: null, surname: null, employeeId: null }, false],
    ['realPeopleOnly', { displayName: 'svc-backup', givenName: 'Backup', surname: ' ' }, false],
    ['employeesOnly', { employeeId: '7', userType: 'Member' }, true],
    ['employeesOnly', { employeeId: '7', userType: 'guest' }, false],
    ['employeesOnly', { userType: 'Member' }, false],
    ['withMail', { mail: 'a@x' }, true],
    ['withMail', { mail: null }, false],
  ] as const)('%s takes %j: %s', (name, attributes, expected) => {
    expect(meetsFilter(attributes, prepareFilter(FILTER_PRESETS[name].filter))).toBe(expected)
  })
})

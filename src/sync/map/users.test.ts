import { describe, expect, it } from 'vitest'
import { aWantedUser, type PropertiesInput, settingsOf, type UsersInput } from '../../../test/support/people.ts'
import type { Attributes } from '../../directory/change.ts'
import { mapUser, prepareMapping } from './users.ts'

const map = (properties: PropertiesInput, attributes: Attributes, users: UsersInput = {}) =>
  aWantedUser(attributes, settingsOf({ users: { ...users, properties } }))
const UPN = { userPrincipalName: 'Ann@X' }
const LONG = 'a'.repeat(257)

describe('the user name', () => {
  it('is as given, or in lower case where the source says so', () => {
    expect(map({}, UPN).userName).toBe('Ann@X')
    expect(map({}, UPN, { options: { lowercaseUserNames: true } }).userName).toBe('ann@x')
  })

  it.each([{}, { userPrincipalName: null }, { userPrincipalName: '\t ' }])('of %j is none', (attributes) => {
    expect(map({}, attributes, { options: { lowercaseUserNames: true } })).toMatchObject({
      userName: null,
      rejected: [],
    })
  })

  it('D10: that is too long is refused, never cut', () => {
    expect(map({}, { userPrincipalName: LONG })).toMatchObject({
      userName: null,
      rejected: [
        {
          target: 'userName',
          apply: 'always',
          problem: 'is 257 characters long; at most 256 are kept',
          code: 'value-rejected',
        },
      ],
    })
  })
})

describe('fields', () => {
  it('that are mapped are set or cleared; the others are absent', () => {
    const { fields } = map({ office: 'none', notes: 'city' }, { ...UPN, displayName: 'Ann', department: ' Sales ' })

    expect(Object.fromEntries(fields)).toEqual({
      fullName: 'Ann',
      email: null,
      phone: null,
      language: null,
      department: 'Sales',
      notes: null,
    })
  })

  it('take 10,000 characters where names and numbers take 256', () => {
    const attributes = { ...UPN, city: 'b'.repeat(10_000), state: 'b'.repeat(10_001), country: LONG }
    const wanted = map(
      { notes: 'city', storage: 'state', personalNumber: 'country', own: { a: 'city', b: 'state' }, pin: 'country' },
      attributes,
    )

    expect(wanted.fields.get('notes')).toHaveLength(10_000)
    expect(wanted.fields.has('storage')).toBe(false)
    expect([...wanted.own.keys()]).toEqual(['a'])
    expect(wanted).toMatchObject({ personalNumber: undefined, pin: undefined })
    expect(wanted.rejected.map((r) => r.target)).toEqual(['storage', 'own.b', 'personalNumber', 'pin'])
  })

  it('own ones are cleared by an empty attribute', () => {
    expect(map({ own: { a: 'city' } }, UPN).own.get('a')).toBe(null)
  })
})

describe('the full name', () => {
  it('is displayName where what is mapped is empty', () => {
    expect(map({ fullName: 'city' }, { ...UPN, displayName: 'Ann' }).fields.get('fullName')).toBe('Ann')
    expect(map({ fullName: 'city' }, UPN).fields.get('fullName')).toBe(null)
    expect(map({ fullName: 'city' }, { ...UPN, city: 'C', displayName: 'Ann' }).fields.get('fullName')).toBe('C')
  })

  it('stays where displayName cannot be kept either, and where none is mapped', () => {
    const attributes = { ...UPN, displayName: 'a\0' }
    const wanted = map({ fullName: 'city' }, attributes)

    expect(wanted.fields.has('fullName')).toBe(false)
    expect(wanted.rejected).toMatchObject([{ target: 'fullName', apply: 'always', code: 'value-rejected' }])
    expect(map({ fullName: 'none' }, { ...UPN, displayName: 'Ann' }).fields.has('fullName')).toBe(false)
  })

  it('that cannot be kept is not replaced by another one', () => {
    const wanted = map({ fullName: 'city' }, { ...UPN, city: 'a\0', displayName: 'Ann' })

    expect(wanted.fields.has('fullName')).toBe(false)
    expect(wanted.rejected).toHaveLength(1)
  })
})

describe('templates', () => {
  const notesOf = (template: string, attributes: Attributes) =>
    map({ notes: { template } }, { ...UPN, ...attributes }).fields.get('notes')

  it('put text and attributes together, empty ones left out', () => {
    expect(notesOf('%givenName%.%surname%', { givenName: 'Ann', surname: 'Lee' })).toBe('Ann.Lee')
    expect(notesOf('%givenName%.%surname%', { surname: 'Lee' })).toBe('.Lee')
    expect(notesOf('%givenName% %surname% ', { givenName: 'Ann' })).toBe('Ann')
  })

  it('whose attributes are all empty are empty, whatever text is in them', () => {
    expect(notesOf('room %city%', {})).toBe(null)
  })

  it('give several-valued targets one value or none', () => {
    const aliases = [{ template: '%city%!' }, { template: '%state%!' }]

    expect(map({ aliases }, { ...UPN, state: 'S' }).aliases).toEqual([
      { value: 'S!', apply: 'always', mode: 'replace' },
    ])
  })

  it('are read for own fields too', () => {
    expect(map({ own: { a: { template: '<%city%>' } } }, { ...UPN, city: 'C' }).own.get('a')).toBe('<C>')
  })
})

describe('several-valued targets', () => {
  it('are absent where nothing is mapped and empty where nothing is given', () => {
    expect(map({}, UPN)).toMatchObject({ aliases: undefined, alternateEmails: undefined, cards: undefined })
    expect(map({ aliases: 'city', alternateEmails: 'city', cards: 'city' }, UPN)).toMatchObject({
      aliases: [],
      alternateEmails: [],
      cards: [],
    })
  })

  it('carry the terms of their entries', () => {
    const entry = { from: 'otherMails', apply: 'whenEmpty', mode: 'append' } as const
    const wanted = map({ alternateEmails: ['city', entry] }, { ...UPN, city: 'C', otherMails: ['a', 'b'] })

    expect(wanted.alternateEmails).toEqual([
      { value: 'C', apply: 'always', mode: 'replace' },
      { value: 'a', apply: 'whenEmpty', mode: 'append' },
      { value: 'b', apply: 'whenEmpty', mode: 'append' },
    ])
  })

  it('lose only what cannot be kept, with the terms of its entry', () => {
    const entry = { from: 'otherMails', apply: 'whenCreated' } as const
    const wanted = map({ aliases: [entry] }, { ...UPN, otherMails: ['a', LONG, 'b\0', 'c'] })

    expect(wanted.aliases?.map((given) => given.value)).toEqual(['a', 'c'])
    expect(wanted.rejected).toEqual([
      {
        target: 'aliases',
        apply: 'whenCreated',
        problem: 'is 257 characters long; at most 256 are kept',
        code: 'value-rejected',
      },
      { target: 'aliases', apply: 'whenCreated', problem: 'contains a NUL character', code: 'value-rejected' },
    ])
  })

  it('cards pass their transformation; one that fails drops that card alone, without its number', () => {
    const cards = [{ from: 'otherMails', transform: 'hex2dec' }, 'city']
    const wanted = map({ cards }, { ...UPN, city: 'xyz', otherMails: ['ff', 'xyz'] })

    expect(wanted.cards?.map((given) => given.value)).toEqual(['255', 'xyz'])
    expect(wanted.rejected).toMatchObject([{ target: 'cards', code: 'value-rejected' }])
    expect(wanted.rejected[0]?.problem).toMatch(/^was dropped by hex2dec/)
    expect(wanted.rejected[0]?.problem).not.toContain('xyz')
  })
})

describe('a PIN', () => {
  it.each([
    ['123456', '123456', []],
    ['12345', undefined, ['is shorter than 6 characters']],
    ['1\0', undefined, ['contains a NUL character']],
    [null, null, []],
  ])('D12: %j gives %j', (employeeId, pin, problems) => {
    const wanted = map({ pin: 'employeeId' }, { ...UPN, employeeId })

    expect(wanted.pin).toBe(pin)
    expect(wanted.rejected.map((r) => r.problem)).toEqual(problems)
  })

  it('that is drawn or not mapped is nothing of this', () => {
    expect(map({ pin: 'generate' }, UPN).pin).toBe(undefined)
    expect(map({}, UPN).pin).toBe(undefined)
  })

  it('only a PIN has a least length', () => {
    expect(map({ personalNumber: 'employeeId' }, { ...UPN, employeeId: '1' }).personalNumber).toBe('1')
  })
})

describe('settings that were accepted once and are not any more', () => {
  it('clear nothing: the field stays, with an issue', () => {
    const settings = settingsOf({ users: { properties: { notes: 'city', cards: [] } } })
    const notes = { expression: 'Nonsense(', apply: 'always' as const }
    const cards = [
      { expression: 'Nonsense(', apply: 'whenCreated' as const, mode: 'append' as const, transform: undefined },
    ]
    const properties = { ...settings.users.properties, notes, cards }
    const mapping = prepareMapping({ ...settings, users: { ...settings.users, properties } })

    const wanted = mapUser({ ...UPN, city: 'C' }, mapping)

    expect(wanted.fields.has('notes')).toBe(false)
    expect(wanted.rejected).toEqual([
      { target: 'notes', apply: 'always', problem: 'it is not understood', code: 'expression-failed' },
      { target: 'cards', apply: 'whenCreated', problem: 'it is not understood', code: 'expression-failed' },
    ])
  })

  it('a template is empty and a transformation passes nothing on unread', () => {
    const settings = settingsOf()
    const notes = { template: '%nonsense', apply: 'always' as const }
    const properties = { ...settings.users.properties, notes }
    const mapping = prepareMapping({ ...settings, users: { ...settings.users, properties } })

    expect(mapUser(UPN, mapping).fields.get('notes')).toBe(null)
  })
})

it('a filter is read once, and none is none', () => {
  expect(prepareMapping(settingsOf()).filter).toBe(undefined)
  const filter = { any: [{ all: [{ attribute: 'city', present: true as const }] }] }
  expect(prepareMapping(settingsOf({ users: { filter } })).filter).toHaveLength(1)
})

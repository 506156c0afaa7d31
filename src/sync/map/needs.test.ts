import { describe, expect, it } from 'vitest'
import { settingsOf, type PropertiesInput, type UsersInput } from '../../../test/support/people.ts'
import type { SourceSettingsInput } from '../../contract/sources.ts'
import { needsOf } from './needs.ts'

const needs = (users: UsersInput = {}, groups: SourceSettingsInput['groups'] = {}) =>
  needsOf(settingsOf({ users, groups }))
const NONE: PropertiesInput = {
  fullName: 'none',
  email: 'none',
  phone: 'none',
  language: 'none',
  department: 'none',
}
const ALWAYS = ['accountEnabled', 'createdDateTime', 'displayName', 'userPrincipalName', 'userType']
/** What a mapping makes be requested beside what always is. */
const more = (properties: PropertiesInput, users: UsersInput = {}) =>
  needs({ ...users, properties: { ...NONE, ...properties } }).userAttributes.filter((name) => !ALWAYS.includes(name))

describe('the attributes that are requested', () => {
  it('are by default those of the default mapping', () => {
    expect(needs()).toEqual({
      userAttributes: [
        'accountEnabled',
        'createdDateTime',
        'department',
        'displayName',
        'mail',
        'mobilePhone',
        'preferredLanguage',
        'userPrincipalName',
        'userType',
      ],
      usesId: false,
      secretAttributes: new Set(),
      groupAttributes: ['displayName', 'groupTypes', 'mailEnabled', 'securityEnabled', 'visibility'],
      groups: true,
    })
    expect(needs({ properties: NONE }).userAttributes).toEqual(ALWAYS)
  })

  it.each([
    'userName',
    'fullName',
    'personalNumber',
    'email',
    'phone',
    'language',
    'department',
    'costCenter',
    'office',
    'jobTitle',
    'company',
    'manager',
    'storage',
    'notes',
    'aliases',
    'alternateEmails',
    'cards',
    'pin',
  ] as const)('follow the mapping of %s', (target) => {
    expect(more({ [target]: 'city' })).toEqual(['city'])
    expect(more({ [target]: { template: '<%city%%upnPrefix%>' } })).toEqual(['city'])
    expect(more({ [target]: { expression: 'ToUpper([city])' } })).toEqual(['city'])
    expect(needs({ properties: { ...NONE, [target]: 'city' } }).secretAttributes).toEqual(
      new Set(target === 'cards' || target === 'pin' ? ['city'] : []),
    )
  })

  it('follow own fields, filters and groups from attributes', () => {
    expect(more({ own: { a: 'city', b: 'state' } })).toEqual(['city', 'state'])
    expect(more({}, { filter: { any: [{ all: [{ attribute: 'city', present: true }] }] } })).toEqual(['city'])
    expect(
      needs({ properties: NONE }, { fromAttributes: [{ template: '%city%' }] }).userAttributes.includes('city'),
    ).toBe(true)
  })

  it('of several entries are each there once, sorted', () => {
    expect(more({ aliases: ['state', 'city', 'city'], notes: 'city' })).toEqual(['city', 'state'])
  })

  it('a PIN that is drawn needs none', () => {
    expect(more({ pin: 'generate' })).toEqual([])
    expect(more({ pin: 'none' })).toEqual([])
  })

  it('leave out the object id, which comes anyway, and tell that it is used', () => {
    expect(more({ notes: 'id' })).toEqual([])
    expect(needs({ properties: { notes: 'id' } }).usesId).toBe(true)
    const card = needs({ properties: { cards: 'id' } })
    expect([card.usesId, card.userAttributes.includes('id'), card.secretAttributes.has('id')]).toEqual([
      true,
      false,
      false,
    ])
    expect(needs({ properties: { notes: 'id', cards: 'id' } }).secretAttributes.size).toBe(0)
  })

  it('what decides about people stays readable, also where a card is made of it', () => {
    const { secretAttributes } = needs({
      properties: { cards: ['createdDateTime', 'userPrincipalName', 'employeeId'] },
    })

    expect(secretAttributes).toEqual(new Set(['employeeId']))
  })

  it('stay sealed where a filter or a field reads a card too', () => {
    const filter = { any: [{ all: [{ attribute: 'employeeId', present: true as const }] }] }

    expect(needs({ filter, properties: { cards: 'employeeId', notes: 'employeeId' } }).secretAttributes).toEqual(
      new Set(['employeeId']),
    )
  })

  it.each([{ expression: 'Nonsense(' }, { template: '%' }])('%j, accepted once, needs nothing', (entry) => {
    const settings = settingsOf({ users: { properties: NONE } })
    const properties = { ...settings.users.properties, notes: { ...entry, apply: 'always' as const } }

    expect(needsOf({ ...settings, users: { ...settings.users, properties } }).userAttributes).toEqual(ALWAYS)
  })
})

describe('groups are read', () => {
  const scope = { groups: ['00000000-0000-4000-8000-000000000001'] }
  it.each([
    ['all', true, true],
    ['all', false, false],
    [scope, false, true],
    [scope, true, true],
  ] as const)('users from %j, groups imported %s: %s', (users, isImported, expected) => {
    expect(
      needs({ import: users === 'all' ? 'all' : { groups: [...users.groups] } }, { import: isImported }).groups,
    ).toBe(expected)
  })
})

// Options about what a person gets: each one-valued target by what it may be mapped to and by its default.
import { describe, expect, it } from 'vitest'
import { sourceSettings, type SourceSettingsInput } from '../../contract/sources.ts'
import { mapUser, prepareMapping } from './users.ts'

type Properties = NonNullable<SourceSettingsInput['users']>['properties']

const ANN = {
  userPrincipalName: 'Ann@contoso.com',
  displayName: 'Ann Lee',
  mail: 'ann.lee@contoso.com',
  mobilePhone: '123',
  preferredLanguage: 'en',
  department: 'Sales',
  employeeId: '4711',
  city: 'Prague',
}

const ones = [
  ['fullName', 'Ann Lee'],
  ['personalNumber', null],
  ['email', 'ann.lee@contoso.com'],
  ['phone', '123'],
  ['language', 'en'],
  ['department', 'Sales'],
  ['costCenter', null],
  ['office', null],
  ['jobTitle', null],
  ['company', null],
  ['manager', null],
  ['storage', null],
  ['notes', null],
] as const

function mappedTo(properties: Properties) {
  const users = properties === undefined ? {} : { properties }
  return mapUser(ANN, prepareMapping(sourceSettings.parse({ connection: 'c', users })))
}

function valueOf(target: (typeof ones)[number][0], wanted: ReturnType<typeof mapUser>) {
  return target === 'personalNumber' ? wanted.personalNumber : wanted.fields.get(target)
}

describe('option users.properties', () => {
  it.each(ones)('option users.properties.%s: effect: an attribute, a template, an expression, or none', (target) => {
    expect(valueOf(target, mappedTo({ [target]: 'city' }))).toBe('Prague')
    expect(valueOf(target, mappedTo({ [target]: { template: '%city%-%employeeId%' } }))).toBe('Prague-4711')
    expect(valueOf(target, mappedTo({ [target]: { expression: 'ToUpper([city])' } }))).toBe('PRAGUE')
    expect(valueOf(target, mappedTo({ [target]: 'none' }))).toBe(undefined)
  })

  it.each(ones)('option users.properties.%s: default: %s', (target, expected) => {
    expect(valueOf(target, mappedTo(undefined)) ?? null).toBe(expected)
  })

  it('option users.properties.fullName: effect: what is mapped is empty, so displayName is used', () => {
    expect(mappedTo({ fullName: 'companyName' }).fields.get('fullName')).toBe('Ann Lee')
  })
})

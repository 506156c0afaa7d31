// What expressions do to mapped people, and to what is asked of Graph.
import { describe, expect, it } from 'vitest'
import { sourceSettings, type SourceSettingsInput } from '../../contract/sources.ts'
import type { Attributes } from '../../directory/change.ts'
import { needsOf } from './needs.ts'
import { mapUser, prepareMapping } from './users.ts'

type PropertiesInput = NonNullable<NonNullable<SourceSettingsInput['users']>['properties']>

const settingsOf = (properties: PropertiesInput) => sourceSettings.parse({ connection: 'c', users: { properties } })
const map = (properties: PropertiesInput, attributes: Attributes) =>
  mapUser(attributes, prepareMapping(settingsOf(properties)))

const ANN: Attributes = {
  userPrincipalName: 'ann@contoso.com',
  givenName: 'Ann',
  surname: 'Lee',
  accountEnabled: true,
  otherMails: ['a@x', 'b@x'],
  proxyAddresses: ['SMTP:ann@contoso.com', 'smtp:al@contoso.com'],
  'employeeOrgData.costCenter': 'CC 7',
}

describe('expressions', () => {
  it('give every target its value: one, several, credentials and own fields', () => {
    const wanted = map(
      {
        userName: { expression: 'ToLower(Join(".", [givenName], [surname]))' },
        fullName: { expression: '[surname] & ", " & [givenName]' },
        personalNumber: { expression: 'Right([employeeOrgData.costCenter], 1)' },
        aliases: [{ expression: 'RegexReplace([proxyAddresses], "(?i)^smtp:", "")' }, 'upnPrefix'],
        cards: [{ expression: 'StripSpaces([employeeOrgData.costCenter])', transform: 'lower' }],
        alternateEmails: [{ expression: '[otherMails]' }],
        pin: { expression: 'Left("123456789", Len([givenName]) + 3)' },
        notes: { expression: 'IIF([accountEnabled], "in", "out")' },
        own: { badge: { expression: 'Count([otherMails])' } },
      },
      ANN,
    )

    expect(wanted).toMatchObject({
      userName: 'ann.lee',
      personalNumber: '7',
      aliases: [{ value: 'ann@contoso.com' }, { value: 'al@contoso.com' }, { value: 'ann' }],
      cards: [{ value: 'cc7' }],
      alternateEmails: [{ value: 'a@x' }, { value: 'b@x' }],
      pin: '123456',
      rejected: [],
    })
    expect(wanted.fields.get('fullName')).toBe('Lee, Ann')
    expect(wanted.fields.get('notes')).toBe('in')
    expect(wanted.own.get('badge')).toBe('2')
  })

  it('that come out empty clear the field, and the full name falls back on displayName', () => {
    const wanted = map(
      {
        fullName: { expression: 'Trim([companyName])' },
        notes: { expression: 'Join(",", [city])' },
        cards: [{ expression: '[city]' }],
      },
      { ...ANN, displayName: 'Ann Lee' },
    )

    expect(wanted.fields.get('fullName')).toBe('Ann Lee')
    expect(wanted.fields.get('notes')).toBe(null)
    expect(wanted.cards).toEqual([])
  })

  it('that fail keep the field and say which target and why, without the value', () => {
    const wanted = map(
      {
        notes: { expression: 'CNum([surname])' },
        aliases: [{ expression: 'Left("x", CNum([surname]))' }, 'upnPrefix'],
        own: { badge: { expression: 'Item([otherMails], CNum([city]))' } },
      },
      ANN,
    )

    expect(wanted.rejected).toEqual([
      { target: 'notes', problem: 'CNum: the text is not a number', code: 'expression-failed', apply: 'always' },
      { target: 'own.badge', problem: 'CNum: the text is not a number', code: 'expression-failed', apply: 'always' },
      { target: 'aliases', problem: 'CNum: the text is not a number', code: 'expression-failed', apply: 'always' },
    ])
    expect(wanted.fields.has('notes')).toBe(false)
    expect(wanted.own.has('badge')).toBe(false)
    expect(wanted.aliases).toMatchObject([{ value: 'ann' }])
  })

  it('make exactly the attributes that they name be requested, those of cards and PINs sealed', () => {
    const base = needsOf(settingsOf({}))
    const needs = needsOf(
      settingsOf({
        notes: { expression: 'Join(".", [city], [onPremisesExtensionAttributes.extensionAttribute5], [upnPrefix])' },
        cards: [{ expression: 'Append([employeeId], [id])' }],
        pin: { expression: 'Left([mobilePhone], 4)' },
      }),
    )

    expect(needs.userAttributes.filter((name) => !base.userAttributes.includes(name))).toEqual([
      'city',
      'employeeId',
      'onPremisesExtensionAttributes.extensionAttribute5',
    ])
    expect([...needs.secretAttributes].sort()).toEqual(['employeeId', 'mobilePhone'])
    expect([base.usesId, needs.usesId]).toEqual([false, true])
  })
})

import { describe, expect, it } from 'vitest'
import { settingsOf } from '../../../test/support/people.ts'
import { GROUP_TYPES, type GroupType, type SourceSettingsInput } from '../../contract/sources.ts'
import type { Attributes } from '../../directory/change.ts'
import { mapGroup } from './groups.ts'

const ID = '00000000-0000-4000-8000-000000000001'
const map = (groups: SourceSettingsInput['groups'], attributes: Attributes = { displayName: 'Sales' }) =>
  mapGroup(ID, attributes, settingsOf({ groups }))

describe('whether a group is imported', () => {
  it('by default it is, at the top or under the group of the setting', () => {
    expect(map({})).toEqual({ kind: 'wanted', name: 'Sales', under: '' })
    expect(map({ under: 'Entra|Groups' })).toEqual({ kind: 'wanted', name: 'Sales', under: 'Entra|Groups' })
  })

  it('not where groups are not imported, or it is picked, by its object id alone', () => {
    expect(map({ import: false })).toEqual({ kind: 'ignored', rule: 'groups.import' })
    expect(map({ ignore: [ID] })).toEqual({ kind: 'ignored', rule: 'groups.ignore' })
    expect(map({ ignore: [ID.replace('1', '2')] })).toMatchObject({ kind: 'wanted' })
  })

  it.each([
    ['LES', true],
    ['sa', true],
    ['ﬁ', false],
    ['sales ', false],
  ])('a name that contains %j is ignored: %s', (part, isIgnored) => {
    const groups = { ignoreContaining: ['nobody', part] }

    expect(map(groups)).toMatchObject(
      isIgnored ? { kind: 'ignored', rule: 'groups.ignoreContaining' } : { kind: 'wanted' },
    )
  })

  it('compares what a name contains after NFKC and case folding', () => {
    expect(map({ ignoreContaining: ['FIN'] }, { displayName: 'ﬁnance' })).toMatchObject({ kind: 'ignored' })
    expect(map({ ignoreContaining: ['ß'] }, { displayName: 'STRASSE' })).toMatchObject({ kind: 'ignored' })
  })

  it.each([
    [{}, 'has no name'],
    [{ displayName: ' ' }, 'has no name'],
    [{ displayName: 'a\0' }, 'has a name that contains a NUL character'],
    [{ displayName: 'a'.repeat(257) }, 'has a name that is 257 characters long; at most 256 are kept'],
  ])('%#: a name that cannot be kept is no reason to remove it: %s', (attributes, problem) => {
    expect(map({ ignoreContaining: ['a'] }, attributes)).toEqual({ kind: 'unnamed', problem })
  })

  it('what is ignored needs no name', () => {
    expect(map({ ignore: [ID] }, {})).toMatchObject({ kind: 'ignored' })
  })
})

describe('the types of a group', () => {
  const [SECURITY, MAIL] = [{ securityEnabled: true }, { mailEnabled: true }]
  const cases: readonly (readonly [string, Attributes, readonly GroupType[]])[] = [
    ['security', { ...SECURITY, mailEnabled: false, groupTypes: [] }, ['security']],
    ['Microsoft 365', { ...MAIL, securityEnabled: false, groupTypes: ['Unified'] }, ['microsoft365']],
    ['Microsoft 365 for security', { ...MAIL, ...SECURITY, groupTypes: ['Unified'] }, ['microsoft365']],
    ['mail-enabled security', { ...MAIL, ...SECURITY, groupTypes: [] }, ['mailEnabledSecurity']],
    ['distribution', { ...MAIL, securityEnabled: false, groupTypes: [] }, ['distribution']],
    ['dynamic', { ...SECURITY, groupTypes: ['DynamicMembership'] }, ['security', 'dynamic']],
    ['dynamic Microsoft 365', { ...MAIL, groupTypes: ['DynamicMembership', 'Unified'] }, ['microsoft365', 'dynamic']],
    // Of which Entra says nothing, nothing is concluded.
    ['nothing known', {}, GROUP_TYPES],
    ['neither', { mailEnabled: false, securityEnabled: false }, GROUP_TYPES],
  ]

  it.each(cases)('%s', (_name, attributes, types) => {
    for (const type of GROUP_TYPES)
      expect(map({ types: [type] }, { displayName: 'Sales', ...attributes }), type).toMatchObject(
        types.includes(type) ? { kind: 'wanted' } : { kind: 'ignored', rule: 'groups.types' },
      )
    expect(map({ types: [...GROUP_TYPES] }, { displayName: 'Sales', ...attributes })).toMatchObject({ kind: 'wanted' })
    expect(map({ types: 'all' }, { displayName: 'Sales', ...attributes })).toMatchObject({ kind: 'wanted' })
  })
})

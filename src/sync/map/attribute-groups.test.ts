import { describe, expect, it } from 'vitest'
import { settingsOf } from '../../../test/support/people.ts'
import type { Attributes } from '../../directory/change.ts'
import { attributesOfTemplates, mapAttributeGroups, prepareGroupTemplates } from './attribute-groups.ts'

type Template = string | { readonly template: string; readonly makeDefault: boolean }
const prepared = (templates: readonly Template[], under?: string) =>
  prepareGroupTemplates(
    settingsOf({
      groups: {
        fromAttributes: templates.map((t) => (typeof t === 'string' ? { template: t } : t)),
        ...(under === undefined ? {} : { under }),
      },
    }).groups,
  )
const map = (templates: readonly Template[], attributes: Attributes) =>
  mapAttributeGroups(attributes, prepared(templates))
const RULE = 'groups.fromAttributes[0]'
const TREE = '%companyName%|%department%'

describe('groups from attributes', () => {
  it('make a tree of their levels', () => {
    expect(map([TREE], { companyName: 'Contoso', department: ' Sales ' })).toEqual({
      groups: [{ names: ['Contoso', 'Sales'], rule: RULE }],
      defaultGroup: undefined,
      rejected: [],
    })
  })

  it.each([
    [{ companyName: 'Contoso' }, [['Contoso']]],
    [{ department: 'Sales' }, []],
    [{}, []],
  ])('end before the first empty level: %j gives %j', (attributes, names) => {
    expect(map([TREE], attributes).groups.map((group) => group.names)).toEqual(names)
  })

  it.each([
    ['Floor %officeLocation%', {}, []],
    ['Floor %officeLocation%', { officeLocation: '3' }, [['Floor 3']]],
    ['%city% %state%', { state: 'S' }, [['S']]],
    ['All|%city%', {}, [['All']]],
    ['All|%city%', { city: 'C' }, [['All', 'C']]],
    ['%otherMails%', { otherMails: ['a', 'b'] }, [['a']]],
    ['%city%|%companyName%', { city: 'a|b', companyName: 'c' }, [['a|b', 'c']]],
  ])('%s of %j is %j', (template, attributes, names) => {
    expect(map([template], attributes).groups.map((group) => group.names)).toEqual(names)
  })

  it('D10: a name that cannot be kept makes nothing, and is told by the rule of its template', () => {
    expect(map(['%city%', TREE], { city: 'C', companyName: 'c', department: 'a\0' })).toEqual({
      groups: [{ names: ['C'], rule: RULE }],
      defaultGroup: undefined,
      rejected: [{ target: 'groups.fromAttributes[1]', problem: 'contains a NUL character' }],
    })
    expect(map(['%city%'], { city: 'a'.repeat(257) }).rejected).toHaveLength(1)
  })

  it('the first template that makes one gives the default group', () => {
    const templates = [
      '%city%',
      { template: '%state%', makeDefault: true },
      { template: '%country%', makeDefault: true },
    ]

    expect(map(templates, { city: 'C', state: 'S', country: 'L' }).defaultGroup).toEqual({
      names: ['S'],
      rule: 'groups.fromAttributes[1]',
    })
    expect(map(templates, { city: 'C', country: 'L' }).defaultGroup).toMatchObject({ names: ['L'] })
    expect(map(templates, { city: 'C' }).defaultGroup).toBe(undefined)
  })

  it('which default group it is is unknown where the first one cannot be kept', () => {
    const templates = [
      { template: '%city%', makeDefault: true },
      { template: '%state%', makeDefault: true },
    ]

    expect(map(templates, { city: 'a\0', state: 'S' }).defaultGroup).toBe('unknown')
    expect(map(templates, { city: 'C', state: 'a\0' }).defaultGroup).toMatchObject({ names: ['C'] })
    expect(map(['%city%'], { city: 'a\0' }).defaultGroup).toBe(undefined)
  })
})

describe('reading the templates', () => {
  it('tells where they stand and which attributes they need', () => {
    const templates = prepared([TREE, 'All %upnPrefix%'], 'Entra|a\\|b')

    expect(templates.under).toEqual(['Entra', 'a|b'])
    expect(templates.templates.map((t) => t.rule)).toEqual([RULE, 'groups.fromAttributes[1]'])
    expect(attributesOfTemplates(templates)).toEqual(['companyName', 'department', 'userPrincipalName'])
    expect(prepared([]).under).toEqual([])
  })

  it('one that was accepted once and is not any more makes nothing, and the others keep their rule', () => {
    const { groups } = settingsOf({ groups: { fromAttributes: [{ template: '%city%' }, { template: '%state%' }] } })
    const [, second] = groups.fromAttributes
    const fromAttributes = [{ template: '%', makeDefault: true }, second!]

    expect(prepareGroupTemplates({ ...groups, fromAttributes }).templates.map((t) => t.rule)).toEqual([
      'groups.fromAttributes[1]',
    ])
  })
})

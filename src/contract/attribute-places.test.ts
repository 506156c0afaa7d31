import { describe, expect, it } from 'vitest'
import { attributePlaces } from './attribute-places.ts'
import { sourceSettings } from './sources.ts'

describe('attributePlaces', () => {
  it('names every place that reads an attribute by the path that mistakes have, with the character inside of texts', () => {
    const settings = sourceSettings.parse({
      connection: 'contoso',
      users: {
        filter: {
          any: [{ all: [{ attribute: 'mail', present: true }] }, { all: [{ attribute: 'city', eq: 'Bern' }] }],
        },
        properties: {
          userName: 'upnPrefix',
          fullName: 'none',
          email: 'none',
          phone: 'none',
          language: 'none',
          department: { template: 'a %%%department%' },
          aliases: [{ from: 'mailNickname' }, { expression: 'ToLower([employeeId])' }],
          pin: 'generate',
          own: { badge: 'faxNumber' },
        },
      },
      groups: { fromAttributes: [{ template: '%companyName%|%department%' }] },
    })

    expect(attributePlaces(settings)).toEqual([
      { at: 'users.filter.any[0].all[0].attribute', attribute: 'mail' },
      { at: 'users.filter.any[1].all[0].attribute', attribute: 'city' },
      { at: 'users.properties.userName', attribute: 'upnPrefix' },
      { at: 'users.properties.aliases[0]', attribute: 'mailNickname' },
      { at: 'users.properties.aliases[1].expression', attribute: 'employeeId', character: 10 },
      { at: 'users.properties.department.template', attribute: 'department', character: 6 },
      { at: 'users.properties.own.badge', attribute: 'faxNumber' },
      { at: 'groups.fromAttributes[0].template', attribute: 'companyName', character: 2 },
      { at: 'groups.fromAttributes[0].template', attribute: 'department', character: 16 },
    ])
  })
})

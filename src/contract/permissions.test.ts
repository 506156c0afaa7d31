import { describe, expect, it } from 'vitest'
import { permissionsFor } from './permissions.ts'
import { needsOf } from '../sync/map/needs.ts'
import { sourceSettings } from './sources.ts'
import { warningsOf } from './warnings.ts'

const LEAVING = 'employeeLeaveDateTime'
const source = (name: string, settings: object) => ({
  name,
  settings: sourceSettings.parse({ connection: 'contoso', ...settings }),
})
const names = (wants: Parameters<typeof permissionsFor>[0]) => permissionsFor(wants).map(({ permission }) => permission)

describe('the permissions that are needed', () => {
  it('are those of nearly every source before there is one', () => {
    expect(names({ sources: [], hasHiddenGroups: false })).toEqual(['User.Read.All', 'GroupMember.Read.All'])
  })

  it('are no more than what is chosen needs, each with what needs it', () => {
    const users = source('staff', { groups: { import: false } })
    const groups = source('pupils', { users: { import: { groups: ['11111111-1111-4111-8111-111111111111'] } } })

    expect(names({ sources: [users], hasHiddenGroups: true })).toEqual(['User.Read.All'])
    expect(permissionsFor({ sources: [users, groups], hasHiddenGroups: false })).toEqual([
      { permission: 'User.Read.All', reasons: ['staff reads users', 'pupils reads users'], isRequired: true },
      {
        permission: 'GroupMember.Read.All',
        reasons: ['pupils imports groups and who is in them', 'pupils takes its people from groups'],
        isRequired: true,
      },
    ])
  })

  it('include the groups of who signs in, where a group gives a role, and nothing of hidden ones for it', () => {
    const users = source('staff', { groups: { import: false } })

    expect(
      permissionsFor({ sources: [users], hasHiddenGroups: true, rolesByGroup: ['operator', 'viewer'] }).slice(1),
    ).toEqual([
      {
        permission: 'GroupMember.Read.All',
        reasons: ['a group gives the role operator to who signs in', 'a group gives the role viewer to who signs in'],
        isRequired: true,
      },
    ])
  })

  it('include those for hidden groups, which one can do without, and for the leave date, which one cannot', () => {
    const staff = source('staff', { users: { properties: { notes: 'employeeLeaveDateTime' } } })

    expect(permissionsFor({ sources: [staff], hasHiddenGroups: true }).slice(2)).toMatchObject([
      { permission: 'Member.Read.Hidden', isRequired: false },
      {
        permission: 'User-LifeCycleInfo.Read.All',
        reasons: ['staff uses employeeLeaveDateTime (users.properties.notes)'],
        isRequired: true,
      },
    ])
  })

  it.each([
    ['users.filter', { users: { filter: { any: [{ all: [{ attribute: LEAVING, absent: true }] }] } } }],
    ['users.properties.pin', { users: { properties: { pin: LEAVING } } }],
    ['users.properties.cards', { users: { properties: { cards: [LEAVING] } } }],
    ['users.properties.notes', { users: { properties: { notes: { expression: `Left([${LEAVING}], 10)` } } } }],
    ['users.properties.notes', { users: { properties: { notes: { template: `until %${LEAVING}%` } } } }],
    ['users.properties.own.until', { users: { properties: { own: { until: LEAVING } } } }],
    ['groups.fromAttributes[0]', { groups: { fromAttributes: [{ template: `Leavers|%${LEAVING}%` }] } }],
  ])('include that for the leave date wherever it is read, and the settings warn there: %s %j', (at, settings) => {
    const staff = source('staff', settings)

    expect(permissionsFor({ sources: [staff], hasHiddenGroups: false }).at(-1)).toEqual({
      permission: 'User-LifeCycleInfo.Read.All',
      reasons: [`staff uses employeeLeaveDateTime (${at})`],
      isRequired: true,
    })
    expect(warningsOf(staff.settings).filter(({ message }) => message.includes(LEAVING))).toMatchObject([{ at }])
    expect(needsOf(staff.settings).userAttributes).toContain(LEAVING)
  })
})

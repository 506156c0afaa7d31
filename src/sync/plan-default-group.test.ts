import { describe, expect, it } from 'vitest'
import { aRegistryUser, MINE, OTHER, planned, type Situation } from '../../test/support/people.ts'
import type { RegistryDefaultGroup } from '../directory/user.ts'
import type { PersonGroups } from './plan-person.ts'

const SALES = { id: 5, path: 'Sales' }
const had = (o: Partial<RegistryDefaultGroup> = {}): RegistryDefaultGroup => ({
  id: 4,
  path: 'Old',
  isGiven: true,
  memberBy: [MINE],
  ...o,
})
const groups = (o: Partial<PersonGroups> = {}): PersonGroups => ({
  groupIds: [],
  defaultGroup: undefined,
  isComplete: true,
  ...o,
})
const changeOf = (
  attributeGroups: PersonGroups | undefined,
  defaultGroup: RegistryDefaultGroup | null,
  o: Situation = {},
) => {
  const item = planned({ linked: aRegistryUser({ defaultGroup }), attributeGroups, ...o }).items[0]
  return item === undefined ? undefined : [item.old?.['defaultGroup'], item.new?.['defaultGroup'], item.groupId]
}

describe('the default group of somebody new', () => {
  it.each([
    [groups({ defaultGroup: SALES }), 'Sales', 5],
    [groups({ defaultGroup: 'unknown' }), undefined, null],
    [groups(), undefined, null],
    [undefined, undefined, null],
  ])('of %j is %s', (attributeGroups, path, id) => {
    const item = planned({ attributeGroups }).items[0]!

    expect(item.action).toBe('create')
    expect(item.new?.['defaultGroup']).toBe(path)
    expect(item.groupId).toBe(id)
  })
})

describe('the default group of somebody known', () => {
  it('follows the template, whoever chose the one he had', () => {
    expect(changeOf(groups({ defaultGroup: SALES }), null)).toEqual([null, 'Sales', 5])
    expect(changeOf(groups({ defaultGroup: SALES }), had())).toEqual(['Old', 'Sales', 5])
    expect(changeOf(groups({ defaultGroup: SALES }), had({ isGiven: false }))).toEqual(['Old', 'Sales', 5])
    expect(changeOf(groups({ defaultGroup: SALES }), had({ id: 5 }))).toBe(undefined)
  })

  it('is taken back when he leaves the group that the source gave', () => {
    expect(changeOf(groups(), had())).toEqual(['Old', null, null])
    expect(changeOf(groups(), had({ memberBy: [] }))).toEqual(['Old', null, null])
  })

  it.each([
    ['an administrator chose it', groups(), had({ isGiven: false })],
    ['he has none', groups(), null],
    ['a value of a template cannot be kept', groups({ isComplete: false }), had()],
    ['it is not known which one it should be', groups({ defaultGroup: 'unknown' }), had()],
    ['he is still in the group', groups({ groupIds: [4] }), had()],
    ['another source has him in it', groups(), had({ memberBy: [MINE, OTHER] })],
    ['somebody put him there by hand', groups(), had({ memberBy: [0] })],
    ['nobody asks for groups', undefined, had()],
  ])('stays when %s', (_why, wanted, defaultGroup) => {
    expect(changeOf(wanted, defaultGroup)).toBe(undefined)
  })

  it('stays where the source does not change default groups, but somebody new gets his', () => {
    const o = { groups: { keepDefaultGroup: true } }

    expect(changeOf(groups({ defaultGroup: SALES }), had(), o)).toBe(undefined)
    expect(changeOf(groups(), had(), o)).toBe(undefined)
    expect(planned({ attributeGroups: groups({ defaultGroup: SALES }), ...o }).items[0]?.groupId).toBe(5)
  })
})

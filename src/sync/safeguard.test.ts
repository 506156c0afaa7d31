import { describe, expect, it } from 'vitest'
import { sourceSettings } from '../contract/sources.ts'
import { holdReasons, limitOf, NOTHING_SPENT, type AlwaysHeld, type PlanFigures } from './safeguard.ts'

const LIMITS = sourceSettings.parse({ connection: 'c' }).safeguard!
const NOTHING: PlanFigures = {
  usersRemoved: 0,
  usersBefore: 1000,
  groupsDeleted: 0,
  groupsBefore: 100,
  membershipsRemoved: 0,
  membershipsBefore: 5000,
  credentialsRemoved: 0,
  credentialsBefore: 1000,
  rewrites: { userName: 0, card: 0, pin: 0, personalNumber: 0, email: 0 },
  cleared: new Map(),
  groupsEmptied: 0,
  adoptions: 0,
}
const CALM: AlwaysHeld = {
  noUsersWhereSome: false,
  usersKnown: 0,
  connectionChanged: false,
  upgraded: false,
  adoptions: 'hold',
  reverted: 0,
  clearedEverywhere: [],
}
const rulesOf = (
  figures: Partial<PlanFigures>,
  always: Partial<AlwaysHeld> = {},
  limits: typeof LIMITS | null = LIMITS,
) =>
  holdReasons({ ...NOTHING, ...figures }, { limits, always: { ...CALM, ...always }, spent: NOTHING_SPENT }).map(
    (r) => r.rule,
  )

describe('the safeguard', () => {
  it.each([
    // before, the most that passes
    [0, 5],
    [10, 5],
    [50, 5],
    [59, 5],
    [60, 6],
    [1000, 100],
    [4999, 499],
    [5000, 500],
    [500_000, 500],
  ])('lets at most the limit of %i people go: %i', (before, limit) => {
    expect(limitOf(5, LIMITS.removals, before)).toBe(limit)
    expect(rulesOf({ usersBefore: before, usersRemoved: limit })).toEqual([])
    expect(rulesOf({ usersBefore: before, usersRemoved: limit + 1 })).toEqual(['removals.users'])
  })

  it.each([
    ['removals.groups', { groupsDeleted: 11 }, { groupsDeleted: 10 }],
    ['memberships', { membershipsRemoved: 501 }, { membershipsRemoved: 500 }],
    [
      'memberships',
      { membershipsRemoved: 101, membershipsBefore: 10 },
      { membershipsRemoved: 100, membershipsBefore: 10 },
    ],
    ['credentials', { credentialsRemoved: 201 }, { credentialsRemoved: 200 }],
    [
      'rewrites.userName',
      { rewrites: { ...NOTHING.rewrites, userName: 201 } },
      { rewrites: { ...NOTHING.rewrites, userName: 200 } },
    ],
    [
      'rewrites.card',
      { rewrites: { ...NOTHING.rewrites, card: 201 } },
      { rewrites: { ...NOTHING.rewrites, card: 200 } },
    ],
    ['rewrites.pin', { rewrites: { ...NOTHING.rewrites, pin: 201 } }, { rewrites: { ...NOTHING.rewrites, pin: 200 } }],
    [
      'rewrites.personalNumber',
      { rewrites: { ...NOTHING.rewrites, personalNumber: 201 } },
      { rewrites: { ...NOTHING.rewrites, personalNumber: 200 } },
    ],
    [
      'rewrites.email',
      { rewrites: { ...NOTHING.rewrites, email: 201 } },
      { rewrites: { ...NOTHING.rewrites, email: 200 } },
    ],
    [
      'cleared.office',
      { cleared: new Map([['office', { count: 21, before: 100 }]]) },
      { cleared: new Map([['office', { count: 20, before: 100 }]]) },
    ],
    [
      'cleared.office',
      { cleared: new Map([['office', { count: 11, before: 12 }]]) },
      { cleared: new Map([['office', { count: 10, before: 12 }]]) },
    ],
    ['groups-emptied', { groupsEmptied: 1 }, {}],
  ] as const)('holds what exceeds %s and not what meets it', (rule, over, at) => {
    expect(rulesOf(over)).toEqual([rule])
    expect(rulesOf(at)).toEqual([])
  })

  it('holds whatever the plan does when Entra returned nobody, the connection changed or plans are made differently', () => {
    expect(rulesOf({}, { noUsersWhereSome: true, connectionChanged: true, upgraded: true })).toEqual([
      'no-users',
      'connection-changed',
      'upgraded',
    ])
  })

  it('holds adoptions unless they are automatic', () => {
    expect(rulesOf({ adoptions: 1 })).toEqual(['adoptions'])
    expect(rulesOf({ adoptions: 1 }, { adoptions: 'automatic' })).toEqual([])
  })

  it('switched off, it holds only what is always held', () => {
    expect(rulesOf({ usersRemoved: 1000, groupsEmptied: 5 }, {}, null)).toEqual([])
    expect(rulesOf({ usersRemoved: 1000 }, { noUsersWhereSome: true }, null)).toEqual(['no-users'])
  })

  it('has limits that can be set, down to none at all', () => {
    const strict = sourceSettings.parse({ connection: 'c', safeguard: { removals: { percent: 0, count: 0 } } })
      .safeguard!
    expect(rulesOf({ usersRemoved: 1 }, {}, strict)).toEqual(['removals.users'])
    expect(strict.memberships).toEqual({ percent: 10, count: 20_000 })
  })
})

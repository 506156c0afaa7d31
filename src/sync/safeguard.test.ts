import { describe, expect, it } from 'vitest'
import { sourceSettings } from '../contract/sources.ts'
import {
  addSpent,
  type AlwaysHeld,
  holdReasons,
  limitOf,
  NOTHING_SPENT,
  type PlanFigures,
  type Spent,
} from './safeguard.ts'

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

  it('tells how much there is of what is always held, and of nothing that is not there', () => {
    const always = {
      ...CALM,
      noUsersWhereSome: true,
      usersKnown: 7,
      reverted: 3,
      clearedEverywhere: ['office', 'cards'],
    }
    expect(holdReasons(NOTHING, { limits: null, always, spent: NOTHING_SPENT })).toEqual([
      { rule: 'no-users', count: 7, limit: 0 },
      { rule: 'cleared-everywhere.office', count: 1, limit: 0 },
      { rule: 'cleared-everywhere.cards', count: 1, limit: 0 },
      { rule: 'reverted', count: 3, limit: 0 },
    ])
    expect(holdReasons(NOTHING, { limits: LIMITS, always: CALM, spent: NOTHING_SPENT })).toEqual([])
  })
})

const SPENT: Spent = {
  usersRemoved: 1,
  groupsDeleted: 2,
  membershipsRemoved: 3,
  credentialsRemoved: 4,
  rewrites: { userName: 5, card: 6, pin: 7, personalNumber: 8, email: 9 },
  cleared: { office: 10 },
}

describe('what was applied without approval in the last 24 hours', () => {
  it('is added up kind by kind and attribute by attribute', () => {
    const more: Spent = {
      usersRemoved: 100,
      groupsDeleted: 200,
      membershipsRemoved: 300,
      credentialsRemoved: 400,
      rewrites: { userName: 500, card: 600, pin: 700, personalNumber: 800, email: 900 },
      cleared: { office: 1000, title: 1100 },
    }
    expect(addSpent(SPENT, more)).toEqual({
      usersRemoved: 101,
      groupsDeleted: 202,
      membershipsRemoved: 303,
      credentialsRemoved: 404,
      rewrites: { userName: 505, card: 606, pin: 707, personalNumber: 808, email: 909 },
      cleared: { office: 1010, title: 1100 },
    })
    expect(addSpent(NOTHING_SPENT, SPENT)).toEqual(SPENT)
    expect(addSpent(SPENT, NOTHING_SPENT)).toEqual(SPENT)
  })

  it.each([
    // the plan, what was spent, the most that both may be
    ['removals.users', { usersRemoved: 40 }, { usersRemoved: 60 }, 100],
    ['removals.groups', { groupsDeleted: 4 }, { groupsDeleted: 6 }, 10],
    ['memberships', { membershipsRemoved: 200 }, { membershipsRemoved: 300 }, 500],
    ['credentials', { credentialsRemoved: 80 }, { credentialsRemoved: 120 }, 200],
    [
      'rewrites.card',
      { rewrites: { ...NOTHING.rewrites, card: 80 } },
      { rewrites: { ...NOTHING_SPENT.rewrites, card: 120 } },
      200,
    ],
    ['cleared.office', { cleared: new Map([['office', { count: 8, before: 100 }]]) }, { cleared: { office: 12 } }, 20],
  ] as const)('counts together with the next plan: %s', (rule, plan, before, limit) => {
    const judge = (figures: Partial<PlanFigures>, spent: Partial<Spent>) =>
      holdReasons({ ...NOTHING, ...figures }, { limits: LIMITS, always: CALM, spent: { ...NOTHING_SPENT, ...spent } })
    expect(judge(plan, before)).toEqual([])
    const [over] = judge(plan, addSpent({ ...NOTHING_SPENT, ...before }, oneMore(rule)))
    expect(over).toEqual({ rule, count: limit + 1, limit })
    // Others of its kind do not make a plan wait that does nothing of it.
    expect(judge({}, addSpent({ ...NOTHING_SPENT, ...before }, SPENT))).toEqual([])
  })
})

function oneMore(rule: string): Spent {
  const [, kind = ''] = rule.split('.')
  return {
    usersRemoved: rule === 'removals.users' ? 1 : 0,
    groupsDeleted: rule === 'removals.groups' ? 1 : 0,
    membershipsRemoved: rule === 'memberships' ? 1 : 0,
    credentialsRemoved: rule === 'credentials' ? 1 : 0,
    rewrites: { ...NOTHING_SPENT.rewrites, ...(rule.startsWith('rewrites') ? { [kind]: 1 } : {}) },
    cleared: rule.startsWith('cleared') ? { [kind]: 1 } : {},
  }
}

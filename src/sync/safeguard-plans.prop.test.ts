// The safeguard end to end: plans made by real planning on real PostgreSQL, for every cause at and just over its limit, must
// be held for exactly the reasons that follow from what the test did.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import {
  aLargeTenant,
  attributesOf,
  GROUP_OF_49,
  GROUP_OF_50,
  type LargeTenant,
  MAPPED,
  SCOPE_GROUP,
  SETTINGS,
} from '../../test/support/large-tenant.ts'
import type { PlanOverrides } from '../../test/support/planned.ts'
import { expectedRules } from '../../test/support/safeguard-expected.ts'
import type { Settings } from '../../test/support/world.ts'
import { sourceSettings, type SafeguardLimits } from '../contract/sources.ts'
import type { AlwaysHeld, PlanFigures } from './safeguard.ts'

const LIMITS = sourceSettings.parse({ connection: 'c' }).safeguard!

interface Cause {
  readonly name: string
  /** How many there are to lose, and from how many on that is too much in a source of this size. */
  readonly most: (t: LargeTenant) => number
  readonly limit: (t: LargeTenant, limits: SafeguardLimits) => number
  readonly settings?: Settings
  readonly does: (t: LargeTenant, count: number) => Promise<void>
  /** What the plan then does, as far as limits look at it. */
  readonly figures: (t: LargeTenant, count: number) => Partial<PlanFigures>
}

const share = (least: number, percent: number, base: number) => Math.max(least, Math.floor((base * percent) / 100))
const everybody = (t: LargeTenant) => t.size
const removals = (t: LargeTenant, { removals: r }: SafeguardLimits) => Math.min(share(5, r.percent, t.size), r.count)
const rewrites = (t: LargeTenant, { rewrites: r }: SafeguardLimits) => Math.min(share(10, r.percent, t.size), r.count)
const removed = (_: LargeTenant, count: number) => ({ usersRemoved: count })
const rewriting = (kind: keyof PlanFigures['rewrites']) => (_: LargeTenant, count: number) => ({
  rewrites: { userName: 0, card: 0, pin: 0, personalNumber: 0, email: 0, [kind]: count },
  ...(kind === 'card' || kind === 'pin' ? { credentialsRemoved: count } : {}),
})
const clearing = (field: string) => (t: LargeTenant, count: number) => ({
  cleared: new Map([[field, { count, before: t.size }]]),
})
const set = (attribute: string, value: (n: number) => unknown) => (t: LargeTenant, count: number) =>
  t.users(count, { attributes: (n) => ({ [attribute]: value(n) }) })
const none = () => ({})

function leaving(name: string, does: Cause['does'], settings?: Settings): Cause {
  return {
    name,
    most: everybody,
    limit: removals,
    does,
    figures: removed,
    ...(settings === undefined ? {} : { settings }),
  }
}

const withUsers = (users: Partial<(typeof SETTINGS)['users']> & Settings['users']): Settings => ({
  ...SETTINGS,
  users: { ...SETTINGS.users, ...users },
})

const CAUSES: readonly Cause[] = [
  leaving('soft-deleted', (t, count) => t.users(count, { state: 's' })),
  leaving('gone for good', (t, count) => t.users(count, { state: 'x' })),
  leaving(
    'disabled',
    set('accountEnabled', () => false),
  ),
  leaving(
    'disabled and ignored',
    set('accountEnabled', () => false),
    withUsers({ disabledAccounts: 'ignore' }),
  ),
  leaving(
    'now guests',
    set('userType', () => 'Guest'),
  ),
  leaving(
    'filtered',
    set('employeeType', () => 'Robot'),
  ),
  {
    name: 'out of the selected group',
    most: (t) => t.size - 1,
    limit: removals,
    does: (t, count) => t.leave(SCOPE_GROUP, count),
    figures: (_, count) => ({ usersRemoved: count, membershipsRemoved: count }),
  },
  leaving('of three causes', async (t, count) => {
    const third = Math.floor(count / 3)
    await t.users(third, { state: 's' })
    await t.users(third, { attributes: () => ({ accountEnabled: false }) }, third)
    await t.users(count - 2 * third, { attributes: () => ({ userType: 'Guest' }) }, 2 * third)
  }),
  {
    name: 'groups deleted',
    most: (t) => Math.ceil(t.size / 10),
    limit: (t, l) => Math.min(share(5, l.removals.percent, t.groups), l.removals.count),
    does: (t, count) => t.groupsGone(Array.from({ length: count }, (_, n) => t.smallGroup(n))),
    figures: (t, count) => ({
      groupsDeleted: count,
      membershipsRemoved: Array.from({ length: count }, (_, n) => t.smallGroupSize(n)).reduce((a, b) => a + b, 0),
    }),
  },
  {
    name: 'memberships',
    most: everybody,
    limit: (t, l) => Math.min(share(100, l.memberships.percent, t.memberships), l.memberships.count),
    does: (t, count) => t.leaveSmallGroups(count),
    figures: (_, count) => ({ membershipsRemoved: count }),
  },
  {
    name: 'cards withdrawn',
    most: everybody,
    limit: (t, l) => Math.min(share(10, l.credentials.percent, t.size * 2), l.credentials.count),
    does: set('employeeId', () => null),
    figures: (_, count) => ({ credentialsRemoved: count }),
  },
  ...(
    [
      ['userName', 'userPrincipalName', (n: number) => `renamed${n}@contoso.com`],
      ['card', 'employeeId', (n: number) => `D${n}`],
      ['pin', 'postalCode', (n: number) => String(91_304_721 + n * 17)],
      ['personalNumber', 'faxNumber', (n: number) => `number ${n}`],
      ['email', 'mail', (n: number) => `new${n}@contoso.com`],
    ] as const
  ).map(
    ([kind, attribute, value]): Cause => ({
      name: `${kind} rewritten`,
      most: everybody,
      limit: rewrites,
      does: set(attribute, value),
      figures: rewriting(kind),
    }),
  ),
  ...[
    ...Object.entries(MAPPED),
    ['aliases', 'mailNickname'],
    ['alternateEmails', 'otherMails'],
    ['own.badge', 'city'],
  ].map(
    ([field = '', attribute = '']): Cause => ({
      name: `${field} cleared`,
      most: everybody,
      limit: (t, l) => share(10, l.rewrites.percent, t.size),
      does: set(attribute, () => null),
      figures: clearing(field),
    }),
  ),
  // What never counts, however much of it.
  ...(
    [
      ['user names emptied', set('userPrincipalName', () => null)],
      ['departments rewritten', set('department', (n) => `other ${n}`)],
      ['new people', (t: LargeTenant, count: number) => t.users(count, {}, t.size)],
    ] as const
  ).map(([name, does]): Cause => ({ name, most: everybody, limit: everybody, does, figures: none })),
  {
    name: 'soft-deleted where missing users are kept',
    most: everybody,
    limit: everybody,
    settings: withUsers({ options: { deactivateMissingUsers: false } }),
    does: (t, count) => t.users(count, { state: 's' }),
    figures: none,
  },
]

const CUSTOM: Settings['safeguard'] = {
  removals: { percent: 2.5, count: 7 },
  memberships: { percent: 1, count: 120 },
  credentials: { percent: 50, count: 12 },
  rewrites: { percent: 35.5, count: 15 },
}
const KINDS: readonly (readonly [string, Settings['safeguard']])[] = [
  ['default', {}],
  ['custom', CUSTOM],
]

const CALM: AlwaysHeld = {
  noUsersWhereSome: false,
  usersKnown: 0,
  connectionChanged: false,
  upgraded: false,
  adoptions: 'hold',
  reverted: 0,
  clearedEverywhere: [],
}

function figuresOf(t: LargeTenant, part: Partial<PlanFigures>): PlanFigures {
  return {
    usersRemoved: 0,
    usersBefore: t.size,
    groupsDeleted: 0,
    groupsBefore: t.groups,
    membershipsRemoved: 0,
    membershipsBefore: t.memberships,
    credentialsRemoved: 0,
    credentialsBefore: t.size * 2,
    rewrites: { userName: 0, card: 0, pin: 0, personalNumber: 0, email: 0 },
    cleared: new Map(),
    groupsEmptied: 0,
    adoptions: 0,
    ...part,
  }
}

let test: TestDatabase
beforeAll(async () => {
  test = await createTestDatabase()
})
afterAll(() => test.drop())

describe.each([
  [4, KINDS.slice(0, 1)],
  [60, KINDS],
  [320, KINDS.slice(0, 1)],
] as const)('a source of %i people', (size, kinds) => {
  let t: LargeTenant
  beforeAll(async () => {
    t = await aLargeTenant(test.db, size)
  })
  afterAll(async () => {
    for (const table of [
      'runs',
      'users',
      'groups',
      'sources',
      'connections',
      'mirror_members',
      'saved_objects',
      'saved_members',
    ])
      await test.db.query(`delete from ${table}`)
  })

  /** Names of the rules that hold the plan of what `does` did; afterwards all is as before. */
  async function rulesAfter(does: () => Promise<void>, o: { settings?: Settings; overrides?: PlanOverrides } = {}) {
    if (o.settings !== undefined) await t.source.set(o.settings)
    if (o.settings !== undefined) await test.db.query('update sources set marked_all = false')
    await does()
    const plan = await t.source.plan(o.overrides)
    await t.restore()
    return { rules: plan.held.map((r) => r.rule).sort(), plan }
  }

  describe.each(kinds)('with %s limits', (_, safeguard) => {
    const limits = sourceSettings.parse({ connection: 'c', safeguard }).safeguard!
    const settled = (settings: Settings = SETTINGS): Settings => ({ ...settings, safeguard })

    it.each(CAUSES)('O4, G22, I3: $name: what meets the limit passes, one more is held', async (cause) => {
      const limit = cause.limit(t, limits)
      const counts = new Set([limit, limit + 1].map((count) => Math.min(count, cause.most(t))))
      for (const count of counts) {
        const { rules } = await rulesAfter(() => cause.does(t, count), { settings: settled(cause.settings) })

        expect({ count, rules }).toEqual({
          count,
          rules: expectedRules(figuresOf(t, cause.figures(t, count)), limits, CALM),
        })
      }
    })
  })

  it.skipIf(size < 50)('G17: a group of 50 may not lose all, one of 49 may, and 49 of 50 may', async () => {
    const all = await rulesAfter(() => t.leave(GROUP_OF_50, 50))
    const one = await rulesAfter(() => t.leave(GROUP_OF_50, 49))
    const less = await rulesAfter(() => t.leave(GROUP_OF_49, 49))

    expect([all.rules, one.rules, less.rules]).toEqual([['groups-emptied'], [], []])
  })

  it('G17: a selected group that loses everybody is held, whatever else is', async () => {
    const { rules, plan } = await rulesAfter(() => t.leave(SCOPE_GROUP, size))

    expect(rules).toEqual(
      expectedRules(figuresOf(t, { usersRemoved: size, membershipsRemoved: size, groupsEmptied: 1 }), LIMITS, CALM),
    )
    expect(plan.users.deactivated).toBe(size)
  })

  it.each([
    ['G14: nobody was returned', { noUsersWhereSome: true }, 'no-users'],
    ['O4: tenant or app changed', { connectionChanged: true }, 'connection-changed'],
    ['O7: plans are made differently', { upgraded: true }, 'upgraded'],
  ] as const)('%s: held, also with the safeguard off', async (_, overrides, rule) => {
    const does = () => t.users(1, { attributes: () => ({ department: 'other' }) })
    const on = await rulesAfter(does, { overrides })
    const off = await rulesAfter(does, { overrides, settings: { ...SETTINGS, safeguard: 'off' } })

    expect([on.rules, off.rules]).toEqual([[rule], [rule]])
  })

  it('switched off, everything may go', async () => {
    const { rules, plan } = await rulesAfter(() => t.users(size, { state: 's' }), {
      settings: { ...SETTINGS, safeguard: 'off' },
    })

    expect(rules).toEqual([])
    expect(plan.users.deactivated).toBe(size)
  })

  it('G1: while removals are not allowed nobody goes and nothing is held', async () => {
    const { rules, plan } = await rulesAfter(() => t.users(size, { state: 's' }), {
      overrides: { removalsAllowed: false },
    })

    expect(rules).toEqual([])
    expect(plan.isEmpty).toBe(true)
  })

  it('adoptions are held unless automatic, and what they overwrite counts', async () => {
    const local = async () => {
      await test.db.query(
        `with u as (insert into users (user_name, email) select 'user' || n || '@contoso.com', 'own' || n from generate_series($1::int, $2::int) n returning id, user_name)
         insert into user_names (user_id, kind, value, key, origin, held) select id, 'n', user_name, user_name, 'o', true from u`,
        [size, size + rewrites(t, LIMITS)],
      )
      await t.users(rewrites(t, LIMITS) + 1, { attributes: attributesOf }, size)
    }
    const forget = () => test.db.query('delete from users where object_id is null')
    const held = await rulesAfter(local)
    await forget()
    const automatic = await rulesAfter(local, { settings: { ...SETTINGS, adoptions: 'automatic' } })
    await forget()

    expect(held.rules).toEqual(['adoptions', 'rewrites.email'])
    expect(automatic.rules).toEqual(['rewrites.email'])
    expect(automatic.plan.users.adopted).toBe(rewrites(t, LIMITS) + 1)
  })
})

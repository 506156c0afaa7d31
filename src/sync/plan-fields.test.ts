import { describe, expect, it } from 'vitest'
import { aRegistryUser, planned, type PropertiesInput, type Situation } from '../../test/support/people.ts'
import type { RegistryUser } from '../directory/user.ts'

/** What the one update of a person says, old and new. */
const changeOf = (user: Partial<RegistryUser>, o: Situation & { readonly properties?: PropertiesInput } = {}) => {
  const { properties = {}, ...situation } = o
  const item = planned({ linked: aRegistryUser(user), users: { properties }, ...situation }).items.find(
    (i) => i.action === 'update',
  )
  return item === undefined ? undefined : { old: item.old, new: item.new, given: item.givenEmails }
}
const FIELDS = aRegistryUser.NO_FIELDS

describe('one-valued fields', () => {
  it('change where the value does, and are cleared by an empty attribute', () => {
    const fields = { ...FIELDS, department: 'Sales', phone: '1', email: 'a@x' }

    expect(changeOf({ fields }, { attributes: { department: 'Board', mail: 'a@x' } })).toEqual({
      old: { department: 'Sales', phone: '1' },
      new: { department: 'Board', phone: null },
      given: undefined,
    })
  })

  it('that are not mapped stay', () => {
    expect(changeOf({ fields: { ...FIELDS, notes: 'by hand' } }, { attributes: {} })).toBe(undefined)
  })
})

describe('own fields', () => {
  const properties = { own: { badge: 'city', constructor: 'state' } } as const

  it('change one by one', () => {
    const own = { badge: 'A', other: 'by hand' }
    expect(changeOf({ own }, { properties, attributes: { city: 'B' } })).toMatchObject({
      old: { own: { badge: 'A' } },
      new: { own: { badge: 'B' } },
    })
    expect(changeOf({ own }, { properties })).toMatchObject({
      old: { own: { badge: 'A' } },
      new: { own: { badge: null } },
    })
    expect(changeOf({ own: { badge: 'B' } }, { properties, attributes: { city: 'B' } })).toBe(undefined)
  })

  it('may be called as anything that every object has', () => {
    expect(changeOf({}, { properties, attributes: { state: 'S' } })).toMatchObject({
      old: { own: { constructor: null } },
      new: { own: { constructor: 'S' } },
    })
    expect(changeOf({}, { properties })).toBe(undefined)
  })
})

describe('the personal number', () => {
  const properties = { personalNumber: 'employeeId' } as const
  const numbersOf = (user: Partial<RegistryUser>, o: Situation = {}) => {
    const plan = planned({ linked: aRegistryUser(user), users: { properties }, ...o })
    const change = plan.items.find((i) => i.action === 'update')
    return {
      change: change === undefined ? undefined : [change.old?.['personalNumber'], change.new?.['personalNumber']],
      claims: plan.claims.filter((c) => c.space === 'number').map((c) => `${c.key} ${c.rank}`),
      issues: plan.issues.map((i) => `${i.code}: ${i.message}`),
    }
  }

  it('follows the attribute', () => {
    expect(numbersOf({}, { attributes: { employeeId: 'P1' } })).toEqual({
      change: [null, 'P1'],
      claims: ['p1 value'],
      issues: [],
    })
    expect(numbersOf({ personalNumber: 'P0' }, { attributes: { employeeId: 'P1' } }).change).toEqual(['P0', 'P1'])
    expect(numbersOf({ personalNumber: 'P1' }, { attributes: { employeeId: 'P1' } })).toEqual({
      change: undefined,
      claims: ['p1 value'],
      issues: [],
    })
    expect(numbersOf({ personalNumber: 'P1' })).toEqual({ change: ['P1', null], claims: [], issues: [] })
  })

  it('D5: somebody else’s is done without, and the issue names both', () => {
    const lost = numbersOf({ personalNumber: 'P0' }, { attributes: { employeeId: 'P1' }, denied: ['number:p1'] })

    expect(lost).toEqual({
      change: ['P0', null],
      claims: ['p1 value'],
      issues: [
        'personal-number-conflict: The personal number "P1" belongs to somebody who has number; this user does without it.',
      ],
    })
    expect(numbersOf({}, { attributes: { employeeId: 'P1' }, denied: ['number:p1'] }).change).toBe(undefined)
  })

  it('that is not mapped is kept as the registry’s own', () => {
    const users = {}
    expect(numbersOf({ personalNumber: 'P1' }, { users })).toEqual({
      change: undefined,
      claims: ['p1 own'],
      issues: [],
    })
    expect(numbersOf({}, { users })).toEqual({ change: undefined, claims: [], issues: [] })
  })

  it('that somebody else had when he came back is his again when it is free', () => {
    const lost = { personalNumber: 'P1', holdsNumber: false }
    const users = {}

    expect(numbersOf(lost, { users })).toEqual({ change: [null, 'P1'], claims: ['p1 parked'], issues: [] })
    expect(numbersOf(lost, { attributes: { employeeId: 'P1' } }).change).toEqual([null, 'P1'])
    expect(numbersOf(lost, { users, denied: ['number:p1'] })).toMatchObject({
      change: undefined,
      claims: ['p1 parked'],
      issues: [expect.stringContaining('personal-number-conflict')],
    })
  })

  it('of somebody new who loses it is not given', () => {
    const plan = planned({ users: { properties }, attributes: { employeeId: 'P1' }, denied: ['number:p1'] })

    expect(plan.items[0]?.new).toEqual({ userName: 'ann@x' })
    expect(plan.issues).toMatchObject([{ code: 'personal-number-conflict' }])
  })

  it('comes back with a reactivation: the new one, else the parked one, where it is free', () => {
    const back = (user: Partial<RegistryUser>, o: Situation = {}) =>
      planned({ linked: aRegistryUser({ active: false, ...user }), users: { properties }, ...o }).items[0]?.numberKey

    expect(back({ personalNumber: 'P1' }, { attributes: { employeeId: 'P2' } })).toBe('p2')
    expect(back({ personalNumber: 'P1' }, { attributes: { employeeId: 'P1' } })).toBe('p1')
    expect(back({ personalNumber: 'P1' }, { users: {} })).toBe('p1')
    expect(back({ personalNumber: 'P1' })).toBe(null)
    expect(back({})).toBe(null)
    expect(back({ personalNumber: 'P1' }, { users: {}, denied: ['number:p1'] })).toBe(null)
    expect(back({ personalNumber: 'P1' }, { attributes: { employeeId: 'P2' }, denied: ['number:p2'] })).toBe(null)
  })

  it('of a deactivated user is parked', () => {
    const plan = planned({
      linked: aRegistryUser({ active: false, personalNumber: 'P1', holdsNumber: true }),
      users: {},
    })

    expect(plan.claims).toContainEqual({ space: 'number', key: 'p1', rank: 'parked' })
    expect(plan.items).toHaveLength(1)
  })
})

describe('alternate emails', () => {
  const replace = { alternateEmails: 'otherMails' } as const
  const append = { alternateEmails: [{ from: 'otherMails', mode: 'append' as const }] }
  const had = { alternateEmails: ['own@x', 'given@x'], givenEmails: ['given@x'] }

  it('that the source gave go with the attribute; the registry’s own stay where they are', () => {
    expect(changeOf(had, { properties: replace })).toEqual({
      old: { alternateEmails: ['own@x', 'given@x'] },
      new: { alternateEmails: ['own@x'] },
      given: [],
    })
    expect(changeOf(had, { properties: replace, attributes: { otherMails: ['new@x', 'given@x'] } })).toEqual({
      old: { alternateEmails: ['own@x', 'given@x'] },
      new: { alternateEmails: ['own@x', 'given@x', 'new@x'] },
      given: ['given@x', 'new@x'],
    })
  })

  it('in the same order change nothing, and neither do targets that are not mapped', () => {
    expect(changeOf(had, { properties: replace, attributes: { otherMails: ['given@x'] } })).toBe(undefined)
    expect(changeOf(had)).toBe(undefined)
  })

  it('take the spelling of Entra where the source gave them, and keep that of the registry’s own', () => {
    const attributes = { otherMails: ['GIVEN@x', 'OWN@x'] }

    expect(changeOf(had, { properties: replace, attributes })).toEqual({
      old: { alternateEmails: ['own@x', 'given@x'] },
      new: { alternateEmails: ['own@x', 'GIVEN@x'] },
      given: ['GIVEN@x'],
    })
  })

  it('appended are the registry’s own from the start and never withdrawn', () => {
    expect(changeOf({}, { properties: append, attributes: { otherMails: ['new@x'] } })).toEqual({
      old: { alternateEmails: [] },
      new: { alternateEmails: ['new@x'] },
      given: undefined,
    })
    expect(changeOf(had, { properties: append })).toBe(undefined)
  })

  it('that an entry which appends gives too become the registry’s own though the list stays', () => {
    const both = { alternateEmails: ['otherMails', { from: 'mail', mode: 'append' as const }] }

    expect(changeOf(had, { properties: both, attributes: { otherMails: ['given@x'], mail: 'given@x' } })).toMatchObject(
      {
        new: { email: 'given@x' },
        given: [],
      },
    )
  })

  it('the order of what was given is no change', () => {
    const user = { alternateEmails: ['b@x', 'a@x'], givenEmails: ['a@x', 'b@x'] }

    expect(changeOf(user, { properties: replace, attributes: { otherMails: ['a@x', 'b@x'] } })).toBe(undefined)
  })
})

it('wanted once more, a source may deactivate him again', () => {
  expect(changeOf({ restoredByAdministrator: true })).toMatchObject({
    old: { restoredByAdministrator: true },
    new: { restoredByAdministrator: false },
  })
})

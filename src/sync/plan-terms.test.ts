import { describe, expect, it } from 'vitest'
import {
  aCredential,
  aLocalUser,
  aName,
  aRegistryUser,
  aWantedUser,
  type PropertiesInput,
  settingsOf,
} from '../../test/support/people.ts'
import type { Attributes } from '../directory/change.ts'
import type { RegistryUser } from '../directory/user.ts'
import { onTerms, releasesOf } from './plan-terms.ts'

const taken = (properties: PropertiesInput, attributes: Attributes, user?: RegistryUser) => {
  const settings = settingsOf({ users: { properties } })
  return onTerms(aWantedUser({ userPrincipalName: 'ann@x', ...attributes }, settings), user, settings)
}
const APPLY = ['always', 'whenCreated', 'whenEmpty'] as const
const FILLED = aRegistryUser({
  fields: { ...aRegistryUser.NO_FIELDS, office: 'Old' },
  own: { badge: 'Old' },
  personalNumber: 'Old',
})

describe('when a one-valued target takes what is mapped', () => {
  // apply: somebody new; known without a value; known with one; and each with an empty attribute
  const table = {
    always: ['New', 'New', 'New', null, null, null],
    whenCreated: ['New', undefined, undefined, null, undefined, undefined],
    whenEmpty: ['New', 'New', undefined, undefined, undefined, undefined],
  } as const
  const people = [undefined, aRegistryUser(), FILLED] as const

  it.each(APPLY)('%s: a field, an own field, the personal number', (apply) => {
    const property = { from: 'city', apply }
    const properties = { office: property, own: { badge: property }, personalNumber: property }
    const results = [{ city: 'New' }, {}].flatMap((attributes) =>
      people.map((user) => {
        const person = taken(properties, attributes, user)
        expect(person.own.get('badge')).toBe(person.fields.get('office'))
        expect(person.personalNumber).toBe(person.fields.get('office'))
        return person.fields.get('office')
      }),
    )

    expect(results).toEqual(table[apply])
  })

  it('the user name follows only where it always applies', () => {
    const attributes = { mail: 'new@x' }
    for (const [apply, expected] of [
      ['always', 'new@x'],
      ['whenCreated', 'ann@x'],
      ['whenEmpty', 'ann@x'],
    ] as const) {
      const properties = { userName: { from: 'mail', apply } }
      expect(taken(properties, attributes).userName).toBe('new@x')
      expect(taken(properties, attributes, aRegistryUser()).userName).toBe(expected)
    }
  })

  it('whoever is adopted is not new', () => {
    expect(
      taken({ office: { from: 'city', apply: 'whenCreated' } }, { city: 'New' }, aLocalUser()).fields.has('office'),
    ).toBe(false)
  })

  it('a target that is not mapped takes nothing', () => {
    const person = taken({}, { city: 'New' })

    expect(person).toMatchObject({
      personalNumber: undefined,
      aliases: undefined,
      alternateEmails: undefined,
      cards: undefined,
      pins: undefined,
      drawsPin: false,
    })
    expect(person.fields.has('office')).toBe(false)
    expect(person.own.size).toBe(0)
  })
})

describe('values that cannot be kept', () => {
  const attributes = { city: 'a\0', otherMails: ['b'] }

  it.each(APPLY)('D10: of a target that applies %s: an issue where it would take one', (apply) => {
    const properties = { office: { from: 'city', apply } }

    expect(taken(properties, attributes).rejected).toHaveLength(1)
    expect(taken(properties, attributes, aRegistryUser()).rejected).toHaveLength(apply === 'whenCreated' ? 0 : 1)
  })

  it.each([
    ['aliases', 'city', false],
    ['aliases', 'state', true],
  ] as const)('of %s stop withdrawing what was given before: %s', (target, from, withdraws) => {
    expect(taken({ [target]: ['otherMails', from] }, attributes, aRegistryUser())[target]).toEqual({
      values: [{ value: 'b', own: false }],
      withdraws,
    })
    expect(taken({ office: 'city', [target]: 'otherMails' }, attributes, aRegistryUser())[target]?.withdraws).toBe(true)
  })
})

describe('several-valued targets', () => {
  const TARGETS = ['aliases', 'cards', 'alternateEmails'] as const
  type Target = (typeof TARGETS)[number]
  /** Ann with one value of a target, the registry's own or the source's. */
  const having = (target: Target, whose: 'o' | 's') =>
    aRegistryUser(
      {
        aliases: { names: [aName('had', { origin: whose })] },
        cards: { credentials: [aCredential('card', 'had', { origin: whose })] },
        alternateEmails: { alternateEmails: ['had'], givenEmails: whose === 's' ? ['had'] : [] },
      }[target],
    )
  const take = (target: Target, list: NonNullable<PropertiesInput['cards']>, user?: RegistryUser) =>
    taken({ [target]: list }, { city: 'A', state: 'B' }, user)[target]

  it.each(TARGETS)('%s: what always replaces is withdrawn again, what appends is the registry’s own', (target) => {
    expect(take(target, ['city'])).toEqual({ values: [{ value: 'A', own: false }], withdraws: true })
    expect(take(target, [{ from: 'city', mode: 'append' }])).toEqual({
      values: [{ value: 'A', own: true }],
      withdraws: false,
    })
    expect(take(target, [{ from: 'city', mode: 'append' }, 'state'])).toEqual({
      values: [
        { value: 'A', own: true },
        { value: 'B', own: false },
      ],
      withdraws: true,
    })
  })

  it.each(TARGETS)('%s: a value of two entries counts once, as the registry’s own where one says so', (target) => {
    const replaces = { template: '%city%' }
    const appends = { template: 'a%country%', mode: 'append' as const }
    const both = (list: NonNullable<PropertiesInput['cards']>) =>
      taken({ [target]: list }, { city: 'A', country: '' }, undefined)[target]?.values
    expect(both([replaces, { from: 'city', mode: 'append' }])).toEqual([{ value: 'A', own: true }])
    expect(both([{ from: 'city', mode: 'append' }, replaces])).toEqual([{ value: 'A', own: true }])
    expect(both([replaces, 'city'])).toEqual([{ value: 'A', own: false }])
    expect(both([appends, 'city'])).toEqual([{ value: 'A', own: false }])
  })

  it('two spellings are one value, as the first is spelt', () => {
    const user = taken({ aliases: ['city', { from: 'state', mode: 'append' }] }, { city: 'Al', state: 'AL' })

    expect(user.aliases?.values).toEqual([{ value: 'Al', own: true }])
  })

  it.each(TARGETS)('%s: whenCreated gives to somebody new only', (target) => {
    const list = [{ from: 'city', apply: 'whenCreated' as const }]

    expect(take(target, list)).toEqual({ values: [{ value: 'A', own: true }], withdraws: false })
    expect(take(target, list, aRegistryUser())).toEqual({ values: [], withdraws: false })
  })

  it.each(TARGETS)('%s: whenEmpty gives where he would have none', (target) => {
    const list = [{ from: 'city', apply: 'whenEmpty' as const }]

    expect(take(target, list)?.values).toEqual([{ value: 'A', own: true }])
    expect(take(target, list, aRegistryUser())?.values).toEqual([{ value: 'A', own: true }])
    expect(take(target, list, having(target, 's'))?.values).toEqual([])
    expect(take(target, list, having(target, 'o'))?.values).toEqual([])
  })

  it.each(TARGETS)('%s: whenEmpty counts what goes in the same plan as gone', (target) => {
    // The entry that replaces gives nothing more, so that what it gave goes.
    const list = ['country', { from: 'city', apply: 'whenEmpty' as const }]

    expect(take(target, list, having(target, 's'))?.values).toEqual([{ value: 'A', own: true }])
    expect(take(target, list, having(target, 'o'))?.values).toEqual([])
    expect(take(target, ['state', { from: 'city', apply: 'whenEmpty' }], having(target, 's'))?.values).toEqual([
      { value: 'B', own: false },
    ])
  })

  it('a kept old user name leaves room, a PIN is no card', () => {
    const list = [{ from: 'city', apply: 'whenEmpty' as const }]
    const kept = aRegistryUser({
      names: [aName('old', { origin: 'k' })],
      credentials: [aCredential('pin', '123456')],
    })

    expect(take('aliases', list, kept)?.values).toHaveLength(1)
    expect(take('cards', list, kept)?.values).toHaveLength(1)
  })
})

describe('a PIN', () => {
  const attributes = { employeeId: '123456' }
  const has = aRegistryUser({ credentials: [aCredential('pin', '999999')] })
  const pins = (apply: (typeof APPLY)[number], given: Attributes, user?: RegistryUser) =>
    taken({ pin: { from: 'employeeId', apply } }, given, user).pins

  it('always follows the attribute, and goes with it', () => {
    const followed = { values: [{ value: '123456', own: false }], withdraws: true }
    expect([pins('always', attributes), pins('always', attributes, has)]).toEqual([followed, followed])
    expect(pins('always', {}, has)).toEqual({ values: [], withdraws: true })
  })

  it('given once is the registry’s own', () => {
    const given = { values: [{ value: '123456', own: true }], withdraws: false }
    const none = { values: [], withdraws: false }
    expect(pins('whenCreated', attributes)).toEqual(given)
    expect(pins('whenCreated', attributes, aRegistryUser())).toEqual(none)
    expect(pins('whenEmpty', attributes)).toEqual(given)
    expect(pins('whenEmpty', attributes, aRegistryUser())).toEqual(given)
    expect(pins('whenEmpty', attributes, has)).toEqual(none)
    expect(pins('whenEmpty', {}, aRegistryUser())).toEqual(none)
    const card = aRegistryUser({ credentials: [aCredential('card', '1')] })
    expect(pins('whenEmpty', attributes, card)).toEqual(given)
  })

  it('D12: that cannot be kept leaves the one that he has', () => {
    expect(pins('always', { employeeId: '12345' }, has)).toBe(undefined)
  })

  it('is drawn for whoever has none', () => {
    const draws = (user?: RegistryUser) => taken({ pin: 'generate' }, attributes, user)

    expect(draws()).toMatchObject({ drawsPin: true, pins: undefined })
    expect(draws(aRegistryUser({ credentials: [aCredential('card', '1')] })).drawsPin).toBe(true)
    expect(draws(has).drawsPin).toBe(false)
    expect(taken({ pin: 'employeeId' }, attributes).drawsPin).toBe(false)
  })
})

describe('what a source lets go of', () => {
  const releases = (properties: PropertiesInput) => releasesOf(settingsOf({ users: { properties } }).users.properties)
  const ALL = { releaseAliases: true, releaseCards: true, releasePins: true, releaseEmails: true }

  it('is everything that it does not map', () => {
    expect(releases({})).toEqual(ALL)
  })

  it('is nothing that it replaces', () => {
    expect(releases({ aliases: 'city', cards: 'city', alternateEmails: 'city', pin: 'city' })).toEqual({
      releaseAliases: false,
      releaseCards: false,
      releasePins: false,
      releaseEmails: false,
    })
    expect(releases({ aliases: [{ from: 'city', mode: 'append' }, 'state'] })).toEqual({
      ...ALL,
      releaseAliases: false,
    })
  })

  it.each([
    { from: 'city', mode: 'append' as const },
    { from: 'city', apply: 'whenCreated' as const },
    { from: 'city', apply: 'whenEmpty' as const },
  ])('is what it gives once or appends: %j', (entry) => {
    expect(releases({ aliases: [entry], cards: [entry], alternateEmails: [entry] })).toEqual(ALL)
  })

  it('is a PIN that it gives once, but none that it draws', () => {
    expect(releases({ pin: { from: 'city', apply: 'whenEmpty' } }).releasePins).toBe(true)
    expect(releases({ pin: 'generate' }).releasePins).toBe(false)
  })
})

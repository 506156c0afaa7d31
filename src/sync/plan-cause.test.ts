// Why a value of somebody changes, and by which setting: each cause that can be known, and what is said where it cannot.
import { describe, expect, it } from 'vitest'
import {
  aCredential,
  aName,
  aRegistryUser,
  type OptionsInput,
  planned,
  type PropertiesInput,
  settingsOf,
  type Situation,
} from '../../test/support/people.ts'
import type { Attributes } from '../directory/change.ts'
import { digestOf } from './item-digest.ts'
import { remappedTargets } from './plan-cause.ts'

/** What `object action` is told to be caused by, one item. */
const whyOf = (situation: Situation, what: string) =>
  planned(situation)
    .items.filter((item) => `${item.object} ${item.action}` === what)
    .map(({ rule, reason }) => `${rule}: ${reason}`)
const remapped = (...targets: string[]) => ({ context: { remapped: new Set(targets) } })
const unknown = { context: { remapped: undefined } }

describe('the setting that causes an update', () => {
  const linked = aRegistryUser({ own: { badge: 'red' } })

  it.each<[string, PropertiesInput, Attributes, string]>([
    ['one field', {}, { department: 'IT' }, 'users.properties.department'],
    ['an own field', { own: { badge: 'city' } }, { city: 'blue' }, 'users.properties.own.badge'],
    ['the number', { personalNumber: 'employeeId' }, { employeeId: '7' }, 'users.properties.personalNumber'],
    ['aliases', { aliases: ['city'] }, { city: 'annie' }, 'users.properties.aliases'],
    [
      'mail addresses',
      { alternateEmails: ['otherMails'] },
      { otherMails: ['a@b'] },
      'users.properties.alternateEmails',
    ],
    ['two fields: the block that they are in', {}, { department: 'IT', mobilePhone: '1' }, 'users.properties'],
  ])('%s', (_what, properties, attributes, rule) => {
    expect(whyOf({ linked, attributes, users: { properties } }, 'user update')).toEqual([`${rule}: changed-in-entra`])
  })

  it('somebody whom an administrator had restored is wanted once more', () => {
    const restored = aRegistryUser({ restoredByAdministrator: true })
    expect(whyOf({ linked: restored }, 'user update')).toEqual(['users.import: wanted-again'])
    expect(whyOf({ linked: restored, attributes: { department: 'IT' } }, 'user update')).toEqual([
      'users.properties.department: changed-in-entra',
    ])
  })
})

describe('the settings were changed since everybody was last planned', () => {
  const linked = aRegistryUser()
  const both = { department: 'IT', mobilePhone: '1' }

  it.each<[string, Partial<Situation>, string]>([
    ['of what changes', remapped('department', 'phone'), 'settings-changed'],
    ['of another target', remapped('cards'), 'changed-in-entra'],
    ['of one of two that change', remapped('phone'), 'changed-in-entra-or-settings'],
    ['or not: that is not known', unknown, 'changed-in-entra-or-settings'],
  ])('%s', (_what, more, reason) => {
    expect(whyOf({ linked, attributes: both, ...more }, 'user update')).toEqual([`users.properties: ${reason}`])
  })

  it('of the user name', () => {
    const attributes = { userPrincipalName: 'ann.b@x' }
    expect(whyOf({ linked, attributes, ...remapped('userName') }, 'user rename')).toEqual([
      'users.properties.userName: settings-changed',
    ])
    expect(whyOf({ linked, attributes, ...remapped('aliases') }, 'user rename')).toEqual([
      'users.properties.userName: changed-in-entra',
    ])
  })

  it.each<[string, Partial<Situation>, string, string]>([
    ['of the cards', remapped('cards'), 'settings-changed', 'settings-changed'],
    ['of something else', remapped('department'), 'given-in-entra', 'withdrawn-in-entra'],
    ['or not: that is not known', unknown, 'given-in-entra', 'changed-in-entra-or-settings'],
  ])('%s: cards that come and go', (_what, more, added, removed) => {
    const situation: Situation = {
      linked: aRegistryUser({ credentials: [aCredential('card', '1')] }),
      attributes: { faxNumber: '2' },
      users: { properties: { cards: ['faxNumber'] } },
      ...more,
    }
    expect(whyOf(situation, 'credential add')).toEqual([`users.properties.cards: ${added}`])
    expect(whyOf(situation, 'credential remove')).toEqual([`users.properties.cards: ${removed}`])
  })

  it('somebody new is not told to be changed by settings: his cards are given in Entra', () => {
    const users = { properties: { cards: ['faxNumber'] } }
    expect(whyOf({ attributes: { faxNumber: '2' }, users, ...remapped('cards') }, 'credential add')).toEqual([
      'users.properties.cards: given-in-entra',
    ])
  })
})

describe('somebody else has what he had', () => {
  it.each(['card', 'pin'] as const)('a %s: it is not said to be withdrawn', (kind) => {
    const properties = kind === 'card' ? { cards: ['faxNumber'] } : { pin: { from: 'faxNumber' } }
    const situation = {
      linked: aRegistryUser({ credentials: [aCredential(kind, '730511'), aCredential(kind, '999111')] }),
      attributes: { faxNumber: '730511' },
      users: { properties },
      denied: [`${kind}:${kind}~730511`],
    }
    const rule = kind === 'card' ? 'users.properties.cards' : 'users.properties.pin'

    expect(whyOf(situation, 'credential remove')).toEqual([`${rule}: ${kind}-conflict`, `${rule}: withdrawn-in-entra`])
  })

  it('the personal number', () => {
    const situation = {
      linked: aRegistryUser({ personalNumber: '7' }),
      attributes: { employeeId: '7' },
      users: { properties: { personalNumber: 'employeeId' } },
      denied: ['number:7'],
    }
    expect(whyOf(situation, 'user update')).toEqual(['users.properties.personalNumber: personal-number-conflict'])
  })

  it('an alias; of a kept old user name, that it yields', () => {
    const of = (origin: 's' | 'k'): Situation => ({
      linked: aRegistryUser({ names: [aName('annie', { origin })] }),
      attributes: { city: 'annie' },
      users: { properties: { aliases: origin === 's' ? ['city'] : [] } },
      denied: ['name:annie'],
    })
    expect(whyOf(of('s'), 'user update')).toEqual(['users.properties.aliases: alias-conflict'])
    expect(whyOf(of('k'), 'user update')).toEqual(['users.options.keepOldUserName: old-name-wanted'])
  })

  it('an alias that is lost while another one comes is told as a change', () => {
    const situation = {
      linked: aRegistryUser({ names: [aName('annie')] }),
      attributes: { city: 'annie', companyName: 'anna' },
      users: { properties: { aliases: ['city', 'companyName'] } },
      denied: ['name:annie'],
    }
    expect(whyOf(situation, 'user update')).toEqual(['users.properties.aliases: changed-in-entra'])
  })
})

describe('what he did without is free again', () => {
  it('a card, an alias and a number of his own', () => {
    const linked = aRegistryUser({ credentials: [aCredential('card', '1', { origin: 'o', held: false })] })
    expect(whyOf({ linked }, 'credential add')).toEqual(['users.properties.cards: free-again'])
    const named = aRegistryUser({ names: [aName('annie', { origin: 'o', held: false })] })
    expect(whyOf({ linked: named }, 'user update')).toEqual(['users.properties.aliases: free-again'])
    const numbered = aRegistryUser({ personalNumber: '7', holdsNumber: false })
    expect(whyOf({ linked: numbered }, 'user update')).toEqual(['users.properties.personalNumber: free-again'])
  })
})

describe('another source has him from now on', () => {
  it('his cards come and go because of that, whatever changed in Entra', () => {
    const situation: Situation = {
      linked: aRegistryUser({ sourceId: 20, claims: [20], credentials: [aCredential('card', '1')] }),
      attributes: { faxNumber: '2' },
      users: { properties: { cards: ['faxNumber'] } },
      context: { rivals: [{ id: 20, name: 'other', priority: 200, enabled: true }] },
    }
    expect(whyOf(situation, 'credential add')).toEqual(['users.properties.cards: comes-before-owner'])
    expect(whyOf(situation, 'credential remove')).toEqual(['users.properties.cards: comes-before-owner'])
  })
})

describe('a plan’s hash', () => {
  it('is that of the same changes, whatever their causes are known to be', () => {
    const of = (more: Partial<Situation>) =>
      planned({
        linked: aRegistryUser({ credentials: [aCredential('card', '1')] }),
        attributes: { userPrincipalName: 'ann.b@x', department: 'IT', faxNumber: '2' },
        users: { properties: { cards: ['faxNumber'] } },
        ...more,
      }).items
    const [entra, settings] = [of({}), of(remapped('userName', 'department', 'cards'))]

    expect(entra.map(({ reason }) => reason)).not.toEqual(settings.map(({ reason }) => reason))
    expect(entra.map((item) => digestOf(item).toString('hex'))).toEqual(
      settings.map((item) => digestOf(item).toString('hex')),
    )
    // And as it was before causes were told apart, so that what waits for approval goes on waiting.
    const [rename] = entra
    const { hashedAs: _, ...plain } = rename!
    expect(digestOf({ ...plain, rule: 'users.properties.userName', reason: 'changed-in-entra' })).toEqual(
      digestOf(rename!),
    )
  })
})

describe('which targets are mapped otherwise than before', () => {
  const targets = (before: PropertiesInput, now: PropertiesInput, options: OptionsInput = {}) => [
    ...(remappedTargets(
      settingsOf({ users: { properties: before } }),
      settingsOf({ users: { properties: now, options } }),
    ) ?? []),
  ]

  it.each<[string, PropertiesInput, PropertiesInput, readonly string[]]>([
    ['none', { office: 'city' }, { office: { from: 'city', apply: 'always' } }, []],
    ['another attribute', { office: 'city' }, { office: 'country' }, ['office']],
    ['none any more', {}, { department: 'none' }, ['department']],
    ['another transformation', { cards: ['city'] }, { cards: [{ from: 'city', transform: 'upper' }] }, ['cards']],
    [
      'own fields',
      { own: { a: 'city', b: 'city' } },
      { own: { b: 'country', c: 'city' } },
      ['own.a', 'own.b', 'own.c'],
    ],
    ['the PIN', {}, { pin: 'generate' }, ['pin']],
  ])('%s', (_what, before, now, expected) => {
    expect(targets(before, now)).toEqual(expected)
  })

  it('user names written small, and groups that make the default group', () => {
    expect(targets({}, {}, { lowercaseUserNames: true })).toEqual(['userName'])
    const groups = (template: string) => settingsOf({ groups: { fromAttributes: [{ template, makeDefault: true }] } })
    expect([...(remappedTargets(groups('%city%'), groups('%department%')) ?? [])]).toEqual(['defaultGroup'])
  })

  it('not known where nobody was planned yet', () => {
    expect(remappedTargets(undefined, settingsOf())).toBeUndefined()
  })
})

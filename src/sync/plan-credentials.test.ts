import { describe, expect, it } from 'vitest'
import { aCredential, aRegistryUser, planned, type PropertiesInput, type Situation } from '../../test/support/people.ts'
import type { RegistryCredential } from '../directory/user.ts'
import { mask } from '../directory/mask.ts'

const CARDS: PropertiesInput = { cards: 'otherMails' }
const PIN: PropertiesInput = { pin: 'employeeId' }
const OWN = { origin: 'o' } as const
const LOST = { held: false } as const
const APPEND: PropertiesInput = { cards: [{ from: 'otherMails', mode: 'append' }] }

const planOf = (
  properties: PropertiesInput,
  credentials: readonly RegistryCredential[] | undefined,
  o: Situation = {},
) =>
  planned({
    linked: credentials === undefined ? undefined : aRegistryUser({ credentials }),
    users: { properties },
    ...o,
  })
/** What a plan does to credentials: action, look-up and reason. */
const changesOf = (...args: Parameters<typeof planOf>) =>
  planOf(...args)
    .items.filter((item) => item.object === 'credential')
    .map((item) => `${item.action} ${String((item.new ?? item.old)?.['lookup'])} ${item.reason}`)
const claimsOf = (...args: Parameters<typeof planOf>) =>
  planOf(...args)
    .claims.filter((claim) => claim.space === 'card' || claim.space === 'pin')
    .map((claim) => `${claim.key} ${claim.rank}`)
const cards = (...otherMails: string[]): Situation => ({ attributes: { otherMails } })

describe('a card or PIN that Entra gives', () => {
  it('is added with its look-up, sealed and masked', () => {
    const { items, claims } = planOf(CARDS, undefined, cards('Card12345'))

    expect(items[1]).toEqual({
      object: 'credential',
      action: 'add',
      userId: 99,
      groupId: null,
      objectId: 'object-a',
      name: 'ann@x',
      old: null,
      new: { kind: 'card', lookup: 'card~card12345', sealed: 'sealed Card12345', shown: '••••2345' },
      names: null,
      rule: 'users.properties.cards',
      reason: 'given-in-entra',
      sawVersion: null,
    })
    expect(claims).toContainEqual({ space: 'card', key: 'card~card12345', rank: 'value' })
  })

  it('of somebody known names his record and, after a rename, his new name', () => {
    const o = { attributes: { userPrincipalName: 'bea@x', employeeId: '123456' } }
    const { items } = planOf(PIN, [], o)

    expect(items.at(-1)).toMatchObject({ userId: 1, name: 'bea@x', sawVersion: 7, rule: 'users.properties.pin' })
    expect(items.at(-1)?.new).toEqual({ kind: 'pin', lookup: 'pin~123456', shown: '••••' })
  })

  it('is given once, whoever spells it how', () => {
    expect(changesOf(CARDS, [], cards('a', 'A', 'b'))).toEqual([
      'add card~a given-in-entra',
      'add card~b given-in-entra',
    ])
  })

  it('that he has changes nothing', () => {
    expect(changesOf(CARDS, [aCredential('card', 'a')], cards('a'))).toEqual([])
    expect(claimsOf(CARDS, [aCredential('card', 'a')], cards('a'))).toEqual(['card~a value'])
  })

  it('that is not given any more is removed', () => {
    const { items } = planOf(CARDS, [aCredential('card', 'a')])

    expect(items).toMatchObject([
      {
        action: 'remove',
        old: { kind: 'card', lookup: 'card~a' },
        new: null,
        reason: 'withdrawn-in-entra',
        sawVersion: 7,
      },
    ])
    expect(claimsOf(CARDS, [aCredential('card', 'a')])).toEqual([])
    expect(changesOf(PIN, [aCredential('pin', '123456')])).toEqual(['remove pin~123456 withdrawn-in-entra'])
  })

  it('D5: that somebody else has is done without, and neither card nor PIN is printed', () => {
    const card = planOf(CARDS, [], { ...cards('a', 'b'), denied: ['card:card~a'] })
    expect(card.issues).toEqual([
      {
        code: 'card-conflict',
        objectId: 'object-a',
        message: 'A card belongs to somebody who has card; this user does without it.',
      },
    ])
    expect(card.items).toMatchObject([{ action: 'add', new: { lookup: 'card~b' } }])
    expect(card.claims).toContainEqual({ space: 'card', key: 'card~a', rank: 'value' })

    const pin = planOf(PIN, [], { attributes: { employeeId: '123456' }, denied: ['pin:pin~123456'] })
    expect(pin.items).toEqual([])
    expect(pin.issues).toEqual([
      {
        code: 'pin-conflict',
        objectId: 'object-a',
        message: 'A PIN belongs to somebody who has pin; this user does without it.',
      },
    ])
  })

  it('D5: that he had and loses is removed', () => {
    const o = { ...cards('a'), denied: ['card:card~a'] }

    expect(changesOf(CARDS, [aCredential('card', 'a')], o)).toEqual(['remove card~a card-conflict'])
  })

  it('cards and PINs of the same digits are two things', () => {
    const has = [aCredential('pin', '123456'), aCredential('card', '123456')]

    expect(changesOf(CARDS, has)).toEqual(['remove card~123456 withdrawn-in-entra'])
    expect(claimsOf(CARDS, has)).toEqual(['pin~123456 value'])
  })
})

describe('what a source does not decide about', () => {
  it('is what was added by hand', () => {
    const has = [aCredential('card', 'a', OWN), aCredential('pin', '123456', OWN)]

    expect(changesOf({ ...CARDS, ...PIN }, has, cards('a'))).toEqual([])
    expect(claimsOf({ ...CARDS, ...PIN }, has, cards('a'))).toEqual(['card~a own', 'pin~123456 own'])
  })

  it('is all where nothing is mapped or what is mapped is appended', () => {
    const has = [aCredential('card', 'a')]

    expect(changesOf({}, has)).toEqual([])
    expect(claimsOf({}, has)).toEqual(['card~a value'])
    expect(changesOf(APPEND, has, cards('a'))).toEqual([])
    expect(claimsOf(APPEND, has, cards('a'))).toEqual(['card~a value'])
  })

  it('appended is the registry’s own from the start', () => {
    const { items } = planOf(APPEND, [], cards('a'))

    expect(items[0]?.new).toEqual({ kind: 'card', lookup: 'card~a', sealed: 'sealed a', shown: '••••', origin: 'o' })
    expect(planOf(CARDS, [], cards('a')).items[0]?.new).not.toHaveProperty('origin')
  })

  it('given by an entry that appends, beside one that replaces, becomes the registry’s own', () => {
    const both: PropertiesInput = { cards: [{ from: 'otherMails', mode: 'append' }, 'city'] }
    const { items } = planOf(both, [aCredential('card', 'a'), aCredential('card', 'b')], cards('a'))

    expect(items).toMatchObject([
      {
        action: 'add',
        new: { kind: 'card', lookup: 'card~a', shown: '••••', origin: 'o' },
        reason: 'kept-from-now-on',
      },
      { action: 'remove', old: { lookup: 'card~b' } },
    ])
    expect(items[0]?.new).not.toHaveProperty('sealed')
  })
})

describe('what somebody else had when he came back', () => {
  const lost = [aCredential('card', 'a', { ...OWN, ...LOST })]

  it('is his again when it is free', () => {
    expect(planOf({}, lost).items).toMatchObject([
      { action: 'add', new: { kind: 'card', lookup: 'card~a', shown: '••••' }, reason: 'free-again' },
    ])
    expect(claimsOf({}, lost)).toEqual(['card~a parked'])
    expect(changesOf({}, [aCredential('card', 'a', LOST)])).toEqual(['add card~a free-again'])
  })

  it('D5: stays an issue while it is not', () => {
    const plan = planOf({}, lost, { denied: ['card:card~a'] })

    expect(plan.items).toEqual([])
    expect(plan.issues).toMatchObject([{ code: 'card-conflict' }])
  })

  it('is told only of what he does without', () => {
    const held = [aCredential('card', 'a', OWN)]

    expect(planOf({}, held, { denied: ['card:card~a'] }).issues).toEqual([])
  })
})

describe('credentials of a deactivated user who comes back', () => {
  const linked = aRegistryUser({
    active: false,
    credentials: [aCredential('card', 'a', { ...OWN, ...LOST }), aCredential('pin', '123456', LOST)],
  })

  it('come back by themselves where they are free', () => {
    const plan = planned({ linked })

    expect(plan.items.map((item) => item.action)).toEqual(['reactivate'])
    expect(plan.claims.slice(1).map((c) => `${c.key} ${c.rank}`)).toEqual(['card~a parked', 'pin~123456 parked'])
  })

  it('D5: else an issue says which kind', () => {
    const plan = planned({ linked, denied: ['card:card~a', 'pin:pin~123456'] })

    expect(plan.issues.map((i) => i.code)).toEqual(['card-conflict', 'pin-conflict'])
    expect(plan.items.map((item) => item.action)).toEqual(['reactivate'])
  })

  it('are parked even where the registry calls them held', () => {
    const odd = aRegistryUser({ active: false, credentials: [aCredential('card', 'a', OWN)] })

    expect(planned({ linked: odd }).claims).toContainEqual({ space: 'card', key: 'card~a', rank: 'parked' })
  })
})

describe('a PIN that is drawn', () => {
  const generate: PropertiesInput = { pin: 'generate' }

  it('is planned without its digits, for whoever has none', () => {
    expect(planOf(generate, []).items).toMatchObject([
      {
        object: 'credential',
        action: 'add',
        new: { kind: 'pin', shown: '••••' },
        rule: 'users.properties.pin',
        reason: 'generated',
      },
    ])
    expect(planOf(generate, []).items[0]?.new).not.toHaveProperty('lookup')
    expect(changesOf(generate, [aCredential('card', 'a')])).toEqual(['add undefined generated'])
  })

  it('stays once he has one', () => {
    expect(changesOf(generate, [aCredential('pin', '123456')])).toEqual([])
    expect(changesOf({}, [])).toEqual([])
  })
})

describe('a masked card', () => {
  it.each([
    ['12345678', '••••'],
    ['123456789', '••••6789'],
    ['12345678😀', '••••678😀'],
    ['', '••••'],
  ])('%j is shown as %s', (card, shown) => {
    expect(mask(card)).toBe(shown)
  })
})

describe('while nothing may be removed', () => {
  const doubtful = (o: Situation = {}): Situation => ({ ...o, context: { removalsAllowed: false } })

  it('R2: a card that is not given any more stays his, and others are added beside it', () => {
    const had = [aCredential('card', 'a')]

    expect(changesOf(CARDS, had, doubtful())).toEqual([])
    expect(claimsOf(CARDS, had, doubtful())).toEqual(['card~a value'])
    expect(changesOf(CARDS, had, doubtful(cards('b')))).toEqual(['add card~b given-in-entra'])
  })

  it('R2: a PIN stays, and the one that would take its place waits', () => {
    const o = doubtful({ attributes: { employeeId: '654321' } })

    expect(changesOf(PIN, [aCredential('pin', '123456')], o)).toEqual([])
    expect(changesOf(PIN, [aCredential('pin', '123456', OWN)], o)).toEqual([])
    expect(changesOf(PIN, [], o)).toEqual(['add pin~654321 given-in-entra'])
  })

  it('one that he does without already does not come back by it', () => {
    expect(changesOf(CARDS, [aCredential('card', 'a', LOST)], doubtful())).toEqual([])
    expect(claimsOf(CARDS, [aCredential('card', 'a', LOST)], doubtful())).toEqual([])
  })

  it('whoever comes back comes without a card that Entra has withdrawn', () => {
    const linked = aRegistryUser({ active: false, credentials: [aCredential('card', 'a', LOST)] })
    const { items } = planned({ linked, users: { properties: CARDS }, ...doubtful() })

    expect(items.map(({ object, action }) => `${object} ${action}`)).toEqual(['user reactivate', 'credential remove'])
  })
})

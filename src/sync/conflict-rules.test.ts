// Which rule decides who gets a value that several want: each against all that come after it.
import { describe, expect, it } from 'vitest'
import type { Claim } from './claim.ts'
import { type Claimant, resolveConflicts } from './conflicts.ts'

const aPerson = (id: string, claims: readonly Claim[], o: Partial<Claimant> = {}): Claimant => ({
  id,
  claims,
  active: false,
  holds: new Set(),
  oldUserName: undefined,
  fixed: false,
  priority: 100,
  createdDateTime: '2020-01-01T00:00:00Z',
  objectId: id,
  ...o,
})

const userName = (key: string): Claim => ({ space: 'name', key, rank: 'userName' })
const card = (key: string, rank: Claim['rank'] = 'value'): Claim => ({ space: 'card', key, rank })
const pin = (key: string, rank: Claim['rank'] = 'value'): Claim => ({ space: 'pin', key, rank })
const alias = (key: string, rank: Claim['rank'] = 'value'): Claim => ({ space: 'name', key, rank })

/** Winner by claim, and what each does without; the same whoever is named first. */
function settled(...people: readonly Claimant[]) {
  const [told, turned] = [people, people.toReversed()].map((list) => {
    const { winners, denied } = resolveConflicts(list)
    const without = Object.fromEntries([...denied].map(([id, claims]) => [id, [...claims].sort()]))
    return { winners: Object.fromEntries(winners), without }
  })
  expect(turned).toEqual(told)
  return told!
}

/** From the first rule to the last: what makes somebody stronger, and what makes the other one weaker, in that rule alone. */
const RULES: readonly {
  readonly name: string
  readonly strong: Partial<Claimant>
  readonly weak: Partial<Claimant>
}[] = [
  { name: 'what the registry owns is never given up', strong: { fixed: true }, weak: {} },
  { name: 'the holder', strong: { holds: new Set(['card:1', 'name:x']) }, weak: {} },
  { name: 'the lower priority number', strong: { priority: 10 }, weak: { priority: 20 } },
  {
    name: 'the earlier createdDateTime',
    strong: { createdDateTime: '2020-01-01T09:00:00+02:00' },
    weak: { createdDateTime: '2020-01-01T08:00:00Z' },
  },
  { name: 'the lower object id', strong: { objectId: 'a' }, weak: { objectId: 'b' } },
]

describe('each rule comes before all that follow it', () => {
  for (const [n, { name, strong, weak }] of RULES.entries()) {
    // Whoever is stronger by this rule is weaker by each later one.
    const later = RULES.slice(n + 1)
    const one = { ...Object.assign({}, ...later.map((rule) => rule.weak)), ...strong }
    const other = { ...Object.assign({}, ...later.map((rule) => rule.strong)), ...weak }

    it(`of a card: ${name}`, () => {
      expect(settled(aPerson('one', [card('1')], one), aPerson('other', [card('1')], other))).toEqual({
        winners: { 'card:1': 'one' },
        without: { other: ['card:1'] },
      })
    })

    it(`of a user name: ${name}`, () => {
      expect(settled(aPerson('one', [userName('x')], one), aPerson('other', [userName('x')], other))).toEqual({
        winners: { 'name:x': 'one' },
        without: { other: ['name:x'] },
      })
    })
  }

  const RANKS = ['own', 'value', 'parked', 'kept'] as const
  for (const [n, rank] of RANKS.slice(0, -1).entries()) {
    const next = RANKS[n + 1]!

    it(`${rank} comes before ${next}, whoever holds it and whatever ranks their sources`, () => {
      const weak = { priority: 1, objectId: 'a', createdDateTime: '2010-01-01T00:00:00Z', holds: new Set(['card:1']) }
      const [one, other] = [aPerson('one', [card('1', rank)]), aPerson('other', [card('1', next)], weak)]

      expect(settled(one, other).winners).toEqual({ 'card:1': 'one' })
    })
  }

  it('what the registry owns comes before a stronger wish', () => {
    const people = [aPerson('local', [card('1', 'kept')], { fixed: true }), aPerson('other', [card('1', 'own')])]

    expect(settled(...people).winners).toEqual({ 'card:1': 'local' })
  })
})

describe('when somebody was created', () => {
  const cards = (one: string | null, other: string | null) =>
    settled(
      aPerson('one', [card('1')], { createdDateTime: one, objectId: 'b' }),
      aPerson('other', [card('1')], { createdDateTime: other, objectId: 'a' }),
    ).winners['card:1']

  it('unknown comes last', () => {
    expect(cards('2020-01-01T00:00:00Z', null)).toBe('one')
    expect(cards(null, '2020-01-01T00:00:00Z')).toBe('other')
  })

  it('the same moment, and unknown of both, leave it to the object id', () => {
    expect(cards('2020-01-01T00:00:00Z', '2020-01-01T00:00:00Z')).toBe('other')
    expect(cards('2020-01-01T02:00:00+02:00', '2020-01-01T00:00:00Z')).toBe('other')
    expect(cards(null, null)).toBe('other')
  })

  it('what is no date is compared as text, so that the order of the people decides nothing', () => {
    expect(cards('first', 'second')).toBe('one')
    expect(cards('second', 'first')).toBe('other')
  })
})

describe('user names and aliases share one space', () => {
  it('a user name beats an alias of somebody who holds it and whose source comes first', () => {
    const holder = aPerson('holder', [userName('a'), alias('x')], { holds: new Set(['name:x']), priority: 1 })

    expect(settled(holder, aPerson('new', [userName('x')]))).toEqual({
      winners: { 'name:a': 'holder', 'name:x': 'new' },
      without: { holder: ['name:x'] },
    })
  })

  it('an alias of the registry’s own beats a user name, and whoever wanted that is told', () => {
    const owner = aPerson('owner', [userName('a'), alias('x', 'own')], { priority: 200 })

    expect(settled(owner, aPerson('new', [userName('x')], { priority: 1 }))).toEqual({
      winners: { 'name:a': 'owner', 'name:x': 'owner' },
      without: { new: ['name:x'] },
    })
  })

  it('one’s own alias is no rival of one’s own user name', () => {
    expect(settled(aPerson('a', [userName('x'), alias('x', 'own')]))).toEqual({
      winners: { 'name:x': 'a' },
      without: {},
    })
  })

  it('a card of the registry’s own is no name', () => {
    const people = [aPerson('a', [userName('a'), card('x', 'own')]), aPerson('b', [userName('x')])]

    expect(settled(...people).without).toEqual({})
  })

  it('every name of a local user stays his, an old one too', () => {
    const local = aPerson('local', [alias('x', 'kept')], { fixed: true })

    expect(settled(local, aPerson('new', [userName('x')])).winners).toEqual({ 'name:x': 'local' })
  })

  it('an alias goes to the stronger of two, and the other does without it alone', () => {
    const people = [aPerson('a', [userName('a'), alias('x')]), aPerson('b', [userName('b'), alias('x'), alias('y')])]

    expect(settled(...people)).toEqual({
      winners: { 'name:a': 'a', 'name:b': 'b', 'name:x': 'a', 'name:y': 'b' },
      without: { b: ['name:x'] },
    })
  })
})

describe('who loses the user name that he should get', () => {
  const known = (id: string, wants: string, old: string, o: Partial<Claimant> = {}) =>
    aPerson(id, [userName(wants)], { oldUserName: old, holds: new Set([`name:${old}`]), ...o })

  it('pushes a new person out of the one that he has, who is not imported and leaves his cards to others', () => {
    const pushed = aPerson('pushed', [userName('old'), card('1', 'own')])

    expect(settled(known('a', 'x', 'x'), known('b', 'x', 'old'), pushed, aPerson('c', [card('1')]))).toEqual({
      winners: { 'name:x': 'a', 'name:old': 'b', 'card:1': 'c' },
      without: { b: ['name:x'], pushed: ['name:old'] },
    })
  })

  it('takes nothing from anybody as long as he gets it', () => {
    expect(settled(known('a', 'x', 'old'), aPerson('new', [userName('old')]))).toEqual({
      winners: { 'name:x': 'a', 'name:old': 'new' },
      without: {},
    })
  })

  it('does not get the one that he has where an alias of the registry’s own has it', () => {
    const owner = aPerson('owner', [alias('old', 'own')])
    const loser = known('b', 'x', 'old', { holds: new Set() })

    expect(settled(known('a', 'x', 'x'), loser, owner)).toEqual({
      winners: { 'name:x': 'a', 'name:old': 'owner' },
      without: { b: ['name:old', 'name:x'] },
    })
  })

  it('asks once where the new name is the one that he has', () => {
    expect(settled(aPerson('local', [userName('x')], { fixed: true }), known('b', 'x', 'x'))).toEqual({
      winners: { 'name:x': 'local' },
      without: { b: ['name:x'] },
    })
  })
})

describe('a PIN of one’s own that a given one should replace', () => {
  const replaced = (id: string, old: string, wants: readonly string[]) =>
    aPerson(id, [pin(old, 'replaced'), ...wants.map((key) => pin(key))])

  it('goes to whoever wants it, once its replacement is there', () => {
    expect(settled(replaced('a', '1', ['2']), aPerson('b', [pin('1')]))).toEqual({
      winners: { 'pin:1': 'b', 'pin:2': 'a' },
      without: { a: ['pin:1'] },
    })
  })

  it('goes to whoever has the weakest of other reasons', () => {
    const holder = { ...replaced('a', '1', ['2']), holds: new Set(['pin:1']), priority: 1 }

    expect(settled(holder, aPerson('b', [pin('1', 'kept')])).winners).toEqual({ 'pin:1': 'b', 'pin:2': 'a' })
  })

  it('stays where the replacement is somebody else’s, and so on along the chain', () => {
    const chain = [replaced('a', '1', ['9']), replaced('b', '2', ['1']), replaced('c', '3', ['2'])]

    expect(settled(aPerson('local', [pin('9', 'own')]), ...chain)).toEqual({
      winners: { 'pin:9': 'local', 'pin:1': 'a', 'pin:2': 'b', 'pin:3': 'c' },
      without: { a: ['pin:9'], b: ['pin:1'], c: ['pin:2'] },
    })
  })

  it('goes as soon as one of several replacements is there, and what was lost in another space is no reason to keep it', () => {
    const local = aPerson('local', [pin('9', 'own'), card('5', 'own')])
    const people = [replaced('a', '1', ['9', '2']), aPerson('b', [pin('1')])]

    expect(settled(local, ...people).winners).toMatchObject({ 'pin:1': 'b', 'pin:2': 'a' })
    const withCard = aPerson('a', [pin('1', 'replaced'), pin('2'), card('5')])
    expect(settled(local, withCard, aPerson('b', [pin('1')]))).toMatchObject({
      winners: { 'pin:1': 'b', 'pin:2': 'a' },
      without: { a: ['card:5', 'pin:1'] },
    })
  })

  it('is not kept by those who replace none, though they lose what they want', () => {
    const people = [aPerson('local', [pin('9', 'own')]), aPerson('a', [pin('9'), card('1', 'parked')])]

    expect(settled(...people, aPerson('b', [card('1')]))).toEqual({
      winners: { 'pin:9': 'local', 'card:1': 'b' },
      without: { a: ['card:1', 'pin:9'] },
    })
  })
})

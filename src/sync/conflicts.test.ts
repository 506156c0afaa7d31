import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Claimant, resolveConflicts } from './conflicts.ts'

const aClaimant = (
  id: string,
  o: Partial<Claimant> & { wants?: string; aliases?: readonly string[]; cards?: readonly string[] } = {},
): Claimant => ({
  id,
  claims: [
    ...(o.wants === undefined ? [] : [{ space: 'name', key: o.wants, rank: 'userName' } as const]),
    ...(o.aliases ?? []).map((key) => ({ space: 'name', key, rank: 'value' }) as const),
    ...(o.cards ?? []).map((key) => ({ space: 'card', key, rank: 'value' }) as const),
  ],
  active: o.holds !== undefined,
  holds: o.holds ?? new Set(),
  oldUserName: o.oldUserName,
  fixed: o.fixed ?? false,
  priority: o.priority ?? 100,
  createdDateTime: o.createdDateTime ?? null,
  objectId: o.objectId ?? id,
})

const winnersOf = (claimants: readonly Claimant[]) => Object.fromEntries(resolveConflicts(claimants).winners)

describe('who gets a value that several want', () => {
  it('D5: a user name beats an alias, whoever had it', () => {
    expect(
      winnersOf([
        aClaimant('a', { aliases: ['x'], holds: new Set(['name:x']), wants: 'a' }),
        aClaimant('b', { wants: 'x' }),
      ]),
    ).toMatchObject({ 'name:x': 'b' })
  })

  it('D5: a kept old user name yields to anything', () => {
    const keeper: Claimant = { ...aClaimant('a', { wants: 'new', holds: new Set(['name:x']) }) }
    const kept = { ...keeper, claims: [...keeper.claims, { space: 'name', key: 'x', rank: 'kept' } as const] }
    expect(winnersOf([kept, aClaimant('b', { aliases: ['x'], wants: 'b' })])).toMatchObject({ 'name:x': 'b' })
  })

  it('D6: the active holder who still wants it keeps it', () => {
    expect(
      winnersOf([aClaimant('z', { cards: ['1'], holds: new Set(['card:1']) }), aClaimant('a', { cards: ['1'] })]),
    ).toEqual({ 'card:1': 'z' })
  })

  it('D5: then the lower priority number, the earlier createdDateTime with null last, and the lower object id', () => {
    expect(winnersOf([aClaimant('a', { cards: ['1'], priority: 200 }), aClaimant('b', { cards: ['1'] })])).toEqual({
      'card:1': 'b',
    })
    expect(
      winnersOf([
        aClaimant('a', { cards: ['1'] }),
        aClaimant('b', { cards: ['1'], createdDateTime: '2020-01-01T00:00:00Z' }),
      ]),
    ).toEqual({ 'card:1': 'b' })
    expect(
      winnersOf([
        aClaimant('a', { cards: ['1'], createdDateTime: '2021-01-01T00:00:00Z' }),
        aClaimant('b', { cards: ['1'], createdDateTime: '2020-01-01T00:00:00Z' }),
      ]),
    ).toEqual({ 'card:1': 'b' })
    expect(winnersOf([aClaimant('b', { cards: ['1'] }), aClaimant('a', { cards: ['1'] })])).toEqual({ 'card:1': 'a' })
  })

  it('D5: an existing user who loses the new user name keeps the old one, against somebody new', () => {
    const resolution = resolveConflicts([
      aClaimant('holder', { wants: 'x', holds: new Set(['name:x']), oldUserName: 'x' }),
      aClaimant('mover', { wants: 'x', holds: new Set(['name:old']), oldUserName: 'old' }),
      aClaimant('new', { wants: 'old' }),
    ])
    expect(Object.fromEntries(resolution.winners)).toEqual({ 'name:x': 'holder', 'name:old': 'mover' })
    expect([...(resolution.denied.get('new') ?? [])]).toEqual(['name:old'])
  })

  it('D5: cards of a new user who is not imported are free for others', () => {
    const resolution = resolveConflicts([
      aClaimant('a', { wants: 'x', holds: new Set(['name:x']), oldUserName: 'x' }),
      aClaimant('b', { wants: 'x', cards: ['1'] }),
      aClaimant('c', { wants: 'c', cards: ['1'] }),
    ])
    expect(resolution.winners.get('card:1')).toBe('c')
  })

  it('D21 S15: what the registry owns is given up for nobody', () => {
    const local: Claimant = {
      ...aClaimant('local', { fixed: true, holds: new Set(['name:admin']) }),
      claims: [{ space: 'name', key: 'admin', rank: 'userName' }],
    }
    const resolution = resolveConflicts([local, aClaimant('thief', { wants: 'admin', priority: 0 })])
    expect(resolution.winners.get('name:admin')).toBe('local')
  })

  it('D6: swaps and chains are no conflicts', () => {
    const resolution = resolveConflicts([
      aClaimant('a', { wants: 'b', holds: new Set(['name:a']), oldUserName: 'a' }),
      aClaimant('b', { wants: 'a', holds: new Set(['name:b']), oldUserName: 'b' }),
      aClaimant('c', { wants: 'd', holds: new Set(['name:c']), oldUserName: 'c' }),
      aClaimant('d', { wants: 'e', holds: new Set(['name:d']), oldUserName: 'd' }),
    ])
    expect(resolution.denied.size).toBe(0)
  })
})

/** Equal for maps with the same entries in any order. */
const plain = <V>(map: ReadonlyMap<string, V>) => Object.fromEntries(map)

const claimants = fc
  .uniqueArray(
    fc.record({
      n: fc.nat(20),
      wants: fc.nat(6),
      aliases: fc.uniqueArray(fc.nat(6), { maxLength: 2 }),
      cards: fc.uniqueArray(fc.nat(4), { maxLength: 2 }),
      exists: fc.boolean(),
      priority: fc.nat(2),
    }),
    {
      selector: (r) => r.n,
      maxLength: 12,
    },
  )
  .map((records) =>
    records.map((r) =>
      aClaimant(`u${r.n}`, {
        wants: `n${r.wants}`,
        aliases: r.aliases.filter((a) => a !== r.wants).map((a) => `n${a}`),
        cards: r.cards.map(String),
        priority: r.priority,
        ...(r.exists ? { holds: new Set([`name:old${r.n}`]), oldUserName: `old${r.n}` } : {}),
      }),
    ),
  )

describe('settling conflicts, whatever is wanted', () => {
  it('D6: does not depend on the order in which people come', () => {
    fc.assert(
      fc.property(claimants, fc.infiniteStream(fc.nat()), (list, random) => {
        const shuffled = list
          .map((c) => [random.next().value, c] as const)
          .sort((a, b) => a[0] - b[0])
          .map(([, c]) => c)
        const one = resolveConflicts(list)
        const other = resolveConflicts(shuffled)
        expect(plain(other.winners)).toEqual(plain(one.winners))
        expect(plain(other.denied)).toEqual(plain(one.denied))
      }),
    )
  })

  it('gives every value to one person, who asked for it, and every existing user a name', () => {
    fc.assert(
      fc.property(claimants, (list) => {
        const { winners, denied } = resolveConflicts(list)
        for (const claimant of list) {
          const wanted = claimant.claims.find((c) => c.rank === 'userName')!
          const hasNew = winners.get(`name:${wanted.key}`) === claimant.id
          const hasOld =
            claimant.oldUserName !== undefined && winners.get(`name:${claimant.oldUserName}`) === claimant.id
          if (claimant.oldUserName !== undefined) expect(hasNew || hasOld).toBe(true)
          expect(denied.get(claimant.id)?.has(`name:${wanted.key}`) ?? false).toBe(!hasNew)
        }
        for (const [claim, id] of winners) {
          const winner = list.find((c) => c.id === id)!
          const asked = [...winner.claims.map((c) => `${c.space}:${c.key}`), `name:${winner.oldUserName}`]
          expect(asked).toContain(claim)
        }
      }),
    )
  })
})

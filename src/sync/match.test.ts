import { describe, expect, it } from 'vitest'
import {
  aLocalUser,
  aRank,
  aRegistryUser,
  MINE,
  type OptionsInput,
  OTHER,
  settingsOf,
} from '../../test/support/people.ts'
import { match, type MatchContext, type MatchInput, pairingKey } from './match.ts'

const LOCAL = aLocalUser({ id: 2 })
const RIVAL = aRank({ id: OTHER, name: 'board', priority: 50 })

const matched = (o: Partial<MatchInput>, options: OptionsInput = {}, context: Partial<MatchContext> = {}) =>
  match(
    {
      linked: undefined,
      wanted: { userName: 'Ann@x', personalNumber: 'N1' },
      candidates: [],
      isKeyTaken: false,
      ...o,
    },
    {
      sourceId: MINE,
      rank: aRank(),
      rivals: [],
      options: settingsOf({ users: { options } }).users.options,
      ...context,
    },
  )

describe('the pairing key', () => {
  it.each([
    ['userName', 'ann@x'],
    ['personalNumber', 'n1'],
    ['none', undefined],
  ] as const)('by %s is the canonical %s', (pairBy, key) => {
    expect(pairingKey({ userName: ' ANN@x', personalNumber: 'N1' }, pairBy)).toBe(key)
  })

  it('is nothing for whoever is not wanted, has no value or no mapping for it', () => {
    expect(pairingKey(undefined, 'userName')).toBe(undefined)
    expect(pairingKey({ userName: null, personalNumber: undefined }, 'userName')).toBe(undefined)
    expect(pairingKey({ userName: null, personalNumber: undefined }, 'personalNumber')).toBe(undefined)
  })
})

describe('who is who', () => {
  it('O5: links by object id, whatever he is called and whoever has the wanted name', () => {
    const linked = aRegistryUser({ userName: 'other@x' })

    expect(matched({ linked, candidates: [LOCAL] })).toEqual({ kind: 'linked', user: linked })
    expect(matched({ linked, candidates: [LOCAL] }, { addNewUsers: false })).toEqual({ kind: 'linked', user: linked })
  })

  it('adopts the local user who has the key, active or not', () => {
    const inactive = aLocalUser({ active: false })

    expect(matched({ candidates: [LOCAL] })).toEqual({ kind: 'adopt', user: LOCAL })
    expect(matched({ candidates: [inactive] })).toEqual({ kind: 'adopt', user: inactive })
    expect(matched({ candidates: [LOCAL] }, { addNewUsers: false })).toEqual({ kind: 'adopt', user: LOCAL })
  })

  it('never adopts without a key', () => {
    expect(matched({ candidates: [LOCAL] }, { pairBy: 'none' })).toEqual({ kind: 'create' })
    expect(
      matched(
        { candidates: [LOCAL], wanted: { userName: 'ann@x', personalNumber: null } },
        { pairBy: 'personalNumber' },
      ),
    ).toEqual({ kind: 'create' })
  })

  it('O5: a user who has an object id is never a candidate, nor makes another one ambiguous', () => {
    const linkedElsewhere = aRegistryUser({ id: 3, objectId: 'object-b' })

    expect(matched({ candidates: [linkedElsewhere] })).toEqual({ kind: 'create' })
    expect(matched({ candidates: [linkedElsewhere, LOCAL] })).toEqual({ kind: 'adopt', user: LOCAL })
  })

  it.each([
    ['userName', 'two registry users have this user name'],
    ['personalNumber', 'two registry users have this personal number'],
  ] as const)('refuses two who have the %s', (pairBy, why) => {
    const refused = matched({ candidates: [LOCAL, aLocalUser({ id: 4 })] }, { pairBy })

    expect(refused).toMatchObject({
      kind: 'skip',
      reason: 'pairing-refused',
      rule: 'users.options.pairBy',
      issue: 'pairing-refused',
    })
    expect(refused).toHaveProperty('message', expect.stringContaining(why))
  })

  it.each([
    ['userName', 'the registry user with this user name is an administrator or protected'],
    ['personalNumber', 'the registry user with this personal number is an administrator or protected'],
  ] as const)('D21 S15: refuses an administrator or a protected user by %s', (pairBy, why) => {
    const refused = matched({ candidates: [aLocalUser({ untouchable: true })] }, { pairBy })

    expect(refused).toMatchObject({ kind: 'skip', reason: 'pairing-refused', issue: 'pairing-refused' })
    expect(refused).toHaveProperty('message', expect.stringContaining(why))
  })

  it('makes somebody new, unless the source adds nobody', () => {
    expect(matched({})).toEqual({ kind: 'create' })
    expect(matched({}, { addNewUsers: false })).toEqual({
      kind: 'skip',
      reason: 'new-users-off',
      rule: 'users.options.addNewUsers',
      issue: undefined,
      message: '',
    })
  })
})

describe('where the source adds nobody', () => {
  it.each([
    ['userName', 'user-name-conflict', 'The user name "Ann@x" belongs to the Entra user b; '],
    ['personalNumber', 'personal-number-conflict', 'The personal number "N1" belongs to the Entra user b; '],
  ] as const)('D5: an issue says who has the %s by which he would have been paired', (pairBy, code, sentence) => {
    const skipped = matched({ keyHolder: 'the Entra user b' }, { addNewUsers: false, pairBy })

    expect(skipped).toMatchObject({ kind: 'skip', reason: 'new-users-off', issue: code })
    expect(skipped).toHaveProperty('message', expect.stringContaining(sentence))
  })

  it('nobody is named where he is paired, or somebody is added', () => {
    const others = { keyHolder: 'the Entra user b' }

    expect(matched({ ...others, candidates: [LOCAL] }, { addNewUsers: false })).toEqual({ kind: 'adopt', user: LOCAL })
    expect(matched(others)).toEqual({ kind: 'create' })
  })
})

describe('with Pair by Object ID off', () => {
  const off = { pairByObjectId: false }

  it('O5: the key comes first and the link second', () => {
    const linked = aRegistryUser({ userName: 'old@x' })

    expect(matched({ linked, candidates: [LOCAL] }, off)).toEqual({ kind: 'adopt', user: LOCAL })
    expect(matched({ linked, candidates: [] }, off)).toEqual({ kind: 'linked', user: linked })
    expect(matched({ linked, candidates: [LOCAL] }, { ...off, pairBy: 'none' })).toEqual({
      kind: 'linked',
      user: linked,
    })
    const hasId = aRegistryUser({ id: 3, objectId: 'object-b' })
    expect(matched({ linked, candidates: [hasId] }, off)).toEqual({ kind: 'linked', user: linked })
  })

  it('whoever is linked and has the key himself stays who he is', () => {
    const linked = aRegistryUser({ userName: 'ANN@X' })
    const left = aLocalUser({ id: 2, active: false })

    expect(matched({ linked, candidates: [left] }, off)).toEqual({ kind: 'linked', user: linked })
  })

  it.each(['userName', 'personalNumber'] as const)(
    'O5: whoever is linked and does without his %s is not found before a record that has it',
    (pairBy) => {
      const by = { ...off, pairBy }
      const linked = aRegistryUser({ userName: 'ann@x', personalNumber: 'n1', active: false })
      const found = aLocalUser({ id: 2, personalNumber: 'n1' })

      expect(matched({ linked, candidates: [found] }, by)).toEqual({ kind: 'adopt', user: found })
      const kept = { kind: 'linked', user: linked }
      expect(matched({ linked, candidates: [{ ...found, active: false, holdsNumber: false }] }, by)).toEqual(kept)
      expect(matched({ linked, candidates: [{ ...found, untouchable: true }] }, by)).toEqual(kept)
      expect(matched({ linked, candidates: [found, aLocalUser({ id: 4, active: false })] }, by)).toEqual(kept)
    },
  )

  it('O5: a record that does without the key is not found for whoever is linked while somebody else has it', () => {
    const linked = aRegistryUser({ userName: 'old@x' })
    const left = aLocalUser({ id: 2, active: false })

    expect(matched({ linked, candidates: [left], isKeyTaken: true }, off)).toEqual({ kind: 'linked', user: linked })
    expect(matched({ linked, candidates: [left] }, off)).toEqual({ kind: 'adopt', user: left })
    expect(matched({ linked, candidates: [LOCAL], isKeyTaken: true }, off)).toEqual({ kind: 'adopt', user: LOCAL })
    expect(matched({ candidates: [left], isKeyTaken: true }, off)).toEqual({ kind: 'adopt', user: left })
  })
})

describe('a linked user of whom several sources tell', () => {
  it('D21 S15: a protected one is left alone by every source', () => {
    const linked = aRegistryUser({ untouchable: true })

    expect(matched({ linked })).toEqual({
      kind: 'skip',
      reason: 'protected',
      rule: 'protected',
      issue: undefined,
      message: '',
    })
  })

  it('stays with the stronger source that claims him, and the sentence names it', () => {
    const linked = aRegistryUser({ sourceId: OTHER, claims: [MINE, OTHER] })

    const skipped = matched({ linked }, {}, { rivals: [RIVAL] })

    expect(skipped).toMatchObject({
      kind: 'skip',
      reason: 'owned-by-source',
      rule: 'priority',
      issue: 'owned-by-source',
    })
    expect(skipped).toHaveProperty('message', expect.stringContaining('"board"'))
    expect(skipped).toHaveProperty('message', expect.stringContaining('priority 50'))
  })

  it.each([
    ['is weaker', { ...RIVAL, priority: 200 }, [OTHER]],
    ['is disabled', { ...RIVAL, enabled: false }, [OTHER]],
    ['claims him no more', RIVAL, []],
  ])('is taken over when the source that had him %s', (_why, rival, claims) => {
    const linked = aRegistryUser({ sourceId: OTHER, claims })

    expect(matched({ linked }, {}, { rivals: [rival] })).toEqual({ kind: 'take-over', user: linked })
  })

  it('of a removed source is adopted, except by a source that claimed him all the time', () => {
    const detached = aRegistryUser({ sourceId: null, claims: [] })
    const claimed = aRegistryUser({ sourceId: null, claims: [MINE] })

    expect(matched({ linked: detached })).toEqual({ kind: 'adopt', user: detached })
    expect(matched({ linked: claimed })).toEqual({ kind: 'take-over', user: claimed })
  })
})

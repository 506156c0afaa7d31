import { describe, expect, it } from 'vitest'
import { aCredential, aName, aRegistryUser } from '../../test/support/people.ts'
import { claimsHeldBy, describe as nameOf, holdsOf } from './holdings.ts'

const ANN = aRegistryUser({
  userName: 'Ann@x',
  personalNumber: 'P1',
  names: [aName('Al'), aName('Gone', { held: false })],
  credentials: [aCredential('card', '1:2'), aCredential('pin', '123456'), aCredential('card', '9', { held: false })],
})

describe('what a user holds against others', () => {
  it('are his names, cards, PINs and number, in the form in which they are compared', () => {
    expect([...holdsOf(ANN)].sort()).toEqual(['card:card~1:2', 'name:al', 'name:ann@x', 'number:p1', 'pin:pin~123456'])
  })

  it('is nothing that he does without', () => {
    expect(holdsOf(aRegistryUser({ active: false, personalNumber: 'P1' })).size).toBe(0)
    expect([...holdsOf(aRegistryUser({ personalNumber: null, holdsNumber: true }))]).toEqual(['name:ann@x'])
  })

  it('claims the same, the user name as one and the rest as his own', () => {
    expect(claimsHeldBy(ANN)).toEqual([
      { space: 'name', key: 'ann@x', rank: 'userName' },
      { space: 'name', key: 'al', rank: 'own' },
      { space: 'card', key: 'card~1:2', rank: 'own' },
      { space: 'pin', key: 'pin~123456', rank: 'own' },
      { space: 'number', key: 'p1', rank: 'own' },
    ])
  })

  it('a number that reads like his name is his number still', () => {
    const user = aRegistryUser({ userName: 'n1', personalNumber: 'N1' })

    expect(claimsHeldBy(user)).toContainEqual({ space: 'number', key: 'n1', rank: 'own' })
  })
})

describe('how an issue names whoever has a value', () => {
  const claimant = {
    id: 'c',
    claims: [],
    active: true,
    holds: new Set<string>(),
    oldUserName: undefined,
    priority: 100,
    createdDateTime: null,
  }

  it.each([
    [undefined, 'somebody else'],
    [{ ...claimant, fixed: true, objectId: '' }, 'a local user'],
    [{ ...claimant, fixed: true, objectId: 'object-b' }, 'the Entra user object-b'],
    [{ ...claimant, fixed: false, objectId: '' }, 'the Entra user '],
  ])('%#', (who, text) => {
    expect(nameOf(who)).toBe(text)
  })
})

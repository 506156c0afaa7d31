import { describe, expect, it } from 'vitest'
import { aName, aRegistryUser, planned, type Situation } from '../../test/support/people.ts'
import type { RegistryName } from '../directory/user.ts'
import { sameNames } from './plan-names.ts'

const OWN = { origin: 'o' } as const
const KEPT = { origin: 'k' } as const
const ALIASES = { properties: { aliases: 'otherMails' } } as const
const person = (...names: RegistryName[]) => aRegistryUser({ names })
/** The names that a person ends with, beside his user name, where they change. */
const aliasesOf = (o: Situation) =>
  planned(o)
    .items.find((item) => item.names !== null)
    ?.names?.slice(1)
    .map((name) => `${name.value} ${name.origin}${name.held ? '' : ' not held'}`)
const claimsOf = (o: Situation) => planned(o).claims.map((claim) => `${claim.key} ${claim.rank}`)
const issuesOf = (o: Situation) => planned(o).issues.map((i) => `${i.code}: ${i.message}`)

describe('the user name of somebody known', () => {
  it('stays when what is mapped is empty, with an issue', () => {
    const o = { linked: person(), attributes: { userPrincipalName: null } }

    expect(planned(o)).toMatchObject({ kind: 'existing', items: [], issues: [{ code: 'user-name-empty' }] })
    expect(issuesOf(o)[0]).toContain('"ann@x" is kept. Fill it in Entra')
    expect(claimsOf(o)).toEqual(['ann@x userName'])
  })

  it('D10: that cannot be kept is told once, as what it is', () => {
    const o = { linked: person(), attributes: { userPrincipalName: 'a\0' } }

    expect(planned(o).issues).toMatchObject([{ code: 'value-rejected' }])
    expect(planned({ ...o, users: { properties: { office: 'userPrincipalName' } } }).issues).toHaveLength(2)
  })

  it('an empty one is told though another value cannot be kept', () => {
    const o: Situation = {
      linked: person(),
      attributes: { userPrincipalName: null, city: 'a\0' },
      users: { properties: { office: 'city' } },
    }

    expect(planned(o).issues).toMatchObject([{ code: 'value-rejected' }, { code: 'user-name-empty' }])
  })

  it('D5: that somebody else wins is not taken: the old one is kept, and both are named', () => {
    const o = { linked: person(), attributes: { userPrincipalName: 'bea@x' }, denied: ['name:bea@x'] }

    expect(planned(o).items).toEqual([])
    expect(issuesOf(o)).toEqual([
      'user-name-conflict: The user name "bea@x" belongs to somebody who has name; "ann@x" is kept. Change one of the two names in Entra.',
    ])
    expect(claimsOf(o)).toEqual(['bea@x userName'])
  })

  it('D5: where the old one is gone too nothing changes, in the words for an active user', () => {
    const o = {
      linked: person(),
      attributes: { userPrincipalName: 'bea@x' },
      denied: ['name:bea@x', 'name:ann@x'],
    }

    expect(planned(o).items).toMatchObject([{ action: 'skip', reason: 'user-name-conflict' }])
    expect(issuesOf(o)[0]).toContain('; the user is not imported. ')
  })

  it('that is empty while the old one is gone is impossible too', () => {
    const o = { linked: aRegistryUser({ active: false }), attributes: { userPrincipalName: '' } }

    expect(planned({ ...o, denied: ['name:ann@x'] }).items).toMatchObject([{ action: 'skip' }])
    expect(planned(o).items).toMatchObject([{ action: 'reactivate' }])
  })
})

describe('the aliases of somebody', () => {
  it('are given once each, and one’s own user name is dropped silently', () => {
    const o = { attributes: { otherMails: ['Al', 'AL', 'ANN@x', 'bo'] }, users: ALIASES }

    expect(aliasesOf(o)).toEqual(['Al s', 'bo s'])
    expect(planned(o).issues).toEqual([])
    expect(claimsOf(o)).toEqual(['ann@x userName', 'al value', 'bo value'])
  })

  it('that the source gave and does not give any more are withdrawn; the others stay', () => {
    const linked = person(aName('given'), aName('own', OWN), aName('kept', KEPT))

    expect(aliasesOf({ linked, users: ALIASES, attributes: { otherMails: ['new'] } })).toEqual([
      'own o',
      'new s',
      'kept k',
    ])
  })

  it('all stay where aliases are not mapped', () => {
    const linked = person(aName('given'), aName('own', OWN), aName('kept', KEPT))

    expect(planned({ linked }).items).toEqual([])
    expect(claimsOf({ linked })).toEqual(['ann@x userName', 'own own', 'given value', 'kept kept'])
  })

  it('D5: somebody else’s is done without, and both are named', () => {
    const o = { attributes: { otherMails: ['al', 'bo'] }, users: ALIASES, denied: ['name:al'] }

    expect(aliasesOf(o)).toEqual(['bo s'])
    expect(issuesOf(o)).toEqual([
      'alias-conflict: The alias "al" belongs to somebody who has name; this user does without it.',
    ])
    expect(claimsOf(o)).toContain('al value')
  })

  it('D5: a kept old user name gives way without a word', () => {
    const o = { linked: person(aName('kept', KEPT)), denied: ['name:kept'] }

    expect(aliasesOf(o)).toEqual([])
    expect(planned(o).issues).toEqual([])
    const renamed = { linked: person(), attributes: { userPrincipalName: 'bea@x' }, denied: ['name:ann@x'] }
    expect(aliasesOf(renamed)).toEqual([])
    expect(planned(renamed).issues).toEqual([])
    expect(claimsOf(renamed)).toEqual(['bea@x userName', 'ann@x kept'])
  })

  it('that are the registry’s own are marked as not held where somebody else has them', () => {
    const active = person(aName('al', OWN))
    expect(aliasesOf({ linked: active, denied: ['name:al'] })).toEqual(['al o not held'])
    expect(claimsOf({ linked: active })).toEqual(['ann@x userName', 'al own'])

    // Lost while he was deactivated: his again when it is free.
    const lost = person(aName('al', { ...OWN, held: false }))
    expect(aliasesOf({ linked: lost })).toEqual(['al o'])
    expect(planned({ linked: lost }).items).toMatchObject([{ old: { aliases: [] }, new: { aliases: ['al'] } }])
    expect(claimsOf({ linked: lost })).toEqual(['ann@x userName', 'al parked'])
    expect(planned({ linked: lost, denied: ['name:al'] })).toMatchObject({
      items: [],
      issues: [{ code: 'alias-conflict' }],
    })
  })

  it('that are given as the registry’s own stay with the name of their origin', () => {
    const users = { properties: { aliases: [{ from: 'otherMails', mode: 'append' as const }] } }

    expect(aliasesOf({ users, attributes: { otherMails: ['al'] } })).toEqual(['al o'])
  })

  it('an own alias counts as his, a given or a kept one of that name does not', () => {
    const users = { properties: { aliases: 'otherMails' } } as const
    const attributes = { otherMails: ['al'] }

    const o = { users, attributes, denied: ['name:al'] }
    expect(aliasesOf({ ...o, linked: person(aName('al')) })).toEqual([])
    expect(aliasesOf({ ...o, linked: person(aName('al', KEPT)) })).toEqual([])
    expect(aliasesOf({ ...o, linked: person(aName('al', OWN)) })).toEqual(['al o not held'])
    // Another alias of his own changes nothing about this one.
    expect(planned({ ...o, linked: person(aName('other', OWN)) }).items).toEqual([])
  })

  it('his old user name comes after what he was given', () => {
    const o = {
      linked: person(aName('own', OWN), aName('kept', KEPT)),
      users: ALIASES,
      attributes: { userPrincipalName: 'bea@x', otherMails: ['new'] },
    }

    expect(aliasesOf(o)).toEqual(['own o', 'new s', 'kept k', 'ann@x k'])
  })

  it('the name that he had comes back as his user name, not twice', () => {
    const o = { linked: aRegistryUser({ userName: 'bea@x', names: [aName('ann@x', KEPT)] }) }

    expect(aliasesOf(o)).toEqual(['bea@x k'])
  })
})

describe('two lists of names', () => {
  const [a, b] = [aName('a'), aName('b')]
  it.each([
    [[a, b], [b, a], true],
    [[a], [a, b], false],
    [[a, b], [a], false],
    [[a], [b], false],
    [[a], [{ ...a, origin: 'k' as const }], false],
    [[a], [{ ...a, held: false }], false],
    [[a], [{ ...a, kind: 'n' as const }], false],
    [[a, b], [a, { ...b, held: false }], false],
    [[], [], true],
  ])('%#: %j and %j: the same is %s', (one, other, expected) => {
    expect(sameNames(one, other)).toBe(expected)
  })
})

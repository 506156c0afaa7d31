// What happens to one person: somebody new, a leaver, somebody adopted, taken over, back again or changed.
import { assert, describe, expect, it } from 'vitest'
import {
  actionsOf,
  aCredential,
  aLocalUser,
  aName,
  aRank,
  aRegistryUser,
  aWantedUser,
  DAY,
  MINE,
  NOW,
  OTHER,
  planned,
  settingsOf,
  type Situation,
} from '../../test/support/people.ts'

const ANN = aRegistryUser()
const messagesOf = (o: Situation) => planned(o).issues.map((i) => i.message)
/** What every item about Ann says. */
const ABOUT = {
  object: 'user',
  userId: 1,
  groupId: null,
  objectId: 'object-a',
  name: 'ann@x',
  names: null,
  sawVersion: 7,
}
const SKIPPED = {
  object: 'user',
  action: 'skip',
  groupId: null,
  objectId: 'object-a',
  old: null,
  new: null,
  names: null,
  sawVersion: null,
}

describe('somebody new', () => {
  it('is created with all that he is given, and nothing that is empty', () => {
    const plan = planned({
      attributes: { displayName: 'Ann Lee', department: ' ', employeeId: 'P1', otherMails: ['a@y'], city: 'Prague' },
      users: {
        properties: {
          personalNumber: 'employeeId',
          aliases: 'upnPrefix',
          alternateEmails: 'otherMails',
          own: { town: 'city', land: 'country' },
        },
      },
    })

    expect(plan).toEqual({
      kind: 'created',
      user: { id: 99, active: true },
      frozen: false,
      gives: true,
      isMissing: false,
      issues: [],
      claims: [
        { space: 'name', key: 'ann@x', rank: 'userName' },
        { space: 'name', key: 'ann', rank: 'value' },
        { space: 'number', key: 'p1', rank: 'value' },
      ],
      items: [
        {
          object: 'user',
          action: 'create',
          userId: 99,
          groupId: null,
          objectId: 'object-a',
          name: 'ann@x',
          old: null,
          new: {
            userName: 'ann@x',
            fullName: 'Ann Lee',
            personalNumber: 'P1',
            aliases: ['ann'],
            alternateEmails: ['a@y'],
            own: { town: 'Prague' },
          },
          names: [aName('ann@x', { kind: 'n' }), aName('ann')],
          givenEmails: ['a@y'],
          rule: 'users.options.addNewUsers',
          reason: 'new-in-entra',
          sawVersion: null,
        },
      ],
    })
  })

  it('with a name alone gets nothing else, not even empty lists', () => {
    const item = planned({ users: { properties: { own: { town: 'city' } } } }).items[0]!

    expect(item.new).toEqual({ userName: 'ann@x' })
    expect(item).not.toHaveProperty('givenEmails')
  })

  it('gets emails that are the registry’s own without their being the source’s', () => {
    const users = { properties: { alternateEmails: [{ from: 'otherMails', mode: 'append' as const }] } }
    const item = planned({ attributes: { otherMails: ['a@y'] }, users }).items[0]!

    expect(item.new).toMatchObject({ alternateEmails: ['a@y'] })
    expect(item).not.toHaveProperty('givenEmails')
  })

  it('without a user name is not imported, and the issue says what to do', () => {
    const plan = planned({ attributes: { userPrincipalName: '  ' } })

    expect(plan).toMatchObject({ kind: 'skipped', user: undefined, frozen: true, claims: [] })
    expect(plan.items).toEqual([
      { ...SKIPPED, userId: null, name: null, rule: 'users.properties.userName', reason: 'user-name-empty' },
    ])
    expect(plan.issues).toMatchObject([{ code: 'user-name-empty', objectId: 'object-a' }])
    expect(plan.issues[0]?.message).toContain('the user is not imported. Fill it in Entra')
  })

  it('D10: with a user name that cannot be kept is not imported, as what it is', () => {
    const plan = planned({ attributes: { userPrincipalName: 'a'.repeat(257) } })

    expect(plan.items).toMatchObject([{ action: 'skip', reason: 'value-rejected' }])
    expect(plan.issues).toMatchObject([{ code: 'value-rejected' }])
    expect(plan.issues[0]?.message).toMatch(
      /^A value for userName is 257 characters long.*; the user is not imported\. Correct it in Entra/,
    )
  })

  it('D5: who loses the user name is not imported, and both are named', () => {
    const plan = planned({ denied: ['name:ann@x'], newId: () => assert.fail('no id is taken') })

    expect(plan).toMatchObject({ kind: 'skipped', user: undefined, frozen: true })
    expect(plan.items).toEqual([
      { ...SKIPPED, userId: null, name: 'ann@x', rule: 'users.properties.userName', reason: 'user-name-conflict' },
    ])
    expect(plan.claims).toEqual([{ space: 'name', key: 'ann@x', rank: 'userName' }])
    expect(plan.issues).toMatchObject([{ code: 'user-name-conflict' }])
    expect(plan.issues[0]?.message).toContain('"ann@x" belongs to somebody who has name; the user is not imported')
  })

  it('tells of every value that cannot be kept, by its kind', () => {
    const users = {
      properties: { notes: { expression: 'CNum([city])' }, office: 'officeLocation' as const },
    }
    const attributes = { city: 'x', officeLocation: 'a\0b' }

    expect(planned({ attributes, users }).issues).toMatchObject([
      { code: 'value-rejected', objectId: 'object-a' },
      { code: 'expression-failed', objectId: 'object-a' },
    ])
    expect(messagesOf({ attributes, users })).toEqual([
      'A value for office contains a NUL character; the field stays as it is. Correct it in Entra or map another attribute.',
      'The expression for notes could not be worked out (CNum: the text is not a number); the field stays as it is. Change the expression, or the attributes in Entra.',
    ])
  })

  it('is not made where the source adds nobody', () => {
    const plan = planned({ users: { options: { addNewUsers: false } } })

    expect(plan).toMatchObject({ kind: 'skipped', user: undefined, frozen: true, issues: [] })
    expect(plan.items).toMatchObject([
      { action: 'skip', reason: 'new-users-off', rule: 'users.options.addNewUsers', name: 'ann@x' },
    ])
  })

  it('needs a mapping', () => {
    expect(() => planned({ wanted: undefined })).toThrow('a wanted user needs a mapping')
  })
})

describe('of whom nothing may be concluded', () => {
  it('nothing is changed, and why is said', () => {
    const plan = planned({ judgement: { kind: 'frozen', why: 'listing-incomplete' }, linked: ANN })

    expect(plan).toEqual({
      kind: 'skipped',
      user: ANN,
      frozen: true,
      gives: true,
      isMissing: false,
      issues: [],
      claims: [],
      items: [{ ...SKIPPED, userId: 1, name: 'ann@x', rule: 'sync', reason: 'listing-incomplete' }],
    })
  })
})

describe('a leaver', () => {
  const RULE = 'users.options.deactivateMissingUsers'
  it.each([
    ['gone', RULE],
    ['soft-deleted', RULE],
    ['out-of-scope', 'users.filter'],
    ['disabled', 'users.disabledAccounts'],
  ] as const)('%s is deactivated, by rule %s', (judgement, rule) => {
    expect(planned({ judgement, linked: ANN })).toEqual({
      kind: 'existing',
      user: { id: 1, active: false },
      frozen: false,
      gives: true,
      // Until the plan is applied.
      isMissing: judgement !== 'disabled',
      issues: [],
      claims: [],
      items: [
        { ...ABOUT, action: 'deactivate', old: { active: true }, new: { active: false }, rule, reason: judgement },
      ],
    })
  })

  it('who was never there is only told of', () => {
    const plan = planned({ judgement: 'gone' })

    expect(plan).toMatchObject({ kind: 'skipped', user: undefined, frozen: true, gives: true, isMissing: false })
    expect(plan.items).toEqual([{ ...SKIPPED, userId: null, name: null, rule: RULE, reason: 'gone' }])
  })

  it('of another source is that source’s; of a removed one he is frozen', () => {
    const others = planned({ judgement: 'gone', linked: aRegistryUser({ sourceId: OTHER }) })
    expect(others).toMatchObject({ kind: 'skipped', frozen: false, gives: false, items: [{ reason: 'not-owned' }] })

    const detached = planned({ judgement: 'soft-deleted', linked: aRegistryUser({ sourceId: null }) })
    expect(detached).toMatchObject({ kind: 'skipped', frozen: true, gives: true, items: [{ reason: 'not-owned' }] })
  })

  it('of a removed source, and gone for good, is given nothing more, unless he is protected', () => {
    const gone = (untouchable: boolean) =>
      planned({ judgement: 'gone', linked: aRegistryUser({ sourceId: null, untouchable }) })
    expect(gone(false)).toMatchObject({ kind: 'skipped', frozen: true, gives: false, items: [{ reason: 'not-owned' }] })
    expect(gone(true)).toMatchObject({ frozen: true, gives: true })
  })

  it('D21 S15: who is protected stays as he is, also where another source would take him', () => {
    const linked = aRegistryUser({ untouchable: true })
    const successor = { rank: aRank({ id: OTHER }), settings: settingsOf(), wanted: aWantedUser({}) }

    expect(planned({ judgement: 'gone', linked, successor })).toMatchObject({
      kind: 'skipped',
      frozen: true,
      items: [{ action: 'skip', reason: 'protected' }],
    })
  })

  it('whom an administrator restored stays, disabled or missing', () => {
    const linked = aRegistryUser({ restoredByAdministrator: true })

    for (const judgement of ['gone', 'soft-deleted', 'disabled'] as const)
      expect(planned({ judgement, linked })).toMatchObject({
        kind: 'skipped',
        // Gone for good ends memberships, whatever becomes of him.
        frozen: judgement !== 'gone',
        isMissing: false,
        items: [{ action: 'skip', reason: 'restored-by-administrator' }],
      })
  })

  it('is kept and listed as missing where missing users are not deactivated; a disabled one goes', () => {
    const users = { options: { deactivateMissingUsers: false } }

    for (const judgement of ['gone', 'soft-deleted', 'out-of-scope'] as const)
      expect(planned({ judgement, linked: ANN, users })).toMatchObject({
        kind: 'skipped',
        frozen: judgement !== 'gone',
        isMissing: true,
        items: [{ action: 'skip', reason: 'missing-kept' }],
      })
    expect(actionsOf(planned({ judgement: 'disabled', linked: ANN, users }))).toEqual(['user deactivate'])
  })

  const ago = (ms: number) => new Date(NOW.getTime() - ms)
  it.each([
    [undefined, false],
    [ago(0), false],
    [ago(3 * DAY - 1), false],
    [ago(3 * DAY), true],
    [ago(30 * DAY), true],
  ])('missing since %s, grace 3 days: deactivated is %s', (missingSince, isDeactivated) => {
    for (const judgement of ['gone', 'soft-deleted'] as const) {
      const plan = planned({ judgement, linked: ANN, missingSince, users: { options: { graceDays: 3 } } })

      if (isDeactivated) expect(actionsOf(plan)).toEqual(['user deactivate'])
      else
        expect(plan).toMatchObject({
          kind: 'skipped',
          frozen: judgement !== 'gone',
          isMissing: true,
          items: [{ action: 'skip', reason: 'grace-period', rule: RULE }],
        })
    }
  })

  it('disabled has no grace', () => {
    expect(actionsOf(planned({ judgement: 'disabled', linked: ANN, users: { options: { graceDays: 3 } } }))).toEqual([
      'user deactivate',
    ])
  })

  it('who is deactivated stays so without an item, and his memberships follow', () => {
    const linked = aRegistryUser({ active: false })

    expect(planned({ judgement: 'gone', linked })).toEqual({
      kind: 'existing',
      user: linked,
      items: [],
      issues: [],
      claims: [],
      frozen: false,
      gives: true,
      isMissing: false,
    })
  })

  it.each([
    [30, 'source', ago(30 * DAY), true],
    [30, 'source', ago(30 * DAY - 1), false],
    [30, 'administrator', ago(90 * DAY), false],
    [30, 'source', null, false],
    ['never', 'source', ago(9000 * DAY), false],
  ] as const)(
    'deleted after %s days, deactivated by %s at %s: %s',
    (deleteAfterDays, deactivatedBy, deactivatedAt, goes) => {
      const fields = { ...aRegistryUser.NO_FIELDS, fullName: 'Ann Lee' }
      const linked = aRegistryUser({ active: false, deactivatedBy, deactivatedAt, fields })

      const plan = planned({ judgement: 'soft-deleted', linked, users: { options: { deleteAfterDays } } })

      expect(plan).toMatchObject({ kind: 'existing', user: linked, frozen: goes })
      expect(plan.items).toEqual(
        goes
          ? [
              {
                ...ABOUT,
                action: 'delete',
                old: { userName: 'ann@x', fullName: 'Ann Lee', deactivatedAt: deactivatedAt.toISOString() },
                new: null,
                rule: 'users.options.deleteAfterDays',
                reason: 'soft-deleted',
              },
            ]
          : [],
      )
    },
  )

  it('whose days are over stays while another source wants him', () => {
    const linked = aRegistryUser({ active: false, deactivatedBy: 'source', deactivatedAt: ago(90 * DAY) })

    const plan = planned({
      judgement: 'out-of-scope',
      linked,
      isWantedElsewhere: true,
      users: { options: { deleteAfterDays: 5 } },
    })

    expect(plan).toMatchObject({ kind: 'existing', user: linked, frozen: false, items: [] })
  })
})

describe('whom the next source takes over', () => {
  const wanted = aWantedUser({ userPrincipalName: 'ann@x', department: 'Board' })
  const successor = { rank: aRank({ id: OTHER, name: 'board', priority: 200 }), settings: settingsOf(), wanted }
  const situation: Situation = { judgement: 'out-of-scope', linked: ANN, successor, context: { rivals: [] } }

  it('is never deactivated in between: one item, in the words of both sources', () => {
    const plan = planned(situation)

    expect(plan).toMatchObject({ kind: 'existing', user: { id: 1, active: true }, frozen: false, gives: false })
    expect(plan.items).toEqual([
      {
        ...ABOUT,
        action: 'take over',
        old: { department: null, source: aRank().name },
        new: { department: 'Board', source: 'board' },
        rule: 'priority',
        reason: 'dropped-by-owner',
      },
    ])
  })

  it('whom an administrator deactivated changes owner alone, and stays as he is', () => {
    const linked = { ...ANN, active: false, deactivatedBy: 'administrator' as const }
    const plan = planned({ ...situation, linked })

    expect(plan).toMatchObject({ kind: 'existing', user: { id: 1, active: false }, issues: [], claims: [] })
    expect(plan.items).toMatchObject([
      { action: 'take over', old: { source: aRank().name }, new: { source: 'board' }, names: null, rule: 'priority' },
    ])
    expect(plan.items[0]?.new).toEqual({ source: 'board' })
  })

  it('keeps his default group, of which the next source was not asked', () => {
    const attributeGroups = { groupIds: [5], defaultGroup: { id: 5, path: 'Sales' }, isComplete: true }

    expect(planned({ ...situation, attributeGroups }).items[0]?.new).not.toHaveProperty('defaultGroup')
  })

  it('takes what the next source takes, on its terms', () => {
    const settings = settingsOf({ users: { properties: { department: { from: 'department', apply: 'whenCreated' } } } })

    expect(planned({ ...situation, successor: { ...successor, settings } }).items[0]?.new).toEqual({ source: 'board' })
  })
})

describe('somebody known', () => {
  it('as he should be makes no item', () => {
    expect(planned({ linked: ANN })).toEqual({
      kind: 'existing',
      user: { id: 1, active: true },
      items: [],
      issues: [],
      claims: [{ space: 'name', key: 'ann@x', rank: 'userName' }],
      frozen: false,
      gives: true,
      isMissing: false,
    })
  })

  it('is updated where something changed', () => {
    expect(planned({ linked: ANN, attributes: { department: 'Sales' } }).items).toEqual([
      {
        ...ABOUT,
        action: 'update',
        old: { department: null },
        new: { department: 'Sales' },
        rule: 'users.properties.department',
        reason: 'changed-in-entra',
        hashedAs: { rule: 'users.properties', reason: 'changed-in-entra' },
      },
    ])
  })

  it('is renamed, and keeps the old user name as an alias', () => {
    const plan = planned({ linked: ANN, attributes: { userPrincipalName: 'bea@x' } })

    expect(plan.items).toEqual([
      {
        ...ABOUT,
        action: 'rename',
        old: { userName: 'ann@x', aliases: [] },
        new: { userName: 'bea@x', aliases: ['ann@x'] },
        names: [aName('bea@x', { kind: 'n' }), aName('ann@x', { origin: 'k' })],
        rule: 'users.properties.userName',
        reason: 'changed-in-entra',
        hashedAs: { rule: 'users.properties.userName', reason: 'changed-in-entra' },
      },
    ])
  })

  it('is renamed without one where that is off, or where only its case changed', () => {
    const off = { options: { keepOldUserName: false } }
    const plan = planned({ linked: ANN, attributes: { userPrincipalName: 'bea@x' }, users: off })
    expect(plan.items).toMatchObject([{ action: 'rename', old: { userName: 'ann@x' }, new: { userName: 'bea@x' } }])
    expect(plan.items[0]?.new).not.toHaveProperty('aliases')

    const spelt = planned({ linked: ANN, attributes: { userPrincipalName: 'Ann@x' } })
    expect(spelt.items).toMatchObject([{ action: 'rename', new: { userName: 'Ann@x' } }])
    expect(spelt.items[0]?.new).not.toHaveProperty('aliases')
  })

  it('is renamed and updated by two items, of which one tells of the aliases', () => {
    const plan = planned({
      linked: ANN,
      attributes: { userPrincipalName: 'bea@x', department: 'Sales' },
    })

    expect(actionsOf(plan)).toEqual(['user rename', 'user update'])
    expect(plan.items[1]).toMatchObject({ old: { department: null }, new: { department: 'Sales' } })
    expect(plan.items[1]?.new).not.toHaveProperty('aliases')
  })

  it('gets and loses aliases by one update', () => {
    const linked = aRegistryUser({ names: [aName('old')] })
    const users = { properties: { aliases: 'upnPrefix' } } as const

    expect(planned({ linked, users }).items).toEqual([
      {
        ...ABOUT,
        action: 'update',
        old: { aliases: ['old'] },
        new: { aliases: ['ann'] },
        names: [aName('ann@x', { kind: 'n' }), aName('ann')],
        rule: 'users.properties.aliases',
        reason: 'changed-in-entra',
        hashedAs: { rule: 'users.properties', reason: 'changed-in-entra' },
      },
    ])
  })

  it('the order of aliases is no change', () => {
    const linked = aRegistryUser({ names: [aName('b'), aName('a')] })
    const users = { properties: { aliases: 'otherMails' } } as const

    expect(planned({ linked, users, attributes: { otherMails: ['a', 'b'] } }).items).toEqual([])
  })

  it('whose alias becomes his own is updated though nobody sees a difference', () => {
    const linked = aRegistryUser({ names: [aName('ann')] })
    const users = { properties: { aliases: [{ from: 'upnPrefix', mode: 'append' as const }, 'city'] } }

    expect(planned({ linked, users }).items).toMatchObject([
      { action: 'update', old: {}, new: {}, names: [{ kind: 'n' }, { value: 'ann', origin: 'o' }] },
    ])
  })

  it('whom an administrator deactivated is not brought back by any source', () => {
    const linked = aRegistryUser({ active: false, deactivatedBy: 'administrator' })
    const plan = planned({ linked, attributes: { department: 'Sales' } })

    expect(plan).toMatchObject({ kind: 'skipped', user: linked, frozen: false })
    expect(plan.items).toMatchObject([
      { action: 'skip', rule: 'administrator', reason: 'deactivated-by-administrator', userId: 1 },
    ])
  })

  it('D21 S15: who is protected is skipped', () => {
    expect(planned({ linked: aRegistryUser({ untouchable: true }) })).toMatchObject({
      kind: 'skipped',
      frozen: true,
      issues: [],
      items: [{ reason: 'protected', name: 'ann@x', userId: 1 }],
    })
  })

  it('whom another source owns is skipped with an issue, and still gets memberships', () => {
    const linked = aRegistryUser({ sourceId: OTHER, claims: [OTHER, MINE] })
    const context = { rivals: [aRank({ id: OTHER, name: 'board', priority: 1 })] }

    expect(planned({ linked, context })).toMatchObject({
      kind: 'skipped',
      frozen: false,
      issues: [{ code: 'owned-by-source' }],
      items: [{ reason: 'owned-by-source' }],
    })
  })

  it('of a weaker source is taken over', () => {
    const linked = aRegistryUser({ sourceId: OTHER, claims: [OTHER], names: [aName('x')] })
    const context = { rivals: [aRank({ id: OTHER, name: 'guests', priority: 200 })] }
    const users = { properties: { aliases: 'city' } } as const
    const plan = planned({ linked, context, users, attributes: { userPrincipalName: 'bea@x', otherMails: [] } })

    expect(plan.kind).toBe('existing')
    expect(plan.items).toEqual([
      {
        ...ABOUT,
        action: 'take over',
        old: { userName: 'ann@x', aliases: ['x'], source: 'guests' },
        new: { userName: 'bea@x', aliases: ['ann@x'], source: 'staff' },
        names: [aName('bea@x', { kind: 'n' }), aName('ann@x', { origin: 'k' })],
        rule: 'priority',
        reason: 'comes-before-owner',
      },
    ])
  })

  it('taken over gets the default group that this source gives', () => {
    const linked = aRegistryUser({ sourceId: OTHER, claims: [] })
    const attributeGroups = { groupIds: [5], defaultGroup: { id: 5, path: 'Sales' }, isComplete: true }

    expect(planned({ linked, attributeGroups }).items).toMatchObject([
      { action: 'take over', groupId: 5, new: { defaultGroup: 'Sales' } },
    ])
  })

  it('taken over with names that stay keeps them untouched', () => {
    const linked = aRegistryUser({ sourceId: OTHER, claims: [] })

    expect(planned({ linked }).items).toMatchObject([
      { action: 'take over', names: null, old: { source: null }, new: { source: 'staff' } },
    ])
  })
})

describe('somebody who comes back', () => {
  it('is the same record, reactivated with his names', () => {
    const plan = planned({ linked: aRegistryUser({ active: false, personalNumber: 'P1' }) })

    expect(plan).toMatchObject({ kind: 'existing', user: { id: 1, active: true }, frozen: false })
    expect(plan.items).toEqual([
      {
        ...ABOUT,
        action: 'reactivate',
        old: { active: false },
        new: { active: true },
        names: [aName('ann@x', { kind: 'n' })],
        rule: 'users.import',
        reason: 'wanted-again',
        numberKey: 'p1',
      },
    ])
  })

  it('his own alias comes back where it is free', () => {
    const linked = aRegistryUser({ active: false, names: [aName('al', { origin: 'o', held: false })] })
    const free = planned({ linked })
    expect(free.items).toMatchObject([{ names: [{ kind: 'n' }, { value: 'al', held: true }] }])
    expect(free.issues).toEqual([])
    expect(free.claims).toContainEqual({ space: 'name', key: 'al', rank: 'parked' })

    const taken = planned({ linked, denied: ['name:al'] })
    expect(taken.items[0]).toMatchObject({ action: 'reactivate', names: [{ kind: 'n' }, { value: 'al', held: false }] })
    expect(taken.issues).toMatchObject([{ code: 'alias-conflict' }])
  })

  it('with something new is updated by an item of its own', () => {
    const plan = planned({ linked: aRegistryUser({ active: false }), attributes: { department: 'Sales' } })

    expect(actionsOf(plan)).toEqual(['user reactivate', 'user update'])
    expect(plan.items[1]).toMatchObject({ new: { department: 'Sales' } })
  })

  it('under a name that somebody else has keeps the old one, and without either stays deactivated', () => {
    const linked = aRegistryUser({ active: false })
    const attributes = { userPrincipalName: 'bea@x' }

    const kept = planned({ linked, attributes, denied: ['name:bea@x'] })
    expect(kept.items).toMatchObject([{ action: 'reactivate', names: [{ value: 'ann@x' }] }])
    expect(kept.issues[0]?.message).toContain('"ann@x" is kept')

    const stays = planned({ linked, attributes, denied: ['name:bea@x', 'name:ann@x'] })
    expect(stays).toMatchObject({ kind: 'skipped', user: linked, frozen: false })
    expect(stays.items).toMatchObject([
      { action: 'skip', rule: 'users.properties.userName', reason: 'user-name-conflict' },
    ])
    expect(stays.claims).toEqual([{ space: 'name', key: 'bea@x', rank: 'userName' }])
    expect(stays.issues[0]?.message).toContain('the user stays deactivated')
  })
})

describe('somebody who is adopted', () => {
  const LOCAL = aLocalUser({ id: 2, names: [aName('al', { origin: 'o' })] })

  it.each([
    ['userName', 'paired-by-user-name'],
    ['personalNumber', 'paired-by-personal-number'],
  ] as const)('by %s is linked to his record by an item that says so: %s', (pairBy, reason) => {
    const plan = planned({
      candidates: [LOCAL],
      attributes: { employeeId: 'P1', department: 'Sales' },
      users: { options: { pairBy }, properties: { personalNumber: 'employeeId' } },
    })

    expect(plan).toMatchObject({ kind: 'adopted', user: { id: 2, active: true }, frozen: false })
    expect(plan.items).toEqual([
      {
        ...ABOUT,
        userId: 2,
        action: 'adopt',
        old: { objectId: null, personalNumber: null, department: null },
        new: { objectId: 'object-a', personalNumber: 'P1', department: 'Sales' },
        names: [aName('ann@x', { kind: 'n' }), aName('al', { origin: 'o' })],
        rule: 'users.options.pairBy',
        reason,
      },
    ])
  })

  it('of a removed source is linked again by his object id', () => {
    const detached = aRegistryUser({ sourceId: null, claims: [] })

    expect(planned({ linked: detached }).items).toMatchObject([
      {
        action: 'adopt',
        old: { objectId: 'object-a' },
        new: { objectId: 'object-a' },
        rule: 'users.options.pairByObjectId',
        reason: 'linked-again',
      },
    ])
  })

  it('inactive comes back, unless an administrator deactivated him', () => {
    const byRun = planned({ candidates: [aLocalUser({ id: 2, active: false })] })
    expect(actionsOf(byRun)).toEqual(['user adopt', 'user reactivate'])
    expect(byRun.user).toEqual({ id: 2, active: true })

    const byHand = planned({ candidates: [aLocalUser({ id: 2, active: false, deactivatedBy: 'administrator' })] })
    expect(actionsOf(byHand)).toEqual(['user adopt'])
    expect(byHand.user).toEqual({ id: 2, active: false })
  })

  describe('deactivated by an administrator', () => {
    const record = aLocalUser({
      id: 2,
      active: false,
      deactivatedBy: 'administrator',
      userName: 'ann@x',
      personalNumber: 'P1',
    })
    const users = { properties: { cards: 'employeeId', personalNumber: 'employeeId' } } as const
    const attributes = { employeeId: 'P1', department: 'Sales' }

    it('is linked and stays as he is', () => {
      const plan = planned({ candidates: [record], users, attributes })

      expect(plan).toMatchObject({ kind: 'adopted', user: { id: 2, active: false }, frozen: false, issues: [] })
      expect(plan.items).toMatchObject([
        {
          action: 'adopt',
          old: { objectId: null },
          new: { objectId: 'object-a' },
          names: null,
          reason: 'paired-by-user-name',
        },
      ])
      expect(plan.claims).toEqual([{ space: 'record', key: '2', rank: 'value' }])
    })

    it('whoever is linked again competes for nothing', () => {
      const linked = { ...record, id: 1, objectId: 'object-a' }
      const plan = planned({ linked, users, attributes, denied: ['name:ann@x'] })

      expect(plan).toMatchObject({ kind: 'adopted', claims: [], issues: [] })
      expect(plan.items).toMatchObject([{ action: 'adopt', reason: 'linked-again', names: null }])
    })
  })

  it.each(['userName', 'personalNumber'] as const)(
    'D5: nobody else may be paired with who was found by %s',
    (pairBy) => {
      const record = aLocalUser({ id: 2, userName: 'ann@x', personalNumber: 'P1' })
      const users = { options: { pairBy }, properties: { personalNumber: 'employeeId' } } as const
      const claim = { space: 'record', key: '2', rank: 'value' }

      expect(planned({ candidates: [record], attributes: { employeeId: 'P1' }, users }).claims).toContainEqual(claim)
      // Nor is he free for somebody else where he can have neither name.
      const nameless = planned({
        candidates: [record],
        attributes: { employeeId: 'P1' },
        users,
        denied: ['name:ann@x'],
      })
      expect(nameless).toMatchObject({ kind: 'skipped', user: undefined })
      expect(nameless.claims).toContainEqual(claim)
    },
  )

  it('D5: of two paired with one record by name, the loser is not imported', () => {
    const plan = planned({ candidates: [LOCAL], denied: ['name:ann@x'] })

    expect(plan).toMatchObject({ kind: 'skipped', user: undefined, frozen: true })
    expect(plan.items).toMatchObject([{ rule: 'users.properties.userName', reason: 'user-name-conflict' }])
    expect(plan.issues).toMatchObject([{ code: 'user-name-conflict' }])
  })
})

describe('the object id that moves to the record found', () => {
  const record = aLocalUser({ id: 2 })
  const old = aRegistryUser({ id: 1, userName: 'old@x' })
  const moved = (linked = old, options = {}) =>
    planned({ linked, candidates: [record], users: { options: { pairByObjectId: false, ...options } } })
  const leaves = {
    ...ABOUT,
    name: 'old@x',
    rule: 'users.options.pairByObjectId',
    reason: 'object-id-moved',
  }

  it('O5: the old record goes first, then the adoption', () => {
    const plan = moved()

    expect(plan).toMatchObject({ kind: 'adopted', user: { id: 2, active: true } })
    expect(actionsOf(plan)).toEqual(['user deactivate', 'user adopt'])
    expect(plan.items[0]).toEqual({
      ...leaves,
      action: 'deactivate',
      old: { objectId: 'object-a', active: true },
      new: { objectId: null, active: false },
    })
  })

  it.each([
    ['is inactive', { active: false }, {}],
    ['may not be deactivated', {}, { deactivateMissingUsers: false }],
  ])('the old record that %s only gives up the object id', (_why, o, options) => {
    const plan = moved(aRegistryUser({ id: 1, userName: 'old@x', ...o }), options)

    expect(plan.items[0]).toEqual({
      ...leaves,
      action: 'update',
      old: { objectId: 'object-a' },
      new: { objectId: null },
    })
  })
})

it('S15: the object id of a protected record goes on to nobody, whatever the key finds', () => {
  const linked = aRegistryUser({ id: 1, userName: 'old@x', untouchable: true })
  const users = { options: { pairByObjectId: false } }

  for (const candidate of [
    aLocalUser({ id: 2, userName: 'ann@x' }),
    aLocalUser({ id: 2, userName: 'ann@x', untouchable: true }),
  ]) {
    const plan = planned({ linked, candidates: [candidate], users })

    expect(plan).toMatchObject({ kind: 'skipped', user: linked, issues: [] })
    expect(plan.items).toMatchObject([{ action: 'skip', reason: 'protected', userId: 1 }])
  }
})

it('credentials of somebody new and of somebody known come after his own items', () => {
  const users = { properties: { cards: 'employeeId' } } as const
  const attributes = { employeeId: '123456789', department: 'Sales' }

  expect(actionsOf(planned({ users, attributes }))).toEqual(['user create', 'credential add'])
  const linked = aRegistryUser({ credentials: [aCredential('card', 'old')] })
  expect(actionsOf(planned({ linked, users, attributes }))).toEqual([
    'user update',
    'credential add',
    'credential remove',
  ])
})

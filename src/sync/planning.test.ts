import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { aHandSource, anId, people } from '../../test/support/planned.ts'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'

let test: TestDatabase
beforeAll(async () => {
  test = await createTestDatabase()
})
afterAll(() => test.drop())
beforeEach(() => test.empty())

const [A, B, C, D] = [anId(1), anId(2), anId(3), anId(4)] as const
const [G, H] = [anId(91), anId(92)] as const
const CARDS = { cards: ['employeeId'], aliases: ['upnPrefix'] }

describe('a first plan', () => {
  it('S4: creates people, groups, memberships and cards, and a second plan is empty', async () => {
    const source = await aHandSource(test.db, { users: { properties: CARDS } })
    await source.user(A, { userPrincipalName: 'ann@x', displayName: 'Ann', employeeId: '4711' })
    await source.user(B, { userPrincipalName: "o'brien@x", displayName: 'Bo', employeeId: null })
    await source.group(G, { displayName: 'All' })
    await source.member(G, A)
    await source.member(G, B)

    const first = await source.run()
    const second = await source.run({ everybody: true })

    expect(first.users).toMatchObject({ created: 2, skipped: 0 })
    expect(first.groups.created).toBe(1)
    expect(first.memberships).toEqual({ added: 2, removed: 0 })
    expect(first.credentials).toEqual({ added: 1, removed: 0 })
    expect(await people(test.db)).toEqual({
      [A]: { active: true, name: 'ann@x', aliases: ['ann'], cards: ['card/4711'], groups: ['All'], number: null },
      [B]: { active: true, name: "o'brien@x", aliases: ["o'brien"], cards: [], groups: ['All'], number: null },
    })
    expect(second.isEmpty).toBe(true)
    expect(second.users.unchanged).toBe(2)
  })

  it('has the same hash whenever and however it is made', async () => {
    const source = await aHandSource(test.db)
    for (const [n, id] of [A, B, C].entries()) await source.user(id, { userPrincipalName: `u${n}@x` })
    await source.group(G, { displayName: 'All' })
    for (const id of [C, A, B]) await source.member(G, id)

    const one = await source.plan()
    const two = await source.plan()

    expect(two.hash).toBe(one.hash)
    expect(one.hash).toMatch(/^[0-9a-f]{64}$/)
  })

  it('skips a user without user name with an issue and goes on with the others', async () => {
    const source = await aHandSource(test.db, { users: { properties: { userName: 'mail' } } })
    await source.user(A, { userPrincipalName: 'ann@x', mail: '  ' })
    await source.user(B, { userPrincipalName: 'bo@x', mail: 'bo@x' })

    const plan = await source.run()

    expect(plan.users).toMatchObject({ created: 1, skipped: 1 })
    const issues = await test.db.query('select code, object_id from issues')
    expect(issues.rows).toEqual([{ code: 'user-name-empty', object_id: A }])
  })
})

describe('names and cards', () => {
  it('D1: a renamed user stays the same record and keeps the old name as an alias', async () => {
    const source = await aHandSource(test.db)
    await source.user(A, { userPrincipalName: 'ann.old@x' })
    await source.run()

    await source.user(A, { userPrincipalName: 'ann.new@x' })
    const plan = await source.run()

    expect(plan.users).toMatchObject({ renamed: 1, created: 0, updated: 0 })
    expect((await people(test.db))[A]).toMatchObject({ name: 'ann.new@x', aliases: ['ann.old@x'] })
  })

  it('D2: the user name of a leaver goes to a new person, who inherits nothing', async () => {
    const source = await aHandSource(test.db, { users: { properties: CARDS } })
    await source.user(A, { userPrincipalName: 'jo@x', employeeId: '1' })
    await source.run()

    await source.user(A, {}, 'x')
    await source.user(B, { userPrincipalName: 'jo@x' })
    const plan = await source.run()

    expect(plan.users).toMatchObject({ created: 1, deactivated: 1 })
    const after = await people(test.db)
    expect(after[A]).toMatchObject({ active: false, cards: ['card/1'] })
    expect(after[B]).toMatchObject({ active: true, name: 'jo@x', cards: [] })
  })

  it('D4: somebody deleted and created again is a new person', async () => {
    const source = await aHandSource(test.db)
    await source.user(A, { userPrincipalName: 'jo@x' })
    await source.run()
    await source.user(A, {}, 's')
    await source.run()
    await source.user(B, { userPrincipalName: 'jo@x' })
    await source.run()

    const plan = await source.run({ everybody: true })

    expect(plan.isEmpty).toBe(true)
    expect(await people(test.db)).toMatchObject({ [A]: { active: false }, [B]: { active: true, name: 'jo@x' } })
  })

  it('D5: two who want one user name: the active holder keeps it, the other is an issue, everybody else goes on', async () => {
    const source = await aHandSource(test.db, { users: { properties: { userName: 'mail' } } })
    await source.user(B, { mail: 'same@x' })
    await source.run()
    await source.user(A, { mail: 'SAME@x' })
    await source.user(C, { mail: 'other@x' })

    const plan = await source.run()

    expect(plan.users.created).toBe(1)
    expect(Object.keys(await people(test.db)).sort()).toEqual([B, C])
    const issues = await test.db.query<{ code: string; message: string }>('select code, message from issues')
    expect(issues.rows.map((r) => r.code)).toEqual(['user-name-conflict'])
    expect(issues.rows[0]!.message).toContain(B)
  })

  it('D5: a value that its holder frees goes to the one who wanted it, without anything else having changed', async () => {
    const source = await aHandSource(test.db, { users: { properties: { userName: 'mail' } } })
    await source.user(B, { mail: 'same@x' })
    await source.run()
    await source.user(A, { mail: 'same@x' })
    await source.run()

    await source.user(B, {}, 's')
    await source.run()

    expect((await people(test.db))[A]).toMatchObject({ active: true, name: 'same@x' })
    expect((await test.db.query('select * from issues')).rows).toEqual([])
  })

  it('D6: user names that two swap, and a chain of three, end as Entra says', async () => {
    const source = await aHandSource(test.db, { users: { options: { keepOldUserName: false } } })
    for (const [id, name] of [
      [A, 'a'],
      [B, 'b'],
      [C, 'c'],
      [D, 'd'],
    ] as const)
      await source.user(id, { userPrincipalName: `${name}@x` })
    await source.run()
    for (const [id, name] of [
      [A, 'b'],
      [B, 'a'],
      [C, 'd'],
      [D, 'e'],
    ] as const)
      await source.user(id, { userPrincipalName: `${name}@x` })

    const plan = await source.run()

    expect(plan.users.renamed).toBe(4)
    const after = await people(test.db)
    expect([A, B, C, D].map((id) => after[id]!.name)).toEqual(['b@x', 'a@x', 'd@x', 'e@x'])
    expect((await test.db.query('select * from issues')).rows).toEqual([])
  })

  it('D6: cards that two swap end as Entra says, and a card that two want stays with its holder', async () => {
    const source = await aHandSource(test.db, { users: { properties: CARDS } })
    await source.user(A, { userPrincipalName: 'a@x', employeeId: '1' })
    await source.user(B, { userPrincipalName: 'b@x', employeeId: '2' })
    await source.run()
    await source.user(A, { employeeId: '2' })
    await source.user(B, { employeeId: '1' })
    await source.run()
    const swapped = await people(test.db)
    await source.user(C, { userPrincipalName: 'c@x', employeeId: '1' })
    await source.run()

    expect([swapped[A]!.cards, swapped[B]!.cards]).toEqual([['card/2'], ['card/1']])
    const after = await people(test.db)
    expect([after[B]!.cards, after[C]!.cards]).toEqual([['card/1'], []])
    const issues = await test.db.query<{ code: string; message: string }>('select code, message from issues')
    expect(issues.rows.map((r) => r.code)).toEqual(['card-conflict'])
    expect(issues.rows[0]!.message).not.toContain('1 ')
  })

  it('D6: a user name beats an alias of somebody whom nothing marked', async () => {
    const source = await aHandSource(test.db, { users: { properties: { aliases: ['employeeId'] } } })
    await source.user(A, { userPrincipalName: 'a@x', employeeId: 'short' })
    await source.run()
    await source.user(B, { userPrincipalName: 'short' })

    const plan = await source.run()

    expect(plan.users).toMatchObject({ created: 1, updated: 1 })
    const after = await people(test.db)
    expect(after[A]!.aliases).toEqual([])
    expect(after[B]!.name).toBe('short')
  })

  it('D3: somebody who comes back is the same record with name, card and groups', async () => {
    const source = await aHandSource(test.db, { users: { properties: CARDS } })
    await source.user(A, { userPrincipalName: 'a@x', employeeId: '1' })
    await source.group(G, { displayName: 'All' })
    await source.member(G, A)
    await source.run()
    const before = await people(test.db)
    await source.user(A, {}, 's')
    await source.run()
    const away = await people(test.db)
    await source.user(A, {}, 'l')

    const plan = await source.run()

    expect(away[A]!.active).toBe(false)
    expect(plan.users.reactivated).toBe(1)
    expect(await people(test.db)).toEqual(before)
    expect((await test.db.query('select held from credentials')).rows).toEqual([{ held: true }])
  })

  it('D3: restored under another user name, the record takes it', async () => {
    const source = await aHandSource(test.db)
    await source.user(A, { userPrincipalName: 'a@x' })
    await source.run()
    await source.user(A, {}, 's')
    await source.run()
    await source.user(A, { userPrincipalName: 'a2@x' }, 'l')

    const plan = await source.run()

    expect(plan.users).toMatchObject({ reactivated: 1, renamed: 1 })
    expect((await people(test.db))[A]).toMatchObject({ active: true, name: 'a2@x', aliases: ['a@x'] })
  })
})

describe('templates and transformations', () => {
  it('D11: a card is written as the reader sends it; one that cannot be is an issue and the card he had stays', async () => {
    const source = await aHandSource(test.db, {
      users: { properties: { cards: [{ from: 'employeeId', transform: "strip(':') hex2dec" }] } },
    })
    await source.user(A, { userPrincipalName: 'a@x', employeeId: '04:A2:3B:1C' })
    await source.run()
    const first = (await people(test.db))[A]!.cards
    await source.user(A, { employeeId: '04:XY' })
    const broken = await source.run()

    expect(first).toEqual(['card/77740828'])
    expect(broken.credentials).toEqual({ added: 0, removed: 0 })
    expect((await people(test.db))[A]!.cards).toEqual(['card/77740828'])
    const issues = await test.db.query<{ code: string; message: string }>('select code, message from issues')
    expect(issues.rows.map((r) => r.code)).toEqual(['value-rejected'])
    expect(issues.rows[0]!.message).not.toContain('XY')
  })

  it('a template fills in attributes, and is empty when all of them are', async () => {
    const source = await aHandSource(test.db, {
      users: { properties: { office: { template: '%companyName%/%officeLocation%' } } },
    })
    await source.user(A, { userPrincipalName: 'a@x', companyName: 'Contoso', officeLocation: 'Brno' })
    await source.user(B, { userPrincipalName: 'b@x', companyName: null, officeLocation: ' ' })

    await source.run()

    const offices = await test.db.query('select office from users order by object_id')
    expect(offices.rows).toEqual([{ office: 'Contoso/Brno' }, { office: null }])
  })
})

describe('who is in', () => {
  it('D18: deactivates a disabled account at once and never creates one', async () => {
    const source = await aHandSource(test.db)
    await source.user(A, { userPrincipalName: 'a@x', accountEnabled: true })
    await source.user(B, { userPrincipalName: 'b@x', accountEnabled: false })
    await source.run()
    await source.user(A, { accountEnabled: false })
    await source.run()

    expect(await people(test.db)).toMatchObject({ [A]: { active: false } })
    expect(Object.keys(await people(test.db))).toEqual([A])
  })

  it('imports members of selected groups only, nested ones counted, and follows them', async () => {
    const source = await aHandSource(test.db, { users: { import: { groups: [G] } } })
    for (const [id, name] of [
      [A, 'a'],
      [B, 'b'],
      [C, 'c'],
    ] as const)
      await source.user(id, { userPrincipalName: `${name}@x` })
    await source.group(G, { displayName: 'Scope' })
    await source.group(H, { displayName: 'Nested' })
    await source.nest(G, H)
    await source.member(G, A)
    await source.member(H, B)
    await source.run()
    const first = Object.keys(await people(test.db))
    await source.noMember(H, B)
    await source.member(G, C)

    const plan = await source.run()

    expect(first).toEqual([A, B])
    expect(plan.users).toMatchObject({ created: 1, deactivated: 1 })
    expect(await people(test.db)).toMatchObject({
      [A]: { active: true },
      [B]: { active: false },
      [C]: { active: true },
    })
  })

  it('G18: a selected group that is gone freezes its people and is an issue, never everybody and never nobody', async () => {
    const source = await aHandSource(test.db, { users: { import: { groups: [G] } } })
    await source.user(A, { userPrincipalName: 'a@x' })
    await source.user(B, { userPrincipalName: 'b@x' })
    await source.group(G, { displayName: 'Scope' })
    await source.member(G, A)
    await source.run()
    await source.group(G, {}, 'x')
    await source.noMember(G, A)

    const plan = await source.run()

    expect(plan.users).toMatchObject({ created: 0, deactivated: 0 })
    expect(await people(test.db)).toMatchObject({ [A]: { active: true } })
    const issues = await test.db.query('select code, object_id from issues')
    expect(issues.rows).toEqual([{ code: 'scope-group-missing', object_id: G }])
  })

  it('with Deactivate missing users off, missing people are frozen: no field, card or membership changes', async () => {
    const source = await aHandSource(test.db, {
      users: { properties: CARDS, options: { deactivateMissingUsers: false } },
    })
    await source.user(A, { userPrincipalName: 'a@x', employeeId: '1' })
    await source.group(G, { displayName: 'All' })
    await source.member(G, A)
    await source.run()
    const before = await people(test.db)
    await source.user(A, { employeeId: null }, 's')
    await source.noMember(G, A)

    const plan = await source.run()

    expect(plan.isEmpty).toBe(true)
    expect(await people(test.db)).toEqual(before)
  })

  it('removals that were left for later are planned in the next run though nothing marks them again', async () => {
    const source = await aHandSource(test.db)
    await source.user(A, { userPrincipalName: 'a@x' })
    await source.group(G, { displayName: 'All' })
    await source.run()
    await source.user(A, {}, 's')
    await source.group(G, {}, 'x')

    const doubtful = await source.run({ removalsAllowed: false })
    const sure = await source.run()

    expect(doubtful.isEmpty).toBe(true)
    expect(sure.users.deactivated).toBe(1)
    expect(sure.groups.deleted).toBe(1)
  })
})

describe('pairing', () => {
  const local = async (name: string, extra = '') =>
    (
      await test.db.query<{ id: number }>(
        `with u as (insert into users (user_name${extra === '' ? '' : ', ' + extra}) values ($1${extra === '' ? '' : ', true'}) returning id)
      insert into user_names (user_id, kind, value, key, origin, held) select id, 'n', $1, lower($1), 'o', true from u returning user_id as id`,
        [name],
      )
    ).rows[0]!.id

  it('adopts a local user by user name, keeps his record, and holds the plan', async () => {
    const id = await local('Ann@x')
    const source = await aHandSource(test.db)
    await source.user(A, { userPrincipalName: 'ann@x', displayName: 'Ann' })

    const plan = await source.run()

    expect(plan.users).toMatchObject({ adopted: 1, created: 0 })
    expect(plan.held).toEqual([{ rule: 'adoptions', count: 1, limit: 0 }])
    const user = await test.db.query('select id, object_id, full_name from users')
    expect(user.rows).toEqual([{ id, object_id: A, full_name: 'Ann' }])
  })

  it('D21, L5, S15: refuses to pair an administrator and leaves him untouched', async () => {
    await local('root@x', 'administrator')
    const before = await test.db.query('select * from users')
    const source = await aHandSource(test.db)
    await source.user(A, { userPrincipalName: 'root@x' })

    const plan = await source.run()

    expect(plan.isEmpty).toBe(true)
    expect((await test.db.query('select * from users')).rows).toEqual(before.rows)
    expect((await test.db.query('select code from issues')).rows).toEqual([{ code: 'pairing-refused' }])
  })

  it('L11, L6, S15: local users and those of another source are never removed or changed', async () => {
    await local('local@x')
    const other = await aHandSource(test.db)
    await other.user(B, { userPrincipalName: 'b@x' })
    await other.run()
    const before = await test.db.query('select * from users order by id')
    const source = await aHandSource(test.db)
    await source.user(A, { userPrincipalName: 'a@x' })
    await source.run()
    await source.user(A, {}, 's')

    await source.run({ everybody: true, noUsersWhereSome: true })

    const after = await test.db.query('select * from users order by id')
    expect(after.rows.slice(0, 2)).toEqual(before.rows)
  })

  it('with Pair by Object ID off the user name comes first and the object id moves to the record found', async () => {
    const source = await aHandSource(test.db, { users: { options: { pairByObjectId: false } } })
    await source.user(A, { userPrincipalName: 'a@x' })
    await source.run()
    const id = await local('new@x')
    await source.user(A, { userPrincipalName: 'new@x' })

    const plan = await source.run()

    expect(plan.users).toMatchObject({ adopted: 1, deactivated: 1 })
    const found = await test.db.query('select id, active, object_id from users order by id = $1', [id])
    expect(found.rows).toEqual([
      { id: expect.any(Number), active: false, object_id: null },
      { id, active: true, object_id: A },
    ])
  })
})

describe('groups', () => {
  it('D17, L8: a group is known by object id: renamed it stays, and two may have one name', async () => {
    const source = await aHandSource(test.db, { groups: { under: 'Entra ID' } })
    await source.user(A, { userPrincipalName: 'a@x' })
    await source.group(G, { displayName: 'Sales' })
    await source.group(H, { displayName: 'Sales' })
    await source.member(G, A)
    await source.run()
    await source.group(G, { displayName: 'Sales | North' })

    const plan = await source.run()

    expect(plan.groups).toMatchObject({ renamed: 1, created: 0, deleted: 0 })
    expect(plan.memberships).toEqual({ added: 0, removed: 0 })
    const groups = await test.db.query('select object_id, name, under from groups order by object_id')
    expect(groups.rows).toEqual([
      { object_id: G, name: 'Sales | North', under: 'Entra ID' },
      { object_id: H, name: 'Sales', under: 'Entra ID' },
    ])
  })

  it('a deleted group is kept hidden with its id and hand-made members, and comes back', async () => {
    const source = await aHandSource(test.db)
    await source.user(A, { userPrincipalName: 'a@x' })
    await source.user(B, { userPrincipalName: 'b@x' })
    await source.group(G, { displayName: 'All' })
    await source.member(G, A)
    await source.run()
    await test.db.query(
      `insert into memberships select g.id, u.id, 0, 0 from groups g, users u where u.object_id = $1`,
      [B],
    )
    const before = await people(test.db)
    await source.group(G, {}, 'x')
    const gone = await source.run()
    const hidden = await test.db.query('select hidden from groups')
    const handMade = await test.db.query('select source_id from memberships')
    await source.group(G, {}, 'l')
    await source.run()

    expect(gone.groups.deleted).toBe(1)
    expect(gone.memberships.removed).toBe(1)
    expect(hidden.rows).toEqual([{ hidden: true }])
    expect(handMade.rows).toEqual([{ source_id: 0 }])
    expect(await people(test.db)).toEqual(before)
  })

  it('ignores groups by id and by a string in the name, and their members stay people', async () => {
    const source = await aHandSource(test.db, { groups: { ignore: [H], ignoreContaining: ['TEMP'] } })
    await source.user(A, { userPrincipalName: 'a@x' })
    for (const [id, name] of [
      [G, 'Temporary'],
      [H, 'Other'],
      [anId(93), 'Kept'],
    ] as const) {
      await source.group(id, { displayName: name })
      await source.member(id, A)
    }

    const plan = await source.run()

    expect(plan.groups).toMatchObject({ created: 1, ignored: 2 })
    expect((await people(test.db))[A]!.groups).toEqual(['Kept'])
  })

  it('G16: transitive membership is the closure, also with a cycle, a diamond and an ignored group in between', async () => {
    const ids = [1, 2, 3, 4].map((n) => anId(90 + n))
    const [top, left, right, bottom] = ids as [string, string, string, string]
    const source = await aHandSource(test.db, { groups: { membership: 'transitive', ignore: [left] } })
    await source.user(A, { userPrincipalName: 'a@x' })
    for (const [n, id] of ids.entries()) await source.group(id, { displayName: `g${n}` })
    for (const [parent, child] of [
      [top, left],
      [top, right],
      [left, bottom],
      [right, bottom],
      [bottom, top],
    ] as const)
      await source.nest(parent, child)
    await source.member(bottom, A)
    await source.run()
    const first = (await people(test.db))[A]!.groups
    await source.noMember(bottom, A)
    const plan = await source.run()

    expect(first).toEqual(['g0', 'g2', 'g3'])
    expect(plan.memberships).toEqual({ added: 0, removed: 3 })
    expect((await people(test.db))[A]!.groups).toEqual([])
  })

  it('memberships of a deactivated user stay and no items are planned for them', async () => {
    const source = await aHandSource(test.db)
    await source.user(A, { userPrincipalName: 'a@x' })
    await source.group(G, { displayName: 'All' })
    await source.member(G, A)
    await source.run()
    await source.user(A, {}, 's')

    const plan = await source.run()

    expect(plan.memberships).toEqual({ added: 0, removed: 0 })
    expect((await people(test.db))[A]).toMatchObject({ active: false, groups: ['All'] })
  })
})

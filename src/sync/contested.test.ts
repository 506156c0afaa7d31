import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { aHandSource, anId, people } from '../../test/support/planned.ts'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'

let test: TestDatabase
beforeAll(async () => {
  test = await createTestDatabase()
})
afterAll(() => test.drop())
beforeEach(() => test.empty())

const [A, B, C] = [anId(1), anId(2), anId(3)] as const
const [G, H] = [anId(91), anId(92)] as const
const CARDS = { properties: { cards: ['employeeId'] } }

async function aLocalUser(name: string): Promise<void> {
  await test.db.query(
    `with made as (insert into users (user_name) values ($1) returning id)
     insert into user_names (user_id, kind, value, key, origin, held) select id, 'n', $1, $1, 'o', true from made`,
    [name],
  )
}

async function issues() {
  return (await test.db.query('select code, object_id from issues order by object_id, code')).rows
}

async function heldCards() {
  const found = await test.db.query<{ card: string; name: string }>(
    `select convert_from(c.lookup, 'UTF8') as card, u.user_name as name from credentials c join users u on u.id = c.user_id
     where c.held order by 1, 2`,
  )
  return found.rows.map((row) => `${row.card} ${row.name}`)
}

describe('people whom a plan leaves as they are', () => {
  it('D2: who is missing and kept keeps his name; a new person of that name is an issue, not a creation that never comes', async () => {
    const source = await aHandSource(test.db, { users: { options: { deactivateMissingUsers: false } } })
    await source.user(A, { userPrincipalName: 'ann@x' })
    await source.run()
    await source.user(A, {}, 's')
    await source.user(B, { userPrincipalName: 'ann@x' })

    const plan = await source.run()

    expect(plan.users).toMatchObject({ created: 0, skipped: 2 })
    expect(await issues()).toEqual([{ code: 'user-name-conflict', object_id: B }])
    expect((await source.run()).isEmpty).toBe(true)
  })

  it('D6: who may not be touched keeps his card against everybody', async () => {
    const source = await aHandSource(test.db, { users: CARDS })
    await source.user(A, { userPrincipalName: 'ann@x', employeeId: '1' })
    await source.run()
    await test.db.query('update users set protected = true')
    await source.user(A, { employeeId: '2' })
    await source.user(B, { userPrincipalName: 'bo@x', employeeId: '1' })

    const plan = await source.run()

    expect(plan.credentials).toEqual({ added: 0, removed: 0 })
    expect(await heldCards()).toEqual(['card/1 ann@x'])
    expect(await issues()).toEqual([{ code: 'card-conflict', object_id: B }])
  })
})

describe('pairing', () => {
  it('O5: with Pair by Object ID off, a card moves from the record that loses its object id to the one found', async () => {
    const adoptions = 'automatic'
    const source = await aHandSource(test.db, { adoptions, users: CARDS })
    await source.user(A, { userPrincipalName: 'ann@x', displayName: 'anna', employeeId: '1' })
    await source.run()
    await aLocalUser('anna')
    await source.set({
      adoptions,
      users: {
        properties: { userName: 'displayName', cards: ['employeeId'] },
        options: { pairByObjectId: false },
      },
    })

    const plan = await source.run()

    expect(plan.users).toMatchObject({ adopted: 1, deactivated: 1, created: 0 })
    expect(await heldCards()).toEqual(['card/1 anna'])
    expect((await source.run({ everybody: true })).isEmpty).toBe(true)
  })

  it('O5: with Pair by Object ID off, an object id does not move on to another record of the name it already has', async () => {
    const source = await aHandSource(test.db, { adoptions: 'automatic', users: { options: { pairByObjectId: false } } })
    await source.user(A, { userPrincipalName: 'ann@x' })
    await source.run()
    await test.db.query(
      `with made as (insert into users (user_name, active, deactivated_by) values ('ann@x', false, 'source') returning id)
       insert into user_names (user_id, kind, value, key, origin, held) select id, 'n', 'ann@x', 'ann@x', 's', false from made`,
    )

    expect((await source.run({ everybody: true })).isEmpty).toBe(true)
  })

  it('D5: of two who are paired with one record one gets it, the other is an issue and gives it no memberships', async () => {
    const source = await aHandSource(test.db, {
      adoptions: 'automatic',
      users: { properties: { userName: 'displayName' } },
    })
    await aLocalUser('anna')
    await source.user(A, { userPrincipalName: 'a@x', displayName: 'anna' })
    await source.user(B, { userPrincipalName: 'b@x', displayName: 'Anna' })
    await source.group(G, { displayName: 'G' })
    await source.group(H, { displayName: 'H' })
    for (const [group, member] of [
      [G, A],
      [G, B],
      [H, B],
    ] as const)
      await source.member(group, member)

    await source.run()

    const registry = await people(test.db)
    expect(Object.keys(registry)).toEqual([A])
    expect(registry[A]).toMatchObject({ name: 'anna', groups: ['G'] })
    expect(await issues()).toEqual([{ code: 'user-name-conflict', object_id: B }])
  })

  it('D5 S4: of two who are paired with one record that an administrator has deactivated one gets it, the other is new', async () => {
    const source = await aHandSource(test.db, {
      adoptions: 'automatic',
      users: { properties: { userName: 'displayName' } },
    })
    await aLocalUser('anna')
    await test.db.query(`update users set active = false, deactivated_by = 'administrator'`)
    await test.db.query('update user_names set held = false')
    await source.user(A, { userPrincipalName: 'a@x', displayName: 'anna' })
    await source.user(B, { userPrincipalName: 'b@x', displayName: 'Anna' })

    await source.run()

    expect(await people(test.db)).toMatchObject({ [A]: { active: false }, [B]: { name: 'Anna', active: true } })
    expect(await issues()).toEqual([])
    expect((await source.run({ everybody: true })).isEmpty).toBe(true)
  })
})

describe('somebody who falls back on his old name', () => {
  it('D5: when he comes back, is judged with the new person who wants it', async () => {
    const source = await aHandSource(test.db, { users: { options: { keepOldUserName: false } } })
    await source.user(A, { userPrincipalName: 'a@x', createdDateTime: '2020-01-01T00:00:00Z' })
    await source.user(B, { userPrincipalName: 'b@x' })
    await source.run()
    await source.user(A, {}, 's')
    await source.run()
    await source.user(A, { userPrincipalName: 'b@x' }, 'l')
    await source.user(C, { userPrincipalName: 'a@x', createdDateTime: '2024-01-01T00:00:00Z' })

    const plan = await source.run()

    expect(plan.users).toMatchObject({ reactivated: 1, created: 0 })
    expect((await people(test.db))[A]).toMatchObject({ active: true, name: 'a@x' })
    expect(await issues()).toEqual([
      { code: 'user-name-conflict', object_id: A },
      { code: 'user-name-conflict', object_id: C },
    ])
    expect((await source.run()).isEmpty).toBe(true)
  })

  it('D5: when he was detached from a removed source, his other wishes are judged too', async () => {
    const source = await aHandSource(test.db, { adoptions: 'automatic', users: { properties: { aliases: ['mail'] } } })
    await source.user(A, { userPrincipalName: 'a@x' })
    await source.user(B, { userPrincipalName: 'b@x' })
    await source.run()
    await test.db.query('update users set source_id = null where object_id = $1', [A])
    await source.user(A, { userPrincipalName: 'b@x', mail: 'm@x' })
    await source.user(C, { userPrincipalName: 'c@x', mail: 'm@x' })

    await source.run()

    const registry = await people(test.db)
    expect([registry[A], registry[C]]).toMatchObject([
      { name: 'a@x', aliases: ['m@x'] },
      { name: 'c@x', aliases: [] },
    ])
    expect((await source.run()).isEmpty).toBe(true)
  })
})

describe('what somebody had to do without when he came back', () => {
  it('D3: a card made by hand stays with who has it now, is an issue, and comes back when it is free', async () => {
    const source = await aHandSource(test.db, { users: CARDS })
    await source.user(A, { userPrincipalName: 'ann@x', employeeId: '1' })
    await source.run()
    await test.db.query(`update credentials set origin = 'o'`)
    await source.user(A, { employeeId: null }, 's')
    await source.run()
    await source.user(B, { userPrincipalName: 'bo@x', employeeId: '1' })
    await source.run()
    await source.user(A, {}, 'l')
    await source.run()

    const again = await source.run({ everybody: true })
    const whileTaken = await heldCards()
    const open = await issues()
    await source.user(B, { employeeId: null })
    await source.run()

    expect(again.isEmpty).toBe(true)
    expect(whileTaken).toEqual(['card/1 bo@x'])
    expect(open).toEqual([{ code: 'card-conflict', object_id: A }])
    expect(await heldCards()).toEqual(['card/1 ann@x'])
    expect((await source.run({ everybody: true })).isEmpty).toBe(true)
  })

  it('D3: a personal number that nothing maps is taken from nobody either', async () => {
    const numbers = { users: { properties: { personalNumber: 'employeeId' } } }
    const source = await aHandSource(test.db, numbers)
    await source.user(A, { userPrincipalName: 'ann@x', employeeId: '1' })
    await source.run()
    await source.user(A, {}, 's')
    await source.run()
    await source.user(B, { userPrincipalName: 'bo@x', employeeId: '1' })
    await source.run()
    await source.set({})
    await source.user(A, {}, 'l')
    await source.run()
    const open = await issues()
    await source.set(numbers)
    await source.user(A, { employeeId: null })

    await source.run()

    const holders = await test.db.query('select user_name from users where personal_number_key is not null')
    expect(open).toEqual([{ code: 'personal-number-conflict', object_id: A }])
    expect(holders.rows).toEqual([{ user_name: 'bo@x' }])
  })
})

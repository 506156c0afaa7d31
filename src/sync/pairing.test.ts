import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { withTransaction } from '../database/transaction.ts'
import { applyPlan } from '../registry/apply.ts'
import { aHandSource, anId, emptyRegistry, people } from '../../test/support/planned.ts'

let test: TestDatabase
beforeAll(async () => {
  test = await createTestDatabase()
})
beforeEach(async () => {
  await emptyRegistry(test.db)
})
afterAll(async () => {
  await test.drop()
})

const [A, B] = [anId(1), anId(2)] as const
const BY_NUMBER = {
  adoptions: 'automatic' as const,
  users: { properties: { personalNumber: 'employeeId' }, options: { pairBy: 'personalNumber' as const } },
}

interface Local {
  readonly name: string
  readonly number: string | null
  readonly state?: 'active' | 'source' | 'administrator' | 'protected' | 'admin'
}

async function aLocalUser({ name, number, state = 'active' }: Local): Promise<number> {
  const key = number?.toLowerCase() ?? null
  const isActive = state !== 'source' && state !== 'administrator'
  const made = await test.db.query<{ id: number }>(
    `insert into users (user_name, personal_number, canonical_number, personal_number_key, active, deactivated_by, protected, administrator)
     values ($1, $2, $3, $4, $5, $6, $7, $8) returning id`,
    [
      name,
      number,
      key,
      isActive ? key : null,
      isActive,
      isActive ? null : state,
      state === 'protected',
      state === 'admin',
    ],
  )
  const { id } = made.rows[0]!
  await test.db.query(
    `insert into user_names (user_id, kind, value, key, origin, held) values ($1, 'n', $2, $2, 'o', $3)`,
    [id, name, isActive],
  )
  return id
}

async function issues() {
  return (await test.db.query('select code, object_id from issues order by object_id, code')).rows
}

async function idOf(objectId: string): Promise<number | undefined> {
  return (await test.db.query<{ id: number }>('select id from users where object_id = $1', [objectId])).rows[0]?.id
}

describe('a move of the object id to another record', () => {
  it.each(['protected', 'administrator'])(
    'S15 I12: is none from a record that is %s, nor an adoption',
    async (what) => {
      const options = { pairByObjectId: false }
      const source = await aHandSource(test.db, { adoptions: 'automatic', users: { options } })
      await source.user(A, { userPrincipalName: 'ann@x' })
      await source.run()
      await test.db.query(`update users set ${what} = true`)
      await aLocalUser({ name: 'new@x', number: null })
      const before = await test.db.query('select * from users order by id')
      await source.user(A, { userPrincipalName: 'new@x' })

      const plan = await source.run()

      expect(plan).toMatchObject({ isEmpty: true, users: { adopted: 0, skipped: 1 } })
      expect((await test.db.query('select * from users order by id')).rows).toEqual(before.rows)
    },
  )

  for (const [what, without] of [
    ['whose removals are not approved', 'removals'],
    ['whose updates are not approved', 'rewrites'],
    ['whose old record moved meanwhile', undefined],
    ['whose new record moved meanwhile', undefined],
  ] as const) {
    it(`${what} is left out whole, and planned again`, async () => {
      const source = await aHandSource(test.db, { adoptions: 'automatic' })
      await source.user(A, { userPrincipalName: 'anna@x', accountEnabled: true })
      await source.run()
      const id = await aLocalUser({ name: 'annie@x', number: null })
      await source.set({
        adoptions: 'automatic',
        users: {
          options: { pairByObjectId: false, deactivateMissingUsers: without !== 'rewrites' },
        },
      })
      await source.user(A, { userPrincipalName: 'annie@x' })
      const plan = await source.plan()
      if (without === undefined)
        await test.db.query(`update users set version = version + 1 where (object_id is null) = $1`, [
          what.includes('new record'),
        ])
      const before = await people(test.db)

      const options = { runId: plan.runId, sourceId: source.id, tenantId: source.tenantId, now: new Date(), without }
      const applied = await withTransaction(test.db, (tx) => applyPlan(tx, options))

      expect(applied.leftOut).toBe(2)
      expect(await people(test.db)).toEqual(before)
      await source.run()
      expect(await idOf(A)).toBe(id)
    })
  }
})

describe('pairing by personal number', () => {
  it('adopts the local user who has the number, whatever he is called, and says how he was found', async () => {
    const id = await aLocalUser({ name: 'old.anna', number: 'E-77' })
    const source = await aHandSource(test.db, BY_NUMBER)
    await source.user(A, { userPrincipalName: 'anna@x', employeeId: 'e-77' })

    const plan = await source.run()

    expect(plan.users).toMatchObject({ adopted: 1, created: 0 })
    expect(await idOf(A)).toBe(id)
    expect((await people(test.db))[A]).toMatchObject({ name: 'anna@x', aliases: ['old.anna'], number: 'e-77' })
    const items = await test.db.query(`select rule, reason from plan_items where action = 'adopt'`)
    expect(items.rows).toEqual([{ rule: 'users.options.pairBy', reason: 'paired-by-personal-number' }])
    expect((await source.run({ everybody: true })).isEmpty).toBe(true)
  })

  it('holds the plan unless adoptions are automatic', async () => {
    await aLocalUser({ name: 'old.anna', number: '77' })
    const source = await aHandSource(test.db, { ...BY_NUMBER, adoptions: 'hold' })
    await source.user(A, { userPrincipalName: 'anna@x', employeeId: '77' })
    expect((await source.plan()).held.map((reason) => reason.rule)).toEqual(['adoptions'])
  })

  it('by default goes by user name, and the number finds nobody', async () => {
    const id = await aLocalUser({ name: 'anna@x', number: '1' })
    await aLocalUser({ name: 'other', number: '77' })
    const source = await aHandSource(test.db, {
      adoptions: 'automatic',
      users: { properties: { personalNumber: 'employeeId' } },
    })
    await source.user(A, { userPrincipalName: 'anna@x', employeeId: '78' })
    await source.run()
    expect(await idOf(A)).toBe(id)
  })

  it('none: nobody is adopted, neither by name nor by number', async () => {
    await aLocalUser({ name: 'anna@x', number: '1' })
    await aLocalUser({ name: 'other', number: '77' })
    const source = await aHandSource(test.db, {
      users: { properties: { personalNumber: 'employeeId' }, options: { pairBy: 'none' } },
    })
    await source.user(A, { userPrincipalName: 'anna@x', employeeId: '2' })
    await source.user(B, { userPrincipalName: 'bo@x', employeeId: '77' })
    const plan = await source.run()
    expect(plan.users).toMatchObject({ adopted: 0, created: 1, skipped: 1 })
    expect(await issues()).toEqual([
      { code: 'user-name-conflict', object_id: A },
      { code: 'personal-number-conflict', object_id: B },
    ])
  })

  it('finds an inactive one too, who comes back with it', async () => {
    const id = await aLocalUser({ name: 'old.anna', number: '77', state: 'source' })
    const source = await aHandSource(test.db, BY_NUMBER)
    await source.user(A, { userPrincipalName: 'anna@x', employeeId: '77' })
    await source.run()
    expect(await idOf(A)).toBe(id)
    expect((await people(test.db))[A]).toMatchObject({ active: true, name: 'anna@x', number: '77' })
  })

  it('finds the number of somebody whom a run deactivated and whose source was removed', async () => {
    const first = await aHandSource(test.db, { users: { properties: { personalNumber: 'employeeId' } } })
    await first.user(A, { userPrincipalName: 'a@x', employeeId: 'Ä77' })
    await first.run()
    await first.user(A, {}, 's')
    await first.run()
    const id = await idOf(A)
    await test.db.query('update users set tenant_id = null, object_id = null, source_id = null')
    const source = await aHandSource(test.db, BY_NUMBER)
    await source.user(B, { userPrincipalName: 'b@x', employeeId: 'ä77' })
    await source.run()
    expect(await idOf(B)).toBe(id)
  })

  it.each(['protected', 'admin'] as const)('D21 S15: refuses %s, and imports nobody', async (state) => {
    await aLocalUser({ name: 'root', number: '77', state })
    const source = await aHandSource(test.db, BY_NUMBER)
    await source.user(A, { userPrincipalName: 'anna@x', employeeId: '77' })
    await source.run()
    expect(await issues()).toEqual([{ code: 'pairing-refused', object_id: A }])
    expect(Object.keys(await people(test.db))).toEqual(['local-root'])
  })

  it('refuses two who have the number, an inactive one counted', async () => {
    await aLocalUser({ name: 'one', number: '77' })
    await aLocalUser({ name: 'two', number: '77', state: 'administrator' })
    const source = await aHandSource(test.db, BY_NUMBER)
    await source.user(A, { userPrincipalName: 'anna@x', employeeId: '77' })
    const plan = await source.run()
    expect(plan.users).toMatchObject({ adopted: 0, created: 0, skipped: 1 })
    expect(await issues()).toEqual([{ code: 'pairing-refused', object_id: A }])
  })

  it('whoever has no number is new, also where somebody has his name', async () => {
    await aLocalUser({ name: 'nobody', number: null })
    const source = await aHandSource(test.db, BY_NUMBER)
    await source.user(A, { userPrincipalName: 'anna@x', employeeId: ' ' })
    await source.user(B, { userPrincipalName: 'nobody', employeeId: null })
    const plan = await source.run()
    expect(plan.users).toMatchObject({ adopted: 0, created: 1, skipped: 1 })
    expect(await issues()).toEqual([{ code: 'user-name-conflict', object_id: B }])
  })

  it('a user who has an object id is never a candidate', async () => {
    const source = await aHandSource(test.db, BY_NUMBER)
    await source.user(A, { userPrincipalName: 'a@x', employeeId: '77' })
    await source.run()
    await source.user(B, { userPrincipalName: 'b@x', employeeId: '77' })
    const plan = await source.run()
    expect(plan.users).toMatchObject({ adopted: 0, created: 1 })
    expect((await people(test.db))[B]).toMatchObject({ number: null })
    expect(await issues()).toEqual([{ code: 'personal-number-conflict', object_id: B }])
  })

  it('finds one who does without his number, which somebody else has by now', async () => {
    const source = await aHandSource(test.db, BY_NUMBER)
    await source.user(A, { userPrincipalName: 'a@x', employeeId: '77' })
    await source.run()
    const id = await aLocalUser({ name: 'old.bo', number: '77', state: 'source' })
    await source.user(B, { userPrincipalName: 'b@x', employeeId: '77' })

    const plan = await source.run()

    expect(plan.users).toMatchObject({ adopted: 1, created: 0, skipped: 0 })
    expect(await idOf(B)).toBe(id)
    expect((await people(test.db))[B]).toMatchObject({ active: true, name: 'b@x' })
    expect(await issues()).toEqual([{ code: 'personal-number-conflict', object_id: B }])
    const has = await test.db.query('select object_id from users where personal_number_key is not null')
    expect(has.rows).toEqual([{ object_id: A }])
    expect((await source.run({ everybody: true })).isEmpty).toBe(true)
  })

  it('D5 S4: of two who are paired with one record one gets it, the other is new and does without the number', async () => {
    const id = await aLocalUser({ name: 'old.anna', number: '77' })
    const source = await aHandSource(test.db, BY_NUMBER)
    await source.user(A, { userPrincipalName: 'a@x', employeeId: '77', createdDateTime: '2021-01-01T00:00:00Z' })
    await source.user(B, { userPrincipalName: 'b@x', employeeId: '77', createdDateTime: '2020-01-01T00:00:00Z' })

    const plan = await source.run()

    expect(plan.users).toMatchObject({ adopted: 1, created: 1, skipped: 0 })
    expect(await idOf(B)).toBe(id)
    expect((await people(test.db))[A]).toMatchObject({ active: true, name: 'a@x', number: null })
    const found = await test.db.query<{ code: string; object_id: string; message: string }>('select * from issues')
    expect(found.rows).toMatchObject([{ code: 'personal-number-conflict', object_id: A }])
    expect(found.rows[0]!.message).toContain(`"77" belongs to the Entra user ${B}; this user does without it`)
    expect((await source.run()).isEmpty).toBe(true)
    expect((await source.run({ everybody: true })).isEmpty).toBe(true)
  })

  it("D5: what is the record's own stays with who gets it, though another one was paired with it", async () => {
    const id = await aLocalUser({ name: 'old.anna', number: '77' })
    await test.db.query(
      `insert into user_names (user_id, kind, value, key, origin, held) values ($1, 'a', 'annie', 'annie', 'o', true)`,
      [id],
    )
    const source = await aHandSource(test.db, BY_NUMBER)
    await source.user(A, { userPrincipalName: 'a@x', employeeId: '77', createdDateTime: '2020-01-01T00:00:00Z' })
    await source.user(B, { userPrincipalName: 'b@x', employeeId: '77', createdDateTime: '2021-01-01T00:00:00Z' })

    await source.run()

    expect(await idOf(A)).toBe(id)
    const held = await test.db.query(`select user_id from user_names where value = 'annie' and held`)
    expect(held.rows).toEqual([{ user_id: id }])
  })

  it('D5: somebody else is new beside a record that an administrator has deactivated', async () => {
    const id = await aLocalUser({ name: 'old.anna', number: '77', state: 'administrator' })
    const source = await aHandSource(test.db, BY_NUMBER)
    await source.user(A, { userPrincipalName: 'a@x', employeeId: '77', createdDateTime: '2020-01-01T00:00:00Z' })
    await source.user(B, { userPrincipalName: 'b@x', employeeId: '77', createdDateTime: '2021-01-01T00:00:00Z' })

    const plan = await source.run()

    expect(plan.users).toMatchObject({ adopted: 1, created: 1 })
    expect(await idOf(A)).toBe(id)
    expect((await people(test.db))[A]).toMatchObject({ active: false, name: 'old.anna' })
    expect((await people(test.db))[B]).toMatchObject({ active: true, number: '77' })
    expect((await source.run({ everybody: true })).isEmpty).toBe(true)
  })

  it('D5: whoever does not get the record keeps the one that he has, and its name, with Pair by Object ID off', async () => {
    const options = { pairBy: 'personalNumber' as const, pairByObjectId: false, keepOldUserName: false }
    const source = await aHandSource(test.db, { ...BY_NUMBER, users: { ...BY_NUMBER.users, options } })
    await source.user(B, { userPrincipalName: 'b@x', employeeId: '1', createdDateTime: '2021-01-01T00:00:00Z' })
    await source.run()
    const first = await idOf(B)
    const record = await aLocalUser({ name: 'migrated', number: '2' })
    await aLocalUser({ name: 'taken@x', number: null })
    await source.user(A, { userPrincipalName: 'a@x', employeeId: '2', createdDateTime: '2020-01-01T00:00:00Z' })
    await source.user(B, { userPrincipalName: 'taken@x', employeeId: '2' })
    await source.user(anId(3), { userPrincipalName: 'b@x', createdDateTime: '2022-01-01T00:00:00Z' })

    const plan = await source.run()

    expect(plan.users).toMatchObject({ adopted: 1, created: 0, deactivated: 0 })
    expect([await idOf(A), await idOf(B)]).toEqual([record, first])
    expect((await people(test.db))[B]).toMatchObject({ active: true, name: 'b@x', number: null })
    expect(await issues()).toEqual([
      { code: 'personal-number-conflict', object_id: B },
      { code: 'user-name-conflict', object_id: B },
      { code: 'user-name-conflict', object_id: anId(3) },
    ])
    expect((await source.run({ everybody: true })).isEmpty).toBe(true)
  })

  it('D5: the old name of an adopted record that cannot have the new one is his against somebody new', async () => {
    const options = { pairBy: 'personalNumber' as const, keepOldUserName: false }
    const source = await aHandSource(test.db, { ...BY_NUMBER, users: { ...BY_NUMBER.users, options } })
    await aLocalUser({ name: 'fay@x', number: '1002' })
    await aLocalUser({ name: 'eve@x', number: null })
    await source.user(A, { userPrincipalName: 'eve@x', employeeId: '1002', accountEnabled: true })
    await source.user(B, { userPrincipalName: 'fay@x', accountEnabled: true })

    await source.run()

    const all = await people(test.db)
    expect(all[A]).toMatchObject({ name: 'fay@x' })
    expect(all[B]).toBeUndefined()
    expect(await issues()).toEqual([
      { code: 'user-name-conflict', object_id: A },
      { code: 'user-name-conflict', object_id: B },
    ])
  })

  it('O5: with Pair by Object ID off the number comes first and the object id moves to the record found', async () => {
    const options = { pairBy: 'personalNumber' as const, pairByObjectId: false }
    const source = await aHandSource(test.db, { ...BY_NUMBER, users: { ...BY_NUMBER.users, options } })
    await source.user(A, { userPrincipalName: 'a@x', employeeId: '1' })
    await source.run()
    const first = await idOf(A)
    expect((await source.run({ everybody: true })).isEmpty).toBe(true)
    const found = await aLocalUser({ name: 'migrated', number: '2' })
    await source.user(A, { employeeId: '2' })
    const plan = await source.run()
    expect(plan.users).toMatchObject({ adopted: 1, deactivated: 1, created: 0 })
    expect(await idOf(A)).toBe(found)
    expect((await test.db.query('select active, object_id from users where id = $1', [first])).rows).toEqual([
      { active: false, object_id: null },
    ])
    expect((await source.run({ everybody: true })).isEmpty).toBe(true)
  })

  it('O5: the object id moves on where the record that has it is deactivated and another one has the number', async () => {
    const options = { pairBy: 'personalNumber' as const, pairByObjectId: false }
    const source = await aHandSource(test.db, { ...BY_NUMBER, users: { ...BY_NUMBER.users, options } })
    await source.user(A, { userPrincipalName: 'a@x', employeeId: '1' })
    await source.run()
    const first = await idOf(A)
    await test.db.query(`update users set active = false, deactivated_by = 'administrator', personal_number_key = null`)
    await test.db.query('update user_names set held = false')
    const found = await aLocalUser({ name: 'a.new', number: '1' })

    const plan = await source.run({ everybody: true })

    expect(plan.users).toMatchObject({ adopted: 1, created: 0 })
    expect(await idOf(A)).toBe(found)
    expect((await test.db.query('select active, object_id from users where id = $1', [first])).rows).toEqual([
      { active: false, object_id: null },
    ])
    expect((await source.run({ everybody: true })).isEmpty).toBe(true)
  })

  it('O5 S4: of two of one number, one is found in the record that has it, the other not in the one that is left behind', async () => {
    const options = { pairBy: 'personalNumber' as const, pairByObjectId: false }
    const source = await aHandSource(test.db, { ...BY_NUMBER, users: { ...BY_NUMBER.users, options } })
    await source.user(A, { userPrincipalName: 'a@x', employeeId: '1', createdDateTime: '2020-01-01T00:00:00Z' })
    await source.run()
    const first = await idOf(A)
    await test.db.query(`update users set active = false, deactivated_by = 'administrator', personal_number_key = null`)
    await test.db.query('update user_names set held = false')
    const found = await aLocalUser({ name: 'a.new', number: '1' })
    await source.user(B, { userPrincipalName: 'b@x', employeeId: '1', createdDateTime: '2021-01-01T00:00:00Z' })

    const plan = await source.run({ everybody: true })

    expect(plan.users).toMatchObject({ adopted: 1, created: 1 })
    expect(await idOf(A)).toBe(found)
    expect([first, found]).not.toContain(await idOf(B))
    expect((await people(test.db))[B]).toMatchObject({ active: true, number: null })
    expect((await source.run()).isEmpty).toBe(true)
    expect((await source.run({ everybody: true })).isEmpty).toBe(true)
  })

  it('with Pair by Object ID on the link comes first, whoever has the number', async () => {
    const source = await aHandSource(test.db, BY_NUMBER)
    await source.user(A, { userPrincipalName: 'a@x', employeeId: '1' })
    await source.run()
    const id = await idOf(A)
    await aLocalUser({ name: 'migrated', number: '2' })
    await source.user(A, { employeeId: '2' })
    const plan = await source.run()
    expect(plan.users).toMatchObject({ adopted: 0 })
    expect(await idOf(A)).toBe(id)
    expect(await issues()).toEqual([{ code: 'personal-number-conflict', object_id: A }])
  })
})

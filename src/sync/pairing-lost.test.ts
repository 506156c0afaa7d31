// Who would have been paired with a record that somebody else gets or has, in a source that adds nobody: he is told of.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
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

const ADDS_NOBODY = {
  userName: {
    adoptions: 'automatic' as const,
    users: {
      properties: { userName: 'mail' },
      options: { pairBy: 'userName' as const, addNewUsers: false },
    },
  },
  personalNumber: {
    adoptions: 'automatic' as const,
    users: {
      properties: { personalNumber: 'employeeId' },
      options: { pairBy: 'personalNumber' as const, addNewUsers: false },
    },
  },
}

async function aLocalUser(name: string, number: string): Promise<void> {
  await test.db.query(
    `with made as (insert into users (user_name, personal_number, canonical_number, personal_number_key)
       values ($1, $2, $2, $2) returning id)
     insert into user_names (user_id, kind, value, key, origin, held) select id, 'n', $1, $1, 'o', true from made`,
    [name, number],
  )
}

const issues = async () =>
  (await test.db.query<{ code: string; object_id: string; message: string }>('select * from issues')).rows.map(
    ({ code, object_id, message }) => [code, object_id, message] as const,
  )

describe('with Add new users off', () => {
  it.each([
    ['userName', 'user-name-conflict', 'The user name "shared@x" belongs to'],
    ['personalNumber', 'personal-number-conflict', 'The personal number "77" belongs to'],
  ] as const)(
    'D5 S4: of two who are paired with one record by %s, an issue names both for as long as one of them has it',
    async (pairBy, code, begins) => {
      await aLocalUser('shared@x', '77')
      const source = await aHandSource(test.db, ADDS_NOBODY[pairBy])
      const same = { mail: 'shared@x', employeeId: '77' }
      await source.user(A, { userPrincipalName: 'a@x', ...same, createdDateTime: '2021-01-01T00:00:00Z' })
      await source.user(B, { userPrincipalName: 'b@x', ...same, createdDateTime: '2020-01-01T00:00:00Z' })
      const told = [
        [
          code,
          A,
          `${begins} the Entra user ${B}; the user is not paired, and not imported while users.options.addNewUsers is off. Change one of the two in Entra.`,
        ],
      ]

      const shown = await source.plan()
      const seen = await issues()
      const plan = await source.run()
      const first = await issues()
      const delta = await source.run()
      const second = await issues()
      const full = await source.run({ everybody: true })

      expect(shown.users).toMatchObject({ adopted: 1, created: 0, skipped: 1 })
      expect(plan.users).toMatchObject({ adopted: 1, created: 0, skipped: 1 })
      expect([delta.isEmpty, full.isEmpty]).toEqual([true, true])
      expect([seen, first, second, await issues()]).toEqual([told, told, told, told])
      expect(Object.keys(await people(test.db))).toEqual([B])
    },
  )

  it('ends being said once Entra gives one of the two another number, and he is paired where somebody has that', async () => {
    await aLocalUser('one', '77')
    await aLocalUser('two', '78')
    const source = await aHandSource(test.db, ADDS_NOBODY.personalNumber)
    await source.user(A, { userPrincipalName: 'a@x', employeeId: '77' })
    await source.user(B, { userPrincipalName: 'b@x', employeeId: '77' })
    await source.run()
    const before = await issues()

    await source.user(B, { employeeId: '78' })
    await source.run()

    expect(before).toMatchObject([['personal-number-conflict', B, expect.stringContaining(A)]])
    expect(await issues()).toEqual([])
    expect(Object.keys(await people(test.db))).toEqual([A, B])
  })

  it('nobody is told of whose number nobody has, or whose is that of somebody deactivated', async () => {
    await aLocalUser('one', '77')
    const source = await aHandSource(test.db, ADDS_NOBODY.personalNumber)
    await source.user(A, { userPrincipalName: 'a@x', employeeId: '77' })
    await source.run()
    await source.user(A, {}, 's')
    await source.run()

    await source.user(anId(3), { userPrincipalName: 'c@x', employeeId: '99' })
    await source.user(B, { userPrincipalName: 'b@x', employeeId: '77' })
    const plan = await source.run()

    expect(plan.users).toMatchObject({ created: 0, skipped: 2 })
    expect(await issues()).toEqual([])
  })
})

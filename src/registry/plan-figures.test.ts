import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { aHandSource, anId } from '../../test/support/planned.ts'
import { countBefore, countFieldUse, countUsersBefore } from './plan-figures.ts'

let test: TestDatabase
beforeAll(async () => {
  test = await createTestDatabase()
})
afterAll(() => test.drop())

it('what limits are reckoned from is what the source has in the tenant that it reads', async () => {
  const { db } = test
  const source = await aHandSource(db, { users: { properties: { cards: ['employeeId'], department: 'department' } } })
  await source.group(anId(9), { displayName: 'Staff' })
  for (const n of [1, 2, 3]) {
    await source.user(anId(n), { userPrincipalName: `p${n}@contoso.com`, department: 'Sales', employeeId: `card ${n}` })
    await source.member(anId(9), anId(n))
  }
  await source.run()
  const most = { users: 100, groups: 100, memberships: 100, credentials: 100 }
  const counts = async () => [
    await countBefore(db, source.id, most),
    await countUsersBefore(db, source.id),
    (await countFieldUse(db, source.id, new Map([['department', 'department is not null']]))).get('department'),
  ]
  expect(await counts()).toEqual([{ users: 3, groups: 1, memberships: 3, credentials: 3 }, 3, 3])

  await db.query('update connections set tenant_id = $1', [randomUUID()])

  expect(await counts()).toEqual([{ users: 0, groups: 0, memberships: 0, credentials: 0 }, 0, 0])
})

import { afterAll, beforeAll, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { aHandSource, anId, emptyRegistry, people } from '../../test/support/planned.ts'
import { withTransaction } from '../database/transaction.ts'
import { applyPlan } from './apply.ts'

let test: TestDatabase
beforeAll(async () => {
  test = await createTestDatabase()
})
afterAll(() => test.drop())

const [A, B, G] = [anId(1), anId(2), anId(3)] as const

/** With their file's number, which changes where a table was emptied and its indexes were built anew. */
async function indexes(): Promise<readonly { readonly def: string; readonly file: number }[]> {
  const found = await test.db.query<{ def: string; file: number }>(
    `select pg_get_indexdef(indexrelid) as def, pg_relation_filenode(indexrelid)::int as file from pg_index
     where indrelid in ('users'::regclass, 'user_names'::regclass, 'memberships'::regclass) order by 1`,
  )
  return found.rows
}

for (const { what, rebuildFrom, isRebuilt } of [
  { what: 'a few items fills the indexes as they are', rebuildFrom: undefined, isRebuilt: false },
  { what: 'so many items that it pays builds the indexes after the rows', rebuildFrom: 5, isRebuilt: true },
]) {
  it(`a first load of ${what}`, async () => {
    await emptyRegistry(test.db)
    const source = await aHandSource(test.db)
    await source.group(G, { displayName: 'Staff' })
    await source.user(A, { userPrincipalName: 'ann@x' })
    await source.user(B, { userPrincipalName: 'bob@x' })
    await source.member(G, A)
    await source.member(G, B)
    const { runId } = await source.plan()
    const before = await indexes()

    const options = { runId, sourceId: source.id, tenantId: source.tenantId, now: new Date() }
    await withTransaction(test.db, (tx) =>
      applyPlan(tx, { ...options, ...(rebuildFrom !== undefined && { rebuildFrom }) }),
    )

    const after = await indexes()
    expect(after.map((index) => index.def)).toEqual(before.map((index) => index.def))
    const moved = after.filter((index, n) => index.file !== before[n]!.file)
    expect(moved).toHaveLength(isRebuilt ? after.length : 0)
    expect(Object.keys(await people(test.db))).toEqual([A, B])
    expect((await test.db.query('select from memberships')).rowCount).toBe(2)
  })
}

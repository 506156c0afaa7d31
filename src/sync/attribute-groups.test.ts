import { beforeEach, afterEach, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { aHandSource, anId, people } from '../../test/support/planned.ts'

let test: TestDatabase
beforeEach(async () => {
  test = await createTestDatabase()
})
afterEach(async () => {
  await test.drop()
})

const [A, B, C] = [anId(1), anId(2), anId(3)] as const
const TREE = [{ template: '%companyName%|%department%' }]

/** Groups by path with the user names in them, whoever gives the membership. */
async function tree(): Promise<Record<string, string[]>> {
  const found = await test.db.query<{ path: string; users: string[] }>(
    `select case g.under when '' then '' else g.under || '|' end || replace(g.name, '|', '\\|') as path,
       array(select distinct u.user_name from memberships m join users u on u.id = m.user_id where m.group_id = g.id order by 1) as users
     from groups g where not g.hidden order by 1`,
  )
  return Object.fromEntries(found.rows.map((r) => [r.path, r.users]))
}

describe('groups from attributes', () => {
  it('option groups.fromAttributes: effect: a tree with every node, people in the leaves only, and a second plan is empty', async () => {
    const source = await aHandSource(test.db, { groups: { fromAttributes: TREE } })
    await source.user(A, { userPrincipalName: 'ann@x', companyName: 'Contoso', department: 'Sales' })
    await source.user(B, { userPrincipalName: 'bo@x', companyName: 'CONTOSO', department: null })
    await source.user(C, { userPrincipalName: 'cy@x', department: 'Sales' })

    const first = await source.run()
    const second = await source.run({ everybody: true })

    expect(await tree()).toEqual({ Contoso: ['bo@x'], 'Contoso|Sales': ['ann@x'] })
    expect(first.groups).toMatchObject({ created: 2, unchanged: 0 })
    expect(first.memberships).toEqual({ added: 2, removed: 0 })
    expect(second.isEmpty).toBe(true)
    expect(Object.keys(await people(test.db))).toEqual([A, B, C])
  })
})

// The audit grows for years; looking through it takes a page, not all of it.
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import type { Queries } from '../database/connect.ts'
import { type AuditQuery, listAudit } from './audit-list.ts'

let test: TestDatabase
beforeAll(async () => {
  test = await createTestDatabase()
  await test.db.query(
    `insert into audit (id, at, actor_kind, actor_name, action, details, digest)
     select n, now(), 'account', 'account ' || n % 500, case when n <= 10 then 'installation.take-over' else 'user.change' end, '{}', '' from generate_series(1, 20000) n`,
  )
  await test.db.query('analyze audit')
})
afterAll(() => test.drop())

/** What PostgreSQL does for a page of the audit. */
async function planOf(query: Omit<AuditQuery, 'limit'>): Promise<string> {
  const plans: string[] = []
  const explaining: Pick<Queries, 'query'> = {
    query: async (sql, params) => {
      const found = await test.db.query<{ 'QUERY PLAN': string }>(`explain ${sql}`, params)
      plans.push(found.rows.map((row) => row['QUERY PLAN']).join('\n'))
      return test.db.query(sql, params)
    },
  }
  const page = await listAudit({ ...test.db, ...explaining }, { ...query, limit: 10 })
  expect(page).toHaveLength(10)
  return plans.join('\n')
}

it('pages by who did it and by what was done come from an index', async () => {
  expect(await planOf({ actor: 'account 7' })).toContain('audit_actor')
  expect(await planOf({ action: 'installation.' })).toContain('audit_action')
})

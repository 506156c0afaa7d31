// What it takes to read the memberships of a plan that the same transaction has just written, in rows and not in seconds.
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { type Transaction, withTransaction } from '../database/transaction.ts'
import { eachMembershipSum, eachSingleMembership } from './membership-plan.ts'
import { beginPlanning } from './planning.ts'

let test: TestDatabase
beforeAll(async () => {
  test = await createTestDatabase()
})
afterAll(() => test.drop())

interface Node {
  readonly 'Actual Rows': number
  readonly 'Actual Loops': number
  readonly 'Rows Removed by Filter'?: number
  readonly 'Rows Removed by Join Filter'?: number
  readonly Plans?: readonly Node[]
}

/** All rows that the nodes of an executed query looked at. */
function rowsOf(node: Node): number {
  const each = node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0) + (node['Rows Removed by Join Filter'] ?? 0)
  return each * node['Actual Loops'] + (node.Plans ?? []).reduce((sum, plan) => sum + rowsOf(plan), 0)
}

/** The same transaction, which notes how many rows its cursors would look at when they are declared. */
function counting(tx: Transaction, noted: number[]): Transaction {
  const query = tx.client.query.bind(tx.client) as (sql: string, params?: unknown[]) => Promise<{ rows: unknown[] }>
  const client = new Proxy(tx.client, {
    get: (target, key) =>
      key !== 'query'
        ? Reflect.get(target, key)
        : async (sql: string, params?: unknown[]) => {
            const [, asked] = /^declare \S+ no scroll cursor for (.*)$/s.exec(sql) ?? []
            if (asked !== undefined) {
              const { rows } = await query(`explain (analyze, timing off, format json) ${asked}`, params)
              noted.push(rowsOf((rows[0] as { 'QUERY PLAN': [{ Plan: Node }] })['QUERY PLAN'][0].Plan))
            }
            return query(sql, params)
          },
  })
  return { ...tx, query: tx.query.bind(tx), client }
}

/** Its people in as many small groups, and in one large one, as two runs planned it: one that is known to the planner, and one now. */
async function writePlan(tx: Transaction, { size, before }: { size: number; before: number }): Promise<number> {
  await tx.query(`insert into users (id, user_name, object_id, tenant_id)
    select n, 'u' || n, gen_random_uuid(), '00000000-0000-4000-8000-000000000000' from generate_series(1, ${size}) n`)
  await tx.query(`insert into groups (id, name, object_id, tenant_id)
    select 1000000 + n, 'g' || n, gen_random_uuid(), '00000000-0000-4000-8000-000000000000' from generate_series(0, ${size}) n`)
  await writeRun(tx, { runId: before, op: 'a', action: 'create', size })
  // As autovacuum does it after a load.
  await tx.query('analyze users; analyze groups; analyze plan_memberships; analyze plan_items')
  await beginPlanning(tx)
  await tx.query('insert into planned_users (user_id, object_id) select id, object_id from users')
  await tx.query('insert into planned_groups (group_id, object_id) select id, object_id from groups')
  await writeRun(tx, { runId: before + 1, op: 'r', action: 'delete', size })
  return before + 1
}

interface WrittenRun {
  readonly runId: number
  readonly op: 'a' | 'r'
  readonly action: 'create' | 'delete'
  readonly size: number
}

async function writeRun(tx: Transaction, { runId, op, action, size }: WrittenRun): Promise<void> {
  await tx.query(
    `insert into plan_memberships (run_id, op, group_id, user_id)
     select $1::int, $2::"char", 1000000 + n, n from generate_series(1, $3::int) n
     union all select $1, $2::"char", 1000000, n from generate_series(1, $3) n`,
    [runId, op, size],
  )
  await tx.query(
    `insert into plan_items (run_id, seq, object, action, user_id, group_id, rule, reason, digest)
     select $1::int, id, 'user', $2, id, null::int, 'any', 'any', ''::bytea from users
     union all select $1, id, 'group', $2, null, id, 'any', 'any', ''::bytea from groups`,
    [runId, action],
  )
}

it('a plan of twice the memberships takes about twice the rows, though nobody has counted them yet', async () => {
  const rows: number[][] = []
  for (const size of [1_500, 3_000]) {
    const noted: number[] = []
    await withTransaction(test.db, async (tx) => {
      const runId = await writePlan(tx, { size, before: 100 + size })
      const counted = counting(tx, noted)
      let found = 0
      for await (const sums of eachMembershipSum(counted, { runId, moreThan: 20 }))
        for (const sum of sums) found += sum.rows
      for await (const single of eachSingleMembership(counted, { runId, atMost: 20 })) found += single.length
      expect(found).toBe(2 * size)
      throw new Error('only counted')
    }).catch((error: unknown) => expect(error).toMatchObject({ message: 'only counted' }))
    rows.push(noted)
  }

  const [small, large] = rows
  expect(small).toHaveLength(2)
  // Joined by loops, the rows would be four times as many, and thousands for each person.
  for (const [n, count] of large!.entries()) expect(count / small![n]!).toBeLessThan(3)
  for (const count of large!) expect(count / 3_000).toBeLessThan(100)
})

import { afterAll, beforeAll, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { refreshStatistics } from './statistics.ts'

let test: TestDatabase

beforeAll(async () => {
  test = await createTestDatabase()
  await test.db.query('create table tall (n int); create table tiny (n int)')
  await test.db.query('alter table tall set (autovacuum_enabled = false)')
})
afterAll(() => test.drop())

const known = async (table: string): Promise<number> => {
  const found = await test.db.query<{ rows: number }>('select reltuples as rows from pg_class where relname = $1', [
    table,
  ])
  return found.rows[0]!.rows
}

it('analyzes tables of which an index was made after they were filled: that counts rows and looks at no values', async () => {
  await test.db.query('create table indexed (n int)')
  await test.db.query('insert into indexed select generate_series(1, 50000)')
  await test.db.query('create index on indexed (n)')
  const before = await known('indexed')
  await refreshStatistics(test.db, ['indexed'])
  const { rowCount } = await test.db.query(`select 1 from pg_stats where tablename = 'indexed' and attname = 'n'`)

  expect(before).toBe(50_000)
  expect(rowCount).toBe(1)
})

it('analyzes tables that were filled or have grown by half, and no others', async () => {
  await test.db.query('insert into tall select generate_series(1, 50000); insert into tiny values (1)')
  await refreshStatistics(test.db, ['tall', 'tiny'])
  expect([await known('tall'), await known('tiny')]).toEqual([50_000, -1])
  await test.db.query('insert into tall select generate_series(1, 10000)')
  await refreshStatistics(test.db, ['tall'])
  expect(await known('tall')).toBe(50_000)
  await test.db.query('insert into tall select generate_series(1, 40000)')
  await refreshStatistics(test.db, ['tall'])
  expect(await known('tall')).toBe(100_000)
})

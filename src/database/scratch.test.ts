import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { scratchTables } from './scratch.ts'
import { type Transaction, withTransaction } from './transaction.ts'

let test: TestDatabase
beforeAll(async () => {
  test = await createTestDatabase({ max: 1 })
})
beforeEach(() => test.db.query('discard temp'))
afterAll(() => test.drop())

const TABLES = { pad: 'n int primary key', pencil: `colour text default 'it''s red'` }
const inSession = <T>(work: (tx: Transaction) => Promise<T>) => withTransaction(test.db, work)
const oidOf = async (tx: Transaction, table: string) =>
  (await tx.query<{ oid: number }>(`select to_regclass('pg_temp.${table}')::oid as oid`)).rows[0]!.oid

it('gives each transaction of a session the same tables, empty', async () => {
  const first = await inSession(async (tx) => {
    await scratchTables(tx, TABLES)
    await tx.query('insert into pad values (1)')
    await tx.query('insert into pencil default values')
    return oidOf(tx, 'pencil')
  })

  await inSession(async (tx) => {
    await scratchTables(tx, TABLES)

    expect(await oidOf(tx, 'pencil')).toBe(first)
    const held = await tx.query('select from pad union all select from pencil')
    expect(held.rowCount).toBe(0)
    await tx.query('insert into pencil default values')
    expect((await tx.query('select colour from pencil')).rows).toEqual([{ colour: "it's red" }])
  })
})

it('makes them anew where the transaction that made them came to nothing', async () => {
  const failing = inSession(async (tx) => {
    await scratchTables(tx, TABLES)
    throw new Error('no')
  })
  await expect(failing).rejects.toThrow('no')

  const kept = await inSession(async (tx) => {
    await scratchTables(tx, TABLES)
    return (await tx.query('insert into pad values (1)')).rowCount
  })
  expect(kept).toBe(1)
})

it('replaces those that an older program left in the session', async () => {
  await inSession((tx) => scratchTables(tx, { pad: 'label text' }))

  const columns = await inSession(async (tx) => {
    await scratchTables(tx, TABLES)
    return (await tx.query('select * from pad')).fields.map((field) => field.name)
  })
  expect(columns).toEqual(['n'])
})

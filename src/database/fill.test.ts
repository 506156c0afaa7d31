import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { fillTable } from './fill.ts'
import { type Transaction, withTransaction } from './transaction.ts'

let test: TestDatabase

beforeAll(async () => {
  test = await createTestDatabase()
})
afterAll(() => test.drop())
beforeEach(async () => {
  await test.db.query('drop table if exists shelf')
  await test.db.query(
    `create table shelf (id int, label text collate "C", held boolean, primary key (id), constraint one_label unique (label))`,
  )
  await test.db.query('create unique index shelf_held on shelf (label) where held')
})

const definitions = async () => {
  const found = await test.db.query(
    `select pg_get_indexdef(indexrelid) as def from pg_index where indrelid = 'shelf'::regclass
     union all select conname || pg_get_constraintdef(oid) from pg_constraint where conrelid = 'shelf'::regclass order by 1`,
  )
  return found.rows
}
const fillShelf = (tx: Transaction) => async () => {
  await tx.query(`insert into shelf select n, 'l' || n, true from generate_series(1, 100) n`)
}
const filled = async () => (await test.db.query('select from shelf')).rowCount

it('fills an empty table and leaves keys and indexes as they were', async () => {
  const before = await definitions()
  await withTransaction(test.db, (tx) => fillTable(tx, 'shelf', fillShelf(tx)))
  expect(await filled()).toBe(100)
  expect(await definitions()).toEqual(before)
  await expect(test.db.query(`insert into shelf values (1, 'x', false)`)).rejects.toMatchObject({ code: '23505' })
})

it('refuses what the keys refuse, and the table is as before', async () => {
  const before = await definitions()
  const work = withTransaction(test.db, (tx) =>
    fillTable(tx, 'shelf', async () => {
      await tx.query(`insert into shelf values (1, 'a', true), (1, 'b', true)`)
    }),
  )
  await expect(work).rejects.toMatchObject({ code: '23505' })
  expect([await filled(), await definitions()]).toEqual([0, before])
})

it('keeps what a table already holds', async () => {
  await test.db.query(`insert into shelf values (1000, 'kept', true)`)
  await withTransaction(test.db, (tx) => fillTable(tx, 'shelf', fillShelf(tx)))
  expect(await filled()).toBe(101)
})

it('waits for nobody: a table that somebody reads is filled the slow way', async () => {
  await withTransaction(test.db, async (reader) => {
    await reader.query('select from shelf')
    await withTransaction(test.db, (tx) => fillTable(tx, 'shelf', fillShelf(tx)))
  })
  expect(await filled()).toBe(100)
})

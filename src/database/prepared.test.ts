import { Pool } from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { PreparedStatements } from './prepared.ts'

let test: TestDatabase
/** Of one session, that of a test. */
let pool: Pool

beforeAll(async () => {
  test = await createTestDatabase()
})
afterAll(() => test.drop())
beforeEach(() => {
  pool = aPool()
})
afterEach(() => pool.end())

function aPool(): Pool {
  const made = new Pool({ ...test.db.pool.options, max: 1 })
  // It has ended before its socket has, and the database is dropped in between.
  made.on('connect', (client) => client.on('error', () => undefined))
  return made
}

const SQL = 'select $1::int + 1 as n'
const prepared = async () =>
  (await pool.query<{ statement: string }>('select statement from pg_prepared_statements')).rows.map(
    (row) => row.statement,
  )

/** What it is called in the session of this test. */
async function named() {
  await new PreparedStatements(pool).query(SQL, [1])
  return pool.query<{ name: string }>('select name from pg_prepared_statements')
}

describe('a prepared statement', () => {
  it('is planned once in a session', async () => {
    const statements = new PreparedStatements(pool)
    const answers = []
    for (const n of [1, 2, 3]) answers.push((await statements.query<{ n: number }>(SQL, [n])).rows[0]?.n)

    expect(answers).toEqual([2, 3, 4])
    expect(await prepared()).toEqual([SQL])
  })

  it('is sent whole from then on where a pooler gives a session that forgets it between two statements', async () => {
    const statements = new PreparedStatements(pool)
    const answers = []
    for (const n of [1, 2, 3]) {
      answers.push((await statements.query<{ n: number }>(SQL, [n])).rows[0]?.n)
      await pool.query('discard all')
    }

    expect(answers).toEqual([2, 3, 4])
    expect(await prepared()).toEqual([])
  })

  it('is sent whole where a pooler gives a session that another client has prepared it in', async () => {
    const { rows } = await named()
    const other = aPool()
    await other.query(`prepare "${rows[0]!.name}" as select 7 as n`)
    const statements = new PreparedStatements(other)
    const answers = []
    for (const n of [1, 2, 3]) answers.push((await statements.query<{ n: number }>(SQL, [n])).rows[0]?.n)
    await other.end()

    expect(answers).toEqual([2, 3, 4])
  })

  it('is sent again where a migration has changed what it answers, and other mistakes are told', async () => {
    await pool.query('create table changing (a int)')
    await pool.query('insert into changing values (1)')
    const statements = new PreparedStatements(pool)
    const read = async () => (await statements.query('select * from changing where $1::int = 1', [1])).rows
    const before = await read()
    await pool.query(`alter table changing add column b text default 'x'`)

    expect(before).toEqual([{ a: 1 }])
    expect(await read()).toEqual([{ a: 1, b: 'x' }])
    await expect(statements.query('select 1 / $1::int', [0])).rejects.toMatchObject({ code: '22012' })
  })
})

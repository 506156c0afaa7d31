import { array, asyncProperty, assert as check, constant, constantFrom, date, double, oneof, string } from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { copyInto, copyRow } from './copy.ts'
import { streamRows } from './stream.ts'
import { withTransaction } from './transaction.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase({ schema: 'empty' })
  await database.db.query(
    `create table copied (n int, text text, number float8, flag boolean, at timestamptz, bytes bytea, list text[], json jsonb)`,
  )
})
afterAll(() => database.drop())

function copy(rows: AsyncIterable<string | Buffer> | Iterable<string | Buffer>, target = 'copied (n, text)') {
  return withTransaction(database.db, (tx) => copyInto(tx.client, target, { rows }))
}

async function count(): Promise<unknown> {
  return (await database.db.query('select count(*) as count from copied')).rows[0]
}

describe('copyInto', () => {
  it('writes any value so that it is read back the same', async () => {
    // Everything but NUL, which PostgreSQL's text cannot hold; often the characters that the format gives a meaning.
    const char = oneof(
      constantFrom('\\', '\t', '\n', '\r', 'N', '.', '"', '{', '}', ',', "'", 'ß', '💳', '\u0001', ' '),
      string({ minLength: 1, maxLength: 1, unit: 'grapheme' }),
    )
    const text = array(char, { maxLength: 12 }).map((chars) => chars.join('').replaceAll('\0', ''))
    const maybe = oneof(constant(null), text)

    await check(
      asyncProperty(
        array(array(maybe, { minLength: 2, maxLength: 2 }), { minLength: 1, maxLength: 20 }),
        double({ noNaN: true }),
        date({ min: new Date('0001-01-01'), max: new Date('9999-12-31'), noInvalidDate: true }),
        async (values, number, at) => {
          await database.db.query('truncate copied')
          const rows = values.map(([value = null, item = null], n) => ({
            n,
            text: value,
            number: n % 2 === 0 ? number : null,
            flag: n % 2 === 0,
            at,
            bytes: value === null ? null : Buffer.from(value),
            list: [value, item],
            json: { list: [item], value, number },
          }))

          const copied = await copy(
            rows.map((row) => copyRow([row.n, row.text, row.number, row.flag, row.at, row.bytes, row.list, row.json])),
            'copied',
          )

          expect(copied).toBe(rows.length)
          const found = (await database.db.query('select * from copied order by n')).rows
          const plain = (value: unknown) =>
            JSON.stringify(value, (_key, part: unknown) => (Object.is(part, -0) ? 0 : part))
          expect(plain(found)).toBe(plain(rows))
        },
      ),
      { numRuns: 60 },
    )
  })

  it('copies many rows in order over many chunks, as text and as bytes', async () => {
    await database.db.query('truncate copied')
    async function* rows(): AsyncGenerator<string | Buffer> {
      for (let n = 0; n < 50_000; n += 1) {
        const line = copyRow([n, `row ${n} `.repeat(3)])
        yield n % 7 === 0 ? Buffer.from(line) : line
      }
    }

    expect(await copy(rows())).toBe(50_000)

    const found = await database.db.query(
      `select count(*) as count, count(distinct n) as different, bool_and(text = repeat('row ' || n || ' ', 3)) as right from copied`,
    )
    expect(found.rows).toEqual([{ count: 50_000, different: 50_000, right: true }])
  })

  it('copies nothing when the rows end in an error, and the session goes on', async () => {
    await database.db.query('truncate copied')
    async function* rows(): AsyncGenerator<string> {
      for (let n = 0; n < 20_000; n += 1) yield copyRow([n, 'x'.repeat(20)])
      throw new Error('source failed')
    }

    await withTransaction(database.db, async (tx) => {
      await tx.query('savepoint before_copy')
      await expect(copyInto(tx.client, 'copied (n, text)', { rows: rows() })).rejects.toThrow('source failed')
      await tx.query('rollback to before_copy')
    })

    expect(await count()).toEqual({ count: 0 })
  })

  it('says what the server refused, and copies nothing', async () => {
    await database.db.query('truncate copied')
    const rows = [copyRow([1, 'good']), copyRow(['not a number', 'bad'])]

    await expect(copy(rows)).rejects.toMatchObject({ code: '22P02' })

    expect(await count()).toEqual({ count: 0 })
  })

  it('E2: a server that goes away during a copy is database-unavailable', async () => {
    async function* rows(): AsyncGenerator<string> {
      for (let n = 0; ; n += 1) {
        yield copyRow([n, 'x'.repeat(100)])
        if (n === 5_000)
          await database.db.query(
            `select pg_terminate_backend(pid) from pg_stat_activity where query like 'copy copied%' and datname = current_database()`,
          )
      }
    }

    await expect(copy(rows())).rejects.toMatchObject({ code: 'database-unavailable' })
  })

  it('refuses what PostgreSQL cannot hold before sending it', () => {
    expect(() => copyRow(['a\0b'])).toThrow(/U\+0000/)
  })
})

describe('streamRows', () => {
  it.each([0, 1, 9, 10, 11, 20, 95])('gives all of %d rows, in order, in batches of 10', async (total) => {
    const batches = await withTransaction(database.db, async (tx) => {
      const found: (readonly number[])[] = []
      const rows = streamRows<{ n: number }>(tx.client, 'select n from generate_series(1, $1::int) n order by n', {
        params: [total],
        batch: 10,
      })
      for await (const batch of rows) found.push(batch.map((row) => row.n))
      return found
    })

    expect(batches.flat()).toEqual(Array.from({ length: total }, (_, index) => index + 1))
    expect(batches.slice(0, -1).every((batch) => batch.length === 10)).toBe(true)
    expect(batches.some((batch) => batch.length === 0)).toBe(false)
  })

  it('lets two streams and other statements share the session, and closes what was not read to the end', async () => {
    const cursors = await withTransaction(database.db, async (tx) => {
      const sql = 'select n from generate_series(1, 1000) n'
      for await (const first of streamRows<{ n: number }>(tx.client, sql, { batch: 7 })) {
        await tx.query('select 1')
        for await (const second of streamRows<{ n: number }>(tx.client, sql, { batch: 5 })) {
          expect([first[0]?.n, second[0]?.n]).toEqual([1, 1])
          break
        }
        break
      }
      return tx.query(`select name from pg_cursors where name like 'muster%'`)
    })

    expect(cursors.rows).toEqual([])
  })

  it('lets the error of a statement out, also when it comes in a later batch', async () => {
    const attempt = withTransaction(database.db, async (tx) => {
      for await (const batch of streamRows(tx.client, 'select 1 / (20 - n) from generate_series(1, 100) n', {
        batch: 5,
      }))
        expect(batch).toHaveLength(5)
    })

    await expect(attempt).rejects.toMatchObject({ code: '22012' })
  })
})

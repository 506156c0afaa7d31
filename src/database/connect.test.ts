import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { silentLog } from '../base/log.ts'
import { connect } from './connect.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase({ schema: 'empty' })
})
afterAll(() => database.drop())

describe('connect', () => {
  it('gives values the types that it promises', async () => {
    const found = await database.db.query(
      `select 9007199254740991::bigint as large, count(*) as count, 1.50::numeric as exact, '2026-02-28'::date as day,
         '2026-02-28T12:00:00Z'::timestamptz as instant, '{"a":[1]}'::jsonb as json, '\\x00ff'::bytea as bytes,
         array['a', 'b'] as list, 'x'::"char" as letter`,
    )

    expect(found.rows).toEqual([
      {
        large: 9_007_199_254_740_991,
        count: 1,
        exact: '1.50',
        day: '2026-02-28',
        instant: new Date('2026-02-28T12:00:00Z'),
        json: { a: [1] },
        bytes: Buffer.from([0, 255]),
        list: ['a', 'b'],
        letter: 'x',
      },
    ])
  })

  it('never rounds a whole number that JavaScript cannot hold', async () => {
    await expect(database.db.query('select 9007199254740992::bigint as n')).rejects.toMatchObject({ code: 'invariant' })
    expect((await database.db.query('select 1 as n')).rows).toEqual([{ n: 1 }])
  })

  it('bounds statements and locks as told', async () => {
    const bounded = await connect({ url: database.url, log: silentLog, statementTimeoutMs: 50, lockTimeoutMs: 40 })

    await expect(bounded.query('select pg_sleep(30)')).rejects.toMatchObject({ code: '57014' })
    expect((await bounded.query(`select current_setting('lock_timeout') as t`)).rows).toEqual([{ t: '40ms' }])
    await bounded.close()
  })

  it('E2: a server that is not there is database-unavailable', async () => {
    const attempts = [
      connect({ embedded: { address: { host: '/nonexistent', user: 'u', database: 'd' } }, log: silentLog }),
      connect({ url: 'postgresql://u@127.0.0.1:9/d', log: silentLog }),
    ]

    for (const attempt of attempts)
      await expect(attempt).rejects.toMatchObject({ name: 'RunError', code: 'database-unavailable' })
  })

  it('E2: sessions ended while idle are replaced, through Kysely too', async () => {
    const others = await connect({ url: database.url, log: silentLog, max: 3 })
    await Promise.all([1, 2, 3].map(() => others.query('select pg_sleep(0.01)')))

    await database.db.query(
      'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
    )
    const during = await Promise.allSettled([1, 2, 3].map(() => others.query('select 1')))
    const reasons = during.flatMap((outcome): unknown[] => (outcome.status === 'rejected' ? [outcome.reason] : []))
    expect(reasons).toEqual(reasons.map(() => expect.objectContaining({ code: 'database-unavailable' })))

    expect((await others.query('select 1 as n')).rows).toEqual([{ n: 1 }])
    await others.close()
    await expect(others.kysely.selectFrom('users').selectAll().execute()).rejects.toThrow(/pool/)
  })

  it('a connection that the server ends while we close is no loss to tell of', async () => {
    const told: string[] = []
    const other = await connect({ url: database.url, log: { ...silentLog, warn: (message) => told.push(message) } })
    const client = await other.pool.connect()
    client.release()

    const closed = other.close()
    other.pool.emit('error', Object.assign(new Error('terminating connection'), { code: '57P01' }), client)
    await closed

    expect(told).toEqual([])
  })

  it('names the setting when the server refuses the database, or keeps it in another encoding', async () => {
    const missing = connect({ url: database.url.replace(/[^/]+$/, 'no_such_database'), log: silentLog })
    await expect(missing).rejects.toMatchObject({
      code: 'config-invalid',
      problems: [{ at: 'MUSTER_DATABASE_URL', message: expect.stringContaining('no_such_database') }],
    })

    const name = `latin_${crypto.randomUUID().slice(0, 8)}`
    await database.db.query(
      `create database ${name} template template0 encoding 'LATIN1' locale_provider libc lc_collate 'C' lc_ctype 'C'`,
    )
    const latin = connect({ url: database.url.replace(/[^/]+$/, name), log: silentLog })
    await expect(latin).rejects.toMatchObject({ problems: [{ message: expect.stringContaining('LATIN1') }] })
    await database.db.query(`drop database ${name} with (force)`)
  })
})

import { once } from 'node:events'
import { createServer, connect as connectSocket, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { sql } from 'kysely'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { systemClock } from '../base/clock.ts'
import { silentLog } from '../base/log.ts'
import { connect, type Database } from './connect.ts'
import { withRetriedTransaction, withTransaction } from './transaction.ts'

let database: TestDatabase
let db: Database
beforeAll(async () => {
  database = await createTestDatabase({ schema: 'empty' })
  db = database.db
  await db.query('create table things (n int primary key)')
})
afterAll(() => database.drop())
beforeEach(async () => {
  await db.query('truncate things')
})

async function things(): Promise<readonly number[]> {
  return (await db.query<{ n: number }>('select n from things order by n')).rows.map((row) => row.n)
}

/** Ends every other session of this database, as a fail-over or an administrator does. */
async function endSessions(): Promise<void> {
  await db.query(
    `select pg_terminate_backend(pid) from pg_stat_activity
     where datname = current_database() and pid <> pg_backend_pid()`,
  )
}

describe('withTransaction', () => {
  it('commits what the work did and gives its result, through every handle', async () => {
    const result = await withTransaction(db, async (tx) => {
      await tx.query('insert into things values (1)')
      await tx.client.query('insert into things values (2)')
      await sql`insert into things values (3)`.execute(tx.kysely)
      return (await tx.query('select count(*) as count from things')).rows
    })

    expect(result).toEqual([{ count: 3 }])
    expect(await things()).toEqual([1, 2, 3])
  })

  it('rolls back everything when the work throws, and lets its error out', async () => {
    const failure = new Error('no')

    const attempt = withTransaction(db, async (tx) => {
      await tx.query('insert into things values (1)')
      throw failure
    })

    await expect(attempt).rejects.toBe(failure)
    expect(await things()).toEqual([])
  })

  it('does not commit when a failed statement was ignored', async () => {
    const attempt = withTransaction(db, async (tx) => {
      await tx.query('insert into things values (1)')
      await tx.query('select 1 / 0').catch(() => undefined)
    })

    await expect(attempt).rejects.toMatchObject({ code: 'invariant' })
    expect(await things()).toEqual([])
  })

  it('holds its isolation, read-only mode and lock timeout', async () => {
    const level = await withTransaction(
      db,
      (tx) =>
        tx.query(`select current_setting('transaction_isolation') as level, current_setting('lock_timeout') as lock`),
      { isolation: 'repeatable read', lockTimeoutMs: 250, readOnly: true },
    )
    const write = withTransaction(db, (tx) => tx.query('insert into things values (1)'), { readOnly: true })

    expect(level.rows).toEqual([{ level: 'repeatable read', lock: '250ms' }])
    await expect(write).rejects.toMatchObject({ code: '25006' })
  })

  it('a query that escapes the transaction runs into the one-connection pool loudly', async () => {
    const single = await connect({ url: database.url, log: silentLog, max: 1, acquireTimeoutMs: 100 })

    const attempt = withTransaction(single, () => single.query('select 1'))

    await expect(attempt).rejects.toMatchObject({ code: 'database-unavailable' })
    await single.close()
  })

  it('ends the running statement at once when the signal aborts, and writes nothing', async () => {
    const controller = new AbortController()
    const reason = new Error('cancelled by somebody')
    const startedAt = systemClock.monotonicMs()

    const attempt = withTransaction(
      db,
      async (tx) => {
        await tx.query('insert into things values (1)')
        setImmediate(() => controller.abort(reason))
        await tx.query('select pg_sleep(60)')
      },
      { signal: controller.signal },
    )

    await expect(attempt).rejects.toBe(reason)
    expect(systemClock.monotonicMs() - startedAt).toBeLessThan(30_000)
    expect(await things()).toEqual([])
    // The session that was cancelled does not come back.
    expect((await Promise.all([1, 2, 3, 4].map((n) => db.query('select $1::int as n', [n])))).length).toBe(4)
  })

  it('an abort between two statements is not lost', async () => {
    const controller = new AbortController()
    const reason = new Error('cancelled by somebody')

    const attempt = withTransaction(
      db,
      async (tx) => {
        await tx.query('insert into things values (1)')
        controller.abort(reason)
        await tx.query('select pg_sleep(60)')
      },
      { signal: controller.signal },
    )

    await expect(attempt).rejects.toBe(reason)
    expect(await things()).toEqual([])
  })

  it('starts nothing when the signal is aborted already', async () => {
    const attempt = withTransaction(db, (tx) => tx.query('insert into things values (1)'), {
      signal: AbortSignal.abort(new Error('too late')),
    })

    await expect(attempt).rejects.toThrow('too late')
    expect(await things()).toEqual([])
  })

  it('E2: a server that ends the session mid-transaction is database-unavailable, and nothing was written', async () => {
    const attempt = withTransaction(db, async (tx) => {
      await tx.query('insert into things values (1)')
      await endSessions()
      await tx.query('insert into things values (2)')
    })

    await expect(attempt).rejects.toMatchObject({ name: 'RunError', code: 'database-unavailable' })
    expect(await things()).toEqual([])
  })

  it('E2: a session that dies while the work does something else is found out, and does not end the process', async () => {
    const attempt = withTransaction(db, async (tx) => {
      await tx.query('insert into things values (1)')
      const lost = once(tx.client, 'error')
      await endSessions()
      await lost
      return 'done'
    })

    // The COMMIT was never sent, but neither do we know that without having asked.
    await expect(attempt).rejects.toMatchObject({ name: 'RunError' })
    expect(await things()).toEqual([])
  })
})

describe('withTransaction over a line that is cut', () => {
  let line: Server
  let far: Database
  const pairs: { near: Socket; server: Socket }[] = []
  /** Called for each message to the server; true cuts the line before the message, `after` when it was delivered. */
  let cut: (message: Buffer) => 'before' | 'after' | undefined

  beforeEach(async () => {
    cut = () => undefined
    const url = new URL(database.url.replace('%2F', 'x%2F'))
    const socket = join(decodeURIComponent(url.hostname).slice(1).replaceAll('%2F', '/'), '.s.PGSQL.5432')
    line = createServer((near) => {
      const server = connectSocket(socket)
      pairs.push({ near, server })
      near.on('data', (message: Buffer) => {
        const when = cut(message)
        if (when !== 'before') server.write(message)
        if (when !== undefined) near.destroy()
      })
      server.on('data', (message) => near.writable && near.write(message))
      // A client that is gone leaves the server to finish what it was told.
      near.on('close', () => server.end())
      near.on('error', () => undefined)
      server.on('error', () => near.destroy())
      server.on('close', () => near.destroy())
    })
    line.listen(0, '127.0.0.1')
    await once(line, 'listening')
    const address = line.address()
    const port = typeof address === 'object' ? address?.port : 0
    far = await connect({
      url: `postgresql://${url.username}@127.0.0.1:${port}${url.pathname}`,
      log: silentLog,
      max: 1,
    })
  })
  afterEach(async () => {
    await far.close()
    for (const { near, server } of pairs.splice(0)) {
      near.destroy()
      server.destroy()
    }
    line.close()
  })

  it('E2: cut before the work is sent: database-unavailable, nothing written, and the next transaction works', async () => {
    cut = (message) => (message.includes('insert') ? 'before' : undefined)

    const attempt = withTransaction(far, (tx) => tx.query('insert into things values (1)'))

    await expect(attempt).rejects.toMatchObject({ code: 'database-unavailable' })
    cut = () => undefined
    await withTransaction(far, (tx) => tx.query('insert into things values (2)'))
    expect(await things()).toEqual([2])
  })

  it.each([
    ['before', []],
    ['after', [1]],
  ] as const)(
    'E2: cut %s the commit reaches the server: commit-unknown, and looking tells which',
    async (when, found) => {
      cut = (message) => (/\bcommit\b/.test(message.toString('latin1')) ? when : undefined)

      const attempt = withTransaction(far, (tx) => tx.query('insert into things values (1)'))

      await expect(attempt).rejects.toMatchObject({ name: 'RunError', code: 'commit-unknown' })
      // The table lock waits for the server to end the lost session's transaction.
      await withTransaction(db, (tx) => tx.query('lock table things in exclusive mode'))
      expect(await things()).toEqual(found)
    },
  )
})

describe('withRetriedTransaction', () => {
  const options = { clock: { ...systemClock, sleep: () => Promise.resolve() }, random: () => 0.5 }

  it('repeats a serialization failure until it goes through', async () => {
    await db.query('insert into things values (0)')
    let attempts = 0

    await withRetriedTransaction(
      db,
      async (tx) => {
        attempts += 1
        await tx.query('select * from things')
        if (attempts === 1) await db.query('update things set n = n + 10')
        await tx.query('update things set n = n + 1')
      },
      { ...options, isolation: 'serializable' },
    )

    expect(attempts).toBe(2)
    expect(await things()).toEqual([11])
  })

  it('repeats the victim of a deadlock', async () => {
    await db.query('insert into things values (1), (2)')
    let waiting = 0
    let open: (() => void) | undefined
    const bothHoldOne = new Promise<void>((resolve) => (open = resolve))
    const swap = (first: number, second: number) =>
      withRetriedTransaction(
        db,
        async (tx) => {
          await tx.query('set local deadlock_timeout = 10')
          await tx.query('select from things where n = $1 for update', [first])
          waiting += 1
          if (waiting === 2) open?.()
          await bothHoldOne
          await tx.query('select from things where n = $1 for update', [second])
          return 'done'
        },
        options,
      )

    expect(await Promise.all([swap(1, 2), swap(2, 1)])).toEqual(['done', 'done'])
  })

  it('gives up after its attempts, and repeats no other error', async () => {
    let attempts = 0
    const fail = (code: string) =>
      withRetriedTransaction(
        db,
        async (tx) => {
          attempts += 1
          await tx.query(`do $$ begin raise exception using errcode = '${code}'; end $$`)
        },
        { ...options, attempts: 3 },
      )

    await expect(fail('40001')).rejects.toMatchObject({ code: '40001' })
    expect(attempts).toBe(3)
    await expect(fail('23505')).rejects.toMatchObject({ code: '23505' })
    expect(attempts).toBe(4)
  })
})

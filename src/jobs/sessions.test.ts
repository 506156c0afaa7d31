// E6: behind a pooler in transaction mode every statement may meet another session of the server.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { CancelledError } from '../base/errors.ts'
import { systemClock } from '../base/clock.ts'
import { silentLog } from '../base/log.ts'
import type { Database } from '../database/connect.ts'
import { withTransaction } from '../database/transaction.ts'
import { Queue } from './queue.ts'

let test: TestDatabase

beforeAll(async () => {
  test = await createTestDatabase()
})
afterAll(() => test.drop())

it('E6: no lock or listener of a session outside the embedded server, where there is no pooler', () => {
  const src = join(import.meta.dirname, '..')
  const using = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter(
    (path) =>
      /(?<!\.test)\.ts$/.test(path) &&
      /pg_(try_)?advisory_lock|\blisten\s+[a-z_]+['"`]/i.test(readFileSync(join(src, path), 'utf8')),
  )

  expect(using).toEqual(['database/embedded.ts'])
})

it('E6: the queue delivers when each of its statements meets a session that keeps nothing of the last one', async () => {
  const statements: string[] = []
  const pooled: Database = {
    ...test.db,
    // What a pooler does between two clients.
    query: async (sql, params) => {
      statements.push(sql)
      const client = await test.db.pool.connect()
      try {
        return await client.query(sql, params === undefined ? [] : [...params])
      } finally {
        await client.query('discard all')
        client.release()
      }
    },
  }
  const queue = new Queue(pooled, { log: silentLog, clock: systemClock })
  await queue.start()
  const id = crypto.randomUUID()
  await withTransaction(test.db, (tx) => queue.send(tx, id))
  const delivered = Promise.withResolvers<string>()
  await queue.work((job) => Promise.resolve(delivered.resolve(job)), { atOnce: 2 })

  expect(await delivered.promise).toBe(id)
  await queue.stop({ reason: new CancelledError(), withinMs: 1_000 })
  expect(statements.filter((sql) => /pg_advisory_lock|\blisten\b/i.test(sql))).toEqual([])
})

// E21: a request that is sent again because nobody knows whether it arrived is done once.
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { withTransaction } from '../database/transaction.ts'
import { testSealing } from '../../test/support/world.ts'
import { systemClock } from '../base/clock.ts'
import { ConflictError, RunError } from '../base/errors.ts'
import type { Actor } from '../registry/audit.ts'
import { doOnce } from './idempotency.ts'

let test: TestDatabase
let later = 0
const BEGIN = Date.now()
beforeAll(async () => {
  test = await createTestDatabase()
})
afterAll(() => test.drop())

const ann: Actor = { kind: 'account', id: 1, name: 'ann' }
let done = 0
const once = (options: { key: string; actor?: Actor; asked?: unknown; work?: () => Promise<unknown> }) =>
  doOnce(
    { db: test.db, vault: testSealing, clock: { ...systemClock, now: () => new Date(BEGIN + later) } },
    { actor: options.actor ?? ann, key: options.key, asked: [options.asked ?? 'the same'] },
    options.work ?? (async () => ({ number: (done += 1) })),
  )

it('E21: gives the first answer once more, to the same actor alone, for a day', async () => {
  const first = await once({ key: 'a' })

  expect(await once({ key: 'a' })).toEqual(first)
  expect(await once({ key: 'b' })).not.toEqual(first)
  expect(await once({ key: 'a', actor: { ...ann, id: 2 } })).not.toEqual(first)
  later = 25 * 3_600_000
  expect(await once({ key: 'a' })).not.toEqual(first)
  later = 0
})

it('E21: refuses another request under the same key', async () => {
  await once({ key: 'c' })

  await expect(once({ key: 'c', asked: 'something else' })).rejects.toMatchObject({
    status: 422,
    code: 'idempotency-reused',
  })
})

it('E21: refuses while the first one runs, and when it never ended', async () => {
  const gate = Promise.withResolvers<string>()
  const begun = Promise.withResolvers<void>()
  const first = once({ key: 'd', work: () => (begun.resolve(), gate.promise) })
  await begun.promise

  await expect(once({ key: 'd' })).rejects.toMatchObject({ status: 409, code: 'idempotency-running' })
  later = 16 * 60_000
  await expect(once({ key: 'd' })).rejects.toMatchObject({ status: 409, code: 'idempotency-unknown' })
  later = 0
  gate.resolve('done')
  expect(await first).toBe('done')
  expect(await once({ key: 'd' })).toBe('done')
})

it('E21: lets try again what failed, but not what may have been done', async () => {
  const failing = (failure: Error) => once({ key: failure.message, work: () => Promise.reject(failure) })
  await expect(failing(new ConflictError('x', 'failed'))).rejects.toThrow('failed')
  await expect(failing(new RunError('commit-unknown', 'lost'))).rejects.toThrow('lost')

  expect(await once({ key: 'failed' })).toEqual({ number: done })
  await expect(once({ key: 'lost' })).rejects.toMatchObject({ code: 'idempotency-unknown' })
})

it('E21: does not do again what was committed before its answer could be made', async () => {
  const made = async () => {
    const found = await test.db.query<{ count: number }>(
      `select count(*)::int as count from upkeep where name like 'once-%'`,
    )
    return found.rows[0]!.count
  }
  const insert = async (failure: Error | undefined, name: string) => {
    await withTransaction(test.db, async (tx) => {
      await tx.query('insert into upkeep (name, begun_at) values ($1, now())', [`once-${name}`])
      if (failure instanceof TypeError) throw failure
    })
    // As the page that is shown of it: read when all is written.
    await withTransaction(test.db, (tx) => tx.query('select 1'), { readOnly: true })
    if (failure !== undefined) throw failure
  }
  const gone = new RunError('database-unavailable', 'the database went away')
  await expect(once({ key: 'view', work: () => insert(gone, 'view') })).rejects.toBe(gone)
  await expect(once({ key: 'view', work: () => insert(undefined, 'again') })).rejects.toMatchObject({
    code: 'idempotency-unknown',
  })
  expect(await made()).toBe(1)

  const undone = new TypeError('a bug')
  await expect(once({ key: 'undone', work: () => insert(undone, 'undone') })).rejects.toBe(undone)
  await once({ key: 'undone', work: () => insert(undefined, 'undone') })
  expect(await made()).toBe(2)
})

// E21: a request that is sent again because nobody knows whether it arrived is done once.
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
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
  await expect(once({ key: 'lost' })).rejects.toMatchObject({ code: 'idempotency-running' })
})

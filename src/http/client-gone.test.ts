// A page that is left, or a dialog that is closed, while the server still works for it.
import { setTimeout } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { aServer, type TestServer } from '../../test/support/server.ts'
import { aSyncWorld, type SyncWorld } from '../../test/support/world.ts'
import { silentLog } from '../base/log.ts'
import { withTransaction } from '../database/transaction.ts'
import { createToken } from '../signin/tokens.ts'

let test: TestDatabase
let world: SyncWorld
let http: TestServer
const told: string[] = []
const log = {
  ...silentLog,
  debug: (message: string) => told.push(`debug ${message}`),
  error: (message: string) => told.push(`error ${message}`),
}

beforeAll(async () => {
  test = await createTestDatabase()
  world = await aSyncWorld(test.db, { users: 3 })
  await world.sync()
  http = await aServer({ ...world.engine, log })
})
afterAll(async () => {
  await http.stop()
  await world.stop()
  await test.drop()
})

const waiting = async () =>
  (
    await test.db.query(
      `select from pg_locks where not granted and database = (select oid from pg_database where datname = current_database())`,
    )
  ).rowCount ?? 0

async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await setTimeout(5)
}

it('ends what was asked, and is no mistake in Muster', async () => {
  const address = await http.server.listen({ host: '127.0.0.1', port: 0 })
  const { token } = await createToken(test.db, {
    name: 'reader',
    scopes: ['runs'],
    maker: { kind: 'command line', name: 'test' },
    now: world.engine.clock.now(),
    expiresAt: null,
  })
  const run = await test.db.query<{ id: number }>(`select id from runs where outcome = 'applied'`)
  const reader = new AbortController()
  const ask = () =>
    fetch(`${address}/api/v1/runs/${run.rows[0]!.id}/revert`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ reason: 'looking', dryRun: true }),
      signal: reader.signal,
    })

  await withTransaction(test.db, async (tx) => {
    await tx.query('lock table undo_users in access exclusive mode')
    const asked = ask()
    asked.catch(() => undefined)
    await until(async () => (await waiting()) > 0)
    reader.abort()
    await expect(asked).rejects.toMatchObject({ name: 'AbortError' })
    // The session that waited is ended though what it waited for is still held.
    await until(async () => (await waiting()) === 0)
    await until(() => Promise.resolve(told.length > 0))
  })

  expect(told).toEqual(['debug a client has gone before it had its answer'])
})

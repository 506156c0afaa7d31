// The ends of client secrets are read and warned of by the server itself: nobody presses Check connection in these tests.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { createTestVault } from '../../test/support/vault.ts'
import { aSyncWorld, type SyncWorld } from '../../test/support/world.ts'
import { systemClock } from '../base/clock.ts'
import { addSecret } from '../emulator/applications.ts'
import { createMovableClock, type MovableClock } from '../emulator/clock.ts'
import { listConnectionViews } from '../registry/connection-views.ts'
import { credentialContext, openCredentials } from '../registry/connections.ts'
import { insertCredential } from '../registry/put-connection.ts'
import { raiseDue } from './alerting.ts'
import { checkSaved } from './check.ts'
import type { Engine } from './engine.ts'
import { readExpiries } from './read-expiry.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
const { signal } = new AbortController()
const PATH = /\/applications\(/

let test: TestDatabase
let clock: MovableClock
let world: SyncWorld
let engine: Engine
beforeAll(async () => {
  test = await createTestDatabase()
})
afterAll(() => test.drop())
beforeEach(async () => {
  await test.empty()
  clock = createMovableClock(systemClock)
  world = await aSyncWorld(test.db, { clock })
  const vault = await createTestVault(test.db)
  const openGraph: Engine['openGraph'] = async (connection) =>
    world.openGraphWith({
      ...connection,
      credentials: await openCredentials(test.db, { connectionId: connection.id, vault }),
    })
  engine = { ...world.engine, vault, openGraph }
  world.hosted.app.secrets.length = 0
})
afterEach(async () => {
  await world.stop()
})

/** A secret at Entra that ends in so many days, and here. */
async function secretOf(days: number, { isHere = true } = {}): Promise<void> {
  const endsAt = new Date(clock.now().getTime() + days * DAY + HOUR)
  const { secretText } = addSecret(world.hosted.app, world.emulator.random, { now: clock.now(), endsAt })
  if (isHere) await keep(secretText)
}

async function keep(value: string): Promise<number> {
  const { rows } = await test.db.query<{ id: number }>('select id from connections')
  return insertCredential(test.db, {
    connectionId: rows[0]!.id,
    vault: engine.vault,
    credential: { kind: 'secret', value, thumbprint: null, expiresAt: null },
  })
}

const asked = () => world.emulator.requests.filter(({ path }) => PATH.test(path)).length
const connection = async () => (await listConnectionViews(test.db))[0]!
const warned = async () => {
  const { rows } = await test.db.query<{ facts: { kind: string; days?: number } }>(
    'select facts from alerts order by id',
  )
  return rows.map(({ facts }) => [facts.kind, facts.days])
}

/** What a server does once a minute. */
async function serve(): Promise<number> {
  const count = await readExpiries(engine, signal)
  await raiseDue(test.db, { now: clock.now(), silenceHours: 8_760 })
  return count
}

describe('the end of a client secret', () => {
  it('O1: is read once a day and warned of at 60, 30, 14, 7 and 1 days, once each, with nobody at the keyboard', async () => {
    await secretOf(75)
    for (let day = 0; day <= 76; day += 1) {
      await serve()
      await serve()
      clock.advance(DAY)
    }

    expect(await warned()).toEqual([60, 30, 14, 7, 1].map((days) => ['expiring', days]))
    // From the day after its end on the secret gets no token, and nothing is asked with it.
    expect(asked()).toBe(76)
    expect((await connection()).credentials).toMatchObject([{ expiryFrom: 'entra', state: 'refused' }])
  })

  it('that was put off at Entra becomes known the next day', async () => {
    await secretOf(10)
    await serve()
    const later = new Date(clock.now().getTime() + 300 * DAY).toISOString()
    world.hosted.app.secrets[0]!.endDateTime = later
    await serve()
    expect((await connection()).credentials[0]!.expiresAt).not.toBe(later)

    clock.advance(DAY)
    await serve()

    expect((await connection()).credentials[0]!.expiresAt).toBe(later)
    const { rows } = await test.db.query(`select actor_kind, action from audit order by id`)
    expect(rows).toEqual(
      Array.from({ length: 2 }, () => ({ actor_kind: 'schedule', action: 'connection.credential-change' })),
    )
  })

  it('of a second secret is read as soon as it is added', async () => {
    await secretOf(100)
    await serve()
    await secretOf(200)

    expect([await serve(), await serve()]).toEqual([1, 0])

    expect((await connection()).credentials.map(({ expiresAt }) => expiresAt === null)).toEqual([false, false])
  })

  it('of a secret that is added during a reading, or a check, is read at once', async () => {
    await secretOf(75)
    let toAdd = 1
    const addsOne: Engine = {
      ...engine,
      openGraph: async (...given) => {
        const client = await engine.openGraph(...given)
        for (; toAdd > 0; toAdd -= 1) await secretOf(75)
        return client
      },
    }
    // The one that was added, and what is known anew.
    expect(await readExpiries(addsOne, signal)).toBe(2)
    expect(await serve()).toBe(0)
    toAdd = 1
    const check = { connection: (await connection()).name, actor: { kind: 'command line', name: 'test' } } as const
    await checkSaved(addsOne, { ...check, signal })

    expect(await serve()).toBe(1)
    expect(await serve()).toBe(0)
    expect((await connection()).credentials.map(({ expiresAt }) => expiresAt !== null)).toEqual([true, true, true])
  })

  it('is read by one of several servers', async () => {
    await secretOf(100)

    const counts = await Promise.all(Array.from({ length: 4 }, () => readExpiries(engine, signal)))

    expect(counts.toSorted((a, b) => a - b)).toEqual([0, 0, 0, 1])
    expect(asked()).toBe(1)
  })

  it('is not asked for again for a day after a check by hand', async () => {
    await secretOf(100)
    const actor = { kind: 'account', id: 1, name: 'ann' } as const
    await checkSaved(engine, { connection: world.source, actor, signal })

    expect(await serve()).toBe(0)
    clock.advance(DAY)
    expect(await serve()).toBe(1)
  })
})

describe('an end that cannot be read', () => {
  it('is no alarm, but said, and asked for again the next day', async () => {
    await secretOf(100)
    const faults = world.emulator.faults
    faults.add({ kind: 'status', status: 403, path: PATH })
    await serve()

    expect(await connection()).toMatchObject({
      expiryReadAt: null,
      expiryProblem: 'Microsoft does not show this application its own registration.',
    })
    expect(await warned()).toEqual([])
    clock.advance(23 * HOUR)
    expect(await serve()).toBe(0)
    faults.clear()
    clock.advance(HOUR)
    expect(await serve()).toBe(1)
    expect(await connection()).toMatchObject({ expiryReadAt: expect.any(String), expiryProblem: null })
  })

  it('because Microsoft does not answer is asked for again in an hour; what was known of it stays', async () => {
    await secretOf(5)
    await serve()
    const known = (await connection()).credentials[0]!.expiresAt
    clock.advance(DAY)
    world.emulator.setEnabled(world.hosted.app, false)
    await serve()
    expect(await connection()).toMatchObject({ expiryProblem: expect.stringContaining('disabled') })
    expect((await connection()).credentials[0]).toMatchObject({ expiresAt: known })
    world.emulator.setEnabled(world.hosted.app, true)
    clock.advance(HOUR)

    await serve()

    expect(await connection()).toMatchObject({ expiryProblem: null })
    expect((await connection()).credentials[0]).toMatchObject({ expiresAt: known, state: 'works' })
  })

  it('because one secret is damaged does not keep the others from being read', async () => {
    const broken = await keep('the~secret')
    await test.db.query(`update connection_credentials set sealed = $2 where id = $1`, [
      broken,
      engine.vault.seal('the~secret', credentialContext(0, 'secret')),
    ])
    await test.db.query(
      `insert into connections (name, tenant_id, client_id, cloud, authority_url, graph_url)
       select 'other', tenant_id, client_id, cloud, authority_url, graph_url from connections`,
    )
    const { secretText } = addSecret(world.hosted.app, world.emulator.random, { now: clock.now() })
    const { rows } = await test.db.query<{ id: number }>(`select id from connections where name = 'other'`)
    const credential = { kind: 'secret', value: secretText, thumbprint: null, expiresAt: null } as const
    await insertCredential(test.db, { connectionId: rows[0]!.id, vault: engine.vault, credential })

    expect(await readExpiries(engine, signal)).toBe(2)

    expect((await listConnectionViews(test.db)).map((view) => [view.name, view.expiryProblem === null])).toEqual([
      ['other', true],
      [world.source, false],
    ])
  })
})

// What administrators are told of, and how often.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { aSyncWorld, type SyncWorld, type SyncWorldOptions } from '../../test/support/world.ts'
import type { AlertFacts } from '../alerts/alert.ts'
import { systemClock } from '../base/clock.ts'
import { createMovableClock, type MovableClock } from '../emulator/clock.ts'
import { hire, remove, update } from '../emulator/operations.ts'
import { raiseDue } from './alerting.ts'
import { approveRun } from './approve.ts'
import { runIfDue } from './due.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR

let test: TestDatabase
let clock: MovableClock
const worlds: SyncWorld[] = []
beforeAll(async () => {
  test = await createTestDatabase()
})
afterAll(() => test.drop())
beforeEach(async () => {
  await test.empty()
  clock = createMovableClock(systemClock)
})
afterEach(async () => {
  for (const world of worlds.splice(0)) await world.stop()
})

async function world(options: SyncWorldOptions = {}): Promise<SyncWorld> {
  const made = await aSyncWorld(test.db, { clock, ...options })
  worlds.push(made)
  return made
}

async function alerts(): Promise<readonly AlertFacts[]> {
  const found = await test.db.query<{ facts: AlertFacts }>('select facts from alerts order by id')
  return found.rows.map((row) => row.facts)
}

const kinds = async () => (await alerts()).map((facts) => facts.kind)
const setApp = (w: SyncWorld, isEnabled: boolean) => w.emulator.setEnabled(w.hosted.app, isEnabled)
const due = (silenceHours = 24) => raiseDue(test.db, { now: clock.now(), silenceHours })

describe('a held plan', () => {
  const fire = (w: SyncWorld, count: number) => {
    const leavers = [...w.tenant.live('user')].filter((u) => u.properties['accountEnabled'] !== false).slice(0, count)
    for (const user of leavers) remove(w.tenant, user.id)
  }

  it('is told with its run, hash and reasons; the same plan is told once, by hand and by schedule', async () => {
    const w = await world({ users: 60 })
    await w.sync()
    fire(w, 20)

    const held = await w.sync()
    const again = await w.sync()
    await runIfDue(w.engine, {
      source: w.source,
      mode: 'full',
      wait: false,
      signal: new AbortController().signal,
      onProgress: () => {},
    })

    expect(held).toMatchObject({ outcome: 'held', planHash: again.planHash })
    expect(await alerts()).toEqual([
      {
        kind: 'held',
        source: w.source,
        run: Number(held.run),
        planHash: held.planHash,
        reasons: held.held!.reasons,
        approveBy: held.held!.approveBy,
      },
    ])
  })

  it('that is another one is told again', async () => {
    const w = await world({ users: 60 })
    await w.sync()
    fire(w, 20)
    await w.sync()
    fire(w, 1)

    await w.sync()

    expect(await kinds()).toEqual(['held', 'held'])
  })

  it('that was only shown is told to nobody', async () => {
    const w = await world({ users: 60 })
    await w.sync()
    fire(w, 20)

    await w.sync({ kind: 'plan' })

    expect(await alerts()).toEqual([])
  })

  it('of which no plan is made is told by nothing at all: an approved one ends quietly', async () => {
    const w = await world({ users: 60 })
    await w.sync()
    fire(w, 20)
    const held = await w.sync()

    const approved = await approveRun(w.engine, {
      run: Number(held.run),
      hash: held.planHash!,
      reason: 'they left',
      actor: { kind: 'command line', name: 'test' } as const,
      signal: new AbortController().signal,
      onProgress: () => {},
    })

    expect(approved.outcome).toBe('applied')
    expect(await kinds()).toEqual(['held'])
  })
})

describe('a failing source', () => {
  it('is told at its first failure, when it fails of something else, and when it is quarantined', async () => {
    const w = await world({ users: 3 })
    await w.sync()
    w.emulator.faults.add({ kind: 'throttled', retryAfter: 7200, path: '/users/delta', count: 2 })
    await w.sync()
    await w.sync()
    expect(await kinds()).toEqual(['failed'])
    setApp(w, false)
    await w.sync()
    expect(await kinds()).toEqual(['failed', 'failed'])
    await w.sync()
    await w.sync()

    expect(await alerts()).toMatchObject([
      { kind: 'failed', code: 'throttled-too-long', failures: 1, source: w.source },
      { kind: 'failed', code: 'auth-failed', failures: 3 },
      { kind: 'quarantined', code: 'auth-failed', failures: 4, remedy: 'Enable it under Enterprise applications.' },
    ])
  })

  it('that recovered and fails again is told again', async () => {
    const w = await world({ users: 3 })
    for (const isEnabled of [false, true, false, true]) {
      setApp(w, isEnabled)
      clock.advance(HOUR)
      await w.sync()
    }

    expect(await kinds()).toEqual(['failed', 'failed'])
  })

  it('whose failure showed first in a preview is told of by its next run', async () => {
    const w = await world({ users: 3 })
    setApp(w, false)

    await w.sync({ kind: 'plan' })
    expect(await kinds()).toEqual([])
    await w.sync()
    await w.sync()

    expect(await kinds()).toEqual(['quarantined'])
  })

  it('E18: tells no name, address or card of anybody', async () => {
    const w = await world({ settings: { users: { properties: { cards: ['employeeId'] } } } })
    const people = Array.from({ length: 30 }, (_, i) =>
      hire(w.tenant, {
        userPrincipalName: `canary${i}@contoso.com`,
        displayName: `Zoë Canary ${i}`,
        mail: `canary${i}@contoso.com`,
        employeeId: `990011${i}`,
      }),
    )
    await w.sync()
    for (const person of people)
      update(w.tenant, person.id, { employeeId: `8800${person.id.slice(0, 6)}`, displayName: 'Changed Canary' })
    expect(await w.sync()).toMatchObject({ outcome: 'held' })
    for (const person of people.slice(0, 20)) remove(w.tenant, person.id)
    await w.sync()
    setApp(w, false)
    await w.sync()
    await w.sync()

    const told = JSON.stringify(await alerts())
    expect(await kinds()).toEqual(['held', 'held', 'failed', 'quarantined'])
    expect(told).not.toMatch(/canary|zoë|9900|8800|@/i)
  })
})

describe('silence', () => {
  it('is told once for each time, of sources that are on', async () => {
    const w = await world({ users: 3 })
    const off = await world({ users: 3, seed: 2 })
    await test.db.query('update sources set enabled = false where name = $1', [off.source])
    await w.sync()
    await due()
    clock.advance(25 * HOUR)
    await due()
    await due()
    expect(await alerts()).toMatchObject([{ kind: 'silent', source: w.source, hours: 25 }])
    await w.sync()
    clock.advance(23 * HOUR)
    await due()
    expect(await kinds()).toEqual(['silent'])
    clock.advance(2 * HOUR)
    await due()

    expect(await kinds()).toEqual(['silent', 'silent'])
  })

  it('is told of a source that never succeeded, and not ended by a preview', async () => {
    const w = await world({ users: 3 })
    clock.advance(7 * HOUR)
    await w.sync({ kind: 'plan' })

    await due(6)

    expect(await alerts()).toMatchObject([{ kind: 'silent', lastSuccessAt: null }])
  })
})

describe('a certificate that ends', () => {
  async function certificate(days: number, { works = false, kind = 'certificate' } = {}): Promise<void> {
    await test.db.query(
      `insert into connection_credentials (connection_id, kind, sealed, fingerprint, thumbprint, expires_at, worked_at)
       select id, $3, '\\x00', '\\x00', case when $3 = 'certificate' then 'AB' || $1::int end, $2, $4 from connections limit 1`,
      [days, new Date(clock.now().getTime() + days * DAY + HOUR), kind, works ? clock.now() : null],
    )
  }

  it('O1: a client secret is told in the same way, and again where another day becomes known', async () => {
    await world()
    await certificate(10, { kind: 'secret' })
    await due(8760)
    await due(8760)
    await test.db.query('update connection_credentials set expires_at = $1', [
      new Date(clock.now().getTime() + 5 * DAY + HOUR),
    ])
    await due(8760)

    expect(await alerts()).toMatchObject([
      { kind: 'expiring', days: 10, thumbprint: null },
      { kind: 'expiring', days: 5, thumbprint: null },
    ])
  })

  it('O2: is told as long as the one beside it was never taken by Microsoft', async () => {
    await world()
    await certificate(5)
    await certificate(400)

    await due(8760)

    expect(await alerts()).toMatchObject([{ kind: 'expiring', days: 5 }])
  })

  it('is told 60, 30, 14, 7 and 1 days before, once each', async () => {
    await world()
    await certificate(70)
    for (let day = 0; day <= 75; day += 1) {
      await due(8760)
      await due(8760)
      clock.advance(DAY)
    }

    expect(await alerts()).toMatchObject(
      [60, 30, 14, 7, 1].map((days) => ({ kind: 'expiring', days, thumbprint: 'AB70' })),
    )
  })

  it('is told once when it is noticed late', async () => {
    await world()
    await certificate(5)

    await due(8760)

    expect(await alerts()).toMatchObject([{ kind: 'expiring', days: 5 }])
  })

  it('is told to nobody when a later one stands beside it', async () => {
    await world()
    await certificate(5)
    await certificate(400, { works: true })

    await due(8760)

    expect(await alerts()).toEqual([])
  })
})

describe('the token of a terminal that ends', () => {
  const terminals = (days: number, ...names: readonly string[]) =>
    endingAt(clock.now().getTime() + days * DAY + HOUR, ...names)

  async function endingAt(at: number, ...names: readonly string[]): Promise<void> {
    await test.db.query(
      `insert into terminals (name, name_key, digest, prefix, may, tells, unknown_card, created_by, created_at, expires_at, maker_kind)
       select name, name, name::bytea, 'mtt_', '{card}', '{}', 'refuse', 'Ann', $2, $3, 'command line' from unnest($1::text[]) as n (name)`,
      [names, clock.now(), new Date(at)],
    )
  }

  it('is told 30, 14, 7 and 1 days before, once each, and all of a day together', async () => {
    await terminals(32, 'door', 'desk')
    await terminals(400, 'later')
    let today = 0
    for (const day of [1, 2, 3, 18, 19, 25, 31, 33]) {
      clock.advance((day - today) * DAY)
      today = day
      await due(8760)
      await due(8760)
    }

    expect(await alerts()).toMatchObject(
      [30, 14, 7, 1].map((days) => ({ kind: 'terminals', days, count: 2, terminals: ['desk', 'door'] })),
    )
  })

  it('is told to nobody once it is revoked or has another one, and once where it has ended just now', async () => {
    await terminals(-2, 'ended')
    await terminals(-9, 'long ago')
    await terminals(5, 'revoked', 'renewed')
    await test.db.query(`update terminals set revoked_at = now() where name = 'revoked'`)
    await test.db.query(`update terminals set expires_at = expires_at + interval '1 year' where name = 'renewed'`)
    await due(8760)
    clock.advance(DAY)
    await due(8760)

    expect(await alerts()).toMatchObject([{ kind: 'terminals', days: -2, count: 1, terminals: ['ended'] }])
  })

  it('is not told to have ended before the last of its day has', async () => {
    const midnight = Math.ceil(clock.now().getTime() / DAY) * DAY
    await endingAt(midnight + 2 * HOUR, 'early')
    await endingAt(midnight + 20 * HOUR, 'late')
    clock.advance(midnight + 12 * HOUR - clock.now().getTime())
    await due(8760)

    expect(await alerts()).toMatchObject([{ kind: 'terminals', days: 0, count: 2, terminals: ['early', 'late'] }])
  })

  it('is told to have ended for as long as the last of its day did within a week', async () => {
    const midnight = Math.ceil(clock.now().getTime() / DAY) * DAY
    await endingAt(midnight + 2 * HOUR, 'early')
    await endingAt(midnight + 20 * HOUR, 'late')
    clock.advance(midnight + 7 * DAY + 12 * HOUR - clock.now().getTime())
    await due(8760)

    expect(await alerts()).toMatchObject([{ kind: 'terminals', days: -7, count: 2 }])
  })
})

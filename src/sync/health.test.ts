// How sources are told to be failing: what counts, what they are called then, when schedules try again.
import * as fc from 'fast-check'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { aSyncWorld, type SyncWorld, type SyncWorldOptions } from '../../test/support/world.ts'
import { systemClock } from '../base/clock.ts'
import { createMovableClock, type MovableClock } from '../emulator/clock.ts'
import { hire, setManager } from '../emulator/operations.ts'
import { GraphError, TokenError } from '../graph/errors.ts'
import { getHealth, listHealth, type SourceHealth } from '../registry/health.ts'
import { requireSource } from '../registry/sources.ts'
import { askDue, runIfDue } from './due.ts'
import { pauseMs } from './pauses.ts'
import { type Ending, nextHealth, type Trouble, troubleOf } from './trouble.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE

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

async function healthOf(w: SyncWorld): Promise<SourceHealth | undefined> {
  return getHealth(test.db, (await requireSource(test.db, w.source)).id)
}

const scheduled = (w: SyncWorld) =>
  runIfDue(w.engine, {
    source: w.source,
    mode: 'auto',
    wait: false,
    signal: new AbortController().signal,
    onProgress: () => {},
  })

const setApp = (w: SyncWorld, isEnabled: boolean) => w.emulator.setEnabled(w.hosted.app, isEnabled)

describe('a source that fails', () => {
  it('O1: is degraded, then quarantined with reason and remedy; a success makes it healthy again', async () => {
    const w = await world({ users: 3 })
    await w.sync()
    expect(await healthOf(w)).toMatchObject({ state: 'healthy', failures: 0, code: null, nextTryAt: null })
    const lastSuccessAt = (await healthOf(w))!.lastSuccessAt!
    setApp(w, false)

    await w.sync()
    const first = (await healthOf(w))!
    clock.advance(HOUR)
    await w.sync()
    const second = (await healthOf(w))!
    setApp(w, true)
    await w.sync()

    expect(first).toMatchObject({
      state: 'degraded',
      failures: 1,
      code: 'auth-failed',
      remedy: 'Enable it under Enterprise applications.',
    })
    expect(first.reason).toMatch(/disabled/)
    expect(first.reason).not.toContain('Enterprise applications')
    expect(second).toMatchObject({ state: 'quarantined', failures: 2, failingSince: first.failingSince, lastSuccessAt })
    expect(second.since.getTime()).toBeGreaterThan(first.since.getTime())
    expect(await healthOf(w)).toMatchObject({ state: 'healthy', failures: 0, failingSince: null, nextTryAt: null })
    expect((await healthOf(w))!.lastSuccessAt!.getTime()).toBeGreaterThan(lastSuccessAt.getTime())
  })

  it('is not run by its schedule before its time, and by hand at any time', async () => {
    const w = await world({ users: 3 })
    await w.sync()
    expect(await scheduled(w)).toMatchObject({ kind: 'ran', document: { outcome: 'no-change' } })
    setApp(w, false)
    expect(await scheduled(w)).toMatchObject({ kind: 'ran', document: { outcome: 'failed' } })

    const refused = await scheduled(w)
    clock.advance(11 * MINUTE)
    const stillRefused = await scheduled(w)
    expect(await w.sync()).toMatchObject({ outcome: 'failed' })
    clock.advance(16 * MINUTE)
    const afterTwo = await scheduled(w)
    setApp(w, true)
    expect(await w.sync()).toMatchObject({ outcome: 'no-change' })
    const healed = await scheduled(w)

    expect(refused).toMatchObject({
      kind: 'backing-off',
      state: 'degraded',
      reason: expect.stringContaining('disabled'),
    })
    expect(stillRefused).toMatchObject({ kind: 'backing-off' })
    // The second failure doubled the pause: 16 minutes are not enough any more.
    expect(afterTwo).toMatchObject({ kind: 'backing-off', state: 'quarantined' })
    expect(healed).toMatchObject({ kind: 'ran', document: { outcome: 'no-change' } })
  })

  it('T2: that was asked for a long pause by Microsoft is not run by its schedule before that, and goes on where it stood', async () => {
    const w = await world({ users: 30 })
    w.emulator.faults.add({ kind: 'throttled', retryAfter: 3 * 3600, path: '/users', count: 1 })

    const failed = await w.sync()
    clock.advance(2 * HOUR + 55 * MINUTE)
    const early = await scheduled(w)
    clock.advance(6 * MINUTE)
    const later = await scheduled(w)

    expect(failed).toMatchObject({ outcome: 'failed', error: { code: 'throttled-too-long' } })
    expect(failed.error!.message).toMatch(/pause of 180 minutes, until \d{4}-\d\d-\d\d \d\d:\d\d UTC/)
    expect(early).toMatchObject({ kind: 'backing-off', state: 'degraded' })
    expect(later).toMatchObject({ kind: 'ran', document: { outcome: 'applied' } })
  })

  it('G21: one of three tenants throttled, before and while the others run at the same time, costs them no request', async () => {
    const [one, two, three] = [
      await world({ users: 60, groups: 6, memberships: 60, seed: 1 }),
      await world({ users: 60, groups: 6, memberships: 60, seed: 2 }),
      await world({ users: 60, groups: 6, memberships: 60, seed: 3 }),
    ] as const
    const alone = await three.sync()
    const fault = one.emulator.faults.add({ kind: 'throttled', retryAfter: 3600, after: 3 })

    const [throttled, other] = await Promise.all([one.sync(), two.sync()])
    const [still, same] = await Promise.all([one.sync(), three.sync({ mode: 'full' })])

    expect(throttled).toMatchObject({ outcome: 'failed', error: { code: 'throttled-too-long' } })
    expect(still).toMatchObject({ outcome: 'failed', error: { code: 'throttled-too-long' } })
    expect([alone.outcome, other.outcome, same.outcome]).toEqual(['applied', 'applied', 'no-change'])
    for (const { graph } of [other, same]) expect(graph).toMatchObject({ throttled: 0, retries: 0 })
    expect(other.users.read).toBe(60)
    expect(other.users.created).toBeGreaterThan(50)
    const states = Object.fromEntries((await listHealth(test.db)).map(({ source, health }) => [source, health?.state]))
    expect(states).toEqual({ [one.source]: 'degraded', [two.source]: 'healthy', [three.source]: 'healthy' })
    expect(await askDue(one.engine, one.source)).toMatchObject({ kind: 'backing-off' })
    expect(await askDue(two.engine, two.source)).toEqual({ kind: 'due' })
    expect(await askDue(three.engine, three.source)).toEqual({ kind: 'due' })

    fault.remove()
    clock.advance(2 * HOUR)
    const recovered = await one.sync()
    expect(recovered.outcome).toBe('applied')
    expect(recovered.users.created).toBeGreaterThan(50)
    expect((await healthOf(one))?.state).toBe('healthy')
  })

  it('G12 O11: that lost its permission is quarantined by the second refusal, and told where to consent', async () => {
    const w = await world({ users: 3 })
    await w.sync()
    w.emulator.withdrawRoles(w.hosted.app, ['User.Read.All', 'GroupMember.Read.All'])

    await w.sync()
    await w.sync()

    const health = (await healthOf(w))!
    expect(health).toMatchObject({ state: 'quarantined', failures: 2 })
    expect(health.remedy).toContain(`/${w.hosted.tenantId}/adminconsent?client_id=${w.hosted.clientId}`)
  })

  it('E1: by losing its process is degraded by whoever takes it over', async () => {
    const w = await world({ users: 3 })
    const { id } = await requireSource(test.db, w.source)
    await test.db.query(
      `insert into runs (source_id, source_name, kind, mode, trigger, fence, host, pid, process_started, settings_version, heartbeat_at)
       values ($1, $2, 'sync', 'full', 'manual', 0, 'elsewhere', 1, 'x', 1, now() - interval '1 hour')`,
      [id, w.source],
    )
    setApp(w, false)

    await w.sync()

    // The interruption and then the run that took over.
    expect(await healthOf(w)).toMatchObject({ state: 'degraded', failures: 2, code: 'auth-failed' })
  })

  it("D20: missing references are nobody's failure", async () => {
    const w = await world()
    const [user, manager] = [
      hire(w.tenant, { userPrincipalName: 'a@contoso.com' }),
      hire(w.tenant, { userPrincipalName: 'b@contoso.com', accountEnabled: false }),
    ]
    setManager(w.tenant, user.id, manager.id)

    await w.sync()

    expect(await healthOf(w)).toMatchObject({ state: 'healthy' })
  })

  it('is not cured by reading one user on demand, nor made worse by one who is not there', async () => {
    const w = await world({ users: 3 })
    await w.sync()
    w.emulator.faults.add({ kind: 'throttled', retryAfter: 7200, path: '/users/delta', count: 1 })
    await w.sync()
    const before = await healthOf(w)
    const [user] = [...w.tenant.live('user')]

    expect(await w.sync({ user: user!.id })).toMatchObject({ error: null })
    expect(await w.sync({ user: 'nobody@contoso.com' })).toMatchObject({ outcome: 'failed' })

    expect(before).toMatchObject({ state: 'degraded', failures: 1 })
    expect(await healthOf(w)).toEqual(before)
  })

  it('that is disabled is told so, not run', async () => {
    const w = await world()
    await test.db.query('update sources set enabled = false where name = $1', [w.source])

    expect(await scheduled(w)).toEqual({ kind: 'disabled' })
  })
})

describe('a run that Graph forbids', () => {
  const leavers = {
    users: { filter: { any: [{ all: [{ attribute: 'employeeLeaveDateTime', absent: true as const }] }] } },
  }

  it('L3: names the permission that lacks and what needs it, in its error and its health', async () => {
    const w = await world({ users: 3, settings: leavers })
    w.emulator.withdrawRoles(w.hosted.app, ['User-LifeCycleInfo.Read.All'])

    const { outcome, error } = await w.sync()

    expect(outcome).toBe('failed')
    expect(error).toMatchObject({
      code: 'forbidden',
      message: expect.stringMatching(
        new RegExp(
          `Missing: User-LifeCycleInfo.Read.All \\(${w.source} uses employeeLeaveDateTime \\(users.filter\\)\\)$`,
        ),
      ),
    })
    expect((await healthOf(w))!.reason).toBe(error!.message)
    w.emulator.grantRoles(w.hosted.app, ['User-LifeCycleInfo.Read.All'])
    expect(await w.sync()).toMatchObject({ outcome: 'applied', error: null })
  })

  it('names every one that lacks, and none where all are there', async () => {
    const w = await world({ users: 3, settings: leavers })
    w.emulator.grantRoles(w.hosted.app, ['User-LifeCycleInfo.Read.All'])
    const forbidden = w.emulator.faults.add({ kind: 'forbidden', path: /^\/users\/delta/, count: 1 })
    const passing = await w.sync()
    forbidden.remove()
    w.emulator.withdrawRoles(w.hosted.app, ['User.Read.All', 'GroupMember.Read.All', 'User-LifeCycleInfo.Read.All'])
    const none = await w.sync()

    expect(passing.error).toMatchObject({ code: 'forbidden', message: expect.not.stringContaining('Missing') })
    expect(none.error!.message).toMatch(/Missing: User\.Read\.All .*, GroupMember\.Read\.All .*, User-LifeCycleInfo/)
  })
})

describe('what a failure means', () => {
  const place = {
    connection: 'contoso',
    authorityUrl: 'https://login.example',
    tenantId: 't',
    clientId: 'c',
    back: () => undefined,
  }
  const error = (code: string) => ({ code, message: `it met ${code}`, requestId: null })

  it.each(['fence-lost', 'settings-changed', 'lapsed', 'hash-mismatch'])("%s is not the source's", (code) => {
    expect(troubleOf({ error: error(code) }, place)).toBeUndefined()
  })

  it.each([
    ['auth-failed', true],
    ['forbidden', true],
    ['attributes-unreadable', true],
    ['tenant-mismatch', true],
    ['throttled', false],
    ['unreachable', false],
    ['internal', false],
    ['a-code-of-tomorrow', false],
  ])('%s is a refusal: %s; always with a remedy', (code, isRefusal) => {
    const trouble = troubleOf({ error: error(code) }, place)!

    expect(trouble).toMatchObject({ code, isRefusal })
    expect(trouble.remedy.length).toBeGreaterThan(20)
  })

  it('a passing fault of the token service is no refusal', () => {
    const cause = new TokenError('auth-failed', 'A passing fault. Try again later.', {
      remedy: 'Try again later.',
      retry: 'later',
    })

    expect(troubleOf({ error: error('auth-failed'), cause }, place)).toMatchObject({ isRefusal: false })
  })

  it('E18: what a bug says stays out of it, for it may quote what was worked on', () => {
    const trouble = troubleOf({ error: { code: 'internal', message: 'bad value "Zoë 4711"', requestId: null } }, place)!

    expect(JSON.stringify(trouble)).not.toContain('4711')
  })

  it('the time that Microsoft asked for is kept', () => {
    const cause = new GraphError('throttled-too-long', 'x', { retry: 'later', retryAfterMs: 7 * HOUR })

    expect(troubleOf({ error: error('throttled-too-long'), cause }, place)).toMatchObject({ retryAfterMs: 7 * HOUR })
  })
})

describe('pauses', () => {
  it('begin at 15 minutes, double, and stay at a day; jitter takes at most a fifth', () => {
    const full = (n: number) => pauseMs(n, { random: () => 1 }) / MINUTE
    const least = (n: number) => pauseMs(n, { random: () => 0 }) / MINUTE

    expect([1, 2, 3, 4, 5, 6, 7, 8, 50].map(full)).toEqual([15, 30, 60, 120, 240, 480, 960, 1440, 1440])
    expect([1, 8].map(least)).toEqual([12, 1152])
  })

  it('are never shorter than Microsoft asked for, and end in a date whatever it asked for', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2_000 }), fc.double({ min: 0, noNaN: true }), (failures, wishedMs) => {
        const ms = pauseMs(failures, { random: () => 0.5, wishedMs })

        expect(ms).toBeGreaterThanOrEqual(Math.min(wishedMs, 30 * 24 * HOUR))
        expect(Number.isNaN(new Date(Date.parse('2026-11-02T08:00:00Z') + ms).getTime())).toBe(false)
      }),
    )
  })
})

describe('a history of ends', () => {
  const trouble = (isRefusal: boolean): Trouble => ({
    code: 'x',
    reason: 'r',
    remedy: 'm',
    isRefusal,
    retryAfterMs: undefined,
  })
  const kinds: Readonly<Record<string, Ending>> = {
    ok: { outcome: 'no-change', isPreview: false, hasRead: true, trouble: undefined, doubt: undefined },
    held: { outcome: 'held', isPreview: false, hasRead: true, trouble: undefined, doubt: undefined },
    doubt: {
      outcome: 'applied',
      isPreview: false,
      hasRead: true,
      trouble: undefined,
      doubt: { code: 'listing-incomplete', message: 'd' },
    },
    preview: { outcome: 'planned', isPreview: true, hasRead: true, trouble: undefined, doubt: undefined },
    cancel: { outcome: 'cancelled', isPreview: false, hasRead: true, trouble: undefined, doubt: undefined },
    fail: { outcome: 'failed', isPreview: false, hasRead: true, trouble: trouble(false), doubt: undefined },
    refuse: { outcome: 'failed', isPreview: false, hasRead: true, trouble: trouble(true), doubt: undefined },
    ours: { outcome: 'failed', isPreview: false, hasRead: true, trouble: undefined, doubt: undefined },
  }
  function after(history: readonly string[]): SourceHealth | undefined {
    let health: SourceHealth | undefined
    let now = Date.parse('2026-11-02T08:00:00Z')
    for (const name of history) {
      now += HOUR
      health = nextHealth(health, kinds[name]!, { now: new Date(now), random: () => 1 }) ?? health
    }
    return health
  }

  it.each([
    [['fail'], 'degraded'],
    [['fail', 'fail', 'fail', 'fail', 'fail'], 'degraded'],
    [['fail', 'fail', 'fail', 'fail', 'fail', 'fail'], 'quarantined'],
    [['refuse'], 'degraded'],
    [['refuse', 'refuse'], 'quarantined'],
    [['refuse', 'fail', 'refuse'], 'degraded'],
    [['refuse', 'refuse', 'fail'], 'quarantined'],
    [['refuse', 'refuse', 'cancel', 'ours'], 'quarantined'],
    [['refuse', 'refuse', 'held'], 'healthy'],
    [['refuse', 'refuse', 'preview'], 'healthy'],
    [['refuse', 'ok', 'refuse'], 'degraded'],
    [['doubt'], 'degraded'],
    [['doubt', 'ok'], 'healthy'],
  ])('%s ends %s', (history, state) => {
    expect(after(history)!.state).toBe(state)
  })

  it('an approval that had nothing to ask of Graph brings up to date, and cures nothing', () => {
    const quarantined = after(['refuse', 'refuse'])!
    const ending: Ending = { ...kinds['ok']!, hasRead: false }

    const next = nextHealth(quarantined, ending, { now: new Date('2026-11-03T08:00:00Z'), random: () => 1 })

    expect(next).toEqual({ ...quarantined, lastSuccessAt: new Date('2026-11-03T08:00:00Z') })
  })

  it('a doubt keeps no schedule waiting; held and previewed bring nothing up to date', () => {
    expect(after(['doubt'])).toMatchObject({ nextTryAt: null, failures: 0, code: 'listing-incomplete' })
    expect(after(['held', 'preview'])!.lastSuccessAt).toBeNull()
    expect(after(['ok', 'fail'])!.lastSuccessAt).not.toBeNull()
  })

  it('counts exactly the failures since the last run that could read, and always has a reason and a remedy then', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...Object.keys(kinds)), { maxLength: 30 }), (history) => {
        const health = after(history)
        const told = history.filter((name) => name !== 'cancel' && name !== 'ours')
        const good = told.findLastIndex((name) => !['fail', 'refuse'].includes(name))
        const failures = told.length - 1 - good

        expect(health?.failures ?? 0).toBe(failures)
        expect((health?.nextTryAt ?? null) !== null).toBe(failures > 0)
        if (failures > 0) expect(health).toMatchObject({ reason: 'r', remedy: 'm' })
        if (failures >= 6) expect(health!.state).toBe('quarantined')
        if (failures === 0 && health !== undefined) expect(health.state).not.toBe('quarantined')
      }),
    )
  })
})

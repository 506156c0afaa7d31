// What a run logs is stored with it: while it runs, whatever it ends with, and nothing about people.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { aSyncWorld, type SyncWorld, type SyncWorldOptions } from '../../test/support/world.ts'
import { systemClock } from '../base/clock.ts'
import { silentLog } from '../base/log.ts'
import type { RunLogLine } from '../contract/run-log.ts'
import { hire, remove } from '../emulator/operations.ts'
import { removeOldHistory } from '../registry/retention.ts'
import { listRunLog } from '../registry/run-log.ts'
import { emptyDocument } from './document.ts'
import { createRunLog } from './run-log.ts'

let test: TestDatabase
const worlds: SyncWorld[] = []
beforeAll(async () => {
  test = await createTestDatabase()
})
afterAll(() => test.drop())
beforeEach(() => test.empty())
afterEach(async () => {
  for (const world of worlds.splice(0)) await world.stop()
})

async function world(options: SyncWorldOptions = {}): Promise<SyncWorld> {
  const made = await aSyncWorld(test.db, options)
  worlds.push(made)
  return made
}

const logOf = (run: string): Promise<readonly RunLogLine[]> =>
  listRunLog(test.db, Number(run), { after: 0, limit: 20_000 })

describe('the log of a run', () => {
  it('tells its phases, counts, retries, pauses, and its end, numbered without gaps', async () => {
    const w = await world({ users: 30, groups: 3, memberships: 20 })
    w.emulator.faults.add({ kind: 'throttled', retryAfter: 1, path: '/groups', count: 1 })
    w.emulator.faults.add({ kind: 'status', status: 503, path: '/users', count: 1 })

    const { run, users } = await w.sync()

    const lines = await logOf(run)
    expect(lines.map((line) => line.seq)).toEqual(lines.map((_, i) => i + 1))
    expect(lines[0]).toMatchObject({ level: 'info', message: 'run begins', fields: { runId: run, what: 'sync, full' } })
    expect(lines.at(-1)).toMatchObject({ message: 'run ended', fields: { outcome: 'applied' } })
    const phases = lines.filter((line) => line.message === 'phase begins').map((line) => line.fields['phase'])
    expect(phases).toEqual(expect.arrayContaining(['users', 'memberships', 'changes', 'planning', 'applying']))
    expect(new Set(phases).size).toBe(phases.length)
    expect(lines).toContainEqual(
      expect.objectContaining({ message: 'Graph asks for a pause', fields: { status: 429, ms: 1000 } }),
    )
    expect(lines.filter((line) => line.message === 'request is tried again')).toHaveLength(2)
    expect(lines).toContainEqual(
      expect.objectContaining({ message: 'planned', fields: { what: 'users created', count: users.created } }),
    )
  })

  it('tells why a plan was held, and what a failed run failed of', async () => {
    const w = await world({ users: 40 })
    await w.sync()
    for (const user of [...w.tenant.live('user')].slice(0, 20)) remove(w.tenant, user.id)
    const held = await w.sync()
    w.emulator.setEnabled(w.hosted.app, false)
    const failed = await w.sync()

    const [reason] = held.held!.reasons
    expect(await logOf(held.run)).toContainEqual(
      expect.objectContaining({
        level: 'info',
        message: 'held',
        fields: { what: reason!.rule, count: reason!.count, limit: reason!.limit },
      }),
    )
    expect((await logOf(failed.run)).at(-1)).toMatchObject({
      level: 'error',
      message: 'run ended',
      fields: { outcome: 'failed', code: 'auth-failed' },
    })
  })

  it('goes after 90 days, and the run stays', async () => {
    const w = await world({ users: 3 })
    const [old, young] = [await w.sync(), await w.sync()]
    await test.db.query(`update runs set ended_at = now() - interval '91 days' where id = $1`, [Number(old.run)])

    await removeOldHistory(test.db, { now: systemClock.now(), historyDays: 365 })

    expect(await logOf(old.run)).toEqual([])
    expect((await logOf(young.run)).length).toBeGreaterThan(3)
    expect((await test.db.query('select from runs')).rowCount).toBe(2)
  })

  it('is stored while the run goes on', async () => {
    const w = await world({ users: 5 })
    w.emulator.faults.add({ kind: 'latency', ms: 2_500, path: '/users', count: 1 })
    const running = w.sync()
    let seen: readonly unknown[] = []
    while (seen.length === 0) {
      await systemClock.sleep(50)
      const found = await test.db.query(
        `select l.message from run_log l join runs r on r.id = l.run_id where r.state = 'running'`,
      )
      seen = found.rows
    }

    expect(await running).toMatchObject({ outcome: 'applied' })
    expect(seen).toContainEqual({ message: 'run begins' })
  })

  it('E18: names nobody', async () => {
    const w = await world({ settings: { users: { properties: { cards: ['employeeId'] } } } })
    for (let i = 0; i < 3; i += 1)
      hire(w.tenant, { userPrincipalName: `canary${i}@contoso.com`, displayName: `Zoë Canary`, employeeId: '990011' })
    const first = await w.sync()
    w.emulator.faults.add({ kind: 'malformed-json', path: '/users/delta' })
    const second = await w.sync()

    expect(first.issuesTotal).toBeGreaterThan(0)
    const told = JSON.stringify([await logOf(first.run), await logOf(second.run)])
    expect(told).toContain('card-conflict')
    expect(told).not.toMatch(/canary|zoë|990011|@/i)
  })

  it('E18: takes no field that is not known to be harmless, whatever it is given', () => {
    const log = createRunLog(silentLog, systemClock)

    const careless = { code: 'kept', userPrincipalName: 'ada@contoso.com', token: 'secret' }
    log.info('x', careless)

    expect(log.pending()[0]!.fields).toEqual({ code: 'kept' })
  })

  it('is cut after 10,000 lines and says so, but never loses its end', () => {
    const log = createRunLog(silentLog, systemClock)
    for (let i = 0; i < 12_000; i += 1) log.debug('again', { attempt: i })

    const lines = log.pending()
    const last = log.lastLine({ ...emptyDocument(1, 's', 'full'), outcome: 'applied' })
    expect(lines).toHaveLength(10_000)
    expect(lines.at(-1)).toMatchObject({ level: 'warn', message: 'the log is cut here; only its end follows' })
    expect(last).toMatchObject({
      seq: 10_001,
      fields: { outcome: 'applied', what: 'Graph requests; 2001 lines of the log were left out' },
    })
  })
})

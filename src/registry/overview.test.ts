import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { placeUser } from '../../test/support/registry.ts'
import { listPeopleOnDays, notePeopleToday } from './overview.ts'

const NOW = new Date('2026-11-30T12:00:00Z')

let test: TestDatabase
beforeAll(async () => {
  test = await createTestDatabase()
  for (let n = 0; n < 10; n += 1) await placeUser(test.db, { userName: `user${n}` })
  await placeUser(test.db, { userName: 'gone', active: false })
  const run = (kind: string, at: string, outcome: string, users: object) =>
    test.db.query(
      `insert into runs (source_name, kind, mode, trigger, state, outcome, fence, host, pid, process_started, settings_version, ended_at, summary)
       values ('staff', $1, 'delta', 'manual', 'ended', $3, 1, 'h', 1, 'p', 1, $2, $4)`,
      [kind, at, outcome, JSON.stringify({ users })],
    )
  await run('sync', '2026-11-20T23:59:59Z', 'applied', { created: 8 })
  await run('sync', '2026-11-22T00:00:00Z', 'applied', { created: 4, updated: 7, deactivated: 1 })
  await run('plan', '2026-11-23T08:00:00Z', 'planned', { created: 500 })
  await run('sync', '2026-11-23T08:00:00Z', 'held', { deactivated: 9 })
  // Takes back that one was created.
  await run('revert', '2026-11-24T08:00:00Z', 'applied', { deleted: 1 })
})
afterAll(() => test.drop())

describe('people over time', () => {
  it('of days before a server ran are told by what runs have changed since', async () => {
    await notePeopleToday(test.db, NOW)

    expect(await listPeopleOnDays(test.db, NOW)).toEqual([
      { day: '2026-11-20', active: 8 },
      { day: '2026-11-21', active: 8 },
      { day: '2026-11-22', active: 11 },
      { day: '2026-11-23', active: 11 },
      ...['24', '25', '26', '27', '28', '29', '30'].map((day) => ({ day: `2026-11-${day}`, active: 10 })),
    ])
  })

  it('of a new installation begin today', async () => {
    const empty = await createTestDatabase()
    await notePeopleToday(empty.db, NOW)
    const days = await listPeopleOnDays(empty.db, NOW)
    await empty.drop()

    expect(days).toEqual([{ day: '2026-11-30', active: 0 }])
  })

  it('that were noted stay as they were noted', async () => {
    await test.db.query(`update people_days set active = 77 where day = '2026-11-21'`)
    await test.db.query(`delete from people_days where day in ('2026-11-26', '2026-11-30')`)
    await placeUser(test.db, { userName: 'new' })
    await notePeopleToday(test.db, NOW)
    const days = new Map((await listPeopleOnDays(test.db, NOW)).map(({ day, active }) => [day, active]))

    expect(days.get('2026-11-21')).toBe(77)
    expect(days.get('2026-11-30')).toBe(11)
    // One whom no run has brought was there all the time, as far as anybody can tell.
    expect(days.get('2026-11-26')).toBe(11)
  })

  it('are looked for in runs and audit once a day, not with every look', async () => {
    await test.db.query(`delete from people_days where day = '2026-11-25'`)
    await notePeopleToday(test.db, NOW)
    const missing = async (now: Date) => (await listPeopleOnDays(test.db, now)).every(({ day }) => day !== '2026-11-25')
    expect(await missing(NOW)).toBe(true)
    const tomorrow = new Date('2026-12-01T00:10:00Z')
    await notePeopleToday(test.db, tomorrow)

    expect(await missing(tomorrow)).toBe(false)
  })
})

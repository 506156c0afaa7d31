import { describe, expect, it } from 'vitest'
import { nextRun, scheduleProblems } from './schedules.ts'

const good = { timezone: 'Europe/Prague', schedule: { delta: '*/15 * * * *', full: '0 3 * * *' } }

describe('scheduleProblems', () => {
  it.each(['*/5 * * * *', '0 3 * * MON-FRI', '0,30 8-18 1 JAN *', '59 23 31 12 7'])('accepts %s', (delta) => {
    expect(scheduleProblems({ ...good, schedule: { delta, full: null } })).toEqual([])
  })

  it.each([
    ['61 * * * *', 'is not a cron expression'],
    ['* * * *', 'has 4 fields'],
    ['0 0 3 * * *', 'has 6 fields'],
    ['@daily', 'has 1 fields'],
    ['every hour', 'has 2 fields'],
    ['0 0 30 2 *', 'never comes due'],
    ['', 'fields'],
  ])('refuses %j', (full, reason) => {
    const problems = scheduleProblems({ ...good, schedule: { delta: null, full } })

    expect(problems).toEqual([{ at: 'schedule.full', message: expect.stringContaining(reason) }])
  })

  it('refuses a time zone that does not exist, beside everything else', () => {
    const problems = scheduleProblems({ timezone: 'Mars/Olympus', schedule: { delta: 'x', full: 'y' } })

    expect(problems.map((p) => p.at)).toEqual(['timezone', 'schedule.delta', 'schedule.full'])
  })
})

describe('when a schedule comes next', () => {
  const next = (schedule: { delta: string | null; full: string | null }, after: string, timezone = 'UTC') => {
    const now = new Date(after)
    const due = nextRun({ schedule, timezone }, { now, notBefore: null, through: { delta: now, full: now } })
    return due === null ? null : [due.at.toISOString(), due.mode]
  }
  const DEFAULT = { delta: '*/15 * * * *', full: '0 3 * * *' }

  it('is the earlier of the two, and full where both come at once', () => {
    expect(next(DEFAULT, '2026-11-23T02:31:00Z')).toEqual(['2026-11-23T02:45:00.000Z', 'delta'])
    expect(next(DEFAULT, '2026-11-23T02:45:00Z')).toEqual(['2026-11-23T03:00:00.000Z', 'full'])
    expect(next(DEFAULT, '2026-11-23T03:00:00Z')).toEqual(['2026-11-23T03:15:00.000Z', 'delta'])
  })

  it('is told in the time zone of the source', () => {
    expect(next({ delta: null, full: '0 3 * * *' }, '2026-11-23T00:00:00Z', 'Europe/Prague')).toEqual([
      '2026-11-23T02:00:00.000Z',
      'full',
    ])
  })

  it('is never where there is no schedule', () => {
    expect(next({ delta: null, full: null }, '2026-11-23T00:00:00Z')).toBeNull()
    expect(next({ delta: '5 * * * *', full: null }, '2026-11-23T00:00:00Z')?.[1]).toBe('delta')
  })

  const NIGHTLY: { delta: string | null; full: string } = { delta: null, full: '0 3 * * *' }

  it('is as soon as a source that backs off may try again, where something came due until then', () => {
    const backingOff = (notBefore: string, through = '2026-11-23T02:45:00Z', schedule: typeof NIGHTLY = DEFAULT) => {
      const done = { delta: new Date(through), full: new Date(through) }
      const now = new Date('2026-11-23T02:50:00Z')
      const due = nextRun({ schedule, timezone: 'UTC' }, { now, notBefore: new Date(notBefore), through: done })
      return due === null ? null : [due.at.toISOString(), due.mode]
    }

    // 03:00 waits until 03:07.
    expect(backingOff('2026-11-23T03:07:00Z')).toEqual(['2026-11-23T03:07:00.000Z', 'full'])
    // 02:45 was missed.
    expect(backingOff('2026-11-23T02:55:00Z', '2026-11-23T02:30:00Z')).toEqual(['2026-11-23T02:55:00.000Z', 'delta'])
    // Nothing is due before 03:00.
    expect(backingOff('2026-11-23T02:55:00Z')).toEqual(['2026-11-23T03:00:00.000Z', 'full'])
    expect(backingOff('2026-11-23T03:15:00Z', '2026-11-23T03:00:00Z', NIGHTLY)).toEqual([
      '2026-11-24T03:00:00.000Z',
      'full',
    ])
  })
})

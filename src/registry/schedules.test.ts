import { describe, expect, it } from 'vitest'
import { scheduleProblems } from './schedules.ts'

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

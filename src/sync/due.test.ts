// What happens to the missing as time goes by: days of grace, and deletion of those who stay away.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { aHandSource, anId, emptyRegistry, type HandSource, people } from '../../test/support/planned.ts'

let test: TestDatabase
beforeAll(async () => {
  test = await createTestDatabase()
})
afterAll(async () => {
  await test.drop()
})

const ANN = anId(1)
const START = Date.parse('2026-11-01T08:00:00Z')
const DAY = 86_400_000
const day = (n: number) => new Date(START + n * DAY)

beforeEach(async () => {
  await emptyRegistry(test.db)
})

async function items(source: HandSource, now: Date, everybody = false): Promise<string[]> {
  const made = await source.run({ now, everybody })
  const found = await test.db.query<{ item: string }>(
    `select object || ' ' || action || ' ' || reason as item from plan_items where run_id = $1 order by seq`,
    [made.runId],
  )
  return found.rows.map((row) => row.item)
}

async function loaded(options: Record<string, unknown>): Promise<HandSource> {
  const source = await aHandSource(test.db, {
    users: { options, properties: { cards: ['employeeId'] } },
  })
  await source.user(ANN, { userPrincipalName: 'ann@contoso.com', accountEnabled: true, employeeId: '77' })
  await source.run({ now: day(0) })
  return source
}

describe('option users.options.graceDays', () => {
  it('option users.options.graceDays: default: somebody missing is deactivated at once', async () => {
    const source = await loaded({})
    await source.user(ANN, {}, 's')
    expect(await items(source, day(1))).toEqual(['user deactivate soft-deleted'])
  })

  it('option users.options.graceDays: effect: listed as missing and frozen until the days are over, then deactivated by a delta that nothing else marked', async () => {
    const source = await loaded({ graceDays: 3 })
    await source.user(ANN, { employeeId: '78' }, 's')
    expect(await items(source, day(1))).toEqual(['user skip grace-period'])
    expect((await people(test.db))[ANN]).toMatchObject({ active: true, cards: ['card/77'] })
    expect(await items(source, day(3.9))).toEqual([])
    expect(await items(source, day(4))).toEqual(['user deactivate soft-deleted'])
    expect(await items(source, day(5))).toEqual([])
  })

  it('a plan that is only shown, or held, does not give the days anew', async () => {
    const source = await loaded({ graceDays: 3 })
    await source.user(ANN, {}, 's')
    await items(source, day(1))
    expect((await source.plan({ now: day(4) })).users.deactivated).toBe(1)
    expect((await source.plan({ now: day(4), everybody: true })).users.deactivated).toBe(1)
    expect(await items(source, day(4))).toEqual(['user deactivate soft-deleted'])
    expect((await test.db.query('select 1 from absences')).rows).toEqual([])
  })

  it('a plan that is only shown starts no days and ends none', async () => {
    const source = await loaded({ graceDays: 3 })
    await source.user(ANN, {}, 's')
    await source.plan({ now: day(1) })
    await source.plan({ now: day(1), everybody: true })
    expect(await items(source, day(4.5))).toEqual(['user skip grace-period'])

    await source.user(ANN, {}, 'l')
    await source.plan({ now: day(5) })
    await source.user(ANN, {}, 's')

    expect(await items(source, day(7.5))).toEqual(['user deactivate soft-deleted'])
  })

  it('days that were noted under another setting do not count later', async () => {
    const source = await loaded({ graceDays: 3 })
    await source.user(ANN, {}, 's')
    await items(source, day(1))
    await source.set({ users: { options: { graceDays: 0, deactivateMissingUsers: false } } })
    await items(source, day(2), true)
    await source.set({ users: { options: { graceDays: 3 } } })
    expect(await items(source, day(10), true)).toEqual(['user skip grace-period'])
  })

  it('back in time, nothing has happened; the days are counted anew the next time', async () => {
    const source = await loaded({ graceDays: 3 })
    await source.user(ANN, {}, 's')
    await items(source, day(1))
    await source.user(ANN, {}, 'l')
    expect(await items(source, day(2))).toEqual([])
    await source.user(ANN, {}, 's')
    expect(await items(source, day(3))).toEqual(['user skip grace-period'])
    expect(await items(source, day(5.5))).toEqual([])
    expect(await items(source, day(6))).toEqual(['user deactivate soft-deleted'])
  })

  it('a disabled account is not missing: deactivated at once', async () => {
    const source = await loaded({ graceDays: 3 })
    await source.user(ANN, { accountEnabled: false })
    expect(await items(source, day(1))).toEqual(['user deactivate disabled'])
  })

  it('S16: a plan for everybody says the same on each day', async () => {
    const source = await loaded({ graceDays: 3 })
    await source.user(ANN, {}, 's')
    await items(source, day(1))
    expect(await items(source, day(2), true)).toEqual(['user skip grace-period'])
    expect(await items(source, day(4), true)).toEqual(['user deactivate soft-deleted'])
  })
})

describe('option users.options.deactivateMissingUsers', () => {
  it('option users.options.deactivateMissingUsers: default: on', async () => {
    const source = await loaded({})
    await source.user(ANN, {}, 'x')
    expect(await items(source, day(1))).toEqual(['user deactivate gone'])
  })

  it('option users.options.deactivateMissingUsers: effect: off, listed as missing and frozen: no field, credential or membership changes', async () => {
    const source = await loaded({ deactivateMissingUsers: false })
    await source.user(ANN, { employeeId: '78', displayName: 'Other' }, 's')
    expect(await items(source, day(1))).toEqual(['user skip missing-kept'])
    expect((await people(test.db))[ANN]).toMatchObject({ active: true, cards: ['card/77'] })
  })
})

describe('option users.options.deleteAfterDays', () => {
  it('option users.options.deleteAfterDays: default: never', async () => {
    const source = await loaded({})
    await source.user(ANN, {}, 'x')
    await items(source, day(1))
    expect(await items(source, day(4000), true)).toEqual([])
  })

  it('option users.options.deleteAfterDays: effect: the record goes with its cards and names, so many days after it was deactivated, and the history stays', async () => {
    const source = await loaded({ deleteAfterDays: 30 })
    await source.user(ANN, {}, 's')
    await items(source, day(1))
    expect(await items(source, day(30.9))).toEqual([])
    expect(await items(source, day(31))).toEqual(['user delete soft-deleted'])
    expect(await people(test.db)).toEqual({})
    const left = await test.db.query(
      'select (select count(*) from user_names) as names, (select count(*) from credentials) as cards, (select count(*) from claims) as claims',
    )
    expect(left.rows).toEqual([{ names: 0, cards: 0, claims: 0 }])
    expect(await items(source, day(32), true)).toEqual(['user skip soft-deleted'])
  })

  it('counts for the safeguard as a removal', async () => {
    const source = await loaded({ deleteAfterDays: 30 })
    await source.user(ANN, {}, 's')
    await items(source, day(1))
    const made = await source.plan({ now: day(31) })
    expect(made.users).toMatchObject({ deleted: 1, deactivated: 0 })
  })

  it('whom an administrator deactivated no source deletes', async () => {
    const source = await loaded({ deleteAfterDays: 30 })
    await test.db.query(`update users set active = false, deactivated_by = 'administrator', deactivated_at = $1`, [
      day(0),
    ])
    await source.user(ANN, {}, 's')
    expect(await items(source, day(100), true)).toEqual([])
    expect(Object.keys(await people(test.db))).toEqual([ANN])
  })

  it('wanted again before that day, the same record is back', async () => {
    const source = await loaded({ deleteAfterDays: 30 })
    await source.user(ANN, {}, 's')
    await items(source, day(1))
    await source.user(ANN, {}, 'l')
    expect(await items(source, day(20))).toEqual(['user reactivate wanted-again'])
    expect(await items(source, day(40), true)).toEqual([])
  })
})

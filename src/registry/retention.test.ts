// The history of a user, and how long it is kept.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { aHandSource, anId, type HandSource } from '../../test/support/planned.ts'
import { storeSettings, takeBack } from '../../test/support/reverted.ts'
import { systemClock } from '../base/clock.ts'
import { presentRevert } from '../sync/revert-document.ts'
import { listUserHistory } from './history.ts'
import { removeOldHistory } from './retention.ts'

let test: TestDatabase
let source: HandSource
const SETTINGS = { users: { properties: { cards: ['employeeId'] } } }
const [ann, staff] = [anId(1), anId(91)]
const now = systemClock.now()

beforeAll(async () => {
  test = await createTestDatabase()
})
beforeEach(async () => {
  await test.empty()
  source = await aHandSource(test.db, SETTINGS)
  await storeSettings(test.db, source, SETTINGS)
  await source.group(staff, { displayName: 'Staff' })
  await source.user(ann, { userPrincipalName: 'ann@x', displayName: 'Ann', employeeId: '11' })
  await source.member(staff, ann)
})
afterAll(() => test.drop())

const age = (runId: number, days: number) =>
  test.db.query(`update runs set ended_at = now() - $2 * interval '1 day' where id = $1`, [runId, days])
const rowsOf = async (runId: number) => {
  const found = await test.db.query<{ items: number; undo: number; memberships: number }>(
    `select (select count(*) from plan_items where run_id = $1) as items, (select count(*) from undo_users where run_id = $1) as undo,
       (select count(*) from plan_memberships where run_id = $1) as memberships`,
    [runId],
  )
  return found.rows[0]!
}
const forget = (historyDays = 365) => removeOldHistory(test.db, { now, historyDays })

describe('the history of a user', () => {
  it('tells what applied runs and reverts did to him, the newest first, page by page, memberships of many alone', async () => {
    for (let n = 10; n < 40; n += 1) {
      await source.user(anId(n), { userPrincipalName: `u${n}@x` })
      await source.member(staff, anId(n))
    }
    const first = await source.run()
    await source.user(ann, { displayName: 'Anna' })
    await source.plan()
    const second = await source.run()
    await takeBack(test.db, second.runId)
    const found = await test.db.query<{ id: number }>('select id from users where object_id = $1', [ann])
    const userId = found.rows[0]!.id

    const all = await listUserHistory(test.db, { userId, limit: 100 })

    expect(all.map((c) => `${c.kind} ${c.object} ${c.action}`)).toEqual([
      'revert user update',
      'sync user update',
      'sync membership add',
      'sync credential add',
      'sync user create',
    ])
    expect(all[0]).toMatchObject({
      by: 'test',
      because: 'it was wrong',
      old: { fullName: 'Anna' },
      new: { fullName: 'Ann' },
    })
    expect(all[2]).toMatchObject({ run: first.runId, new: { group: 'Staff', groupObjectId: staff } })
    expect(JSON.stringify(all)).not.toMatch(/lookup|sealed/)
    const page = await listUserHistory(test.db, { userId, limit: 2 })
    expect([...page, ...(await listUserHistory(test.db, { userId, limit: 100, before: page[1] }))]).toEqual(all)
  })
})

describe('retention', () => {
  it('what a revert left is not told as nothing once it is forgotten', async () => {
    const { runId } = await source.run()
    await test.db.query(`update users set notes = 'by hand', version = version + 1 where object_id = $1`, [ann])
    const revert = Number((await takeBack(test.db, runId)).run)
    expect(await presentRevert(test.db, revert)).toMatchObject({ leftTotal: 2 })
    await age(revert, 366)
    await forget()

    await expect(presentRevert(test.db, revert)).rejects.toMatchObject({ code: 'history-expired' })
  })

  it('applied runs keep their items for the days that are set, and cannot be taken back after that', async () => {
    await source.run()
    await source.user(ann, { displayName: 'Anna' })
    const { runId } = await source.run()

    await age(runId, 364)
    expect(await forget()).toBe(0)
    expect((await rowsOf(runId)).undo).toBe(1)

    await test.db.query('insert into plan_claims values ($1, 1, true) on conflict do nothing', [runId])
    await test.db.query('insert into plan_group_claims values ($1, 1, false) on conflict do nothing', [runId])
    await age(runId, 366)
    expect(await forget()).toBeGreaterThan(0)
    const claimed = await test.db.query(
      'select from plan_claims where run_id = $1 union all select from plan_group_claims where run_id = $1',
      [runId],
    )
    expect(claimed.rowCount).toBe(0)
    expect(await rowsOf(runId)).toEqual({ items: 0, undo: 0, memberships: 0 })
    await expect(takeBack(test.db, runId)).rejects.toMatchObject({ code: 'history-expired' })
    const kept = await test.db.query('select summary is not null as document from runs where id = $1', [runId])
    expect(kept.rows).toEqual([{ document: true }])
    expect(await forget()).toBe(0)
  })

  it('plans that were never applied go after 30 days, an open held one never', async () => {
    const plan = await source.plan()
    const held = await source.plan()
    const rejected = await source.plan()
    await test.db.query(`update runs set outcome = 'held', approve_by = now() + interval '1 hour' where id = any($1)`, [
      [held.runId, rejected.runId],
    ])
    await test.db.query(`update runs set decision = 'rejected' where id = $1`, [rejected.runId])
    const before = await rowsOf(held.runId)
    for (const { runId } of [plan, held, rejected]) await age(runId, 29)
    expect(await forget()).toBe(0)

    for (const { runId } of [plan, held, rejected]) await age(runId, 400)
    await forget(1)

    expect((await rowsOf(plan.runId)).items).toBe(0)
    expect((await rowsOf(rejected.runId)).items).toBe(0)
    expect(await rowsOf(held.runId)).toEqual(before)
    expect(before.items).toBeGreaterThan(0)
  })

  it('what was approved counts as applied', async () => {
    const plan = await source.plan()
    await test.db.query(`update runs set outcome = 'held', decision = 'approved' where id = $1`, [plan.runId])
    await age(plan.runId, 100)

    expect(await forget()).toBe(0)
    expect(await forget(90)).toBeGreaterThan(0)
  })
})

// The safeguard over time, by real plans on real PostgreSQL: what drips in over a day is held as what comes at once is, and
// ordinary weeks pass.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { aLargeTenant, type LargeTenant } from '../../test/support/large-tenant.ts'
import { exceeds } from '../../test/support/safeguard-expected.ts'
import { createRandom } from '../emulator/random.ts'

let test: TestDatabase
beforeAll(async () => {
  test = await createTestDatabase()
})
beforeEach(() => test.empty())
afterAll(() => test.drop())

/** Everything that was done moves into the past. */
async function pass(hours: number): Promise<void> {
  await test.db.query('update runs set ended_at = ended_at - make_interval(hours => $1::int)', [hours])
}

/** A run as the engine makes it: planned, and applied when nothing holds it. */
async function runUnlessHeld(t: LargeTenant): Promise<readonly string[]> {
  const { held } = await t.source.plan()
  if (held.length === 0) await t.source.run()
  return held.map((reason) => reason.rule)
}

interface Drip {
  readonly rule: string
  readonly step: number
  readonly least: number
  readonly percent: number
  readonly base: (t: LargeTenant) => number
  readonly does: (t: LargeTenant, from: number, count: number) => Promise<void>
}

const set =
  (attribute: string, value: (n: number) => unknown): Drip['does'] =>
  (t, from, count) =>
    t.users(count, { attributes: (n) => ({ [attribute]: value(n) }) }, from)

const DRIPS: readonly Drip[] = [
  {
    rule: 'removals.users',
    step: 4,
    least: 5,
    percent: 10,
    base: (t) => t.size,
    does: (t, from, n) => t.users(n, { state: 's' }, from),
  },
  {
    rule: 'removals.users',
    step: 3,
    least: 5,
    percent: 10,
    base: (t) => t.size,
    does: set('accountEnabled', () => false),
  },
  {
    rule: 'removals.groups',
    step: 2,
    least: 5,
    percent: 10,
    base: (t) => t.groups,
    does: (t, from, n) => t.groupsGone(Array.from({ length: n }, (_, k) => t.smallGroup(from + k))),
  },
  {
    rule: 'memberships',
    step: 25,
    least: 100,
    percent: 10,
    base: (t) => t.memberships,
    does: (t, from, n) => t.leaveSmallGroups(from + n),
  },
  {
    rule: 'credentials',
    step: 15,
    least: 10,
    percent: 20,
    base: (t) => t.size * 2,
    does: set('employeeId', () => null),
  },
  {
    rule: 'rewrites.userName',
    step: 9,
    least: 10,
    percent: 20,
    base: (t) => t.size,
    does: set('userPrincipalName', (n) => `other${n}@contoso.com`),
  },
  {
    rule: 'rewrites.card',
    step: 9,
    least: 10,
    percent: 20,
    base: (t) => t.size,
    does: set('employeeId', (n) => `E${n}`),
  },
  {
    rule: 'rewrites.email',
    step: 9,
    least: 10,
    percent: 20,
    base: (t) => t.size,
    does: set('mail', (n) => `other${n}@contoso.com`),
  },
  { rule: 'cleared.phone', step: 9, least: 10, percent: 20, base: (t) => t.size, does: set('mobilePhone', () => null) },
]

describe('what drips in over a day', () => {
  it.each(DRIPS)(
    'I3: $rule, $step a run: held by the first run that passes the limit, let go a day later',
    async (drip) => {
      const t = await aLargeTenant(test.db, 120)
      let applied = 0
      let gone = 0
      let held: readonly string[] = []
      for (let n = 0; n < 12 && held.length === 0; n += 1) {
        await pass(1)
        await drip.does(t, applied, drip.step)
        // What is removed or cleared is no part of the base any more.
        const isBaseLess = drip.rule !== 'memberships' && !drip.rule.startsWith('rewrites')
        const base = drip.base(t) - (isBaseLess ? gone : drip.rule === 'memberships' ? applied : 0)
        const isOver = exceeds(applied + drip.step, base, { least: drip.least, percent: drip.percent })
        held = await runUnlessHeld(t)

        expect({ n, held }).toEqual({ n, held: isOver ? [drip.rule] : [] })
        if (!isOver) applied += drip.step
        gone = applied
      }
      expect(held).toEqual([drip.rule])
      await pass(24)

      expect(await runUnlessHeld(t)).toEqual([])
    },
  )

  it('I3: a run that only creates passes, whatever the day has removed', async () => {
    const t = await aLargeTenant(test.db, 60)
    await t.users(6, { state: 's' })
    await runUnlessHeld(t)
    await t.users(10, {}, 60)

    expect(await runUnlessHeld(t)).toEqual([])
    await t.users(1, { state: 's' }, 20)
    expect(await runUnlessHeld(t)).toEqual(['removals.users'])
  })
})

describe('ordinary weeks through real plans', () => {
  it.each([0, 1, 2, 3, 4, 5])('week %i passes, and the school year after it is held', async (seed) => {
    const random = createRandom(seed + 500)
    const t = await aLargeTenant(test.db, 200 + seed * 60)
    /** A share of a number, on the average. */
    const some = (count: number, ofAll: number) => Math.floor(count * ofAll + random.next())
    let hired = 0
    let left = 0
    let moved = 0
    for (let run = 0; run < 14; run += 1) {
      await pass(12)
      const [leavers, hires] = [some(t.size, 0.0005), some(t.size, 0.0005)]
      await t.users(leavers, { state: 's' }, t.size - 1 - left - leavers)
      await t.users(hires, {}, t.size + hired)
      await t.users(some(t.size, 0.0015), { attributes: (n) => ({ department: `moved ${n}` }) }, random.int(t.size / 2))
      await t.users(
        some(t.size, 0.0003),
        { attributes: (n) => ({ employeeId: `new card ${n}` }) },
        random.int(t.size / 2),
      )
      moved += some(t.memberships, 0.0025)
      await t.leaveSmallGroups(moved)
      left += leavers
      hired += hires

      const { held } = await t.source.run()
      expect({ run, held }).toEqual({ run, held: [] })
    }
    await pass(12)
    await t.users(Math.floor(t.size / 4), { state: 's' })
    await t.users(Math.floor(t.size / 4), {}, t.size + hired)

    expect(await runUnlessHeld(t)).toEqual(['removals.users'])
  })
})

// Random plans: applied and taken back, the registry is what it was; taken back once more, what the plan had made of it.
import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { foldHistory, registryState } from '../../test/support/history.ts'
import { aHandSource, anId, type HandSource } from '../../test/support/planned.ts'
import { everything, storeSettings, takeBack } from '../../test/support/reverted.ts'

let test: TestDatabase
beforeAll(async () => {
  test = await createTestDatabase()
})
afterAll(() => test.drop())

const PEOPLE = [1, 2, 3, 4, 5].map(anId)
const GROUPS = [91, 92].map(anId)

// Few names, cards and numbers for many people: swaps, reuse and parked values are the rule here.
const value = fc.constantFrom('a', 'b', 'c', 'd')
const change = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      who: fc.nat(PEOPLE.length - 1),
      state: fc.constantFrom('l', 'l', 'l', 's'),
      attributes: fc.record(
        {
          userPrincipalName: value.map((v) => `${v}@x`),
          displayName: fc.option(value),
          employeeId: fc.option(value),
          mailNickname: fc.option(value),
          accountEnabled: fc.boolean(),
        },
        { requiredKeys: [] },
      ),
    }),
  },
  { weight: 1, arbitrary: fc.record({ group: fc.nat(1), name: value, state: fc.constantFrom('l', 'l', 'x') }) },
  { weight: 3, arbitrary: fc.record({ group: fc.nat(1), member: fc.nat(PEOPLE.length - 1) }) },
)
const step = fc.array(change, { minLength: 1, maxLength: 6 })
type Change = typeof change extends fc.Arbitrary<infer C> ? C : never

const SETTINGS = {
  users: {
    properties: { cards: ['employeeId'], aliases: ['mailNickname'], personalNumber: 'employeeId' },
    options: { keepOldUserName: true },
  },
  groups: { fromAttributes: [{ template: '%mailNickname%|%employeeId%', makeDefault: true }] },
}

async function aSource(): Promise<HandSource> {
  for (const table of ['runs', 'users', 'groups', 'sources', 'connections', 'mirror_members'])
    await test.db.query(`delete from ${table}`)
  const source = await aHandSource(test.db, SETTINGS)
  await storeSettings(test.db, source, SETTINGS)
  for (const [n, id] of PEOPLE.entries()) await source.user(id, { userPrincipalName: `start${n}@x` }, n < 3 ? 'l' : 's')
  for (const [n, id] of GROUPS.entries()) await source.group(id, { displayName: `group ${n}` })
  return source
}

async function play(source: HandSource, changes: readonly Change[], members: Set<string>): Promise<void> {
  for (const c of changes) {
    if ('who' in c) await source.user(PEOPLE[c.who]!, c.attributes, c.state)
    else if ('name' in c) await source.group(GROUPS[c.group]!, { displayName: c.name }, c.state)
    else {
      const pair = `${c.group} ${c.member}`
      if (members.delete(pair)) await source.noMember(GROUPS[c.group]!, PEOPLE[c.member]!)
      else {
        members.add(pair)
        await source.member(GROUPS[c.group]!, PEOPLE[c.member]!)
      }
    }
  }
}

describe('any plan', () => {
  it('I9, I17: taken back leaves the registry as it was, and taking that back as the plan had made it', async () => {
    let changing = 0
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 0, maxLength: 3 }), step, async (earlier, last) => {
        const source = await aSource()
        const members = new Set<string>()
        for (const changes of earlier) {
          await play(source, changes, members)
          await source.run()
        }
        const before = await everything(test.db)
        await play(source, last, members)
        const { runId, isEmpty } = await source.run()
        const after = await everything(test.db)

        const reverted = await takeBack(test.db, runId)

        expect(reverted.error).toBeNull()
        expect(reverted.left).toEqual([])
        expect(await everything(test.db)).toEqual(before)
        expect(reverted.outcome).toBe(isEmpty ? 'no-change' : 'applied')
        const { issues: _, ...state } = await registryState(test.db)
        expect(await foldHistory(test.db)).toEqual(state)
        const again = await source.plan()
        if (!isEmpty) {
          changing += 1
          expect(again.held.map((h) => h.rule)).toContain('reverted')
          const back = await takeBack(test.db, reverted.run)
          expect(back.error).toBeNull()
          expect(back.left).toEqual([])
          expect(await everything(test.db)).toEqual(after)
          expect((await source.run()).isEmpty).toBe(true)
        }
      }),
      { numRuns: Number(process.env['RUNS'] ?? 8), seed: Number(process.env['SEED'] ?? 20261123), endOnFailure: true },
    )
    expect(changing).toBeGreaterThan(5)
  }, 300_000)

  it('I9: taken back in whole or for one person, whatever is left, tells every membership and card that begins or ends', async () => {
    const told = { added: 0, removed: 0, left: 0, one: 0 }
    const steps = fc.array(step, { minLength: 1, maxLength: 4 })
    const byHand = fc.array(fc.record({ group: fc.nat(1), member: fc.nat(PEOPLE.length - 1) }), { maxLength: 2 })
    const who = fc.option(fc.nat(), { freq: 2 })
    await fc.assert(
      fc.asyncProperty(steps, byHand, fc.nat(), who, async (history, additions, nth, one) => {
        const source = await aSource()
        const members = new Set<string>()
        const runs: number[] = []
        for (const changes of history) {
          await play(source, changes, members)
          const { runId, isEmpty } = await source.run()
          if (!isEmpty) runs.push(runId)
        }
        for (const { group, member } of additions) await addByHand(GROUPS[group]!, PEOPLE[member]!)
        // Often an early one: what later runs changed is left.
        const run = runs[nth % Math.max(1, runs.length)]
        if (run === undefined) return
        const changed = one === null ? [] : await changedBy(run)
        const user = changed[(one ?? 0) % Math.max(1, changed.length)]
        const before = await counted()

        const reverted = await takeBack(test.db, run, { user })

        expect(reverted.error).toBeNull()
        const { memberships, credentials } = reverted
        expect(await counted()).toEqual({
          memberships: before.memberships - memberships.removed + memberships.added,
          credentials: before.credentials - credentials.removed + credentials.added,
        })
        told.added += memberships.added + credentials.added
        told.removed += memberships.removed + credentials.removed
        told.left += reverted.leftTotal
        told.one += user === undefined ? 0 : 1
      }),
      { numRuns: Number(process.env['RUNS'] ?? 20), seed: Number(process.env['SEED'] ?? 20261201), endOnFailure: true },
    )
    for (const [what, count] of Object.entries(told)) expect(count, what).toBeGreaterThan(0)
  }, 300_000)
})

/** A membership that several sources give is one. */
async function counted(): Promise<{ readonly memberships: number; readonly credentials: number }> {
  const found = await test.db.query<{ memberships: number; credentials: number }>(
    `select (select count(*) from (select distinct group_id, user_id from memberships) m)::int as memberships,
       (select count(*) from credentials)::int as credentials`,
  )
  return found.rows[0]!
}

async function addByHand(group: string, member: string): Promise<void> {
  await test.db.query(
    `insert into memberships (group_id, user_id, source_id, run_id)
     select g.id, u.id, 0, 0 from groups g, users u where g.object_id = $1 and u.object_id = $2 on conflict do nothing`,
    [group, member],
  )
}

/** Object ids of the people whom a run changed and who are there. */
async function changedBy(run: number): Promise<readonly string[]> {
  const found = await test.db.query<{ id: string }>(
    `select u.object_id as id from users u where u.object_id is not null and (
       exists (select from plan_items i where i.run_id = $1 and i.user_id = u.id and i.action <> 'skip')
       or exists (select from plan_memberships m where m.run_id = $1 and m.user_id = u.id)) order by 1`,
    [run],
  )
  return found.rows.map((row) => row.id)
}

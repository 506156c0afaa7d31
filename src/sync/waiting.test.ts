// A held plan and the runs after it: what schedules leave alone, what replaces it, and limits that are for a day.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { emptyRegistry } from '../../test/support/planned.ts'
import { aSyncWorld, type SyncWorld } from '../../test/support/world.ts'
import type { DirectoryObject } from '../emulator/object.ts'
import { sourceSettings } from '../contract/sources.ts'
import { addMember, createGroup, removeMember } from '../emulator/memberships.ts'
import { hire, remove, restore, update } from '../emulator/operations.ts'
import { countPlanPageLines } from '../registry/plan-pages.ts'
import { planRunOf, requireRun } from '../registry/runs.ts'
import { approveRun } from './approve.ts'

let test: TestDatabase
let w: SyncWorld
let people: DirectoryObject[]
beforeAll(async () => {
  test = await createTestDatabase()
})
afterAll(async () => {
  await test.drop()
})
beforeEach(async () => {
  await emptyRegistry(test.db)
  w = await aSyncWorld(test.db)
  people = Array.from({ length: 20 }, (_, i) =>
    hire(w.tenant, { userPrincipalName: `p${i}@contoso.com`, displayName: `P${i}` }),
  )
  await w.sync()
})
afterEach(async () => {
  await w.stop()
})

const leave = (from: number, to: number) => {
  for (const person of people.slice(from, to)) remove(w.tenant, person.id)
}
const scheduled = () => w.sync({ trigger: 'schedule' })
const decisions = async () =>
  (
    await test.db.query<{ id: number; decision: string | null }>(
      `select id, decision from runs where outcome = 'held' order by id`,
    )
  ).rows.map((row) => row.decision)

describe('while a plan is held', () => {
  it('a scheduled run reads, and leaves it waiting while every item that tripped a limit still holds', async () => {
    leave(0, 6)
    const held = await w.sync()
    expect(held.held?.reasons).toEqual([{ rule: 'removals.users', count: 6, limit: 5 }])
    hire(w.tenant, { userPrincipalName: 'new@contoso.com', displayName: 'New' })

    const later = await scheduled()

    expect(later).toMatchObject({ outcome: 'held', planHash: held.planHash, held: held.held })
    expect(await decisions()).toEqual([null, 'superseded'])
    // What is looked at under its number is the plan that waits.
    const [waiting, yielded] = [Number(held.run), await requireRun(test.db, Number(later.run))]
    expect(yielded).toMatchObject({ leftWaiting: waiting, planHash: held.planHash })
    expect(await countPlanPageLines(test.db, planRunOf(yielded))).toEqual([
      { object: 'user', action: 'deactivate', count: 6 },
    ])
    const approved = await approve(held.run, held.planHash!)
    expect(approved).toMatchObject({ outcome: 'applied', users: { deactivated: 6 } })
    // What came meanwhile was not forgotten.
    expect(await scheduled()).toMatchObject({ outcome: 'applied', users: { created: 1 } })
  })

  it('a scheduled run replaces it once an item that tripped the limit does not hold any more', async () => {
    leave(0, 7)
    await w.sync()
    restore(w.tenant, people[0]!.id)
    const later = await scheduled()
    expect(later).toMatchObject({ outcome: 'held', users: { deactivated: 6 } })
    expect(await decisions()).toEqual(['superseded', null])
    restore(w.tenant, people[1]!.id)
    expect(await scheduled()).toMatchObject({ outcome: 'applied', users: { deactivated: 5 } })
    expect(await decisions()).toEqual(['superseded', 'superseded'])
  })

  it.each(['manual', 'api'] as const)('whoever asks for a run (%s) replaces it always', async (trigger) => {
    leave(0, 6)
    const held = await w.sync()
    const again = await w.sync({ trigger })
    expect(again.planHash).toBe(held.planHash)
    expect(await decisions()).toEqual(['superseded', null])
    expect((await approve(again.run, again.planHash!)).outcome).toBe('applied')
  })

  it('other settings replace it', async () => {
    leave(0, 6)
    await w.sync()
    await w.configure({ users: { properties: { office: 'officeLocation' } } })
    await scheduled()
    expect(await decisions()).toEqual(['superseded', null])
  })

  it('a lapsed one is replaced', async () => {
    leave(0, 6)
    await w.sync()
    await test.db.query(`update runs set approve_by = now() - interval '1 second' where outcome = 'held'`)
    await scheduled()
    expect((await decisions()).at(-1)).toBeNull()
  })

  it('one user alone can be synchronized, and the plan goes on waiting', async () => {
    leave(0, 6)
    await w.sync()
    update(w.tenant, people[10]!.id, { department: 'Sales' })
    expect(await w.sync({ user: people[10]!.id })).toMatchObject({ outcome: 'applied', users: { updated: 1 } })
    expect(await decisions()).toEqual([null])
  })
})

describe('one user alone whose plan is held', () => {
  it('takes nothing from the plan for many that waits; both can be decided', async () => {
    leave(0, 6)
    const many = await w.sync()
    remove(w.tenant, people[10]!.id)
    // Together with what the day has seen it is over a limit of none.
    await test.db.query(`update sources set settings = jsonb_set(settings, '{safeguard,removals,count}', '0')`)
    const one = await w.sync({ user: people[10]!.id })
    expect(one.outcome).toBe('held')
    expect(await decisions()).toEqual([null, null])
    expect(await scheduled()).toMatchObject({ outcome: 'held', planHash: many.planHash })
    expect((await approve(one.run, one.planHash!)).outcome).toBe('applied')
  })
})

describe('G17: a plan that hands over everybody of a selected group', () => {
  let group: DirectoryObject
  let held: Awaited<ReturnType<typeof scheduled>>
  const EMPTIED = [{ rule: 'groups-emptied', count: 1, limit: 0 }]
  const fill = () => {
    for (const person of people) addMember(w.tenant, group.id, person.id)
  }
  const owners = async () =>
    (
      await test.db.query<{ name: string }>(
        'select distinct s.name from users u join sources s on s.id = u.source_id order by 1',
      )
    ).rows.map((row) => row.name)
  beforeEach(async () => {
    group = createGroup(w.tenant, { displayName: 'All' })
    fill()
    await w.configure({ users: { import: { groups: [group.id] } }, groups: { import: false } })
    const settings = sourceSettings.parse({ connection: w.source, priority: 200 })
    await test.db.query(
      `insert into sources (name, connection_id, enabled, priority, settings)
       select 'second', connection_id, true, 200, $2 from sources where name = $1`,
      [w.source, JSON.stringify(settings)],
    )
    await w.sync()
    await w.sync({ source: 'second' })
    for (const person of people) removeMember(w.tenant, group.id, person.id)
    held = await scheduled()
  })

  it('waits while they are not in it', async () => {
    expect(held).toMatchObject({ users: { takenOver: 20, deactivated: 0 }, held: { reasons: EMPTIED } })
    expect(await scheduled()).toMatchObject({ outcome: 'held', planHash: held.planHash })
    expect((await approve(held.run, held.planHash!)).users.takenOver).toBe(20)
    expect(await owners()).toEqual(['second'])
  })

  it('gives way to a scheduled run once they are in it again', async () => {
    fill()
    const { id } = hire(w.tenant, { userPrincipalName: 'new@contoso.com', displayName: 'New' })
    addMember(w.tenant, group.id, id)

    expect(await scheduled()).toMatchObject({ outcome: 'applied', users: { created: 1, takenOver: 0 } })

    expect(await decisions()).toEqual(['superseded'])
    expect(await owners()).toEqual([w.source])
  })

  it.each([undefined, 'removals'] as const)(
    'is not approved where one of them is in it again (without: %s)',
    async (without) => {
      addMember(w.tenant, group.id, people[0]!.id)

      const approved = await approve(held.run, held.planHash!, without)

      expect(approved).toMatchObject({ outcome: 'held', users: { takenOver: 19 } })
      expect(await owners()).toEqual([w.source])
    },
  )
})

describe('limits are for a day', () => {
  it('many small plans do not pass where one large one would not', async () => {
    leave(0, 3)
    expect((await scheduled()).outcome).toBe('applied')
    leave(3, 5)
    expect((await scheduled()).outcome).toBe('applied')
    leave(5, 6)
    const held = await scheduled()
    expect(held.held?.reasons).toEqual([{ rule: 'removals.users', count: 6, limit: 5 }])
  })

  it('a plan that removes nobody is not held for what went before', async () => {
    leave(0, 5)
    await scheduled()
    update(w.tenant, people[10]!.id, { department: 'Sales' })
    expect((await scheduled()).outcome).toBe('applied')
  })

  it('what was approved does not count, and neither does what is older than 24 hours', async () => {
    leave(0, 6)
    const held = await scheduled()
    await approve(held.run, held.planHash!)
    leave(6, 11)
    expect((await scheduled()).outcome).toBe('applied')
    leave(11, 12)
    expect((await scheduled()).outcome).toBe('held')
    await test.db.query(`update runs set ended_at = ended_at - interval '24 hours' where outcome = 'applied'`)
    expect((await w.sync()).outcome).toBe('applied')
  })

  it('rewrites and cleared attributes count over the day as well', async () => {
    people.forEach((person) => update(w.tenant, person.id, { mail: `${person.no}@contoso.com`, department: 'Sales' }))
    await w.sync()
    const change = (from: number, to: number) =>
      people.slice(from, to).forEach((p) => update(w.tenant, p.id, { mail: `x${p.no}@contoso.com`, department: null }))
    change(0, 9)
    expect((await scheduled()).outcome).toBe('applied')
    change(9, 11)
    const held = await scheduled()
    expect(held.held?.reasons).toEqual([
      { rule: 'rewrites.email', count: 11, limit: 10 },
      { rule: 'cleared.department', count: 11, limit: 10 },
    ])
  })
})

async function approve(run: string, hash: string, without?: 'removals') {
  return approveRun(w.engine, {
    run: Number(run),
    hash,
    without,
    reason: 'checked',
    actor: { kind: 'command line', name: 'test' } as const,
    signal: new AbortController().signal,
    onProgress: () => {},
  })
}

describe('G22: an attribute that everybody loses', () => {
  beforeEach(async () => {
    for (const person of people.slice(0, 4)) update(w.tenant, person.id, { department: 'Sales' })
    await w.sync()
  })

  it('is held, however few they are, until somebody approves it', async () => {
    for (const person of people.slice(0, 4)) update(w.tenant, person.id, { department: null })

    const held = await w.sync({ mode: 'full' })

    expect(held.held?.reasons).toEqual([{ rule: 'cleared-everywhere.department', count: 1, limit: 0 }])
    // Read again, it is held still: the mirror knows no value any more that could be missed.
    const again = await w.sync()
    expect(again).toMatchObject({ outcome: 'held', planHash: held.planHash })
    const approved = await approve(again.run, again.planHash!)
    expect(approved).toMatchObject({ outcome: 'applied', users: { updated: 4 } })
    expect((await w.sync()).outcome).toBe('no-change')
    update(w.tenant, people[0]!.id, { department: 'IT' })
    expect((await w.sync()).outcome).toBe('applied')
  })

  it('restored in Entra, nothing has happened', async () => {
    for (const person of people.slice(0, 4)) update(w.tenant, person.id, { department: null })
    await w.sync({ mode: 'full' })
    for (const person of people.slice(0, 4)) update(w.tenant, person.id, { department: 'Sales' })
    expect((await w.sync()).outcome).toBe('no-change')
  })
})

describe('S4: while an issue is open', () => {
  it('a run that changes nothing leaves nothing in the history, and goes on telling the issue', async () => {
    for (const person of people) update(w.tenant, person.id, { employeeId: `e${person.no}` })
    hire(w.tenant, { userPrincipalName: 'empty@contoso.com', displayName: 'Empty' })
    await w.configure({ safeguard: 'off', users: { properties: { userName: 'employeeId' } } })
    await w.sync()
    const items = async () => (await test.db.query('select count(*) as count from plan_items')).rows[0]
    const before = await items()
    const again = await w.sync()
    expect(again).toMatchObject({ outcome: 'no-change', users: { skipped: 1 }, issuesTotal: 1 })
    expect(await items()).toEqual(before)
    const issues = await test.db.query('select count(*) as count from issues')
    expect(issues.rows).toEqual([{ count: 1 }])
  })
})

// What a filter does to whole runs: who is read, held, proven again and kept.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { aSyncWorld, registryView, type Settings, type SyncWorld } from '../../test/support/world.ts'
import { hire, setManager, update } from '../emulator/operations.ts'
import { approveRun } from './approve.ts'
import { needsOf } from './map/needs.ts'
import { sourceSettings } from '../contract/sources.ts'

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

const STAFF: Settings = {
  users: { filter: { any: [{ all: [{ attribute: 'employeeType', eq: 'Employee' }] }] } },
  safeguard: { removals: { count: 0 } },
}

async function aWorldWith(settings: Settings, ...names: readonly string[]) {
  const w = await aSyncWorld(test.db, { settings })
  worlds.push(w)
  const people = names.map((name) =>
    hire(w.tenant, { userPrincipalName: `${name}@contoso.com`, employeeType: 'employee', employeeId: `id-${name}` }),
  )
  return { w, people }
}

const activeNames = async () =>
  Object.values((await registryView(test.db)).users)
    .flatMap((u) => (u.active ? [u.userName] : []))
    .sort()
const approvalOf = (run: string, hash: string | null) => ({
  run: Number(run),
  hash: hash!,
  reason: 'r',
  actor: { kind: 'command line', name: 'a' } as const,
  signal: new AbortController().signal,
  onProgress: () => {},
})

describe('a filter', () => {
  it('O4: narrowed by mistake it is held, and widened again nothing has happened', async () => {
    const { w } = await aWorldWith({ safeguard: { removals: { count: 0 } } }, 'a', 'b', 'c')
    await w.sync()
    await w.configure({
      ...STAFF,
      users: { filter: { any: [{ all: [{ attribute: 'employeeType', ne: 'Employee' }] }] } },
    })

    const held = await w.sync()
    await w.configure(STAFF)
    const after = await w.sync()

    expect(held).toMatchObject({ outcome: 'held', users: { deactivated: 3 } })
    expect(after.users).toMatchObject({ deactivated: 0, reactivated: 0 })
    expect(await activeNames()).toEqual(['a@contoso.com', 'b@contoso.com', 'c@contoso.com'])
  })

  it('approved after somebody meets it once more, the plan is made anew; approved while nobody does, it is applied', async () => {
    const { w, people } = await aWorldWith(STAFF, 'a', 'b', 'c')
    await w.sync()
    for (const person of people.slice(0, 2)) update(w.tenant, person.id, { employeeType: 'External' })
    const held = await w.sync()
    update(w.tenant, people[0]!.id, { employeeType: 'EMPLOYEE' })

    const answer = await approveRun(w.engine, approvalOf(held.run, held.planHash))
    const applied = await approveRun(w.engine, approvalOf(answer.run, answer.planHash))

    expect(held).toMatchObject({ outcome: 'held', users: { deactivated: 2 } })
    expect(answer).toMatchObject({ outcome: 'held', users: { deactivated: 1 } })
    expect(applied).toMatchObject({ outcome: 'applied', users: { deactivated: 1 } })
    expect(await activeNames()).toEqual(['a@contoso.com', 'c@contoso.com'])
  })

  it('on the manager is proven again by his name', async () => {
    const byManager: Settings = {
      ...STAFF,
      users: { filter: { any: [{ all: [{ attribute: 'manager', ne: 'boss@contoso.com' }] }] } },
    }
    const { w, people } = await aWorldWith(byManager, 'a', 'boss')
    await w.sync()
    setManager(w.tenant, people[0]!.id, people[1]!.id)
    const held = await w.sync()
    setManager(w.tenant, people[0]!.id, null)
    const answer = await approveRun(w.engine, approvalOf(held.run, held.planHash))
    setManager(w.tenant, people[0]!.id, people[1]!.id)
    const again = await w.sync()

    const applied = await approveRun(w.engine, approvalOf(again.run, again.planHash))

    expect(held).toMatchObject({ outcome: 'held', users: { deactivated: 1 } })
    expect(answer).toMatchObject({ outcome: 'no-change' })
    expect(applied).toMatchObject({ outcome: 'applied', users: { deactivated: 1 } })
    expect(await activeNames()).toEqual(['boss@contoso.com'])
  })

  it('G12: an approval to which Graph shows nulls proves nothing', async () => {
    const { w, people } = await aWorldWith(STAFF, 'a', 'b', 'c')
    await w.sync()
    update(w.tenant, people[0]!.id, { employeeType: 'External' })
    const held = await w.sync()
    update(w.tenant, people[0]!.id, { employeeType: 'Employee' })
    w.emulator.faults.add({ kind: 'null-storm', path: /^\/users/, where: 'both', count: 1 })

    const answer = await approveRun(w.engine, approvalOf(held.run, held.planHash))

    expect(answer.users.deactivated).toBe(0)
    expect(await activeNames()).toEqual(['a@contoso.com', 'b@contoso.com', 'c@contoso.com'])
  })

  it('reads an attribute that is a card as well, which stays sealed', async () => {
    const settings: Settings = {
      users: {
        filter: { any: [{ all: [{ attribute: 'employeeId', endsWith: '-A' }] }] },
        properties: { cards: ['employeeId'] },
      },
    }
    const { w } = await aWorldWith(settings, 'a', 'b')

    const run = await w.sync()

    expect(run).toMatchObject({ outcome: 'applied', users: { created: 1 }, credentials: { added: 1 } })
    expect(await activeNames()).toEqual(['a@contoso.com'])
    const readable = await test.db.query(
      `select from mirror_objects where kind = 'u' and attributes::text like '%id-%'`,
    )
    expect(readable.rows).toEqual([])
  })

  it('asks Graph for what it reads and for nothing else', () => {
    const needs = (settings: Settings) => needsOf(sourceSettings.parse({ connection: 'c', ...settings })).userAttributes

    expect(needs(STAFF).filter((name) => !needs({}).includes(name))).toEqual(['employeeType'])
    expect(needs({ users: { filter: 'realPeopleOnly' } }).filter((name) => !needs({}).includes(name))).toEqual([
      'employeeId',
      'givenName',
      'surname',
    ])
  })
})

// What points at something else: groups inside groups, people in selected groups, managers, and groups of one name.
import * as fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { aHandSource, anId, type HandSource, people } from '../../test/support/planned.ts'

let test: TestDatabase
beforeAll(async () => {
  test = await createTestDatabase()
})
afterAll(() => test.drop())
beforeEach(() => test.empty())

const [A, B, C] = [anId(1), anId(2), anId(3)] as const
const [G, H] = [anId(91), anId(92)] as const

async function aChainedSource(count: number): Promise<{ source: HandSource; ids: readonly string[] }> {
  const source = await aHandSource(test.db, { groups: { membership: 'transitive' } })
  await source.user(A, { userPrincipalName: 'ann@x' })
  const ids = Array.from({ length: count }, (_, n) => anId(100 + n))
  for (const [n, id] of ids.entries()) await source.group(id, { displayName: `g${String(n).padStart(2, '0')}` })
  return { source, ids }
}

describe('groups inside groups', () => {
  it('G16: fifty deep, with the lowest around the highest again, count to the last', async () => {
    const { source, ids } = await aChainedSource(50)
    for (let n = 1; n < 50; n += 1) await source.nest(ids[n - 1]!, ids[n]!)
    await source.nest(ids[49]!, ids[0]!)
    await source.member(ids[49]!, A)

    const plan = await source.run()

    expect(plan.memberships.added).toBe(50)
    expect((await source.run({ everybody: true })).isEmpty).toBe(true)
  })

  it('G16: any graph, with circles and diamonds, gives its closure', async () => {
    const edge = fc.tuple(fc.nat(5), fc.nat(5)).filter(([a, b]) => a !== b)
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(edge, { maxLength: 12, selector: ([a, b]) => `${a} ${b}` }),
        fc.uniqueArray(fc.nat(5), { minLength: 1, maxLength: 3 }),
        async (edges, memberOf) => {
          for (const table of ['runs', 'users', 'groups', 'sources', 'connections', 'mirror_members', 'mirror_nesting'])
            await test.db.query(`delete from ${table}`)
          const { source, ids } = await aChainedSource(6)
          for (const [above, below] of edges) await source.nest(ids[above]!, ids[below]!)
          for (const group of memberOf) await source.member(ids[group]!, A)

          await source.run()

          const closure = new Set(memberOf)
          for (let size = 0; size !== closure.size; ) {
            size = closure.size
            for (const [above, below] of edges) if (closure.has(below)) closure.add(above)
          }
          expect((await people(test.db))[A]!.groups).toEqual([...closure].sort((a, b) => a - b).map((n) => `g0${n}`))
        },
      ),
      { numRuns: 15, seed: 20261122, endOnFailure: true },
    )
  })
})

describe('people in selected groups', () => {
  it('D19: who moves from one to another, or leaves and comes back, within one run stays as he is', async () => {
    const source = await aHandSource(test.db, { users: { import: { groups: [G, H] } }, groups: { import: false } })
    await source.user(A, { userPrincipalName: 'ann@x' })
    await source.user(B, { userPrincipalName: 'bo@x' })
    for (const id of [G, H]) await source.group(id, { displayName: id })
    for (const id of [A, B]) await source.member(G, id)
    await source.run()
    await source.noMember(G, A)
    await source.member(H, A)
    await source.noMember(G, B)
    await source.member(G, B)

    const plan = await source.run()

    expect(plan.isEmpty).toBe(true)
    expect(plan.users).toMatchObject({ deactivated: 0, unchanged: 2 })
    expect(Object.values(await people(test.db)).every((person) => person.active)).toBe(true)
  })
})

describe('managers', () => {
  it('D20: one’s own manager, two who manage each other, and one whom nobody knows harm nobody', async () => {
    const source = await aHandSource(test.db, { users: { properties: { manager: 'manager' } } })
    for (const [id, name] of [
      [A, 'ann@x'],
      [B, 'bo@x'],
      [C, 'cy@x'],
    ] as const)
      await source.user(id, { userPrincipalName: name })
    const manage = (boss: string, id: string) =>
      test.db.query('update mirror_objects set manager = $1 where object_id = $2', [boss, id])
    await manage(A, A)
    await manage(C, B)
    await manage(anId(999), C)

    const plan = await source.run()

    expect(plan.users).toMatchObject({ created: 3, skipped: 0 })
    const found = await test.db.query('select user_name, manager from users order by 1')
    expect(found.rows).toEqual([
      { user_name: 'ann@x', manager: 'ann@x' },
      { user_name: 'bo@x', manager: 'cy@x' },
      { user_name: 'cy@x', manager: null },
    ])
    expect((await test.db.query('select from issues')).rowCount).toBe(0)
  })
})

describe('groups of one name', () => {
  it('D17: one that is deleted and created again is another group, which inherits no members', async () => {
    const source = await aHandSource(test.db)
    await source.user(A, { userPrincipalName: 'ann@x' })
    await source.group(G, { displayName: 'Sales' })
    await source.member(G, A)
    await source.run()
    await test.db.query('insert into memberships select id, (select id from users), 0, 0 from groups')
    await source.noMember(G, A)
    await source.group(G, {}, 'x')
    await source.group(H, { displayName: 'Sales' })

    const plan = await source.run()

    expect(plan.groups).toMatchObject({ created: 1, deleted: 1, renamed: 0 })
    const groups = await test.db.query(
      'select object_id, hidden, (select count(*)::int from memberships m where m.group_id = g.id) as members from groups g order by 1',
    )
    expect(groups.rows).toEqual([
      { object_id: G, hidden: true, members: 1 },
      { object_id: H, hidden: false, members: 0 },
    ])
  })

  it('D17: two that swap their names stay themselves', async () => {
    const source = await aHandSource(test.db)
    await source.user(A, { userPrincipalName: 'ann@x' })
    await source.group(G, { displayName: 'one' })
    await source.group(H, { displayName: 'two' })
    await source.member(G, A)
    await source.run()
    await source.group(G, { displayName: 'two' })
    await source.group(H, { displayName: 'one' })

    const plan = await source.run()

    expect(plan.groups).toMatchObject({ renamed: 2, created: 0, deleted: 0 })
    expect(plan.memberships).toEqual({ added: 0, removed: 0 })
    expect((await people(test.db))[A]!.groups).toEqual(['two'])
  })
})

// Groups that lose all their members: selected ones, which decide who is imported, and large ones.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { aHandSource, anId, emptyRegistry, type HandSource } from '../../test/support/planned.ts'
import { aSyncWorld, type Settings, type SyncWorld } from '../../test/support/world.ts'
import { addMember, createGroup, removeMember } from '../emulator/memberships.ts'
import { hire } from '../emulator/operations.ts'
import { approveRun } from './approve.ts'

let test: TestDatabase
const worlds: SyncWorld[] = []
beforeAll(async () => {
  test = await createTestDatabase()
})
afterAll(() => test.drop())
beforeEach(() => emptyRegistry(test.db))
afterEach(async () => {
  for (const world of worlds.splice(0)) await world.stop()
})

const [G, X] = [anId(900_001), anId(900_002)]
const person = (n: number) => anId(n + 1)
const EMPTIED = [{ rule: 'groups-emptied', count: 1, limit: 0 }]

describe('a selected group that loses everybody', () => {
  const scope = (options: NonNullable<Settings['users']>['options'] = {}): Settings => ({
    users: { import: { groups: [G, X] }, options },
  })

  /** Five people in G, one in X, all imported. */
  async function aScope(settings: Settings = scope()): Promise<HandSource> {
    const source = await aHandSource(test.db, settings)
    for (const group of [G, X]) await source.group(group, { displayName: group })
    for (let n = 0; n < 6; n += 1) {
      await source.user(person(n), { userPrincipalName: `p${n}@contoso.com` })
      await source.member(n < 5 ? G : X, person(n))
    }
    await source.run()
    return source
  }
  const empty = async (source: HandSource, from = 0) => {
    for (let n = from; n < 5; n += 1) await source.noMember(G, person(n))
  }
  const after = (days: number) => new Date(Date.now() + days * 86_400_000)

  it('G17: is held once their days of grace are over, whatever was applied meanwhile', async () => {
    const source = await aScope(scope({ graceDays: 3 }))
    await empty(source)
    expect((await source.run()).users.deactivated).toBe(0)

    const plan = await source.plan({ now: after(4), everybody: true })

    expect([plan.users.deactivated, plan.held]).toEqual([5, EMPTIED])
  })

  it('G17: is held by the run after one that may remove nobody', async () => {
    const source = await aScope()
    await empty(source)
    expect((await source.run({ removalsAllowed: false })).users.deactivated).toBe(0)

    const plan = await source.plan({ everybody: true })

    expect([plan.users.deactivated, plan.held]).toEqual([5, EMPTIED])
  })

  it('G17: is held once missing people are deactivated again', async () => {
    const source = await aScope(scope({ deactivateMissingUsers: false }))
    await empty(source)
    await source.run()
    await source.set(scope())

    const plan = await source.plan()

    expect([plan.users.deactivated, plan.held]).toEqual([5, EMPTIED])
  })

  it('G17: is held while one of them lies in the recycle bin', async () => {
    const source = await aScope()
    await source.user(person(0), {}, 's')
    expect((await source.run()).held).toEqual([])
    await empty(source, 1)

    const plan = await source.plan()

    expect([plan.users.deactivated, plan.held]).toEqual([4, EMPTIED])
  })

  it('G17: is held once, and then says nothing of those who leave the other groups', async () => {
    const source = await aScope()
    await empty(source)
    expect((await source.run()).held).toEqual(EMPTIED)
    await test.db.query(`update runs set ended_at = ended_at - interval '24 hours'`)
    await source.user(person(6), { userPrincipalName: 'p6@contoso.com' })
    await source.member(X, person(6))
    await source.run()
    await source.noMember(X, person(6))

    expect((await source.run()).held).toEqual([])
    await source.member(G, person(0))
    await source.run()
    await source.noMember(G, person(0))
    expect((await source.plan()).held).toEqual(EMPTIED)
  })

  it('is not held for those whom the source takes from another one', async () => {
    const source = await aHandSource(test.db, { ...scope(), groups: { import: false } })
    const other = await aHandSource(test.db, { priority: 200 }, source.tenantId)
    for (const group of [G, X]) await source.group(group, { displayName: group })
    for (const n of [0, 1]) await source.user(person(n), { userPrincipalName: `p${n}@contoso.com` })
    await source.member(G, person(0))
    await source.member(X, person(0))
    await source.run()
    await other.user(person(1), { userPrincipalName: 'p1@contoso.com' })
    await other.run()
    await source.noMember(G, person(0))
    await source.member(X, person(1))

    const plan = await source.plan()

    expect([plan.users.takenOver, plan.held]).toEqual([1, []])
  })

  it('a selected group that never had anybody holds nothing', async () => {
    const source = await aHandSource(test.db, scope())
    for (const group of [G, X]) await source.group(group, { displayName: group })
    for (const n of [0, 1]) {
      await source.user(person(n), { userPrincipalName: `p${n}@contoso.com` })
      await source.member(X, person(n))
    }
    await source.run()
    await source.noMember(X, person(0))

    const plan = await source.plan()

    expect([plan.users.deactivated, plan.held]).toEqual([1, []])
  })

  it('G17: is held still by the run after an approval that left the removals out', async () => {
    const w = await aSyncWorld(test.db)
    worlds.push(w)
    const people = Array.from({ length: 5 }, (_, n) =>
      hire(w.tenant, { userPrincipalName: `p${n}@contoso.com`, displayName: `P${n}` }),
    )
    const group = createGroup(w.tenant, { displayName: 'All' })
    for (const { id } of people) addMember(w.tenant, group.id, id)
    await w.configure({ users: { import: { groups: [group.id] } }, groups: { import: false } })
    await w.sync()
    for (const { id } of people) removeMember(w.tenant, group.id, id)
    const held = await w.sync()
    const approve = (run: typeof held, without?: 'removals') =>
      approveRun(w.engine, {
        run: Number(run.run),
        hash: run.planHash!,
        reason: 'looked at',
        actor: { kind: 'command line', name: 'admin' },
        without,
        signal: new AbortController().signal,
        onProgress: () => {},
      })
    expect((await approve(held, 'removals')).users.deactivated).toBe(0)

    const later = await w.sync({ trigger: 'schedule' })
    const one = await w.sync({ user: people[0]!.id })

    expect([later.held?.reasons, one.held?.reasons]).toEqual([EMPTIED, EMPTIED])
    expect((await approve(later)).users.deactivated).toBe(5)
  })
})

describe('a group of 50 or more that loses everybody', () => {
  /** With so many people in G. */
  async function aGroupOf(size: number): Promise<HandSource> {
    const source = await aHandSource(test.db)
    await source.group(G, { displayName: 'G' })
    await source.users(
      Array.from({ length: size + 40 }, (_, n) => ({
        objectId: person(n),
        attributes: { userPrincipalName: `p${n}@contoso.com` },
      })),
    )
    for (let n = 0; n < size; n += 1) await source.member(G, person(n))
    await source.run()
    return source
  }
  const leave = async (source: HandSource, from: number, to: number) => {
    for (let n = from; n < to; n += 1) await source.noMember(G, person(n))
  }

  it('G17, I3: is held where it does so in two steps within a day, and not a day later', async () => {
    const source = await aGroupOf(50)
    await leave(source, 0, 30)
    expect((await source.run()).held).toEqual([])
    await leave(source, 30, 50)

    expect((await source.plan()).held).toEqual(EMPTIED)
    await test.db.query(`update runs set ended_at = ended_at - interval '24 hours'`)
    expect((await source.plan()).held).toEqual([])
  })

  it('G17, I3: is held where runs for one user did a part', async () => {
    const source = await aGroupOf(50)
    const keys = await test.db.query<{ key: number }>(
      'select key from mirror_objects where object_id = any($1) order by object_id',
      [[person(0), person(1)]],
    )
    for (const [n, { key }] of keys.rows.entries()) {
      await leave(source, n, n + 1)
      expect(await source.run({ only: [key] })).toMatchObject({ held: [], memberships: { removed: 1 } })
    }
    await leave(source, 2, 50)

    expect((await source.plan()).held).toEqual(EMPTIED)
  })

  it('G17: who left and came back within a day counts once', async () => {
    const source = await aGroupOf(49)
    await leave(source, 0, 30)
    await source.run()
    for (let n = 0; n < 30; n += 1) await source.member(G, person(n))
    await source.run()
    await leave(source, 0, 49)

    expect((await source.plan()).held).toEqual([])
  })

  it('G17: is held while one of them lies in the recycle bin', async () => {
    const source = await aGroupOf(50)
    await source.user(person(0), {}, 's')
    expect((await source.run()).held).toEqual([])
    await leave(source, 1, 50)

    expect((await source.plan()).held).toEqual(EMPTIED)
  })

  it('G17: is held where somebody comes who is deactivated', async () => {
    const source = await aGroupOf(60)
    await source.user(person(70), { accountEnabled: false })
    expect((await source.run()).users.deactivated).toBe(1)
    await leave(source, 0, 60)
    await source.member(G, person(70))

    expect((await source.plan()).held).toEqual(EMPTIED)

    await source.user(person(70), { accountEnabled: true })
    expect((await source.plan()).held).toEqual([])
  })

  it('G17: is held where the last of them is deactivated by the same plan', async () => {
    const source = await aGroupOf(50)
    await source.user(person(0), {}, 's')
    await leave(source, 1, 50)

    expect((await source.plan()).held).toEqual(EMPTIED)
  })

  it('people who were deactivated long ago make no group large', async () => {
    const source = await aGroupOf(60)
    for (let n = 0; n < 40; n += 1) await source.user(person(n), {}, 's')
    await source.run()
    await test.db.query(`update runs set ended_at = ended_at - interval '24 hours'`)
    await leave(source, 40, 60)

    expect((await source.plan()).held).toEqual([])
  })
})

it('the limit of memberships is reckoned from those of active people', async () => {
  const source = await aHandSource(test.db)
  const groups = Array.from({ length: 12 }, (_, n) => anId(900_100 + n))
  for (const group of groups) await source.group(group, { displayName: group })
  await source.users(
    Array.from({ length: 120 }, (_, n) => ({
      objectId: person(n),
      attributes: { userPrincipalName: `p${n}@contoso.com` },
    })),
  )
  await test.db.query(
    `insert into mirror_members select g.key, u.key from mirror_objects g, mirror_objects u where g.kind = 'g' and u.kind = 'u'`,
  )
  await source.run()
  for (let n = 20; n < 120; n += 1) await source.user(person(n), {}, 's')
  await source.run()
  await test.db.query(`update runs set ended_at = ended_at - interval '24 hours'`)
  const leave = async (from: number, to: number) => {
    for (const group of groups.slice(0, 6)) for (let n = from; n < to; n += 1) await source.noMember(group, person(n))
  }
  // 1,440 memberships, of which 240 are those of active people: the limit is 100 and not 144.
  await leave(0, 17)

  expect((await source.plan()).held).toEqual([{ rule: 'memberships', count: 102, limit: 100 }])
})

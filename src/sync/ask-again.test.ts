// What Graph did not answer for single objects is asked again, ever more seldom, and heals without a full compare.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { aSyncWorld, registryView, type SyncWorld, type SyncWorldOptions } from '../../test/support/world.ts'
import { systemClock } from '../base/clock.ts'
import { createMovableClock, type MovableClock } from '../emulator/clock.ts'
import { addMember, createGroup } from '../emulator/memberships.ts'
import { hire, update } from '../emulator/operations.ts'
import { listIssues } from '../registry/issues.ts'

const MINUTE = 60_000

let test: TestDatabase
let clock: MovableClock
const worlds: SyncWorld[] = []
beforeAll(async () => {
  test = await createTestDatabase()
})
afterAll(() => test.drop())
beforeEach(async () => {
  await test.empty()
  clock = createMovableClock(systemClock)
})
afterEach(async () => {
  for (const world of worlds.splice(0)) await world.stop()
})

async function world(options: SyncWorldOptions = {}): Promise<SyncWorld> {
  const made = await aSyncWorld(test.db, { clock, ...options })
  worlds.push(made)
  return made
}

/** A group that shows its members to apps with Member.Read.Hidden only, and somebody in it. */
function hiddenGroup(w: SyncWorld) {
  const user = hire(w.tenant, { userPrincipalName: 'ada@contoso.com' })
  const group = createGroup(w.tenant, {
    displayName: 'Hidden',
    groupTypes: ['Unified'],
    visibility: 'HiddenMembership',
  })
  addMember(w.tenant, group.id, user.id)
  return { user, group }
}

/** Runs by delta so often, so far apart; answers the requests of each. */
async function every(w: SyncWorld, minutes: number, times: number): Promise<number[]> {
  const requests: number[] = []
  for (let i = 0; i < times; i += 1) {
    clock.advance(minutes * MINUTE)
    const document = await w.sync()
    expect(document).toMatchObject({ mode: 'delta', error: null })
    // A batch is one request.
    requests.push(document.graph.requests)
  }
  return requests
}

describe('a group whose members are hidden', () => {
  it('is asked again after 15 minutes, then twice as long each time, a day at most; in between a delta costs 2 requests', async () => {
    const w = await world()
    hiddenGroup(w)
    await w.sync()

    const requests = await every(w, 16, 16)

    // Asked at 16, 48 (30 later), 112 (60 later) and 240 minutes (120 later).
    expect(requests.map((count) => count > 2)).toEqual(
      [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16].map((n) => [1, 3, 7, 15].includes(n)),
    )
    expect(Math.max(...requests)).toBe(3)
    const pauses = await test.db.query<{ tries: number }>('select tries from mirror_retries')
    expect(pauses.rows).toEqual([{ tries: 4 }])
    await every(w, 24 * 60 + 1, 7)
    const { rows } = await test.db.query<{ tries: number; minutes: number }>(
      `select tries, extract(epoch from next_try_at - $1)::int / 60 as minutes from mirror_retries`,
      [clock.now()],
    )
    expect(rows[0]!.tries).toBe(11)
    expect(rows[0]!.minutes).toBeGreaterThan(24 * 60 - 5)
    expect(rows[0]!.minutes).toBeLessThanOrEqual(24 * 60)
  })

  it('G12: heals within a day when the permission is granted, and is forgotten', async () => {
    const w = await world()
    const { group, user } = hiddenGroup(w)
    expect(await w.sync()).toMatchObject({ issues: [{ code: 'membership-unknown', objectId: group.id }] })
    await every(w, 60, 10)
    expect((await registryView(test.db)).memberships).toEqual([])
    w.emulator.grantRoles(w.hosted.app, ['Member.Read.Hidden'])

    await every(w, 60, 24)

    expect((await registryView(test.db)).memberships).toEqual([`${group.id} ${user.id}`])
    expect(await listIssues(test.db, { limit: 10 })).toEqual([])
    expect((await test.db.query('select from mirror_retries')).rowCount).toBe(0)
    expect((await every(w, 60, 1))[0]).toBe(2)
  })

  it('is asked at once by a full compare', async () => {
    const w = await world()
    const { group, user } = hiddenGroup(w)
    await w.sync()
    w.emulator.grantRoles(w.hosted.app, ['Member.Read.Hidden'])

    await w.sync({ mode: 'full' })

    expect((await registryView(test.db)).memberships).toEqual([`${group.id} ${user.id}`])
    expect((await test.db.query('select from mirror_retries')).rowCount).toBe(0)
  })

  it('many of them are asked together: 30 groups cost 2 requests', async () => {
    const w = await world()
    for (let i = 0; i < 30; i += 1)
      createGroup(w.tenant, { displayName: `Hidden ${i}`, groupTypes: ['Unified'], visibility: 'HiddenMembership' })
    await w.sync()

    expect(await every(w, 16, 2)).toEqual([4, 2])
  })
})

describe('a selected group that is not there', () => {
  it('is looked for again with growing pauses, and imported from when it is found without a word in the feed', async () => {
    const w = await world()
    const user = hire(w.tenant, { userPrincipalName: 'ada@contoso.com' })
    const group = createGroup(w.tenant, { displayName: 'Staff' })
    addMember(w.tenant, group.id, user.id)
    await w.sync()
    await w.configure({ users: { import: { groups: [group.id] } } })
    // As after a change that Graph lost: the mirror has never heard of it.
    await test.db.query('delete from mirror_members')
    await test.db.query('delete from mirror_objects where object_id = $1', [group.id])

    expect(await w.sync()).toMatchObject({ issues: [{ code: 'scope-group-missing', objectId: group.id }] })
    expect((await every(w, 5, 1))[0]).toBe(2)
    expect((await registryView(test.db)).users[user.id]).toMatchObject({ active: true })
    await every(w, 16, 1)

    expect(w.requests().length).toBeGreaterThan(2)
    expect(await listIssues(test.db, { limit: 10 })).toEqual([])
    update(w.tenant, user.id, { displayName: 'Ada' })
    await w.sync()
    expect((await registryView(test.db)).users[user.id]).toMatchObject({ active: true, fullName: 'Ada' })
  })

  it('that there never was costs one request when its time has come', async () => {
    const w = await world({
      users: 3,
      settings: { users: { import: { groups: ['00000000-0000-4000-8000-000000000001'] } } },
    })
    await w.sync()

    expect(await every(w, 16, 4)).toEqual([3, 2, 3, 2])
  })
})

describe('issues', () => {
  it('tell since when they are there, how often they were met, and when Graph is asked again', async () => {
    const w = await world()
    const { group } = hiddenGroup(w)
    hire(w.tenant, { userPrincipalName: 'a@contoso.com', displayName: 'A' })
    await w.configure({ users: { properties: { userName: 'department' } } })
    await w.sync()
    const first = await listIssues(test.db, { limit: 10 })

    await every(w, 5, 3)

    const issues = await listIssues(test.db, { limit: 10 })
    const of = (code: string) => issues.find((issue) => issue.code === code)!
    expect(issues.map((issue) => issue.tries)).toEqual(issues.map(() => 4))
    const since = (all: typeof issues) => new Map(all.map((issue) => [issue.code, issue.openedAt]))
    expect(since(issues)).toEqual(since(first))
    expect(of('membership-unknown')).toMatchObject({ objectId: group.id, nextTryAt: expect.any(Date) })
    expect(of('user-name-empty').nextTryAt).toBeNull()
    expect(of('user-name-empty').seenAt.getTime()).toBeGreaterThan(of('user-name-empty').openedAt.getTime())
  })
})

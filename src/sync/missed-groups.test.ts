// Groups and people that were listed and are not there when they are asked about: by a fault of Graph, because they are too new for the
// server that is asked, or because they have just been removed. Nothing of them is dropped in silence.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { aSyncWorld, registryView, type SyncWorld } from '../../test/support/world.ts'
import { systemClock } from '../base/clock.ts'
import { createMovableClock, type MovableClock } from '../emulator/clock.ts'
import { addMember, createGroup, removeMember } from '../emulator/memberships.ts'
import type { DirectoryObject } from '../emulator/object.ts'
import { hire, remove, restore } from '../emulator/operations.ts'
import { listIssues } from '../registry/issues.ts'

const MEMBERS = '/groups/*/members'

let test: TestDatabase
let clock: MovableClock
let w: SyncWorld
let ann: DirectoryObject
let bob: DirectoryObject
let staff: DirectoryObject
/** Done once, when a page of groups has been answered. */
let afterGroups: (() => void) | undefined

beforeAll(async () => {
  test = await createTestDatabase()
})
afterAll(() => test.drop())
beforeEach(async () => {
  await test.empty()
  clock = createMovableClock(systemClock)
  afterGroups = undefined
  w = await aSyncWorld(test.db, {
    clock,
    fetch: (inner) => async (input, init) => {
      const answer = await inner(input, init)
      if (/\/groups\?/.test(new Request(input, init).url)) {
        afterGroups?.()
        afterGroups = undefined
      }
      return answer
    },
  })
  ann = hire(w.tenant, { userPrincipalName: 'ann@contoso.com' })
  bob = hire(w.tenant, { userPrincipalName: 'bob@contoso.com' })
  staff = createGroup(w.tenant, { displayName: 'Staff' })
  addMember(w.tenant, staff.id, ann.id)
})
afterEach(async () => {
  await w.stop()
})

const membersOfStaff = async () => {
  const { memberships } = await registryView(test.db)
  return [ann, bob].filter((user) => memberships.includes(`${staff.id} ${user.id}`)).map((user) => user.id)
}

describe('a group that is not there when its members are asked for', () => {
  it('S11: is asked once more by a first load, when the changes since have been read', async () => {
    w.emulator.faults.add({ kind: 'status', status: 404, path: MEMBERS, count: 1 })

    expect(await w.sync()).toMatchObject({ outcome: 'applied', issues: [] })

    expect(await membersOfStaff()).toEqual([ann.id])
  })

  it('S11: is asked once more by a full compare, whose links know nothing of what came before', async () => {
    await w.sync()
    addMember(w.tenant, staff.id, bob.id)
    w.emulator.faults.add({ kind: 'delta-expired', path: /^\/groups\/delta/, count: 1 })
    w.emulator.faults.add({ kind: 'status', status: 404, path: MEMBERS, count: 1 })

    expect(await w.sync()).toMatchObject({ mode: 'full', outcome: 'applied', issues: [] })

    expect((await membersOfStaff()).toSorted()).toEqual([ann.id, bob.id].toSorted())
  })

  it('S11: is of unknown members where it is not there again, with an issue, and heals by delta', async () => {
    const fault = w.emulator.faults.add({ kind: 'status', status: 404, path: MEMBERS })

    expect(await w.sync()).toMatchObject({ issues: [{ code: 'membership-unknown', objectId: staff.id }] })
    expect(await membersOfStaff()).toEqual([])
    fault.remove()
    clock.advance(16 * 60_000)
    expect(await w.sync()).toMatchObject({ mode: 'delta', memberships: { added: 1, removed: 0 } })

    expect(await membersOfStaff()).toEqual([ann.id])
    expect(await listIssues(test.db, { limit: 10 })).toEqual([])
  })

  it('S11: loses what it gave once its removal is told, and gives who is in it when it is back', async () => {
    addMember(w.tenant, staff.id, bob.id)
    await w.sync()
    const fault = w.emulator.faults.add({ kind: 'status', status: 404, path: MEMBERS })
    expect(await w.sync({ mode: 'full' })).toMatchObject({
      issues: [{ code: 'membership-unknown' }],
      memberships: { removed: 0 },
    })
    fault.remove()
    remove(w.tenant, staff.id)

    expect(await w.sync()).toMatchObject({ groups: { deleted: 1 }, memberships: { removed: 2 }, issues: [] })

    restore(w.tenant, staff.id)
    removeMember(w.tenant, staff.id, bob.id)
    await w.sync()
    expect(await membersOfStaff()).toEqual([ann.id])
  })

  it('is no issue where it has really been removed', async () => {
    afterGroups = () => remove(w.tenant, staff.id)

    expect(await w.sync()).toMatchObject({ outcome: 'applied', groups: { created: 0 }, issues: [] })

    expect((await test.db.query('select from mirror_rereads')).rowCount).toBe(0)
  })

  it('S11: of which a change tells somebody new is read as a whole, for he is not all of its members', async () => {
    const fault = w.emulator.faults.add({ kind: 'status', status: 404, path: MEMBERS })
    await w.sync()
    fault.remove()
    addMember(w.tenant, staff.id, bob.id)

    await w.sync()

    expect((await membersOfStaff()).toSorted()).toEqual([ann.id, bob.id].toSorted())
    expect(await listIssues(test.db, { limit: 10 })).toEqual([])
  })
})

it('S11: somebody who is back, and unknown when his groups are asked for, is asked about again by the next run', async () => {
  await w.sync()
  remove(w.tenant, ann.id)
  await w.sync({ mode: 'full' })
  // As after a full load that never saw him there.
  await test.db.query('delete from mirror_members')
  restore(w.tenant, ann.id)
  w.emulator.faults.add({ kind: 'status', status: 404, path: '/users/*/transitiveMemberOf', count: 1 })
  await w.sync()
  expect((await test.db.query('select from mirror_members')).rowCount).toBe(0)

  await w.sync()

  expect((await test.db.query('select from mirror_members')).rowCount).toBe(1)
  expect((await test.db.query('select from mirror_rereads')).rowCount).toBe(0)
  expect(await membersOfStaff()).toEqual([ann.id])
})

import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { aPulledSource, type PulledOptions, type PulledSource, truthOf } from '../../test/support/pulled.ts'
import { createTestVault } from '../../test/support/vault.ts'
import { addMember, createGroup, removeMember, renameGroup } from '../emulator/memberships.ts'
import { disable, hire, purge, remove, rename, restore, setManager, update } from '../emulator/operations.ts'
import type { DirectoryObject } from '../emulator/object.ts'
import type { Vault } from '../vault/keys.ts'

const DAY_MS = 86_400_000
const MINUTE_MS = 60_000

let test: TestDatabase
let at: { db: TestDatabase['db']; vault: Vault }
beforeAll(async () => {
  test = await createTestDatabase()
  at = { db: test.db, vault: await createTestVault(test.db) }
})
afterAll(() => test.drop())

/** A source that has read its tenant and whose registry reflects it. Two groups that take anybody are added. */
async function aLoadedSource(options: PulledOptions = {}): Promise<
  PulledSource & {
    readonly people: readonly DirectoryObject[]
    readonly red: DirectoryObject
    readonly blue: DirectoryObject
  }
> {
  const source = await aPulledSource(at, { users: 40, groups: 4, memberships: 60, ...options })
  const red = createGroup(source.tenant, { displayName: 'red' })
  const blue = createGroup(source.tenant, { displayName: 'blue' })
  const people = [...source.tenant.live('user')]
  for (const user of people.slice(0, 5)) addMember(source.tenant, red.id, user.id)
  await source.pull()
  await source.forgetMarks()
  source.world.emulator.clearRequests()
  return Object.assign(source, { people, red, blue })
}

/** Graph requests since the last clearing; a batch is one. */
function outer(source: PulledSource): string[] {
  const graph = source.world.emulator.requests.filter((r) => r.service === 'graph' && r.batch === undefined)
  return graph.map((r) => `${r.method} ${r.path.split('?')[0]}`)
}

async function isMember(source: PulledSource, groupId: string, memberId: string): Promise<boolean> {
  const rows = await source.query(
    `select 1 from mirror_members m join mirror_objects g on g.key = m.group_key join mirror_objects u on u.key = m.member_key
     where g.source_id = $1 and g.object_id = $2 and u.object_id = $3`,
    [source.id, groupId, memberId],
  )
  return rows.length > 0
}

async function expectTruth(source: PulledSource): Promise<void> {
  expect(await source.mirror()).toEqual(truthOf(source.tenant, source.needs))
}

describe('a round of changes', () => {
  it('costs exactly two requests and marks nothing when nothing has changed', async () => {
    await using source = await aLoadedSource()

    const result = await source.pull()

    expect(result).toMatchObject({ mode: 'delta', resync: undefined, usersRead: 0, groupsRead: 0, removals: 'allowed' })
    expect(outer(source).sort()).toEqual(['GET /groups/delta', 'GET /users/delta'])
    expect(await source.marks()).toEqual([])
    expect(await source.memberMarks()).toEqual([])
  })

  it('marks what changed and nothing else', async () => {
    await using source = await aLoadedSource()
    const { tenant, people, red, blue } = source
    rename(tenant, people[7]!.id, 'renamed@contoso.com')
    disable(tenant, people[8]!.id)
    renameGroup(tenant, blue.id, 'navy')
    addMember(tenant, red.id, people[9]!.id)
    removeMember(tenant, red.id, people[0]!.id)
    const hired = hire(tenant, { userPrincipalName: 'new@contoso.com', department: 'Sales' })

    await source.pull()

    await expectTruth(source)
    expect(await source.marks()).toEqual([people[7]!.id, people[8]!.id, blue.id, hired.id].sort())
    expect(await source.memberMarks()).toEqual([`${red.id} > ${people[0]!.id}`, `${red.id} > ${people[9]!.id}`].sort())
  })

  it('S10: null clears an attribute, and what is left out stays', async () => {
    await using source = await aLoadedSource()
    const { tenant, people } = source
    update(tenant, people[3]!.id, { department: 'Sales', employeeId: 'E1' })
    await source.pull()
    update(tenant, people[3]!.id, { department: null })

    await source.pull()

    const { users } = await source.mirror()
    expect(users[people[3]!.id]).not.toHaveProperty('department')
    expect(users[people[3]!.id]).toHaveProperty('employeeId', 'E1')
    await expectTruth(source)
  })

  it('S7 G7: a deleted user is soft-deleted, and gone only when the recycle bin has forgotten him', async () => {
    await using source = await aLoadedSource()
    const [first] = source.people
    remove(source.tenant, first!.id)
    await source.pull()
    expect(await source.state(first!.id)).toBe('s')
    expect(
      await source.query(
        'select 1 from mirror_members m join mirror_objects o on o.key = m.member_key where o.object_id = $1 and o.source_id = $2',
        [first!.id, source.id],
      ),
    ).not.toEqual([])
    purge(source.tenant, first!.id)

    const result = await source.pull()

    expect(result).toMatchObject({ removals: 'allowed', issues: [] })
    expect(await source.state(first!.id)).toBe('x')
    expect(
      await source.query(
        'select 1 from mirror_members m join mirror_objects o on o.key = m.member_key where o.object_id = $1 and o.source_id = $2',
        [first!.id, source.id],
      ),
    ).toEqual([])
    await expectTruth(source)
  })

  it('G8: who left a group and who was deleted look alike in groups/delta: only users/delta tells them apart', async () => {
    await using source = await aLoadedSource()
    const { tenant, red } = source
    const [left, deleted] = source.people
    for (const { id } of [left!, deleted!]) expect(await isMember(source, red.id, id)).toBe(true)
    removeMember(tenant, red.id, left!.id)
    remove(tenant, deleted!.id)
    // As Graph says it of both, whatever happened to them.
    const gone = (id: string) => ({ '@odata.type': '#microsoft.graph.user', id, '@removed': { reason: 'deleted' } })
    const entry = { id: red.id, 'members@delta': [gone(left!.id), gone(deleted!.id)] }

    const result = await source.pull({ fetch: answering(source, { path: /groups\/delta/, feed: entry }) })

    expect(result).toMatchObject({ removals: 'allowed', issues: [] })
    expect([await source.state(left!.id), await source.state(deleted!.id)]).toEqual(['l', 's'])
    expect(await isMember(source, red.id, left!.id)).toBe(false)
    const live = [...tenant.live('user')].map(({ id }) => id)
    expect(live).toContain(left!.id)
  })

  it('G8: a user purged without a word in groups/delta loses his memberships', async () => {
    await using source = await aLoadedSource()
    source.tenant.behaviour.hardDeleteGroupEvent = false
    const [first] = source.people
    purge(source.tenant, first!.id)

    await source.pull()

    expect(await source.state(first!.id)).toBe('x')
    expect(await source.memberMarks()).toContain(`${source.red.id} > ${first!.id}`)
    await expectTruth(source)
  })

  it('D3: somebody who comes back from the recycle bin brings his memberships, though groups/delta is silent', async () => {
    await using source = await aLoadedSource()
    const { tenant, people, red, blue } = source
    remove(tenant, people[0]!.id)
    await source.pull()
    restore(tenant, people[0]!.id, { newUserPrincipalName: 'back@contoso.com' })

    await source.pull()

    expect(await source.state(people[0]!.id)).toBe('l')
    expect((await source.mirror()).members).toContain(`${red.id} > ${people[0]!.id}`)
    await expectTruth(source)
    addMember(tenant, blue.id, people[0]!.id)
    await source.pull()
    await expectTruth(source)
  })

  it('somebody who was in the recycle bin before the first load brings his memberships too', async () => {
    await using source = await aPulledSource(at, { users: 20, groups: 2, memberships: 20 })
    const group = createGroup(source.tenant, { displayName: 'red' })
    const [first] = [...source.tenant.live('user')]
    addMember(source.tenant, group.id, first!.id)
    remove(source.tenant, first!.id)
    source.world.emulator.clock.advance(DAY_MS)
    await source.pull()
    restore(source.tenant, first!.id)

    await source.pull()

    expect((await source.mirror()).members).toContain(`${group.id} > ${first!.id}`)
    await expectTruth(source)
  })

  it('D3: hired, put into a group and deleted shortly before the first load, then restored, he brings his memberships', async () => {
    await using source = await aPulledSource(at, { users: 20, groups: 2, memberships: 20 })
    const group = createGroup(source.tenant, { displayName: 'red' })
    const ann = hire(source.tenant, { userPrincipalName: 'ann@contoso.com' })
    addMember(source.tenant, group.id, ann.id)
    remove(source.tenant, ann.id)
    source.world.emulator.clock.advance(MINUTE_MS)
    await source.pull()
    restore(source.tenant, ann.id)

    await source.pull()

    expect((await source.mirror()).members).toContain(`${group.id} > ${ann.id}`)
    await expectTruth(source)
  })

  it('a group that comes back brings its members', async () => {
    await using source = await aLoadedSource()
    remove(source.tenant, source.red.id)
    await source.pull()
    expect(await source.state(source.red.id)).toBe('x')
    restore(source.tenant, source.red.id)

    await source.pull()

    await expectTruth(source)
  })

  it('asks nobody anew for people who were hired since', async () => {
    await using source = await aLoadedSource()
    source.world.emulator.clock.advance(DAY_MS / 24 / 2)
    hire(source.tenant, { userPrincipalName: 'new@contoso.com' })

    await source.pull()

    expect(outer(source)).toHaveLength(2)
  })

  it('G18: a deleted group is gone when it answers 404, and says nothing about its members', async () => {
    await using source = await aLoadedSource()
    remove(source.tenant, source.red.id)

    const result = await source.pull()

    expect(result.removals).toBe('allowed')
    expect(await source.state(source.red.id)).toBe('x')
    for (const user of source.people.slice(0, 5)) expect(await source.state(user.id)).toBe('l')
  })

  it('contradiction: a removal that Graph denies when asked by id removes nobody', async () => {
    await using source = await aLoadedSource()
    const [first] = source.people
    const fetch = answering(source, {
      // the bodies of this feed say that somebody was deleted who is there
      feed: { id: first!.id, '@removed': { reason: 'deleted' } },
    })

    const result = await source.pull({ fetch })

    expect(result.removals).toBe('contradicted')
    expect(result.issues).toEqual([expect.objectContaining({ code: 'listing-contradicted', objectId: first!.id })])
    expect(await source.state(first!.id)).toBe('l')
    await expectTruth(source)
  })

  it('G7: an undocumented reason is proven like any other, and strangers are ignored', async () => {
    await using source = await aLoadedSource()
    const [first] = source.people
    remove(source.tenant, first!.id)
    const stranger = '77777777-7777-4777-8777-777777777777'
    const fetch = answering(source, { feed: { id: stranger, '@removed': { reason: 'whatever' } } })

    await source.pull({ fetch })

    expect(await source.state(stranger)).toBeUndefined()
    expect(await source.state(first!.id)).toBe('s')
  })

  it('G9 S11: a membership of somebody unknown is kept until he appears', async () => {
    await using source = await aLoadedSource()
    const { tenant, red } = source
    const hired = hire(tenant, { userPrincipalName: 'late@contoso.com' })
    addMember(tenant, red.id, hired.id)
    // the users feed lags behind the groups feed
    const fetch = answering(source, { withhold: hired.id })
    await source.pull({ fetch })
    expect(await source.state(hired.id)).toBe('?')
    await source.forgetMarks()
    update(tenant, hired.id, { department: 'Sales' })

    await source.pull()

    await expectTruth(source)
    expect(await source.marks()).toEqual([hired.id])
    expect(await source.memberMarks()).toEqual([`${red.id} > ${hired.id}`])
  })

  it('D19: somebody who moves between groups in one round is in the new one only', async () => {
    await using source = await aLoadedSource()
    const { tenant, people, red, blue } = source
    removeMember(tenant, red.id, people[0]!.id)
    addMember(tenant, blue.id, people[0]!.id)
    removeMember(tenant, red.id, people[1]!.id)
    addMember(tenant, red.id, people[1]!.id)

    await source.pull()

    const { members } = await source.mirror()
    expect(members).toContain(`${blue.id} > ${people[0]!.id}`)
    expect(members).not.toContain(`${red.id} > ${people[0]!.id}`)
    expect(members).toContain(`${red.id} > ${people[1]!.id}`)
    expect(await source.marks()).toEqual([])
    await expectTruth(source)
  })

  it('G5: a large group in many slices, with others between them, is put together', async () => {
    await using source = await aLoadedSource({ users: 300, groups: 6, memberships: 400 })
    Object.assign(source.tenant.behaviour, { deltaMembersPerPage: 20, deltaPageSize: 7, interleaveGroups: true })
    for (const user of source.people.slice(10, 260)) addMember(source.tenant, source.blue.id, user.id)
    for (const user of source.people.slice(50, 150)) addMember(source.tenant, source.red.id, user.id)

    await source.pull()

    expect(outer(source).filter((path) => path === 'GET /groups/delta').length).toBeGreaterThan(10)
    await expectTruth(source)
  })

  it('S2 G13: pages may be empty', async () => {
    await using source = await aLoadedSource()
    Object.assign(source.tenant.behaviour, { deltaPageSize: 3, emptyDeltaPages: 0.9 })
    for (const user of source.people) update(source.tenant, user.id, { department: 'moved' })

    await source.pull()

    expect(source.tenant.behaviour.fired.emptyDeltaPages).toBeGreaterThan(2)
    await expectTruth(source)
  })

  it('S5 G4: repeated objects, replays and contradicting orders of one membership end in the truth', async () => {
    await using source = await aLoadedSource({ settings: { users: { properties: { manager: 'manager' } } } })
    const { tenant, people, red } = source
    Object.assign(tenant.behaviour, {
      deltaPageSize: 4,
      objectRepeatedInPage: 1,
      replayChanges: 30,
      addAndRemoveOrder: 'both',
      managerRepeat: true,
    })
    for (const [i, user] of people.entries()) update(tenant, user.id, { department: `d${i}` })
    for (const user of people.slice(1, 9)) setManager(tenant, user.id, people[0]!.id)
    removeMember(tenant, red.id, people[2]!.id)
    addMember(tenant, red.id, people[20]!.id)

    await source.pull()

    expect(tenant.behaviour.fired.objectRepeatedInPage).toBeGreaterThan(0)
    expect(tenant.behaviour.fired.managerRepeat).toBeGreaterThan(0)
    await expectTruth(source)
    await source.pull()
    await expectTruth(source)
  })

  it('G6: a group that comes without members has not lost them', async () => {
    await using source = await aLoadedSource()
    renameGroup(source.tenant, source.red.id, 'crimson')

    await source.pull()

    await expectTruth(source)
    expect(await source.memberMarks()).toEqual([])
  })

  it('marks whom a renamed manager manages', async () => {
    await using source = await aLoadedSource({ settings: { users: { properties: { manager: 'manager' } } } })
    const { tenant, people } = source
    setManager(tenant, people[11]!.id, people[10]!.id)
    await source.pull()
    await source.forgetMarks()
    update(tenant, people[10]!.id, { displayName: 'Another Name' })

    await source.pull()

    expect(await source.marks()).toEqual(expect.arrayContaining([people[10]!.id, people[11]!.id]))
  })

  it('G11 L16: attributes that a page leaves out are kept', async () => {
    await using source = await aLoadedSource()
    const before = await source.mirror()
    for (const user of source.people) update(source.tenant, user.id, { displayName: `New ${user.no}` })
    source.world.emulator.faults.add({ kind: 'missing-properties', keep: ['displayName'], path: /^\/users\/delta/ })

    await source.pull()

    const after = await source.mirror()
    for (const user of source.people) {
      expect(after.users[user.id]).toEqual({ ...(before.users[user.id] as object), displayName: `New ${user.no}` })
    }
  })

  it('L15: a feed that never ends fails the run and loses nothing', async () => {
    await using source = await aLoadedSource()
    update(source.tenant, source.people[0]!.id, { department: 'moved' })
    Object.assign(source.tenant.behaviour, { deltaPageSize: 1 })
    update(source.tenant, source.people[1]!.id, { department: 'moved' })
    const fault = source.world.emulator.faults.add({ kind: 'repeat-link', path: /^\/users\/delta/ })

    await expect(source.pull()).rejects.toMatchObject({ code: 'paging-loop' })
    fault.remove()
    await source.pull()

    await expectTruth(source)
  })

  it('S3: the delta link becomes current with the last page of its round, never earlier', async () => {
    await using source = await aLoadedSource()
    Object.assign(source.tenant.behaviour, { deltaPageSize: 5 })
    for (const user of source.people) update(source.tenant, user.id, { department: 'moved' })
    const links = () =>
      source.query<{ users_delta_link: string; users_page_link: string | null }>(
        'select users_delta_link, users_page_link from mirror_rounds where source_id = $1',
        [source.id],
      )
    const [before] = await links()
    let pages = 0
    const fetch: typeof globalThis.fetch = async (input, init) => {
      if (/users\/delta/.test(new Request(input, init).url) && ++pages === 4) throw new TypeError('cut')
      return source.world.emulator.fetch(input, init)
    }

    await source.pull({ fetch })

    // the cut is retried by the client: the round is complete, and its link another one
    const [after] = await links()
    expect(after!.users_delta_link).not.toBe(before!.users_delta_link)
    expect(after!.users_page_link).toBeNull()
    await expectTruth(source)
  })

  it('L17: a round cut short keeps its old link and goes on at its page', async () => {
    await using source = await aLoadedSource()
    Object.assign(source.tenant.behaviour, { deltaPageSize: 5 })
    for (const user of source.people) update(source.tenant, user.id, { department: 'moved' })
    remove(source.tenant, source.people[3]!.id)
    const read = () =>
      source.query<{ users_delta_link: string; users_page_link: string | null }>(
        'select users_delta_link, users_page_link from mirror_rounds where source_id = $1',
        [source.id],
      )
    const [before] = await read()
    const controller = new AbortController()
    let pages = 0
    const fetch: typeof globalThis.fetch = async (input, init) => {
      if (/users\/delta/.test(new Request(input, init).url) && ++pages === 4) controller.abort()
      return source.world.emulator.fetch(input, init)
    }
    await expect(source.pull({ fetch, signal: controller.signal })).rejects.toMatchObject({ code: 'cancelled' })
    const [cut] = await read()
    source.world.emulator.clearRequests()

    await source.pull()

    expect(cut!.users_delta_link).toBe(before!.users_delta_link)
    expect(cut!.users_page_link).not.toBeNull()
    const first = source.world.emulator.requests.find((r) => r.path.startsWith('/users/delta'))
    expect(cut!.users_page_link).toContain(first!.path.split('=').at(-1))
    expect(await source.state(source.people[3]!.id)).toBe('s')
    await expectTruth(source)
  })

  it('G1 S13: state that Graph has forgotten becomes a full round by name', async () => {
    await using source = await aLoadedSource()
    remove(source.tenant, source.people[0]!.id)
    purge(source.tenant, source.people[1]!.id)
    hire(source.tenant, { userPrincipalName: 'new@contoso.com' })
    source.world.emulator.clock.advance(8 * DAY_MS)

    const result = await source.pull()

    expect(result).toMatchObject({ mode: 'full', resync: 'syncStateNotFound', removals: 'allowed' })
    expect(await source.state(source.people[0]!.id)).toBe('s')
    expect(await source.state(source.people[1]!.id)).toBe('x')
    await expectTruth(source)
    source.world.emulator.clearRequests()
    expect(await source.pull()).toMatchObject({ mode: 'delta' })
    expect(outer(source)).toHaveLength(2)
  })

  it('G2 S13: a reset with a Location is a full round too, from our own addresses', async () => {
    await using source = await aLoadedSource()
    const elsewhere = 'https://graph.evil.example/v1.0/users/delta?$deltatoken='
    source.world.emulator.faults.add({ kind: 'delta-reset', location: elsewhere, path: /^\/users\/delta/, count: 1 })
    hire(source.tenant, { userPrincipalName: 'new@contoso.com' })

    const result = await source.pull()

    expect(result.mode).toBe('full')
    expect(result.resync).toBeDefined()
    expect(source.world.emulator.strayRequests).toEqual([])
    await expectTruth(source)
  })

  it('S13: no other failure becomes a full round', async () => {
    await using source = await aLoadedSource()
    source.world.emulator.faults.add({ kind: 'status', status: 400, code: 'Request_BadRequest', path: /delta/ })

    await expect(source.pull()).rejects.toMatchObject({ code: 'bad-request' })

    expect(outer(source).some((path) => path === 'GET /users')).toBe(false)
  })

  it('hidden groups whose members may not be read are unknown, and freed by permission', async () => {
    await using source = await aLoadedSource({ hiddenGroups: 2 })
    const unknown = () =>
      source.query<{ object_id: string }>(
        'select object_id from mirror_objects where source_id = $1 and members_unknown',
        [source.id],
      )
    expect(await unknown()).toHaveLength(2)
    source.world.emulator.grantRoles(source.world.hosted.app, ['Member.Read.Hidden'])
    // a new permission shows in new tokens only
    source.world.emulator.clock.advance(DAY_MS / 12)

    await source.pull({ mode: 'full' })

    expect(await unknown()).toEqual([])
    await expectTruth(source)
  })
})

/** The emulator, but that its users/delta, or what `path` says, also tells `feed`, or leaves out `withhold`. */
function answering(
  source: PulledSource,
  change: { readonly feed?: object; readonly withhold?: string; readonly path?: RegExp },
): typeof globalThis.fetch {
  const path = change.path ?? /users\/delta/
  return async (input, init) => {
    const answer = await source.world.emulator.fetch(input, init)
    if (!path.test(new Request(input, init).url)) return answer
    const body = (await answer.json()) as { value: { id: string }[] }
    const value = [...body.value.filter((entry) => entry.id !== change.withhold), ...(change.feed ? [change.feed] : [])]
    return new Response(JSON.stringify({ ...body, value }), { status: answer.status, headers: answer.headers })
  }
}

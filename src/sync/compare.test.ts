import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { aPulledSource, type PulledOptions, type PulledSource, truthOf, WITH_CARDS } from '../../test/support/pulled.ts'
import { createTestVault } from '../../test/support/vault.ts'
import { addMember, createGroup, removeMember } from '../emulator/memberships.ts'
import { hire, purge, remove, rename, restore, update } from '../emulator/operations.ts'
import type { DirectoryObject } from '../emulator/object.ts'
import type { Vault } from '../vault/keys.ts'

const DAY_MS = 86_400_000
const CARD = 'onPremisesExtensionAttributes.extensionAttribute5'

let test: TestDatabase
let at: { db: TestDatabase['db']; vault: Vault }
beforeAll(async () => {
  test = await createTestDatabase()
  at = { db: test.db, vault: await createTestVault(test.db) }
})
afterAll(() => test.drop())

type Loaded = PulledSource & { readonly people: readonly DirectoryObject[]; readonly red: DirectoryObject }

/** A source that has read its tenant and whose registry reflects it. Everybody but two is in `red`. */
async function aLoadedSource(options: PulledOptions = {}): Promise<Loaded> {
  const source = await aPulledSource(at, { users: 40, groups: 4, memberships: 60, ...options })
  const red = createGroup(source.tenant, { displayName: 'red' })
  const people = [...source.tenant.live('user')]
  for (const user of people.slice(2)) addMember(source.tenant, red.id, user.id)
  await source.pull()
  await source.forgetMarks()
  source.world.emulator.clearRequests()
  return Object.assign(source, { people, red })
}

/** The emulator's answers, with something done the first time that `path` has been answered. */
function doing(source: PulledSource, path: RegExp, work: () => void): { fetch: typeof fetch } {
  let done = false
  return {
    async fetch(input, init) {
      const request = new Request(input, init)
      const isIt = path.test(`${request.method} ${decodeURIComponent(request.url)}`)
      const answer = await source.world.emulator.fetch(input, init)
      if (!done && isIt) {
        done = true
        work()
      }
      return answer
    },
  }
}

/** The emulator's answers with the bodies of lists of users altered. */
function listing(source: PulledSource, alter: (value: { id: string }[]) => object[]): typeof globalThis.fetch {
  return async (input, init) => {
    const answer = await source.world.emulator.fetch(input, init)
    if (!/\/users\?/.test(new Request(input, init).url)) return answer
    const body = (await answer.json()) as { value: { id: string }[] }
    return new Response(JSON.stringify({ ...body, value: alter(body.value) }), answer)
  }
}

async function expectTruth(source: PulledSource): Promise<void> {
  expect(await source.mirror()).toEqual(truthOf(source.tenant, source.needs))
}

async function isMember(source: PulledSource, groupId: string, memberId: string): Promise<boolean> {
  const rows = await source.query(
    `select 1 from mirror_members m join mirror_objects g on g.key = m.group_key
     join mirror_objects u on u.key = m.member_key
     where g.source_id = $1 and g.object_id = $2 and u.object_id = $3`,
    [source.id, groupId, memberId],
  )
  return rows.length > 0
}

describe('a full compare', () => {
  it('of an unchanged tenant marks and rewrites nothing', async () => {
    await using source = await aLoadedSource()
    const rows = () =>
      source.query('select key, xmin::text from mirror_objects where source_id = $1 order by key', [source.id])
    const before = await rows()

    const result = await source.pull({ mode: 'full' })

    expect(result).toMatchObject({ mode: 'full', resync: undefined, removals: 'allowed', issues: [] })
    expect(await rows()).toEqual(before)
    expect(await source.marks()).toEqual([])
    expect(await source.memberMarks()).toEqual([])
    for (const table of ['staged_objects', 'staged_members', 'doubtful_members', 'listings', 'groups_to_list'])
      expect(await source.query(`select 1 from mirror_${table} where source_id = $1`, [source.id])).toEqual([])
  })

  it('G10: finds what the feeds did not tell', async () => {
    await using source = await aLoadedSource()
    const { people, red } = source
    // the mirror is told wrong things behind Graph's back
    await source.query(
      `update mirror_objects set attributes = attributes || '{"displayName":"wrong"}' where object_id = $1`,
      [people[5]!.id],
    )
    await source.query(
      `delete from mirror_members using mirror_objects o where o.key = member_key and o.object_id = $1
       and o.source_id = $2`,
      [people[6]!.id, source.id],
    )
    await source.query(
      `insert into mirror_members select g.key, u.key from mirror_objects g, mirror_objects u
       where g.object_id = $1 and u.object_id = $2 and g.source_id = $3 and u.source_id = $3`,
      [red.id, people[0]!.id, source.id],
    )

    await source.pull({ mode: 'full' })

    await expectTruth(source)
    expect(await source.marks()).toContain(people[5]!.id)
    expect(await source.memberMarks()).toEqual(
      expect.arrayContaining([`${red.id} > ${people[0]!.id}`, `${red.id} > ${people[6]!.id}`]),
    )
  })

  it('reads changes of every kind at once', async () => {
    await using source = await aLoadedSource()
    const { tenant, people, red } = source
    rename(tenant, people[3]!.id, 'renamed@contoso.com')
    update(tenant, people[4]!.id, { onPremisesExtensionAttributes: { extensionAttribute5: 'AA:BB' } })
    remove(tenant, people[5]!.id)
    purge(tenant, people[6]!.id)
    removeMember(tenant, red.id, people[7]!.id)
    addMember(tenant, red.id, people[0]!.id)
    const hired = hire(tenant, { userPrincipalName: 'new@contoso.com' })
    const green = createGroup(tenant, { displayName: 'green' })
    addMember(tenant, green.id, hired.id)
    addMember(tenant, green.id, red.id)

    const result = await source.pull({ mode: 'full' })

    expect(result.removals).toBe('allowed')
    expect(await source.state(people[5]!.id)).toBe('s')
    expect(await source.state(people[6]!.id)).toBe('x')
    expect(await source.marks()).toEqual(
      [3, 4, 5, 6]
        .map((i) => people[i]!.id)
        .concat(hired.id, green.id)
        .sort(),
    )
    await expectTruth(source)
  })

  it('keeps the memberships of people in the recycle bin, and a restore brings them all back', async () => {
    await using source = await aLoadedSource()
    const { tenant, people, red } = source
    remove(tenant, people[3]!.id)
    await source.pull()
    remove(tenant, people[4]!.id)

    await source.pull({ mode: 'full' })

    expect(await isMember(source, red.id, people[3]!.id)).toBe(true)
    expect(await isMember(source, red.id, people[4]!.id)).toBe(true)
    restore(tenant, people[3]!.id)
    restore(tenant, people[4]!.id)
    await source.pull()
    expect((await source.mirror()).members).toEqual(
      expect.arrayContaining([`${red.id} > ${people[3]!.id}`, `${red.id} > ${people[4]!.id}`]),
    )
    await expectTruth(source)
  })

  it('asks again before it ends memberships of somebody who was in the recycle bin while members were read', async () => {
    await using source = await aLoadedSource()
    const { tenant, people, red } = source
    let posts = 0
    const fetch: typeof globalThis.fetch = async (input, init) => {
      const request = new Request(input, init)
      const isMembers = request.url.endsWith('$batch') && (await request.clone().text()).includes('/members')
      if (isMembers && posts++ === 0) remove(tenant, people[3]!.id)
      const answer = await source.world.emulator.fetch(input, init)
      if (isMembers && posts === 1) restore(tenant, people[3]!.id)
      return answer
    }

    const result = await source.pull({ mode: 'full', fetch })

    expect(posts).toBeGreaterThan(1)
    expect(result.removals).toBe('allowed')
    expect(await isMember(source, red.id, people[3]!.id)).toBe(true)
    expect(await source.memberMarks()).toEqual([])
    await expectTruth(source)
  })

  it('replays the stored links, so that changes during its walk are in it', async () => {
    await using source = await aLoadedSource()
    const { tenant, people, red } = source
    const during = doing(source, /GET .*\/users\?/, () => {
      rename(tenant, people[3]!.id, 'during@contoso.com')
      removeMember(tenant, red.id, people[4]!.id)
      remove(tenant, people[5]!.id)
      hire(tenant, { userPrincipalName: 'new@contoso.com' })
    })

    await source.pull({ mode: 'full', fetch: during.fetch })

    expect(await source.state(people[5]!.id)).toBe('s')
    await expectTruth(source)
    const latest = source.world.emulator.requests.filter((r) => r.path.includes('deltatoken=latest'))
    expect(latest).toEqual([])
  })

  it('L1 L4 G14 S1: a listing of nobody that Graph denies by id fails the run and changes nothing', async () => {
    await using source = await aLoadedSource()
    const before = await source.mirror()
    const empty = listing(source, () => [])
    const fetch: typeof globalThis.fetch = async (input, init) =>
      /users\/\$count/.test(new Request(input, init).url) ? new Response('0') : empty(input, init)

    await expect(source.pull({ mode: 'full', fetch })).rejects.toMatchObject({ code: 'listing-contradicted' })

    expect(await source.mirror()).toEqual(before)
    expect(await source.marks()).toEqual([])
    // and nothing of that walk is gone on with
    await source.pull({ mode: 'full' })
    await expectTruth(source)
  })

  it('L1 G14: everybody really deleted is told, so that it can be held', async () => {
    await using source = await aLoadedSource()
    for (const user of source.people) remove(source.tenant, user.id)

    const result = await source.pull({ mode: 'full' })

    expect(result).toMatchObject({ removals: 'allowed', noUsersWhereSome: true })
    for (const user of source.people) expect(await source.state(user.id)).toBe('s')
  })

  it('G14: everybody deleted is told by the feeds too', async () => {
    await using source = await aLoadedSource()
    for (const user of source.people) remove(source.tenant, user.id)

    expect(await source.pull()).toMatchObject({ mode: 'delta', noUsersWhereSome: true })
  })

  it('L4: somebody whom the list leaves out and Graph shows by id is not removed, nor is anybody in that run', async () => {
    await using source = await aLoadedSource()
    const { tenant, people, red } = source
    removeMember(tenant, red.id, people[9]!.id)
    await source.query(`update mirror_rounds set groups_delta_link = groups_delta_link where source_id = $1`, [
      source.id,
    ])
    const fetch = listing(source, (value) => value.filter((user) => user.id !== people[3]!.id))
    const counting: typeof globalThis.fetch = async (input, init) =>
      /users\/\$count/.test(new Request(input, init).url) ? new Response(String(people.length - 1)) : fetch(input, init)

    const result = await source.pull({ mode: 'full', fetch: counting })

    expect(result.removals).toBe('contradicted')
    expect(result.issues).toEqual([expect.objectContaining({ code: 'listing-contradicted', objectId: people[3]!.id })])
    expect(await source.state(people[3]!.id)).toBe('l')
    await expectTruth(source)
  })

  it('S1: a membership that an incomplete or contradicted walk did not list stays', async () => {
    await using source = await aLoadedSource()
    const { people, red } = source
    // the mirror knows a membership of which the feeds will not speak
    await source.query(
      `insert into mirror_members select g.key, u.key from mirror_objects g, mirror_objects u
       where g.object_id = $1 and u.object_id = $2 and g.source_id = $3 and u.source_id = $3`,
      [red.id, people[0]!.id, source.id],
    )
    source.world.emulator.faults.add({ kind: 'short-list', keep: 30, path: /^\/users\?/, count: 2 })

    const result = await source.pull({ mode: 'full' })

    expect(result.removals).toBe('incomplete')
    expect(result.issues.map((i) => i.code)).toEqual(['listing-incomplete'])
    expect(await isMember(source, red.id, people[0]!.id)).toBe(true)
    for (const user of people) expect(await source.state(user.id)).toBe('l')
    await source.pull({ mode: 'full' })
    expect(await isMember(source, red.id, people[0]!.id)).toBe(false)
  })

  it('a list that disagrees with the count once is read a second time', async () => {
    await using source = await aLoadedSource()
    source.world.emulator.faults.add({ kind: 'short-list', keep: 30, path: /^\/users\?/, count: 1 })

    const result = await source.pull({ mode: 'full' })

    expect(result).toMatchObject({ removals: 'allowed', issues: [] })
    await expectTruth(source)
  })

  it('a large absence is asked about no further than its first contradiction', async () => {
    await using source = await aLoadedSource({ users: 400, memberships: 400 })
    const some = new Set(source.people.slice(0, 10).map((user) => user.id))
    const fetch = listing(source, (value) => value.filter((user) => some.has(user.id)))
    const counting: typeof globalThis.fetch = async (input, init) =>
      /users\/\$count/.test(new Request(input, init).url) ? new Response('10') : fetch(input, init)

    const result = await source.pull({ mode: 'full', fetch: counting })

    expect(result.removals).toBe('contradicted')
    const asked = source.world.emulator.requests.filter((r) => /^\/users\/[0-9a-f-]{36}\?\$select=id$/.test(r.path))
    expect(asked.length).toBeLessThanOrEqual(20)
  })

  it('a group that the list leaves out and Graph shows by id stays', async () => {
    await using source = await aLoadedSource()
    const fetch: typeof globalThis.fetch = async (input, init) => {
      const answer = await source.world.emulator.fetch(input, init)
      if (!/\/groups\?/.test(new Request(input, init).url)) return answer
      const body = (await answer.json()) as { value: { id: string }[] }
      return new Response(JSON.stringify({ ...body, value: body.value.filter((g) => g.id !== source.red.id) }), answer)
    }

    const result = await source.pull({ mode: 'full', fetch })

    expect(result.removals).toBe('contradicted')
    expect(await source.state(source.red.id)).toBe('l')
    await expectTruth(source)
  })

  it('members that may not be read are frozen', async () => {
    await using source = await aLoadedSource({ hiddenGroups: 1 })
    source.tenant.behaviour.hiddenMembership = 'forbidden'
    source.world.emulator.grantRoles(source.world.hosted.app, ['Member.Read.Hidden'])
    source.world.emulator.clock.advance(DAY_MS / 12)
    await source.pull({ mode: 'full' })
    await expectTruth(source)
    const before = await source.mirror()
    source.world.emulator.withdrawRoles(source.world.hosted.app, ['Member.Read.Hidden'])

    for (const behaviour of ['forbidden', 'empty'] as const) {
      source.tenant.behaviour.hiddenMembership = behaviour
      const result = await source.pull({ mode: 'full' })
      expect(result.removals).toBe('allowed')
      expect(await source.mirror()).toEqual(before)
      const unknown = await source.query('select 1 from mirror_objects where source_id = $1 and members_unknown', [
        source.id,
      ])
      expect(unknown).toHaveLength(1)
    }
  })

  it('runs by name when another attribute is mapped, and forgets those that no longer are', async () => {
    await using source = await aLoadedSource()
    source.set({ users: { properties: { jobTitle: 'jobTitle', department: 'none' } } })

    const result = await source.pull()

    expect(result).toMatchObject({ mode: 'full', resync: 'settings-changed' })
    const truth = truthOf(source.tenant, source.needs)
    expect(Object.values(truth.users).some((user) => 'jobTitle' in (user as object))).toBe(true)
    expect(await source.mirror()).toEqual(truth)
    const [row] = await source.query<{ sealed: unknown; attributes: object }>(
      `select sealed, attributes from mirror_objects where source_id = $1 and kind = 'u'`,
      [source.id],
    )
    expect(row!.sealed).toBeNull()
    expect(Object.keys(row!.attributes)).not.toContain('department')
    expect(await source.pull()).toMatchObject({ mode: 'delta' })
  })

  it('an attribute that becomes secret is sealed at once, and opened when it no longer is', async () => {
    const plain = { users: { properties: { cards: [], notes: CARD } } }
    const secret = { users: { properties: { cards: [CARD] } } }
    await using source = await aLoadedSource({ settings: plain })
    const open = () =>
      source.query(`select 1 from mirror_objects where source_id = $1 and attributes ? $2`, [source.id, CARD])
    expect(await open()).not.toEqual([])

    source.set(secret)
    await source.pull()
    expect(await open()).toEqual([])
    await expectTruth(source)
    source.world.emulator.clearRequests()
    source.set(plain)
    const result = await source.pull()

    expect(await open()).not.toEqual([])
    expect(result.mode).toBe('delta')
    await expectTruth(source)
  })

  it('reads everything anew through another app, without forgetting what it knew', async () => {
    await using source = await aLoadedSource({ settings: WITH_CARDS })
    const keys = () =>
      source.query('select key, object_id from mirror_objects where source_id = $1 order by key', [source.id])
    const before = await keys()
    await source.query(`update mirror_rounds set lineage = 'of another app' where source_id = $1`, [source.id])

    const result = await source.pull()

    expect(result).toMatchObject({ mode: 'full', resync: 'settings-changed' })
    expect(await keys()).toEqual(before)
    expect(await source.marks()).toEqual([])
  })
})

import { describe, expect, it } from 'vitest'
import { clientOptions, collect, emulatedWorld, type World } from '../../test/support/graph.ts'
import { systemClock } from '../base/clock.ts'
import type { GroupEntry, UserEntry } from '../directory/change.ts'
import { type ObjectId, parseObjectId } from '../directory/ids.ts'
import type { FaultSpec } from '../emulator/faultkinds.ts'
import { addMember, createGroup } from '../emulator/memberships.ts'
import { hire, purge, remove, rename, update } from '../emulator/operations.ts'
import type { DirectoryObject } from '../emulator/object.ts'
import type { Tenant } from '../emulator/tenant.ts'
import { GraphClient } from './client.ts'
import type { DeltaEnding, DeltaPage } from './delta.ts'
import { GraphError } from './errors.ts'

const { signal } = new AbortController()
const select = ['displayName', 'userPrincipalName', 'onPremisesExtensionAttributes.extensionAttribute5']

/** What a reader of the whole tenant must find: names by user, members by group. */
interface Contents {
  readonly users: Map<string, unknown>
  readonly groups: Map<string, string[]>
}

/** `/members` of v1.0 leaves out service principals, `members@delta` does not. */
function contentsOf(tenant: Tenant, options: { readonly byDelta?: true } = {}): Contents {
  const kinds = ['user', 'group', 'device', 'orgContact', ...(options.byDelta === true ? ['servicePrincipal'] : [])]
  const membersOf = (group: DirectoryObject) =>
    group.members.map((no) => tenant.at(no)).filter((m) => m.presence === 'live' && kinds.includes(m.kind))
  return {
    users: new Map([...tenant.live('user')].map((u) => [u.id, u.properties['userPrincipalName']])),
    groups: new Map(
      [...tenant.live('group')].map((g) => [
        g.id,
        membersOf(g)
          .map((m) => m.id)
          .sort(),
      ]),
    ),
  }
}

/** Repeats a reading that fails "later" from where it stands, as a run that is started again does. */
async function untilDone(read: () => Promise<boolean>): Promise<number> {
  for (let attempts = 1; ; attempts++) {
    try {
      if (await read()) return attempts
    } catch (error) {
      if (!(error instanceof GraphError) || error.retry !== 'later' || attempts > 200) throw error
    }
  }
}

/** Reads everything by lists and batches, resuming at the last link after each failure. */
async function readByLists(client: GraphClient): Promise<Contents & { readonly attempts: number }> {
  const users = new Map<string, unknown>()
  const groups = new Map<string, Set<string>>()
  const complete = new Set<string>()
  const links: Record<'users' | 'groups', string | undefined> = { users: undefined, groups: undefined }
  let attempts = await untilDone(async () => {
    const from = links.users === undefined ? {} : { link: links.users }
    for await (const page of client.listUsers({ select, signal, ...from })) {
      for (const user of page.entries) users.set(user.objectId, user.attributes['userPrincipalName'])
      links.users = page.nextLink
    }
    return true
  })
  attempts += await untilDone(async () => {
    const from = links.groups === undefined ? {} : { link: links.groups }
    for await (const page of client.listGroups({ select: ['displayName'], signal, ...from })) {
      for (const group of page.entries) groups.set(group.objectId, new Set())
      links.groups = page.nextLink
    }
    return true
  })
  attempts += await untilDone(async () => {
    const todo = [...groups.keys()].filter((id) => !complete.has(id)).map((id) => ({ objectId: toId(id) }))
    for await (const page of client.members(todo, { signal })) {
      if (page.kind !== 'page') throw new Error(`no members of ${page.objectId}`)
      for (const member of page.members) groups.get(page.objectId)?.add(member.objectId)
      if (page.complete) complete.add(page.objectId)
    }
    return true
  })
  return { users, groups: new Map([...groups].map(([id, ids]) => [id, [...ids].sort()])), attempts }
}

/** Folds whole initial rounds of both deltas, as a reader without any state would get them. */
async function readByDelta(client: GraphClient, graphUrl: string): Promise<Contents> {
  const users = new Map<string, unknown>()
  const groups = new Map<string, Set<string>>()
  await follow<UserEntry>(`${graphUrl}/v1.0/users/delta?$select=id,displayName,userPrincipalName`, {
    open: (link, restartFrom) => client.usersDelta({ link, restartFrom, select, signal }),
    fold(user) {
      if (user.removed !== undefined) users.delete(user.objectId)
      else users.set(user.objectId, user.attributes['userPrincipalName'] ?? users.get(user.objectId))
    },
  })
  await follow<GroupEntry>(`${graphUrl}/v1.0/groups/delta?$select=id,displayName,members`, {
    open: (link, restartFrom) => client.groupsDelta({ link, restartFrom, select: ['displayName'], signal }),
    fold(group) {
      if (group.removed !== undefined) {
        groups.delete(group.objectId)
        return
      }
      const members = groups.get(group.objectId) ?? new Set()
      groups.set(group.objectId, members)
      for (const member of group.members)
        if (member.removed) members.delete(member.objectId)
        else members.add(member.objectId)
    },
  })
  return { users, groups: new Map([...groups].map(([id, ids]) => [id, [...ids].sort()])) }
}

async function follow<T>(
  start: string,
  round: { open(link: string, restartFrom: string): AsyncGenerator<DeltaPage<T>, DeltaEnding>; fold(entry: T): void },
): Promise<void> {
  let link = start
  await untilDone(async () => {
    const pages = round.open(link, start)
    for (;;) {
      const next = await pages.next()
      if (next.done === true) return next.value.kind === 'complete'
      for (const entry of next.value.entries) round.fold(entry)
      link = next.value.nextLink ?? link
    }
  })
}

function toId(text: string): ObjectId {
  const id = parseObjectId(text)
  if (id === undefined) throw new Error('not an id')
  return id
}

/** Half of all requests fail, in a dozen ways; inside batches too. */
function halfFails(seed: number): FaultSpec[] {
  const rate = 1 - 0.5 ** (1 / 12)
  const statuses = [429, 500, 502, 503, 504, 507].map((status) => ({ kind: 'status', status, where: 'both' }) as const)
  const others = [
    { kind: 'throttled', retryAfter: 2, where: 'both' },
    { kind: 'throttled', retryAfter: '2.128' },
    { kind: 'html', status: 200 },
    { kind: 'reset', at: 'body' },
    { kind: 'truncated', framing: 'gzip', keepBytes: 20 },
    { kind: 'malformed-json' },
  ] as const
  return [...statuses, ...others].map((fault, i) => ({
    ...fault,
    rate,
    seed: seed * 100 + i,
    path: /users|groups|batch/i,
  }))
}

describe('whole tenants under faults', () => {
  it.each([1, 2, 3])(
    'T3: with half of all requests failing, lists and batches bring everything (seed %s)',
    async (seed) => {
      await using world = emulatedWorld({ users: 1_500, groups: 90, memberships: 4_000, seed })
      const { emulator, hosted, client } = world
      for (const fault of halfFails(seed)) emulator.faults.add(fault)

      const { users, groups } = await readByLists(client)

      const expected = contentsOf(hosted.tenant)
      expect(users).toEqual(expected.users)
      expect(groups).toEqual(expected.groups)
      expect(client.usage.retries).toBeGreaterThan(10)
      expect(world.early).toEqual([])
    },
  )

  it.each([1, 2, 3])('T3: with half of all requests failing, both deltas bring everything (seed %s)', async (seed) => {
    await using world = emulatedWorld({ users: 1_500, groups: 60, memberships: 3_000, seed })
    const { emulator, hosted, client } = world
    for (const fault of halfFails(seed)) emulator.faults.add(fault)

    const { users, groups } = await readByDelta(client, emulator.graphUrl)

    const expected = contentsOf(hosted.tenant, { byDelta: true })
    expect(users).toEqual(expected.users)
    expect(groups).toEqual(expected.groups)
    expect(world.early).toEqual([])
  })

  it('T6: over HTTP, with connections that break and bodies that are cut, everything comes whole', async () => {
    await using world = emulatedWorld({
      users: 2_000,
      groups: 60,
      memberships: 3_000,
      emulator: { clock: systemClock, gzip: true },
    })
    const { emulator, hosted } = world
    const { graphUrl } = await emulator.listen()
    const damages = [
      { kind: 'reset', at: 'headers' },
      { kind: 'reset', at: 'body' },
      ...(['content-length', 'chunked', 'close', 'gzip'] as const).map(
        (framing) => ({ kind: 'truncated', framing, keepBytes: -3 }) as const,
      ),
    ] as const
    for (const [i, damage] of damages.entries())
      emulator.faults.add({ ...damage, rate: 0.07, seed: i + 1, path: /users|groups|batch/ })
    await using client = new GraphClient(
      clientOptions({
        tenantId: hosted.tenantId,
        clientId: hosted.clientId,
        credentials: [{ kind: 'secret', secret: hosted.clientSecret }],
        graphUrl,
        clock: systemClock,
        limits: { backoffMs: 0, maxBackoffMs: 0 },
      }),
    )

    const lists = await readByLists(client)
    const deltas = await readByDelta(client, graphUrl)

    const expected = contentsOf(hosted.tenant)
    expect(lists.users).toEqual(expected.users)
    expect(lists.groups).toEqual(expected.groups)
    expect(deltas).toEqual(contentsOf(hosted.tenant, { byDelta: true }))
    expect(client.usage.retries).toBeGreaterThan(3)
  })

  it('T4: tokens that are revoked after every two pages only cost further tokens', async () => {
    await using world = emulatedWorld({ users: 3_000, groups: 5, memberships: 50 })
    const { emulator, hosted, client } = world
    let pages = 0
    const users: UserEntry[] = []

    for await (const page of client.listUsers({ select, expandManager: true, signal })) {
      users.push(...page.entries)
      if (++pages % 2 === 0) emulator.revokeTokens(hosted.app)
    }

    expect(new Set(users.map((u) => u.objectId)).size).toBe(3_000)
    expect(pages).toBe(30)
    const refused = emulator.requests.filter((r) => r.status === 401)
    expect(refused.length).toBeGreaterThan(5)
    expect(client.usage.retries).toBe(refused.length)
  })

  it('T4: tokens that live for two pages are renewed in time', async () => {
    await using world = emulatedWorld({ users: 3_000, groups: 5, memberships: 50, emulator: { latencyMs: 20_000 } })
    const { emulator, client } = world
    emulator.tokens.lifetimeSeconds = { min: 60, max: 60 }

    const users = await collect(client.listUsers({ select, expandManager: true, signal }))

    expect(new Set(users.map((u) => u.objectId)).size).toBe(3_000)
    expect(emulator.requests.filter((r) => r.service === 'token').length).toBeGreaterThan(10)
    expect(emulator.requests.filter((r) => r.status === 401).length).toBeLessThan(15)
  })
})

describe('throttling by units', () => {
  async function readTenant(scale: number): Promise<{ world: World; requests: number; units: number }> {
    const world = emulatedWorld({ users: 600, groups: 1_000, memberships: 3_000, emulator: { latencyMs: 100 } })
    world.emulator.throttling.scale = scale
    const { groups } = await readByLists(world.client)
    expect(groups).toEqual(contentsOf(world.hosted.tenant).groups)
    return { world, requests: world.client.usage.requests, units: world.client.usage.resourceUnits }
  }

  it('T1: a tenant with a small quota is read without one early request, in at most 1.5 times the requests', async () => {
    const free = await readTenant(1_000)
    expect(free.world.client.usage).toMatchObject({ throttled: 0, retries: 0 })
    for (const scale of [0.1, 0.2, 0.3]) {
      const { world, requests } = await readTenant(scale)

      expect(world.early).toEqual([])
      expect(requests).toBeLessThanOrEqual(free.requests * 1.5)
      await world[Symbol.asyncDispose]()
    }
    await free.world[Symbol.asyncDispose]()
  })

  it('T1: it slows down when Graph says that the limit is near, instead of running into it', async () => {
    const { world } = await readTenant(0.15)

    const refused = world.emulator.requests.filter((r) => r.status === 429).length
    const asked = world.emulator.requests.length
    expect(refused / asked).toBeLessThan(0.05)
    await world[Symbol.asyncDispose]()
  })

  it('units are counted as Graph charges them: one a page of users or groups, two a page of members', async () => {
    const { world, units } = await readTenant(1_000)

    const charged = world.emulator.requests.reduce((sum, r) => sum + r.resourceUnits, 0)
    expect(units).toBe(charged)
    expect(units).toBe(1 + 2 + 2 * 1_000)
    await world[Symbol.asyncDispose]()
  })
})

describe("Graph's own oddities", () => {
  it('G13: empty delta pages, repeated objects, split groups and orders of add and remove fold to the same tenant', async () => {
    await using world = emulatedWorld({ users: 700, groups: 30, memberships: 6_000 })
    const { emulator, hosted, client } = world
    Object.assign(hosted.tenant.behaviour, {
      emptyDeltaPages: 0.4,
      objectRepeatedInPage: 0.3,
      interleaveGroups: true,
      managerRepeat: true,
      deltaMembersPerPage: 60,
      addAndRemoveOrder: 'both',
    })

    const deltas = await readByDelta(client, emulator.graphUrl)

    expect(deltas).toEqual(contentsOf(hosted.tenant, { byDelta: true }))
    expect(hosted.tenant.behaviour.fired).toMatchObject({ emptyDeltaPages: expect.any(Number) })
  })

  it('G3: page tokens that die while the reader is slow begin the listing anew', async () => {
    await using world = emulatedWorld({ users: 2_500, groups: 3, memberships: 30 })
    const { client, hosted } = world
    hosted.tenant.behaviour.pageTokenLifeSeconds = 60
    const ids = new Set<string>()
    let pages = 0
    for await (const page of client.listUsers({ select, signal })) {
      for (const user of page.entries) ids.add(user.objectId)
      if (++pages === 1) world.clock.advance(300_000)
    }

    expect(ids.size).toBe(2_500)
  })

  it('G3: links of retried pages that Graph no longer knows are got around', async () => {
    await using world = emulatedWorld({ users: 5_000, groups: 3, memberships: 30 })
    const { client, emulator, hosted } = world
    hosted.tenant.behaviour.retriedPageTokenInvalid = true
    emulator.faults.add({ kind: 'status', status: 503, path: /skiptoken/, rate: 0.3, seed: 5 })

    const users = await collect(client.listUsers({ select, signal }))

    expect(new Set(users.map((u) => u.objectId)).size).toBe(5_000)
  })

  it('T14: a next link that repeats ends the run', async () => {
    await using world = emulatedWorld({ users: 2_500, groups: 3, memberships: 30 })
    world.hosted.tenant.behaviour.repeatNextLink = Number.POSITIVE_INFINITY

    await expect(collect(world.client.listUsers({ select, signal }))).rejects.toMatchObject({ code: 'paging-loop' })
  })

  it('T12: a hostile link in any answer ends the run before anything is sent there', async () => {
    await using world = emulatedWorld({ users: 2_500, groups: 30, memberships: 100 })
    const { emulator, client } = world
    emulator.faults.add({ kind: 'hostile-link', link: 'https://evil.example{path}' })

    await expect(collect(client.listUsers({ select, signal }))).rejects.toMatchObject({ code: 'hostile-link' })
    await expect(client.latestUsersLink({ select, signal })).rejects.toMatchObject({ code: 'hostile-link' })

    expect(emulator.strayRequests).toEqual([])
  })

  it('T11: duplicate keys, __proto__, huge numbers and deep nesting do no harm', async () => {
    await using world = emulatedWorld({ users: 40 })
    const { emulator, client, hosted } = world
    const expected = contentsOf(hosted.tenant).users
    for (const how of ['duplicate-keys', 'proto', 'big-number', 'deep-nesting'] as const) {
      emulator.faults.add({ kind: 'odd-json', how, count: 1, path: '/users' })

      const users = await collect(client.listUsers({ select, signal }))

      expect(new Set(users.map((u) => u.objectId))).toEqual(new Set(expected.keys()))
      for (const user of users) expect(Object.keys(user.attributes).sort()).toEqual([...select].sort())
    }
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
  })

  it('S13: an expired delta link is the ending "read everything anew", by 400 and by 410', async () => {
    for (const status of ['400', '410'] as const) {
      await using world = emulatedWorld({ users: 40 })
      const { client, hosted } = world
      hosted.tenant.behaviour.expiredDelta = status
      const link = await client.latestUsersLink({ select, signal })
      world.clock.advance(8 * 86_400_000)

      const ended = await client.usersDelta({ link, select, signal }).next()

      expect(ended).toMatchObject({ done: true, value: { kind: 'resyncRequired' } })
    }
  })

  it('an idle delta costs one request for users and one for groups', async () => {
    await using world = emulatedWorld({ users: 40 })
    const { client } = world
    const users = await client.latestUsersLink({ select, signal })
    const groups = await client.latestGroupsLink({ select: ['displayName'], signal })
    const before = client.usage.requests

    for await (const page of client.usersDelta({ link: users, select, signal })) expect(page.entries).toEqual([])
    for await (const page of client.groupsDelta({ link: groups, select: ['displayName'], signal }))
      expect(page.entries).toEqual([])

    expect(client.usage.requests - before).toBe(2)
  })

  it('S7: changes since a link are told: hired, renamed, deleted softly and for good', async () => {
    await using world = emulatedWorld({ users: 40 })
    const { client, hosted } = world
    const ids = [...contentsOf(hosted.tenant).users.keys()]
    const [renamed = '', soft = '', hard = ''] = ids
    const link = await client.latestUsersLink({ select, signal })
    const hired = hire(hosted.tenant, { userPrincipalName: 'new@contoso.com', displayName: 'New' }).id
    rename(hosted.tenant, renamed, 'renamed@contoso.com')
    remove(hosted.tenant, soft)
    remove(hosted.tenant, hard)
    purge(hosted.tenant, hard)

    const entries = await collect(client.usersDelta({ link, select, signal }))

    const last = new Map(entries.map((e) => [e.objectId, e.removed ?? e.attributes['userPrincipalName']]))
    expect(Object.fromEntries(last)).toEqual({
      [hired]: 'new@contoso.com',
      [renamed]: 'renamed@contoso.com',
      [soft]: 'changed',
      [hard]: 'deleted',
    })
  })

  it("a user's groups are told directly and through others, cycles included", async () => {
    await using world = emulatedWorld({ users: 40, groups: 12, memberships: 60 })
    const { client, hosted } = world
    const [first, second, third] = [1, 2, 3].map((n) => createGroup(hosted.tenant, { displayName: `Nested ${n}` }))
    const [person] = [...hosted.tenant.live('user')]
    if (first === undefined || second === undefined || third === undefined || person === undefined)
      throw new Error('too few')
    addMember(hosted.tenant, second.id, first.id)
    addMember(hosted.tenant, third.id, second.id)
    addMember(hosted.tenant, first.id, third.id)
    addMember(hosted.tenant, first.id, person.id)

    const groups = await client.transitiveGroupsOf(toId(person.id), { signal })

    expect(groups).toEqual(expect.arrayContaining([first.id, second.id, third.id]))
    expect(new Set(groups)).toEqual(closureOf(hosted.tenant, person))
  })

  it('says of many groups which a user is in, twenty at a time', async () => {
    await using world = emulatedWorld({ users: 2, groups: 45, memberships: 0 })
    const { client, hosted, emulator } = world
    const person = [...hosted.tenant.live('user')][0]!
    const among = [...hosted.tenant.live('group')].map(({ id }) => toId(id))
    const [first, last] = [among[0]!, among.at(-1)!]
    const around = createGroup(hosted.tenant, { displayName: 'Around' })
    // A Microsoft 365 group, which a token with security groups does not list.
    update(hosted.tenant, last, { groupTypes: ['Unified'], securityEnabled: false, mailEnabled: true })
    update(hosted.tenant, first, { groupTypes: [], securityEnabled: true, mailEnabled: false })
    addMember(hosted.tenant, around.id, first)
    for (const group of [first, last]) addMember(hosted.tenant, group, person.id)
    const before = emulator.requests.length

    const found = await client.groupsAmong(toId(person.id), { among: [...among, toId(around.id)], signal })

    expect(new Set(found)).toEqual(new Set([first, last, around.id]))
    expect(emulator.requests.slice(before).filter(({ path }) => path.endsWith('/checkMemberGroups'))).toHaveLength(3)
    const nobody = toId('99999999-0000-4000-8000-000000000009')
    await expect(client.groupsAmong(nobody, { among, signal })).rejects.toMatchObject({ code: 'not-found' })
  })

  it('hidden members that may not be read are forbidden where Graph says so', async () => {
    await using world = emulatedWorld({ users: 40, groups: 12, memberships: 60, hiddenGroups: 2 })
    const { client, hosted } = world
    hosted.tenant.behaviour.hiddenMembership = 'forbidden'
    const ids = [...hosted.tenant.live('group')].map((g) => ({ objectId: toId(g.id) }))

    const kinds = []
    for await (const page of client.members(ids, { signal })) kinds.push(page.kind)

    expect(kinds.filter((k) => k === 'forbidden')).toHaveLength(2)
    expect(kinds.filter((k) => k === 'page')).toHaveLength(10)
  })

  it('the tenant tells its id and kind', async () => {
    await using world = emulatedWorld()

    const organization = await world.client.getOrganization(signal)

    expect(organization).toEqual({
      id: world.hosted.tenantId,
      displayName: 'Contoso',
      tenantType: 'AAD',
      federatedDomains: [],
    })
  })
})

/** Groups above an object, by walking the emulator's own edges. */
function closureOf(tenant: Tenant, object: DirectoryObject): Set<string> {
  const reached = new Set<string>()
  const open = [object]
  for (let next = open.pop(); next !== undefined; next = open.pop())
    for (const group of next.memberOf.map((no) => tenant.at(no)))
      if (group.presence === 'live' && !reached.has(group.id)) {
        reached.add(group.id)
        open.push(group)
      }
  return reached
}

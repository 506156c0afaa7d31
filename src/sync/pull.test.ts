import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { aPulledSource, type PulledSource, truthOf } from '../../test/support/pulled.ts'
import { createTestVault } from '../../test/support/vault.ts'
import { addDevice, addMember, createGroup, removeMember } from '../emulator/memberships.ts'
import { disable, hire, remove, rename, update } from '../emulator/operations.ts'
import type { Tenant } from '../emulator/tenant.ts'
import type { Vault } from '../vault/keys.ts'

const CARD = 'onPremisesExtensionAttributes.extensionAttribute5'

let test: TestDatabase
let at: { db: TestDatabase['db']; vault: Vault }
beforeAll(async () => {
  test = await createTestDatabase()
  at = { db: test.db, vault: await createTestVault(test.db) }
})
afterAll(() => test.drop())

/** Lets the tenant change when the first request to `path` has been answered. */
function changing(
  source: PulledSource,
  path: RegExp,
  change: () => void,
): { fetch: typeof fetch; readonly done: boolean } {
  let done = false
  return {
    async fetch(input, init) {
      const answer = await source.world.emulator.fetch(input, init)
      if (!done && path.test(decodeURIComponent(new Request(input, init).url))) {
        done = true
        change()
      }
      return answer
    },
    get done() {
      return done
    },
  }
}

function assignedGroups(tenant: Tenant) {
  return [...tenant.live('group')].filter((g) => g.properties['membershipRule'] === undefined)
}

describe('a first load', () => {
  it('makes the mirror equal to the tenant', async () => {
    await using source = await aPulledSource(at, { users: 120, groups: 15, memberships: 600 })

    const result = await source.pull()

    expect(result).toMatchObject({ mode: 'full', resync: undefined, usersRead: 120, groupsRead: 15, issues: [] })
    expect(result).toMatchObject({ removals: 'allowed', noUsersWhereSome: false })
    expect(await source.mirror()).toEqual(truthOf(source.tenant, source.needs))
  })

  it('reads users in parallel lists, and asks for odd first letters only when somebody is missing', async () => {
    await using source = await aPulledSource(at, { users: 2100, groups: 12, memberships: 4000 })
    for (const name of ['+plus', 'éva', '.dot', "'quote", '#hash']) {
      hire(source.tenant, { userPrincipalName: `${name}@contoso.com` })
    }

    const result = await source.pull()

    const lists = source.world.emulator.requests.filter((r) => r.path.startsWith('/users?'))
    expect(lists.some((r) => r.path.includes("startsWith(userPrincipalName,'é')"))).toBe(true)
    expect(lists.every((r) => r.path.includes('startsWith'))).toBe(true)
    expect(result).toMatchObject({ removals: 'allowed', issues: [], usersRead: 2105 })
    expect(await source.mirror()).toEqual(truthOf(source.tenant, source.needs))
  })

  it('reads the plain list when the sum of the lists differs from the count', async () => {
    await using source = await aPulledSource(at, { users: 2100, groups: 2, memberships: 400 })
    hire(source.tenant, { userPrincipalName: 'жук@contoso.com' })

    const result = await source.pull()

    const lists = source.world.emulator.requests.filter((r) => r.path.startsWith('/users?'))
    expect(lists.some((r) => !r.path.includes('$filter'))).toBe(true)
    expect(result).toMatchObject({ removals: 'allowed', issues: [] })
    expect(await source.mirror()).toEqual(truthOf(source.tenant, source.needs))
  })

  it('reads the plain list where parted lists are refused', async () => {
    await using source = await aPulledSource(at, { users: 2100, groups: 3, memberships: 3000 })
    const refusal = { kind: 'status', status: 400, code: 'Request_UnsupportedQuery' } as const
    const fault = source.world.emulator.faults.add({ ...refusal, path: /startsWith/ })

    const result = await source.pull()

    expect(fault.fired).toBeGreaterThan(0)
    expect(result.removals).toBe('allowed')
    expect(await source.mirror()).toEqual(truthOf(source.tenant, source.needs))
  })

  it('says that a listing is incomplete when list and count keep disagreeing', async () => {
    await using source = await aPulledSource(at, { users: 50, groups: 2, memberships: 20 })
    source.world.emulator.faults.add({ kind: 'short-list', keep: 40, path: /^\/users\?/ })

    const result = await source.pull()

    expect(result.removals).toBe('incomplete')
    expect(result.issues.map((i) => i.code)).toEqual(['listing-incomplete'])
  })

  it('takes its links before it lists, so that what changes meanwhile is not lost', async () => {
    await using source = await aPulledSource(at, { users: 60, groups: 8, memberships: 200 })
    const { tenant } = source
    const [first, second, third] = [...tenant.live('user')]
    const group = assignedGroups(tenant)[0]!
    if (!group.members.includes(third!.no)) addMember(tenant, group.id, third!.id)
    const change = changing(source, /\/users\?/, () => {
      rename(tenant, first!.id, 'renamed@contoso.com')
      remove(tenant, second!.id)
      addMember(tenant, group.id, hire(tenant, { userPrincipalName: 'meanwhile@contoso.com' }).id)
      removeMember(tenant, group.id, third!.id)
    })

    await source.pull({ fetch: change.fetch })

    expect(change.done).toBe(true)
    expect(await source.state(second!.id)).toBe('s')
    expect(await source.mirror()).toEqual(truthOf(tenant, source.needs))
  })

  it('keeps secret attributes sealed and nowhere else', async () => {
    await using source = await aPulledSource(at, { users: 40, groups: 2, memberships: 40 })

    await source.pull()

    const rows = await source.query<{ attributes: object; sealed: Buffer | null }>(
      `select attributes, sealed from mirror_objects where source_id = $1 and kind = 'u'`,
      [source.id],
    )
    expect(rows.filter((row) => row.sealed !== null).length).toBeGreaterThan(20)
    for (const row of rows) expect(Object.keys(row.attributes)).not.toContain(CARD)
  })

  it('reads managers where a mapping uses them', async () => {
    const settings = { users: { properties: { manager: 'manager' } } }
    await using source = await aPulledSource(at, { users: 130, groups: 2, memberships: 20, settings })

    await source.pull()

    const truth = truthOf(source.tenant, source.needs)
    expect(Object.values(truth.users).some((u) => 'manager' in (u as object))).toBe(true)
    expect(await source.mirror()).toEqual(truth)
  })

  it('reads no groups where nothing needs them', async () => {
    const settings = { groups: { import: false } }
    await using source = await aPulledSource(at, { users: 20, groups: 5, memberships: 20, settings })

    const result = await source.pull()
    source.world.emulator.clearRequests()
    await source.pull()

    expect(result.groupsRead).toBe(0)
    expect(await source.mirror()).toEqual({
      ...truthOf(source.tenant, source.needs),
      groups: {},
      members: [],
      nesting: [],
    })
    expect(source.world.emulator.requests.map((r) => r.path.split('?')[0])).toEqual(['/users/delta'])
  })

  it('G15: members that are neither users nor groups are counted and left out', async () => {
    await using source = await aPulledSource(at, { users: 20, groups: 1, memberships: 10 })
    const group = createGroup(source.tenant, { displayName: 'mixed' })
    addMember(source.tenant, group.id, addDevice(source.tenant, { displayName: 'printer' }).id)
    addMember(source.tenant, group.id, [...source.tenant.live('user')][0]!.id)

    await source.pull()

    expect([...source.world.client.unknownMembers.values()].reduce((a, b) => a + b, 0)).toBeGreaterThan(0)
    expect(await source.mirror()).toEqual(truthOf(source.tenant, source.needs))
  })

  it('G16: groups inside each other in a circle are read as they are', async () => {
    await using source = await aPulledSource(at, { users: 10, groups: 1, memberships: 5 })
    const [a, b] = ['a', 'b'].map((displayName) => createGroup(source.tenant, { displayName }))
    addMember(source.tenant, a!.id, b!.id)
    addMember(source.tenant, b!.id, a!.id)

    await source.pull()

    expect((await source.mirror()).nesting).toEqual(
      expect.arrayContaining([`${a!.id} > ${b!.id}`, `${b!.id} > ${a!.id}`]),
    )
  })

  it('D10: values that the database cannot hold do not end the run', async () => {
    await using source = await aPulledSource(at, { users: 5, groups: 1, memberships: 2 })
    const [user] = [...source.tenant.live('user')]
    const odd = 'a\0b\ud800c\\d\te\nf\u2028😀'
    update(source.tenant, user!.id, { displayName: odd, employeeId: '\0' })

    await source.pull()

    const { users } = await source.mirror()
    expect(users[user!.id]).toMatchObject({ displayName: 'a�b�c\\d\te\nf\u2028😀', employeeId: '�' })
  })

  it('G3: a dead page token begins that listing anew and nothing is doubled', async () => {
    await using source = await aPulledSource(at, { users: 1300, groups: 4, memberships: 5000 })
    const fault = source.world.emulator.faults.add({ kind: 'expired-page-token', where: 'both', count: 3 })

    await source.pull()

    expect(fault.fired).toBe(3)
    expect(source.world.client.restartedListings).toBeGreaterThan(0)
    expect(await source.mirror()).toEqual(truthOf(source.tenant, source.needs))
  })

  it('G4: objects that lists give twice are kept once', async () => {
    await using source = await aPulledSource(at, { users: 2300, groups: 3, memberships: 4000 })
    source.tenant.behaviour.duplicateObjectsInList = 1
    source.world.emulator.faults.add({ kind: 'page-size-refused', max: 100, path: /^\/users\?/ })

    await source.pull()

    expect(source.tenant.behaviour.fired.duplicateObjectsInList).toBeGreaterThan(5)
    expect(await source.mirror()).toEqual(truthOf(source.tenant, source.needs))
  })

  it('S11: members that come before their users are kept', async () => {
    await using source = await aPulledSource(at, { users: 30, groups: 3, memberships: 60 })
    const placeholders = () =>
      source.query(`select 1 from mirror_objects where source_id = $1 and kind = '?'`, [source.id])
    let met = 0
    const fetch: typeof globalThis.fetch = async (input, init) => {
      // users come when the mirror has met their memberships
      if (/\/users\?/.test(new Request(input, init).url)) while (met === 0) met = (await placeholders()).length
      return source.world.emulator.fetch(input, init)
    }

    await source.pull({ fetch })

    expect(await source.mirror()).toEqual(truthOf(source.tenant, source.needs))
    expect(await source.query(`select 1 from mirror_objects where source_id = $1 and kind = '?'`, [source.id])).toEqual(
      [],
    )
  })

  it('refuses a tenant other than the configured one', async () => {
    await using source = await aPulledSource(at)

    const pulling = source.pull({ tenantId: '99999999-9999-4999-8999-999999999999' })

    await expect(pulling).rejects.toMatchObject({ code: 'tenant-mismatch' })
    expect(await source.query('select 1 from mirror_objects where source_id = $1', [source.id])).toEqual([])
  })

  it('refuses kinds of tenants without change tracking', async () => {
    await using source = await aPulledSource(at)
    source.tenant.tenantType = 'CIAM'

    await expect(source.pull()).rejects.toMatchObject({ code: 'tenant-unsupported' })
  })

  it('L2 L3 S1: a refusal is a failure, never an empty tenant', async () => {
    await using source = await aPulledSource(at, { users: 20, groups: 3, memberships: 20 })
    await source.pull()
    const before = await source.mirror()
    source.world.emulator.withdrawRoles(source.world.hosted.app, ['User.Read.All', 'GroupMember.Read.All'])

    await expect(source.pull({ mode: 'full' })).rejects.toMatchObject({ code: 'forbidden' })
    await expect(source.pull()).rejects.toMatchObject({ code: 'forbidden' })

    expect(await source.mirror()).toEqual(before)
  })

  it('S8: a pull that has lost its source writes nothing', async () => {
    await using source = await aPulledSource(at, { users: 20, groups: 3, memberships: 20 })
    const written = () =>
      source.query<{ kind: string; object_id: string }>(
        'select kind, object_id from mirror_objects where source_id = $1 order by object_id',
        [source.id],
      )
    let whenLost: Awaited<ReturnType<typeof written>> | undefined
    const fetch: typeof globalThis.fetch = async (input, init) => {
      const answer = await source.world.emulator.fetch(input, init)
      if (/\/users\?/.test(new Request(input, init).url)) {
        await at.db.query('update sources set fence = fence + 1 where id = $1', [source.id])
        // Groups are listed beside users, and may be there already.
        whenLost ??= await written()
      }
      return answer
    }

    await expect(source.pull({ fetch })).rejects.toMatchObject({ code: 'fence-lost' })

    expect(await written()).toEqual(whenLost)
    expect(whenLost?.filter(({ kind }) => kind === 'u')).toEqual([])
  })

  it('is cancelled at once by its signal', async () => {
    await using source = await aPulledSource(at, { users: 20, groups: 3, memberships: 20 })
    const controller = new AbortController()
    const change = changing(source, /\/groups\?/, () => controller.abort())

    await expect(source.pull({ fetch: change.fetch, signal: controller.signal })).rejects.toMatchObject({
      code: 'cancelled',
    })
    await source.pull()

    expect(await source.mirror()).toEqual(truthOf(source.tenant, source.needs))
  })

  it('reports its progress by phase', async () => {
    await using source = await aPulledSource(at, { users: 30, groups: 3, memberships: 40 })
    disable(source.tenant, [...source.tenant.live('user')][0]!.id)
    const phases = new Set<string>()

    await source.pull({ onProgress: ({ phase }) => phases.add(phase) })

    expect([...phases].sort()).toEqual(['changes', 'groups', 'memberships', 'users'])
  })
})

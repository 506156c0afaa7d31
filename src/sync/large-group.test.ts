// One group that a round of changes tells in very many slices: put together whatever its size, and nothing of it is applied before
// the last slice is there.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { aPulledSource } from '../../test/support/pulled.ts'
import { createTestVault } from '../../test/support/vault.ts'
import { aSyncWorld, registryView } from '../../test/support/world.ts'
import { addMember, createGroup, removeMember } from '../emulator/memberships.ts'
import type { Vault } from '../vault/keys.ts'

let test: TestDatabase
let at: { db: TestDatabase['db']; vault: Vault }
beforeAll(async () => {
  test = await createTestDatabase()
  at = { db: test.db, vault: await createTestVault(test.db) }
})
afterAll(() => test.drop())

describe('a huge group', () => {
  it('G5: of many thousand members comes in 200 slices with others between them, and has every one of them, then loses a tenth', async () => {
    // LARGE_GROUP=100000 takes some ten seconds longer.
    const SIZE = Number(process.env['LARGE_GROUP'] ?? 20_000)
    await using source = await aPulledSource(at, { users: SIZE, groups: 0, memberships: 0 })
    const { tenant, world } = source
    const huge = createGroup(tenant, { displayName: 'huge' })
    const small = createGroup(tenant, { displayName: 'small' })
    const ids = [...tenant.live('user')].map((user) => user.id)
    await source.pull()
    const members = async () =>
      source.query<{ huge: number; small: number; wrong: number }>(
        `select count(*) filter (where g.object_id = $2) as huge, count(*) filter (where g.object_id = $3) as small,
           count(*) filter (where u.object_id is null) as wrong
           from mirror_members m join mirror_objects g on g.key = m.group_key
           left join mirror_objects u on u.key = m.member_key and u.kind = 'u' and u.source_id = g.source_id
          where g.source_id = $1`,
        [source.id, huge.id, small.id],
      )
    const slices = () => world.emulator.requests.filter(({ path }) => path.includes('/groups/delta')).length

    Object.assign(tenant.behaviour, { deltaMembersPerPage: SIZE / 200, interleaveGroups: true })
    for (const [n, id] of ids.entries()) {
      addMember(tenant, huge.id, id)
      if (n % 100 === 0) addMember(tenant, small.id, id)
    }
    world.emulator.clearRequests()
    await source.pull()
    expect(slices()).toBeGreaterThanOrEqual(200)
    expect(await members()).toEqual([{ huge: SIZE, small: SIZE / 100, wrong: 0 }])

    for (const [n, id] of ids.entries()) if (n % 10 === 1) removeMember(tenant, huge.id, id)
    world.emulator.clearRequests()
    await source.pull()
    expect(slices()).toBeGreaterThanOrEqual(20)
    expect(await members()).toEqual([{ huge: SIZE * 0.9, small: SIZE / 100, wrong: 0 }])
  }, 300_000)

  it('G5: whose slices break off after any of them changes nothing, and is applied whole by the run that gets the rest', async () => {
    // The other's source is made by hand, and no run would read its settings.
    const own = await createTestDatabase()
    const world = await aSyncWorld(own.db, { users: 60, settings: { safeguard: 'off' } })
    try {
      const group = createGroup(world.tenant, { displayName: 'huge' })
      Object.assign(world.tenant.behaviour, { deltaMembersPerPage: 10, interleaveGroups: true })
      const ids = [...world.tenant.live('user')].map((user) => user.id)
      await world.sync()
      let broken = 0
      for (let after = 0; after < 6; after += 1) {
        const isJoining = after % 2 === 0
        for (const id of ids) (isJoining ? addMember : removeMember)(world.tenant, group.id, id)
        const before = await registryView(own.db)
        const fault = world.emulator.faults.add({ kind: 'forbidden', path: /^\/groups\/delta/, after })
        const run = await world.sync()
        expect(run).toMatchObject({ outcome: 'failed', error: { code: 'forbidden' } })
        expect(await registryView(own.db)).toEqual(before)
        broken += fault.fired
        fault.remove()

        const whole = await world.sync()
        expect([after, whole.outcome, whole.error]).toEqual([after, 'applied', null])
        const joined = (await registryView(own.db)).memberships.filter((pair) => pair.startsWith(group.id))
        expect(joined.length).toBe(isJoining ? before.memberships.length + whole.memberships.added : 0)
        if (isJoining) expect(joined.length).toBeGreaterThan(50)
      }
      expect(broken).toBeGreaterThanOrEqual(6)
    } finally {
      await world.stop()
      await own.drop()
    }
  })
})

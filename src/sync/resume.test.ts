// E1: a pull that ends at any point is gone on with, and ends in the same mirror.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { aPulledSource, type PulledSource, truthOf } from '../../test/support/pulled.ts'
import { createTestVault } from '../../test/support/vault.ts'
import { addMember, createGroup, removeMember } from '../emulator/memberships.ts'
import { hire, purge, remove, rename } from '../emulator/operations.ts'
import type { Vault } from '../vault/keys.ts'

const DAY_MS = 86_400_000

let test: TestDatabase
let at: { db: TestDatabase['db']; vault: Vault }
beforeAll(async () => {
  test = await createTestDatabase()
  at = { db: test.db, vault: await createTestVault(test.db) }
})
afterAll(() => test.drop())

/** Pulls, cut at every n-th Graph request; each pull gets `step` requests further than what was stored before. */
async function pullInPieces(source: PulledSource, options: { mode: 'auto' | 'full'; step: number }): Promise<number> {
  for (let cuts = 0; ; cuts += 1) {
    expect(cuts).toBeLessThan(200)
    const controller = new AbortController()
    let requests = 0
    const fetch: typeof globalThis.fetch = async (input, init) => {
      if (!new Request(input, init).url.endsWith('/token') && ++requests > options.step) controller.abort()
      return source.world.emulator.fetch(input, init)
    }
    try {
      // an unfinished round is gone on with in either mode, so the second pull need not ask for it
      await source.pull({ mode: cuts === 0 ? options.mode : 'auto', fetch, signal: controller.signal })
      return cuts
    } catch (error) {
      expect(error).toMatchObject({ code: 'cancelled' })
    }
  }
}

async function aLargerSource(): Promise<PulledSource> {
  const source = await aPulledSource(at, { users: 2050, groups: 30, memberships: 4000 })
  const nested = createGroup(source.tenant, { displayName: 'nested' })
  addMember(source.tenant, nested.id, [...source.tenant.live('group')][0]!.id)
  return source
}

function changeEverything(source: PulledSource): void {
  const { tenant } = source
  const people = [...tenant.live('user')]
  const groups = [...tenant.live('group')].filter((g) => g.properties['membershipRule'] === undefined)
  for (const [i, user] of people.slice(0, 300).entries()) rename(tenant, user.id, `renamed${i}@contoso.com`)
  for (const user of people.slice(300, 330)) remove(tenant, user.id)
  for (const user of people.slice(330, 350)) purge(tenant, user.id)
  for (const group of groups.slice(0, 20)) {
    for (const no of [...group.members].slice(0, 5)) removeMember(tenant, group.id, tenant.at(no).id)
    for (let i = 0; i < 5; i += 1) {
      addMember(tenant, group.id, hire(tenant, { userPrincipalName: `n${i}.${group.no}@contoso.com` }).id)
    }
  }
  remove(tenant, groups[21]!.id)
}

describe('a pull cut at any request', () => {
  it('E1: of a first load goes on at its stored pages', async () => {
    await using source = await aLargerSource()

    const cuts = await pullInPieces(source, { mode: 'auto', step: 12 })

    expect(cuts).toBeGreaterThan(3)
    expect(await source.mirror()).toEqual(truthOf(source.tenant, source.needs))
    expect(
      await source.query('select 1 from mirror_objects where source_id = $1 and kind = $2', [source.id, '?']),
    ).toEqual([])
  })

  it('E1, S1: of a full compare changes nothing until it is whole, and goes on', async () => {
    await using source = await aLargerSource()
    await source.pull()
    await source.forgetMarks()
    changeEverything(source)
    const before = await source.mirror()
    const controller = new AbortController()
    let requests = 0
    const fetch: typeof globalThis.fetch = async (input, init) => {
      if (++requests > 30) controller.abort()
      return source.world.emulator.fetch(input, init)
    }
    await expect(source.pull({ mode: 'full', fetch, signal: controller.signal })).rejects.toMatchObject({
      code: 'cancelled',
    })
    // S1: nothing of a walk that was cut is in the mirror
    expect(await source.mirror()).toEqual(before)
    expect(await source.marks()).toEqual([])

    const cuts = await pullInPieces(source, { mode: 'full', step: 14 })

    expect(cuts).toBeGreaterThan(2)
    expect(await source.mirror()).toEqual(truthOf(source.tenant, source.needs))
  })

  it('E1, S3: of a round of changes goes on at its page', async () => {
    await using source = await aLargerSource()
    await source.pull()
    Object.assign(source.tenant.behaviour, { deltaPageSize: 20, deltaMembersPerPage: 15 })
    changeEverything(source)

    const cuts = await pullInPieces(source, { mode: 'auto', step: 9 })

    expect(cuts).toBeGreaterThan(2)
    expect(await source.mirror()).toEqual(truthOf(source.tenant, source.needs))
  })

  it('a first load of other settings, or older than six days, begins anew', async () => {
    for (const change of ['settings', 'age'] as const) {
      await using source = await aPulledSource(at, { users: 300, groups: 10, memberships: 500 })
      const controller = new AbortController()
      let requests = 0
      const fetch: typeof globalThis.fetch = async (input, init) => {
        if (++requests > 8) controller.abort()
        return source.world.emulator.fetch(input, init)
      }
      await expect(source.pull({ fetch, signal: controller.signal })).rejects.toMatchObject({ code: 'cancelled' })
      expect(await source.query('select 1 from mirror_objects where source_id = $1', [source.id])).not.toEqual([])
      if (change === 'settings') source.set({ users: { properties: { jobTitle: 'jobTitle' } } })
      else source.world.emulator.clock.advance(6.1 * DAY_MS)
      source.world.emulator.clearRequests()

      const result = await source.pull()

      expect(result.usersRead).toBe(300)
      expect(source.world.emulator.requests.some((r) => r.path.includes('latest'))).toBe(true)
      expect(await source.mirror()).toEqual(truthOf(source.tenant, source.needs))
    }
  })

  it('dead links of an interrupted walk begin their listing anew, not the round', async () => {
    await using source = await aPulledSource(at, { users: 1900, groups: 5, memberships: 5000 })
    const controller = new AbortController()
    let pages = 0
    const fetch: typeof globalThis.fetch = async (input, init) => {
      if (/\/users\?/.test(new Request(input, init).url) && ++pages === 2) controller.abort()
      return source.world.emulator.fetch(input, init)
    }
    await expect(source.pull({ fetch, signal: controller.signal })).rejects.toMatchObject({ code: 'cancelled' })
    source.world.emulator.faults.add({ kind: 'expired-page-token', path: /^\/users\?/, count: 1 })
    source.world.emulator.clearRequests()

    await source.pull()

    expect(source.world.emulator.requests.some((r) => r.path.includes('latest'))).toBe(false)
    expect(await source.mirror()).toEqual(truthOf(source.tenant, source.needs))
  })

  it('E2: a database that goes away ends the pull, and nothing is lost', async () => {
    await using source = await aPulledSource(at, { users: 300, groups: 10, memberships: 500 })
    let isCut = false
    const fetch: typeof globalThis.fetch = async (input, init) => {
      const answer = await source.world.emulator.fetch(input, init)
      if (!isCut && /\/users\?/.test(new Request(input, init).url)) {
        isCut = true
        await at.db.query(
          `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`,
        )
      }
      return answer
    }

    await source
      .pull({ fetch })
      .catch((error: unknown) => expect(error).toMatchObject({ code: 'database-unavailable' }))
    await source.pull()

    expect(await source.mirror()).toEqual(truthOf(source.tenant, source.needs))
  })
})

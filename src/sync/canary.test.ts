// G12, G22: an app that has lost a permission is answered nulls with status 200; they must not reach the mirror.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { aPulledSource, type PulledSource, truthOf } from '../../test/support/pulled.ts'
import { createTestVault } from '../../test/support/vault.ts'
import { update } from '../emulator/operations.ts'
import { GraphError } from '../graph/errors.ts'
import type { Vault } from '../vault/keys.ts'

let test: TestDatabase
let at: { db: TestDatabase['db']; vault: Vault }
beforeAll(async () => {
  test = await createTestDatabase()
  at = { db: test.db, vault: await createTestVault(test.db) }
})
afterAll(() => test.drop())

const CARDS = 'onPremisesExtensionAttributes'

async function aLoadedSource(): Promise<PulledSource> {
  const source = await aPulledSource(at, { users: 60, groups: 4, memberships: 60 })
  await source.pull()
  await source.forgetMarks()
  return source
}

/** From the k-th request on Graph shows nothing of users but their ids. */
function storm(source: PulledSource, after: number) {
  return source.world.emulator.faults.add({ kind: 'null-storm', path: /^\/users/, where: 'both', after })
}

describe('nulls for everything', () => {
  it('G12: in a full compare, from whichever request on, change nothing', async () => {
    await using source = await aLoadedSource()
    const before = await source.mirror()

    for (let after = 0; after < 8; after += 1) {
      const fault = storm(source, after)
      await source.pull({ mode: 'full' }).then(
        () => expect(fault.fired).toBeLessThan(2),
        (error: unknown) => expect(error).toMatchObject({ code: 'attributes-unreadable' }),
      )
      fault.remove()
      expect(await source.mirror()).toEqual(before)
    }
    await source.pull({ mode: 'full' })
    expect(await source.mirror()).toEqual(truthOf(source.tenant, source.needs))
    expect(await source.marks()).toEqual([])
  })

  it('G12: in a round of changes change nothing', async () => {
    await using source = await aLoadedSource()
    const before = await source.mirror()
    for (const user of [...source.tenant.live('user')].slice(0, 10))
      update(source.tenant, user.id, { city: 'Prague', department: 'x' })
    const fault = storm(source, 0)

    await expect(source.pull()).rejects.toMatchObject({ code: 'attributes-unreadable' })

    expect(await source.mirror()).toEqual(before)
    fault.remove()
    await source.pull()
    expect(await source.mirror()).toEqual(truthOf(source.tenant, source.needs))
  })

  it('G12: during a first load end it, and the next begins anew', async () => {
    await using source = await aPulledSource(at, { users: 60, groups: 4, memberships: 60 })
    source.world.emulator.faults.add({ kind: 'null-storm', path: /^\/users\?/, count: 1 })

    await expect(source.pull()).rejects.toMatchObject({ code: 'attributes-unreadable' })
    await source.pull()

    expect(await source.mirror()).toEqual(truthOf(source.tenant, source.needs))
  })

  it('G12: in a full compare that lasted only while its list was read are noticed after it', async () => {
    await using source = await aLoadedSource()
    const before = await source.mirror()
    const fault = source.world.emulator.faults.add({ kind: 'null-storm', path: /^\/users\?/, count: 1 })

    await expect(source.pull({ mode: 'full' })).rejects.toMatchObject({ code: 'attributes-unreadable' })

    expect(fault.fired).toBe(1)
    expect(await source.mirror()).toEqual(before)
    await source.pull({ mode: 'full' })
    expect(await source.mirror()).toEqual(truthOf(source.tenant, source.needs))
  })

  it('G12: a 403 from whichever request of a walk on fails the run and changes nothing', async () => {
    await using source = await aLoadedSource()
    const before = await source.mirror()
    let hasFired = true
    let after = 0
    for (; hasFired; after += 1) {
      const fault = source.world.emulator.faults.add({ kind: 'forbidden', after, where: 'both' })
      const ending = await source.pull({ mode: 'full' }).then(
        () => 'read',
        (error: unknown) => (error instanceof GraphError ? error.code : error),
      )
      hasFired = fault.fired > 0
      expect([after, ending]).toEqual([after, hasFired ? 'forbidden' : 'read'])
      fault.remove()
      expect(await source.mirror()).toEqual(before)
    }
    // Every request of a compare was the first to be refused, until there was none left.
    expect(after).toBeGreaterThan(8)
  })
})

describe('nulls for one attribute', () => {
  it('G22: that everybody seems to have lost though the permission is there are believed, and noted', async () => {
    await using source = await aLoadedSource()
    for (const user of source.tenant.live('user')) update(source.tenant, user.id, { [CARDS]: null })

    await source.pull({ mode: 'full' })

    expect(await source.mirror()).toEqual(truthOf(source.tenant, source.needs))
    const noted = await test.db.query<{ names: string[] }>(
      'select cleared_everywhere as names from sources where id = $1',
      [source.id],
    )
    expect(noted.rows[0]!.names.length).toBeGreaterThan(0)
  })

  it('G12: that everybody seems to have lost with the permission change nothing', async () => {
    await using source = await aLoadedSource()
    const before = await source.mirror()
    for (const user of source.tenant.live('user')) update(source.tenant, user.id, { [CARDS]: null })
    source.world.emulator.faults.add({ kind: 'forbidden', path: /^\/users\/delta/, where: 'both' })

    await expect(source.pull({ mode: 'full' })).rejects.toMatchObject({ code: 'attributes-unreadable' })

    expect(await source.mirror()).toEqual(before)
  })

  it('that some have lost are believed: the others still show it', async () => {
    await using source = await aLoadedSource()
    for (const user of [...source.tenant.live('user')].slice(0, 20)) update(source.tenant, user.id, { [CARDS]: null })

    const result = await source.pull()

    expect(result.mode).toBe('delta')
    expect(await source.mirror()).toEqual(truthOf(source.tenant, source.needs))
  })

  it('that one of few has lost are believed', async () => {
    await using source = await aPulledSource(at, { users: 3, groups: 1, memberships: 2 })
    await source.pull()
    const [user] = [...source.tenant.live('user')]
    update(source.tenant, user!.id, { department: null, employeeId: null })

    await source.pull()

    expect(await source.mirror()).toEqual(truthOf(source.tenant, source.needs))
  })

  it('are looked into by one batch, and only when a value would go', async () => {
    await using source = await aLoadedSource()
    const [one, other] = [...source.tenant.live('user')].filter((u) => typeof u.properties['department'] === 'string')
    source.world.emulator.clearRequests()
    update(source.tenant, one!.id, { department: 'another' })
    await source.pull()
    expect(source.world.emulator.requests.filter((r) => r.path === '/$batch')).toEqual([])

    update(source.tenant, other!.id, { department: null })
    await source.pull()

    expect(source.world.emulator.requests.filter((r) => r.path === '/$batch')).toHaveLength(1)
    expect(await source.mirror()).toEqual(truthOf(source.tenant, source.needs))
  })
})

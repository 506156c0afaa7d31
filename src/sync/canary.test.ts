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

/** Answers of the emulator on a path, with what `lie` makes of each user in them. */
function lying(
  source: PulledSource,
  { path, lie }: { readonly path: RegExp; readonly lie: (user: Record<string, unknown>) => void },
): typeof fetch {
  return async (input, init) => {
    const answer = await source.world.emulator.fetch(input, init)
    if (!path.test(new URL(new Request(input, init).url).pathname) || answer.status !== 200) return answer
    const body = (await answer.json()) as { value?: Record<string, unknown>[]; responses?: { body?: object }[] }
    for (const user of body.value ?? []) lie(user)
    for (const { body: user } of body.responses ?? []) if (user !== undefined) lie(user as Record<string, unknown>)
    return Response.json(body, { headers: answer.headers })
  }
}

describe('nulls that only the page has', () => {
  const DELTA = /\/users\/delta$/

  it('G12 S10: for everything of people who changed, while all others are shown, change nothing', async () => {
    await using source = await aLoadedSource()
    const before = await source.mirror()
    for (const user of [...source.tenant.live('user')].slice(0, 12))
      update(source.tenant, user.id, { displayName: 'New' })
    const fault = source.world.emulator.faults.add({ kind: 'null-storm', path: /^\/users\/delta/ })

    await expect(source.pull()).rejects.toMatchObject({ code: 'attributes-unreadable' })

    expect(await source.mirror()).toEqual(before)
    fault.remove()
    await source.pull()
    expect(await source.mirror()).toEqual(truthOf(source.tenant, source.needs))
  })

  it('G12 S10: for one attribute, that the same people still show by id, change nothing', async () => {
    await using source = await aLoadedSource()
    const before = await source.mirror()
    const having = [...source.tenant.live('user')].filter((user) => typeof user.properties['department'] === 'string')
    // All but one of them: the others show it, and prove nothing about these.
    for (const user of having.slice(1)) update(source.tenant, user.id, { displayName: 'New' })
    const fetch = lying(source, { path: DELTA, lie: (user) => void (user['department'] = null) })

    await expect(source.pull({ fetch })).rejects.toMatchObject({ code: 'attributes-unreadable' })

    expect(await source.mirror()).toEqual(before)
    await source.pull()
    expect(await source.mirror()).toEqual(truthOf(source.tenant, source.needs))
  })

  it('G12 S10: for one of many who really lost it change nothing either', async () => {
    await using source = await aLoadedSource()
    const before = await source.mirror()
    const [liedOf, ...others] = [...source.tenant.live('user')].filter(
      (user) => typeof user.properties['department'] === 'string',
    )
    update(source.tenant, liedOf!.id, { displayName: 'New' })
    for (const user of others.slice(0, 5)) update(source.tenant, user.id, { department: null })
    const lie = (user: Record<string, unknown>) => {
      if (user['id'] === liedOf!.id) user['department'] = null
    }

    await expect(source.pull({ fetch: lying(source, { path: DELTA, lie }) })).rejects.toMatchObject({
      code: 'attributes-unreadable',
    })

    expect(await source.mirror()).toEqual(before)
  })

  it('S10: on a later page, for one whose value is back since, end one run and not all that follow', async () => {
    await using source = await aLoadedSource()
    const { clock } = source.world.emulator
    const [one, ...others] = [...source.tenant.live('user')].filter(
      (u) => typeof u.properties['department'] === 'string',
    )
    source.tenant.behaviour.deltaLagSeconds = 900
    Object.assign(source.tenant.behaviour, { deltaPageSize: 5 })
    clock.advance(1000)
    for (const user of others.slice(0, 12)) update(source.tenant, user.id, { displayName: 'New' })
    update(source.tenant, one!.id, { department: null })
    clock.advance(600_000)
    update(source.tenant, one!.id, { department: 'Sales' })
    clock.advance(300_000)
    await expect(source.pull()).rejects.toMatchObject({ code: 'attributes-unreadable' })
    // Some pages were read before.
    expect(await source.marks()).not.toEqual([])
    clock.advance(900_000)

    await source.pull()

    expect(await source.mirror()).toEqual(truthOf(source.tenant, source.needs))
  })

  it.each(['first', 'full'] as const)('G12 S10: for the name of one user of a %s walk end it', async (walk) => {
    await using source = await aPulledSource(at, { users: 60, groups: 4, memberships: 60 })
    if (walk === 'full') await source.pull()
    const before = await source.mirror()
    const one = [...source.tenant.live('user')][7]!.id
    const fetch = lying(source, {
      path: /\/users$/,
      lie: (user) => {
        if (user['id'] === one) user['userPrincipalName'] = null
      },
    })

    await expect(source.pull({ mode: 'full', fetch })).rejects.toMatchObject({ code: 'attributes-unreadable' })

    expect(await source.mirror()).toEqual(before)
    await source.pull({ mode: 'full' })
    expect(await source.mirror()).toEqual(truthOf(source.tenant, source.needs))
  })
})

describe('nulls where nobody is left who shows values', () => {
  async function aTenantOfEight(): Promise<PulledSource> {
    const source = await aPulledSource(at, { users: 8, groups: 1, memberships: 2 })
    await source.pull()
    for (const user of source.tenant.live('user')) update(source.tenant, user.id, { displayName: 'New', [CARDS]: null })
    return source
  }

  it('G12: with the permission gone change nothing', async () => {
    await using source = await aTenantOfEight()
    const before = await source.mirror()
    // The first request are the changes, the second asks for the permission.
    source.world.emulator.faults.add({ kind: 'forbidden', path: /^\/users\/delta/, where: 'both', after: 1 })

    await expect(source.pull()).rejects.toMatchObject({ code: 'attributes-unreadable' })

    expect(await source.mirror()).toEqual(before)
  })

  it('G12: with the permission there are believed, once the same people show nothing again', async () => {
    await using source = await aTenantOfEight()
    const before = await source.mirror()
    let asked = 0
    const fetch = lying(source, {
      path: /\/\$batch$/,
      lie: (user) => {
        asked += 1
        if (asked > 8) user[CARDS] = { extensionAttribute5: '4711' }
      },
    })

    await expect(source.pull({ fetch })).rejects.toMatchObject({ code: 'attributes-unreadable' })
    expect(await source.mirror()).toEqual(before)
    await source.pull()

    expect(await source.mirror()).toEqual(truthOf(source.tenant, source.needs))
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

  it('of many on one page cost a bounded number of requests', async () => {
    await using source = await aPulledSource(at, { users: 400, groups: 1, memberships: 1 })
    await source.pull()
    for (const user of [...source.tenant.live('user')].slice(0, 250)) update(source.tenant, user.id, { [CARDS]: null })
    source.world.emulator.clearRequests()

    await source.pull()

    const { requests } = source.world.emulator
    const pages = requests.filter((r) => r.path.startsWith('/users/delta'))
    const batches = requests.filter((r) => r.path === '/$batch')
    expect(batches.length).toBeGreaterThan(0)
    expect(batches.length).toBeLessThanOrEqual(5 * pages.length)
    expect(await source.mirror()).toEqual(truthOf(source.tenant, source.needs))
  })
})

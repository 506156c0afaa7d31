// Each option of the Groups tab: what it does, and what is done without it.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { aHandSource, anId, emptyRegistry, people } from '../../test/support/planned.ts'
import { aSyncWorld, registryView, type Settings, type SyncWorld } from '../../test/support/world.ts'
import { addMember, createGroup } from '../emulator/memberships.ts'
import { hire } from '../emulator/operations.ts'

let test: TestDatabase
const worlds: SyncWorld[] = []
beforeAll(async () => {
  test = await createTestDatabase()
})
afterAll(() => test.drop())
beforeEach(() => test.empty())
afterEach(async () => {
  for (const world of worlds.splice(0)) await world.stop()
})

const A = anId(1)
const [G, H, I] = [anId(91), anId(92), anId(93)] as const

/** Ann is in three groups of Entra, of which the first is nested in the second; the names of hers after a run. */
async function annsGroups(groups: Settings['groups']): Promise<readonly string[]> {
  const source = await aHandSource(test.db, { groups })
  await source.user(A, { userPrincipalName: 'ann@x' })
  await source.group(G, { displayName: 'Sales', securityEnabled: true, mailEnabled: false, groupTypes: [] })
  await source.group(H, { displayName: 'All', mailEnabled: true, securityEnabled: false, groupTypes: ['Unified'] })
  await source.group(I, { displayName: 'TEMP list', mailEnabled: true, securityEnabled: false, groupTypes: [] })
  await source.member(G, A)
  await source.member(I, A)
  await source.nest(H, G)
  await source.run()
  return (await people(test.db))[A]!.groups
}

describe('the options of groups', () => {
  it('option groups.import: effect: no group, no membership', async () => {
    expect(await annsGroups({ import: false })).toEqual([])
    expect((await test.db.query('select from groups')).rowCount).toBe(0)
  })

  it('option groups.import: default: on', async () => {
    expect(await annsGroups({})).toEqual(['Sales', 'TEMP list'])
  })

  it('option groups.ignore: effect: these object ids are left out', async () => {
    expect(await annsGroups({ ignore: [G] })).toEqual(['TEMP list'])
  })

  it('option groups.ignore: default: none is left out', async () => {
    expect(await annsGroups({})).toEqual(['Sales', 'TEMP list'])
  })

  it('option groups.ignoreContaining: effect: on the name, upper and lower case alike, any of several', async () => {
    expect(await annsGroups({ ignoreContaining: ['zzz', 'temp'] })).toEqual(['Sales'])
  })

  it('option groups.ignoreContaining: default: none is left out', async () => {
    expect(await annsGroups({})).toContain('TEMP list')
  })

  it('option groups.types: effect: only groups of the types', async () => {
    expect(await annsGroups({ types: ['security', 'microsoft365'], membership: 'transitive' })).toEqual([
      'All',
      'Sales',
    ])
  })

  /** One group of each kind; the names of those that a run imports. */
  const kindsImported = async (groups: Settings['groups']) => {
    const source = await aHandSource(test.db, { groups })
    const kinds = {
      s: { securityEnabled: true, mailEnabled: false, groupTypes: [] },
      sd: { securityEnabled: true, mailEnabled: false, groupTypes: ['DynamicMembership'] },
      m: { securityEnabled: false, mailEnabled: true, groupTypes: ['Unified'] },
      md: { securityEnabled: true, mailEnabled: true, groupTypes: ['Unified', 'DynamicMembership'] },
      e: { securityEnabled: true, mailEnabled: true, groupTypes: [] },
      d: { securityEnabled: false, mailEnabled: true, groupTypes: [] },
    }
    for (const [n, [displayName, attributes]] of Object.entries(kinds).entries())
      await source.group(anId(100 + n), { displayName, ...attributes })
    await source.run()
    const names = await test.db.query<{ name: string }>('select name from groups order by 1')
    return names.rows.map((r) => r.name)
  }

  it.each([
    // A dynamic security group is a security group too.
    ['security', ['s', 'sd']],
    ['microsoft365', ['m', 'md']],
    ['mailEnabledSecurity', ['e']],
    ['distribution', ['d']],
    ['dynamic', ['md', 'sd']],
  ] as const)('option groups.types: effect: %s', async (type, expected) => {
    expect(await kindsImported({ types: [type] })).toEqual(expected)
  })

  it('option groups.types: default: all', async () => {
    const all = ['d', 'e', 'm', 'md', 's', 'sd']
    expect(await kindsImported({})).toEqual(all)
    await emptyRegistry(test.db)
    expect(await kindsImported({ types: 'all' })).toEqual(all)
  })

  it('option groups.under: effect: the path is above the name', async () => {
    await annsGroups({ under: 'Entra ID|Staff', ignore: [H, I] })

    expect((await test.db.query('select name, under from groups')).rows).toEqual([
      { name: 'Sales', under: 'Entra ID|Staff' },
    ])
  })

  it('option groups.under: default: at the top', async () => {
    await annsGroups({ ignore: [H, I] })

    expect((await test.db.query('select name, under from groups')).rows).toEqual([{ name: 'Sales', under: '' }])
  })

  it('option groups.membership: effect: transitive counts nested groups', async () => {
    expect(await annsGroups({ membership: 'transitive' })).toEqual(['All', 'Sales', 'TEMP list'])
  })

  it('option groups.membership: default: direct members only', async () => {
    expect(await annsGroups({})).toEqual(['Sales', 'TEMP list'])
  })
})

async function aWorld(settings: Settings): Promise<SyncWorld & { readonly count: number }> {
  const world = await aSyncWorld(test.db, { settings })
  worlds.push(world)
  const user = hire(world.tenant, { userPrincipalName: 'ann@contoso.com', displayName: 'Ann', department: 'Sales' })
  const count = 8
  for (let n = 0; n < count; n += 1)
    addMember(world.tenant, createGroup(world.tenant, { displayName: `g${n}` }).id, user.id)
  return { ...world, count }
}

describe('import groups, switched off later', () => {
  it('deletes the groups under the safeguard and reads nothing of groups', async () => {
    const w = await aWorld({})
    await w.sync()
    await w.configure({ groups: { import: false } })

    const held = await w.sync()
    await w.configure({ groups: { import: false }, safeguard: 'off' })
    const applied = await w.sync()

    expect(held).toMatchObject({ outcome: 'held', groups: { deleted: w.count }, memberships: { removed: w.count } })
    expect(held.held?.reasons.map((reason) => reason.rule)).toEqual(['removals.groups'])
    expect(w.requests().filter((request) => request.includes('groups'))).toEqual([])
    expect(applied).toMatchObject({ outcome: 'applied', groups: { deleted: w.count } })
    expect(await registryView(test.db)).toMatchObject({ groups: {}, memberships: [] })
    expect((await w.sync({ mode: 'full' })).outcome).toBe('no-change')
  })

  it('deletes them too when the mirror was forgotten, because the connection named another tenant for a while', async () => {
    const w = await aWorld({ safeguard: 'off' })
    await w.sync()
    await test.db.query('update connections set tenant_id = $1', [A])
    await w.sync()
    await test.db.query('update connections set tenant_id = $1', [w.hosted.tenantId])
    await w.configure({ groups: { import: false }, safeguard: 'off' })

    const back = await w.sync()
    const hidden = await test.db.query('select from groups where hidden')
    await w.configure({ safeguard: 'off' })
    const again = await w.sync()

    expect(back).toMatchObject({ outcome: 'applied', groups: { deleted: w.count }, memberships: { removed: w.count } })
    expect(hidden.rowCount).toBe(w.count)
    expect(again.groups.created).toBe(w.count)
    expect((await test.db.query('select from groups')).rowCount).toBe(w.count)
  })

  it('leaves groups from attributes, which need none of Entra', async () => {
    const groups = { import: false, fromAttributes: [{ template: '%department%' }] }
    const w = await aWorld({ groups })

    const document = await w.sync()

    expect(document).toMatchObject({ outcome: 'applied', groups: { read: 0, created: 1 }, memberships: { added: 1 } })
    expect(w.requests().filter((request) => request.includes('groups'))).toEqual([])
  })
})

// What an approval is good for: the plan that was looked at, in the tenant that it was made for, and nothing beside it.
import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { emptyRegistry } from '../../test/support/planned.ts'
import { aSyncWorld, type SyncWorld } from '../../test/support/world.ts'
import type { RunDocument } from '../contract/runs.ts'
import { addMember, createGroup } from '../emulator/memberships.ts'
import type { DirectoryObject } from '../emulator/object.ts'
import { hire, remove, restore, update } from '../emulator/operations.ts'
import { createRandom } from '../emulator/random.ts'
import type { HostedTenant } from '../emulator/server.ts'
import { Tenant } from '../emulator/tenant.ts'
import { approveRun, type Approval } from './approve.ts'
import type { Engine } from './engine.ts'
import { PLANNER_VERSION } from './planning.ts'
import { type RunRequest, runSource } from './run.ts'

let test: TestDatabase
let w: SyncWorld
let people: DirectoryObject[]
beforeAll(async () => {
  test = await createTestDatabase()
})
afterAll(async () => {
  await test.drop()
})
beforeEach(async () => {
  await emptyRegistry(test.db)
  w = await aSyncWorld(test.db)
  people = Array.from({ length: 20 }, (_, i) =>
    hire(w.tenant, { userPrincipalName: `p${i}@contoso.com`, displayName: `P${i}`, department: 'Sales' }),
  )
  await w.sync()
})
afterEach(async () => {
  await w.stop()
})

async function approve(held: RunDocument, more: Partial<Approval> & { readonly engine?: Engine } = {}) {
  const { engine = w.engine, ...approval } = more
  return approveRun(engine, {
    run: Number(held.run),
    hash: held.planHash!,
    reason: 'looked at',
    actor: { kind: 'command line', name: 'admin' },
    signal: new AbortController().signal,
    onProgress: () => {},
    ...approval,
  })
}

const rulesOf = (run: RunDocument) => run.held?.reasons.map(({ rule }) => rule)
const leave = (from: number, to: number) => {
  for (const person of people.slice(from, to)) remove(w.tenant, person.id)
}

describe('a connection that leads to another tenant by now', () => {
  let other: HostedTenant
  let engine: Engine
  beforeEach(() => {
    const random = createRandom(77)
    const { clock } = w.emulator
    const tenant = new Tenant({ tenantId: randomUUID(), displayName: 'Fabrikam', clock, random })
    hire(tenant, { userPrincipalName: 'somebody@fabrikam.com', displayName: 'Somebody' })
    other = w.emulator.host(tenant)
    engine = {
      ...w.engine,
      openGraph: async (to) => {
        const { app } = to.tenantId === other.tenantId ? other : w.hosted
        return w.openGraphWith({ ...to, credentials: [{ kind: 'secret', secret: app.secrets[0]!.secretText }] })
      },
    }
  })

  const lead = () =>
    test.db.query('update connections set tenant_id = $1, client_id = $2', [other.tenantId, other.clientId])
  const sync = (more: Partial<RunRequest> = {}) =>
    runSource(engine, {
      source: w.source,
      kind: 'sync',
      mode: 'auto',
      trigger: 'manual',
      wait: false,
      signal: new AbortController().signal,
      onProgress: () => {},
      ...more,
    })
  const tenants = async () => {
    const found = await test.db.query<{ tenant: string; active: boolean; count: number }>(
      'select tenant_id as tenant, active, count(*) as count from users group by 1, 2',
    )
    return found.rows
  }
  const asBefore = () => [{ tenant: w.hosted.tenantId, active: true, count: 20 }]

  it('O4: what waited for the first one is not applied, and a new plan waits in its place', async () => {
    leave(0, 6)
    hire(w.tenant, { userPrincipalName: 'new@contoso.com', displayName: 'New' })
    const held = await sync()
    expect(rulesOf(held)).toEqual(['removals.users'])
    await lead()

    const approved = await approve(held, { engine })

    expect(approved.outcome).toBe('held')
    expect(rulesOf(approved)).toContain('connection-changed')
    expect(await tenants()).toEqual(asBefore())
  })

  it('O4: with removals left out it is not applied either', async () => {
    leave(0, 6)
    hire(w.tenant, { userPrincipalName: 'new@contoso.com', displayName: 'New' })
    const held = await sync()
    await lead()

    const approved = await approve(held, { engine, without: 'removals' })

    expect(approved.outcome).toBe('held')
    expect(await tenants()).toEqual(asBefore())
  })

  it('O4: a plan of which it is not known where it was read is made again', async () => {
    leave(0, 6)
    const held = await sync()
    await test.db.query('update runs set made_with = null')

    const approved = await approve(held, { engine })

    expect(approved).toMatchObject({ outcome: 'held', planHash: held.planHash })
    expect((await approve(approved, { engine })).users.deactivated).toBe(6)
  })

  it('O4: a schedule does not leave waiting what was planned of the first one', async () => {
    await test.db.query('update sources set planner_version = planner_version - 1')
    leave(0, 1)
    const held = await sync()
    expect(rulesOf(held)).toEqual(['upgraded'])
    await lead()

    const later = await sync({ trigger: 'schedule' })

    expect(later.planHash).not.toBe(held.planHash)
    const waiting = await test.db.query<{ id: number }>(
      `select id from runs where outcome = 'held' and decision is null`,
    )
    expect(waiting.rows.map(({ id }) => String(id))).toEqual([later.run])
  })

  it('O4: a run that was reading the first one writes nothing', async () => {
    hire(w.tenant, { userPrincipalName: 'new@contoso.com', displayName: 'New' })
    let changed: Promise<unknown> | undefined
    const run = await sync({
      mode: 'full',
      onProgress: () => {
        changed ??= lead()
      },
    })
    await changed

    expect(run).toMatchObject({ outcome: 'failed', error: { code: 'settings-changed' } })
    expect(await tenants()).toEqual(asBefore())
  })

  it('O4: approved, it touches nobody of the tenant that it has left, nor their groups, whatever its settings by then', async () => {
    const staff = createGroup(w.tenant, { displayName: 'Staff' })
    for (const { id } of people) addMember(w.tenant, staff.id, id)
    await w.configure({ users: { properties: { aliases: ['upnPrefix'] } } })
    await w.sync()
    const rows = async () => {
      const found = await test.db.query<{ row: unknown }>(
        `select to_jsonb(x) as row from users x where tenant_id = $1 union all select to_jsonb(x) from groups x where tenant_id = $1
         union all select to_jsonb(x) from user_names x join users u on u.id = x.user_id and u.tenant_id = $1
         union all select to_jsonb(x) from memberships x join users u on u.id = x.user_id and u.tenant_id = $1`,
        [w.hosted.tenantId],
      )
      return found.rows.map(({ row }) => JSON.stringify(row)).sort()
    }
    const before = await rows()
    await lead()
    await w.configure({ groups: { import: false } })

    const approved = await approve(await sync(), { engine })

    expect(approved).toMatchObject({ outcome: 'applied', users: { created: 1 }, groups: { deleted: 0 } })
    expect(before).toHaveLength(20 + 1 + 40 + 20)
    expect(await rows()).toEqual(before)
  })

  it('O4: whom it left in the former tenant lets no more of the people of this one go', async () => {
    for (let i = 20; i < 100; i += 1) hire(w.tenant, { userPrincipalName: `p${i}@contoso.com`, displayName: `P${i}` })
    await w.sync()
    const those = Array.from({ length: 49 }, (_, i) =>
      hire(other.tenant, { userPrincipalName: `f${i}@fabrikam.com`, displayName: `F${i}` }),
    )
    await lead()
    await approve(await sync(), { engine })
    for (const { id } of those.slice(0, 12)) remove(other.tenant, id)

    expect((await sync()).held?.reasons).toEqual([{ rule: 'removals.users', count: 12, limit: 5 }])
  })

  it('O4: an empty plan, for its selected groups are those of the first one, spends nothing of that', async () => {
    const group = createGroup(w.tenant, { displayName: 'All' })
    for (const { id } of people) addMember(w.tenant, group.id, id)
    await w.configure({ users: { import: { groups: [group.id] } }, groups: { import: false } })
    await sync()
    await lead()
    expect((await sync()).outcome).toBe('no-change')
    expect((await sync()).outcome).toBe('no-change')
    await w.configure({})

    expect(rulesOf(await sync())).toEqual(['connection-changed'])
    expect(await tenants()).toEqual(asBefore())
  })

  it('another name or credential of the connection changes nothing', async () => {
    leave(0, 6)
    const held = await sync()
    await test.db.query(`update connections set name = 'renamed', sign_in_with_microsoft = true, updated_at = now()`)

    expect(await approve(held, { engine })).toMatchObject({ outcome: 'applied', users: { deactivated: 6 } })
  })
})

describe('what holds the first run after an upgrade', () => {
  const upgradeFrom = (version: number) => test.db.query('update sources set planner_version = $1', [version])

  it('O7: is not spent by a plan that was made before the upgrade', async () => {
    leave(0, 6)
    const held = await w.sync()
    await upgradeFrom(PLANNER_VERSION - 1)
    await test.db.query(`update runs set made_with = made_with || jsonb_build_object('plannerVersion', $1::int)`, [
      PLANNER_VERSION - 1,
    ])
    expect((await approve(held)).users.deactivated).toBe(6)
    hire(w.tenant, { userPrincipalName: 'new@contoso.com', displayName: 'New' })

    expect(rulesOf(await w.sync())).toEqual(['upgraded'])
  })

  it('O7: is not spent by a plan that was done in part', async () => {
    await upgradeFrom(PLANNER_VERSION - 1)
    leave(0, 3)
    update(w.tenant, people[10]!.id, { displayName: 'Other' })
    const held = await w.sync()
    expect(rulesOf(held)).toEqual(['upgraded'])
    expect((await approve(held, { without: 'removals' })).users).toMatchObject({ updated: 1, deactivated: 0 })

    const later = await w.sync({ trigger: 'schedule' })
    expect(rulesOf(later)).toEqual(['upgraded'])
    expect((await approve(later)).users.deactivated).toBe(3)
    leave(3, 4)
    expect((await w.sync()).outcome).toBe('applied')
  })
})

describe('an attribute that everybody has lost', () => {
  it.each(['rewrites', 'removals'] as const)('goes on holding where the plan was done without %s', async (without) => {
    for (const person of people) update(w.tenant, person.id, { department: null })
    leave(0, 1)
    const held = await w.sync({ mode: 'full' })
    expect(rulesOf(held)).toContain('cleared-everywhere.department')
    expect((await approve(held, { without })).outcome).toBe('applied')

    const later = await w.sync({ trigger: 'schedule' })

    expect(rulesOf(later)).toContain('cleared-everywhere.department')
    expect((await approve(later)).outcome).toBe('applied')
    leave(1, 2)
    expect((await w.sync()).outcome).toBe('applied')
  })

  it('goes on holding after a plan that is empty because a selected group cannot be found', async () => {
    const group = createGroup(w.tenant, { displayName: 'All' })
    for (const { id } of people) addMember(w.tenant, group.id, id)
    await w.configure({ users: { import: { groups: [group.id] } }, groups: { import: false } })
    await w.sync()
    remove(w.tenant, group.id)
    for (const person of people) update(w.tenant, person.id, { department: null })
    expect((await w.sync({ mode: 'full' })).outcome).toBe('no-change')
    expect((await w.sync()).outcome).toBe('no-change')
    restore(w.tenant, group.id)

    expect(rulesOf(await w.sync())).toContain('cleared-everywhere.department')
  })

  it('is not approved with a plan that was made before', async () => {
    leave(0, 6)
    const held = await w.sync()
    for (const person of people.slice(6)) update(w.tenant, person.id, { department: null })
    await w.sync({ trigger: 'schedule', mode: 'full' })
    expect((await approve(held)).users.deactivated).toBe(6)

    expect(rulesOf(await w.sync({ trigger: 'schedule' }))).toContain('cleared-everywhere.department')
  })
})

it('an approved plan for one user leaves the one for everybody waiting', async () => {
  leave(0, 6)
  const all = await w.sync()
  await test.db.query('insert into users (user_name) values ($1)', ['late@contoso.com'])
  await test.db.query(
    `insert into user_names (user_id, kind, value, key, origin, held)
     select id, 'n', user_name, user_name, 'o', true from users where user_name = 'late@contoso.com'`,
  )
  const late = hire(w.tenant, { userPrincipalName: 'late@contoso.com', displayName: 'Late' })
  const one = await w.sync({ user: late.id })
  expect([rulesOf(all), rulesOf(one)]).toEqual([['removals.users'], ['adoptions']])

  expect((await approve(one)).users.adopted).toBe(1)

  const decisions = await test.db.query<{ decision: string | null }>(
    'select decision from runs where id = any($1) order by id',
    [[Number(all.run), Number(one.run)]],
  )
  expect(decisions.rows.map(({ decision }) => decision)).toEqual([null, 'approved'])
  expect((await approve(all)).users.deactivated).toBe(6)
})

it.each(['restored', 'not known where it was read'] as const)(
  'a plan for one user that is made again (%s) leaves the one for everybody waiting',
  async (why) => {
    leave(0, 6)
    const all = await w.sync()
    remove(w.tenant, people[10]!.id)
    // With a limit of none, the removal of one user is held too.
    await test.db.query(`update sources set settings = jsonb_set(settings, '{safeguard,removals,count}', '0')`)
    const one = await w.sync({ user: people[10]!.id })
    expect([rulesOf(all), rulesOf(one)]).toEqual([['removals.users'], ['removals.users']])
    if (why === 'restored') restore(w.tenant, people[10]!.id)
    else await test.db.query('update runs set made_with = null where id = $1', [Number(one.run)])

    const again = await approve(one)

    expect(again).toMatchObject(
      why === 'restored' ? { outcome: 'no-change' } : { outcome: 'held', users: { deactivated: 1 } },
    )
    const decisions = await test.db.query<{ decision: string | null }>(
      'select decision from runs where id = any($1) order by id',
      [[Number(all.run), Number(one.run)]],
    )
    expect(decisions.rows.map(({ decision }) => decision)).toEqual([null, 'superseded'])
  },
)

// Several sources of one tenant: who owns a person, who takes him over, and whose memberships and groups count.
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { aHandSource, anId, emptyRegistry, type HandSource, people } from '../../test/support/planned.ts'
import { placeUser } from '../../test/support/registry.ts'
import { storeSettings } from '../../test/support/reverted.ts'
import { aSyncWorld, registryView, testSealing } from '../../test/support/world.ts'
import { systemClock } from '../base/clock.ts'
import { sourceSettings } from '../contract/sources.ts'
import { withTransaction } from '../database/transaction.ts'
import { parseTenantId } from '../directory/ids.ts'
import { addMember, createGroup } from '../emulator/memberships.ts'
import { hire, update } from '../emulator/operations.ts'
import { applyPlan } from '../registry/apply.ts'
import { requireConnection } from '../registry/connections.ts'
import { detachSource } from '../registry/detach.ts'
import { putConnection } from '../registry/put-connection.ts'
import { putSource } from '../registry/put-source.ts'
import { requireSource } from '../registry/sources.ts'
import { approveRun } from './approve.ts'

let test: TestDatabase
beforeAll(async () => {
  test = await createTestDatabase()
})
afterAll(async () => {
  await test.drop()
})

const ANN = anId(1)
const BOB = anId(2)
const STAFF = anId(101)

let tenantId: string
let first: HandSource
let second: HandSource
const upn = (name: string) => ({ userPrincipalName: `${name}@contoso.com`, accountEnabled: true })

beforeEach(async () => {
  await emptyRegistry(test.db)
  tenantId = randomUUID()
  first = await aHandSource(test.db, { priority: 10 }, tenantId)
  second = await aHandSource(test.db, { priority: 20, users: { properties: { department: 'city' } } }, tenantId)
})

/** Both sources know her. */
async function both(objectId: string, attributes: Record<string, unknown>, state = 'l'): Promise<void> {
  await first.user(objectId, attributes, state)
  await second.user(objectId, attributes, state)
}

async function nameOf(sourceId: number): Promise<string | undefined> {
  return (await test.db.query<{ name: string }>('select name from sources where id = $1', [sourceId])).rows[0]?.name
}

async function itemsOf(runId: number): Promise<string[]> {
  const found = await test.db.query<{ item: string }>(
    `select object || ' ' || action || ' ' || reason as item from plan_items where run_id = $1 order by seq`,
    [runId],
  )
  return found.rows.map((row) => row.item)
}

async function owners(): Promise<
  Record<string, { source: number | null; department: string | null; active: boolean }>
> {
  const found = await test.db.query<{
    object_id: string
    source_id: number | null
    department: string | null
    active: boolean
  }>('select object_id, source_id, department, active from users')
  return Object.fromEntries(
    found.rows.map((r) => [r.object_id, { source: r.source_id, department: r.department, active: r.active }]),
  )
}

describe('D7: who owns a person', () => {
  it('the source of the lowest number, whichever ran first; the other reports him as owned-by-source', async () => {
    await both(ANN, { ...upn('ann'), department: 'Sales', city: 'Bern' })
    await second.run()
    expect(await owners()).toEqual({ [ANN]: { source: second.id, department: 'Bern', active: true } })

    const taken = await first.run()

    expect(await itemsOf(taken.runId)).toEqual(['user take over comes-before-owner'])
    expect(taken.users.takenOver).toBe(1)
    expect(await owners()).toEqual({ [ANN]: { source: first.id, department: 'Sales', active: true } })

    const after = await second.run()
    expect(await itemsOf(after.runId)).toEqual(['user skip owned-by-source'])
    const issues = await test.db.query('select code from issues where source_id = $1', [second.id])
    expect(issues.rows).toEqual([{ code: 'owned-by-source' }])
  })

  it('a preview claims nobody: what it says is nowhere but in it', async () => {
    await both(ANN, upn('ann'))
    for (const source of [first, second]) {
      await source.group(STAFF, { displayName: 'Staff' })
      await source.member(STAFF, ANN)
    }
    await second.run()
    const claims = async () => (await test.db.query('select user_id, source_id from claims')).rows
    const before = await claims()
    await first.plan()
    expect(await claims()).toEqual(before)
    expect((await test.db.query('select 1 from group_claims')).rows).toEqual([])
  })

  it('whom an administrator deactivated too: the owner changes, and nothing else of him', async () => {
    await both(ANN, { ...upn('ann'), department: 'Sales', city: 'Bern' })
    await second.run()
    await test.db.query(`update users set active = false, deactivated_by = 'administrator'`)
    await test.db.query('update user_names set held = false')

    const taken = await first.run()

    expect(await itemsOf(taken.runId)).toEqual(['user take over comes-before-owner'])
    expect(await owners()).toEqual({ [ANN]: { source: first.id, department: 'Bern', active: false } })
    const next = await first.run({ everybody: true })
    expect(await itemsOf(next.runId)).toEqual(['user skip deactivated-by-administrator'])
  })

  it('of the same number, the name decides', async () => {
    const names = await test.db.query<{ id: number; name: string }>('select id, name from sources order by name')
    await first.set({ priority: 20 })
    await both(ANN, upn('ann'))
    await second.run()
    await first.run()
    await second.run()
    expect((await owners())[ANN]?.source).toBe(names.rows[0]!.id)
  })

  it('an open owned-by-source issue does not make every delta plan the person again', async () => {
    await both(ANN, upn('ann'))
    await first.run()
    await second.run()
    const idle = await second.run()
    expect(await itemsOf(idle.runId)).toEqual([])
  })

  it('one that makes nobody new owns him as soon as another source has made his record, without a full run', async () => {
    const choosy = await aHandSource(test.db, { priority: 5, users: { options: { addNewUsers: false } } }, tenantId)
    await choosy.user(ANN, upn('ann'))
    await choosy.run()
    expect(await owners()).toEqual({})
    await second.user(ANN, upn('ann'))
    await second.run()

    const taken = await choosy.run()

    expect(await itemsOf(taken.runId)).toEqual(['user take over comes-before-owner'])
    expect((await choosy.run()).isEmpty).toBe(true)
  })

  it('tenants never merge: the same user name in two of them stays with the first', async () => {
    const other = await aHandSource(test.db, { priority: 1 })
    await first.user(ANN, upn('ann'))
    await first.run()
    await other.user(BOB, upn('ann'))
    await other.run()
    expect(Object.keys(await owners())).toEqual([ANN])
    const issues = await test.db.query('select code from issues')
    expect(issues.rows).toEqual([{ code: 'user-name-conflict' }])
  })
})

describe('when the owner drops him', () => {
  const leavesFirst = { priority: 10, users: { guests: 'ignore' as const } }

  it('the next claim takes over in the same plan, and he is never deactivated', async () => {
    await first.set(leavesFirst)
    await both(ANN, { ...upn('ann'), department: 'Sales', city: 'Bern' })
    await first.run()
    await second.run()
    await first.user(ANN, { userType: 'Guest' })

    const plan = await first.run()

    expect(await itemsOf(plan.runId)).toEqual(['user take over dropped-by-owner'])
    const names = await test.db.query<{ old: string; new: string }>(
      `select old ->> 'source' as old, new ->> 'source' as new from plan_items where run_id = $1`,
      [plan.runId],
    )
    expect(names.rows).toEqual([{ old: await nameOf(first.id), new: await nameOf(second.id) }])
    expect(await owners()).toEqual({ [ANN]: { source: second.id, department: 'Bern', active: true } })
    // The new owner's next run has nothing to say about him any more.
    const next = await second.run()
    expect(await itemsOf(next.runId)).toEqual([])
    expect((await test.db.query('select code from issues')).rows).toEqual([])
  })

  it('he is missing only when no enabled source claims him', async () => {
    await first.set(leavesFirst)
    await both(ANN, upn('ann'))
    await first.run()
    await second.run()
    await second.set({ enabled: false, priority: 20 })
    await first.user(ANN, { userType: 'Guest' })
    const plan = await first.run()
    expect(await itemsOf(plan.runId)).toEqual(['user deactivate out-of-scope'])
  })

  it('nobody takes over whom Entra has deleted', async () => {
    await both(ANN, upn('ann'))
    await first.run()
    await second.run()
    await first.user(ANN, {}, 's')
    const plan = await first.run()
    expect(await itemsOf(plan.runId)).toEqual(['user deactivate soft-deleted'])
  })

  it('nobody passes to a source that would drop him too as soon as it reads what the owner has just read', async () => {
    await first.set(leavesFirst)
    await second.set({ priority: 20, users: { guests: 'ignore' } })
    await both(ANN, upn('ann'))
    await first.run()
    await second.run()
    await first.user(ANN, { userType: 'Guest' })

    const plan = await first.run()

    expect(await itemsOf(plan.runId)).toEqual(['user deactivate out-of-scope'])
  })

  it('a disabled account passes only to a source that imports disabled ones, by what the owner has just read', async () => {
    await both(ANN, upn('ann'))
    await first.run()
    await second.run()
    await first.user(ANN, { accountEnabled: false })
    const plan = await first.run()
    expect(await itemsOf(plan.runId)).toEqual(['user deactivate disabled'])

    await both(BOB, upn('bob'))
    await second.set({ priority: 20, users: { disabledAccounts: 'import' } })
    await first.run()
    await second.run()
    await first.user(BOB, { accountEnabled: false })
    const passed = await first.run()
    expect(await itemsOf(passed.runId)).toContain('user take over dropped-by-owner')
    expect((await owners())[BOB]).toMatchObject({ source: second.id, active: true })
  })

  it('one whom the first has deactivated comes back with the source that wants him later', async () => {
    await first.set(leavesFirst)
    await both(ANN, { ...upn('ann'), userType: 'Guest' })
    await first.user(ANN, { userType: 'Member' })
    await first.run()
    await first.user(ANN, { userType: 'Guest' })
    await first.run()
    expect((await owners())[ANN]?.active).toBe(false)
    const plan = await second.run()
    expect(await itemsOf(plan.runId)).toEqual(['user take over comes-before-owner', 'user reactivate wanted-again'])
    expect((await owners())[ANN]).toMatchObject({ source: second.id, active: true })
  })

  it.each([
    ['deactivated', `active = false, deactivated_by = 'administrator'`, false],
    ['restored', 'restored_by_administrator = true', true],
  ])('whom an administrator had %s is the next source’s that wants him later', async (_what, change, active) => {
    await first.set(leavesFirst)
    await first.user(ANN, upn('ann'))
    await first.run()
    await test.db.query(`update users set ${change}`)
    await first.user(ANN, { userType: 'Guest' })
    await first.run()
    await second.user(ANN, { ...upn('ann'), userType: 'Guest', city: 'Bern' })

    const plan = await second.run()

    expect(await itemsOf(plan.runId)).toEqual(['user take over comes-before-owner'])
    expect((await owners())[ANN]).toMatchObject({ source: second.id, active })
  })

  it('O8: an approval that leaves the removals out leaves him claimed', async () => {
    await first.set(leavesFirst)
    await first.user(ANN, upn('ann'))
    await first.run()
    await first.user(ANN, { userType: 'Guest' })
    const plan = await first.plan()
    const options = { runId: plan.runId, sourceId: first.id, tenantId, now: new Date() }

    await withTransaction(test.db, (tx) => applyPlan(tx, { ...options, without: 'removals' }))

    expect((await test.db.query('select source_id from claims')).rows).toEqual([{ source_id: first.id }])
  })

  it.each([
    ['everybody', {}],
    ['selected groups', { import: { groups: [STAFF] } }],
  ])('nobody is deleted whom a source of %s wants by now, though its plan is not applied yet', async (_of, scope) => {
    const leaving = { guests: 'ignore' as const, options: { deleteAfterDays: 5 } }
    const now = new Date(Date.now() + 6 * 86_400_000)
    await first.set({ priority: 10, users: leaving })
    await second.set({ priority: 20, users: scope })
    for (const id of [ANN, BOB]) await first.user(id, upn(id))
    await first.run()
    for (const id of [ANN, BOB]) await first.user(id, { userType: 'Guest' })
    await first.run()
    await second.group(STAFF, { displayName: 'Staff' })
    await second.user(ANN, { ...upn('ann'), userType: 'Guest' })
    await second.member(STAFF, ANN)
    // The second source has not read Bob as somebody that it imports.
    await second.user(BOB, { ...upn('bob'), userType: 'Guest' }, 'import' in scope ? 'l' : 's')
    expect((await second.plan()).users.takenOver).toBe(1)

    const kept = await first.plan({ now, everybody: true })
    await first.run({ now })

    expect(kept.users.deleted).toBe(1)
    expect(Object.keys(await owners())).toEqual([ANN])
    await second.set({ priority: 20, users: { ...scope, guests: 'ignore' } })
    expect((await first.run({ now })).users.deleted).toBe(1)
  })

  it('somebody of whom another source cannot tell whether it wants him is not deleted meanwhile', async () => {
    const now = new Date(Date.now() + 6 * 86_400_000)
    await first.set({ priority: 10, users: { guests: 'ignore', options: { deleteAfterDays: 5 } } })
    await second.set({ priority: 20, users: { import: { groups: [STAFF] } } })
    await first.user(ANN, upn('ann'))
    await first.run()
    await first.user(ANN, { userType: 'Guest' })
    await first.run()
    await second.user(ANN, { ...upn('ann'), userType: 'Guest' })

    const whileGroupIsMissing = await first.plan({ now, everybody: true })
    await second.group(STAFF, { displayName: 'Staff' })
    const afterwards = await first.plan({ now, everybody: true })

    expect([whileGroupIsMissing.users.deleted, afterwards.users.deleted]).toEqual([0, 1])
  })

  it('what both want then is the one’s whose source comes first, though the one dropped was made earlier', async () => {
    const cards = { properties: { cards: ['faxNumber'] } }
    await first.set({ priority: 10 })
    await second.set({ priority: 20, users: cards })
    await both(ANN, { ...upn('ann'), faxNumber: '77', createdDateTime: '2020-01-01T00:00:00Z' })
    await first.user(BOB, { ...upn('bob'), faxNumber: '77', createdDateTime: '2024-01-01T00:00:00Z' })
    await first.run()
    await second.run()
    await first.set({ priority: 10, users: { guests: 'ignore', ...cards } })
    await first.user(ANN, { userType: 'Guest' })

    const plan = await first.run()

    expect(await itemsOf(plan.runId)).toContain('user take over dropped-by-owner')
    const held = await test.db.query(
      'select u.object_id, c.held from credentials c join users u on u.id = c.user_id order by u.object_id',
    )
    expect(held.rows).toEqual([{ object_id: BOB, held: true }])
    expect((await test.db.query(`select object_id from issues where code = 'card-conflict'`)).rows).toEqual([
      { object_id: ANN },
    ])
  })

  it('wanted again by the first, he is its own again', async () => {
    await first.set(leavesFirst)
    await both(ANN, upn('ann'))
    await first.run()
    await second.run()
    await first.user(ANN, { userType: 'Guest' })
    await first.run()
    await first.user(ANN, { userType: 'Member' })
    const plan = await first.run()
    expect(await itemsOf(plan.runId)).toEqual(['user take over comes-before-owner'])
    expect((await owners())[ANN]?.source).toBe(first.id)
  })
})

describe('a take over', () => {
  it('gives the default group that the new owner makes', async () => {
    await first.set({ priority: 10, groups: { fromAttributes: [{ template: '%department%', makeDefault: true }] } })
    await both(ANN, { ...upn('ann'), department: 'Sales' })
    await second.run()
    await first.run()
    const found = await test.db.query('select g.name from users u left join groups g on g.id = u.default_group_id')
    expect(found.rows).toEqual([{ name: 'Sales' }])
    expect((await first.run({ everybody: true })).isEmpty).toBe(true)
  })

  it('that overwrites is a rewrite: an approval without those leaves it out, and one that does not goes on', async () => {
    await first.set({ priority: 10, users: { properties: { userName: 'mail' } } })
    await both(ANN, { ...upn('ann'), mail: 'other@contoso.com' })
    await both(BOB, { ...upn('bob'), mail: 'bob@contoso.com' })
    await second.run()
    const plan = await first.plan()
    const options = { runId: plan.runId, sourceId: first.id, tenantId, now: new Date() }
    await withTransaction(test.db, (tx) => applyPlan(tx, { ...options, without: 'rewrites' }))
    expect((await people(test.db))[ANN]).toMatchObject({ name: 'ann@contoso.com', aliases: [] })
    expect(await owners()).toMatchObject({ [ANN]: { source: second.id }, [BOB]: { source: first.id } })
  })
})

describe('S16: a source that is led to another tenant leaves its people and groups to whom else wants them, with a delta', () => {
  const actor = { kind: 'command line', name: 'test' } as const
  const settings = { priority: 10 }
  let name: string
  beforeEach(async () => {
    await both(ANN, { ...upn('ann'), department: 'Sales', city: 'Bern' })
    for (const source of [first, second]) {
      await source.group(STAFF, { displayName: 'Staff' })
      await source.member(STAFF, ANN)
      await source.run()
    }
    await storeSettings(test.db, first, settings)
    name = (await nameOf(first.id)) ?? ''
  })

  async function afterNext() {
    await second.run()
    const { rows: groups } = await test.db.query('select source_id, hidden from groups')
    const { isEmpty } = await second.plan({ everybody: true })
    const ann = (await owners())[ANN]
    await second.noMember(STAFF, ANN)
    const { memberships, held } = await second.run()
    const { rows: members } = await test.db.query('select source_id from memberships')
    return { ann, groups, isEmpty, memberships, held, members }
  }
  // What it gave of the former tenant ends with whoever gives it there by now.
  const passed = () => ({
    ann: { source: second.id, department: 'Bern', active: true },
    groups: [{ source_id: second.id, hidden: false }],
    isEmpty: true,
    memberships: { added: 0, removed: 1 },
    held: [],
    members: [],
  })

  async function leadByConnection() {
    const other = await aHandSource(test.db)
    const current = await requireSource(test.db, name)
    const wanted = sourceSettings.parse({ connection: await nameOf(other.id), ...settings })
    await withTransaction(test.db, (tx) => putSource(tx, { name, settings: wanted, current, dryRun: false, actor }))
  }

  it('by another connection', async () => {
    await leadByConnection()

    expect(await afterNext()).toEqual(passed())
  })

  it('and their default group goes with its membership', async () => {
    const groups = { fromAttributes: [{ template: '%department%', makeDefault: true }] }
    for (const source of [first, second]) {
      await source.set({ groups })
      await source.run()
    }
    await storeSettings(test.db, first, settings)
    await leadByConnection()
    await second.run()
    const defaults = async () =>
      (await test.db.query('select g.name from users u left join groups g on g.id = u.default_group_id')).rows
    expect(await defaults()).toEqual([{ name: 'Sales' }])
    await second.user(ANN, { department: null })

    await second.run()

    expect(await defaults()).toEqual([{ name: null }])
  })

  it('by another tenant of its connection', async () => {
    const current = await requireConnection(test.db, name)
    const { cloud, signInWithMicrosoft, passwordsAtTerminals } = current
    const [tenant, client] = [parseTenantId(randomUUID())!, parseTenantId(current.clientId)!]
    const plain = { tenantId: tenant, clientId: client, cloud, signInWithMicrosoft, passwordsAtTerminals }
    await withTransaction(test.db, (tx) =>
      putConnection(tx, {
        vault: testSealing,
        clock: systemClock,
        name,
        wanted: { settings: plain, credentials: [] },
        current,
        keep: 'unnamed',
        dryRun: false,
      }),
    )

    expect(await afterNext()).toEqual(passed())
  })
})

it('what the former owner gave, and the next one does not take from Entra, is the registry’s own from the take over on', async () => {
  await emptyRegistry(test.db)
  const w = await aSyncWorld(test.db, {
    settings: { users: { guests: 'ignore', properties: { cards: ['employeeId'], aliases: ['mailNickname'] } } },
  })
  const settings = (cards: string[]) =>
    JSON.stringify(sourceSettings.parse({ connection: w.source, priority: 200, users: { properties: { cards } } }))
  await test.db.query(
    `insert into sources (name, connection_id, enabled, priority, settings)
     select 'second', connection_id, true, 200, $2 from sources where name = $1`,
    [w.source, settings([])],
  )
  const user = hire(w.tenant, {
    userPrincipalName: 'ann@contoso.com',
    displayName: 'Ann',
    employeeId: '0077',
    mailNickname: 'annie',
  })
  await w.sync()
  await w.sync({ source: 'second' })
  update(w.tenant, user.id, { userType: 'Guest' })

  expect(await w.sync()).toMatchObject({ outcome: 'applied', users: { takenOver: 1 }, mode: 'delta' })

  const origins = `select 'card' as of, origin from credentials union all select 'alias', origin from user_names where kind = 'a'`
  expect((await test.db.query(origins)).rows).toEqual([
    { of: 'card', origin: 'o' },
    { of: 'alias', origin: 'o' },
  ])
  // A card that the new owner begins to take is given beside it.
  update(w.tenant, user.id, { employeeId: '0088' })
  await test.db.query(
    `update sources set settings = $1, marked_all = true, marked_all_at = fence, settings_version = settings_version + 1 where name = 'second'`,
    [settings(['employeeId'])],
  )
  expect(await w.sync({ source: 'second' })).toMatchObject({ error: null, credentials: { added: 1, removed: 0 } })
  await w.stop()
})

describe('approval of memberships that end because a source drops people whom another owns', () => {
  async function held() {
    await emptyRegistry(test.db)
    const w = await aSyncWorld(test.db, {
      settings: { groups: { import: false }, safeguard: { memberships: { percent: 0, count: 0 } } },
    })
    const settings = sourceSettings.parse({
      connection: w.source,
      priority: 200,
      users: { guests: 'ignore' },
      safeguard: { memberships: { percent: 0, count: 0 } },
    })
    await test.db.query(
      `insert into sources (name, connection_id, enabled, priority, settings)
       select 'second', connection_id, true, 200, $2 from sources where name = $1`,
      [w.source, JSON.stringify(settings)],
    )
    const user = hire(w.tenant, { userPrincipalName: 'ann@contoso.com', displayName: 'Ann' })
    const staff = createGroup(w.tenant, { displayName: 'Staff' })
    addMember(w.tenant, staff.id, user.id)
    await w.sync()
    expect(await w.sync({ source: 'second' })).toMatchObject({
      error: null,
      outcome: 'applied',
      memberships: { added: 1 },
    })
    expect((await registryView(test.db)).memberships).toHaveLength(1)
    update(w.tenant, user.id, { userType: 'Guest' })
    const run = await w.sync({ source: 'second' })
    expect(run).toMatchObject({ outcome: 'held', memberships: { removed: 1 } })
    const signal = new AbortController().signal
    const approval = {
      run: Number(run.run),
      hash: run.planHash!,
      reason: 'r',
      actor: { kind: 'command line', name: 'b' } as const,
      signal,
      onProgress: () => {},
    }
    return { w, user, approve: () => approveRun(w.engine, approval) }
  }

  it('they end, though Entra has them: it is his scope that is asked again', async () => {
    const { w, approve } = await held()
    expect(await approve()).toMatchObject({ outcome: 'applied', memberships: { removed: 1 } })
    expect((await registryView(test.db)).memberships).toEqual([])
    await w.stop()
  })

  it('where another source gives them by then, none is counted as ended', async () => {
    const { w, approve } = await held()
    await w.configure({})
    expect(await w.sync()).toMatchObject({ error: null })
    const before = await registryView(test.db)

    expect(await approve()).toMatchObject({ outcome: 'applied', memberships: { added: 0, removed: 0 } })

    expect(await registryView(test.db)).toEqual(before)
    expect(before.memberships).toHaveLength(1)
    await w.stop()
  })

  it('in scope again by then, he keeps them', async () => {
    const { w, user, approve } = await held()
    update(w.tenant, user.id, { userType: 'Member' })
    expect((await approve()).outcome).not.toBe('applied')
    expect((await registryView(test.db)).memberships).toHaveLength(1)
    await w.stop()
  })
})

describe('approval of memberships that end because a group passes to another source', () => {
  it('O8: they end, though Entra has them: the plan is applied as it was shown, and is not held again', async () => {
    await emptyRegistry(test.db)
    const none = { memberships: { percent: 0, count: 0 } }
    const w = await aSyncWorld(test.db, { settings: { safeguard: none } })
    const user = hire(w.tenant, { userPrincipalName: 'ann@contoso.com', displayName: 'Ann' })
    const [staff, few] = ['Staff', 'Few'].map((displayName) => createGroup(w.tenant, { displayName }))
    addMember(w.tenant, staff!.id, user.id)
    const settings = sourceSettings.parse({
      connection: w.source,
      priority: 200,
      users: { import: { groups: [few!.id] } },
    })
    await test.db.query(
      `insert into sources (name, connection_id, enabled, priority, settings)
       select 'second', connection_id, true, 200, $2 from sources where name = $1`,
      [w.source, JSON.stringify(settings)],
    )
    await w.sync()
    expect(await w.sync({ source: 'second' })).toMatchObject({ error: null })
    const ignoring = sourceSettings.parse({ connection: w.source, groups: { ignore: [staff!.id] }, safeguard: none })
    await test.db.query('update sources set settings = $2, marked_all = true where name = $1', [w.source, ignoring])
    const run = await w.sync()
    expect(run).toMatchObject({ outcome: 'held', memberships: { removed: 1 } })

    const approved = await approveRun(w.engine, {
      run: Number(run.run),
      hash: run.planHash!,
      reason: 'r',
      actor: { kind: 'command line', name: 'b' },
      signal: new AbortController().signal,
      onProgress: () => {},
    })

    expect(approved).toMatchObject({ outcome: 'applied', memberships: { removed: 1 } })
    expect((await registryView(test.db)).memberships).toEqual([])
    await w.stop()
  })
})

describe('memberships and groups of several sources', () => {
  beforeEach(async () => {
    for (const source of [first, second]) {
      await source.user(ANN, upn('ann'))
      await source.group(STAFF, { displayName: 'Staff' })
      await source.member(STAFF, ANN)
    }
    await first.run()
    await second.run()
  })

  const rows = async () =>
    (await test.db.query<{ source_id: number }>('select source_id from memberships order by source_id')).rows.map(
      (row) => row.source_id,
    )

  it('a membership exists while any source gives it, and the second gift is no change', async () => {
    expect(await rows()).toEqual([first.id, second.id])
    const changes = await test.db.query(`select count(*) as count from plan_items where object = 'membership'`)
    expect(changes.rows).toEqual([{ count: 1 }])

    await first.noMember(STAFF, ANN)
    const kept = await first.run()
    expect(kept.memberships).toEqual({ added: 0, removed: 0 })
    expect((await people(test.db))[ANN]?.groups).toEqual(['Staff'])
    expect(await rows()).toEqual([second.id])

    await second.noMember(STAFF, ANN)
    const gone = await second.run()
    expect(gone.memberships).toEqual({ added: 0, removed: 1 })
    expect((await people(test.db))[ANN]?.groups).toEqual([])
  })

  it('a source that drops a person takes back the memberships that it gave beside the owner', async () => {
    await second.set({ priority: 20, users: { guests: 'ignore' } })
    await second.user(ANN, { userType: 'Guest' })
    const plan = await second.run()
    expect(plan.memberships).toEqual({ added: 0, removed: 0 })
    expect(await rows()).toEqual([first.id])
  })

  it('S16: a source that has owned a group gives it nobody any more once it imports none', async () => {
    await withTransaction(test.db, (tx) => detachSource(tx, first.id))
    await second.run()
    await second.set({ priority: 20, groups: { import: false } })
    await second.run()
    const third = await aHandSource(test.db, { priority: 30 }, tenantId)
    await third.user(ANN, upn('ann'))
    await third.group(STAFF, { displayName: 'Staff' })
    await third.member(STAFF, ANN)
    await third.run()

    await second.user(ANN, { department: 'Sales' })
    await second.run()

    expect(await rows()).toEqual([third.id])
  })

  it('O8: a group that somebody else made meanwhile is left out with its members, and planned again', async () => {
    const crew = anId(102)
    for (const source of [first, second]) {
      await source.group(crew, { displayName: 'Crew' })
      await source.member(crew, ANN)
    }
    const plan = await first.plan()
    await second.run()
    const options = { runId: plan.runId, sourceId: first.id, tenantId, now: new Date() }

    const applied = await withTransaction(test.db, (tx) => applyPlan(tx, options))

    expect(applied.leftOut).toBe(1)
    expect((await people(test.db))[ANN]?.groups).toEqual(['Crew', 'Staff'])
    await first.run()
    expect((await test.db.query('select source_id from group_claims')).rows).toContainEqual({ source_id: first.id })
  })

  it('S16: what another source gives goes with an object id that moves to another record, with that one’s next delta', async () => {
    const local = await placeUser(test.db, { userName: 'ann@old', personalNumber: '7' })
    await first.set({
      priority: 10,
      adoptions: 'automatic',
      users: {
        properties: { personalNumber: 'employeeId' },
        options: { pairBy: 'personalNumber', pairByObjectId: false },
      },
    })
    await first.user(ANN, { employeeId: '7' })
    await first.noMember(STAFF, ANN)
    const adopting = await first.run({ everybody: true })
    expect(await itemsOf(adopting.runId)).toContain('user adopt paired-by-personal-number')

    await second.run({ everybody: false })

    const given = await test.db.query(
      'select m.user_id, m.source_id from memberships m join users u on u.id = m.user_id where u.object_id = $1',
      [ANN],
    )
    expect(given.rows).toEqual([{ user_id: local, source_id: second.id }])
    expect((await second.plan({ everybody: true })).isEmpty).toBe(true)
  })

  it('a membership made by hand is never removed by a source', async () => {
    await test.db.query('update memberships set source_id = 0 where source_id = $1', [second.id])
    await first.noMember(STAFF, ANN)
    const plan = await first.run()
    expect(plan.memberships).toEqual({ added: 0, removed: 0 })
    expect((await people(test.db))[ANN]?.groups).toEqual(['Staff'])
  })

  it('a group that its owner ignores passes to the source that still imports it', async () => {
    await first.set({ priority: 10, groups: { ignore: [STAFF] } })
    await second.set({ priority: 20, groups: { under: 'Second' } })
    const plan = await first.run()
    expect(await itemsOf(plan.runId)).toEqual(['group move dropped-by-owner'])
    const groups = await test.db.query('select source_id, hidden, under from groups')
    expect(groups.rows).toEqual([{ source_id: second.id, hidden: false, under: 'Second' }])
    expect(await rows()).toEqual([second.id])
    const next = await second.run()
    expect(await itemsOf(next.runId)).toEqual(['user skip owned-by-source'])
  })

  it('which calls it by what has just been read, in the same plan', async () => {
    await first.set({ priority: 10, groups: { ignore: [STAFF] } })
    await second.set({ priority: 20, groups: { under: 'Second' } })
    await first.group(STAFF, { displayName: 'Crew' })
    await first.run()
    expect((await test.db.query('select source_id, hidden, name, under from groups')).rows).toEqual([
      { source_id: second.id, hidden: false, name: 'Crew', under: 'Second' },
    ])
  })

  describe('of an owner that reads groups no more, a group', () => {
    const groups = async () => (await test.db.query('select source_id, hidden, name from groups')).rows
    beforeEach(async () => {
      await second.set({ priority: 20, groups: { ignoreContaining: ['staff'] } })
      await second.group(STAFF, { displayName: 'Crew' })
      await second.run()
      await first.set({ priority: 10, groups: { import: false } })
    })

    it.each(['has read it once', 'has it from before its mirror was emptied'])(
      'passes to the source that imports it by what that one has read: the owner %s',
      async (how) => {
        if (how !== 'has read it once')
          await test.db.query(`delete from mirror_objects where source_id = $1 and kind = 'g'`, [first.id])
        await first.run()
        expect(await groups()).toEqual([{ source_id: second.id, hidden: false, name: 'Crew' }])
        expect((await people(test.db))[ANN]?.groups).toEqual(['Crew'])
      },
    )

    it('passes also where that one has not proven yet that Entra has it no more', async () => {
      await second.group(STAFF, {}, 'a')
      await first.run()
      expect(await groups()).toEqual([{ source_id: second.id, hidden: false, name: 'Crew' }])
    })

    it('is deleted where that one has read that Entra has it no more', async () => {
      await second.group(STAFF, {}, 'x')
      await first.run()
      expect(await groups()).toEqual([{ source_id: first.id, hidden: true, name: 'Staff' }])
    })
  })

  it('S16: one that this source begins to import brings its members, though only the group is marked', async () => {
    await second.set({ priority: 20, groups: { ignoreContaining: ['staff'] } })
    await second.user(BOB, upn('bob'))
    await second.member(STAFF, BOB)
    await second.run()
    await first.group(STAFF, { displayName: 'Crew' })
    await first.run()
    await second.group(STAFF, { displayName: 'Crew' })
    await second.run()
    expect((await people(test.db))[BOB]?.groups).toEqual(['Crew'])
  })

  it('a group whose owner is disabled passes to the source that imports it', async () => {
    await first.set({ priority: 10, enabled: false })
    await second.group(STAFF, { displayName: 'Everybody' })
    const plan = await second.run({ everybody: true })
    expect(await itemsOf(plan.runId)).toContain('group rename changed-in-entra')
    const groups = await test.db.query('select source_id, name from groups')
    expect(groups.rows).toEqual([{ source_id: second.id, name: 'Everybody' }])
  })

  it('a group that Entra has deleted goes for all', async () => {
    await first.group(STAFF, {}, 'x')
    await second.group(STAFF, {}, 'x')
    await first.run()
    await second.run()
    expect((await test.db.query('select hidden from groups')).rows).toEqual([{ hidden: true }])
    expect(await rows()).toEqual([])
  })

  it('S16: marked and everybody come to the same', async () => {
    await first.noMember(STAFF, ANN)
    await first.run()
    for (const source of [first, second]) {
      const full = await source.run({ everybody: true })
      expect((await itemsOf(full.runId)).filter((item) => !item.includes('skip'))).toEqual([])
    }
    expect(await rows()).toEqual([second.id])
  })
})

describe('D5: an old user name that was kept for somebody of another source', () => {
  const names = async () => {
    const registry = await people(test.db)
    return [ANN, BOB].map((id) => registry[id] && [registry[id].name, registry[id].aliases])
  }
  const renamed = async () => {
    await first.user(ANN, upn('ann'))
    await first.run()
    await first.user(ANN, upn('ann.b'))
    await first.run()
  }

  it.each([
    ['the user name of somebody new', {}, upn('ann'), ['ann@contoso.com', []]],
    [
      'an alias of somebody new',
      { users: { properties: { aliases: ['city'] } } },
      { ...upn('bob'), city: 'ann@contoso.com' },
      ['bob@contoso.com', ['ann@contoso.com']],
    ],
  ])(
    'D5, D7: yields to %s, as an item of the plan, and both sources are content afterwards',
    async (_to, settings, attributes, bob) => {
      await renamed()
      await second.set({ priority: 20, ...settings })
      await second.user(BOB, attributes)

      const plan = await second.run()

      expect((await itemsOf(plan.runId)).toSorted()).toEqual([
        'user create new-in-entra',
        'user update old-name-wanted',
      ])
      expect(await names()).toEqual([['ann.b@contoso.com', []], bob])
      expect((await test.db.query('select code from issues')).rows).toEqual([])
      for (const source of [first, second]) expect((await source.run({ everybody: true })).isEmpty).toBe(true)
    },
  )

  it.each([
    ['protected', 'update users set protected = true'],
    ['of a removed source', 'update users set source_id = null'],
  ])('S15: stays with somebody who is %s; the other is an issue', async (_who, sql) => {
    await renamed()
    await test.db.query(sql)
    await second.user(BOB, upn('ann'))

    const plan = await second.run()

    expect(await itemsOf(plan.runId)).toEqual(['user skip user-name-conflict'])
    expect((await names())[0]).toEqual(['ann.b@contoso.com', ['ann@contoso.com']])
  })

  it('O8: whoever was edited meanwhile keeps it, and the one who wanted it is left out and planned again', async () => {
    await renamed()
    await second.user(BOB, upn('ann'))
    const plan = await second.plan()
    await test.db.query('update users set version = version + 1')

    const applied = await withTransaction(test.db, (tx) =>
      applyPlan(tx, { runId: plan.runId, sourceId: second.id, tenantId, now: new Date() }),
    )

    expect(applied.leftOut).toBe(2)
    expect((await names())[0]).toEqual(['ann.b@contoso.com', ['ann@contoso.com']])
    await second.run()
    expect(await names()).toEqual([
      ['ann.b@contoso.com', []],
      ['ann@contoso.com', []],
    ])
  })
})

describe('O6: removing a source', () => {
  it('changes nobody; the next source that claimed them has them as its own, and shows it', async () => {
    await both(ANN, upn('ann'))
    await first.run()
    await second.run()
    await withTransaction(test.db, (tx) => detachSource(tx, first.id))
    expect((await owners())[ANN]).toMatchObject({ source: null, active: true })
    const plan = await second.run()
    expect(await itemsOf(plan.runId)).toEqual(['user take over comes-before-owner'])
    expect(plan.held).toEqual([])
  })

  it('whom no source wants stays as he is, also where another one reads a group that he is in', async () => {
    await first.user(ANN, upn('ann'))
    await first.run()
    await withTransaction(test.db, (tx) => detachSource(tx, first.id))
    await second.user(ANN, { ...upn('ann'), accountEnabled: false })
    await second.group(STAFF, { displayName: 'Staff' })
    await second.member(STAFF, ANN)

    const plan = await second.run({ everybody: true })

    expect(await itemsOf(plan.runId)).toEqual(['group create new-in-entra', 'user skip not-owned'])
    expect((await people(test.db))[ANN]).toMatchObject({ active: true, groups: [] })
  })

  it.each([
    ['ends once he is gone for good', 'x', ['first']],
    ['stays while he can be restored', 's', ['first', 'second']],
  ])('what another one gave to somebody of it %s, and what itself gave stays', async (_when, state, left) => {
    const crew = anId(102)
    for (const source of [first, second]) {
      await source.user(ANN, upn('ann'))
      await source.group(STAFF, { displayName: 'Staff' })
      await source.group(crew, { displayName: 'Crew' })
    }
    await first.member(STAFF, ANN)
    await second.member(crew, ANN)
    await first.run()
    await second.run()
    await withTransaction(test.db, (tx) => detachSource(tx, first.id))
    await second.user(ANN, {}, state)

    await second.run({ everybody: true })

    const found = await test.db.query<{ source_id: number }>('select source_id from memberships order by source_id')
    expect(found.rows.map((row) => (row.source_id === first.id ? 'first' : 'second'))).toEqual(left)
    expect((await people(test.db))[ANN]).toMatchObject({ active: true })
    expect((await second.run({ everybody: true })).isEmpty).toBe(true)
  })

  it('its groups pass to the next source that imports them, with its next delta, also where it shares nobody', async () => {
    await second.set({ priority: 20, users: { guests: 'ignore' }, groups: { under: 'Entra ID' } })
    for (const source of [first, second]) await source.group(STAFF, { displayName: 'Staff' })
    await first.run()
    await second.run()
    await withTransaction(test.db, (tx) => detachSource(tx, first.id))
    const marked = await test.db.query<{ marked_all: boolean }>('select marked_all from sources')

    await second.run({ everybody: marked.rows[0]?.marked_all ?? false })

    expect(marked.rows).toEqual([{ marked_all: true }])
    const found = await test.db.query('select name, under, source_id from groups where object_id = $1', [STAFF])
    expect(found.rows).toEqual([{ name: 'Staff', under: 'Entra ID', source_id: second.id }])
  })

  it('S16: its groups keep their members while the other source does not want those groups, also in a full plan', async () => {
    await second.set({ priority: 20, users: { guests: 'ignore' }, groups: { ignore: [STAFF] } })
    for (const source of [first, second]) {
      await source.user(ANN, { ...upn('ann'), userType: 'Guest' })
      await source.group(STAFF, { displayName: 'Staff' })
      await source.member(STAFF, ANN)
      await source.run()
    }
    await withTransaction(test.db, (tx) => detachSource(tx, first.id))

    const full = await second.run({ everybody: true })

    expect(full.memberships).toEqual({ added: 0, removed: 0 })
    expect((await people(test.db))[ANN]?.groups).toEqual(['Staff'])
  })

  it('what it gave and a later source gives too is that one’s gift, which no other source ends', async () => {
    const removed = await aHandSource(test.db, { priority: 5 }, tenantId)
    await first.set({ priority: 10, users: { guests: 'ignore' } })
    for (const source of [removed, first, second]) {
      await source.user(ANN, { ...upn('ann'), userType: 'Guest' })
      await source.group(STAFF, { displayName: 'Staff' })
      await source.member(STAFF, ANN)
    }
    await removed.run()
    await withTransaction(test.db, (tx) => detachSource(tx, removed.id))
    const again = await second.run()

    const full = await first.run({ everybody: true })

    expect([again.memberships, full.memberships]).toEqual([
      { added: 0, removed: 0 },
      { added: 0, removed: 0 },
    ])
    expect((await people(test.db))[ANN]?.groups).toEqual(['Staff'])
    await second.noMember(STAFF, ANN)
    expect((await second.run()).memberships).toEqual({ added: 0, removed: 1 })
    expect((await second.run({ everybody: true })).isEmpty).toBe(true)
  })

  it('what it gave in a group that a later source leaves out, that one neither gives nor ends', async () => {
    await first.user(ANN, upn('ann'))
    await first.group(STAFF, { displayName: 'Staff' })
    await first.member(STAFF, ANN)
    await first.run()
    await withTransaction(test.db, (tx) => detachSource(tx, first.id))
    await second.set({ groups: { ignoreContaining: ['staff'] } })
    await second.user(ANN, upn('ann'))
    await second.group(STAFF, { displayName: 'Staff' })
    await second.member(STAFF, ANN)
    await second.run({ everybody: true })
    await second.user(ANN, { displayName: 'Ann' })
    await second.run()

    expect((await second.run({ everybody: true })).isEmpty).toBe(true)
    const given = await test.db.query<{ source_id: number }>('select source_id from memberships')
    expect(given.rows).toEqual([{ source_id: first.id }])
  })

  it('a large group that loses everybody whom it and a later source gave holds the plan', async () => {
    const everybody = Array.from({ length: 50 }, (_, n) => anId(1_000 + n))
    for (const source of [first, second]) {
      await source.group(STAFF, { displayName: 'Staff' })
      for (const [n, id] of everybody.entries()) {
        await source.user(id, upn(`user${n}`))
        await source.member(STAFF, id)
      }
      await source.run()
      if (source === first) await withTransaction(test.db, (tx) => detachSource(tx, first.id))
    }
    for (const id of everybody) await second.noMember(STAFF, id)

    expect((await second.plan()).held).toContainEqual({ rule: 'groups-emptied', count: 1, limit: 0 })
  })

  it('a later source on that tenant links them again, as adoptions, which are held', async () => {
    await first.user(ANN, upn('ann'))
    await first.run()
    await withTransaction(test.db, (tx) => detachSource(tx, first.id))
    await second.user(ANN, upn('ann'))
    const plan = await second.plan()
    expect(await itemsOf(plan.runId)).toEqual(['user adopt linked-again'])
    expect(plan.held).toEqual([{ rule: 'adoptions', count: 1, limit: 0 }])
  })

  it('whom an administrator has deactivated is linked again as he is, and has nothing that somebody active wants', async () => {
    const settings = { priority: 20, users: { properties: { userName: 'displayName', cards: ['employeeId'] } } }
    await first.set(settings)
    await second.set(settings)
    const attributes = { displayName: 'ann', employeeId: '1', createdDateTime: '2020-01-01T00:00:00Z' }
    await first.user(ANN, attributes)
    await first.run()
    await test.db.query(`update users set active = false, deactivated_by = 'administrator'`)
    await test.db.query('update user_names set held = false; update credentials set held = false')
    await withTransaction(test.db, (tx) => detachSource(tx, first.id))
    await second.user(ANN, { ...attributes, department: 'Sales' })
    await second.user(BOB, { displayName: 'Ann', employeeId: '1', createdDateTime: '2026-01-01T00:00:00Z' })

    const plan = await second.run({ everybody: true })

    expect(await itemsOf(plan.runId)).toEqual([
      'user adopt linked-again',
      'user create new-in-entra',
      'credential add given-in-entra',
    ])
    expect(await owners()).toMatchObject({
      [ANN]: { source: second.id, active: false, department: null },
      [BOB]: { source: second.id, active: true },
    })
    expect(await people(test.db)).toMatchObject({ [BOB]: { name: 'Ann', cards: ['card/1'] } })
    expect((await second.run({ everybody: true })).isEmpty).toBe(true)
  })
})

it('a group that passes to the next source gets the name that this one has known for long', async () => {
  for (const source of [first, second]) await source.group(STAFF, { displayName: 'Staff' })
  await first.run()
  await second.run()
  await second.group(STAFF, { displayName: 'Crew' })
  await second.run()
  await first.set({ priority: 10, groups: { ignore: [STAFF] } })
  await first.run({ everybody: true })

  await second.run()

  const found = await test.db.query('select name, hidden from groups where object_id = $1', [STAFF])
  expect(found.rows).toEqual([{ name: 'Crew', hidden: false }])
})

import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { aHandSource, anId, type HandSource } from '../../test/support/planned.ts'
import { storeSettings, takeBack } from '../../test/support/reverted.ts'
import { aSyncWorld } from '../../test/support/world.ts'
import { withTransaction } from '../database/transaction.ts'
import { hire, setManager, update } from '../emulator/operations.ts'
import { applyPlan } from '../registry/apply.ts'
import { approveRun } from './approve.ts'

let test: TestDatabase
beforeAll(async () => {
  test = await createTestDatabase()
})
afterAll(() => test.drop())
beforeEach(() => test.empty())

const [A, B, C] = [anId(1), anId(2), anId(3)] as const
const G = anId(91)
const TREE = [{ template: '%companyName%|%department%' }]
const DEFAULT = [{ template: '%companyName%|%department%', makeDefault: true }]

/** Groups by path, with the user names of who is in them, whoever says so. */
async function tree(): Promise<Record<string, string[]>> {
  const found = await test.db.query<{ path: string; users: string[] }>(
    `select case g.under when '' then '' else g.under || '|' end || replace(g.name, '|', '\\|') as path,
       array(select distinct u.user_name from memberships m join users u on u.id = m.user_id where m.group_id = g.id order by 1) as users
     from groups g where not g.hidden order by 1`,
  )
  return Object.fromEntries(found.rows.map((r) => [r.path, r.users]))
}

/** Paths of default groups by user name. */
async function defaults(): Promise<Record<string, string | null>> {
  const found = await test.db.query<{ user_name: string; path: string | null }>(
    `select u.user_name, case g.under when '' then '' else g.under || '|' end || g.name as path
     from users u left join groups g on g.id = u.default_group_id order by 1`,
  )
  return Object.fromEntries(found.rows.map((r) => [r.user_name, r.path]))
}

async function localGroup(name: string, under = ''): Promise<number> {
  const made = await test.db.query<{ id: number }>('insert into groups (name, under) values ($1, $2) returning id', [
    name,
    under,
  ])
  return made.rows[0]!.id
}

const ann = (attributes: Record<string, unknown>) => ({ userPrincipalName: 'ann@x', ...attributes })

/** Ann in Contoso|Sales, run once. */
async function aSource(settings: Parameters<typeof aHandSource>[1]): Promise<HandSource> {
  const source = await aHandSource(test.db, settings)
  await source.user(A, ann({ companyName: 'Contoso', department: 'Sales' }))
  await source.run()
  return source
}

describe('groups from attributes', () => {
  it('option groups.fromAttributes: effect: a tree with every node, people in the leaves only, and a second plan is empty', async () => {
    const source = await aHandSource(test.db, { groups: { fromAttributes: TREE } })
    await source.user(A, ann({ companyName: 'Contoso', department: 'Sales' }))
    await source.user(B, { userPrincipalName: 'bo@x', companyName: 'CONTOSO', department: ' ' })
    await source.user(C, { userPrincipalName: 'cy@x', department: 'Sales' })

    const first = await source.run()
    const second = await source.run({ everybody: true })

    expect(await tree()).toEqual({ Contoso: ['bo@x'], 'Contoso|Sales': ['ann@x'] })
    expect(first.groups).toMatchObject({ created: 2, unchanged: 0 })
    expect(first.memberships).toEqual({ added: 2, removed: 0 })
    expect(second.isEmpty).toBe(true)
  })

  it('option groups.fromAttributes: default: attributes make no groups', async () => {
    await aSource({})

    expect(await tree()).toEqual({})
  })

  it('are told as items: the nodes with the template that wants them, the membership with its path', async () => {
    await aSource({ groups: { fromAttributes: TREE } })

    const items = await test.db.query(
      `select object, action, name, new, rule, reason from plan_items where object <> 'user' order by seq`,
    )
    const rule = 'groups.fromAttributes[0]'
    const reason = 'from-attributes'
    expect(items.rows).toEqual([
      expect.objectContaining({
        object: 'group',
        action: 'create',
        new: { name: 'Contoso', under: '', path: 'Contoso' },
        rule,
        reason,
      }),
      expect.objectContaining({
        object: 'group',
        action: 'create',
        new: { name: 'Sales', under: 'Contoso', path: 'Contoso|Sales' },
        rule,
        reason,
      }),
      {
        object: 'membership',
        action: 'add',
        name: 'ann@x',
        new: { group: 'Sales', groupObjectId: null, path: 'Contoso|Sales', user: 'ann@x' },
        rule: 'groups.fromAttributes',
        reason,
      },
    ])
  })

  it('a bar in a value is part of the name, and under is above all of them', async () => {
    await aSource({ groups: { fromAttributes: [{ template: '%companyName%|x %upnPrefix%' }], under: 'Entra|HR' } })
    const source = await aHandSource(test.db, { groups: { fromAttributes: TREE } })
    await source.user(B, { userPrincipalName: 'bo@x', companyName: 'A|B', department: 'C\\' })

    await source.run()

    expect(await tree()).toEqual({
      'Entra|HR|Contoso': [],
      'Entra|HR|Contoso|x ann': ['ann@x'],
      'A\\|B': [],
      'A\\|B|C\\': ['bo@x'],
    })
  })

  it('a level of text alone is never empty; one whose attributes all are ends the path', async () => {
    const source = await aHandSource(test.db, {
      groups: { fromAttributes: [{ template: 'Staff|Dept. %department%|%city%' }] },
    })
    await source.user(A, ann({ department: 'Sales', city: null }))
    await source.user(B, { userPrincipalName: 'bo@x', city: 'Ghent' })

    await source.run()

    expect(await tree()).toEqual({ Staff: ['bo@x'], 'Staff|Dept. Sales': ['ann@x'] })
  })

  it('follow a changed attribute; the group that nobody is in any more stays', async () => {
    const source = await aSource({ groups: { fromAttributes: TREE } })
    await source.user(A, { department: 'Legal' })

    const plan = await source.run()

    expect(plan.memberships).toEqual({ added: 1, removed: 1 })
    expect(plan.groups).toMatchObject({ created: 1, deleted: 0 })
    expect(await tree()).toEqual({ Contoso: [], 'Contoso|Legal': ['ann@x'], 'Contoso|Sales': [] })
  })

  it('of one path are one group: two templates, two tenants, made by hand; a group of Entra of that name is another', async () => {
    const handMade = await localGroup('sales', 'CONTOSO')
    const source = await aHandSource(test.db, {
      groups: { fromAttributes: [...TREE, { template: 'contoso|%department%' }] },
    })
    await source.user(A, ann({ companyName: 'Contoso', department: 'Sales' }))
    await source.group(G, { displayName: 'Contoso' })
    const other = await aHandSource(test.db, { groups: { fromAttributes: TREE } })
    await other.user(B, { userPrincipalName: 'bo@x', companyName: 'Contoso', department: 'SALES' })
    await source.run()
    await other.run()

    const groups = await test.db.query(
      'select name, under, object_id, source_id from groups where id <> $1 order by 3',
      [handMade],
    )
    expect(groups.rows).toEqual([
      { name: 'Contoso', under: '', object_id: G, source_id: source.id },
      { name: 'Contoso', under: '', object_id: null, source_id: null },
    ])
    const members = await test.db.query<{ user_name: string }>(
      'select user_name from memberships join users on id = user_id where group_id = $1 order by 1',
      [handMade],
    )
    expect(members.rows.map((r) => r.user_name)).toEqual(['ann@x', 'bo@x'])
    expect([(await source.run({ everybody: true })).isEmpty, (await other.run({ everybody: true })).isEmpty]).toEqual([
      true,
      true,
    ])
  })

  it('a membership made by hand stays, and only what the source gave ends', async () => {
    const source = await aSource({ groups: { fromAttributes: TREE } })
    await test.db.query(`insert into memberships select g.id, u.id, 0, 0 from groups g, users u where g.name = 'Sales'`)
    await source.user(A, { department: null })

    const plan = await source.run()

    expect(plan.memberships).toEqual({ added: 1, removed: 0 })
    expect(await tree()).toEqual({ Contoso: ['ann@x'], 'Contoso|Sales': ['ann@x'] })
    const left = await test.db.query(
      `select m.source_id from memberships m join groups g on g.id = m.group_id and g.name = 'Sales'`,
    )
    expect(left.rows).toEqual([{ source_id: 0 }])
  })

  it('exist while any source gives them; only the owner makes the default group', async () => {
    const settings = { groups: { fromAttributes: DEFAULT } }
    const owner = await aHandSource(test.db, { ...settings, priority: 1 })
    const other = await aHandSource(test.db, settings, owner.tenantId)
    await owner.user(A, ann({ companyName: 'Contoso' }))
    await other.user(A, ann({ companyName: 'Contoso', department: 'Sales' }))
    await owner.run()
    const second = await other.run()
    const both = await tree()
    await other.user(A, { department: null })
    const shared = await other.run()
    await owner.user(A, { companyName: null })
    const left = await owner.run()

    expect(second.memberships).toEqual({ added: 1, removed: 0 })
    expect(both).toEqual({ Contoso: ['ann@x'], 'Contoso|Sales': ['ann@x'] })
    expect(shared.memberships).toEqual({ added: 0, removed: 1 })
    expect(left.memberships).toEqual({ added: 0, removed: 0 })
    expect(await tree()).toEqual({ Contoso: ['ann@x'], 'Contoso|Sales': [] })
    expect(await defaults()).toEqual({ 'ann@x': 'Contoso' })
    for (const source of [owner, other]) expect((await source.run({ everybody: true })).isEmpty).toBe(true)
  })

  it('a renamed one is another group from then on', async () => {
    const source = await aSource({ groups: { fromAttributes: TREE } })
    await test.db.query(`update groups set name = 'Vertrieb' where name = 'Sales'`)

    await source.run({ everybody: true })

    expect(await tree()).toEqual({ Contoso: [], 'Contoso|Sales': ['ann@x'], 'Contoso|Vertrieb': [] })
  })

  it('stay with people who are deactivated and end with those who are gone', async () => {
    const source = await aSource({ groups: { fromAttributes: TREE } })
    await source.user(A, { accountEnabled: false })
    const disabled = await source.run()
    await source.user(A, {}, 's')
    const deleted = await source.run()
    await source.user(A, {}, 'x')
    const gone = await source.run()

    expect(disabled).toMatchObject({ users: { deactivated: 1 }, memberships: { added: 0, removed: 0 } })
    expect(deleted.isEmpty).toBe(true)
    expect(gone.memberships).toEqual({ added: 0, removed: 1 })
  })

  it('nobody makes one who is not imported, not even by a conflict that is settled later', async () => {
    const source = await aHandSource(test.db, {
      users: { properties: { userName: 'mail' } },
      groups: { fromAttributes: TREE },
    })
    await source.user(A, { mail: 'same@x', companyName: 'Contoso' })
    await source.user(B, { mail: 'same@x', companyName: 'Fabrikam' })
    await source.user(C, { mail: 'c@x', companyName: 'Disabled', accountEnabled: false })

    await source.run()

    expect(await tree()).toEqual({ Contoso: ['same@x'] })
  })

  it.each([
    ['too long', 'x'.repeat(257)],
    ['a broken character', 'x\ud800'],
  ])('a name that cannot be kept is an issue, and his groups from attributes stay: %s', async (_what, department) => {
    const source = await aSource({ groups: { fromAttributes: [{ template: '%city%' }, ...DEFAULT] } })
    if (department.isWellFormed()) await source.user(A, { department, city: 'Ghent' })
    else {
      // PostgreSQL keeps no such text in a mirror: it comes out of the template.
      await source.set({
        groups: {
          fromAttributes: [{ template: '%city%' }, { template: `%companyName%${department}`, makeDefault: true }],
        },
      })
      await source.user(A, { city: 'Ghent' })
    }

    const plan = await source.run()

    expect(plan.memberships).toEqual({ added: 1, removed: 0 })
    expect(await tree()).toEqual({ Contoso: [], 'Contoso|Sales': ['ann@x'], Ghent: ['ann@x'] })
    expect(await defaults()).toEqual({ 'ann@x': 'Contoso|Sales' })
    const issues = await test.db.query<{ code: string; message: string }>('select code, message from issues')
    expect(issues.rows).toEqual([
      { code: 'value-rejected', message: expect.stringContaining('groups.fromAttributes[1]') },
    ])
    expect(issues.rows[0]!.message).not.toContain('xxx')
  })

  it('another template that moves everybody is held as the loss of all memberships', async () => {
    const source = await aHandSource(test.db, { groups: { fromAttributes: [{ template: '%companyName%' }] } })
    for (let n = 0; n < 120; n += 1)
      await source.user(anId(1000 + n), {
        userPrincipalName: `u${n}@x`,
        companyName: 'Contoso',
        department: `d${n % 7}`,
      })
    await source.run()
    await source.set({ groups: { fromAttributes: [{ template: '%department%' }] } })

    const plan = await source.plan()

    expect(plan.memberships).toEqual({ added: 120, removed: 120 })
    expect(plan.held.map((reason) => reason.rule).sort()).toEqual(['groups-emptied', 'memberships'])
  })

  it('without templates any more, what they gave ends', async () => {
    const source = await aSource({ groups: { fromAttributes: DEFAULT } })
    await source.set({})

    const plan = await source.run()

    expect(plan.memberships).toEqual({ added: 0, removed: 1 })
    expect(await defaults()).toEqual({ 'ann@x': null })
    expect(Object.keys(await tree())).toEqual(['Contoso', 'Contoso|Sales'])
  })

  it('give a plan the same hash whenever it is made, and another one for another path', async () => {
    const source = await aHandSource(test.db, { groups: { fromAttributes: DEFAULT } })
    await source.user(B, { userPrincipalName: 'bo@x', companyName: 'Contoso', department: 'Sales' })
    await source.user(A, ann({ companyName: 'Contoso', department: 'Legal' }))

    const [one, two] = [await source.plan(), await source.plan()]
    await source.run()
    await source.user(A, { companyName: 'Fabrikam' })
    const toFabrikam = await source.plan()
    await source.user(A, { companyName: 'Northwind' })
    const toNorthwind = await source.plan()

    expect(two.hash).toBe(one.hash)
    expect(toNorthwind.hash).not.toBe(toFabrikam.hash)
  })

  it('a membership of a group of Entra and one from attributes are both counted', async () => {
    const source = await aHandSource(test.db, { groups: { fromAttributes: TREE } })
    await source.user(A, ann({ companyName: 'Contoso' }))
    await source.group(G, { displayName: 'All' })
    await source.member(G, A)

    expect((await source.run()).memberships).toEqual({ added: 2, removed: 0 })
    await source.noMember(G, A)
    await source.user(A, { companyName: null })
    expect((await source.run()).memberships).toEqual({ added: 0, removed: 2 })
  })
})

describe('a plan that waited', () => {
  it('leaves out a group that somebody else made meanwhile, with whoever was to have it as default, and plans them again', async () => {
    const source = await aHandSource(test.db, { groups: { fromAttributes: DEFAULT } })
    await source.user(B, { userPrincipalName: 'bo@x' })
    await source.run()
    await source.user(A, ann({ companyName: 'Contoso', department: 'Sales' }))
    await source.user(C, { userPrincipalName: 'cy@x', companyName: 'Fabrikam' })
    const held = await source.plan()
    const handMade = await localGroup('SALES', 'contoso')
    await localGroup('Contoso')

    const applied = await withTransaction(test.db, (tx) =>
      applyPlan(tx, { runId: held.runId, sourceId: source.id, tenantId: source.tenantId, now: new Date() }),
    )
    const waiting = Object.keys(await defaults())
    await source.run({ everybody: true })

    expect(applied.leftOut).toBe(3)
    expect(waiting).toEqual(['bo@x', 'cy@x'])
    expect(await defaults()).toEqual({ 'ann@x': 'contoso|SALES', 'bo@x': null, 'cy@x': 'Fabrikam' })
    const members = await test.db.query('select user_id from memberships where group_id = $1', [handMade])
    expect(members.rowCount).toBe(1)
  })

  it('is applied to an empty registry in which the group was made meanwhile', async () => {
    const source = await aHandSource(test.db, { groups: { fromAttributes: DEFAULT } })
    await source.user(A, ann({ companyName: 'Contoso' }))
    const first = await source.plan()
    await localGroup('contoso')

    const applied = await withTransaction(test.db, (tx) =>
      applyPlan(tx, { runId: first.runId, sourceId: source.id, tenantId: source.tenantId, now: new Date() }),
    )
    await source.run()

    expect(applied.leftOut).toBe(2)
    expect(await tree()).toEqual({ contoso: ['ann@x'] })
  })

  it('is applied to an empty registry from which a default group was deleted meanwhile', async () => {
    const source = await aHandSource(test.db, { groups: { fromAttributes: DEFAULT } })
    await source.user(A, ann({ companyName: 'Contoso' }))
    await source.user(B, { userPrincipalName: 'bo@x' })
    const contoso = await localGroup('Contoso')
    const first = await source.plan()
    await test.db.query('delete from groups where id = $1', [contoso])

    const applied = await withTransaction(test.db, (tx) =>
      applyPlan(tx, { runId: first.runId, sourceId: source.id, tenantId: source.tenantId, now: new Date() }),
    )

    expect(applied.leftOut).toBe(1)
    expect(await defaults()).toEqual({ 'bo@x': null })
  })

  it('does not fail over a default group that was deleted meanwhile', async () => {
    const source = await aSource({ groups: { fromAttributes: DEFAULT } })
    const legal = await localGroup('Legal', 'Contoso')
    await source.user(A, { department: 'Legal' })
    const held = await source.plan()
    await test.db.query('delete from groups where id = $1', [legal])

    const applied = await withTransaction(test.db, (tx) =>
      applyPlan(tx, { runId: held.runId, sourceId: source.id, tenantId: source.tenantId, now: new Date() }),
    )

    expect(applied.leftOut).toBe(1)
    expect(await defaults()).toEqual({ 'ann@x': 'Contoso|Sales' })
  })

  it('proves them again: approved after somebody was moved back, the plan is made anew', async () => {
    const world = await aSyncWorld(test.db, {
      settings: {
        safeguard: { memberships: { count: 1 } },
        groups: { fromAttributes: [{ template: 'by %manager%|%department%' }] },
      },
    })
    try {
      const boss = hire(world.tenant, { userPrincipalName: 'boss@contoso.com' })
      const users = ['a', 'b', 'c'].map((n) =>
        hire(world.tenant, { userPrincipalName: `${n}@contoso.com`, department: 'Sales' }),
      )
      for (const user of users) setManager(world.tenant, user.id, boss.id)
      await world.sync()
      for (const user of users.slice(0, 2)) update(world.tenant, user.id, { department: 'Legal' })
      const held = await world.sync()
      update(world.tenant, users[0]!.id, { department: 'Sales' })
      const approval = {
        reason: 'r',
        actor: { kind: 'command line', name: 'a' } as const,
        signal: new AbortController().signal,
        onProgress: () => {},
      }

      const answer = await approveRun(world.engine, { ...approval, run: Number(held.run), hash: held.planHash! })
      const applied = await approveRun(world.engine, { ...approval, run: Number(answer.run), hash: answer.planHash! })

      expect(held).toMatchObject({ outcome: 'held', memberships: { added: 2, removed: 2 } })
      expect(answer).toMatchObject({ outcome: 'held', memberships: { added: 1, removed: 1 } })
      expect(applied).toMatchObject({ outcome: 'applied', memberships: { added: 1, removed: 1 } })
      expect(await tree()).toEqual({
        'by boss@contoso.com': [],
        'by boss@contoso.com|Legal': ['b@contoso.com'],
        'by boss@contoso.com|Sales': ['a@contoso.com', 'c@contoso.com'],
      })
    } finally {
      await world.stop()
    }
  })
})

describe('default groups', () => {
  it('option groups.fromAttributes.makeDefault: effect: the first template that makes a group makes the default, and it follows him', async () => {
    const source = await aHandSource(test.db, {
      groups: {
        fromAttributes: [
          { template: '%city%' },
          { template: '%companyName%', makeDefault: true },
          { template: '%department%', makeDefault: true },
        ],
      },
    })
    await source.user(A, ann({ city: 'Ghent', department: 'Sales' }))
    await source.run()
    const first = await defaults()
    await source.user(A, { companyName: 'Contoso' })
    const plan = await source.run()

    expect(first).toEqual({ 'ann@x': 'Sales' })
    expect(await defaults()).toEqual({ 'ann@x': 'Contoso' })
    const items = await test.db.query(
      `select old, new from plan_items where run_id = $1 and object = 'user' and action = 'update'`,
      [plan.runId],
    )
    expect(items.rows).toEqual([{ old: { defaultGroup: 'Sales' }, new: { defaultGroup: 'Contoso' } }])
    expect((await source.run({ everybody: true })).isEmpty).toBe(true)
  })

  it('option groups.fromAttributes.makeDefault: default: nobody gets a default group', async () => {
    await aSource({ groups: { fromAttributes: TREE } })

    expect(await defaults()).toEqual({ 'ann@x': null })
  })

  it('option groups.keepDefaultGroup: effect: only a new person gets one; an existing one keeps his or has none', async () => {
    const source = await aSource({ groups: { fromAttributes: DEFAULT, keepDefaultGroup: true } })
    const first = await defaults()
    await source.user(A, { department: 'Legal' })
    await test.db.query(`insert into users (user_name) values ('bo@x')`)
    await test.db.query(
      `insert into user_names select id, 'n', user_name, user_name, 'o', true from users where user_name = 'bo@x'`,
    )
    await source.user(B, { userPrincipalName: 'bo@x', companyName: 'Contoso' })

    const plan = await source.run()

    expect(first).toEqual({ 'ann@x': 'Contoso|Sales' })
    expect(plan.users.adopted).toBe(1)
    const changed = await test.db.query(
      `select from plan_items where run_id = $1 and object = 'user' and new ? 'defaultGroup'`,
      [plan.runId],
    )
    expect(changed.rowCount).toBe(0)
    expect(await defaults()).toEqual({ 'ann@x': 'Contoso|Sales', 'bo@x': null })
    expect((await tree())['Contoso|Legal']).toEqual(['ann@x'])
  })

  it('option groups.keepDefaultGroup: default: the default group of an existing person is changed', async () => {
    const source = await aSource({ groups: { fromAttributes: DEFAULT } })
    await source.user(A, { department: 'Legal' })

    await source.run()

    expect(await defaults()).toEqual({ 'ann@x': 'Contoso|Legal' })
  })

  it('one chosen by hand gives way to a template and is never taken away', async () => {
    const source = await aSource({ groups: { fromAttributes: TREE } })
    const chosen = await localGroup('Chosen')
    await test.db.query('update users set default_group_id = $1', [chosen])
    await source.user(A, { department: null })
    await source.run()
    const untouched = await defaults()
    await source.set({ groups: { fromAttributes: DEFAULT } })
    await source.user(A, { companyName: null })
    await source.run()
    const still = await defaults()
    await source.user(A, { companyName: 'Contoso' })
    await source.run()

    expect([untouched, still]).toEqual([{ 'ann@x': 'Chosen' }, { 'ann@x': 'Chosen' }])
    expect(await defaults()).toEqual({ 'ann@x': 'Contoso' })
  })

  it('one that a source gave goes when he leaves the group, unless somebody else has him in it', async () => {
    const source = await aSource({ groups: { fromAttributes: DEFAULT } })
    await source.user(B, { userPrincipalName: 'bo@x', companyName: 'Contoso', department: 'Sales' })
    await source.run()
    await test.db.query(
      `insert into memberships select g.id, u.id, 0, 0 from groups g, users u where g.name = 'Sales' and u.user_name = 'bo@x'`,
    )
    await source.user(A, { companyName: null })
    await source.user(B, { companyName: null })

    const plan = await source.run()

    expect(plan.users.updated).toBe(1)
    expect(await defaults()).toEqual({ 'ann@x': null, 'bo@x': 'Contoso|Sales' })
  })

  it('one that a source gave goes when the last other source of his tenant leaves him out of it', async () => {
    const tenantId = randomUUID()
    const owner = await aHandSource(test.db, { priority: 10 }, tenantId)
    const giver = await aHandSource(test.db, { priority: 20, groups: { fromAttributes: DEFAULT } }, tenantId)
    for (const source of [owner, giver]) await source.user(A, ann({ companyName: 'Contoso' }))
    await giver.run()
    await owner.run()
    const takenOver = await defaults()
    await giver.set({ priority: 20 })
    await giver.run({ everybody: true })

    const plan = await owner.run()

    expect(takenOver).toEqual({ 'ann@x': 'Contoso' })
    expect(plan.users.updated).toBe(1)
    expect(await defaults()).toEqual({ 'ann@x': null })
  })

  it('emptying everybody’s default group is held like any other field', async () => {
    const source = await aHandSource(test.db, { groups: { fromAttributes: DEFAULT } })
    for (let n = 0; n < 40; n += 1)
      await source.user(anId(1000 + n), { userPrincipalName: `u${n}@x`, companyName: 'Contoso' })
    await source.run()
    for (let n = 0; n < 20; n += 1) await source.user(anId(1000 + n), { companyName: null })

    const plan = await source.plan()

    expect(plan.held.map((reason) => reason.rule)).toEqual(['cleared.defaultGroup'])
  })

  it('comes back when a run is taken back, with the groups of before; what it did is not done again unasked', async () => {
    const settings = { groups: { fromAttributes: DEFAULT } }
    const source = await aSource(settings)
    await storeSettings(test.db, source, settings)
    await source.user(A, { department: 'Legal' })
    const { runId } = await source.run()

    const reverted = await takeBack(test.db, runId)
    const before = await tree()
    const again = await source.plan()

    expect(reverted).toMatchObject({ outcome: 'applied', left: [] })
    expect(before).toEqual({ Contoso: [], 'Contoso|Sales': ['ann@x'] })
    expect(await defaults()).toEqual({ 'ann@x': 'Contoso|Sales' })
    expect(again.held.map((reason) => reason.rule)).toEqual(['reverted'])
    await source.run()
    expect(await defaults()).toEqual({ 'ann@x': 'Contoso|Legal' })
  })
})

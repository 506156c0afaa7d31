// Groups of a removed source, and what another source gave to them beside it; once, for comparison, to a group that has its owner still.
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { aHandSource, anId, emptyRegistry, people } from '../../test/support/planned.ts'
import { aSyncWorld, registryView } from '../../test/support/world.ts'
import { sourceSettings } from '../contract/sources.ts'
import { withTransaction } from '../database/transaction.ts'
import { addMember, createGroup } from '../emulator/memberships.ts'
import { hire } from '../emulator/operations.ts'
import { detachSource } from '../registry/detach.ts'
import { approveRun } from './approve.ts'

let test: TestDatabase
beforeAll(async () => {
  test = await createTestDatabase()
})
beforeEach(async () => {
  await emptyRegistry(test.db)
})
afterAll(async () => {
  await test.drop()
})

const ANN = anId(1)
const BEN = anId(2)
const STAFF = anId(101)

it('S16: one that a source leaves out after its owner was removed gets no member of it any more', async () => {
  const tenantId = randomUUID()
  const first = await aHandSource(test.db, { priority: 10 }, tenantId)
  const second = await aHandSource(test.db, { priority: 20 }, tenantId)
  await second.user(ANN, { userPrincipalName: 'ann@contoso.com' })
  for (const source of [first, second]) await source.group(STAFF, { displayName: 'Staff' })
  await second.member(STAFF, ANN)
  for (const source of [first, second]) await source.run()
  await withTransaction(test.db, (tx) => detachSource(tx, first.id))
  await second.set({ priority: 20, groups: { ignore: [STAFF] } })
  expect((await second.run({ everybody: true })).memberships).toEqual({ added: 0, removed: 1 })
  await second.user(ANN, { displayName: 'Ann' })

  const changed = await second.run()

  expect(changed.memberships).toEqual({ added: 0, removed: 0 })
  expect((await people(test.db))[ANN]?.groups).toEqual([])
  expect((await test.db.query('select from group_claims')).rowCount).toBe(0)
  expect((await second.run({ everybody: true })).isEmpty).toBe(true)
})

it('S16: one that comes back is given by the other source again, which has never read that it was gone', async () => {
  const tenantId = randomUUID()
  const settings = { groups: { ignoreContaining: ['closed'] } }
  const first = await aHandSource(test.db, { ...settings, priority: 10 }, tenantId)
  const second = await aHandSource(test.db, { ...settings, priority: 20 }, tenantId)
  await second.user(ANN, { userPrincipalName: 'ann@contoso.com' })
  for (const source of [first, second]) await source.group(STAFF, { displayName: 'Staff' })
  await second.member(STAFF, ANN)
  for (const source of [first, second]) await source.run()
  for (const displayName of ['Staff (closed)', 'Staff']) {
    await first.group(STAFF, { displayName })
    await first.run()
  }
  await second.user(BEN, { userPrincipalName: 'ben@contoso.com' })
  await second.member(STAFF, BEN)

  await second.run()

  const groups = Object.values(await people(test.db)).map((user) => user.groups)
  expect(groups).toEqual([['Staff'], ['Staff']])
  expect((await second.run({ everybody: true })).isEmpty).toBe(true)
})

it.each([
  ['that is another one’s', { isRemoved: false }],
  ['of a removed one', { isRemoved: true }],
])('O8: approved memberships end where the source ignores a group %s, though Entra has them', async (_of, owner) => {
  const safeguard = { memberships: { percent: 0, count: 0 } }
  const w = await aSyncWorld(test.db, { settings: { users: { import: { groups: [anId(77)] } } } })
  const second = { connection: w.source, priority: 200, safeguard }
  await test.db.query(
    `insert into sources (name, connection_id, enabled, priority, settings)
     select 'second', connection_id, true, 200, $2 from sources where name = $1`,
    [w.source, JSON.stringify(sourceSettings.parse(second))],
  )
  const user = hire(w.tenant, { userPrincipalName: 'ann@contoso.com', displayName: 'Ann' })
  const staff = createGroup(w.tenant, { displayName: 'Staff' })
  addMember(w.tenant, staff.id, user.id)
  await w.sync()
  await w.sync({ source: 'second' })
  expect((await registryView(test.db)).memberships).toHaveLength(1)
  if (owner.isRemoved) {
    await withTransaction(test.db, async (tx) => {
      const removed = await tx.query<{ id: number }>('select id from sources where name = $1', [w.source])
      await detachSource(tx, removed.rows[0]!.id)
    })
  }
  const ignoring = sourceSettings.parse({ ...second, groups: { ignore: [staff.id] } })
  await test.db.query(
    `update sources set settings = $1, settings_version = settings_version + 1, marked_all = true, marked_all_at = fence
     where name = 'second'`,
    [JSON.stringify(ignoring)],
  )
  const run = await w.sync({ source: 'second' })
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

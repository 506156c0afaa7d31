// People who are kept though they are missing: what they lose once Entra has forgotten them for good, and with a group that goes.
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { aSyncWorld, registryView, type Settings, type SyncWorld } from '../../test/support/world.ts'
import { addMember, createGroup } from '../emulator/memberships.ts'
import { hire, purge, remove, restore } from '../emulator/operations.ts'

let test: TestDatabase
let w: SyncWorld
beforeAll(async () => {
  test = await createTestDatabase()
})
afterAll(() => test.drop())
beforeEach(() => test.empty())
afterEach(async () => {
  await w.stop()
})

it.each([
  ['missing people are not deactivated', { deactivateMissingUsers: false }, 'missing-kept'],
  ['days of grace are left', { graceDays: 5 }, 'grace-period'],
] as const)('gone for good ends memberships and nothing else where %s', async (_why, options, reason) => {
  const settings: Settings = { safeguard: 'off', users: { properties: { cards: ['faxNumber'] }, options } }
  w = await aSyncWorld(test.db, { settings })
  const ann = hire(w.tenant, { userPrincipalName: 'ann@contoso.com', faxNumber: '04a1' })
  hire(w.tenant, { userPrincipalName: 'bob@contoso.com' })
  const staff = createGroup(w.tenant, { displayName: 'Staff' })
  addMember(w.tenant, staff.id, ann.id)
  await w.sync()
  const before = await registryView(test.db)

  remove(w.tenant, ann.id)
  const deleted = await w.sync()
  expect(deleted.outcome).toBe('no-change')
  expect(await registryView(test.db)).toEqual(before)

  purge(w.tenant, ann.id)
  const gone = await w.sync({ mode: 'full' })
  expect(gone).toMatchObject({ outcome: 'applied', memberships: { added: 0, removed: 1 }, users: { skipped: 1 } })
  const items = await test.db.query('select object, action, reason from plan_items where run_id = $1 order by seq', [
    Number(gone.run),
  ])
  expect(items.rows).toEqual([
    { object: 'user', action: 'skip', reason },
    { object: 'membership', action: 'remove', reason: expect.any(String) },
  ])
  expect(await registryView(test.db)).toEqual({ ...before, memberships: [] })

  expect(await w.sync({ mode: 'full' })).toMatchObject({ outcome: 'no-change' })
})

it.each(['ignored', 'deleted'])(
  'a group that is %s ends also for whom is kept, until he is wanted in it again',
  async (how) => {
    const settings: Settings = { safeguard: 'off', users: { options: { deactivateMissingUsers: false } } }
    w = await aSyncWorld(test.db, { settings })
    const ann = hire(w.tenant, { userPrincipalName: 'ann@contoso.com' })
    hire(w.tenant, { userPrincipalName: 'bob@contoso.com' })
    const staff = createGroup(w.tenant, { displayName: 'Staff' })
    addMember(w.tenant, staff.id, ann.id)
    await w.sync()
    const { memberships } = await registryView(test.db)
    remove(w.tenant, ann.id)
    await w.sync()
    expect(memberships).toHaveLength(1)
    expect((await registryView(test.db)).memberships).toEqual(memberships)

    if (how === 'ignored') await w.configure({ ...settings, groups: { ignore: [staff.id] } })
    else remove(w.tenant, staff.id)
    const ended = await w.sync()
    expect(ended).toMatchObject({ outcome: 'applied', groups: { deleted: 1 }, memberships: { added: 0, removed: 1 } })
    if (how === 'ignored') await w.configure(settings)
    else restore(w.tenant, staff.id)
    expect(await w.sync()).toMatchObject({ groups: { created: 1 }, memberships: { added: 0, removed: 0 } })

    restore(w.tenant, ann.id)
    expect(await w.sync()).toMatchObject({ memberships: { added: 1, removed: 0 } })
    expect((await registryView(test.db)).memberships).toEqual(memberships)
    expect(await w.sync({ mode: 'full' })).toMatchObject({ outcome: 'no-change' })
  },
)

// Why a value changes after a plan for everybody was done in part: Entra is not named for what the settings do.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { aSyncWorld, type Settings, type SyncWorld } from '../../test/support/world.ts'
import type { RunDocument } from '../contract/runs.ts'
import type { DirectoryObject } from '../emulator/object.ts'
import { addMember, createGroup } from '../emulator/memberships.ts'
import { hire, remove, restore, update } from '../emulator/operations.ts'
import { approveRun } from './approve.ts'

let test: TestDatabase
let w: SyncWorld
let staff: readonly DirectoryObject[]
beforeAll(async () => {
  test = await createTestDatabase()
})
afterAll(() => test.drop())
beforeEach(async () => {
  await test.empty()
  w = await aSyncWorld(test.db, { settings: mapped('before') })
  staff = Array.from({ length: 12 }, (_, n) =>
    hire(w.tenant, {
      userPrincipalName: `u${n}@contoso.com`,
      displayName: `U${n}`,
      department: 'Sales',
      companyName: 'Contoso',
      mail: `mail-${n}@contoso.com`,
    }),
  )
  await w.sync()
})
afterEach(async () => {
  await w.stop()
})

type From = 'before' | 'after'

/** Two mappings that give everybody another department and another address; addresses that are rewritten are held. */
function mapped(from: From, more: Settings['users'] = {}): Settings {
  const properties =
    from === 'before'
      ? { department: 'department', email: 'mail' }
      : { department: 'companyName', email: 'userPrincipalName' }
  return { safeguard: { rewrites: { percent: 0, count: 0 } }, users: { ...more, properties } }
}

/** Whether the settings of the source are those with which everybody was planned; null: that is not known. */
async function isPlanned(): Promise<boolean | null> {
  const found = await test.db.query<{ known: boolean | null }>(
    'select planned_settings = settings as known from sources',
  )
  return found.rows[0]!.known
}

async function reasonsOf({ run }: RunDocument): Promise<readonly string[]> {
  const found = await test.db.query<{ reason: string }>(
    `select distinct reason from plan_items where run_id = $1 and action = 'update' order by 1`,
    [Number(run)],
  )
  return found.rows.map(({ reason }) => reason)
}

async function approve(held: RunDocument, without?: 'rewrites'): Promise<RunDocument> {
  return approveRun(w.engine, {
    run: Number(held.run),
    hash: held.planHash!,
    without,
    reason: 'r',
    actor: { kind: 'command line', name: 'a' },
    signal: new AbortController().signal,
    onProgress: () => {},
  })
}

/** The plan for everybody that the other mapping makes. */
async function heldForRewrites(): Promise<RunDocument> {
  await w.configure(mapped('after'))
  const held = await w.sync()
  expect([held.outcome, held.held?.reasons.map(({ rule }) => rule)]).toEqual(['held', ['rewrites.email']])
  expect(await reasonsOf(held)).toEqual(['settings-changed'])
  return held
}

describe('settings that were changed', () => {
  it('are those with which everybody was planned once all of it is applied, and Entra is what changes then', async () => {
    const first = await isPlanned()
    const held = await heldForRewrites()
    const waiting = await isPlanned()
    await approve(held)

    update(w.tenant, staff[0]!.id, { companyName: 'Fabrikam' })
    const next = await w.sync()

    expect([first, waiting, await isPlanned()]).toEqual([true, false, true])
    expect(await reasonsOf(next)).toEqual(['changed-in-entra'])
  })

  it('of which rewrites were left out are not blamed on Entra, and known again after a plan for everybody', async () => {
    await approve(await heldForRewrites(), 'rewrites')
    const afterPart = await isPlanned()

    const delta = await w.sync()

    expect(afterPart).toBe(null)
    expect([delta.mode, delta.outcome]).toEqual(['delta', 'held'])
    expect(await reasonsOf(delta)).toEqual(['changed-in-entra-or-settings'])
    await approve(delta)
    expect(await isPlanned()).toBe(null)
    expect((await w.sync({ mode: 'full' })).outcome).toBe('no-change')
    expect(await isPlanned()).toBe(true)
    update(w.tenant, staff[0]!.id, { companyName: 'Fabrikam' })
    expect(await reasonsOf(await w.sync())).toEqual(['changed-in-entra'])
  })

  it('are not known to be done where somebody was changed while the plan waited', async () => {
    const held = await heldForRewrites()
    await test.db.query('update users set version = version + 1 where object_id = $1', [staff[0]!.id])
    await approve(held)
    const afterPart = await isPlanned()

    const delta = await w.sync({ kind: 'plan' })

    expect(afterPart).toBe(null)
    expect(delta.users.updated).toBe(1)
    expect(await reasonsOf(delta)).toEqual(['changed-in-entra-or-settings'])
  })

  it('are not known to be done where somebody of the registry was frozen', async () => {
    const [all, some] = ['All', 'Some'].map((displayName) => createGroup(w.tenant, { displayName }))
    for (const { id } of staff) addMember(w.tenant, all!.id, id)
    addMember(w.tenant, some!.id, staff[0]!.id)
    const scope = { import: { groups: [all!.id, some!.id] } }
    await w.configure({ ...mapped('before', scope), safeguard: 'off' })
    await w.sync()
    const before = await isPlanned()
    remove(w.tenant, all!.id)
    await w.configure({ ...mapped('after', scope), safeguard: 'off' })
    const part = await w.sync()
    const afterPart = await isPlanned()
    restore(w.tenant, all!.id)

    const rest = await w.sync()

    expect(part.users.updated).toBe(1)
    expect([before, afterPart]).toEqual([true, null])
    expect(rest.users.updated).toBe(staff.length - 1)
    expect(await reasonsOf(rest)).toEqual(['changed-in-entra-or-settings'])
  })

  it('are done where somebody was frozen whom the registry does not have', async () => {
    const [all, other] = ['All', 'Other'].map((displayName) => createGroup(w.tenant, { displayName }))
    for (const { id } of staff) addMember(w.tenant, all!.id, id)
    hire(w.tenant, { userPrincipalName: 'new@contoso.com', displayName: 'New' })
    remove(w.tenant, other!.id)
    await w.configure({ ...mapped('after', { import: { groups: [all!.id, other!.id] } }), safeguard: 'off' })

    const run = await w.sync()

    const frozen = await test.db.query(
      `select user_id from plan_items where run_id = $1 and reason = 'scope-group-missing'`,
      [Number(run.run)],
    )
    expect(frozen.rows).toEqual([{ user_id: null }])
    expect(await isPlanned()).toBe(true)
  })
})

describe('settings that were not changed', () => {
  it('stay those with which everybody was planned, though what Entra changed was left out', async () => {
    for (const { id } of staff) update(w.tenant, id, { mail: `${id}@contoso.com` })
    const held = await w.sync({ mode: 'full' })
    await approve(held, 'rewrites')

    const delta = await w.sync({ kind: 'plan' })

    expect(await isPlanned()).toBe(true)
    expect(await reasonsOf(delta)).toEqual(['changed-in-entra'])
  })
})

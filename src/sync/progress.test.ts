// What is told while a run goes on: each phase counts up to what it has to do, wherever that can be known, so that a time can be told.
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { takeBack } from '../../test/support/reverted.ts'
import { aSyncWorld, type SyncWorld } from '../../test/support/world.ts'
import { addMember, createGroup } from '../emulator/memberships.ts'
import { hire, update } from '../emulator/operations.ts'
import { approveRun } from './approve.ts'
import type { RunPhase, RunProgress } from './engine.ts'

let test: TestDatabase
let world: SyncWorld
beforeAll(async () => {
  test = await createTestDatabase()
})
afterAll(() => test.drop())
beforeEach(async () => {
  await test.empty()
  world = await aSyncWorld(test.db, { users: 120, groups: 12, memberships: 400 })
})
afterEach(async () => {
  await world.stop()
})

/** What each phase told last, and that it never counted back nor beyond its total. */
async function toldBy(doing: (onProgress: (progress: RunProgress) => void) => Promise<unknown>) {
  const told = new Map<RunPhase, RunProgress>()
  const odd: RunProgress[] = []
  await doing((progress) => {
    const before = told.get(progress.phase)
    if (progress.done < (before?.done ?? 0) || progress.done > (progress.total ?? Infinity)) odd.push(progress)
    told.set(progress.phase, progress)
  })
  expect(odd).toEqual([])
  return Object.fromEntries([...told].map(([phase, { done, total }]) => [phase, [done, total]]))
}

const syncing = (options: Parameters<SyncWorld['sync']>[0] = {}) =>
  toldBy((onProgress) => world.sync({ ...options, onProgress }))

async function count(sql: string): Promise<number> {
  return (await test.db.query<{ count: number }>(`select count(*) as count from ${sql}`)).rows[0]!.count
}

/** What a run did, as its plan keeps it: memberships one by one. */
const changesOf = async (run: number) =>
  (await count(`plan_items where run_id = ${run} and object <> 'membership' and action <> 'skip'`)) +
  (await count(`plan_memberships where run_id = ${run}`))

const working = () => [...world.tenant.live('user')].filter((user) => user.properties['accountEnabled'] !== false)

describe('each phase ends where it said that it would', () => {
  it('of a first load, of a full compare, and of the changes since', async () => {
    const users = [...world.tenant.live('user')].length
    const groups = [...world.tenant.live('group')].length

    const first = await syncing()

    expect(first).toMatchObject({
      users: [users, users],
      groups: [groups, groups],
      memberships: [groups, groups],
      planning: [users, users],
    })
    const changes = await changesOf(1)
    expect(first['applying']).toEqual([changes, changes])
    expect(changes).toBeGreaterThan(users + groups)

    const nora = hire(world.tenant, { userPrincipalName: 'nora@contoso.com' })
    const team = createGroup(world.tenant, { displayName: 'Team' })
    addMember(world.tenant, team.id, nora.id)
    const delta = await syncing()

    expect(delta).toMatchObject({ planning: [1, 1], applying: [3, 3] })

    const full = await syncing({ mode: 'full' })

    expect(full).toMatchObject({
      users: [users + 1, users + 1],
      groups: [groups + 1, groups + 1],
      memberships: [groups + 1, groups + 1],
      planning: [users + 1, users + 1],
    })
  })

  it('of an approval and of what takes it back', async () => {
    await world.sync()
    for (const { id } of working().slice(0, 40)) update(world.tenant, id, { accountEnabled: false })
    const held = await world.sync()
    expect(held).toMatchObject({ outcome: 'held', users: { deactivated: 40 } })
    const changes = await changesOf(Number(held.run))

    const approved = await toldBy((onProgress) =>
      approveRun(world.engine, {
        run: Number(held.run),
        hash: held.planHash!,
        reason: 'they left',
        actor: { kind: 'command line', name: 'test' },
        signal: new AbortController().signal,
        onProgress,
      }),
    )

    expect(approved['applying']).toEqual([changes, changes])

    const reverted = await toldBy((onProgress) => takeBack(test.db, Number(held.run), { onProgress }))

    expect(reverted['planning']).toEqual([40, 40])
    expect(reverted['applying']![0]).toBe(reverted['applying']![1])
    expect(reverted['applying']![0]).toBeGreaterThanOrEqual(40)
  })

  it('of one user who is synchronized alone', async () => {
    await world.sync()
    const [one] = working()
    update(world.tenant, one!.id, { displayName: 'Somebody Else' })

    const told = await syncing({ user: one!.id })

    expect(told).toMatchObject({ users: [1, 1], planning: [1, 1], applying: [1, 1] })
  })
})

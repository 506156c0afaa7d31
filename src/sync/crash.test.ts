// E1: a run that dies at any statement leaves the registry as before or as after, and the next run ends as if nothing had been.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { emptyRegistry } from '../../test/support/planned.ts'
import { mortal } from '../../test/support/mortal.ts'
import { aSyncWorld, impliedView, registryView, type SyncWorld } from '../../test/support/world.ts'
import { addMember, removeMember } from '../emulator/memberships.ts'
import { hire, remove, rename } from '../emulator/operations.ts'
import { runSource } from './run.ts'

let test: TestDatabase
beforeAll(async () => {
  test = await createTestDatabase({ max: 12 })
})
afterAll(async () => {
  await test.drop()
})

async function reset(): Promise<void> {
  await emptyRegistry(test.db)
}

/** Runs and dies at a statement; then makes the run look like one of a process that is gone. */
async function dyingRun(world: SyncWorld, diesAt: number, mode: 'auto' | 'full'): Promise<boolean> {
  const doomed = mortal(test.db, diesAt)
  const outcome = await runSource(
    { ...world.engine, db: doomed.db },
    {
      source: world.source,
      kind: 'sync',
      mode,
      trigger: 'manual',
      wait: false,
      signal: new AbortController().signal,
      onProgress: () => {},
    },
  ).catch((error: unknown) => {
    if (!doomed.died()) throw error
    return undefined
  })
  await test.db.query(`update runs set process_started = 'dead' where state = 'running'`)
  return outcome === undefined || doomed.died()
}

function expectImplied(view: Awaited<ReturnType<typeof registryView>>, world: SyncWorld): void {
  const implied = impliedView(world.tenant)
  expect(Object.fromEntries(Object.entries(view.users).filter(([, user]) => user.active))).toEqual(implied.activeUsers)
  expect(view.groups).toEqual(implied.groups)
  expect(view.memberships).toEqual(implied.memberships)
}

describe('a run that dies', () => {
  it('E1: at any statement of a first load is resumed and ends as the tenant implies', async () => {
    const seen: number[] = []
    for (let diesAt = 2; ; diesAt += seen.length < 15 ? 4 : 14) {
      await reset()
      const world = await aSyncWorld(test.db, { users: 30, groups: 5, memberships: 60 })
      const died = await dyingRun(world, diesAt, 'auto')
      const after = await registryView(test.db)
      if (Object.keys(after.users).length > 0) expectImplied(after, world)
      const next = await world.sync()
      await world.stop()

      expect(next.error, `after dying at statement ${diesAt}`).toBeNull()
      expect(['applied', 'no-change']).toContain(next.outcome)
      expectImplied(await registryView(test.db), world)
      seen.push(diesAt)
      if (!died) break
    }
    expect(seen.length).toBeGreaterThan(12)
  }, 300_000)

  it.each(['auto', 'full'] as const)(
    'E1: at any statement of a later run (%s) leaves the registry as before or as after',
    async (mode) => {
      const seen: number[] = []
      for (let diesAt = 2; ; diesAt += mode === 'full' ? 24 : 15) {
        await reset()
        const world = await aSyncWorld(test.db, {
          users: 20,
          groups: 4,
          memberships: 40,
          settings: { safeguard: 'off' },
        })
        await world.sync()
        const before = await registryView(test.db)
        change(world)
        const died = await dyingRun(world, diesAt, mode)
        const after = await registryView(test.db)
        if (JSON.stringify(after) !== JSON.stringify(before)) expectImplied(after, world)
        const next = await world.sync()
        await world.stop()

        expect(next.error, `after dying at statement ${diesAt}`).toBeNull()
        expectImplied(await registryView(test.db), world)
        seen.push(diesAt)
        if (!died) break
      }
      expect(seen.length).toBeGreaterThan(5)
    },
    300_000,
  )
})

function change(world: SyncWorld): void {
  const { tenant } = world
  const users = [...tenant.live('user')].filter((u) => u.properties['accountEnabled'] !== false)
  const hired = hire(tenant, { userPrincipalName: 'hired@contoso.com', displayName: 'Hired' })
  rename(tenant, users[0]!.id, 'renamed@contoso.com')
  remove(tenant, users[1]!.id)
  const groups = [...tenant.live('group')]
  addMember(tenant, groups[0]!.id, hired.id)
  for (const group of groups) {
    const member = group.members.map((no) => tenant.at(no)).find((m) => m.kind === 'user' && m.presence === 'live')
    if (member !== undefined) {
      removeMember(tenant, group.id, member.id)
      break
    }
  }
}

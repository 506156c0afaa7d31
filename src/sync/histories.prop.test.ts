// Random histories of a tenant: whatever happens there, and however Graph tells it, delta runs, full runs and a fresh start
// end with the registry that the tenant implies. A failing seed is printed and replays alone through SEED=….
import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { emptyRegistry } from '../../test/support/planned.ts'
import { aSyncWorld, impliedView, registryView, type Settings, type SyncWorld } from '../../test/support/world.ts'
import { addMember, createGroup, removeMember, renameGroup } from '../emulator/memberships.ts'
import { disable, enable, hire, purge, remove, rename, restore, update } from '../emulator/operations.ts'
import type { DirectoryObject } from '../emulator/object.ts'
import type { Tenant } from '../emulator/tenant.ts'

const NAMES = ['ann', "o'brien", 'zoë', 'x.y', 'a-b_c', 'BIG'] as const
const DOMAIN = 'contoso.com'

const ops = fc.array(
  fc.record({
    what: fc.oneof(
      {
        weight: 8,
        arbitrary: fc.constantFrom(
          'hire',
          'rename',
          'update',
          'clear',
          'disable',
          'enable',
          'remove',
          'purge',
          'restore',
        ),
      },
      {
        weight: 10,
        arbitrary: fc.constantFrom('group', 'regroup', 'ungroup', 'join', 'join', 'join', 'leave', 'nest', 'unnest'),
      },
      { weight: 5, arbitrary: fc.constantFrom('sync', 'sync', 'sync', 'full', 'preview', 'fresh-settings') },
    ),
    a: fc.nat(1000),
    b: fc.nat(1000),
  }),
  { minLength: 10, maxLength: 50 },
)

type Op = typeof ops extends fc.Arbitrary<readonly (infer T)[]> ? T : never

const behaviours = fc.record({
  emptyDeltaPages: fc.constantFrom(0, 0.5),
  replayChanges: fc.constantFrom(0, 5),
  objectRepeatedInPage: fc.constantFrom(0, 1),
  interleaveGroups: fc.boolean(),
  managerRepeat: fc.boolean(),
  duplicateObjectsInList: fc.constantFrom(0, 1),
  addAndRemoveOrder: fc.constantFrom('net', 'both'),
  hardDeleteGroupEvent: fc.boolean(),
  securityGroupsSoftDeleted: fc.boolean(),
  deltaPageSize: fc.constantFrom(1, 3, 200),
  deltaMembersPerPage: fc.constantFrom(1, 2, 500),
  pageSize: fc.constantFrom(1, 100),
  batchOrder: fc.constantFrom('asked', 'reversed', 'shuffled'),
})

const settings: fc.Arbitrary<Settings> = fc.record({
  safeguard: fc.constant('off' as const),
  groups: fc.record({ membership: fc.constantFrom('direct' as const) }),
})

let test: TestDatabase
beforeAll(async () => {
  test = await createTestDatabase()
})
afterAll(async () => {
  await test.drop()
})

describe('S9, S16: whatever happens in the tenant', () => {
  it('delta runs and full runs end with the registry that it implies', async () => {
    await fc.assert(
      fc.asyncProperty(ops, behaviours, settings, fc.nat(1_000_000), async (history, behaviour, chosen, seed) => {
        await reset()
        const world = await aSyncWorld(test.db, { settings: chosen, seed })
        try {
          Object.assign(world.tenant.behaviour, behaviour)
          for (const op of history) await act(world, op)
          await settle(world)
          const after = await registryView(test.db)
          expectImplied(after, world.tenant)

          expect(await mirrorPairs()).toEqual(edgesOf(world.tenant))

          const full = await world.sync({ mode: 'full' })

          expect(full.error).toBeNull()
          const items = await test.db.query(
            `select object, action, reason, old, new from plan_items where run_id = $1 and action <> 'skip'`,
            [Number(full.run)],
          )
          expect({ items: items.rows, issues: full.issues }).toEqual({ items: [], issues: [] })
          expect(await registryView(test.db)).toEqual(after)
        } finally {
          await world.stop()
        }
      }),
      {
        numRuns: Number(process.env['RUNS'] ?? 12),
        ...(process.env['SEED'] === undefined ? {} : { seed: Number(process.env['SEED']) }),
        endOnFailure: true,
      },
    )
  }, 600_000)
})

/** Direct user members in the mirror, those of deleted users kept aside. */
async function mirrorPairs(): Promise<string[]> {
  const found = await test.db.query<{ pair: string }>(
    `select g.object_id || ' ' || u.object_id as pair from mirror_members m join mirror_objects g on g.key = m.group_key and g.state = 'l'
       join mirror_objects u on u.key = m.member_key and u.state = 'l' order by 1`,
  )
  return found.rows.map((row) => row.pair)
}

function edgesOf(tenant: Tenant): string[] {
  const edges: string[] = []
  for (const group of tenant.live('group')) {
    for (const member of membersOf(tenant, group)) if (member.kind === 'user') edges.push(`${group.id} ${member.id}`)
  }
  return edges.sort()
}

async function reset(): Promise<void> {
  await emptyRegistry(test.db)
}

async function settle(world: SyncWorld): Promise<void> {
  const document = await world.sync()
  expect(document.error).toBeNull()
  expect(['applied', 'no-change', 'held']).toContain(document.outcome)
  if (document.outcome === 'held') throw new Error(`held: ${JSON.stringify(document.held)}`)
}

function expectImplied(view: Awaited<ReturnType<typeof registryView>>, tenant: Tenant): void {
  const implied = impliedView(tenant)
  expect(Object.fromEntries(Object.entries(view.users).filter(([, user]) => user.active))).toEqual(implied.activeUsers)
  expect(view.groups).toEqual(implied.groups)
  expect(view.memberships).toEqual(implied.memberships)
}

async function act(world: SyncWorld, op: Op): Promise<void> {
  const { tenant } = world
  const users = [...tenant.live('user')]
  const groups = [...tenant.live('group')]
  const deleted = (kind: 'user' | 'group') =>
    [...tenant.recycleBin].map((no) => tenant.at(no)).filter((o) => o.presence === 'deleted' && o.kind === kind)
  const pick = <T>(list: readonly T[], n: number): T | undefined =>
    list.length === 0 ? undefined : list[n % list.length]
  const user = pick(users, op.a)
  const group = pick(groups, op.a)
  switch (op.what) {
    case 'hire':
      attempt(() =>
        hire(tenant, {
          userPrincipalName: upn(op),
          displayName: `Person ${op.a}`,
          department: op.b % 3 === 0 ? null : `D${op.b % 4}`,
        }),
      )
      return
    case 'rename':
      if (user !== undefined) attempt(() => rename(tenant, user.id, upn(op)))
      return
    case 'update':
      if (user !== undefined) update(tenant, user.id, { department: `D${op.b}`, mail: `${op.b}@${DOMAIN}` })
      return
    case 'clear':
      if (user !== undefined) update(tenant, user.id, { department: null, mail: null })
      return
    case 'disable':
      if (user !== undefined) disable(tenant, user.id)
      return
    case 'enable':
      if (user !== undefined) enable(tenant, user.id)
      return
    case 'remove':
      // The last one stays: a tenant without people is held, which is another test.
      if (user !== undefined && users.length > 1) remove(tenant, user.id)
      return
    case 'purge': {
      const gone = pick(deleted('user'), op.a)
      if (gone !== undefined) purge(tenant, gone.id)
      return
    }
    case 'restore': {
      const back = pick([...deleted('user'), ...deleted('group')], op.a)
      if (back !== undefined) attempt(() => restore(tenant, back.id))
      return
    }
    case 'group':
      createGroup(tenant, { displayName: `G${op.b % 5}` })
      return
    case 'regroup':
      if (group !== undefined) renameGroup(tenant, group.id, `R${op.b % 5}`)
      return
    case 'ungroup':
      if (group !== undefined) remove(tenant, group.id)
      return
    case 'join':
    case 'nest': {
      const member = op.what === 'join' ? pick(users, op.b) : pick(groups, op.b)
      if (group !== undefined && member !== undefined && member.id !== group.id)
        attempt(() => addMember(tenant, group.id, member.id))
      return
    }
    case 'leave':
    case 'unnest': {
      const members =
        group === undefined
          ? []
          : membersOf(tenant, group).filter((m) => m.kind === (op.what === 'leave' ? 'user' : 'group'))
      const member = pick(members, op.b)
      if (group !== undefined && member !== undefined) removeMember(tenant, group.id, member.id)
      return
    }
    case 'sync':
      return settle(world)
    case 'full': {
      const document = await world.sync({ mode: 'full' })
      expect(document.error).toBeNull()
      return
    }
    case 'preview': {
      const document = await world.sync({ kind: 'plan' })
      expect(document.error).toBeNull()
      return
    }
    case 'fresh-settings':
      await test.db.query('update sources set marked_all = true, marked_all_at = fence')
      return
  }
}

function membersOf(tenant: Tenant, group: DirectoryObject): DirectoryObject[] {
  return group.members.map((no) => tenant.at(no)).filter((m) => m.presence === 'live')
}

function upn(op: Op): string {
  return `${NAMES[op.b % NAMES.length]}${op.a % 7}@${DOMAIN}`
}

/** What the tenant itself refuses (a name that is taken, a member that exists) did not happen. */
function attempt(work: () => unknown): void {
  try {
    work()
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error)) throw error
  }
}

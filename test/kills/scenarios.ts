// Tenants and what happens in them: the states from which a run is killed. Small, and with something of everything.
import { generateTenant } from '../../src/emulator/generator.ts'
import { addMember, createGroup, removeMember, renameGroup } from '../../src/emulator/memberships.ts'
import {
  disable,
  hire,
  purge,
  remove,
  rename,
  resetDelta,
  restore,
  setManager,
  update,
} from '../../src/emulator/operations.ts'
import type { Emulator } from '../../src/emulator/server.ts'
import type { Tenant } from '../../src/emulator/tenant.ts'
import type { Settings } from '../support/world.ts'
import type { Work } from './engine.ts'

/** What a scenario does before its run. */
export interface Stage {
  readonly tenant: Tenant
  readonly emulator: Emulator
  readonly work: (work: Work) => Promise<void>
  readonly configure: (settings: Settings) => Promise<void>
}

export interface Scenario {
  readonly name: string
  readonly settings: Settings
  readonly seed: number
  /** Of the generated part of the tenant; 24 when not given. */
  readonly users?: number
  /** Leads to the state in which the run begins. */
  prepare(stage: Stage): Promise<void>
  /** The run that is killed. */
  readonly work: Work
  /** How it ends when nobody kills it. */
  readonly ends: 'applied' | 'held' | 'planned'
}

const RICH = {
  safeguard: 'off',
  users: {
    properties: {
      cards: 'onPremisesExtensionAttributes.extensionAttribute5',
      aliases: 'onPremisesSamAccountName',
      personalNumber: 'employeeId',
      manager: 'manager',
    },
  },
  groups: { membership: 'transitive' },
} satisfies Settings

const SYNC = { kind: 'sync', mode: 'auto' } as const
const FULL = { kind: 'sync', mode: 'full' } as const

export const SCENARIOS: readonly Scenario[] = [
  { name: 'first load', settings: RICH, seed: 11, prepare: () => Promise.resolve(), work: SYNC, ends: 'applied' },
  {
    name: 'first load in small pages',
    settings: { ...RICH, groups: { membership: 'direct' } },
    seed: 12,
    users: 230,
    prepare: async ({ emulator, tenant }) => {
      emulator.faults.add({ kind: 'page-size-refused', max: 100, path: /^\/users\?/, tenantId: tenant.id })
    },
    work: SYNC,
    ends: 'applied',
  },
  {
    name: 'changes',
    settings: RICH,
    seed: 13,
    prepare: async ({ tenant, work }) => {
      await work(SYNC)
      remove(tenant, tenant.findByUpn('ivo@contoso.com')!.id)
      await work(SYNC)
      aWeek(tenant)
    },
    work: SYNC,
    ends: 'applied',
  },
  {
    name: 'changes in small pages',
    settings: { ...RICH, groups: { membership: 'direct' } },
    seed: 14,
    prepare: async ({ tenant, work }) => {
      await work(SYNC)
      Object.assign(tenant.behaviour, {
        deltaPageSize: 3,
        deltaMembersPerPage: 4,
        interleaveGroups: true,
        managerRepeat: true,
        replayChanges: 4,
      })
      aWeek(tenant)
    },
    work: SYNC,
    ends: 'applied',
  },
  {
    name: 'full compare',
    settings: RICH,
    seed: 15,
    prepare: async ({ tenant, work }) => {
      await work(SYNC)
      remove(tenant, tenant.findByUpn('ivo@contoso.com')!.id)
      await work(SYNC)
      aWeek(tenant)
    },
    work: FULL,
    ends: 'applied',
  },
  {
    name: 'delta state lost',
    settings: RICH,
    seed: 16,
    prepare: async ({ tenant, work }) => {
      await work(SYNC)
      aWeek(tenant)
      resetDelta(tenant, '410')
    },
    work: SYNC,
    ends: 'applied',
  },
  {
    name: 'new settings',
    settings: RICH,
    seed: 17,
    prepare: async ({ tenant, work, configure }) => {
      await work(SYNC)
      const [group, other] = [...tenant.live('group')].filter((g) => g.members.length > 0)
      await configure({
        ...RICH,
        users: {
          import: { groups: [group!.id, other!.id] },
          properties: { cards: 'onPremisesExtensionAttributes.extensionAttribute5', department: 'companyName' },
        },
        groups: { membership: 'direct', ignore: [[...tenant.live('group')].at(-1)!.id] },
      })
      aWeek(tenant)
    },
    work: SYNC,
    ends: 'applied',
  },
  {
    name: 'approval',
    settings: { ...RICH, safeguard: { removals: { percent: 0, count: 0 } } },
    seed: 18,
    prepare: async ({ tenant, work }) => {
      await work(SYNC)
      aWeek(tenant)
      await work(SYNC)
    },
    work: { kind: 'approve' },
    ends: 'applied',
  },
  {
    name: 'held',
    settings: { ...RICH, safeguard: { removals: { percent: 0, count: 0 } } },
    seed: 19,
    prepare: async ({ tenant, work }) => {
      await work(SYNC)
      aWeek(tenant)
    },
    work: SYNC,
    ends: 'held',
  },
  {
    name: 'preview',
    settings: RICH,
    seed: 20,
    prepare: async ({ tenant, work }) => {
      await work(SYNC)
      aWeek(tenant)
    },
    work: { kind: 'plan', mode: 'auto' },
    ends: 'planned',
  },
]

/** People who are there in every scenario, whatever the dice of the generator give. */
export function makeTenant(scenario: Scenario, emulator: Emulator): Tenant {
  const users = scenario.users ?? 24
  const tenant = generateTenant({ users, groups: 7, memberships: 60, seed: scenario.seed, clock: emulator.clock })
  const all = createGroup(tenant, { displayName: 'Everybody' })
  const inner = createGroup(tenant, { displayName: 'Inner' })
  addMember(tenant, all.id, inner.id)
  addMember(tenant, inner.id, all.id)
  for (const [index, name] of ['ann', 'bea', 'cid', 'dan', 'eve', 'flo', 'gus', 'hal', 'ivo'].entries()) {
    const person = hire(tenant, {
      userPrincipalName: `${name}@contoso.com`,
      displayName: name,
      employeeId: `K${index}`,
      onPremisesExtensionAttributes: { extensionAttribute5: `04:AA:${index}0:11` },
    })
    addMember(tenant, index % 2 === 0 ? all.id : inner.id, person.id)
  }
  const [gone] = [...tenant.live('user')]
  remove(tenant, gone!.id)
  return tenant
}

/** Hires, leavers, a swap of names, a name used again, cards that move, groups that come, go, move and are renamed, somebody who is back. */
function aWeek(tenant: Tenant): void {
  const named = (name: string) => tenant.findByUpn(`${name}@contoso.com`)!
  const [ann, bea, cid, dan] = [named('ann'), named('bea'), named('cid'), named('dan')]
  const [eve, flo, gus, hal] = [named('eve'), named('flo'), named('gus'), named('hal')]
  const groups = [...tenant.live('group')]
  const group = (name: string) => groups.find((g) => g.properties['displayName'] === name)!
  rename(tenant, ann.id, 'swap@contoso.com')
  rename(tenant, bea.id, 'ann@contoso.com')
  rename(tenant, ann.id, 'bea@contoso.com')
  remove(tenant, cid.id)
  hire(tenant, { userPrincipalName: 'cid@contoso.com', displayName: 'another cid', employeeId: 'K2' })
  update(tenant, dan.id, { onPremisesExtensionAttributes: { extensionAttribute5: null }, department: null })
  update(tenant, eve.id, {
    onPremisesExtensionAttributes: { extensionAttribute5: '04:AA:30:11' },
    mail: 'eve@contoso.com',
  })
  disable(tenant, flo.id)
  remove(tenant, gus.id)
  purge(tenant, gus.id)
  setManager(tenant, hal.id, ann.id)
  // Cid's name has been taken by then, and Gus is gone for good.
  for (const object of [...tenant.recycleBin].map((no) => tenant.at(no))) {
    if (object.presence === 'deleted' && object.id !== cid.id) restore(tenant, object.id)
  }
  const fresh = createGroup(tenant, { displayName: 'Fresh' })
  addMember(tenant, fresh.id, hal.id)
  for (let index = 0; index < 4; index += 1) {
    const person = hire(tenant, { userPrincipalName: `new${index}@contoso.com`, displayName: `New ${index}` })
    addMember(tenant, (index < 2 ? fresh : group('Inner')).id, person.id)
  }
  addMember(tenant, group('Everybody').id, fresh.id)
  removeMember(tenant, group('Inner').id, bea.id)
  renameGroup(tenant, group('Inner').id, 'Innermost')
  const other = groups.find((g) => !['Everybody', 'Inner'].includes(String(g.properties['displayName'])))
  remove(tenant, other!.id)
}

// Carries out what happens in a tenant. What Entra refuses (a name that is taken, a member twice) does not happen.
import { ConflictError, NotFoundError } from '../../src/base/errors.ts'
import { addMember, createGroup, removeMember, renameGroup } from '../../src/emulator/memberships.ts'
import type { DirectoryObject } from '../../src/emulator/object.ts'
import { disable, enable, hire, purge, remove, rename, restore, update } from '../../src/emulator/operations.ts'
import type { Tenant } from '../../src/emulator/tenant.ts'
import { GROUP_IDS, NAMES, type TenantStep } from './steps.ts'

const GROUP_TYPES = [
  {},
  {},
  { groupTypes: ['Unified'], mailEnabled: true, securityEnabled: false },
  { mailEnabled: true, securityEnabled: false },
  { mailEnabled: true, securityEnabled: true },
]
/** Small tenants: more people would make more pages, not more cases. */
const MOST_PEOPLE = 12
const MOST_GROUPS = GROUP_IDS.length

/** @param now what people hired by this step are created at: the engine's time, with which it compares it */
export function play(tenant: Tenant, { step, now }: { readonly step: TenantStep; readonly now: Date }): void {
  try {
    act(tenant, { step, createdDateTime: `${now.toISOString().slice(0, 19)}Z` })
  } catch (error) {
    if (!(error instanceof ConflictError || error instanceof NotFoundError)) throw error
  }
}

function act(
  tenant: Tenant,
  { step, createdDateTime }: { readonly step: TenantStep; readonly createdDateTime: string },
): void {
  const people = present(tenant, 'user')
  const groups = present(tenant, 'group')
  const upn = (n: number) => `${NAMES[n % NAMES.length]}@contoso.com`
  const person = 'who' in step ? people[step.who % people.length] : undefined
  const group = 'group' in step ? groups[step.group % groups.length] : undefined
  switch (step.kind) {
    case 'hire':
      if (people.length < MOST_PEOPLE)
        hire(tenant, { userPrincipalName: upn(step.name), createdDateTime, ...step.attributes })
      return
    case 'group': {
      const numbers = tenant.numbers('group')
      if (numbers.length >= MOST_GROUPS) return
      // Settings name groups of the first tenant; an id is never given twice.
      const id = tenant.displayName === 'Contoso' ? GROUP_IDS[numbers.length] : undefined
      const type = GROUP_TYPES[step.type % GROUP_TYPES.length]
      createGroup(tenant, { id, displayName: NAMES[step.name % NAMES.length], ...type })
      return
    }
    case 'nest':
    case 'unnest': {
      const below = groups[step.below % groups.length]
      if (group === undefined || below === undefined || group === below) return
      if (step.kind === 'nest') addMember(tenant, group.id, below.id)
      else removeMember(tenant, group.id, below.id)
      return
    }
    case 'join':
    case 'leave':
      if (group === undefined || person?.presence !== 'live') return
      if (step.kind === 'join') addMember(tenant, group.id, person.id)
      else removeMember(tenant, group.id, person.id)
      return
    case 'renameGroup':
    case 'removeGroup':
    case 'restoreGroup':
    case 'recreateGroup':
      if (group !== undefined) actOnGroup(tenant, group, step)
      return
    case 'swap': {
      const other = people[step.other % people.length]
      if (person?.presence !== 'live' || other?.presence !== 'live' || person === other) return
      const [left, right] = [
        String(person.properties['userPrincipalName']),
        String(other.properties['userPrincipalName']),
      ]
      rename(tenant, person.id, 'between@contoso.com')
      rename(tenant, other.id, left)
      rename(tenant, person.id, right)
      return
    }
    case 'rename':
    case 'reuse':
    case 'update':
    case 'disable':
    case 'enable':
    case 'remove':
    case 'purge':
    case 'restore':
    case 'restoreAs':
      if (person !== undefined) actOnPerson(tenant, person, { step, createdDateTime })
  }
}

type OnPerson = Extract<
  TenantStep,
  { kind: 'rename' | 'reuse' | 'update' | 'disable' | 'enable' | 'remove' | 'purge' | 'restore' | 'restoreAs' }
>

function actOnPerson(
  tenant: Tenant,
  person: DirectoryObject,
  { step, createdDateTime }: { readonly step: OnPerson; readonly createdDateTime: string },
): void {
  const { id } = person
  switch (step.kind) {
    case 'rename':
      rename(tenant, id, `${NAMES[step.name % NAMES.length]}@contoso.com`)
      return
    case 'reuse': {
      if (person.presence !== 'live') return
      const userPrincipalName = person.properties['userPrincipalName']
      remove(tenant, id)
      hire(tenant, { userPrincipalName, createdDateTime })
      return
    }
    case 'update':
      update(tenant, id, step.attributes)
      return
    case 'disable':
      disable(tenant, id)
      return
    case 'enable':
      enable(tenant, id)
      return
    case 'remove':
      remove(tenant, id)
      return
    case 'purge':
      purge(tenant, id)
      return
    case 'restore':
      restore(tenant, id)
      return
    case 'restoreAs':
      restore(tenant, id, { newUserPrincipalName: `${NAMES[step.name % NAMES.length]}@contoso.com` })
  }
}

function actOnGroup(
  tenant: Tenant,
  group: DirectoryObject,
  step: Extract<TenantStep, { kind: 'renameGroup' | 'removeGroup' | 'restoreGroup' | 'recreateGroup' }>,
): void {
  switch (step.kind) {
    case 'renameGroup':
      renameGroup(tenant, group.id, NAMES[step.name % NAMES.length]!)
      return
    case 'removeGroup':
      remove(tenant, group.id)
      return
    case 'restoreGroup':
      restore(tenant, group.id)
      return
    case 'recreateGroup':
      remove(tenant, group.id)
      createGroup(tenant, { displayName: group.properties['displayName'] })
  }
}

function present(tenant: Tenant, kind: 'user' | 'group'): DirectoryObject[] {
  return tenant
    .numbers(kind)
    .map((no) => tenant.at(no))
    .filter((object) => object.presence !== 'gone')
}

// The emulator of the benchmark, in a process of its own: a generated tenant that can be slowed down and changed.
// Arguments: users groups memberships. Throttling is off, so that seconds are the client's; units are counted all the same.
import { addMember, removeMember } from '../src/emulator/memberships.ts'
import { generateTenant } from '../src/emulator/generator.ts'
import { hire, remove, rename, update } from '../src/emulator/operations.ts'
import { Emulator, type HostedTenant } from '../src/emulator/server.ts'
import type { DirectoryObject } from '../src/emulator/object.ts'
import { serve } from './worker.ts'

/** Where the tenant is and how to get in. */
export interface Access {
  readonly url: string
  readonly tenantId: string
  readonly clientId: string
  readonly clientSecret: string
}

/** What was asked of it since the last `reset`. */
export interface Traffic {
  /** HTTP requests to Graph, a batch counted once. */
  readonly requests: number
  readonly resourceUnits: number
  readonly throttled: number
}

export type TenantRequest =
  | { readonly kind: 'latency'; readonly ms: number }
  | { readonly kind: 'reset' }
  | { readonly kind: 'traffic' }
  /** Makes that many changes: renames, departments, hires, memberships, and leavers where nobody asks for people that must stay. */
  | { readonly kind: 'change'; readonly count: number; readonly nobodyLeaves?: boolean }

const [users = 1000, groups = 100, memberships = 6000] = process.argv.slice(2).map(Number)
const emulator = new Emulator({ throttling: { enabled: false }, seed: 7 })
const hosted = emulator.host(generateTenant({ users, groups, memberships, seed: 7, clock: emulator.clock }))
const { graphUrl } = await emulator.listen()
let changes = 0

serve<TenantRequest>({
  ready: {
    url: graphUrl,
    tenantId: hosted.tenantId,
    clientId: hosted.clientId,
    clientSecret: hosted.clientSecret,
  } satisfies Access,
  handle: (request) => Promise.resolve(handle(request)),
  close: () => emulator.stop(),
})

function handle(request: TenantRequest): Traffic | undefined {
  switch (request.kind) {
    case 'latency':
      emulator.latencyMs = request.ms
      return undefined
    case 'reset':
      emulator.clearRequests()
      return undefined
    case 'traffic':
      return traffic()
    case 'change':
      for (let i = 0; i < request.count; i++) change(hosted, changes++, request.nobodyLeaves)
      return undefined
  }
}

function traffic(): Traffic {
  let requests = 0
  let resourceUnits = 0
  let throttled = 0
  for (const request of emulator.requests) {
    if (request.service !== 'graph') continue
    if (request.batch === undefined) requests++
    if (request.status === 429) throttled++
    resourceUnits += request.resourceUnits
  }
  return { requests, resourceUnits, throttled }
}

/** Every fifth change is of the same kind; people are spread over the tenant. */
function change({ tenant }: HostedTenant, n: number, nobodyLeaves = false): void {
  const people = [...tenant.live('user')]
  // Dynamic groups have no members by hand.
  const teams = [...tenant.live('group')].filter((group) => isAssigned(group.properties['groupTypes']))
  const person = pick(people, n)
  switch (n % 5) {
    case 0:
      rename(tenant, person.id, `renamed.${n}@contoso.com`)
      return
    case 1:
      update(tenant, person.id, { department: `Department ${n}` })
      return
    case 2: {
      const hired = hire(tenant, { userPrincipalName: `hired.${n}@contoso.com`, displayName: `Hired ${n}` })
      addMember(tenant, pick(teams, n).id, hired.id)
      return
    }
    case 3:
      if (nobodyLeaves) update(tenant, person.id, { jobTitle: `Job ${n}` })
      else remove(tenant, person.id)
      return
    default: {
      const team = pick(teams, n)
      const member = team.members.map((no) => tenant.at(no)).find((o) => o.kind === 'user' && o.presence === 'live')
      if (member === undefined) addMember(tenant, team.id, person.id)
      else removeMember(tenant, team.id, member.id)
    }
  }
}

function pick(objects: readonly DirectoryObject[], n: number): DirectoryObject {
  const found = objects[(n * 7919) % objects.length]
  if (found === undefined) throw new Error('the tenant is empty')
  return found
}

function isAssigned(groupTypes: unknown): boolean {
  return Array.isArray(groupTypes) && groupTypes.length === 0
}

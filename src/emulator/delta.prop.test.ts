// The deltas against a client that follows the rules of graph.md 12 and nothing else: whatever happens in the tenant,
// between rounds and between pages, its copy ends equal to the directory.
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type GraphCalls, type GraphObject, graphCalls, objectsOf } from '../../test/support/graphcalls.ts'
import type { Behaviour } from './behaviour.ts'
import { addMember, createGroup, removeMember, renameGroup } from './memberships.ts'
import { hire, purge, remove, rename, restore, setManager, update } from './operations.ts'
import { hasNumber } from './sorted.ts'
import type { DirectoryObject } from './object.ts'
import type { Tenant } from './tenant.ts'

const USERS = '/users/delta?$select=userPrincipalName,department,manager'
const GROUPS = '/groups/delta?$select=displayName,members'

/** A client's copy: users and groups by id, members by group id. */
interface Copy {
  readonly users: Map<string, Record<string, unknown>>
  readonly hidden: Set<string>
  readonly groups: Map<string, unknown>
  readonly members: Map<string, Set<string>>
}

type Step = readonly [what: number, a: number, b: number]

function act(tenant: Tenant, objects: DirectoryObject[], [what, a, b]: Step): void {
  const pick = (index: number): DirectoryObject => objects[index % objects.length] ?? objects[0]!
  const [one, two] = [pick(a), pick(b)]
  const isUser = one.kind === 'user'
  if (one.presence === 'gone') return
  if (one.presence === 'deleted') {
    if (what % 3 === 0) purge(tenant, one.id)
    else restore(tenant, one.id, isUser ? { newUserPrincipalName: `back${tenant.version}@x` } : {})
    return
  }
  switch (what) {
    case 0:
      objects.push(hire(tenant, { userPrincipalName: `hired${tenant.version}@x` }))
      return
    case 1:
      remove(tenant, one.id)
      return
    case 2:
      purge(tenant, one.id)
      return
    case 3:
      if (isUser) rename(tenant, one.id, `renamed${tenant.version}@x`)
      else renameGroup(tenant, one.id, `Renamed ${tenant.version}`)
      return
    case 4:
      if (isUser) update(tenant, one.id, { department: b % 2 === 0 ? null : `D${b}` })
      return
    case 5:
      if (isUser) setManager(tenant, one.id, two.kind === 'user' && two.presence === 'live' ? two.id : null)
      return
    default:
      if (isUser || two === one) return
      if (hasNumber(one.members, two.no)) removeMember(tenant, one.id, two.id)
      else if (two.presence === 'live') addMember(tenant, one.id, two.id)
  }
}

function applyUser(graph: GraphCalls, copy: Copy, entry: GraphObject): void {
  const { id } = entry
  if (entry['@removed'] !== undefined) {
    copy.hidden.add(id)
    if (JSON.stringify(entry['@removed']).includes('deleted')) {
      copy.users.delete(id)
      for (const members of copy.members.values()) members.delete(id)
    }
    return
  }
  copy.hidden.delete(id)
  // 12.6: who comes back brings memberships that groups/delta never tells, and a deletion with its restore may both
  // lie between two rounds, so that nothing but this entry tells of them
  for (const group of graph.get(`/users/${id}/memberOf?$top=999`).value) membersIn(copy, group.id).add(id)
  const known = copy.users.get(id) ?? {}
  for (const name of ['userPrincipalName', 'department']) if (name in entry) known[name] = entry[name]
  for (const manager of objectsOf(entry['manager@delta'])) {
    known['manager'] = manager['@removed'] === undefined ? manager.id : undefined
  }
  copy.users.set(id, known)
}

function applyGroup(copy: Copy, entry: GraphObject): void {
  if (entry['@removed'] !== undefined) {
    copy.groups.delete(entry.id)
    copy.members.delete(entry.id)
    return
  }
  copy.groups.set(entry.id, entry['displayName'])
  for (const member of objectsOf(entry['members@delta'])) {
    if (member['@removed'] === undefined) membersIn(copy, entry.id).add(member.id)
    else membersIn(copy, entry.id).delete(member.id)
  }
}

function membersIn(copy: Copy, groupId: string): Set<string> {
  const members = copy.members.get(groupId) ?? new Set()
  copy.members.set(groupId, members)
  return members
}

/** What the copy says, in the directory's words. */
function told(copy: Copy, tenant: Tenant): unknown {
  const isShown = (id: string): boolean => (copy.users.has(id) && !copy.hidden.has(id)) || copy.groups.has(id)
  const users = [...copy.users]
    .filter(([id]) => isShown(id))
    .map(([id, user]) => {
      const { userPrincipalName, department, manager } = user
      return [id, { userPrincipalName, department: department ?? null, manager: steadyManager(tenant, manager) }]
    })
  const groups = [...copy.groups].map(([id, displayName]) => {
    return [id, { displayName, members: [...membersIn(copy, id)].filter(isShown).toSorted() }]
  })
  return { users: Object.fromEntries(users) as unknown, groups: Object.fromEntries(groups) as unknown }
}

/** A manager that was ever deleted is not told again when it comes back, so such a one is not compared. */
function steadyManager(tenant: Tenant, id: unknown): unknown {
  const deleted = tenant.log
    .between(0, tenant.log.lastSeq)
    .filter(({ what }) => what === 'deleted' || what === 'purged')
  return id === undefined || deleted.some(({ no }) => tenant.at(no).id === id) ? null : id
}

function truth(tenant: Tenant): unknown {
  const users = [...tenant.live('user')].map((user) => {
    const { userPrincipalName, department } = user.properties
    const manager = user.managerNo < 0 ? undefined : tenant.at(user.managerNo).id
    return [user.id, { userPrincipalName, department: department ?? null, manager: steadyManager(tenant, manager) }]
  })
  const groups = [...tenant.live('group')].map((group) => {
    const members = group.members.map((no) => tenant.at(no)).filter((member) => member.presence === 'live')
    return [group.id, { displayName: group.properties['displayName'], members: members.map(({ id }) => id).toSorted() }]
  })
  return { users: Object.fromEntries(users) as unknown, groups: Object.fromEntries(groups) as unknown }
}

const step: fc.Arbitrary<Step> = fc.tuple(fc.nat(9), fc.nat(30), fc.nat(30))

const faces: fc.Arbitrary<Partial<Behaviour>> = fc.record(
  {
    deltaPageSize: fc.integer({ min: 1, max: 6 }),
    deltaMembersPerPage: fc.integer({ min: 1, max: 6 }),
    emptyDeltaPages: fc.constantFrom(0, 0.3, 1),
    objectRepeatedInPage: fc.constantFrom(0, 0.5),
    replayChanges: fc.nat(8),
    interleaveGroups: fc.boolean(),
    removedInInitialRound: fc.boolean(),
    managerRepeat: fc.boolean(),
    hardDeleteGroupEvent: fc.boolean(),
    securityGroupsSoftDeleted: fc.boolean(),
    addAndRemoveOrder: fc.constantFrom('net' as const, 'both' as const),
    deltaLagSeconds: fc.constantFrom(0, 100),
  },
  { requiredKeys: [] },
)

describe('both deltas (graph.md 12)', () => {
  it('S9: whatever changes between rounds and pages, and whatever the switches, a client that folds them has the directory', () => {
    const bursts = fc.array(fc.array(step, { maxLength: 5 }), { minLength: 1, maxLength: 25 })

    fc.assert(
      fc.property(bursts, faces, (changes, face) => {
        const graph = graphCalls()
        const { tenant, clock } = graph
        Object.assign(tenant.behaviour, face)
        const objects: DirectoryObject[] = []
        for (let i = 0; i < 8; i++) objects.push(hire(tenant, { userPrincipalName: `u${i}@x` }))
        for (let i = 0; i < 5; i++) objects.push(createGroup(tenant, { displayName: `G${i}` }))
        for (let i = 0; i < 30; i++) act(tenant, objects, [9, 8 + (i % 5), i])
        const copy: Copy = { users: new Map(), hidden: new Set(), groups: new Map(), members: new Map() }
        let [users, groups] = [USERS, GROUPS]
        let burst = 0
        const round = (start: string, apply: (entry: GraphObject) => void): string => {
          let link = start
          for (let pages = 0; ; pages++) {
            const page = graph.get(link)
            expect(page.status).toBe(200)
            expect(pages).toBeLessThan(2000)
            for (const entry of page.value) apply(entry)
            for (const one of changes[burst++] ?? []) act(tenant, objects, one)
            clock.advance(60_000)
            if (page.deltaLink !== undefined) return page.deltaLink
            link = page.nextLink ?? ''
          }
        }
        const both = (): void => {
          users = round(users, (entry) => applyUser(graph, copy, entry))
          groups = round(groups, (entry) => applyGroup(copy, entry))
        }

        users = round(users, (entry) => applyUser(graph, copy, entry))
        copy.members.clear()
        groups = round(groups, (entry) => applyGroup(copy, entry))
        for (let rounds = 0; rounds < 2 || burst < changes.length; rounds++) both()
        clock.advance(1000_000)
        both()

        expect(told(copy, tenant)).toEqual(truth(tenant))
      }),
      { numRuns: 100 },
    )
  })
})

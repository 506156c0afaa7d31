import { describe, expect, it } from 'vitest'
import { type GraphCalls, type GraphObject, graphCalls, objectsOf } from '../../test/support/graphcalls.ts'
import { addMember, addMembers, createGroup, removeMember, renameGroup } from './memberships.ts'
import { hire, purge, remove, resetDelta, restore, setManager, update } from './operations.ts'
import type { DirectoryObject } from './object.ts'

const DAY = 24 * 3600 * 1000
const USERS = '/users/delta?$select=displayName,department,manager'
const GROUPS = '/groups/delta?$select=displayName,members'

function person(graph: GraphCalls, name: string, more: Record<string, unknown> = {}): DirectoryObject {
  return hire(graph.tenant, { userPrincipalName: `${name}@contoso.com`, displayName: name, ...more })
}

function people(graph: GraphCalls, count: number): DirectoryObject[] {
  return Array.from({ length: count }, (_, i) => person(graph, `u${i}`))
}

const ids = (objects: readonly GraphObject[]): string[] => objects.map((object) => object.id)

const membersOf = (objects: readonly GraphObject[], id: string): readonly GraphObject[] =>
  objects.filter((object) => object.id === id).flatMap((object) => objectsOf(object['members@delta']))

const userEntry = (id: string): object => ({ '@odata.type': '#microsoft.graph.user', id })

const removedUser = (id: string): object => ({ ...userEntry(id), '@removed': { reason: 'deleted' } })

describe('users/delta (graph.md 12)', () => {
  it('12.1: a round ends in a delta link, an idle round is empty with a new one', () => {
    const graph = graphCalls()
    const all = people(graph, 450)

    const first = graph.round(USERS)
    const idle = graph.get(first.deltaLink)

    expect(first.pages.map((page) => page.value.length)).toEqual([200, 200, 50])
    expect(first.pages.map((page) => [page.nextLink !== undefined, page.deltaLink !== undefined])).toEqual([
      [true, false],
      [true, false],
      [false, true],
    ])
    expect(ids(first.value)).toEqual(all.map((user) => user.id))
    expect(idle).toMatchObject({ status: 200, value: [], nextLink: undefined, units: 1 })
    expect(idle.deltaLink).not.toBe(first.deltaLink)
    expect(idle.body['@odata.context']).toBe('http://graph.test/v1.0/$metadata#users(displayName,department,manager)')
  })

  it('12.2: a property that was never set is absent, one that was cleared is null', () => {
    const graph = graphCalls()
    const [ann, bob] = [person(graph, 'ann', { department: null }), person(graph, 'bob')]
    const { value, deltaLink } = graph.round(USERS)

    expect(value).toEqual([
      { id: ann.id, displayName: 'ann', department: null },
      { id: bob.id, displayName: 'bob' },
    ])
    update(graph.tenant, bob.id, { displayName: null })
    expect(graph.get(deltaLink).value).toEqual([{ id: bob.id, displayName: null }])
  })

  it('12.2: a changed object brings all it has, with return=minimal only what changed', () => {
    const graph = graphCalls()
    const ann = person(graph, 'ann', { department: 'Sales' })
    const { deltaLink } = graph.round(USERS)
    update(graph.tenant, ann.id, { department: null })

    const minimal = graph.get(deltaLink, { headers: { Prefer: 'return=minimal' } })

    expect(graph.get(deltaLink).value).toEqual([{ id: ann.id, displayName: 'ann', department: null }])
    expect(minimal.value).toEqual([{ id: ann.id, department: null }])
    expect(minimal.headers['Preference-Applied']).toBe('return=minimal')
  })

  it('12.2: with return=minimal one changed directory extension brings the others of its type', () => {
    const graph = graphCalls()
    const [card, badge, level] = ['card', 'badge', 'level'].map((name) => `extension_${'a'.repeat(32)}_${name}`)
    const ann = person(graph, 'ann', { [card!]: '1', [badge!]: '2', [level!]: 3 })
    const { deltaLink } = graph.round(`/users/delta?$select=displayName,${card},${badge},${level}`)
    update(graph.tenant, ann.id, { [card!]: '9' })

    expect(graph.get(deltaLink, { headers: { Prefer: 'return=minimal' } }).value).toEqual([
      { id: ann.id, [card!]: '9', [badge!]: '2' },
    ])
  })

  it('12.1: $select limits tracking; without it every property is tracked and a default set returned', () => {
    const graph = graphCalls()
    const ann = person(graph, 'ann')
    const selected = graph.round('/users/delta?$select=displayName').deltaLink
    const all = graph.round('/users/delta').deltaLink
    update(graph.tenant, ann.id, { department: 'Sales' })

    expect(graph.get(selected).value).toEqual([])
    expect(graph.get(all).value).toEqual([{ id: ann.id, displayName: 'ann', userPrincipalName: 'ann@contoso.com' }])
  })

  it('12.1: $top, $orderby, $count, $search and $expand are ignored; other filters than ids are refused', () => {
    const graph = graphCalls()
    const all = people(graph, 4)
    const ignored = graph.get(
      '/users/delta?$select=id&$top=1&$orderby=displayName&$count=true&$search="x"&$expand=manager',
    )
    const filter = encodeURIComponent(`id eq '${all[1]!.id}' or id eq '${all[2]!.id}'`)
    const filtered = graph.round(`/users/delta?$select=displayName&$filter=${filter}`)
    for (const user of all) update(graph.tenant, user.id, { displayName: 'changed' })

    expect(ignored.value.length).toBe(4)
    expect(ids(filtered.value)).toEqual([all[1]!.id, all[2]!.id])
    expect(ids(graph.get(filtered.deltaLink).value)).toEqual([all[1]!.id, all[2]!.id])
    expect(graph.get(`/users/delta?$filter=${encodeURIComponent("displayName eq 'x'")}`)).toMatchObject({
      status: 400,
      code: 'Request_UnsupportedQuery',
    })
    const many = Array.from({ length: 51 }, () => `id eq '${all[0]!.id}'`).join(' or ')
    expect(graph.get(`/users/delta?$filter=${encodeURIComponent(many)}`).status).toBe(400)
  })

  it('12.1: $deltatoken=latest tells nothing and remembers the $select', () => {
    const graph = graphCalls()
    const ann = person(graph, 'ann')
    const latest = graph.get('/users/delta?$deltatoken=latest&$select=displayName')
    update(graph.tenant, ann.id, { displayName: 'anna', department: 'x' })

    expect(latest.value).toEqual([])
    expect(graph.get(latest.deltaLink!).value).toEqual([{ id: ann.id, displayName: 'anna' }])
    expect(graph.get('/users/microsoft.graph.delta()?$select=id').value.length).toBe(1)
  })

  it('12.1: options beside a token are refused, and a token of the other resource too', () => {
    const graph = graphCalls()
    people(graph, 201)
    const first = graph.get('/users/delta?$select=id')
    const { deltaLink } = graph.round('/users/delta?$select=id')

    expect(graph.get(`${first.nextLink}&$select=id`).status).toBe(400)
    expect(graph.get(`${deltaLink}&$select=id`).status).toBe(400)
    expect(graph.get(deltaLink.replace('/users/', '/groups/')).status).toBe(400)
    expect(graph.get('/users/delta?$skiptoken=x')).toMatchObject({ code: 'DirectoryPageTokenNotFoundException' })
    expect(graph.get('/users/delta?$deltatoken=x').status).toBe(400)
  })

  it('12.4: soft deletion is @removed changed, purging @removed deleted, a restored user is told as new', () => {
    const graph = graphCalls()
    const { tenant } = graph
    const [ann, bob] = [person(graph, 'ann', { department: 'Sales' }), person(graph, 'bob')]
    let { deltaLink } = graph.round(USERS)
    const next = (): readonly GraphObject[] => {
      const round = graph.round(deltaLink)
      deltaLink = round.deltaLink
      return round.value
    }

    remove(tenant, ann.id)
    purge(tenant, bob.id)
    expect(next()).toEqual([
      { id: ann.id, '@removed': { reason: 'changed' } },
      { id: bob.id, '@removed': { reason: 'deleted' } },
    ])
    restore(tenant, ann.id)
    expect(next()).toEqual([{ id: ann.id, displayName: 'ann', department: 'Sales' }])
    remove(tenant, ann.id)
    next()
    graph.clock.advance(6 * DAY)
    expect(next()).toEqual([])
    tenant.behaviour.deltaTokenLifeSeconds = 90 * 24 * 3600
    graph.clock.advance(24 * DAY)
    expect(next()).toEqual([{ id: ann.id, '@removed': { reason: 'deleted' } }])
  })

  it('12.2: manager@delta tells a new manager, a replaced one and none', () => {
    const graph = graphCalls()
    const { tenant } = graph
    const [ann, bob, cleo] = [person(graph, 'ann'), person(graph, 'bob'), person(graph, 'cleo')]
    setManager(tenant, ann.id, bob.id)
    const first = graph.round(USERS)
    const managers = (value: readonly GraphObject[]): unknown =>
      value.find((one) => one.id === ann.id)?.['manager@delta']

    expect(managers(first.value)).toEqual([userEntry(bob.id)])
    setManager(tenant, ann.id, cleo.id)
    const second = graph.round(first.deltaLink)
    expect(managers(second.value)).toEqual([removedUser(bob.id), userEntry(cleo.id)])
    update(tenant, ann.id, { displayName: 'anna' })
    const third = graph.round(second.deltaLink)
    expect(third.value).toEqual([{ id: ann.id, displayName: 'anna' }])
    setManager(tenant, ann.id, null)
    expect(graph.get(third.deltaLink).value).toEqual([
      { id: ann.id, displayName: 'anna', 'manager@delta': [removedUser(cleo.id)] },
    ])
    expect(graph.get(graph.round('/users/delta?$select=displayName').deltaLink).value).toEqual([])
  })

  it('19 (n): by the switch a user comes first without, on a later page again with manager@delta', () => {
    const graph = graphCalls()
    graph.tenant.behaviour.managerRepeat = true
    const [ann, bob] = [person(graph, 'ann'), person(graph, 'bob')]
    setManager(graph.tenant, ann.id, bob.id)

    const { pages, deltaLink } = graph.round(USERS)

    expect(pages.map((page) => page.value)).toEqual([
      [
        { id: ann.id, displayName: 'ann' },
        { id: bob.id, displayName: 'bob' },
      ],
      [{ id: ann.id, 'manager@delta': [userEntry(bob.id)] }],
    ])
    setManager(graph.tenant, bob.id, ann.id)
    expect(graph.round(deltaLink).value).toEqual([{ id: bob.id, 'manager@delta': [userEntry(ann.id)] }])
    expect(graph.tenant.behaviour.fired.managerRepeat).toBe(2)
  })
})

describe('groups/delta (graph.md 12)', () => {
  it('12.5: a large group is told again and again in slices of about 500, small ones share a page', () => {
    const graph = graphCalls()
    const everyone = people(graph, 1700)
    const big = createGroup(graph.tenant, { displayName: 'Big' })
    addMembers(graph.tenant, big.id, everyone)
    const small = Array.from({ length: 30 }, (_, i) => createGroup(graph.tenant, { displayName: `S${i}` }))
    for (const group of small) addMembers(graph.tenant, group.id, everyone.slice(0, 10))
    const empty = createGroup(graph.tenant, { displayName: 'Empty' })

    const { value, pages } = graph.round(GROUPS)

    expect(value.filter((group) => group.id === big.id).length).toBe(4)
    expect(value.filter((group) => group.id === big.id).every((group) => group['displayName'] === 'Big')).toBe(true)
    expect(ids(membersOf(value, big.id))).toEqual(everyone.map((user) => user.id))
    for (const page of pages) {
      expect(page.value.flatMap((group) => objectsOf(group['members@delta'])).length).toBeLessThanOrEqual(500)
    }
    // four pages are full of members, the fifth is left for the empty group
    expect(pages.length).toBe(5)
    expect(value.find((group) => group.id === empty.id)).toEqual({ id: empty.id, displayName: 'Empty' })
    for (const group of small) expect(membersOf(value, group.id).length).toBe(10)
  })

  it('12.3: groups without tracked members come 200 a page', () => {
    const graph = graphCalls()
    for (let i = 0; i < 210; i++) createGroup(graph.tenant, { displayName: `G${i}` })

    expect(graph.round('/groups/delta?$select=displayName').pages.map((page) => page.value.length)).toEqual([200, 10])
  })

  it('12.4: changed edges are adds and removals; members that did not change are not told', () => {
    const graph = graphCalls()
    const { tenant } = graph
    const [ann, bob, cleo] = [person(graph, 'ann'), person(graph, 'bob'), person(graph, 'cleo')]
    const group = createGroup(tenant, { displayName: 'G' })
    addMembers(tenant, group.id, [ann, bob])
    const first = graph.round(GROUPS)

    removeMember(tenant, group.id, ann.id)
    addMember(tenant, group.id, cleo.id)
    addMember(tenant, group.id, createGroup(tenant, { displayName: 'Inner' }).id)
    const second = graph.round(first.deltaLink)
    expect(membersOf(second.value, group.id)).toEqual([
      removedUser(ann.id),
      userEntry(cleo.id),
      { '@odata.type': '#microsoft.graph.group', id: expect.any(String) as unknown },
    ])
    renameGroup(tenant, group.id, 'Renamed')
    expect(graph.round(second.deltaLink).value).toEqual([{ id: group.id, displayName: 'Renamed' }])
  })

  it('12.1: without members in $select no edge is told, and edge changes do not surface', () => {
    const graph = graphCalls()
    const group = createGroup(graph.tenant, { displayName: 'G' })
    const { value, deltaLink } = graph.round('/groups/delta?$select=displayName')
    addMember(graph.tenant, group.id, person(graph, 'ann').id)

    expect(value).toEqual([{ id: group.id, displayName: 'G' }])
    expect(graph.get(deltaLink).value).toEqual([])
    const unselected = graph.round('/groups/delta')
    expect(membersOf(unselected.value, group.id).length).toBe(1)
  })

  it('12.6 (v): soft deletion and restore of a user say nothing in groups/delta', () => {
    const graph = graphCalls()
    const { tenant } = graph
    const [ann, group] = [person(graph, 'ann'), createGroup(tenant, { displayName: 'G' })]
    addMember(tenant, group.id, ann.id)
    const { deltaLink } = graph.round(GROUPS)

    remove(tenant, ann.id)
    expect(graph.get(deltaLink).value).toEqual([])
    expect(membersOf(graph.round(GROUPS).value, group.id)).toEqual([])
    restore(tenant, ann.id)
    expect(graph.get(deltaLink).value).toEqual([])
    expect(membersOf(graph.round(GROUPS).value, group.id)).toEqual([userEntry(ann.id)])
  })

  it('12.6 (w): purging a user is told in groups/delta, or not, by the switch', () => {
    for (const isTold of [true, false]) {
      const graph = graphCalls()
      const { tenant } = graph
      tenant.behaviour.hardDeleteGroupEvent = isTold
      const [ann, group] = [person(graph, 'ann'), createGroup(tenant, { displayName: 'G' })]
      addMember(tenant, group.id, ann.id)
      const { deltaLink } = graph.round(GROUPS)

      purge(tenant, ann.id)

      expect(membersOf(graph.get(deltaLink).value, group.id)).toEqual(isTold ? [removedUser(ann.id)] : [])
      expect(tenant.behaviour.fired.hardDeleteGroupEvent).toBe(1)
    }
  })

  it('12.4: a deleted group is @removed and leaves its parents; restored it is told with its members', () => {
    const graph = graphCalls()
    const { tenant } = graph
    const [parent, child] = [createGroup(tenant, { displayName: 'P' }), createGroup(tenant, { displayName: 'C' })]
    const ann = person(graph, 'ann')
    addMember(tenant, parent.id, child.id)
    addMember(tenant, child.id, ann.id)
    const first = graph.round(GROUPS)

    remove(tenant, child.id)
    const second = graph.round(first.deltaLink)
    expect(second.value).toContainEqual({ id: child.id, '@removed': { reason: 'changed' } })
    expect(membersOf(second.value, parent.id)).toEqual([
      { '@odata.type': '#microsoft.graph.group', id: child.id, '@removed': { reason: 'deleted' } },
    ])
    restore(tenant, child.id)
    const third = graph.round(second.deltaLink)
    expect(third.value).toEqual([{ id: child.id, displayName: 'C', 'members@delta': [userEntry(ann.id)] }])
  })

  it('10.4: hidden members are not told without Member.Read.Hidden', () => {
    const graph = graphCalls()
    const { tenant } = graph
    const hidden = createGroup(tenant, { displayName: 'H', groupTypes: ['Unified'], visibility: 'HiddenMembership' })
    addMember(tenant, hidden.id, person(graph, 'ann').id)
    const roles = ['GroupMember.Read.All']

    expect(membersOf(graph.round(GROUPS, { roles }).value, hidden.id)).toEqual([])
    expect(membersOf(graph.round(GROUPS, { roles: [...roles, 'Member.Read.Hidden'] }).value, hidden.id).length).toBe(1)
  })

  it('19 (k): by the switch other groups come between the slices of a large one, and nobody is lost', () => {
    const graph = graphCalls()
    graph.tenant.behaviour.interleaveGroups = true
    const everyone = people(graph, 2500)
    const groups = Array.from({ length: 6 }, (_, i) => createGroup(graph.tenant, { displayName: `G${i}` }))
    groups.forEach((group, i) => addMembers(graph.tenant, group.id, everyone.slice(0, i % 2 === 0 ? 2500 : 3)))

    const { value } = graph.round(GROUPS)

    groups.forEach((group, i) => expect(ids(membersOf(value, group.id)).length).toBe(i % 2 === 0 ? 2500 : 3))
    const places = value.flatMap((object, place) => (object.id === groups[0]!.id ? [place] : []))
    expect(places.some((place, i) => i > 0 && place - (places[i - 1] ?? 0) > 1)).toBe(true)
    expect(graph.tenant.behaviour.fired.interleaveGroups).toBeGreaterThan(0)
  })

  it('19 (m): a changed edge is told once, as both with the truth last, or as removed last', () => {
    const graph = graphCalls()
    const { tenant } = graph
    const [ann, bob] = [person(graph, 'ann'), person(graph, 'bob')]
    const group = createGroup(tenant, { displayName: 'G' })
    addMember(tenant, group.id, bob.id)
    const { deltaLink } = graph.round(GROUPS)
    addMember(tenant, group.id, ann.id)
    removeMember(tenant, group.id, bob.id)
    const told = (order: 'net' | 'both' | 'removedLast'): unknown => {
      tenant.behaviour.addAndRemoveOrder = order
      return membersOf(graph.get(deltaLink).value, group.id)
    }

    expect(told('net')).toEqual([userEntry(ann.id), removedUser(bob.id)])
    expect(told('both')).toEqual([removedUser(ann.id), userEntry(ann.id), userEntry(bob.id), removedUser(bob.id)])
    expect(told('removedLast')).toEqual([userEntry(ann.id), removedUser(ann.id), removedUser(bob.id)])
    expect(membersOf(graph.round(GROUPS).value, group.id)).toEqual([userEntry(ann.id), removedUser(ann.id)])
  })
})

describe('switches and ends of both deltas (graph.md 12.4, 12.8, 19)', () => {
  it('12.8: a token lives 7 days from its page, then 400 syncStateNotFound or 410 by the switch', () => {
    const graph = graphCalls()
    person(graph, 'ann')
    const { deltaLink } = graph.round(USERS)

    graph.clock.advance(7 * DAY)
    const renewed = graph.get(deltaLink).deltaLink!
    graph.clock.advance(1000)
    expect(graph.get(deltaLink)).toMatchObject({ status: 400, code: 'syncStateNotFound' })
    graph.tenant.behaviour.expiredDelta = '410'
    const gone = graph.get(deltaLink)
    expect(gone).toMatchObject({ status: 410, code: 'resyncRequired' })
    expect(gone.headers['Location']).toBe('http://graph.test/v1.0/users/delta?$deltatoken=')
    expect(graph.get(gone.headers['Location']!).value.length).toBe(1)
    expect(graph.get(renewed).status).toBe(200)
    expect(graph.tenant.behaviour.fired.deltaTokenLifeSeconds).toBe(2)
  })

  it('12.8 (o, p): a reset refuses every token given out before, of both resources and inside a round', () => {
    const graph = graphCalls()
    people(graph, 201)
    const users = graph.round(USERS).deltaLink
    const groups = graph.round(GROUPS).deltaLink
    const page = graph.get(USERS).nextLink!

    resetDelta(graph.tenant, '410')
    for (const link of [users, groups, page])
      expect(graph.get(link)).toMatchObject({ status: 410, code: 'resyncRequired' })
    const fresh = graph.round(USERS).deltaLink
    expect(graph.get(fresh).status).toBe(200)
    graph.tenant.behaviour.resetDelta = '400'
    expect(graph.get(fresh)).toMatchObject({ status: 400, code: 'syncStateNotFound' })
    expect(graph.tenant.behaviour.resetDelta).toBe('none')
    expect(graph.get(graph.round(USERS).deltaLink).status).toBe(200)
  })

  it('12.7 (r): a change shows after the lag, as it was then, and is not lost', () => {
    const graph = graphCalls()
    const { tenant, clock } = graph
    const ann = person(graph, 'ann')
    const first = graph.round(USERS)
    tenant.behaviour.deltaLagSeconds = 900
    clock.advance(1000)
    update(tenant, ann.id, { displayName: 'one' })
    clock.advance(600_000)
    update(tenant, ann.id, { displayName: 'two' })

    expect(graph.get(first.deltaLink).value).toEqual([])
    clock.advance(300_000)
    const second = graph.round(first.deltaLink)
    expect(second.value).toEqual([{ id: ann.id, displayName: 'one' }])
    clock.advance(600_000)
    expect(graph.round(second.deltaLink).value).toEqual([{ id: ann.id, displayName: 'two' }])
    expect(tenant.behaviour.fired.deltaLagSeconds).toBeGreaterThan(0)
  })

  it('12.3 (h): empty pages carry a next link and never follow each other', () => {
    const graph = graphCalls()
    graph.tenant.behaviour.emptyDeltaPages = 1
    people(graph, 401)

    const { pages } = graph.round(USERS)

    expect(pages.map((page) => page.value.length)).toEqual([0, 200, 0, 200, 0, 1])
    expect(graph.tenant.behaviour.fired.emptyDeltaPages).toBe(3)
  })

  it('12.8 (i): by the switch a round repeats changes from before its token', () => {
    const graph = graphCalls()
    const all = people(graph, 3)
    const first = graph.round(USERS)
    update(graph.tenant, all[0]!.id, { department: 'x' })
    const second = graph.round(first.deltaLink)
    graph.tenant.behaviour.replayChanges = 1

    expect(ids(graph.get(second.deltaLink).value)).toEqual([all[0]!.id])
    expect(graph.tenant.behaviour.fired.replayChanges).toBe(1)
  })

  it('19 (j): by the switch a page holds its first object twice', () => {
    const graph = graphCalls()
    const all = people(graph, 2)
    graph.tenant.behaviour.objectRepeatedInPage = 1

    expect(ids(graph.get(USERS).value)).toEqual([all[0]!.id, all[1]!.id, all[0]!.id])
  })

  it('12.4 (l): by the switch an initial round holds @removed objects and members, known and unknown', () => {
    const graph = graphCalls()
    const { tenant } = graph
    const [ann, bob] = [person(graph, 'ann'), person(graph, 'bob')]
    const group = createGroup(tenant, { displayName: 'G' })
    addMember(tenant, group.id, bob.id)
    remove(tenant, ann.id)
    tenant.behaviour.removedInInitialRound = true

    const users = graph.round(USERS)
    const groups = graph.round(GROUPS)

    expect(users.value).toContainEqual({ id: ann.id, '@removed': { reason: 'changed' } })
    expect(users.value.filter((one) => one['@removed'] !== undefined).length).toBe(2)
    expect(users.value.at(-1)).toEqual({ id: bob.id, displayName: 'bob' })
    expect(membersOf(groups.value, group.id)[0]).toMatchObject({ '@removed': { reason: 'deleted' } })
    expect(membersOf(groups.value, group.id)[1]).toEqual(userEntry(bob.id))
    expect(graph.get(users.deltaLink).value).toEqual([])
  })

  it('8.3 (f): a repeated delta page gives a link that is refused once', () => {
    const graph = graphCalls()
    people(graph, 700)
    graph.tenant.behaviour.retriedPageTokenInvalid = true
    const link = graph.get(USERS).nextLink!

    graph.get(link)
    const bad = graph.get(link).nextLink!

    expect(graph.get(bad)).toMatchObject({ status: 400, code: 'DirectoryPageTokenNotFoundException' })
    expect(graph.get(graph.get(link).nextLink!).status).toBe(200)
  })

  it('8.4, 19 (e): page tokens of a delta expire and repeat by the same switches as those of lists', () => {
    const graph = graphCalls()
    people(graph, 401)
    graph.tenant.behaviour.pageTokenLifeSeconds = 10
    const link = graph.get(USERS).nextLink!
    graph.tenant.behaviour.repeatNextLink = 1

    expect(graph.get(link).nextLink).toBe(link)
    graph.clock.advance(11_000)
    expect(graph.get(link)).toMatchObject({ status: 400, code: 'Directory_ExpiredPageToken' })
  })
})

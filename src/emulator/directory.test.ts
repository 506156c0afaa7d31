import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { EVENTUAL, type GraphCalls, graphCalls } from '../../test/support/graphcalls.ts'
import {
  addContact,
  addDevice,
  addMember,
  addMembers,
  addServicePrincipal,
  createGroup,
  removeMember,
} from './memberships.ts'
import { disable, enable, hire, purge, remove, rename, restore, setManager, update } from './operations.ts'
import type { DirectoryObject } from './object.ts'

const DAY = 24 * 3600 * 1000

function person(graph: GraphCalls, name: string, more: Record<string, unknown> = {}): DirectoryObject {
  return hire(graph.tenant, { userPrincipalName: `${name}@contoso.com`, displayName: name, ...more })
}

function mixedGroup() {
  const graph = graphCalls()
  const group = createGroup(graph.tenant, { displayName: 'Mixed' })
  const members = {
    user: person(graph, 'ann'),
    group: createGroup(graph.tenant, { displayName: 'Inner' }),
    device: addDevice(graph.tenant, { displayName: 'laptop' }),
    servicePrincipal: addServicePrincipal(graph.tenant, { displayName: 'robot' }),
    orgContact: addContact(graph.tenant, { displayName: 'partner' }),
  }
  for (const member of Object.values(members)) addMember(graph.tenant, group.id, member.id)
  const inner = person(graph, 'bob')
  addMember(graph.tenant, members.group.id, inner.id)
  return { ...graph, group, members, inner }
}

describe('single objects (graph.md 7, 15)', () => {
  it('7: a user is found by id and by userPrincipalName, also in parentheses and with odd characters', () => {
    const graph = graphCalls()
    const user = person(graph, "o'brien_ext.com#EXT#")
    const upn = encodeURIComponent("o'brien_ext.com#EXT#@contoso.com")

    for (const url of [
      `/users/${user.id}`,
      `/users/${user.id.toUpperCase()}`,
      `/users/${upn}`,
      `/users('${upn.replaceAll("'", "''")}')`,
    ]) {
      expect({ url, ...graph.get(`${url}?$select=id`).body }).toEqual({
        url,
        '@odata.context': 'http://graph.test/v1.0/$metadata#users(id)/$entity',
        id: user.id,
      })
    }
    expect(graph.get(`/users/${user.id}`).body).toMatchObject({
      mail: null,
      businessPhones: [],
      displayName: user.properties['displayName'],
    })
  })

  it('15: unknown and soft-deleted objects are 404 Request_ResourceNotFound', () => {
    const graph = graphCalls()
    const user = person(graph, 'ann')
    remove(graph.tenant, user.id)

    for (const url of [`/users/${user.id}`, '/users/nobody@contoso.com', `/groups/${user.id}`]) {
      expect(graph.get(url)).toMatchObject({ status: 404, code: 'Request_ResourceNotFound' })
    }
    expect(graph.get('/users/x').text).toContain('does not exist or one of its queried reference-property objects')
  })

  it('3: the manager is read beside the user; without one, or when it is deleted, 404', () => {
    const graph = graphCalls()
    const [ann, bob] = [person(graph, 'ann'), person(graph, 'bob')]
    expect(graph.get(`/users/${ann.id}/manager`)).toMatchObject({ status: 404, code: 'Request_ResourceNotFound' })

    setManager(graph.tenant, ann.id, bob.id)

    expect(graph.get(`/users/${ann.id}/manager?$select=displayName`).body).toEqual({
      '@odata.context': 'http://graph.test/v1.0/$metadata#directoryObjects(displayName)/$entity',
      '@odata.type': '#microsoft.graph.user',
      id: bob.id,
      displayName: 'bob',
    })
    expect(graph.get(`/users/${ann.id}?$select=id&$expand=manager($select=id)`).body['manager']).toEqual({
      '@odata.type': '#microsoft.graph.user',
      id: bob.id,
    })
    remove(graph.tenant, bob.id)
    expect(graph.get(`/users/${ann.id}/manager`).status).toBe(404)
  })

  it('4: some group properties are filled by the single read only', () => {
    const graph = graphCalls()
    const group = createGroup(graph.tenant, { displayName: 'G', unseenCount: 3 })

    expect(graph.get('/groups?$select=unseenCount').value).toEqual([{ unseenCount: null }])
    expect(graph.get(`/groups/${group.id}?$select=unseenCount`).body).toMatchObject({ unseenCount: 3 })
  })

  it('6.3: unknown paths are 400, wrong methods 405, and errors carry the ids of the request', () => {
    const { get } = graphCalls()

    expect(get('/nosuch').status).toBe(400)
    expect(get('/users/x/nosuch').status).toBe(400)
    expect(get('/users/microsoft.graph.user').status).toBe(400)
    expect(get('/users', { method: 'POST', body: {} })).toMatchObject({ status: 405, code: 'Request_BadRequest' })
    const refused = get('/users/%zz', { headers: { 'client-request-id': 'mine' } })
    expect(refused.status).toBe(400)
    expect(refused.headers).toMatchObject({ 'client-request-id': 'mine' })
    expect(refused.body['error']).toMatchObject({
      innerError: {
        'client-request-id': 'mine',
        'request-id': refused.headers['request-id'],
        date: '2026-03-02T12:00:00',
      },
    })
  })
})

describe('members and memberships (graph.md 10)', () => {
  it('10.1: a mixed list carries @odata.type, a cast one does not; both count and page', () => {
    const { get, walk, group, members } = mixedGroup()

    expect(get(`/groups/${group.id}/members?$select=id`).value).toContainEqual({
      '@odata.type': '#microsoft.graph.user',
      id: members.user.id,
    })
    const cast = get(`/groups/${group.id}/members/microsoft.graph.user?$select=id&$count=true`, EVENTUAL)
    expect(cast.body).toEqual({
      '@odata.context': 'http://graph.test/v1.0/$metadata#users(id)',
      '@odata.count': 1,
      value: [{ id: members.user.id }],
    })
    expect(walk(`/groups/${group.id}/members?$top=1&$select=id`).value.length).toBe(4)
    expect(get(`/groups/${group.id}/members/$count`, EVENTUAL).text).toBe('5')
    expect(get(`/groups/${group.id}/members/microsoft.graph.group/$count`, EVENTUAL).text).toBe('1')
    expect(get(`/groups/${group.id}/members/microsoft.graph.nosuch`).status).toBe(400)
    expect(get(`/groups/${group.id}/members/$ref`).status).toBe(400)
    expect(get(`/groups/${group.id}/members?$expand=memberOf`).status).toBe(400)
  })

  it('10.1: transitiveMembers are flat, hold the nested groups, and end in cycles', () => {
    const { get, tenant, group, members, inner } = mixedGroup()
    addMember(tenant, members.group.id, group.id)

    const ids = get(`/groups/${group.id}/transitiveMembers?$select=id`).value.map((one) => one.id)

    expect(ids).toContain(inner.id)
    expect(ids).toContain(members.group.id)
    expect(ids).not.toContain(group.id)
    const users = get(`/groups/${group.id}/transitiveMembers/microsoft.graph.user?$select=id&$count=true`, EVENTUAL)
    expect(users.value.map((one) => one.id).sort()).toEqual([members.user.id, inner.id].sort())
    expect(get(`/groups/${group.id}/transitiveMembers?$select=id`).units).toBe(4)
    expect(get(`/groups/${group.id}/members?$select=id`).units).toBe(2)
  })

  it('10.1: transitive members and memberships equal the closure of the direct edges', () => {
    const edges = fc.array(fc.tuple(fc.nat(5), fc.nat(8)), { maxLength: 25 })

    fc.assert(
      fc.property(edges, (pairs) => {
        const graph = graphCalls()
        const groups = Array.from({ length: 6 }, (_, i) => createGroup(graph.tenant, { displayName: `G${i}` }))
        const all = [...groups, person(graph, 'a'), person(graph, 'b'), person(graph, 'c')]
        const below = new Map<string, Set<string>>()
        for (const [from, to] of pairs) {
          const [group, member] = [groups[from]!, all[to]!]
          const known = below.get(group.id) ?? new Set()
          if (group === member || known.has(member.id)) continue
          addMember(graph.tenant, group.id, member.id)
          below.set(group.id, known.add(member.id))
        }
        const reach = (id: string, found = new Set<string>()): Set<string> => {
          for (const next of below.get(id) ?? []) if (!found.has(next)) reach(next, found.add(next))
          return found
        }
        for (const object of all) {
          const set = object.kind === 'user' ? 'users' : 'groups'
          const up = groups
            .filter((group) => group !== object && reach(group.id).has(object.id))
            .map((group) => group.id)
          const found = graph.get(`/${set}/${object.id}/transitiveMemberOf?$select=id`).value.map((one) => one.id)
          expect(found.toSorted()).toEqual(up.toSorted())
          if (object.kind !== 'group') continue
          const down = [...reach(object.id)].filter((id) => id !== object.id)
          const seen = graph
            .get(`/groups/${object.id}/transitiveMembers?$select=id&$top=999`)
            .value.map((one) => one.id)
          expect(seen.toSorted()).toEqual(down.toSorted())
        }
      }),
      { numRuns: 40 },
    )
  })

  it('10.2 (t): service principals are in /members as an advanced query only, unless the switch shows them', () => {
    const { get, tenant, group, members } = mixedGroup()
    const ids = (url: string, options = {}): string[] => get(url, options).value.map((one) => one.id)

    expect(ids(`/groups/${group.id}/members?$select=id`)).not.toContain(members.servicePrincipal.id)
    expect(ids(`/groups/${group.id}/members?$select=id&$count=true`, EVENTUAL)).toContain(members.servicePrincipal.id)
    expect(tenant.behaviour.fired.servicePrincipalsHidden).toBe(1)
    tenant.behaviour.servicePrincipalsHidden = false
    expect(ids(`/groups/${group.id}/members?$select=id`)).toContain(members.servicePrincipal.id)
  })

  it('10.3 (s): members of a type that the token may not read have type and id, the rest is null', () => {
    const { get, tenant, group, members } = mixedGroup()
    const roles = ['GroupMember.Read.All']
    const read = (): readonly unknown[] => get(`/groups/${group.id}/members?$select=id,displayName`, { roles }).value

    expect(read()).toContainEqual({ '@odata.type': '#microsoft.graph.user', id: members.user.id, displayName: null })
    expect(read()).toContainEqual({
      '@odata.type': '#microsoft.graph.group',
      id: members.group.id,
      displayName: 'Inner',
    })
    tenant.behaviour.limitedInformation = 'never'
    expect(read()).toContainEqual({ '@odata.type': '#microsoft.graph.user', id: members.user.id, displayName: 'ann' })
    tenant.behaviour.limitedInformation = 'always'
    expect(read()).toContainEqual({ '@odata.type': '#microsoft.graph.group', id: members.group.id, displayName: null })
  })

  it('10.4 (u): hidden membership is empty or forbidden without Member.Read.Hidden, also nested', () => {
    const graph = graphCalls()
    const { tenant } = graph
    const hidden = createGroup(tenant, {
      displayName: 'H',
      groupTypes: ['Unified'],
      mailEnabled: true,
      visibility: 'HiddenMembership',
    })
    const ann = person(graph, 'ann')
    addMember(tenant, hidden.id, ann.id)
    const roles = ['GroupMember.Read.All', 'User.Read.All']
    const url = `/groups/${hidden.id}/members?$select=id`

    expect(graph.get(url, { roles })).toMatchObject({ status: 200, value: [] })
    expect(graph.get(`/groups/${hidden.id}/members/$count`, { ...EVENTUAL, roles }).text).toBe('0')
    tenant.behaviour.hiddenMembership = 'forbidden'
    expect(graph.get(url, { roles })).toMatchObject({ status: 403, code: 'Authorization_RequestDenied' })
    expect(graph.get(url, { roles: [...roles, 'Member.Read.Hidden'] }).value.length).toBe(1)
    expect(tenant.behaviour.fired.hiddenMembership).toBe(3)
  })

  it('7: $expand=members gives at most 20, without a link for the rest', () => {
    const graph = graphCalls()
    const group = createGroup(graph.tenant, { displayName: 'G' })
    addMembers(
      graph.tenant,
      group.id,
      Array.from({ length: 25 }, (_, i) => person(graph, `u${i}`)),
    )

    const { value } = graph.get('/groups?$select=id&$expand=members($select=id)')

    expect(Object.keys(value[0]!)).toEqual(['id', 'members'])
    expect(value[0]!['members']).toHaveLength(20)
    expect(graph.get('/groups?$expand=members,owners').status).toBe(400)
    expect(graph.get('/groups?$expand=members&$count=true', EVENTUAL).status).toBe(400)
  })

  it('10.5: memberOf, getMemberGroups and checkMemberGroups tell what somebody is in', () => {
    const { get, post, group, members, inner, tenant } = mixedGroup()
    const list = createGroup(tenant, { displayName: 'List', mailEnabled: true, securityEnabled: false })
    addMember(tenant, list.id, inner.id)
    const user = `/users/${inner.id}`

    expect(get(`${user}/memberOf?$select=id`).value.map((one) => one.id)).toEqual([members.group.id, list.id])
    expect(get(`${user}/transitiveMemberOf/$count`, EVENTUAL).text).toBe('3')
    const ids = (body: unknown): unknown => post(`${user}/getMemberGroups`, body).body['value']
    expect(ids({ securityEnabledOnly: false })).toEqual([group.id, members.group.id, list.id])
    expect(ids({ securityEnabledOnly: true })).toEqual([group.id, members.group.id])
    expect(post(`${user}/checkMemberGroups`, { groupIds: [list.id, tenant.id] }).body['value']).toEqual([list.id])
    expect(post(`${user}/checkMemberGroups`, { groupIds: Array.from({ length: 21 }, () => list.id) }).status).toBe(400)
  })

  it('10.5: nobody is in a deleted group, until it is restored', () => {
    const graph = graphCalls()
    const ann = person(graph, 'ann')
    const { id } = createGroup(graph.tenant, { displayName: 'Admins' })
    addMembers(graph.tenant, id, [ann])
    const check = () => graph.post(`/users/${ann.id}/checkMemberGroups`, { groupIds: [id] }).body['value']

    expect(check()).toEqual([id])
    remove(graph.tenant, id)
    expect(check()).toEqual([])
    restore(graph.tenant, id)
    expect(check()).toEqual([id])
  })

  it('10.5: getMemberGroups refuses more than 11,000 groups', () => {
    const graph = graphCalls()
    const ann = person(graph, 'ann')
    for (let i = 0; i <= 11_000; i++)
      addMembers(graph.tenant, createGroup(graph.tenant, { displayName: `G${i}` }).id, [ann])

    expect(graph.post(`/users/${ann.id}/getMemberGroups`, { securityEnabledOnly: false })).toMatchObject({
      status: 400,
      code: 'Directory_ResultSizeLimitExceeded',
    })
  })

  it('10.5: getByIds finds mixed objects by id, leaves unknown ones out, and takes at most 1,000', () => {
    const { get, post, tenant, members, inner } = mixedGroup()
    remove(tenant, inner.id)
    const ids = [members.user.id, members.group.id, inner.id, tenant.id]
    const found = (body: unknown): unknown => post('/directoryObjects/getByIds?$select=id', body).value

    expect(found({ ids, types: ['user', 'group'] })).toEqual([
      { '@odata.type': '#microsoft.graph.user', id: members.user.id },
      { '@odata.type': '#microsoft.graph.group', id: members.group.id },
    ])
    expect(found({ ids, types: ['group'] })).toEqual([
      { '@odata.type': '#microsoft.graph.group', id: members.group.id },
    ])
    expect(post('/directoryObjects/getByIds', { ids: Array.from({ length: 1001 }, () => tenant.id) }).status).toBe(400)
    expect(post('/directoryObjects/getByIds', { ids }).units).toBe(5)
    expect(post('/directoryObjects/getByIds?$select=id', { ids }).units).toBe(2)
    expect(get(`/directoryObjects/${members.device.id}?$select=displayName`).body).toMatchObject({
      '@odata.type': '#microsoft.graph.device',
      displayName: 'laptop',
    })
  })

  it('4: Entra refuses members of the wrong kind', () => {
    const graph = graphCalls()
    const { tenant } = graph
    const team = createGroup(tenant, { displayName: 'T', groupTypes: ['Unified'], mailEnabled: true })
    const dynamic = createGroup(tenant, { displayName: 'D', groupTypes: ['DynamicMembership'] })
    const security = createGroup(tenant, { displayName: 'S' })
    const [ann, device] = [person(graph, 'ann'), addDevice(tenant, {})]

    expect(() => addMember(tenant, team.id, device.id)).toThrow(/holds users only/)
    expect(() => addMember(tenant, team.id, security.id)).toThrow(/holds users only/)
    expect(() => addMember(tenant, security.id, team.id)).toThrow(/never a member/)
    expect(() => addMember(tenant, dynamic.id, security.id)).toThrow(/users and devices/)
    addMember(tenant, team.id, ann.id)
    expect(() => addMember(tenant, team.id, ann.id)).toThrow(/already exist/)
    removeMember(tenant, team.id, ann.id)
    expect(() => removeMember(tenant, team.id, ann.id)).toThrow(/no member/)
  })
})

describe('deleting and restoring (graph.md 12.6, 15)', () => {
  it('15: a deleted user is in deletedItems for 30 days, its name prefixed with the id', () => {
    const graph = graphCalls()
    const ann = person(graph, 'ann')
    remove(graph.tenant, ann.id)
    const prefixed = `${ann.id.replaceAll('-', '')}ann@contoso.com`
    const url = '/directory/deletedItems/microsoft.graph.user?$select=id,userPrincipalName,deletedDateTime'

    expect(graph.get(url).value).toEqual([
      { id: ann.id, userPrincipalName: prefixed, deletedDateTime: '2026-03-02T12:00:00Z' },
    ])
    expect(graph.get(`/directory/deletedItems/${ann.id}?$select=displayName`).body).toMatchObject({
      '@odata.type': '#microsoft.graph.user',
      displayName: 'ann',
    })
    expect(graph.get('/directory/deletedItems/microsoft.graph.user/$count', EVENTUAL).text).toBe('1')
    expect(graph.get('/directory/deletedItems').status).toBe(400)
    expect(graph.get(`${url}&$orderby=deletedDateTime`).status).toBe(400)
    expect(graph.get(`${url}&$orderby=deletedDateTime desc&$count=true`, EVENTUAL).value.length).toBe(1)
    graph.clock.advance(30 * DAY)
    expect(graph.get(url).value).toEqual([])
    expect(graph.get(`/directory/deletedItems/${ann.id}`).status).toBe(404)
  })

  it('12.6 (v): a deleted user leaves the member lists and is back after a restore', () => {
    const graph = graphCalls()
    const { tenant } = graph
    const [ann, group] = [person(graph, 'ann'), createGroup(tenant, { displayName: 'G' })]
    addMember(tenant, group.id, ann.id)
    const members = (): number => graph.get(`/groups/${group.id}/members`).value.length

    remove(tenant, ann.id)
    expect(members()).toBe(0)
    restore(tenant, ann.id)
    expect(members()).toBe(1)
    expect(graph.get(`/users/${ann.id}?$select=userPrincipalName,deletedDateTime`).body).toMatchObject({
      userPrincipalName: 'ann@contoso.com',
      deletedDateTime: null,
    })
  })

  it('15: the name of a deleted user may be taken; then a restore needs another one', () => {
    const graph = graphCalls()
    const { tenant } = graph
    const ann = person(graph, 'ann')
    expect(() => person(graph, 'ANN')).toThrow(/userPrincipalName already exists/)
    remove(tenant, ann.id)
    person(graph, 'ann')

    expect(() => restore(tenant, ann.id)).toThrow(/userPrincipalName already exists/)
    restore(tenant, ann.id, { newUserPrincipalName: 'ann2@contoso.com' })
    expect(graph.get('/users/ann2@contoso.com?$select=id').body['id']).toBe(ann.id)
  })

  it('4: security groups are soft-deleted or gone by the switch, distribution lists are gone at once', () => {
    const graph = graphCalls()
    const { tenant } = graph
    const bin = (): string[] => graph.get('/directory/deletedItems/microsoft.graph.group').value.map((one) => one.id)
    const [first, second] = [createGroup(tenant, { displayName: 'A' }), createGroup(tenant, { displayName: 'B' })]
    const list = createGroup(tenant, { displayName: 'L', mailEnabled: true, securityEnabled: false })
    const team = createGroup(tenant, { displayName: 'T', mailEnabled: true, groupTypes: ['Unified'] })

    remove(tenant, first.id)
    tenant.behaviour.securityGroupsSoftDeleted = false
    for (const group of [second, list, team]) remove(tenant, group.id)

    expect(bin()).toEqual([first.id, team.id])
    restore(tenant, first.id)
    expect(graph.get(`/groups/${first.id}`).status).toBe(200)
    expect(() => restore(tenant, second.id)).toThrow(/no deleted object/)
  })

  it('12.6: a deleted group leaves the groups it was in; its own members come back with it', () => {
    const { tenant, get, group, members, inner } = mixedGroup()

    remove(tenant, members.group.id)
    expect(get(`/groups/${group.id}/members/microsoft.graph.group/$count`, EVENTUAL).text).toBe('0')
    expect(get(`/users/${inner.id}/memberOf`).value).toEqual([])
    restore(tenant, members.group.id)

    expect(get(`/groups/${members.group.id}/members?$select=id`).value.map((one) => one.id)).toEqual([inner.id])
    expect(get(`/groups/${group.id}/members/microsoft.graph.group/$count`, EVENTUAL).text).toBe('0')
  })

  it('12.6: a purged object is nowhere any more, and its edges neither', () => {
    const { tenant, get, group, members } = mixedGroup()

    purge(tenant, members.user.id)
    purge(tenant, members.group.id)

    expect(get(`/directory/deletedItems/${members.user.id}`).status).toBe(404)
    expect(get(`/groups/${group.id}/members?$count=true&$select=id`, EVENTUAL).body['@odata.count']).toBe(3)
    expect(() => purge(tenant, members.user.id)).toThrow(/no object/)
  })

  it('operations change what they say and leave no trace when nothing changes', () => {
    const graph = graphCalls()
    const { tenant } = graph
    const ann = person(graph, 'ann', { department: undefined })
    expect(Object.keys(ann.properties)).not.toContain('department')

    disable(tenant, ann.id)
    rename(tenant, ann.id, 'anna@contoso.com')
    update(tenant, ann.id, { department: null, city: undefined })
    const { version } = tenant
    disable(tenant, ann.id)
    update(tenant, ann.id, { department: null, businessPhones: undefined })
    setManager(tenant, ann.id, null)

    expect(tenant.version).toBe(version)
    expect(graph.get('/users/anna@contoso.com?$select=accountEnabled,department').body).toMatchObject({
      accountEnabled: false,
      department: null,
    })
    expect(graph.get('/users/ann@contoso.com').status).toBe(404)
    enable(tenant, ann.id)
    expect(tenant.version).toBe(version + 1)
    expect(() => update(tenant, tenant.id, {})).toThrow(/no object/)
  })
})

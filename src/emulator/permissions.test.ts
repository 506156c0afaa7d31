import { describe, expect, it } from 'vitest'
import { EVENTUAL, graphCalls } from '../../test/support/graphcalls.ts'
import { registerApplication } from './applications.ts'
import { addMember, createGroup } from './memberships.ts'
import { hire } from './operations.ts'
import { createRandom } from './random.ts'

function world() {
  const graph = graphCalls()
  const ann = hire(graph.tenant, { userPrincipalName: 'ann@contoso.com', department: 'Sales' })
  const group = createGroup(graph.tenant, { displayName: 'G' })
  addMember(graph.tenant, group.id, ann.id)
  const status = (url: string, roles: readonly string[], options = {}): number =>
    graph.get(url, { ...options, roles }).status
  return { ...graph, ann, group, status }
}

describe('application permissions (graph.md 2.2)', () => {
  it('2.1: a token without roles is refused with 403 Authorization_RequestDenied', () => {
    const { get, ann, group } = world()

    for (const url of [
      '/users',
      '/groups',
      '/users/delta',
      '/groups/delta',
      '/organization',
      `/users/${ann.id}`,
      `/groups/${group.id}/members`,
    ]) {
      expect({ url, ...get(url, { roles: [] }) }).toMatchObject({
        url,
        status: 403,
        code: 'Authorization_RequestDenied',
      })
    }
  })

  it('2.2: each call is opened by the least permission of the table and by Directory.Read.All', () => {
    const { ann, group, status } = world()
    const table: readonly (readonly [string, readonly string[]])[] = [
      ['/users?$select=department', ['User.Read.All']],
      ['/users/delta?$select=department', ['User.Read.All']],
      [`/users/${ann.id}/memberOf`, ['Group.ReadBasic.All']],
      [`/users/${ann.id}/transitiveMemberOf`, ['User.Read.All']],
      ['/groups', ['GroupMember.Read.All']],
      ['/groups/delta', ['GroupMember.Read.All']],
      [`/groups/${group.id}/members`, ['GroupMember.Read.All']],
      [`/groups/${group.id}/transitiveMembers`, ['GroupMember.Read.All']],
      ['/organization', ['User.Read.All']],
      ['/directory/deletedItems/microsoft.graph.user', ['User.Read.All']],
      ['/directory/deletedItems/microsoft.graph.group', ['Group.Read.All']],
      ['/devices', ['Device.Read.All']],
      ['/contacts', ['OrgContact.Read.All']],
    ]

    for (const [url, roles] of table) {
      const others = ['Member.Read.Hidden', 'AuditLog.Read.All']
      const statuses = [roles, ['Directory.Read.All'], others].map((granted) => status(url, granted))
      expect([url, ...statuses]).toEqual([url, 200, 200, 403])
    }
    expect(status(`/users/${ann.id}/memberOf`, ['GroupMember.Read.All'])).toBe(403)
    expect(status('/users', ['User.ReadWrite.All'])).toBe(200)
  })

  it('2.2: User.ReadBasic.All opens the basic profile and refuses anything else that is asked for', () => {
    const { get, status } = world()
    const roles = ['User.ReadBasic.All']

    expect(Object.keys(get('/users', { roles }).value[0]!)).toEqual([
      'displayName',
      'givenName',
      'id',
      'mail',
      'surname',
      'userPrincipalName',
    ])
    expect(status('/users?$select=id,mail', roles)).toBe(200)
    expect(status('/users?$select=id,department', roles)).toBe(403)
  })

  it('3: properties with a permission of their own need it beside', () => {
    const { status } = world()

    expect(status('/users?$select=signInActivity', ['User.Read.All'])).toBe(403)
    expect(status('/users?$select=signInActivity', ['User.Read.All', 'AuditLog.Read.All'])).toBe(200)
  })

  it('10.5: getByIds needs Directory.Read.All, getMemberGroups the pair of its page', () => {
    const { post, ann } = world()
    const body = { securityEnabledOnly: false }
    const groups = (roles: readonly string[]): number =>
      post(`/users/${ann.id}/getMemberGroups`, body, { roles }).status

    expect(groups(['User.Read.All'])).toBe(403)
    expect(groups(['User.Read.All', 'GroupMember.Read.All'])).toBe(200)
    expect(post('/directoryObjects/getByIds', { ids: [] }, { roles: ['User.Read.All', 'Group.Read.All'] }).status).toBe(
      403,
    )
    expect(post('/directoryObjects/getByIds', { ids: [] }, { roles: ['Directory.Read.All'] }).status).toBe(200)
  })

  it('15: an app reads its own registration without permission and sees when its secret ends, never the secret', () => {
    const { tenant, get } = world()
    const random = createRandom(7)
    const app = registerApplication(tenant, random, { secret: 'abc8Q~very-secret' })
    const other = registerApplication(tenant, random)
    const mine = { roles: [], appId: app.appId }
    const url = `/applications(appId='${app.appId}')?$select=id,appId,passwordCredentials,keyCredentials`

    const own = get(url, mine)

    expect(own.body).toMatchObject({
      id: app.id,
      appId: app.appId,
      passwordCredentials: [{ hint: 'abc', secretText: null, endDateTime: app.secrets[0]!.endDateTime }],
      keyCredentials: [],
    })
    expect(own.text).not.toContain('very-secret')
    expect(own.units).toBe(1)
    expect(get(`/applications?$filter=appId eq '${app.appId}'`, mine).value.length).toBe(1)
    expect(get(`/servicePrincipals(appId='${app.appId}')`, mine).body['id']).toBe(app.servicePrincipalId)
    expect(get(`/applications(appId='${other.appId}')`, mine).status).toBe(403)
    expect(get('/applications', mine).status).toBe(403)
    expect(get('/applications', { roles: ['Application.Read.All'] }).value.length).toBe(2)
  })

  it('15: the organization is the tenant, one element', () => {
    const { tenant, get } = world()

    expect(get('/organization?$select=id,displayName,verifiedDomains,tenantType').value).toEqual([
      {
        id: tenant.id,
        displayName: 'Contoso',
        tenantType: 'AAD',
        verifiedDomains: [expect.objectContaining({ name: 'contoso.com', isDefault: true })],
      },
    ])
    expect(get(`/organization/${tenant.id}`).body['id']).toBe(tenant.id)
    expect(get('/organization/00000000-0000-4000-8000-000000000000').status).toBe(404)
    expect(get('/users/$count', { ...EVENTUAL, roles: ['User.Read.All'] }).text).toBe('1')
  })
})

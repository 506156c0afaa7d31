import {
  AuthenticationHandler,
  Client,
  type Context,
  type Middleware,
  PageIterator,
  RetryHandler,
  RetryHandlerOptions,
} from '@microsoft/microsoft-graph-client'
import { beforeAll, describe, expect, it } from 'vitest'
import { emulate, type Emulated, type Json } from '../../test/support/emulated.ts'
import { type GraphDescription, readGraphDescription } from '../../test/support/openapi.ts'
import { addMember, createGroup, removeMember } from './memberships.ts'
import { hire, remove, setManager, update } from './operations.ts'
import type { DirectoryObject } from './object.ts'

const SELECT_ALL =
  'id,displayName,givenName,surname,userPrincipalName,mail,accountEnabled,userType,department,companyName,jobTitle,officeLocation,mobilePhone,businessPhones,employeeId,employeeType,employeeOrgData,otherMails,proxyAddresses,preferredLanguage,usageLocation,city,country,createdDateTime,creationType,externalUserState,onPremisesExtensionAttributes,onPremisesSamAccountName,onPremisesDomainName,onPremisesSyncEnabled,onPremisesImmutableId,onPremisesSecurityIdentifier,onPremisesLastSyncDateTime'

describe('answers fit Microsoft’s OpenAPI description (graph.md 20)', () => {
  let graph: GraphDescription
  let emulated: Emulated
  let ids: { readonly user: string; readonly managed: string; readonly group: string; readonly deleted: string }

  beforeAll(() => {
    graph = readGraphDescription({
      // Members of today's metadata that the description of 2022 lacks.
      'microsoft.graph.group': ['uniqueName', 'isManagementRestricted', 'serviceProvisioningErrors'],
      'microsoft.graph.user': ['isManagementRestricted', 'serviceProvisioningErrors', 'identityParentId'],
      'microsoft.graph.organization': ['partnerTenantType', 'defaultUsageLocation'],
    })
    emulated = emulate({ users: 120, groups: 30, memberships: 900, application: { roles: ['*'] } })
    const { tenant } = emulated.hosted
    const [user = '', managed = '', gone = ''] = [...tenant.live('user')].map((found) => found.id)
    setManager(tenant, managed, user)
    const group = createGroup(tenant, { displayName: 'Everyone and everything' }).id
    for (const kind of ['user', 'group', 'device', 'servicePrincipal'] as const)
      for (const found of [...tenant.live(kind)].filter((one) => one.id !== group && !isUnified(one)).slice(0, 5))
        addMember(tenant, group, found.id)
    const deleted = remove(tenant, gone).id
    ids = { user, managed, group, deleted }
  })

  it.each([
    ['/users?$top=50', '/users'],
    [`/users?$select=${SELECT_ALL}&$top=999`, '/users'],
    ['/users?$select=id&$expand=manager($select=id)', '/users'],
    ['/users/{user}', '/users/{user-id}'],
    [`/users/{user}?$select=${SELECT_ALL}`, '/users/{user-id}'],
    ['/users/{managed}/manager', '/users/{user-id}/manager'],
    ['/users/{user}/memberOf', '/users/{user-id}/memberOf'],
    ['/users/{user}/transitiveMemberOf', '/users/{user-id}/transitiveMemberOf'],
    [`/users/delta?$select=${SELECT_ALL},manager`, '/users/microsoft.graph.delta()'],
    ['/groups', '/groups'],
    ['/groups?$expand=members', '/groups'],
    ['/groups/{group}', '/groups/{group-id}'],
    ['/groups/{group}/members', '/groups/{group-id}/members'],
    ['/groups/{group}/members/microsoft.graph.user?$count=true', '/groups/{group-id}/members/microsoft.graph.user'],
    ['/groups/{group}/transitiveMembers?$count=true', '/groups/{group-id}/transitiveMembers'],
    ['/groups/delta', '/groups/microsoft.graph.delta()'],
    ['/organization', '/organization'],
    ['/directory/deletedItems/microsoft.graph.user', '/directory/deletedItems/microsoft.graph.user'],
    ['/directory/deletedItems/{deleted}', '/directory/deletedItems/{directoryObject-id}'],
    ["/applications(appId='{app}')", '/applications/{application-id}'],
  ])('GET %s', async (request, path) => {
    const names = Object.entries({ ...ids, app: emulated.hosted.clientId })
    const filled = names.reduce((path, [name, id]) => path.replace(`{${name}}`, id), request)

    const body = await emulated.json(filled, { headers: { ConsistencyLevel: 'eventual' } })

    expect(body.error).toBeUndefined()
    expect(body['@odata.context']).toMatch(new RegExp(`^${emulated.emulator.graphUrl}/v1\\.0/\\$metadata#`))
    expect(graph.problems({ path }, body)).toEqual([])
    expect(body.value).not.toEqual([])
  })

  it('POST getMemberGroups and getByIds', async () => {
    const groups = await emulated.json(`/users/${ids.user}/getMemberGroups`, {
      method: 'POST',
      body: { securityEnabledOnly: false },
    })
    const objects = await emulated.json('/directoryObjects/getByIds', {
      method: 'POST',
      body: { ids: [ids.user, ids.group], types: ['user', 'group'] },
    })

    expect(
      graph.problems({ path: '/users/{user-id}/microsoft.graph.getMemberGroups', method: 'post' }, groups),
    ).toEqual([])
    expect(graph.problems({ path: '/directoryObjects/microsoft.graph.getByIds', method: 'post' }, objects)).toEqual([])
    expect([groups.value.length > 0, objects.value.length]).toEqual([true, 2])
  })

  it('errors fit but for the spelling of innerError, which real answers write in camel case (6.3)', async () => {
    const body = await emulated.json('/users/00000000-0000-4000-8000-000000000000')

    const { innerError, ...rest } = body.error
    const { date, ...ids } = innerError
    expect(graph.errorProblems({ error: { ...rest, innererror: { ...ids, Date: `${date}Z` } } })).toEqual([])
  })

  it('the check itself finds unknown properties and wrong types', () => {
    const problems = graph.problems(
      { path: '/users' },
      { value: [{ id: 'x', displayname: 'small n', accountEnabled: 'yes' }] },
    )

    expect(problems.join('\n')).toMatch(/displayname[^]*accountEnabled|accountEnabled[^]*displayname/)
    expect(graph.problems({ path: '/users' }, { value: [], '@odata.nextlink': '' })).toEqual([
      'the collection has @odata.nextlink',
    ])
  })
})

describe('Microsoft’s own client reads a whole tenant', () => {
  function officialClient(emulated: Emulated): Client {
    const auth = new AuthenticationHandler({
      getAccessToken: async () => String((await emulated.requestToken()).body['access_token']),
    })
    const retry = new RetryHandler(new RetryHandlerOptions())
    const transport: Middleware = {
      async execute(context: Context) {
        context.response = await emulated.emulator.fetch(context.request, context.options)
      },
    }
    auth.setNext(retry)
    retry.setNext(transport)
    return Client.initWithMiddleware({
      middleware: auth,
      defaultVersion: 'v1.0',
      baseUrl: 'https://graph.microsoft.com/',
    })
  }

  async function readAll(client: Client, link: string): Promise<{ entries: Json[]; deltaLink: string | undefined }> {
    const entries: Json[] = []
    const iterator = new PageIterator(client, await client.api(link).get(), (entry: Json) => {
      entries.push(entry)
      return true
    })
    await iterator.iterate()
    return { entries, deltaLink: iterator.getDeltaLink() }
  }

  it('page by page: every user, group and membership', async () => {
    const emulated = emulate({ users: 2_300, groups: 40, memberships: 9_000 })
    const client = officialClient(emulated)
    const { tenant } = emulated.hosted

    const users = await readAll(client, '/users?$select=id,userPrincipalName&$top=999')
    const groups = await readAll(client, '/groups?$select=id,displayName&$top=15')
    const members = new Map<string, string[]>()
    for (const group of groups.entries) {
      const { entries } = await readAll(client, `/groups/${group.id}/members?$select=id&$top=500`)
      members.set(group.id, sorted(entries.map((entry) => entry.id)))
    }

    expect(users.entries.map((user) => user.userPrincipalName)).toEqual(
      [...tenant.live('user')].map((user) => user.properties['userPrincipalName']),
    )
    expect(members).toEqual(new Map([...tenant.live('group')].map((group) => [group.id, memberIds(emulated, group)])))
    expect([...members.values()].flat()).not.toHaveLength(0)
    expect(emulated.emulator.requests.filter((entry) => entry.service === 'graph' && entry.status !== 200)).toEqual([])
  })

  it('by delta: everything first, then exactly what changed', async () => {
    const emulated = emulate({ users: 450, groups: 25, memberships: 4_000 })
    const client = officialClient(emulated)
    const { tenant } = emulated.hosted

    const users = await readAll(client, '/users/delta?$select=displayName,manager')
    const groups = await readAll(client, '/groups/delta?$select=displayName,members')
    const members = new Map<string, string[]>()
    for (const group of groups.entries) {
      const slice = (group['members@delta'] ?? []).map((member: Json) => member.id)
      members.set(group.id, [...(members.get(group.id) ?? []), ...slice])
    }
    const [first, second, third] = [...tenant.live('user')]
    const group = [...tenant.live('group')].find((one) => !isUnified(one) && one.members.length > 0)
    update(tenant, first!.id, { displayName: 'Renamed' })
    remove(tenant, second!.id)
    const hired = hire(tenant, { userPrincipalName: 'new@contoso.com' })
    addMember(tenant, group!.id, hired.id)
    const left = tenant.at(group!.members.find((no) => tenant.at(no).kind === 'user' && tenant.at(no) !== hired)!).id
    removeMember(tenant, group!.id, left)
    const changedUsers = await readAll(client, users.deltaLink!)
    const changedGroups = await readAll(client, groups.deltaLink!)

    expect(new Set(users.entries.map((user) => user.id)).size).toBe(450)
    expect(members.size).toBe(25)
    expect([...members.values()].reduce((sum, ids) => sum + new Set(ids).size, 0)).toBeGreaterThanOrEqual(4_000)
    expect(
      changedUsers.entries.map(({ id, displayName, '@removed': removed }) => [id, displayName, removed?.reason]),
    ).toEqual(
      expect.arrayContaining([
        [first!.id, 'Renamed', undefined],
        [second!.id, undefined, 'changed'],
        [hired.id, 'new', undefined],
      ]),
    )
    expect(new Set(changedUsers.entries.map((user) => user.id))).toEqual(new Set([first!.id, second!.id, hired.id]))
    expect(changedGroups.entries.map((entry) => entry.id)).toEqual([group!.id])
    expect(changedGroups.entries[0]['members@delta']).toHaveLength(2)
    expect(third).toBeDefined()
    expect((await readAll(client, changedUsers.deltaLink!)).entries).toEqual([])
  })

  it('its retry handler gets through throttling by our Retry-After', async () => {
    const emulated = emulate()
    emulated.emulator.faults.add({ kind: 'throttled', retryAfter: 0, count: 2 })

    const { entries } = await readAll(officialClient(emulated), '/users?$select=id&$top=100')

    expect(entries).toHaveLength(60)
    expect(emulated.emulator.faults.pending()).toEqual([])
  })
})

function memberIds(emulated: Emulated, group: DirectoryObject): string[] {
  const { tenant } = emulated.hosted
  const members = group.members.map((no) => tenant.at(no))
  // graph.md 10.2: v1.0 leaves service principals out of a plain listing
  return sorted(members.filter((member) => member.kind !== 'servicePrincipal').map((member) => member.id))
}

function sorted(ids: readonly string[]): string[] {
  return [...ids].sort((a, b) => (a < b ? -1 : 1))
}

function isUnified(object: DirectoryObject): boolean {
  const types = object.properties['groupTypes']
  return Array.isArray(types) && types.includes('Unified')
}

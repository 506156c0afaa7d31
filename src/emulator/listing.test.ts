import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { EVENTUAL, graphCalls } from '../../test/support/graphcalls.ts'
import { createGroup } from './memberships.ts'
import { notePageFailure } from './routes.ts'
import { hire, purge, remove, rename, restore, setManager, update } from './operations.ts'

const extension = `extension_${'0'.repeat(32)}_card`

function company(size: number) {
  const graph = graphCalls()
  const users = Array.from({ length: size }, (_, i) =>
    hire(graph.tenant, { userPrincipalName: `u${i}@contoso.com`, displayName: `User ${i}` }),
  )
  return { ...graph, users }
}

describe('lists of users and groups (graph.md 7)', () => {
  it('3: without $select exactly the default properties come, unset ones as null or []', () => {
    const { get } = company(1)

    const [user] = get('/users').value

    expect(Object.keys(user ?? {}).sort()).toEqual(
      [
        'businessPhones',
        'displayName',
        'givenName',
        'id',
        'jobTitle',
        'mail',
        'mobilePhone',
        'officeLocation',
        'preferredLanguage',
        'surname',
        'userPrincipalName',
      ].sort(),
    )
    expect(user).toMatchObject({ mail: null, businessPhones: [] })
  })

  it('3: selected properties come in order and nothing else; an unset directory extension is left out', () => {
    const { get, tenant, users } = company(2)
    update(tenant, users[1]!.id, { [extension]: '04A2', department: null })

    const { value, body } = get(`/users?$select=${extension},department,id,proxyAddresses`)

    expect(value).toEqual([
      { department: null, id: users[0]!.id, proxyAddresses: [] },
      { [extension]: '04A2', department: null, id: users[1]!.id, proxyAddresses: [] },
    ])
    expect(body['@odata.context']).toBe(
      `http://graph.test/v1.0/$metadata#users(${extension},department,id,proxyAddresses)`,
    )
  })

  it('3: an extension that nobody registered is as if it were, is left out, or is refused; one that is registered never', () => {
    const { get, tenant, users } = company(2)
    const [valued, registered, none] = ['valued', 'registered', 'none'].map(
      (name) => `extension_${'1'.repeat(32)}_${name}`,
    )
    update(tenant, users[1]!.id, { [valued!]: 'x' })
    tenant.extensions.add(registered!)
    const outcomes = () =>
      [valued, registered, none].map((name) =>
        [
          `/users?$select=id,${name}`,
          `/users/${users[0]!.id}?$select=${name}`,
          `/users/delta?$select=${name}`,
          `/users?$filter=${name} eq 'x'`,
        ].map((path) => get(path).status),
      )

    expect(outcomes()).toEqual(Array.from({ length: 3 }, () => [200, 200, 200, 200]))
    tenant.behaviour.unregisteredExtensions = 'ignored'
    expect(outcomes()).toEqual([
      [200, 200, 200, 200],
      [200, 200, 200, 200],
      [200, 200, 200, 400],
    ])
    tenant.behaviour.unregisteredExtensions = 'refused'
    expect(outcomes()).toEqual([
      [200, 200, 200, 200],
      [200, 200, 200, 200],
      [400, 400, 400, 400],
    ])
    expect(get(`/users?$filter=${valued} eq 'x'`).value).toMatchObject([{ id: users[1]!.id }])
  })

  it('3: an unknown property is 400, one that no collection shows is 501', () => {
    const { get } = company(1)

    expect(get('/users?$select=id,nosuch')).toMatchObject({ status: 400, code: 'BadRequest' })
    expect(get('/users?$select=id,aboutMe')).toMatchObject({ status: 501, code: 'NotImplemented' })
    expect(get('/users?$nosuch=1')).toMatchObject({ status: 400, code: 'BadRequest' })
  })

  it('7: pages hold 100 unless $top says 1 to 999; 0 and 1000 are refused', () => {
    const { get, walk } = company(250)

    expect(get('/users').value.length).toBe(100)
    expect(walk('/users?$top=120').pages.map((page) => page.value.length)).toEqual([120, 120, 10])
    expect(get('/users?$top=999').nextLink).toBeUndefined()
    for (const top of ['0', '1000']) {
      expect(get(`/users?$top=${top}`)).toMatchObject({ status: 400, code: 'Request_UnsupportedQuery' })
    }
    expect(get('/users?$top=x').status).toBe(400)
    expect(get('/users?$skip=3').status).toBe(400)
  })

  it('7: with signInActivity a page holds at most 500', () => {
    const { get } = company(600)

    expect(get('/users?$top=999&$select=id,signInActivity').value.length).toBe(500)
  })

  it('7: $expand=manager gives pages of 100 whatever $top says, and costs one unit more', () => {
    const { get, tenant, users } = company(120)
    setManager(tenant, users[0]!.id, users[1]!.id)

    const page = get('/users?$top=999&$select=id&$expand=manager($select=displayName)')

    expect(page.value.length).toBe(100)
    expect(page.value[0]).toEqual({
      id: users[0]!.id,
      manager: { '@odata.type': '#microsoft.graph.user', id: users[1]!.id, displayName: 'User 1' },
    })
    expect(page.value[1]).not.toHaveProperty('manager')
    expect(page.units).toBe(2)
  })

  it('7: $orderby displayName walks in order over pages, both ways; other properties are refused', () => {
    const { walk, get, tenant } = company(30)
    update(tenant, [...tenant.live('user')][3]!.id, { displayName: 'aaron' })
    const names = (url: string): unknown[] => walk(url).value.map((user) => user['displayName'])
    const sorted = names('/users')
      .map((name) => String(name))
      .sort((a, b) => (a.toLowerCase() < b.toLowerCase() ? -1 : 1))

    expect(names('/users?$select=displayName&$orderby=displayName&$top=7')).toEqual(sorted)
    expect(names('/users?$select=displayName&$orderby=displayName desc&$top=7')).toEqual(sorted.toReversed())
    expect(get('/users?$orderby=createdDateTime').status).toBe(400)
    expect(get('/groups?$orderby=mail').status).toBe(400)
  })

  it('9.1: $orderby with $filter needs an advanced query', () => {
    const { get } = company(3)
    const url = `/users?$orderby=displayName&$filter=${encodeURIComponent("startsWith(displayName,'User')")}`

    expect(get(url)).toMatchObject({ status: 400, code: 'Request_UnsupportedQuery' })
    expect(get(`${url}&$count=true`, EVENTUAL).value.length).toBe(3)
  })

  it('7: $search needs ConsistencyLevel, finds beginnings of words in displayName and of the value elsewhere', () => {
    const { get, tenant } = company(0)
    hire(tenant, { userPrincipalName: 'a@x', displayName: 'Anna Lena Berg', mail: 'berg@x' })
    hire(tenant, { userPrincipalName: 'b@x', displayName: 'Bernd Ann', mail: 'ann@x' })
    const find = (search: string): unknown =>
      get(`/users?$search=${encodeURIComponent(search)}`, EVENTUAL).value.map((user) => user['userPrincipalName'])

    expect(get('/users?$search="displayName:ann"')).toMatchObject({ status: 400, code: 'Request_UnsupportedQuery' })
    expect(find('"displayName:ann"')).toEqual(['a@x', 'b@x'])
    expect(find('"displayName:berg"')).toEqual(['a@x'])
    expect(find('"mail:ber"')).toEqual(['a@x'])
    expect(find('"mail:x"')).toEqual([])
    expect(find('"displayName:ann" AND "mail:ann"')).toEqual(['b@x'])
    const url = `/users?$search=${encodeURIComponent('"displayName:a&b"')}`
    expect(get(url, EVENTUAL).status).toBe(400)
    expect(get(url, { headers: { ...EVENTUAL.headers, Prefer: 'legacySearch=false' } }).status).toBe(200)
  })

  it('9.1: $count=true counts on the first page only, and is ignored without the header', () => {
    const { walk, get } = company(150)

    const pages = walk('/users?$count=true', EVENTUAL).pages

    expect(pages.map((page) => page.body['@odata.count'])).toEqual([150, undefined])
    expect(get('/users?$count=true')).toMatchObject({ status: 200 })
    expect(get('/users?$count=true').body).not.toHaveProperty('@odata.count')
  })

  it('9.1: /$count is text, needs the header, and takes a filter', () => {
    const { get, tenant, users } = company(5)
    remove(tenant, users[0]!.id)

    expect(get('/users/$count')).toMatchObject({ status: 400, code: 'Request_UnsupportedQuery' })
    expect(get('/users/$count', EVENTUAL)).toMatchObject({ text: '4', headers: { 'Content-Type': 'text/plain' } })
    expect(get('/groups/$count', EVENTUAL).text).toBe('0')
    const filter = encodeURIComponent("displayName eq 'User 3'")
    expect(get(`/users/$count?$filter=${filter}`, EVENTUAL).text).toBe('1')
  })

  it('9.1 (q): the index lags behind by the switch, the plain list does not', () => {
    const { get, tenant, users, clock } = company(3)
    tenant.log.start()
    clock.advance(60_000)
    tenant.behaviour.indexLagSeconds = 30
    remove(tenant, users[0]!.id)
    hire(tenant, { userPrincipalName: 'new@contoso.com' })
    rename(tenant, users[1]!.id, 'renamed@contoso.com')
    const upns = (url: string): unknown[] => get(url, EVENTUAL).value.map((user) => user['userPrincipalName'])

    expect(upns('/users?$select=userPrincipalName')).toEqual([
      'renamed@contoso.com',
      'u2@contoso.com',
      'new@contoso.com',
    ])
    expect(upns('/users?$select=userPrincipalName&$count=true')).toEqual([
      'u0@contoso.com',
      'u1@contoso.com',
      'u2@contoso.com',
    ])
    expect(get('/users/$count', EVENTUAL).text).toBe('3')
    clock.advance(30_000)
    expect(get('/users/$count', EVENTUAL).text).toBe('3')
    expect(upns('/users?$select=userPrincipalName&$count=true')).toEqual(upns('/users?$select=userPrincipalName'))
    expect(tenant.behaviour.fired.indexLagSeconds).toBe(2)
  })

  it('8.5: a page that was served before shows a change at once, and each token sees its own properties', () => {
    const { get, tenant, users } = company(3)
    const url = '/users?$select=department,mail&$top=2'
    const basic = { roles: ['User.ReadBasic.All'] }
    get(url)

    update(tenant, users[1]!.id, { department: 'Sales' })

    expect(get(url).value).toEqual([
      { department: null, mail: null },
      { department: 'Sales', mail: null },
    ])
    expect(Object.keys(get('/users').value[0]!)).toContain('jobTitle')
    expect(Object.keys(get('/users', basic).value[0]!)).not.toContain('jobTitle')
    tenant.behaviour.limitedInformation = 'always'
    expect(get(url).value[1]).toEqual({ department: null, mail: null })
  })

  it('14.2: a page costs by its options, never less than 1', () => {
    const { get } = company(1)

    expect(get('/users').units).toBe(2)
    expect(get('/users?$select=id').units).toBe(1)
    expect(get('/users?$select=id&$top=5').units).toBe(1)
    expect(get('/groups').units).toBe(1)
  })
})

describe('paging of lists (graph.md 8)', () => {
  it('8.1: a token continues with all options of the first request', () => {
    const { get } = company(7)
    const first = get(
      `/users?$select=displayName&$top=3&$filter=${encodeURIComponent("startsWith(displayName,'User')")}`,
    )

    const second = get(first.nextLink!)

    expect(second.value).toEqual([3, 4, 5].map((i) => ({ displayName: `User ${i}` })))
    expect(second.nextLink).toBeDefined()
  })

  it('19: a token beside $select, on another path, or not one of ours is refused', () => {
    const { get } = company(3)
    const link = get('/users?$top=1').nextLink!

    expect(get(`${link}&$select=id`).status).toBe(400)
    expect(get(link.replace('/users', '/groups'))).toMatchObject({
      status: 400,
      code: 'DirectoryPageTokenNotFoundException',
    })
    expect(get('/users?$skiptoken=abc')).toMatchObject({ status: 400, code: 'DirectoryPageTokenNotFoundException' })
  })

  it('8.2: a page of an advanced query needs its header again', () => {
    const { get } = company(3)
    const filter = encodeURIComponent('department eq null')
    const first = get(`/users?$top=1&$count=true&$filter=${filter}`, EVENTUAL)

    expect(get(first.nextLink!)).toMatchObject({ status: 400, code: 'Request_UnsupportedQuery' })
    expect(get(first.nextLink!, EVENTUAL).status).toBe(200)
  })

  it('8.4: a token expires by the switch with Directory_ExpiredPageToken', () => {
    const { get, tenant, clock } = company(3)
    tenant.behaviour.pageTokenLifeSeconds = 60
    const link = get('/users?$top=1').nextLink!

    clock.advance(60_000)
    expect(get(link).status).toBe(200)
    clock.advance(1000)
    expect(get(link)).toMatchObject({ status: 400, code: 'Directory_ExpiredPageToken' })
    expect(tenant.behaviour.fired.pageTokenLifeSeconds).toBe(1)
  })

  it('8.5: while the tenant changes, a walk shows every user that was there all the time exactly once', () => {
    const change = fc.tuple(fc.constantFrom('hire', 'remove', 'restore', 'purge', 'rename'), fc.nat(60))

    fc.assert(
      fc.property(fc.array(fc.array(change, { maxLength: 4 }), { maxLength: 12 }), fc.boolean(), (bursts, shard) => {
        const { get, tenant, users } = company(40)
        const steady = new Set(users.map((user) => user.id))
        const filter = shard ? `&$filter=${encodeURIComponent("startsWith(userPrincipalName,'u')")}` : ''
        const seen: string[] = []
        let next: string | undefined = `/users?$select=id&$top=5${filter}`
        for (let page = 0; next !== undefined; page++) {
          const answer = get(next)
          seen.push(...answer.value.map((user) => user.id))
          next = answer.nextLink
          for (const [what, index] of bursts[page] ?? []) {
            const user = users[index % users.length]!
            steady.delete(user.id)
            if (what === 'hire') hire(tenant, { userPrincipalName: `n${page}-${index}-${tenant.version}@contoso.com` })
            else if (what === 'restore') {
              if (user.presence === 'deleted') restore(tenant, user.id)
            } else if (what === 'purge') {
              if (user.presence !== 'gone') purge(tenant, user.id)
            } else if (user.presence === 'live') {
              if (what === 'remove') remove(tenant, user.id)
              else rename(tenant, user.id, `u-renamed-${tenant.version}@contoso.com`)
            }
          }
        }
        expect(seen.length).toBe(new Set(seen).size)
        for (const id of steady) expect(seen).toContain(id)
      }),
      { numRuns: 60 },
    )
  })

  it('8.3 (f): the link of a repeated page is refused once, and the third asking gives a good one', () => {
    const { get, tenant } = company(6)
    tenant.behaviour.retriedPageTokenInvalid = true
    const link = get('/users?$top=2').nextLink!

    get(link)
    const retried = get(link)
    const bad = get(retried.nextLink!)
    const again = get(link)

    expect(retried.value.length).toBe(2)
    expect(bad).toMatchObject({ status: 400, code: 'DirectoryPageTokenNotFoundException' })
    expect(get(again.nextLink!).value.length).toBe(2)
    expect(tenant.behaviour.fired.retriedPageTokenInvalid).toBe(1)
  })

  it('8.3 (f): a page answered by a fault counts as asked, so its retry already gives the bad link', () => {
    const { get, tenant } = company(6)
    tenant.behaviour.retriedPageTokenInvalid = true
    const link = get('/users?$top=2').nextLink!

    notePageFailure(tenant, { path: '/users', rawQuery: new URL(link).search.slice(1) })

    expect(get(get(link).nextLink!)).toMatchObject({ status: 400, code: 'DirectoryPageTokenNotFoundException' })
  })

  it('19 (e): a next link that repeats is the link that was asked, so often as the switch says', () => {
    const { get, tenant } = company(6)
    const link = get('/users?$top=2').nextLink!
    tenant.behaviour.repeatNextLink = 1

    expect(get(link).nextLink).toBe(link)
    expect(get(link).nextLink).not.toBe(link)
    expect(tenant.behaviour.fired.repeatNextLink).toBe(1)
  })

  it('19 (g): between pages objects are repeated or lost at the given rate', () => {
    const repeated = company(50)
    repeated.tenant.behaviour.duplicateObjectsInList = 1
    const lost = company(50)
    lost.tenant.behaviour.missingObjectsInList = 1

    const ids = repeated.walk('/users?$top=10&$select=id').value.map((user) => user.id)
    expect(new Set(ids).size).toBe(50)
    expect(ids.length - 50).toBe(repeated.tenant.behaviour.fired.duplicateObjectsInList)
    const found = lost.walk('/users?$top=10&$select=id').value
    expect(50 - found.length).toBe(lost.tenant.behaviour.fired.missingObjectsInList)
    expect(found.length).toBeLessThan(50)
  })

  it('7: groups page like users, and a deleted group is not listed', () => {
    const { tenant, walk } = company(0)
    const groups = Array.from({ length: 130 }, (_, i) => createGroup(tenant, { displayName: `G${i}` }))
    remove(tenant, groups[5]!.id)

    const { pages, value } = walk('/groups?$select=id,groupTypes')

    expect(pages.length).toBe(2)
    expect(value.length).toBe(129)
    expect(value[0]).toEqual({ id: groups[0]!.id, groupTypes: [] })
  })
})

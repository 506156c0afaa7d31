import { describe, expect, it } from 'vitest'
import { graphCalls, EVENTUAL } from '../../test/support/graphcalls.ts'
import { createGroup } from './memberships.ts'
import { hire } from './operations.ts'

function world() {
  const graph = graphCalls()
  const user = (name: string, more: Record<string, unknown> = {}): void => {
    hire(graph.tenant, { userPrincipalName: `${name}@contoso.com`, displayName: name, ...more })
  }
  user('ann', {
    department: 'Sales',
    mail: 'Ann@contoso.com',
    proxyAddresses: ['SMTP:ann@contoso.com'],
    employeeId: '7',
  })
  user("bob.o'brien", { department: null, userType: 'Guest', createdDateTime: '2019-05-01T10:00:00Z' })
  user('cleo', { accountEnabled: false, companyName: 'Contoso', onPremisesLastSyncDateTime: '2026-01-10T00:00:00Z' })
  user('dora', {
    department: 'R&D (Prague), "north"',
    onPremisesExtensionAttributes: { extensionAttribute5: '04:A2' },
    identities: [{ signInType: 'userName', issuer: 'contoso.com', issuerAssignedId: 'dora' }],
  })
  const names = (filter: string, advanced = false): unknown => {
    const extra = advanced ? '&$count=true' : ''
    const url = `/users?$select=displayName&$filter=${encodeURIComponent(filter)}${extra}`
    const answer = graph.get(url, advanced ? EVENTUAL : {})
    return answer.status === 200 ? answer.value.map((one) => one['displayName']) : answer.code
  }
  return { graph, names }
}

describe('$filter (graph.md 9)', () => {
  it('9.2: what the index table serves by default finds the right users, without regard to case', () => {
    const { names } = world()

    expect(names("startsWith(userPrincipalName,'A')")).toEqual(['ann'])
    expect(names("startsWith(userPrincipalName,'bob.o''b')")).toEqual(["bob.o'brien"])
    expect(names("userPrincipalName eq 'CLEO@contoso.com'")).toEqual(['cleo'])
    expect(names("mail eq 'ann@CONTOSO.com'")).toEqual(['ann'])
    expect(names('accountEnabled eq false')).toEqual(['cleo'])
    expect(names("userType eq 'Guest'")).toEqual(["bob.o'brien"])
    expect(names('department eq \'R&D (Prague), "north"\'')).toEqual(['dora'])
    expect(names("department eq 'Sales' or department eq 'None'")).toEqual(['ann'])
    expect(names("(startsWith(displayName,'a') or startsWith(displayName,'c')) and accountEnabled eq true")).toEqual([
      'ann',
    ])
    expect(names("department in ('Sales','R&D (Prague), \"north\"')")).toEqual(['ann', 'dora'])
    expect(names('onPremisesLastSyncDateTime ge 2026-01-01T00:00:00Z')).toEqual(['cleo'])
    expect(names("proxyAddresses/any(p:startsWith(p,'smtp:ann'))")).toEqual(['ann'])
    expect(names("identities/any(i:i/issuer eq 'contoso.com' and i/issuerAssignedId eq 'dora')")).toEqual(['dora'])
  })

  it('9.1: ne, not, endsWith, null and the advanced rows need an advanced query', () => {
    const { names } = world()
    const advanced = [
      ["department ne 'Sales'", ["bob.o'brien", 'cleo', 'dora']],
      ["not(startsWith(displayName,'a'))", ["bob.o'brien", 'cleo', 'dora']],
      ["endsWith(mail,'@contoso.com')", ['ann']],
      ['department eq null', ["bob.o'brien", 'cleo']],
      ['createdDateTime le 2020-01-01T00:00:00Z', ["bob.o'brien"]],
      ["companyName eq 'contoso'", ['cleo']],
      ["startsWith(employeeId,'7')", ['ann']],
      ["onPremisesExtensionAttributes/extensionAttribute5 eq '04:a2'", ['dora']],
    ] as const

    for (const [filter, expected] of advanced) {
      expect([filter, names(filter)]).toEqual([filter, 'Request_UnsupportedQuery'])
      expect([filter, names(filter, true)]).toEqual([filter, expected])
    }
  })

  it('9.2: what the index table does not serve is refused, also as an advanced query', () => {
    const { names } = world()

    for (const filter of [
      "userPrincipalName ge 'a'",
      "displayName gt 'a'",
      "startsWith(id,'a')",
      "contains(displayName,'n')",
      "endsWith(displayName,'n')",
      "startsWith(companyName,'x') and proxyAddresses eq 'x'",
      "businessPhones/any(p:p eq '1')",
      "identities/any(i:i/issuer eq 'contoso.com')",
      'onPremisesExtensionAttributes eq null',
    ]) {
      expect([filter, names(filter, true)]).toEqual([filter, 'Request_UnsupportedQuery'])
    }
  })

  it('9.2: groups have their own table; createdDateTime of a group is not indexed at all', () => {
    const { graph } = world()
    createGroup(graph.tenant, { displayName: 'Teams', groupTypes: ['Unified'], mailEnabled: true, description: 'x' })
    createGroup(graph.tenant, { displayName: 'Doors' })
    const names = (filter: string, options = {}): unknown => {
      const answer = graph.get(`/groups?$select=displayName&$count=true&$filter=${encodeURIComponent(filter)}`, options)
      return answer.status === 200 ? answer.value.map((one) => one['displayName']) : answer.code
    }

    expect(names("groupTypes/any(c:c eq 'Unified')")).toEqual(['Teams'])
    expect(names('securityEnabled eq true and mailEnabled eq false')).toEqual(['Doors'])
    expect(names("description eq 'x'")).toBe('Request_UnsupportedQuery')
    expect(names("description eq 'x'", EVENTUAL)).toEqual(['Teams'])
    expect(names('createdDateTime ge 2020-01-01T00:00:00Z', EVENTUAL)).toBe('Request_UnsupportedQuery')
  })

  it('9.1: more than 15 values of in and texts over 120 characters need an advanced query', () => {
    const { names } = world()
    const many = `displayName in (${Array.from({ length: 16 }, (_, i) => `'n${i}'`).join(',')},'ann')`
    const long = `displayName eq '${'x'.repeat(121)}'`

    expect(names(many)).toBe('Request_UnsupportedQuery')
    expect(names(many, true)).toEqual(['ann'])
    expect(names(long)).toBe('Request_UnsupportedQuery')
    expect(names(long, true)).toEqual([])
  })

  it('6.3: what is no expression is a 400 BadRequest', () => {
    const { names } = world()

    for (const filter of [
      "displayName eq 'ann",
      'displayName eq',
      "displayName like 'a'",
      "nosuch eq 'a'",
      "displayName eq 'a') or (1 eq 1",
      "startsWith(displayName 'a')",
      '('.repeat(500),
    ]) {
      expect([filter, names(filter)]).toEqual([filter, 'BadRequest'])
    }
  })

  it('17.3: shards by the first character of the UPN add up to everybody, whatever the page size', () => {
    const { graph } = world()
    for (let i = 0; i < 300; i++)
      hire(graph.tenant, { userPrincipalName: `${'abÄİ+_'.charAt(i % 6)}x${i}@contoso.com` })

    const found = ['a', 'b', 'c', 'd', 'ä', 'İ', '+', '_'].flatMap((first) => {
      const filter = encodeURIComponent(`startsWith(userPrincipalName,'${first}')`)
      return graph.walk(`/users?$select=id&$top=7&$filter=${filter}`).value.map((user) => user.id)
    })

    expect(found.length).toBe(304)
    expect(new Set(found).size).toBe(304)
  })
})

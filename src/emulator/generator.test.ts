import { describe, expect, it } from 'vitest'
import { stillClock } from '../../test/support/emulated.ts'
import { generateTenant } from './generator.ts'
import { purgeExpired } from './operations.ts'
import { demoCompany } from './tenants/contoso.ts'
import type { DirectoryObject } from './object.ts'
import type { Tenant } from './tenant.ts'

const MANY = { users: 3_000, groups: 300, memberships: 20_000, seed: 5, clock: stillClock }

function propertyOf(tenant: Tenant, name: string): unknown[] {
  return [...tenant.live('user')].map((user) => user.properties[name])
}

function edges(tenant: Tenant, kind: string): number {
  let count = 0
  for (const group of tenant.live('group')) for (const no of group.members) if (tenant.at(no).kind === kind) count++
  return count
}

function reaches(tenant: Tenant, from: DirectoryObject, to: DirectoryObject): boolean {
  const seen = new Set<number>()
  const queue = [...from.members]
  for (let no = queue.pop(); no !== undefined; no = queue.pop()) {
    if (no === to.no) return true
    if (!seen.has(no)) queue.push(...tenant.at(no).members)
    seen.add(no)
  }
  return false
}

describe('a generated tenant', () => {
  // Read only by the tests that share it.
  const tenant = generateTenant(MANY)

  it.each([
    [10, 3, 20],
    [10, 0, 0],
    [1, 5, 5],
    [7, 4, 28],
    [1_000, 100, 5_000],
    [500, 200, 60_000],
  ])('has exactly %i users, %i groups and %i user memberships', (users, groups, memberships) => {
    const tenant = generateTenant({ users, groups, memberships, seed: 3, clock: stillClock })

    expect([tenant.count('user'), tenant.count('group'), edges(tenant, 'user')]).toEqual([users, groups, memberships])
  })

  it('is the same for the same seed, object for object, and another for another', () => {
    const show = (seed: number) => {
      const tenant = generateTenant({ ...MANY, users: 200, groups: 20, memberships: 900, seed })
      return [...tenant.live('user'), ...tenant.live('group')].map((object) => [
        object.properties,
        object.members,
        object.managerNo,
      ])
    }

    expect(show(1)).toEqual(show(1))
    expect(show(1)).not.toEqual(show(2))
  })

  it('refuses more memberships than there is room for', () => {
    expect(() => generateTenant({ ...MANY, users: 3, groups: 2, memberships: 7 })).toThrow(RangeError)
  })

  it('keeps edges consistent, ascending and without doubles', () => {
    const isAscending = (list: readonly number[]) => list.every((no, i) => i === 0 || (list[i - 1] ?? 0) < no)

    for (const group of tenant.live('group')) {
      expect(isAscending(group.members)).toBe(true)
      for (const no of group.members) if (!tenant.at(no).memberOf.includes(group.no)) throw new Error('one-sided edge')
    }
    for (const user of tenant.live('user')) if (!isAscending(user.memberOf)) throw new Error('not ascending')
  })

  it('has a long tail of group sizes, empty groups, nested and cyclic groups, devices and service principals', () => {
    const groups = [...tenant.live('group')]
    const sizes = groups
      .map((group) => group.members.filter((no) => tenant.at(no).kind === 'user').length)
      .sort((a, b) => a - b)

    expect(sizes.at(-1)).toBeGreaterThan(20 * (sizes[150] ?? 0))
    expect(sizes[0]).toBe(0)
    expect(edges(tenant, 'group')).toBeGreaterThan(20)
    expect(edges(tenant, 'device')).toBeGreaterThan(5)
    expect(edges(tenant, 'servicePrincipal')).toBeGreaterThan(1)
    expect(groups.filter((group) => reaches(tenant, group, group)).length).toBeGreaterThanOrEqual(5)
  })

  it('has every kind of group, with members that Entra lets into it (graph.md 4)', () => {
    const tenant = generateTenant({ ...MANY, hiddenGroups: 2 })
    const kinds = new Map<string, number>()
    for (const { properties, members } of tenant.live('group')) {
      const types = Array.isArray(properties['groupTypes']) ? properties['groupTypes'] : ['none']
      const kind = [types.join(), properties['mailEnabled'], properties['securityEnabled']].join('/')
      kinds.set(kind, (kinds.get(kind) ?? 0) + 1)
      if (types.length > 0 && members.some((no) => tenant.at(no).kind !== 'user'))
        throw new Error(`${kind} has no person in it`)
    }

    for (const kind of [
      '/false/true',
      'Unified/true/false',
      'Unified/true/true',
      '/true/true',
      '/true/false',
      'DynamicMembership/false/true',
    ])
      expect(kinds.get(kind)).toBeGreaterThan(0)
    expect(
      [...tenant.live('group')].filter((group) => group.properties['visibility'] === 'HiddenMembership'),
    ).toHaveLength(2)
  })

  it('has guests, disabled, synced, once synced and cloud-only people', () => {
    const share = (name: string, value: unknown) =>
      propertyOf(tenant, name).filter((found) => found === value).length / MANY.users

    expect(share('userType', 'Guest')).toBeGreaterThan(0.03)
    expect(share('accountEnabled', false)).toBeGreaterThan(0.02)
    expect(share('onPremisesSyncEnabled', true)).toBeGreaterThan(0.4)
    expect(share('onPremisesSyncEnabled', false)).toBeGreaterThan(0)
    expect(share('onPremisesSyncEnabled', undefined)).toBeGreaterThan(0.3)
    expect(
      propertyOf(tenant, 'userPrincipalName').some((upn) => String(upn).includes('#EXT#@contoso.onmicrosoft.com')),
    ).toBe(true)
  })

  it('has unique user names and cards, apostrophes, other scripts, and names that begin as few expect', () => {
    const upns = propertyOf(tenant, 'userPrincipalName').map((upn) => String(upn).toLowerCase())
    const cards = propertyOf(tenant, 'onPremisesExtensionAttributes').flatMap((value) =>
      typeof value === 'object' && value !== null && 'extensionAttribute5' in value ? [value.extensionAttribute5] : [],
    )

    expect(new Set(upns).size).toBe(MANY.users)
    expect(new Set(cards).size).toBe(cards.length)
    expect(cards.every((card) => /^([0-9A-F]{2}:){6}[0-9A-F]{2}$/.test(String(card)))).toBe(true)
    expect(cards.length).toBeGreaterThan(MANY.users / 2)
    expect(upns.some((upn) => /^[^@]*'/.test(upn))).toBe(true)
    expect(upns.some((upn) => !/^[a-z0-9]/.test(upn))).toBe(true)
    expect(propertyOf(tenant, 'displayName').some((name) => /[\u0370-\uffff]/.test(String(name)))).toBe(true)
    expect(Math.max(...propertyOf(tenant, 'displayName').map((name) => String(name).length))).toBeGreaterThan(200)
    expect(
      Math.max(...propertyOf(tenant, 'employeeId').map((id) => (typeof id === 'string' ? id.length : 0))),
    ).toBeLessThanOrEqual(16)
  })

  it('tells cleared from never set, and has empty and padded values', () => {
    const departments = propertyOf(tenant, 'department')

    expect(departments).toContain(null)
    expect(departments).toContain(undefined)
    expect(departments).toContain('')
    expect(departments.some((name) => typeof name === 'string' && name !== '' && name.trim() !== name)).toBe(true)
  })

  it('gives most people a manager, and nobody himself', () => {
    const users = [...tenant.live('user')]

    expect(users.filter((user) => user.managerNo >= 0).length / MANY.users).toBeGreaterThan(0.7)
    expect(users.some((user) => user.managerNo === user.no)).toBe(false)
  })
})

describe('Contoso, the company of the demo', () => {
  it('has forty people with unique cards, departments with members, a hidden group and a full recycle bin', () => {
    const tenant = demoCompany({ clock: stillClock })
    const everyone = [...tenant.live('group')].find((group) => group.properties['displayName'] === 'All Staff')

    expect(tenant.count('user')).toBe(39)
    expect(tenant.recycleBin).toHaveLength(1)
    expect(everyone?.members.every((no) => tenant.at(no).kind === 'group' && tenant.at(no).members.length > 0)).toBe(
      true,
    )
    expect([...tenant.live('group')].some((group) => group.properties['visibility'] === 'HiddenMembership')).toBe(true)
    expect(tenant.findByUpn("siobhan.o'brien@contoso.com")?.properties['department']).toBe('Customer Support')
    expect(
      [...tenant.live('user')].filter((user) => user.managerNo < 0 && user.properties['userType'] === 'Member').length,
    ).toBe(2)
  })

  it('is the same every time, and keeps its recycle bin for thirty days', () => {
    const ids = () => [...demoCompany({ clock: stillClock }).live('user')].map((user) => user.id)
    const tenant = demoCompany({ clock: stillClock })

    purgeExpired(tenant)

    expect(ids()).toEqual(ids())
    expect(tenant.at(tenant.recycleBin[0] ?? -1).presence).toBe('deleted')
  })
})

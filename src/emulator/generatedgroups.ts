// The groups of a generated tenant: every kind, long-tailed sizes, nesting with cycles, members that are no people.
import type { GeneratorContext } from './generatedusers.ts'
import { GROUP_WORDS } from './names.ts'
import { insertNumber } from './sorted.ts'
import type { DirectoryObject } from './object.ts'

interface GroupCounts {
  readonly users: number
  readonly groups: number
  /** Exact number of user memberships. */
  readonly memberships: number
  readonly hiddenGroups: number
}

/** Inserts groups, devices and service principals after the users. */
export function generateGroups(context: GeneratorContext, counts: GroupCounts): void {
  const { tenant } = context
  const users = tenant.numbers('user')
  const groups: DirectoryObject[] = []
  for (let index = 0; index < counts.groups; index++)
    groups.push(tenant.insert('group', groupProperties(context, { index, hiddenGroups: counts.hiddenGroups })))
  const sizes = drawSizes(context, counts)
  groups.forEach((group, index) => addUsers(context, { group, users, size: sizes[index] ?? 0 }))
  const nestable = groups.filter((group) => isPlain(group))
  nest(context, nestable)
  addThings(context, nestable)
}

function groupProperties(
  context: GeneratorContext,
  about: { readonly index: number; readonly hiddenGroups: number },
): Record<string, unknown> & { id: string } {
  const { random, domain, nowMs } = context
  const { index, hiddenGroups } = about
  const displayName = `${random.pick(GROUP_WORDS)} ${index + 1}`
  const nickname = `group${index + 1}`
  const drawn = index < hiddenGroups ? 0.6 : random.next()
  const base = {
    id: random.guid(),
    displayName,
    createdDateTime: `${new Date(nowMs - random.int(2_000) * 86_400_000).toISOString().slice(0, 19)}Z`,
    proxyAddresses: [],
    mailNickname: nickname,
    ...(random.next() < 0.5 ? { description: `${displayName} – popis` } : {}),
  }
  const mailed = { mail: `${nickname}@${domain}`, mailEnabled: true, proxyAddresses: [`SMTP:${nickname}@${domain}`] }
  if (drawn < 0.55)
    return {
      ...base,
      groupTypes: [],
      mailEnabled: false,
      securityEnabled: true,
      ...(random.next() < 0.3 ? { onPremisesSyncEnabled: true, onPremisesSamAccountName: nickname } : {}),
    }
  if (drawn < 0.8) {
    const visibility = index < hiddenGroups ? 'HiddenMembership' : random.pick(['Private', 'Public'])
    return { ...base, ...mailed, groupTypes: ['Unified'], securityEnabled: random.next() < 0.3, visibility }
  }
  if (drawn < 0.86) return { ...base, ...mailed, groupTypes: [], securityEnabled: true }
  if (drawn < 0.93) return { ...base, ...mailed, groupTypes: [], securityEnabled: false }
  return {
    ...base,
    groupTypes: ['DynamicMembership'],
    mailEnabled: false,
    securityEnabled: true,
    membershipRule: '(user.accountEnabled -eq true)',
    membershipRuleProcessingState: 'On',
  }
}

/** Sizes with a long tail that add up exactly, none above the number of users. About one group in twenty-five is empty. */
function drawSizes(context: GeneratorContext, counts: GroupCounts): number[] {
  const { random } = context
  const { users, groups, memberships } = counts
  // Pareto with exponent 1.1: most groups small, a few holding a large part of the tenant.
  const weights = Array.from({ length: groups }, () => (random.next() < 0.04 ? 0 : (1 - random.next()) ** (-1 / 1.1)))
  const sum = weights.reduce((a, b) => a + b, 0)
  const sizes = weights.map((weight) => Math.min(users, Math.floor((weight / sum) * memberships) || 0))
  let missing = memberships - sizes.reduce((a, b) => a + b, 0)
  // What rounding and the limit took away goes around; groups drawn empty stay so as long as the others have room.
  while (missing > 0) {
    const fillsEmpty = !sizes.some((size, at) => size < users && weights[at] !== 0)
    for (let at = 0; at < groups && missing > 0; at++) {
      const size = sizes[at] ?? 0
      if (size >= users || (weights[at] === 0 && !fillsEmpty)) continue
      const more = Math.min(missing, users - size, Math.max(1, Math.floor(size / 4)))
      sizes[at] = size + more
      missing -= more
    }
  }
  return sizes
}

/** Different people at an even stride from a random start: as many as asked for, without a set of those drawn. */
function addUsers(
  context: GeneratorContext,
  about: { readonly group: DirectoryObject; readonly users: readonly number[]; readonly size: number },
): void {
  const { random, tenant } = context
  const { group, users, size } = about
  if (size === 0) return
  const count = users.length
  let stride = 1 + random.int(count)
  while (greatestDivisor(stride, count) !== 1) stride++
  const start = random.int(count)
  const drawn = new Uint32Array(size)
  for (let i = 0; i < size; i++) drawn[i] = (start + i * stride) % count
  drawn.sort()
  for (const at of drawn) {
    const no = users[at]
    if (no === undefined) continue
    group.members.push(no)
    tenant.at(no).memberOf.push(group.no)
  }
}

function greatestDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestDivisor(b, a % b)
}

/** A security group without rules about its members. */
function isPlain(group: DirectoryObject): boolean {
  const { groupTypes, mailEnabled } = group.properties
  return Array.isArray(groupTypes) && groupTypes.length === 0 && mailEnabled === false
}

// One group in five has a parent; the first ones form a ring of two and a ring of three where there are enough.
function nest(context: GeneratorContext, groups: readonly DirectoryObject[]): void {
  const { random } = context
  for (let at = 10; at < groups.length; at++) {
    const child = groups[at]
    const parent = groups[random.int(at)]
    if (child !== undefined && parent !== undefined && random.next() < 0.2) link(parent, child)
  }
  if (groups.length < 8) return
  for (const [parentAt, childAt] of [
    [0, 1],
    [1, 0],
    [2, 3],
    [3, 4],
    [4, 2],
  ] as const) {
    const parent = groups[parentAt]
    const child = groups[childAt]
    if (parent !== undefined && child !== undefined) link(parent, child)
  }
}

function addThings(context: GeneratorContext, groups: readonly DirectoryObject[]): void {
  const { tenant, random } = context
  if (groups.length === 0) return
  for (let i = 0; i < Math.ceil(groups.length / 4); i++) {
    const isDevice = i % 4 !== 3
    const id = random.guid()
    const thing = isDevice
      ? tenant.insert('device', {
          id,
          displayName: `LAPTOP-${i + 1}`,
          deviceId: random.guid(),
          accountEnabled: true,
          operatingSystem: 'Windows',
        })
      : tenant.insert('servicePrincipal', {
          id,
          displayName: `Robot ${i + 1}`,
          appId: random.guid(),
          accountEnabled: true,
          servicePrincipalType: 'Application',
        })
    link(random.pick(groups), thing)
  }
}

function link(group: DirectoryObject, member: DirectoryObject): void {
  if (insertNumber(group.members, member.no)) insertNumber(member.memberOf, group.no)
}

// Resource units (graph.md 14.2).
import type { Options } from './odata.ts'

/** Base costs; everything that is not listed costs 1. */
export const BASE_UNITS = {
  users: 2,
  members: 3,
  transitiveMembers: 5,
  getByIds: 5,
  memberOf: 2,
  transitiveMemberOf: 2,
  getMemberGroups: 2,
  checkMemberGroups: 4,
  applications: 2,
  other: 1,
} as const

/** What a call costs with these options: `$select` -1, `$expand` +1, `$top` below 20 -1, never below 1. */
export function unitsOf(base: number, options: Options): number {
  const top = Number(options.get('$top') ?? Number.NaN)
  const discount = (options.has('$select') ? 1 : 0) + (top < 20 ? 1 : 0)
  return Math.max(1, base - discount + (options.has('$expand') ? 1 : 0))
}

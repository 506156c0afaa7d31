// The directory as it was a moment ago: what a lagging index and a lagging delta show (graph.md 9.1, 12.7).
import type { Snapshot } from './changelog.ts'
import type { DirectoryObject } from './object.ts'
import type { Tenant } from './tenant.ts'

/** How the directory looks to one request. */
export interface View {
  /** The object as the request sees it. */
  stateOf(object: DirectoryObject): Snapshot
  /** Numbers of a group's members as the request sees them, ascending. */
  membersOf(group: DirectoryObject): readonly number[]
  /** True when nothing differs from the present. */
  readonly isPresent: boolean
}

const PRESENT: View = {
  stateOf: (object) => object,
  membersOf: (group) => group.members,
  isPresent: true,
}

/** The view as of a change number. */
export function viewAt(tenant: Tenant, seq: number): View {
  if (seq >= tenant.log.lastSeq) return PRESENT
  const states = new Map<number, Snapshot>()
  const edges = new Map<number, Map<number, boolean>>()
  for (const change of tenant.log.between(seq, tenant.log.lastSeq)) {
    if (change.before !== undefined) {
      if (!states.has(change.no)) states.set(change.no, change.before)
      continue
    }
    let group = edges.get(change.no)
    if (group === undefined) {
      group = new Map()
      edges.set(change.no, group)
    }
    if (!group.has(change.memberNo)) group.set(change.memberNo, change.what === 'memberRemoved')
  }
  return {
    stateOf: (object) => states.get(object.no) ?? object,
    membersOf(group) {
      const before = edges.get(group.no)
      if (before === undefined) return group.members
      const members = group.members.filter((no) => before.get(no) !== false)
      for (const [no, wasMember] of before) if (wasMember && !members.includes(no)) members.push(no)
      return members.sort((a, b) => a - b)
    },
    isPresent: false,
  }
}

/** The view of `lagSeconds` ago; changes older than the log are always seen. */
export function laggingView(tenant: Tenant, lagSeconds: number): View {
  if (lagSeconds <= 0) return PRESENT
  return viewAt(tenant, tenant.log.seqAt(tenant.nowMs() - lagSeconds * 1000))
}

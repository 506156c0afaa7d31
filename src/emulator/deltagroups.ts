// One page of groups/delta. Members come in slices: a page holds about 500 of them, so a large group is told many
// times, and small groups share a page (graph.md 12.3, 12.5).
import { countFired } from './behaviour.ts'
import {
  type DeltaPage,
  type DeltaPageRequest,
  isTracked,
  namesToTell,
  relationEntry,
  removedEntry,
  strayRemovals,
} from './deltaentries.ts'
import { isStart, START } from './deltatoken.ts'
import { canSeeMembers } from './permissions.ts'
import type { Call } from './respond.ts'
import type { ObjectChange } from './rounds.ts'
import { hasNumber, indexAfter } from './sorted.ts'
import type { DirectoryObject } from './object.ts'
import { deltaShaper, type Shown } from './write.ts'

/** With `interleaveGroups`: so many groups are told side by side. */
const MAX_OPEN = 3

/** Something to tell: a group's number in an initial round, its folded change in a later one. */
type Item = number | ObjectChange

interface Slice {
  readonly entry: Shown | undefined
  readonly memberCount: number
  /** Where the group's members go on; `undefined` when it is told in full. */
  readonly next: number | undefined
}

/**
 * Position: `after` is the last begun group (its number, or its place among the changes), `open` are groups whose
 * members are not all told yet.
 */
export function groupsPage(call: Call, request: DeltaPageRequest): DeltaPage {
  const { from, position, ids } = request.round
  const { behaviour, tenant } = call
  const isInitial = from < 0
  const entries = isInitial && isStart(position) ? strayRemovals(call, 'group') : []
  const items: readonly Item[] = isInitial
    ? tenant.numbers('group')
    : tenant.rounds.fold(tenant, 'group', request.round)
  const wanted = ids === undefined ? undefined : new Set(ids)
  const tell = teller(call, request)
  // strays do not count: every page gets further
  const limit = entries.length + behaviour.deltaPageSize
  const open: (readonly [number, number])[] = []
  let budget = behaviour.deltaMembersPerPage
  const share = behaviour.interleaveGroups
    ? Math.max(1, Math.floor(budget / 2 / Math.max(1, position.open.length)))
    : budget
  for (const [key, place] of position.open) {
    const item = isInitial ? key : items[key]
    if (item === undefined) continue
    const slice = tell(item, place, Math.min(share, Math.max(1, budget)))
    budget -= slice.memberCount
    if (slice.entry !== undefined) entries.push(slice.entry)
    if (slice.next !== undefined) open.push([key, slice.next])
  }
  if (open.length > 0 && behaviour.interleaveGroups) countFired(behaviour, 'interleaveGroups')
  let index = isInitial ? indexAfter(tenant.numbers('group'), position.after) : position.after + 1
  const maxOpen = behaviour.interleaveGroups ? MAX_OPEN : 1
  for (; index < items.length; index++) {
    if (entries.length >= limit || budget <= 0 || open.length >= maxOpen) break
    const item = items[index]
    if (item === undefined || (wanted !== undefined && !wanted.has(tenant.at(numberOf(item)).id))) continue
    const slice = tell(item, -1, budget)
    budget -= slice.memberCount
    if (slice.entry !== undefined) entries.push(slice.entry)
    if (slice.next !== undefined) open.push([isInitial ? numberOf(item) : index, slice.next])
  }
  if (index >= items.length && open.length === 0) return { entries, next: undefined }
  const last = items[index - 1]
  const after = isInitial ? (last === undefined ? -1 : numberOf(last)) : index - 1
  return { entries, next: { ...START, after, open } }
}

function numberOf(item: Item): number {
  return typeof item === 'number' ? item : item.no
}

type Teller = (item: Item, place: number, budget: number) => Slice

function teller(call: Call, request: DeltaPageRequest): Teller {
  const show = deltaShaper(request.names)
  return (item, place, budget) => {
    const change = typeof item === 'number' ? undefined : item
    const group = call.tenant.at(numberOf(item))
    const state = request.view.stateOf(group)
    if (state.presence !== 'live') {
      return {
        entry: change === undefined ? undefined : removedEntry(group, state.presence),
        memberCount: 0,
        next: undefined,
      }
    }
    const isWhole = change === undefined || change.isNew
    const members = memberSlice(call, request, { group, change: isWhole ? undefined : change, place, budget })
    // deleted and restored between two rounds: who left in the meantime is told too, for the group never seemed gone
    if (isWhole && change !== undefined && place < 0) members.entries.push(...leavers(call, request, change))
    const names = isWhole ? request.names : namesToTell(request, change.names, group)
    const shown = (names === request.names ? show : deltaShaper(names))(state.properties)
    const hasMembers = members.entries.length > 0
    if (hasMembers) shown['members@delta'] = members.entries
    const isTold = isWhole ? place < 0 || hasMembers : hasMembers || isTracked(request, change.names)
    return { entry: isTold ? shown : undefined, memberCount: members.entries.length, next: members.next }
  }
}

/** `change` absent: every present member after number `place`; else the touched ones after that place. */
function memberSlice(
  call: Call,
  request: DeltaPageRequest,
  given: {
    readonly group: DirectoryObject
    readonly change: ObjectChange | undefined
    readonly place: number
    readonly budget: number
  },
): { entries: Shown[]; next: number | undefined } {
  const { group, change, place, budget } = given
  if (!request.tracksRelation) return { entries: [], next: undefined }
  if (!canSeeMembers(call, group)) {
    countFired(call.behaviour, 'hiddenMembership')
    return { entries: [], next: undefined }
  }
  const present = request.view.membersOf(group)
  const numbers = change?.members ?? present
  const isInitialSlice = change === undefined && request.round.from < 0 && place < 0
  const entries = isInitialSlice && call.behaviour.removedInInitialRound ? [strayMember(call)] : []
  let index = change === undefined ? indexAfter(present, place) : place + 1
  // strays and doubled edges do not count: a slice always gets at least one member further
  let toldCount = 0
  for (; index < numbers.length && toldCount < budget; index++) {
    const member = call.tenant.at(numbers[index] ?? -1)
    if (change === undefined && request.view.stateOf(member).presence !== 'live') continue
    const isMember = change === undefined || hasNumber(present, member.no)
    // an initial round shows one doubtful member a slice, a later one every edge that changed
    const isDoubtful = change !== undefined || toldCount === 0
    toldCount += 1
    entries.push(...edgeEntries(call, { member, isMember, isDoubtful }))
  }
  if (index >= numbers.length) return { entries, next: undefined }
  return { entries, next: change === undefined ? numbers[index - 1] : index - 1 }
}

function leavers(call: Call, request: DeltaPageRequest, change: ObjectChange): Shown[] {
  const group = call.tenant.at(change.no)
  if (!request.tracksRelation || !canSeeMembers(call, group)) return []
  const present = request.view.membersOf(group)
  return change.members.filter((no) => !hasNumber(present, no)).map((no) => relationEntry(call.tenant.at(no), true))
}

function edgeEntries(
  call: Call,
  edge: { readonly member: DirectoryObject; readonly isMember: boolean; readonly isDoubtful: boolean },
): Shown[] {
  const added = relationEntry(edge.member, false)
  const removed = relationEntry(edge.member, true)
  const truth = edge.isMember ? added : removed
  const order = edge.isDoubtful ? call.behaviour.addAndRemoveOrder : 'net'
  if (order === 'net') return [truth]
  countFired(call.behaviour, 'addAndRemoveOrder')
  if (order === 'both') return edge.isMember ? [removed, added] : [added, removed]
  return edge.isMember ? [added, removed] : [removed]
}

function strayMember(call: Call): Shown {
  return relationEntry({ kind: 'user', id: call.tenant.random.guid() }, true)
}

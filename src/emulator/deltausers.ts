// One page of users/delta.
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
import { managerOf } from './edges.ts'
import type { Call } from './respond.ts'
import type { ObjectChange } from './rounds.ts'
import { indexAfter } from './sorted.ts'
import type { DirectoryObject } from './object.ts'
import { deltaShaper, type Shown } from './write.ts'

/**
 * Position: after which number the walk goes on; in a round of changes after which place among them. With
 * `managerRepeat` a second pass tells the managers.
 */
export function usersPage(call: Call, request: DeltaPageRequest): DeltaPage {
  const { from, position, ids } = request.round
  const isInitial = from < 0
  const repeatsManagers = request.tracksRelation && call.behaviour.managerRepeat
  const entries = isInitial && isStart(position) ? strayRemovals(call, 'user') : []
  const wanted = ids === undefined ? undefined : new Set(ids)
  const items = isInitial ? call.tenant.numbers('user') : call.tenant.rounds.fold(call.tenant, 'user', request.round)
  let index = isInitial ? indexAfter(call.tenant.numbers('user'), position.after) : position.after + 1
  // strays do not count: every page gets further
  const limit = entries.length + call.behaviour.deltaPageSize
  const tell = teller(call, request, repeatsManagers)
  for (; index < items.length; index++) {
    if (entries.length >= limit) break
    const item = items[index]
    const no = typeof item === 'number' ? item : item?.no
    const object = call.tenant.at(no ?? -1)
    if (wanted !== undefined && !wanted.has(object.id)) continue
    const entry = tell(object, typeof item === 'number' ? undefined : item)
    if (entry !== undefined) entries.push(entry)
  }
  if (index < items.length) {
    const last = items[index - 1]
    const after = isInitial && typeof last === 'number' ? last : index - 1
    return { entries, next: { ...START, pass: position.pass, after } }
  }
  if (repeatsManagers && position.pass === 0) {
    countFired(call.behaviour, 'managerRepeat')
    return { entries, next: { ...START, pass: 1 } }
  }
  return { entries, next: undefined }
}

type Teller = (object: DirectoryObject, change: ObjectChange | undefined) => Shown | undefined

function teller(call: Call, request: DeltaPageRequest, repeatsManagers: boolean): Teller {
  const show = deltaShaper(request.names)
  const isManagerPass = request.round.position.pass === 1
  return (object, change) => {
    const state = request.view.stateOf(object)
    if (state.presence !== 'live') {
      return change === undefined || isManagerPass ? undefined : removedEntry(object, state.presence)
    }
    const manager = request.tracksRelation ? managerDelta(call, request, { object, change }) : undefined
    if (isManagerPass) return manager === undefined ? undefined : { id: object.id, 'manager@delta': manager }
    const isManagerTold = manager !== undefined && !repeatsManagers
    const isWhole = change === undefined || change.isNew
    if (!isWhole && !isManagerTold && !isTracked(request, change.names)) return undefined
    const isFull = isWhole || !request.isMinimal
    const shown = (isFull ? show : deltaShaper(namesToTell(request, change.names, object)))(state.properties)
    if (isManagerTold) shown['manager@delta'] = manager
    return shown
  }
}

/** What `manager@delta` holds; `undefined` when there is nothing to tell (graph.md 12.2). */
function managerDelta(
  call: Call,
  request: DeltaPageRequest,
  given: { readonly object: DirectoryObject; readonly change: ObjectChange | undefined },
): Shown[] | undefined {
  const { object, change } = given
  const manager = managerOf(call, object, request.view)
  const told = manager === undefined ? [] : [relationEntry(manager, false)]
  if (change !== undefined && !change.isNew) {
    if (change.formerManagers.size === 0) return undefined
    for (const former of change.formerManagers) {
      // also those of a moment: a page told before may have shown one of them
      if (former >= 0 && former !== manager?.no) told.unshift(relationEntry(call.tenant.at(former), true))
    }
  }
  return told.length === 0 ? undefined : told
}

// What both deltas share: the shape of a page's request and of its entries (graph.md 12.2, 12.4).
import { countFired } from './behaviour.ts'
import type { Position, Round } from './deltatoken.ts'
import type { Call } from './respond.ts'
import { isExtension, NOT_IN_DELTA } from './schema.ts'
import type { DirectoryObject } from './object.ts'
import type { View } from './view.ts'
import type { Shown } from './write.ts'

/** What a page builder needs to know. */
export interface DeltaPageRequest {
  readonly round: Round
  /** As of the end of the round when changes are held back, else the present. */
  readonly view: View
  /** Properties to tell. */
  readonly names: readonly string[]
  /** Whether a change of any property counts, or only of those told. */
  readonly tracksAll: boolean
  /** Whether managers or members are tracked. */
  readonly tracksRelation: boolean
  /** `Prefer: return=minimal`. */
  readonly isMinimal: boolean
}

export interface DeltaPage {
  readonly entries: Shown[]
  /** `undefined` when the round is complete. */
  readonly next: Position | undefined
}

/** `@removed` of an object that is not live. */
export function removedEntry(object: DirectoryObject, presence: 'deleted' | 'gone'): Shown {
  return { id: object.id, '@removed': { reason: presence === 'gone' ? 'deleted' : 'changed' } }
}

/** A directory object as the relations of a delta tell it. */
export function relationEntry(object: Pick<DirectoryObject, 'kind' | 'id'>, isRemoved: boolean): Shown {
  const entry: Shown = { '@odata.type': `#microsoft.graph.${object.kind}`, id: object.id }
  if (isRemoved) entry['@removed'] = { reason: 'deleted' }
  return entry
}

/** `@removed` entries that an initial round may hold: a few objects that are gone, and one nobody ever saw. */
export function strayRemovals(call: Call, resource: 'user' | 'group'): Shown[] {
  if (!call.behaviour.removedInInitialRound) return []
  countFired(call.behaviour, 'removedInInitialRound')
  const entries: Shown[] = [{ id: call.tenant.random.guid(), '@removed': { reason: 'changed' } }]
  for (const no of call.tenant.numbers(resource)) {
    if (entries.length > 3) break
    const object = call.tenant.at(no)
    if (object.presence !== 'live') entries.push(removedEntry(object, object.presence))
  }
  return entries
}

/**
 * Which properties of a changed object are told: all of them, or with `return=minimal` the changed ones, where a
 * changed directory extension brings every other of the same data type (graph.md 12.2).
 */
export function namesToTell(
  request: DeltaPageRequest,
  changed: ReadonlySet<string>,
  object: DirectoryObject,
): readonly string[] {
  if (!request.isMinimal) return request.names
  const types = new Set([...changed].filter(isExtension).map((name) => typeof object.properties[name]))
  return request.names.filter(
    (name) => changed.has(name) || (isExtension(name) && types.has(typeof object.properties[name])),
  )
}

/** Whether a change of these properties belongs into the round. */
export function isTracked(request: DeltaPageRequest, changed: ReadonlySet<string>): boolean {
  if (!request.tracksAll) return request.names.some((name) => changed.has(name))
  return [...changed].some((name) => !NOT_IN_DELTA.has(name))
}

// The shapes of Graph's answers, as far as they are used. Anything else in them is not looked at.
import type { Attributes, MemberEntry, MemberType, RemovedReason } from '../directory/change.ts'
import { type ObjectId, parseObjectId } from '../directory/ids.ts'
import { asRecord, parseJson } from './body.ts'
import { BadAnswer } from './errors.ts'

export type Raw = Readonly<Record<string, unknown>>

/** One page of a collection. */
export interface Envelope {
  readonly value: readonly Raw[]
  readonly nextLink: string | undefined
  readonly deltaLink: string | undefined
}

/** @throws BadAnswer when the body is not a complete collection */
export function readEnvelope(body: Buffer): Envelope {
  return toEnvelope(parseJson(body))
}

/** As {@link readEnvelope}, for a body that was already parsed. */
export function toEnvelope(parsed: unknown): Envelope {
  const page = asRecord(parsed)
  const value = page?.['value']
  if (page === undefined || !Array.isArray(value)) throw new BadAnswer('the answer has no value array')
  for (const item of value) if (asRecord(item) === undefined) throw new BadAnswer('the answer lists something odd')
  return { value, nextLink: linkIn(page, '@odata.nextLink'), deltaLink: linkIn(page, '@odata.deltaLink') }
}

/** @throws BadAnswer unless the page has exactly one of next link and delta link */
export function requireDeltaEnvelope(page: Envelope): Envelope {
  if ((page.nextLink === undefined) === (page.deltaLink === undefined))
    throw new BadAnswer('a delta page must have either a next link or a delta link')
  return page
}

/** @throws BadAnswer when the object has no id */
export function objectIdOf(raw: Raw): ObjectId {
  const id = raw['id']
  const objectId = typeof id === 'string' ? parseObjectId(id) : undefined
  if (objectId === undefined) throw new BadAnswer('an object in the answer has no id')
  return objectId
}

/** Reason of an `@removed` annotation; undefined when the object is not removed. */
export function removedOf(raw: Raw): RemovedReason | undefined {
  const removed = raw['@removed']
  if (removed === undefined || removed === null) return undefined
  const reason = asRecord(removed)?.['reason']
  return reason === 'changed' || reason === 'deleted' ? reason : 'unknown'
}

/** Members of unknown types so far, by type. */
export type UnknownMembers = Map<string, number>

/** Kind of a member in a mixed collection. Members of types that the app may not read carry no more than type and id. */
export function memberTypeOf(raw: Raw, unknown: UnknownMembers): MemberType {
  const type = raw['@odata.type']
  if (type === '#microsoft.graph.user') return 'user'
  if (type === '#microsoft.graph.group') return 'group'
  const name = typeof type === 'string' ? type.slice(0, 100) : '(none)'
  unknown.set(name, (unknown.get(name) ?? 0) + 1)
  return 'other'
}

/** The slice of members that one occurrence of a group brings; empty when it brings none. */
export function membersDeltaOf(raw: Raw, unknown: UnknownMembers): MemberEntry[] {
  const slice = raw['members@delta']
  if (slice === undefined || slice === null) return []
  if (!Array.isArray(slice)) throw new BadAnswer('members@delta is not an array')
  return slice.map((item: unknown) => {
    const raw = requireRaw(item)
    return { objectId: objectIdOf(raw), type: memberTypeOf(raw, unknown), removed: removedOf(raw) !== undefined }
  })
}

/**
 * Manager told by a delta: the one that was added, null when one only went, undefined when nothing is said.
 *
 * A replacement may come with the old manager as `@removed` beside the new one, in any order.
 * @see https://learn.microsoft.com/graph/delta-query-overview
 */
export function managerInDelta(raw: Raw): string | null | undefined {
  const links = raw['manager@delta']
  if (!Array.isArray(links) || links.length === 0) return undefined
  let manager: string | null = null
  for (const link of links) {
    const entry = requireRaw(link)
    if (removedOf(entry) === undefined) manager = objectIdOf(entry)
  }
  return manager
}

/** Manager told by `$expand=manager`: undefined when the object has no such key. */
export function managerInExpand(raw: Raw): string | null | undefined {
  if (!Object.hasOwn(raw, 'manager')) return undefined
  const manager = raw['manager']
  return manager === null ? null : objectIdOf(requireRaw(manager))
}

/** Attributes and removal of one object in a listing or delta, without undefined keys. */
export function entryOf(
  raw: Raw,
  attributes: Attributes,
): { objectId: ObjectId; attributes: Attributes; removed?: RemovedReason } {
  const removed = removedOf(raw)
  const objectId = objectIdOf(raw)
  return removed === undefined ? { objectId, attributes } : { objectId, attributes, removed }
}

function linkIn(page: Raw, name: string): string | undefined {
  const link = page[name]
  if (link === undefined || link === null) return undefined
  if (typeof link !== 'string' || link === '') throw new BadAnswer(`${name} is not a link`)
  return link
}

function requireRaw(item: unknown): Raw {
  const raw = asRecord(item)
  if (raw === undefined) throw new BadAnswer('the answer lists something odd')
  return raw
}

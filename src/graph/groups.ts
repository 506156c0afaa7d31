// Groups: the plain list, and the delta with its slices of members.
import type { GroupEntry } from '../directory/change.ts'
import { eachPage } from './pages.ts'
import { compilePicker, selectOf } from './picker.ts'
import type { Requester } from './retry.ts'
import { type ListPage, markOf, PAGE, toListPage } from './users.ts'
import { entryOf, membersDeltaOf, type Raw, type UnknownMembers } from './wire.ts'

export interface ListGroupsOptions {
  readonly select: readonly string[]
  /** Resumes at a next link of the same listing. */
  readonly link?: string | undefined
  readonly signal: AbortSignal
}

/**
 * Groups without members; see `eachMembersPage` for those.
 *
 * @see https://learn.microsoft.com/graph/api/group-list
 */
export async function* listGroups(
  graph: Requester,
  options: ListGroupsOptions & { onRestart(): void },
): AsyncGenerator<ListPage<GroupEntry>, void> {
  const pick = compilePicker(options.select)
  const pages = eachPage<GroupEntry>(graph, {
    first: graph.url(`groups?$select=${selectOf(options.select, { without: ['members'] })}&$top=${PAGE}`),
    link: options.link,
    cost: 1,
    isDelta: false,
    signal: options.signal,
    what: 'groups',
    readEntries: (value) => value.map((raw) => ({ ...entryOf(raw, pick(raw)), members: [] })),
    mark: markOf,
    onRestart: () => options.onRestart(),
  })
  for await (const page of pages) yield toListPage(page)
}

/** Reads the groups of one page of groups/delta. */
export function groupDeltaReader(
  select: readonly string[],
  unknown: UnknownMembers,
): (value: readonly Raw[]) => GroupEntry[] {
  const pick = compilePicker(select)
  return (value) => value.map((raw) => ({ ...entryOf(raw, pick(raw)), members: membersDeltaOf(raw, unknown) }))
}

/** Identifies a delta page: one large group fills many pages, which differ in their members only. */
export function groupDeltaMark(entries: readonly GroupEntry[]): string | undefined {
  const ends = markOf(entries)
  const last = entries.at(-1)
  return last === undefined ? undefined : `${ends} ${markOf(last.members)} ${markOf(entries[0]?.members ?? [])}`
}

// Users: the plain list or a filtered part of it, and the delta.
import type { UserEntry } from '../directory/change.ts'
import { compilePicker, selectOf } from './picker.ts'
import { eachPage, type Page } from './pages.ts'
import type { Requester } from './retry.ts'
import { entryOf, managerInDelta, managerInExpand, type Raw } from './wire.ts'

export interface ListUsersOptions {
  /** Attributes as they are named in mappings; `id` comes always, `manager` through `expandManager` only. */
  readonly select: readonly string[]
  /** An OData filter that works without advanced query, e.g. `startsWith(userPrincipalName,'a')`. */
  readonly filter?: string | undefined
  /** Reads each user's manager; Graph then gives 100 users a page instead of 999. */
  readonly expandManager?: boolean | undefined
  /** Resumes at a next link of the same listing. */
  readonly link?: string | undefined
  readonly signal: AbortSignal
}

/** A page of a listing. After `restarted` everything that came before may come again. */
export interface ListPage<Entry> {
  readonly entries: readonly Entry[]
  readonly nextLink: string | undefined
  readonly restarted?: true
}

/** @see https://learn.microsoft.com/graph/api/user-list */
export async function* listUsers(
  graph: Requester,
  options: ListUsersOptions & { onRestart(): void },
): AsyncGenerator<ListPage<UserEntry>, void> {
  const pick = compilePicker(options.select, options.expandManager === true ? managerInExpand : undefined)
  const url = (top: number) =>
    graph.url(
      [
        `users?$select=${selectOf(options.select, { without: ['manager'] })}&$top=${top}`,
        ...(options.filter === undefined ? [] : [`$filter=${encodeURIComponent(options.filter)}`]),
        ...(options.expandManager === true ? ['$expand=manager($select=id)'] : []),
      ].join('&'),
    )
  const pages = eachPage<UserEntry>(graph, {
    first: url(PAGE),
    // some tenants refuse large pages: "Cannot query data for more than 120 users at a time"
    // https://github.com/microsoftgraph/msgraph-sdk-powershell/issues/1898
    fallback: url(SMALL_PAGE),
    link: options.link,
    cost: options.expandManager === true ? 2 : 1,
    isDelta: false,
    signal: options.signal,
    what: 'users',
    readEntries: (value) => readUsers(value, pick, { expanded: options.expandManager === true }),
    mark: markOf,
    onRestart: () => options.onRestart(),
  })
  for await (const page of pages) yield toListPage(page)
}

/** Reads the users of one page of users/delta. */
export function userDeltaReader(select: readonly string[]): (value: readonly Raw[]) => UserEntry[] {
  const pick = compilePicker(select, select.includes('manager') ? managerInDelta : undefined)
  return (value) => value.map((raw) => entryOf(raw, pick(raw)))
}

export function toListPage<Entry>(page: Page<Entry>): ListPage<Entry> {
  const { entries, nextLink } = page
  return page.restarted ? { entries, nextLink, restarted: true } : { entries, nextLink }
}

/** Identifies the content of a page by its ends. */
export function markOf(entries: readonly { readonly objectId: string }[]): string | undefined {
  const last = entries.at(-1)
  return last === undefined ? undefined : `${entries.length} ${entries[0]?.objectId} ${last.objectId}`
}

export const PAGE = 999
const SMALL_PAGE = 100

function readUsers(
  value: readonly Raw[],
  pick: ReturnType<typeof compilePicker>,
  options: { readonly expanded: boolean },
): UserEntry[] {
  const entries = value.map((raw) => entryOf(raw, pick(raw)))
  // Graph leaves out the key of users without a manager. Only where it is seen to have expanded at all does that mean
  // "none": unsupported parameters are ignored silently (https://learn.microsoft.com/graph/query-parameters).
  if (options.expanded && entries.some((e) => 'manager' in e.attributes)) {
    return entries.map((e) =>
      'manager' in e.attributes ? e : { ...e, attributes: Object.assign(pick({}), e.attributes, { manager: null }) },
    )
  }
  return entries
}

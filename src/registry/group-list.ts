// Groups as a tree, one level at a time, and groups that a search finds by name. Paged by key.
import { NotFoundError } from '../base/errors.ts'
import type { Queries } from '../database/connect.ts'
import { pathOf, splitPath } from '../directory/group.ts'
import { beginsWith, WORDS } from './user-search.ts'

export interface ListedGroup {
  /** Null: a level of the tree that is no group itself. */
  readonly id: number | null
  readonly name: string
  readonly path: string
  readonly source: string | null
  readonly objectId: string | null
  /** Active people in it; in lists as far as {@link COUNTED}. */
  readonly members: number
  /** There are more than that. */
  readonly hasMoreMembers: boolean
  /** Groups right below it. */
  readonly children: number
}

/**
 * So far members are counted in lists. Counting costs a look at each: a page of fifty groups with everybody in them takes seconds, and nobody
 * reads in a list whether it is 95,003 or 95,004. The page of a group counts to the end.
 */
const COUNTED = 1_000

/** Where a page ended: in which way of looking, and with which key and group. */
export interface GroupPlace {
  readonly way: number
  readonly key: string
  readonly id: number
}

interface GroupPaging {
  readonly after?: GroupPlace | undefined
  readonly limit: number
}

interface GroupPage {
  readonly groups: readonly ListedGroup[]
  readonly next: GroupPlace | undefined
}

/** The groups right below a path, by name. The first page begins with levels that are no groups themselves. */
export async function listLevel(db: Queries, query: GroupPaging & { readonly under: string }): Promise<GroupPage> {
  const way = {
    where: 'md5(under) = md5($1) and under = $1',
    key: 'search_key(name) collate "C"',
    params: [query.under],
  }
  const page = await findPage(db, [way], query)
  if (query.after !== undefined) return page
  return { ...page, groups: [...(await bareLevels(db, query.under)), ...page.groups] }
}

/** Groups anywhere of whose name one of the first five words begins a text, accents aside. */
export async function searchGroups(db: Queries, query: GroupPaging & { readonly search: string }): Promise<GroupPage> {
  const found = await db.query<{ key: string }>('select search_key($1) as key', [
    query.search.trim().replaceAll('\0', ''),
  ])
  const text = found.rows[0]?.key ?? ''
  const ways = WORDS.map((part) => {
    const key = `${part}(name) collate "C"`
    const params: string[] = []
    return { key, where: beginsWith(key, text, (value) => `$${params.push(String(value))}`), params }
  })
  return findPage(db, ways, query)
}

/** @throws NotFoundError */
export async function requireGroup(db: Queries, groupId: number): Promise<ListedGroup> {
  const [group] = await linesOf(db, [groupId], EXACTLY)
  if (group === undefined) throw new NotFoundError('group', String(groupId))
  return group
}

interface GroupWay {
  /** SQL with $1, $2 … */
  readonly where: string
  readonly key: string
  readonly params: readonly unknown[]
}

async function findPage(db: Queries, ways: readonly GroupWay[], { after, limit }: GroupPaging): Promise<GroupPage> {
  const found: GroupPlace[] = []
  for (let index = after?.way ?? 0; index < ways.length && found.length <= limit; index += 1) {
    const way = ways[index]
    if (way === undefined) break
    const params = [...way.params]
    const add = (value: unknown) => `$${params.push(value)}`
    const later =
      after?.way === index ? `and (${way.key}, id) > (${add(after.key)} collate "C", ${add(after.id)}::int)` : ''
    // Each group once, though several of its words may begin alike.
    const earlier = ways.slice(0, index).map((w) => `and (${w.where}) is not true`)
    const page = await db.query<{ key: string; id: number }>(
      `select ${way.key} as key, id from groups
       where not hidden and ${way.key} is not null and ${way.where} ${later} ${earlier.join(' ')}
       order by ${way.key}, id limit ${add(limit + 1 - found.length)}`,
      params,
    )
    found.push(...page.rows.map((row) => ({ ...row, way: index })))
  }
  const page = found.slice(0, limit)
  const last = page.at(-1)
  return {
    groups: await linesOf(
      db,
      page.map((row) => row.id),
      UP_TO_COUNTED,
    ),
    next: found.length > limit ? last : undefined,
  }
}

/** Parts of paths below which there are groups, and which are no groups themselves. Few: trees are made whole. */
async function bareLevels(db: Queries, under: string): Promise<readonly ListedGroup[]> {
  const prefix = under === '' ? '' : `${under}|`
  const found = await db.query<{ under: string }>(
    `select distinct under from groups where not hidden and under <> '' and starts_with(under, $1)`,
    [prefix],
  )
  const below = new Map<string, Set<string>>()
  for (const row of found.rows) {
    const [name, next] = splitPath(row.under.slice(prefix.length))
    if (name === undefined) continue
    const children = below.get(name) ?? new Set()
    if (next !== undefined) children.add(next)
    below.set(name, children)
  }
  const groups = await db.query<{ name: string }>(
    'select distinct name from groups where not hidden and md5(under) = md5($1) and under = $1 and name = any($2::text[])',
    [under, [...below.keys()]],
  )
  for (const { name } of groups.rows) below.delete(name)
  const paths = [...below.keys()].map((name) => ({ name, path: pathOf(under, name) }))
  const counts = await childrenOf(
    db,
    paths.map(({ path }) => path),
  )
  return paths.map(({ name, path }) => ({
    id: null,
    name,
    path,
    source: null,
    objectId: null,
    members: 0,
    hasMoreMembers: false,
    children: Math.max(counts.get(path) ?? 0, below.get(name)?.size ?? 0),
  }))
}

/** SQL: how many active members group `g` has. */
const EXACTLY = `(select count(distinct m.user_id) from memberships m join users u on u.id = m.user_id and u.active where m.group_id = g.id)`
// Looked up one by one: a join would go through all users for each group, however few are in it.
const UP_TO_COUNTED = `(select count(*) from (select m.user_id from memberships m
  where m.group_id = g.id and (select u.active from users u where u.id = m.user_id) group by m.user_id limit ${COUNTED + 1}) c)`

/** These groups in this order; hidden ones and those that are not there are left out. */
async function linesOf(
  db: Queries,
  ids: readonly number[],
  counting: typeof EXACTLY | typeof UP_TO_COUNTED,
): Promise<readonly ListedGroup[]> {
  if (ids.length === 0) return []
  const found = await db.query<{
    id: number
    name: string
    under: string
    source: string | null
    object_id: string | null
    members: number
  }>(
    `select g.id, g.name, g.under, s.name as source, g.object_id,
       ${counting} as members
     from groups g left join sources s on s.id = g.source_id where g.id = any($1::int[]) and not g.hidden`,
    [ids],
  )
  const counts = await childrenOf(
    db,
    found.rows.map((row) => pathOf(row.under, row.name)),
  )
  const lines = new Map(
    found.rows.map(({ id, name, under, source, object_id: objectId, members: counted }) => {
      const path = pathOf(under, name)
      const hasMoreMembers = counting === UP_TO_COUNTED && counted > COUNTED
      const members = hasMoreMembers ? COUNTED : counted
      return [id, { id, name, path, source, objectId, members, hasMoreMembers, children: counts.get(path) ?? 0 }]
    }),
  )
  return ids.flatMap((id) => lines.get(id) ?? [])
}

/** How many groups are right below each of these paths. */
async function childrenOf(db: Queries, paths: readonly string[]): Promise<ReadonlyMap<string, number>> {
  if (paths.length === 0) return new Map()
  const found = await db.query<{ under: string; count: number }>(
    `select under, count(*) as count from groups
     where not hidden and md5(under) = any(array(select md5(p) from unnest($1::text[]) p)) and under = any($1::text[]) group by under`,
    [paths],
  )
  return new Map(found.rows.map((row) => [row.under, row.count]))
}

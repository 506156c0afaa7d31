// The list of users by user name, and whom a search finds. Paged by key: a page costs the same at 1,000 and at 1,000,000 users.
import type { Queries } from '../database/connect.ts'
import { canonical } from '../directory/canonical.ts'
import { parseObjectId } from '../directory/ids.ts'
import type { Vault } from '../vault/keys.ts'
import { type Filter, filterSql, type FoundBy, type Search, searchWays, type Way } from './user-search.ts'

export interface ListedUser {
  readonly id: number
  readonly userName: string
  readonly fullName: string | null
  readonly email: string | null
  readonly department: string | null
  readonly personalNumber: string | null
  readonly active: boolean
  readonly source: string | null
  readonly objectId: string | null
  readonly protected: boolean
  readonly updatedAt: Date
  readonly foundBy: FoundBy | null
}

/** Where a page ended: in which way of searching, and with which key and user. */
export interface UserPlace {
  readonly way: number
  readonly key: string
  readonly id: number
}

export interface UserQuery extends Filter {
  readonly search?: string | undefined
  readonly after?: UserPlace | undefined
  readonly limit: number
}

/**
 * A page of users: by user name, or by what they were found by, the most exact first; each user once.
 *
 * A search finds by a whole card or object id, and by the beginning of a user name, alias, personal number, mail address (his first five other ones
 * included), full name or its second to fifth word.
 */
export async function listUsers(
  db: Queries,
  query: UserQuery,
  options: { readonly vault: Pick<Vault, 'lookup'> },
): Promise<{ readonly users: readonly ListedUser[]; readonly next: UserPlace | undefined }> {
  const text = query.search?.trim() ?? ''
  // Nothing that is kept has one, and PostgreSQL takes none.
  if (text.includes('\0')) return { users: [], next: undefined }
  const ways = text === '' ? [BY_NAME] : searchWays(await searchFor(db, text, options.vault))
  const exact = await findExact(db, ways, query)
  const told = exact.map((row) => row.id)
  const found: Found[] = exact.filter((row) => query.after === undefined || isAfter(row, query.after))
  // One more than asked for tells whether there is a next page.
  const wanted = query.limit + 1
  for (let way = query.after?.way ?? 0; way < ways.length && found.length < wanted; way += 1) {
    if (ways[way]?.misses === null) continue
    const place = query.after?.way === way ? query.after : undefined
    found.push(...(await findBy(db, { ways, way, query, told, place, limit: wanted - found.length })))
  }
  const page = found.slice(0, query.limit)
  const last = page.at(-1)
  const next =
    found.length > query.limit && last !== undefined ? { way: last.way, key: last.key, id: last.id } : undefined
  return { users: await linesOf(db, page), next }
}

interface Found extends UserPlace {
  readonly foundBy: FoundBy | null
}

/** Of those who have, or had, one card. */
const MOST_EXACT = 100

/** Whoever is found by a whole value: so few that every page can look them up, and leave them out of what follows. */
async function findExact(db: Queries, ways: readonly Way[], query: UserQuery): Promise<readonly Found[]> {
  const found: Found[] = []
  for (const [way, { misses }] of ways.entries()) {
    if (misses !== null) continue
    const told = found.map((row) => row.id)
    found.push(...(await findBy(db, { ways, way, query, told, place: undefined, limit: MOST_EXACT })))
  }
  return found
}

function isAfter(row: UserPlace, place: UserPlace): boolean {
  return row.way > place.way || (row.way === place.way && row.id > place.id)
}

/** Everybody by his user name: what there is without a search. */
const BY_NAME: Way = {
  foundBy: null,
  from: (held) => `select w.user_id, w.key as k from user_names w where w.kind = 'n' and w.held = ${held}`,
  key: 'w.key collate "C"',
  id: 'w.user_id',
  isHeldApart: true,
  misses: () => 'true',
}

async function searchFor(db: Queries, text: string, vault: Pick<Vault, 'lookup'>): Promise<Search> {
  const key = await db.query<{ key: string }>('select search_key($1) as key', [text])
  return {
    name: canonical(text),
    key: key.rows[0]?.key ?? '',
    card: vault.lookup('card', canonical(text)),
    objectId: parseObjectId(text),
  }
}

interface Step {
  readonly ways: readonly Way[]
  readonly way: number
  readonly query: UserQuery
  /** Users who were told already, where they are so few that they can be named. */
  readonly told: readonly number[]
  readonly place: UserPlace | undefined
  readonly limit: number
}

async function findBy(
  db: Queries,
  { ways, way: index, query, told, place: after, limit }: Step,
): Promise<readonly Found[]> {
  const way = ways[index]
  if (way === undefined) return []
  const params: unknown[] = []
  const add = (value: unknown) => `$${params.push(value)}`
  // Each part is read from its index in order, so that a page needs no sorting of everything.
  const part = (held: boolean) => {
    const conditions = [way.from(held, add)]
    if (after !== undefined)
      conditions.push(`(${way.key}, ${way.id}) > (${add(after.key)} collate "C", ${add(after.id)}::int)`)
    conditions.push(filterSql(query, way.id, add))
    // Nobody comes twice: whom a way before this one finds was told there.
    if (told.length > 0) conditions.push(`${way.id} <> all(${add(told)}::int[])`)
    for (const { misses } of ways.slice(0, index)) if (misses !== null) conditions.push(misses(way.id, add))
    return `(${conditions.join(' and ')} order by ${way.key}, ${way.id} limit ${add(limit)})`
  }
  const helds = way.isHeldApart ? heldOf(query, way) : [true]
  const found = await db.query<{ key: string; id: number }>(
    `select k as key, user_id as id from (${helds.map(part).join(' union all ')}) f order by k collate "C", user_id limit ${add(limit)}`,
    params,
  )
  return found.rows.map((row) => ({ ...row, way: index, foundBy: way.foundBy }))
}

/** Of a user name it is known that he holds it exactly when he is active. */
function heldOf(query: UserQuery, way: Way): readonly boolean[] {
  const isUserName = way.foundBy === null || way.foundBy === 'userName'
  return isUserName && query.status !== 'all' ? [query.status === 'active'] : [true, false]
}

async function linesOf(
  db: Queries,
  page: readonly { readonly id: number; readonly foundBy: FoundBy | null }[],
): Promise<readonly ListedUser[]> {
  if (page.length === 0) return []
  const found = await db.query<Omit<ListedUser, 'foundBy'>>(
    `select u.id, u.user_name as "userName", u.full_name as "fullName", u.email, u.department, u.personal_number as "personalNumber",
       u.active, s.name as source, u.object_id as "objectId", u.protected, u.updated_at as "updatedAt"
     from users u left join sources s on s.id = u.source_id where u.id = any($1::int[])`,
    [page.map((row) => row.id)],
  )
  const byId = new Map(found.rows.map((row) => [row.id, row]))
  return page.flatMap(({ id, foundBy }) => {
    const row = byId.get(id)
    return row === undefined ? [] : [{ ...row, foundBy }]
  })
}

// The ways in which a search finds users. Each is a range of one index; SQL is made of constants and parameters alone.

/** What somebody was found by. */
export type FoundBy = 'card' | 'objectId' | 'userName' | 'alias' | 'personalNumber' | 'fullName' | 'email'

/** What somebody looks for, in the forms that are compared. */
export interface Search {
  /** As names and numbers are kept for comparison. */
  readonly name: string
  /** `search_key` of it. */
  readonly key: string
  /** Keyed look-up of it as a whole card. */
  readonly card: Buffer
  readonly objectId: string | undefined
}

/** Adds a parameter to a statement, and answers how SQL names it. */
export type AddParam = (value: unknown) => string

export interface Way {
  readonly foundBy: FoundBy | null
  /** SQL: rows `(user_id, k)` out of a table `w` with a `where` at its end; `held` where held and parked rows are kept apart. */
  readonly from: (held: boolean, add: AddParam) => string
  /** SQL of the columns by which `from` is in order. */
  readonly key: string
  readonly id: string
  readonly isHeldApart: boolean
  /** SQL: the user with this id is not found in this way; null where so few are found that they are named instead. */
  readonly misses: ((id: string, add: AddParam) => string) | null
}

/** SQL functions: a name from its first word on, from its second … Each has an index. */
export const WORDS = ['search_key', 'second_word_on', 'third_word_on', 'fourth_word_on', 'fifth_word_on'] as const

/** Places of other mail addresses. Each has an index. */
const OTHER_EMAILS = [1, 2, 3, 4, 5] as const

/** Few are found, and one is like another. */
const NO_KEY = `(''::text collate "C")`

/** After every text that begins with the one before it. */
const LAST = '\u{10ffff}'

/** The ways for one search, the most exact first. */
export function searchWays(search: Search): readonly Way[] {
  const ways: Way[] = [cardWay(search.card)]
  if (search.objectId !== undefined) ways.push(objectIdWay(search.objectId))
  if (search.name !== '') {
    const { name: text } = search
    ways.push(nameWay('userName', text), nameWay('alias', text))
    ways.push(columnWay('personalNumber', { key: (table) => `${table}.canonical_number collate "C"`, text }))
  }
  if (search.key === '') return ways
  const { key: text } = search
  return [
    ...ways,
    ...WORDS.map((part) => columnWay('fullName', { key: (table) => `${part}(${table}.full_name) collate "C"`, text })),
    columnWay('email', { key: (table) => `search_key(${table}.email) collate "C"`, text }),
    ...OTHER_EMAILS.map((place) =>
      columnWay('email', { key: (table) => `other_email(${table}.alternate_emails, ${place}) collate "C"`, text }),
    ),
  ]
}

/** SQL: a key begins with a text. */
export function beginsWith(key: string, text: string, add: AddParam): string {
  return `${key} >= ${add(text)} collate "C" and ${key} < ${add(text + LAST)} collate "C"`
}

function nameWay(foundBy: 'userName' | 'alias', text: string): Way {
  const kind = foundBy === 'userName' ? 'n' : 'a'
  return {
    foundBy,
    from: (held, add) =>
      `select w.user_id, w.key as k from user_names w
       where w.kind = '${kind}' and w.held = ${held} and ${beginsWith('w.key collate "C"', text, add)}`,
    key: 'w.key collate "C"',
    id: 'w.user_id',
    isHeldApart: true,
    misses: (id, add) =>
      `not exists (select from user_names m where m.user_id = ${id} and m.kind = '${kind}' and ${beginsWith('m.key collate "C"', text, add)})`,
  }
}

interface Column {
  /** SQL in order of the bytes, of a table. */
  readonly key: (table: string) => string
  readonly text: string
}

function columnWay(foundBy: FoundBy, { key, text }: Column): Way {
  return {
    foundBy,
    from: (_held, add) =>
      `select w.id as user_id, ${key('w')} as k from users w where ${key('w')} is not null and ${beginsWith(key('w'), text, add)}`,
    key: key('w'),
    id: 'w.id',
    isHeldApart: false,
    // Only ways over users come after it.
    misses: (_id, add) => `(${beginsWith(key('w'), text, add)}) is not true`,
  }
}

function cardWay(lookup: Buffer): Way {
  return {
    foundBy: 'card',
    from: (held, add) =>
      `select w.user_id, '' as k from credentials w where w.kind = 'card' and w.lookup = ${add(lookup)} and ${held ? 'w.held' : 'not w.held'}`,
    key: NO_KEY,
    id: 'w.user_id',
    isHeldApart: true,
    misses: null,
  }
}

function objectIdWay(objectId: string): Way {
  return {
    foundBy: 'objectId',
    // The index begins with the tenant, and tenants are few: from one to the next.
    from: (_held, add) =>
      `select w.id as user_id, '' as k from (
         with recursive t (id) as (
           (select n.tenant_id from users n where n.tenant_id is not null order by n.tenant_id limit 1)
           union all
           select (select n.tenant_id from users n where n.tenant_id > t.id order by n.tenant_id limit 1) from t where t.id is not null)
         select id from t where id is not null) t join users w on w.tenant_id = t.id and w.object_id = ${add(objectId)}::uuid where true`,
    key: NO_KEY,
    id: 'w.id',
    isHeldApart: false,
    misses: null,
  }
}

/** Who is listed. */
export interface Filter {
  readonly status: 'active' | 'deactivated' | 'all'
  readonly source?: string | undefined
  /** Only those whom no source owns. */
  readonly isLocal?: boolean | undefined
  /** Members of this group. */
  readonly group?: number | undefined
}

/** SQL: whether the user with this id is meant. */
export function filterSql(filter: Filter, id: string, add: AddParam): string {
  const conditions = [`f.id = ${id}`]
  if (filter.status !== 'all') conditions.push(filter.status === 'active' ? 'f.active' : 'not f.active')
  if (filter.source !== undefined)
    conditions.push(`f.source_id = (select s.id from sources s where s.name = ${add(filter.source)})`)
  if (filter.isLocal === true) conditions.push('f.source_id is null')
  if (filter.group !== undefined)
    conditions.push(`f.id in (select m.user_id from memberships m where m.group_id = ${add(filter.group)}::int)`)
  return conditions.length === 1 ? 'true' : `exists (select from users f where ${conditions.join(' and ')})`
}

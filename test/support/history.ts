// The registry in a form that is easy to compare, and the same computed from history alone: the items of applied runs.
import type { Database } from '../../src/database/connect.ts'
import { FIELD_COLUMNS } from '../../src/registry/users.ts'

export interface PersonState {
  readonly active: boolean
  readonly userName: string
  readonly personalNumber: string | null
  readonly fields: Readonly<Record<string, unknown>>
  /** User name and aliases: kind, value, origin, and whether an active user does without it; sorted. */
  readonly names: readonly string[]
  /** Kind and look-up, sorted. */
  readonly credentials: readonly string[]
  /** Path. */
  readonly defaultGroup: string | null
}

/** People and groups by object id, groups without one by path; memberships as `group user`, sorted. */
export interface RegistryState {
  readonly people: Readonly<Record<string, PersonState>>
  readonly groups: Readonly<Record<string, { readonly name: string; readonly under: string; readonly hidden: boolean }>>
  readonly memberships: readonly string[]
}

const PATH = `case g.under when '' then '' else g.under || '|' end || replace(g.name, '|', '\\|')`

/** What the tables hold. */
export async function registryState(db: Database): Promise<RegistryState & { readonly issues: readonly string[] }> {
  const fields = Object.entries(FIELD_COLUMNS)
    .map(([field, column]) => `'${field}', u.${column}`)
    .join(', ')
  const people = await db.query<PersonState & { object_id: string }>(
    `select u.object_id, u.active, u.user_name as "userName", u.personal_number as "personalNumber",
       jsonb_strip_nulls(jsonb_build_object(${fields})) as fields,
       array(select n.kind::text || ' ' || n.value || ' ' || n.origin::text || case when u.active and not n.held then ' parked' else '' end from user_names n where n.user_id = u.id) as names,
       array(select c.kind || ' ' || encode(c.lookup, 'hex') from credentials c where c.user_id = u.id) as credentials,
       (select ${PATH} from groups g where g.id = u.default_group_id) as "defaultGroup"
     from users u order by u.object_id`,
  )
  const groups = await db.query<{ object_id: string; name: string; under: string; hidden: boolean }>(
    `select coalesce(g.object_id::text, ${PATH}) as object_id, name, under, hidden from groups g order by 1`,
  )
  const memberships = await db.query<{ pair: string }>(
    `select distinct coalesce(g.object_id::text, ${PATH}) || ' ' || u.object_id as pair from memberships m
       join groups g on g.id = m.group_id join users u on u.id = m.user_id order by 1`,
  )
  const issues = await db.query<{ issue: string }>(
    `select distinct code || ' ' || coalesce(object_id::text, '') as issue from issues order by 1`,
  )
  return {
    people: Object.fromEntries(
      people.rows.map(({ object_id, ...person }) => [
        object_id,
        { ...person, names: [...person.names].sort(), credentials: [...person.credentials].sort() },
      ]),
    ),
    groups: Object.fromEntries(groups.rows.map(({ object_id, ...group }) => [object_id, group])),
    memberships: memberships.rows.map((row) => row.pair),
    issues: issues.rows.map((row) => row.issue),
  }
}

interface Item {
  readonly run_id: number
  readonly object: 'user' | 'group' | 'membership' | 'credential'
  readonly action: string
  readonly user_id: number | null
  readonly group_id: number | null
  readonly object_id: string | null
  readonly old: Readonly<Record<string, unknown>> | null
  readonly new: Readonly<Record<string, unknown>> | null
  readonly names: readonly (readonly [kind: string, value: string, key: string, origin: string, held?: false])[] | null
}

interface Folded {
  readonly objectId: string
  active: boolean
  userName: string
  personalNumber: string | null
  readonly fields: Record<string, unknown>
  names: readonly string[]
  readonly credentials: Set<string>
  defaultGroup: string | null
}

/** What the items of applied runs add up to, without a look at the registry. Knows users by their object ids only. */
export async function foldHistory(db: Database): Promise<RegistryState> {
  // A plan that was held has its items with the run that made it; they count when, and as of when, they were approved.
  const applied = `join (select coalesce(approves, id) as plan, id from runs where outcome = 'applied') r on r.plan = i.run_id`
  const items = await db.query<Item>(
    `select i.* from plan_items i ${applied} where not i.left_out and i.action <> 'skip' order by r.id, i.seq`,
  )
  const rows = await db.query<{ run_id: number; op: 'a' | 'r'; group_id: number; user_id: number }>(
    `select i.* from plan_memberships i ${applied} order by r.id, i.op desc`,
  )
  const people = new Map<number, Folded>()
  const groups = new Map<number, { objectId: string; name: string; under: string; hidden: boolean }>()
  for (const item of items.rows) {
    if (item.object === 'user' && item.user_id !== null) {
      if (item.action === 'delete') people.delete(item.user_id)
      else foldUser(people, item.user_id, item)
    }
    if (item.object === 'credential' && item.user_id !== null) foldCredential(people.get(item.user_id), item)
    if (item.object === 'group' && item.group_id !== null) {
      // A group that goes for good has nothing new; one that is kept hidden says so.
      if (item.action === 'delete' && item.new === null) {
        groups.delete(item.group_id)
        continue
      }
      const { name = '', under = '' } = { ...groups.get(item.group_id), ...item.new } as {
        name?: string
        under?: string
      }
      const objectId = item.object_id ?? `${under === '' ? '' : `${under}|`}${name.replaceAll('|', '\\|')}`
      groups.set(item.group_id, { objectId, name, under, hidden: item.action === 'delete' })
    }
  }
  const memberships = new Set<string>()
  for (const row of rows.rows) {
    const pair = `${row.group_id} ${row.user_id}`
    if (row.op === 'a') memberships.add(pair)
    else memberships.delete(pair)
  }
  const sortedPeople = [...people.values()].sort((a, b) => (a.objectId < b.objectId ? -1 : 1))
  return {
    people: Object.fromEntries(
      sortedPeople.map(({ objectId, credentials, ...person }) => [
        objectId,
        {
          ...person,
          // Nobody holds a name while he is deactivated.
          names: person.active ? person.names : person.names.map((name) => name.replace(/ parked$/, '')),
          credentials: [...credentials].sort(),
        },
      ]),
    ),
    groups: Object.fromEntries(
      [...groups.values()]
        .sort((a, b) => (a.objectId < b.objectId ? -1 : 1))
        .map(({ objectId, name, under, hidden }) => [objectId, { name, under, hidden }]),
    ),
    memberships: [...memberships]
      .flatMap((pair) => {
        const [group, user] = pair.split(' ').map(Number)
        const objectIds = [groups.get(group!)?.objectId, people.get(user!)?.objectId]
        return objectIds.includes(undefined) ? [] : [objectIds.join(' ')]
      })
      .sort(),
  }
}

function foldUser(people: Map<number, Folded>, id: number, item: Item): void {
  const person = people.get(id) ?? {
    objectId: item.object_id ?? '',
    active: true,
    userName: '',
    personalNumber: null,
    fields: {},
    names: [],
    credentials: new Set(),
    defaultGroup: null,
  }
  people.set(id, person)
  for (const [field, value] of Object.entries(item.new ?? {})) {
    if (field === 'active') person.active = value === true
    else if (field === 'userName') person.userName = textOf(value)
    else if (field === 'personalNumber') person.personalNumber = value === null ? null : textOf(value)
    else if (field === 'defaultGroup') person.defaultGroup = value === null ? null : textOf(value)
    else if (field in FIELD_COLUMNS && value === null) delete person.fields[field]
    else if (field in FIELD_COLUMNS) person.fields[field] = value
  }
  if (item.names !== null)
    person.names = item.names
      .map(([kind, value, , origin, held]) => `${kind} ${value} ${origin}${held === false ? ' parked' : ''}`)
      .sort()
}

function foldCredential(person: Folded | undefined, item: Item): void {
  const { kind, lookup } = (item.action === 'add' ? item.new : item.old) ?? {}
  if (item.action === 'add') person?.credentials.add(`${textOf(kind)} ${textOf(lookup)}`)
  else person?.credentials.delete(`${textOf(kind)} ${textOf(lookup)}`)
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

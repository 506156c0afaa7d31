// Registry users as planning reads them.
import type { Queries } from '../database/connect.ts'
import { pathOf } from '../directory/group.ts'
import type {
  RegistryCredential,
  RegistryDefaultGroup,
  RegistryName,
  RegistryUser,
  TextField,
} from '../directory/user.ts'

/** The column of each one-valued field. */
export const FIELD_COLUMNS: Readonly<Record<TextField, string>> = {
  fullName: 'full_name',
  email: 'email',
  phone: 'phone',
  language: 'language',
  department: 'department',
  costCenter: 'cost_center',
  office: 'office',
  jobTitle: 'job_title',
  company: 'company',
  manager: 'manager',
  storage: 'storage',
  notes: 'notes',
}

interface UserRow {
  readonly id: number
  readonly tenant_id: string | null
  readonly object_id: string | null
  readonly source_id: number | null
  readonly active: boolean
  readonly deactivated_by: 'source' | 'administrator' | null
  readonly deactivated_at: Date | null
  readonly restored_by_administrator: boolean
  readonly protected: boolean
  readonly administrator: boolean
  readonly user_name: string
  readonly full_name: string | null
  readonly email: string | null
  readonly phone: string | null
  readonly language: string | null
  readonly department: string | null
  readonly cost_center: string | null
  readonly office: string | null
  readonly job_title: string | null
  readonly company: string | null
  readonly manager: string | null
  readonly storage: string | null
  readonly notes: string | null
  readonly alternate_emails: readonly string[]
  readonly given_emails: readonly string[]
  readonly personal_number: string | null
  readonly personal_number_key: string | null
  readonly own: Readonly<Record<string, string>>
  readonly default_group_id: number | null
  readonly version: number
}

/** The users of a tenant with these object ids, in no order. */
export async function usersByObjectIds(
  db: Queries,
  tenantId: string,
  objectIds: readonly string[],
): Promise<RegistryUser[]> {
  const found = await db.query<UserRow>('select * from users where tenant_id = $1 and object_id = any($2::uuid[])', [
    tenantId,
    objectIds,
  ])
  return withNames(db, found.rows)
}

/** Users without object id whose user name has one of these canonical forms: those that pairing may adopt. */
export async function pairableUsers(db: Queries, nameKeys: readonly string[]): Promise<RegistryUser[]> {
  const found = await db.query<UserRow>(
    `select u.* from users u where u.object_id is null and u.id in (
       select user_id from user_names where kind = 'n' and held and key = any($1::text[])
       union select user_id from user_names where kind = 'n' and not held and key = any($1::text[]))`,
    [nameKeys],
  )
  return withNames(db, found.rows)
}

/** Users without object id whose personal number has one of these canonical forms, active or not. */
export async function pairableUsersByNumber(db: Queries, numberKeys: readonly string[]): Promise<RegistryUser[]> {
  const found = await db.query<UserRow>(
    'select * from users where object_id is null and canonical_number is not null and canonical_number = any($1::text[])',
    [numberKeys],
  )
  return withNames(db, found.rows)
}

/** Those of these canonical user names that an active user has, as his name or another one of his. */
export async function namesInUse(db: Queries, keys: readonly string[]): Promise<ReadonlySet<string>> {
  const found = await db.query<{ key: string }>('select key from user_names where held and key = any($1::text[])', [
    keys,
  ])
  return new Set(found.rows.map((row) => row.key))
}

/** Those of these canonical personal numbers that an active user has. */
export async function numbersInUse(db: Queries, keys: readonly string[]): Promise<ReadonlySet<string>> {
  const found = await db.query<{ key: string }>(
    'select personal_number_key as key from users where personal_number_key = any($1::text[])',
    [keys],
  )
  return new Set(found.rows.map((row) => row.key))
}

/** Object ids of the active users who are linked and have these canonical user names, by name. */
export async function linkedByName(db: Queries, keys: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const found = await db.query<{ key: string; object_id: string }>(
    `select n.key, u.object_id from user_names n join users u on u.id = n.user_id
     where n.held and n.kind = 'n' and n.key = any($1::text[]) and u.object_id is not null`,
    [keys],
  )
  return new Map(found.rows.map((row) => [row.key, row.object_id]))
}

/** Object ids of the active users who are linked and have these canonical personal numbers, by number. */
export async function linkedByNumber(db: Queries, keys: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const found = await db.query<{ key: string; object_id: string }>(
    `select personal_number_key as key, object_id from users
     where personal_number_key = any($1::text[]) and object_id is not null`,
    [keys],
  )
  return new Map(found.rows.map((row) => [row.key, row.object_id]))
}

/** These users, in no order. */
export async function usersByIds(db: Queries, ids: readonly number[]): Promise<RegistryUser[]> {
  const found = await db.query<UserRow>('select * from users where id = any($1::int[])', [ids])
  return withNames(db, found.rows)
}

async function withNames(db: Queries, rows: readonly UserRow[]): Promise<RegistryUser[]> {
  if (rows.length === 0) return []
  const ids = rows.map((row) => row.id)
  const names = await db.query<RegistryName & { user_id: number }>(
    'select user_id, kind, value, key, origin, held from user_names where user_id = any($1::int[]) order by user_id, kind desc, key',
    [ids],
  )
  const credentials = await db.query<RegistryCredential & { user_id: number }>(
    `select user_id, kind, encode(lookup, 'hex') as lookup, origin, held from credentials where user_id = any($1::int[]) order by user_id, id`,
    [ids],
  )
  const claims = await db.query<{ user_id: number; source_id: number }>(
    'select user_id, source_id from claims where user_id = any($1::int[]) order by user_id, source_id',
    [ids],
  )
  const namesOf = grouped(names.rows)
  const credentialsOf = grouped(credentials.rows)
  const claimsOf = grouped(claims.rows)
  const defaultGroups = await defaultGroupsOf(
    db,
    rows.filter((row) => row.default_group_id !== null).map((row) => row.id),
  )
  return rows.map((row) =>
    presentUser(row, {
      names: namesOf.get(row.id) ?? [],
      credentials: credentialsOf.get(row.id) ?? [],
      claims: (claimsOf.get(row.id) ?? []).map((claim) => claim.source_id),
      defaultGroup: defaultGroups.get(row.id) ?? null,
    }),
  )
}

function grouped<Row extends { readonly user_id: number }>(rows: readonly Row[]): ReadonlyMap<number, readonly Row[]> {
  const map = new Map<number, Row[]>()
  for (const row of rows) {
    const list = map.get(row.user_id)
    if (list === undefined) map.set(row.user_id, [row])
    else list.push(row)
  }
  return map
}

async function defaultGroupsOf(
  db: Queries,
  userIds: readonly number[],
): Promise<ReadonlyMap<number, RegistryDefaultGroup>> {
  if (userIds.length === 0) return new Map()
  const found = await db.query<{
    user_id: number
    id: number
    name: string
    under: string
    is_given: boolean
    member_by: readonly number[]
  }>(
    `select u.id as user_id, g.id, g.name, g.under, u.given_default_group_id is not distinct from g.id as is_given,
       array(select m.source_id from memberships m where m.group_id = g.id and m.user_id = u.id
         and (m.source_id = 0 or exists (select from sources s join connections c on c.id = s.connection_id
           where s.id = m.source_id and (u.tenant_id is null or c.tenant_id = u.tenant_id)))) as member_by
     from users u join groups g on g.id = u.default_group_id where u.id = any($1::int[])`,
    [userIds],
  )
  return new Map(
    found.rows.map((row) => [
      row.user_id,
      { id: row.id, path: pathOf(row.under, row.name), isGiven: row.is_given, memberBy: row.member_by },
    ]),
  )
}

type UserParts = Pick<RegistryUser, 'names' | 'credentials' | 'claims' | 'defaultGroup'>

function presentUser(row: UserRow, more: UserParts): RegistryUser {
  return {
    id: row.id,
    tenantId: row.tenant_id,
    objectId: row.object_id,
    sourceId: row.source_id,
    active: row.active,
    deactivatedBy: row.deactivated_by,
    deactivatedAt: row.deactivated_at,
    restoredByAdministrator: row.restored_by_administrator,
    untouchable: row.protected || row.administrator,
    userName: row.user_name,
    personalNumber: row.personal_number,
    holdsNumber: row.personal_number_key !== null,
    fields: {
      fullName: row.full_name,
      email: row.email,
      phone: row.phone,
      language: row.language,
      department: row.department,
      costCenter: row.cost_center,
      office: row.office,
      jobTitle: row.job_title,
      company: row.company,
      manager: row.manager,
      storage: row.storage,
      notes: row.notes,
    },
    alternateEmails: row.alternate_emails,
    givenEmails: row.given_emails,
    own: row.own,
    version: row.version,
    ...more,
  }
}

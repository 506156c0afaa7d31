// What is told of somebody who shows who he is: an active user with his groups. Used by whoever looks him up by what he shows.
import type { Queries } from '../database/connect.ts'
import { pathOf } from '../directory/group.ts'

/** Somebody who was identified; which of it is told to whom, the caller decides. */
export interface FoundPerson {
  readonly id: number
  readonly userName: string
  readonly fullName: string | null
  readonly email: string | null
  readonly phone: string | null
  readonly language: string | null
  readonly department: string | null
  readonly costCenter: string | null
  readonly personalNumber: string | null
  readonly storage: string | null
  /** By path; null where they were not asked for. */
  readonly groups: readonly { readonly id: number; readonly path: string }[] | null
}

/** A row of {@link personColumns}; all null where nobody was found. */
export interface PersonRow {
  readonly user_id: number | null
  readonly user_name: string | null
  readonly full_name: string | null
  readonly email: string | null
  readonly phone: string | null
  readonly language: string | null
  readonly department: string | null
  readonly cost_center: string | null
  readonly personal_number: string | null
  readonly storage: string | null
  readonly groups: readonly (readonly [id: number, under: string, name: string])[] | null
}

/**
 * SQL: the columns of a {@link PersonRow} out of a table of users `u`.
 *
 * @param options.groups whether groups are asked for: SQL, or known already
 */
export function personColumns({ groups }: { readonly groups: boolean | string }): string {
  const json = `(select coalesce(json_agg(json_build_array(g.id, g.under, g.name) order by g.under, g.name, g.id), '[]')
    from groups g where not g.hidden and g.id in (select m.group_id from memberships m where m.user_id = u.id))`
  return `u.id as user_id, u.user_name, u.full_name, u.email, u.phone, u.language, u.department, u.cost_center, u.personal_number,
    u.storage, case when ${groups} then ${json} end as groups`
}

/** SQL: joins the active user `u` who has a card or PIN, by the keyed look-up in a parameter. Parked values belong to nobody. */
export function joinHolder(kind: 'card' | 'pin', lookup: string): string {
  return `left join credentials c on c.kind = '${kind}' and c.held and c.lookup = ${lookup}
    left join users u on u.id = c.user_id and u.active`
}

export function parsePerson(row: PersonRow | undefined): FoundPerson | undefined {
  if (row === undefined || row.user_id === null || row.user_name === null) return undefined
  return {
    id: row.user_id,
    userName: row.user_name,
    fullName: row.full_name,
    email: row.email,
    phone: row.phone,
    language: row.language,
    department: row.department,
    costCenter: row.cost_center,
    personalNumber: row.personal_number,
    storage: row.storage,
    groups: row.groups?.map(([id, under, name]) => ({ id, path: pathOf(under, name) })) ?? null,
  }
}

/** The active user who has this PIN. */
export async function findByPin(
  db: Queries,
  { lookup, withGroups }: { readonly lookup: Buffer; readonly withGroups: boolean },
): Promise<FoundPerson | undefined> {
  const { rows } = await db.query<PersonRow>(
    `select ${personColumns({ groups: withGroups })} from (select) one ${joinHolder('pin', '$1')}`,
    [lookup],
  )
  return parsePerson(rows[0])
}

/** An active user; undefined where he is gone or deactivated. */
export async function findPerson(
  db: Queries,
  { userId, withGroups }: { readonly userId: number; readonly withGroups: boolean },
): Promise<FoundPerson | undefined> {
  const { rows } = await db.query<PersonRow>(
    `select ${personColumns({ groups: withGroups })} from users u where u.id = $1 and u.active`,
    [userId],
  )
  return parsePerson(rows[0])
}

/**
 * The active user of a user name or alias, and what his user name is.
 *
 * @param key the canonical form of the name
 */
export async function findName(
  db: Queries,
  key: string,
): Promise<{ readonly userId: number; readonly userName: string } | undefined> {
  const { rows } = await db.query<{ userId: number; userName: string }>(
    `select u.id as "userId", u.user_name as "userName" from user_names n join users u on u.id = n.user_id and u.active
     where n.held and n.key = $1`,
    [key],
  )
  return rows[0]
}

/**
 * The active user of a user name or alias (they are of one name space), with the look-up of his PIN.
 *
 * @param key the canonical form of the name
 */
export async function findNameWithPin(
  db: Queries,
  key: string,
): Promise<{ readonly userId: number; readonly pin: Buffer | null } | undefined> {
  const { rows } = await db.query<{ user_id: number; pin: Buffer | null }>(
    `select u.id as user_id, c.lookup as pin from user_names n join users u on u.id = n.user_id and u.active
       left join credentials c on c.user_id = u.id and c.kind = 'pin' and c.held
     where n.held and n.key = $1`,
    [key],
  )
  const [found] = rows
  return found === undefined ? undefined : { userId: found.user_id, pin: found.pin }
}

// What the registry has of one person that nobody else asks for: who gave what, and who has what he does without.
import type { Queries } from '../database/connect.ts'

export interface Possession {
  readonly kind: 'n' | 'a' | 'card' | 'pin' | 'number'
  readonly value: string | null
  readonly sealed: Buffer | null
  /** Of cards and PINs, lower-case hex. */
  readonly lookup: string | null
  /** Null for the personal number: who decides about it is not stored, it follows from the mapping. */
  readonly origin: 's' | 'k' | 'o' | null
  readonly held: boolean
  /** Who has it now, where he does without it. */
  readonly takenBy: string | null
}

/** Names, cards, PINs and number of a user, and who has those that he does without. */
export async function possessionsOf(db: Queries, userId: number): Promise<readonly Possession[]> {
  const found = await db.query<{
    kind: Possession['kind']
    value: string | null
    sealed: Buffer | null
    lookup: string | null
    origin: Possession['origin']
    held: boolean
    taken_by: string | null
  }>(
    `select n.kind::text as kind, n.value, null::bytea as sealed, null as lookup, n.origin::text as origin, n.held,
       (select u.user_name from user_names h join users u on u.id = h.user_id where h.held and h.key = n.key and h.user_id <> n.user_id) as taken_by
     from user_names n where n.user_id = $1
     union all
     select c.kind, null, c.sealed, encode(c.lookup, 'hex'), c.origin::text, c.held,
       (select u.user_name from credentials h join users u on u.id = h.user_id
         where h.held and h.kind = c.kind and h.lookup = c.lookup and h.user_id <> c.user_id)
     from credentials c where c.user_id = $1
     union all
     select 'number', u.personal_number, null, null, null, u.personal_number_key is not null,
       (select h.user_name from users h where h.personal_number_key = u.canonical_number and h.id <> u.id)
     from users u where u.id = $1 and u.personal_number is not null`,
    [userId],
  )
  return found.rows.map(({ taken_by: takenBy, ...row }) => ({ ...row, takenBy }))
}

export interface GivenMembership {
  readonly groupId: number
  readonly objectId: string | null
  readonly name: string
  readonly under: string
  /** 0: by hand. A number that no source has: a removed one. */
  readonly sourceId: number
  readonly sourceName: string | null
}

/** The visible groups of a user, once for each giver. */
export async function membershipsOf(db: Queries, userId: number): Promise<readonly GivenMembership[]> {
  const found = await db.query<{
    group_id: number
    object_id: string | null
    name: string
    under: string
    source_id: number
    source_name: string | null
  }>(
    `select g.id as group_id, g.object_id, g.name, g.under, m.source_id, s.name as source_name
     from memberships m join groups g on g.id = m.group_id and not g.hidden left join sources s on s.id = m.source_id
     where m.user_id = $1 order by g.under, g.name, g.id, m.source_id`,
    [userId],
  )
  return found.rows.map((row) => ({
    groupId: row.group_id,
    objectId: row.object_id,
    name: row.name,
    under: row.under,
    sourceId: row.source_id,
    sourceName: row.source_name,
  }))
}

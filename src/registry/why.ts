// What the registry knows about one person that nobody else asks for: who gave what, who has what he does without, what runs did.
import type { Queries } from '../database/connect.ts'

export interface PersonFound {
  readonly userId: number | undefined
  readonly objectId: string | undefined
  readonly tenantId: string | undefined
}

/** Finds a person by user name (any of the registry's names), user principal name, or object id. */
export async function findPerson(
  db: Queries,
  asked: { readonly text: string; readonly key: string; readonly objectId: string | undefined },
): Promise<PersonFound | undefined> {
  const inRegistry = await db.query<{ id: number; object_id: string | null; tenant_id: string | null }>(
    `select u.id, u.object_id, u.tenant_id from users u
     where u.object_id = $1::uuid or u.id in (select n.user_id from user_names n where n.key = $2)
     order by u.object_id is not distinct from $1::uuid desc, u.active desc,
       exists (select from user_names n where n.user_id = u.id and n.key = $2 and n.kind = 'n') desc, u.id limit 1`,
    [asked.objectId ?? null, asked.key],
  )
  const [user] = inRegistry.rows
  if (user !== undefined)
    return { userId: user.id, objectId: user.object_id ?? undefined, tenantId: user.tenant_id ?? undefined }
  const inMirror = await db.query<{ object_id: string; tenant_id: string }>(
    `select o.object_id, c.tenant_id from mirror_objects o join sources s on s.id = o.source_id
       join connections c on c.id = s.connection_id
     where o.kind = 'u' and (o.object_id = $1::uuid or lower(o.attributes ->> 'userPrincipalName') = lower($2))
     order by o.object_id is not distinct from $1::uuid desc, o.state = 'l' desc, s.priority, s.name limit 1`,
    [asked.objectId ?? null, asked.text],
  )
  const [object] = inMirror.rows
  if (object === undefined) return undefined
  // A name that Entra has given to him may be here under the one that he had before.
  const linked = await db.query<{ id: number }>('select id from users where tenant_id = $1 and object_id = $2', [
    object.tenant_id,
    object.object_id,
  ])
  return { userId: linked.rows[0]?.id, objectId: object.object_id, tenantId: object.tenant_id }
}

export interface Possession {
  readonly kind: 'n' | 'a' | 'card' | 'pin' | 'number'
  readonly value: string | null
  readonly sealed: Buffer | null
  readonly origin: string
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
    origin: string
    held: boolean
    taken_by: string | null
  }>(
    `select n.kind::text as kind, n.value, null::bytea as sealed, n.origin::text as origin, n.held,
       (select u.user_name from user_names h join users u on u.id = h.user_id where h.held and h.key = n.key and h.user_id <> n.user_id) as taken_by
     from user_names n where n.user_id = $1
     union all
     select c.kind, null, c.sealed, c.origin::text, c.held,
       (select u.user_name from credentials h join users u on u.id = h.user_id
         where h.held and h.kind = c.kind and h.lookup = c.lookup and h.user_id <> c.user_id)
     from credentials c where c.user_id = $1
     union all
     select 'number', u.personal_number, null, 's', u.personal_number_key is not null, null from users u
     where u.id = $1 and u.personal_number is not null`,
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

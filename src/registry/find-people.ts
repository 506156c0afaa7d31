// Who is meant by a name or an id: of the registry, and of what was last read from Entra, whom the registry need not have.
import type { Queries } from '../database/connect.ts'

export interface PersonFound {
  readonly userId: number | undefined
  readonly objectId: string | undefined
  readonly tenantId: string | undefined
}

export interface PersonAsked {
  readonly text: string
  /** Canonical form of it. */
  readonly key: string
  readonly objectId: string | undefined
  /** Of the registry; then nobody else is meant. */
  readonly userId: number | undefined
}

/**
 * Everybody of this name or id, the likeliest first: whoever the registry has (by any of its names, also one that he does without),
 * then whom Entra calls so, and to whom the last plan of a source would give the name. A local record and a person of Entra who has
 * not become it, because pairing was refused or waits, are two. Of a name that is no object id, the whole mirror is read.
 */
export async function findPeople(db: Queries, asked: PersonAsked): Promise<readonly PersonFound[]> {
  const found = await inRegistry(db, asked)
  if (asked.userId !== undefined) return found
  const known = new Set(found.map(identity))
  for (const person of asked.objectId === undefined
    ? await inMirror(db, asked)
    : await byObjectId(db, asked.objectId)) {
    if (known.has(identity(person))) continue
    known.add(identity(person))
    found.push(person)
  }
  return found
}

function identity({ userId, objectId, tenantId }: PersonFound): string {
  return objectId === undefined ? `user ${userId ?? ''}` : `${tenantId ?? ''} ${objectId}`
}

async function inRegistry(db: Queries, asked: PersonAsked): Promise<PersonFound[]> {
  const { rows } = await db.query<{ id: number; object_id: string | null; tenant_id: string | null }>(
    asked.userId === undefined
      ? `select u.id, u.object_id, u.tenant_id from users u
         where u.object_id = $1::uuid or u.id in (select n.user_id from user_names n where n.key = $2)
         order by coalesce(u.object_id = $1::uuid, false) desc, u.active desc,
           exists (select from user_names n where n.user_id = u.id and n.key = $2 and n.kind = 'n') desc, u.id`
      : 'select u.id, u.object_id, u.tenant_id from users u where u.id = $1',
    asked.userId === undefined ? [asked.objectId ?? null, asked.key] : [asked.userId],
  )
  return rows.map((row) => ({
    userId: row.id,
    objectId: row.object_id ?? undefined,
    tenantId: row.tenant_id ?? undefined,
  }))
}

/** A name that Entra has given to him may be here under the one that he had before. */
const LINKED = `left join users u on u.tenant_id = m.tenant_id and u.object_id = m.object_id`

interface MirrorRow {
  readonly id: number | null
  readonly object_id: string
  readonly tenant_id: string
}

async function byObjectId(db: Queries, objectId: string): Promise<PersonFound[]> {
  const { rows } = await db.query<MirrorRow>(
    `select u.id, m.object_id, m.tenant_id from (
       select o.object_id, c.tenant_id, bool_or(o.state = 'l') as is_live, min(s.priority) as priority
       from mirror_objects o join sources s on s.id = o.source_id join connections c on c.id = s.connection_id
       where o.kind = 'u' and o.object_id = $1 group by 1, 2) m ${LINKED}
     order by m.is_live desc, m.priority, m.tenant_id`,
    [objectId],
  )
  return rows.map(presentMirrorRow)
}

/**
 * By user principal name, by the attribute that user names are taken from, and, where they are put together, by the name in the last
 * plan of each source and in those that wait.
 */
async function inMirror(db: Queries, { text }: PersonAsked): Promise<PersonFound[]> {
  const { rows } = await db.query<MirrorRow>(
    `with plans as (
       select max(id) as id from runs where state = 'ended' and plan_hash is not null and source_id is not null group by source_id
       union select id from runs where outcome = 'held' and decision is null),
     named as (
       select distinct r.source_id, i.object_id from plans p join runs r on r.id = p.id
         join plan_items i on i.run_id = p.id and i.object = 'user' and lower(i.name) = lower($1)
       union
       select o.source_id, o.object_id from mirror_objects o
         join (select id, settings #>> '{users,properties,userName,from}' as attribute from sources) s on s.id = o.source_id
       where o.kind = 'u' and (lower(o.attributes ->> 'userPrincipalName') = lower($1) or lower(o.attributes ->> s.attribute) = lower($1)
         or s.attribute = 'upnPrefix' and lower(regexp_replace(o.attributes ->> 'userPrincipalName', '@[^@]*$', '')) = lower($1)))
     select u.id, m.object_id, m.tenant_id from (
       select o.object_id, c.tenant_id, bool_or(o.state = 'l') as is_live, min(s.priority) as priority
       from named n join mirror_objects o on o.source_id = n.source_id and o.object_id = n.object_id and o.kind = 'u'
         join sources s on s.id = o.source_id join connections c on c.id = s.connection_id
       group by 1, 2) m ${LINKED}
     order by m.is_live desc, m.priority, m.tenant_id, m.object_id`,
    [text],
  )
  return rows.map(presentMirrorRow)
}

function presentMirrorRow(row: MirrorRow): PersonFound {
  return { userId: row.id ?? undefined, objectId: row.object_id, tenantId: row.tenant_id }
}

// Users by whom to tell whether Graph still shows attributes, or answers null for what the app may not read.
import type { Queries } from '../database/connect.ts'
import type { Attributes } from '../directory/change.ts'
import type { ObjectId } from '../directory/ids.ts'

/** A user as the mirror has him, secret attributes still sealed. */
export interface KnownUser {
  readonly objectId: ObjectId
  readonly attributes: Attributes
  readonly sealed: Buffer | null
  readonly manager: string | null
}

/** How many users are looked at to choose from; a bound, so that a delta of a large tenant costs no more. */
const SAMPLE = 500

/**
 * Live users with as many attributes as possible, best first; those of `wanted` count most. Chosen among users next to a
 * random object id.
 */
export async function listCanaries(
  db: Queries,
  sourceId: number,
  options: {
    readonly wanted: readonly string[]
    readonly wantsSealed: boolean
    readonly except: readonly string[]
    readonly limit: number
  },
): Promise<readonly KnownUser[]> {
  const found = await db.query<CanaryRow>(
    `${sample('attributes, sealed, manager')}
     select object_id, attributes, sealed, manager from sampled
     where not (object_id = any($3::uuid[]))
     order by (select count(*) from unnest($4::text[]) name where coalesce(attributes->name, 'null') <> 'null') desc,
       ($5 and sealed is not null) desc,
       (select count(*) from jsonb_each(attributes) each where each.value <> 'null') desc,
       manager is not null desc, object_id
     limit $6`,
    [sourceId, crypto.randomUUID(), options.except, options.wanted, options.wantsSealed, options.limit],
  )
  return found.rows.map(toKnown)
}

/** Live users with as few attributes as possible: if a first load met nulls where there are values, it is with them. */
export async function listBarest(db: Queries, sourceId: number, limit: number): Promise<readonly KnownUser[]> {
  const found = await db.query<CanaryRow>(
    `${sample('attributes, sealed, manager')}
     select object_id, attributes, sealed, manager from sampled
     order by (select count(*) from jsonb_each(attributes) each where each.value = 'null') desc, object_id
     limit $3`,
    [sourceId, crypto.randomUUID(), limit],
  )
  return found.rows.map(toKnown)
}

/** Users of whom the walk read null where the mirror has a value, as the walk read them; a random few. */
export async function listCleared(db: Queries, sourceId: number, limit: number): Promise<readonly KnownUser[]> {
  const found = await db.query<CanaryRow>(
    `select s.object_id, s.attributes, s.sealed, s.manager
     from mirror_staged_objects s join mirror_objects m on m.key = s.key
     where s.source_id = $1 and s.kind = 'u' and s.state = 'l' and m.source_id = $1
       and (m.sealed is distinct from s.sealed and m.sealed is not null
         or m.manager is not null and s.manager_said and s.manager is null
         or exists (select 1 from jsonb_each(s.attributes) each
           where each.value = 'null' and coalesce(m.attributes->each.key, 'null') <> 'null'))
     order by random() limit $2`,
    [sourceId, limit],
  )
  return found.rows.map(toKnown)
}

function sample(columns: string): string {
  const some = (where: string) =>
    `(select object_id, ${columns} from mirror_objects
      where source_id = $1 and kind = 'u' and state = 'l' and ${where} order by object_id limit ${SAMPLE})`
  return `with sampled as materialized (
    select * from (${some('object_id >= $2::uuid')} union all ${some('object_id < $2::uuid')}) ids limit ${SAMPLE})`
}

interface CanaryRow {
  readonly object_id: ObjectId
  readonly attributes: Attributes | null
  readonly sealed: Buffer | null
  readonly manager: string | null
}

function toKnown(row: CanaryRow): KnownUser {
  return { objectId: row.object_id, attributes: row.attributes ?? {}, sealed: row.sealed, manager: row.manager }
}

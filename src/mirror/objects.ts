// Users and groups of the mirror, read and written one delta page at a time.
import type { Queries } from '../database/connect.ts'
import type { Attributes } from '../directory/change.ts'
import type { ObjectId } from '../directory/ids.ts'
import type { Owner } from './fence.ts'
import { markManagedBy, markMembershipsOf, markObjects } from './marks.ts'
import type { ObjectKind, ObjectState } from './rows.ts'

/** A row of the mirror as it stands. */
export interface MirrorObject {
  readonly key: number
  readonly objectId: ObjectId
  readonly kind: ObjectKind
  readonly state: ObjectState
  readonly attributes: Attributes
  readonly sealed: Buffer | null
  readonly manager: string | null
}

/** A row as it shall be. Changes only; what is as it was is not written. */
export interface ObjectChange {
  readonly objectId: string
  readonly kind: 'u' | 'g'
  readonly state: ObjectState
  readonly json: string
  readonly sealed: Buffer | null
  readonly manager: string | null
  /** Only ever met as a member until now: his memberships begin to count. */
  readonly wasPlaceholder: boolean
  /** User name, display name or presence changed: whoever he manages is marked too. */
  readonly isRenamed: boolean
}

/** The rows of the given objects; unknown ids are missing. */
export async function getObjects(
  db: Queries,
  sourceId: number,
  objectIds: readonly string[],
): Promise<Map<string, MirrorObject>> {
  const found = new Map<string, MirrorObject>()
  if (objectIds.length === 0) return found
  const rows = await db.query<ObjectsRow>(
    `select key, object_id, kind, state, attributes, sealed, manager from mirror_objects
     where source_id = $1 and object_id = any($2::uuid[])`,
    [sourceId, objectIds],
  )
  for (const row of rows.rows) {
    found.set(row.object_id, {
      key: row.key,
      objectId: row.object_id,
      kind: row.kind,
      state: row.state,
      attributes: row.attributes ?? {},
      sealed: row.sealed,
      manager: row.manager,
    })
  }
  return found
}

/** The sealed attributes of those of the given objects that have some. */
export async function getSealed(
  db: Queries,
  sourceId: number,
  objectIds: readonly string[],
): Promise<ReadonlyMap<string, Buffer>> {
  const rows = await db.query<{ object_id: string; sealed: Buffer }>(
    `select object_id, sealed from mirror_objects
     where source_id = $1 and object_id = any($2::uuid[]) and sealed is not null`,
    [sourceId, objectIds],
  )
  return new Map(rows.rows.map((row) => [row.object_id, row.sealed]))
}

/** Writes and marks changed objects. @returns their keys by object id */
export async function writeObjects(
  tx: Queries,
  owner: Owner,
  changes: readonly ObjectChange[],
): Promise<ReadonlyMap<string, number>> {
  const keys = new Map<string, number>()
  if (changes.length === 0) return keys
  const written = await tx.query<{ key: number; object_id: string }>(
    `insert into mirror_objects (source_id, object_id, kind, state, attributes, sealed, manager)
     select $1, id, kind::"char", state::"char", json::jsonb, sealed, manager
     from unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::bytea[], $7::uuid[])
       as n (id, kind, state, json, sealed, manager)
     on conflict (source_id, object_id) do update set kind = excluded.kind, state = excluded.state,
       attributes = excluded.attributes, sealed = excluded.sealed, manager = excluded.manager
     returning key, object_id`,
    [
      owner.sourceId,
      changes.map((c) => c.objectId),
      changes.map((c) => c.kind),
      changes.map((c) => c.state),
      changes.map((c) => c.json),
      changes.map((c) => c.sealed),
      changes.map((c) => c.manager),
    ],
  )
  for (const row of written.rows) keys.set(row.object_id, row.key)
  const keysOf = (some: readonly ObjectChange[]) => some.map((c) => keys.get(c.objectId) ?? 0)
  await markObjects(tx, owner, keysOf(changes))
  await markMembershipsOf(tx, owner, keysOf(changes.filter((c) => c.wasPlaceholder)))
  const renamed = changes.filter((c) => c.kind === 'u' && c.isRenamed)
  await markManagedBy(
    tx,
    owner,
    renamed.map((c) => c.objectId),
  )
  return keys
}

/** Keys of the given objects; unknown ones become placeholders, so that no membership is dropped (SPEC S11). */
export async function requireKeys(
  tx: Queries,
  sourceId: number,
  objectIds: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  if (objectIds.length === 0) return new Map()
  await tx.query(
    `insert into mirror_objects (source_id, object_id, kind, state)
     select $1, id, '?', '?' from unnest($2::uuid[]) id
     where not exists (select 1 from mirror_objects o where o.source_id = $1 and o.object_id = id)
     on conflict do nothing`,
    [sourceId, [...new Set(objectIds)]],
  )
  const rows = await tx.query<{ key: number; object_id: string }>(
    'select key, object_id from mirror_objects where source_id = $1 and object_id = any($2::uuid[])',
    [sourceId, objectIds],
  )
  return new Map(rows.rows.map((row) => [row.object_id, row.key]))
}

/** How many live users the mirror holds, counted up to `atMost`. */
export async function countLiveUsers(
  db: Queries,
  sourceId: number,
  options: { readonly atMost: number },
): Promise<number> {
  const found = await db.query<{ count: number }>(
    `select count(*) as count from
       (select 1 from mirror_objects where source_id = $1 and kind = 'u' and state = 'l' limit $2) live`,
    [sourceId, options.atMost],
  )
  return found.rows[0]?.count ?? 0
}

/** How many live groups the mirror holds. */
export async function countGroups(db: Queries, sourceId: number): Promise<number> {
  const found = await db.query<{ count: number }>(
    `select count(*) as count from mirror_objects where source_id = $1 and kind = 'g' and state = 'l'`,
    [sourceId],
  )
  return found.rows[0]?.count ?? 0
}

interface ObjectsRow {
  readonly key: number
  readonly object_id: ObjectId
  readonly kind: ObjectKind
  readonly state: ObjectState
  readonly attributes: Attributes | null
  readonly sealed: Buffer | null
  readonly manager: string | null
}

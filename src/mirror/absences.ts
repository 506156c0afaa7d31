// Objects that a listing or a feed says are not there any more, until that is proven one by one.
import type { Queries } from '../database/connect.ts'
import type { ObjectId } from '../directory/ids.ts'
import type { Owner } from './fence.ts'
import { markManagedBy, markObjects } from './marks.ts'
import { dropMembershipsOf } from './memberships.ts'
import type { ObjectState } from './rows.ts'

export interface AbsentObject {
  readonly key: number
  readonly objectId: ObjectId
  readonly kind: 'u' | 'g'
  readonly state: ObjectState
}

/** Objects reported removed and not proven yet, by key. */
export async function listUnproven(
  db: Queries,
  sourceId: number,
  page: { readonly afterKey: number; readonly limit: number },
): Promise<readonly AbsentObject[]> {
  const found = await db.query<AbsentRow>(
    `select key, object_id, kind, state from mirror_objects
     where source_id = $1 and state = 'a' and key > $2 order by key limit $3`,
    [sourceId, page.afterKey, page.limit],
  )
  return found.rows.map(toAbsent)
}

/** Objects that the mirror knows in one of these states and that the finished walk did not list, by key. */
export async function listAbsent(
  db: Queries,
  sourceId: number,
  page: {
    readonly kind: 'u' | 'g'
    readonly states: readonly string[]
    readonly afterKey: number
    readonly limit: number
  },
): Promise<readonly AbsentObject[]> {
  const found = await db.query<AbsentRow>(
    `select key, object_id, kind, state from mirror_objects o
     where source_id = $1 and kind = $2 and state::text = any($5::text[]) and key > $3
       and not exists (select 1 from mirror_staged_objects s
         where s.source_id = $1 and s.key = o.key and s.kind <> '?')
     order by key limit $4`,
    [sourceId, page.kind, page.afterKey, page.limit, page.states],
  )
  return found.rows.map(toAbsent)
}

/** Keeps proofs beside the walk, so that they are asked once and take effect with the merge. */
export async function stageProven(
  tx: Queries,
  sourceId: number,
  proven: readonly { readonly object: AbsentObject; readonly state: 's' | 'x' }[],
): Promise<void> {
  if (proven.length === 0) return
  await tx.query(
    `insert into mirror_staged_objects (source_id, key, object_id, kind, state)
     select $1, * from unnest($2::int[], $3::uuid[], $4::text[]::"char"[], $5::text[]::"char"[])
     on conflict (source_id, key) do update set kind = excluded.kind, state = excluded.state`,
    [
      sourceId,
      proven.map((p) => p.object.key),
      proven.map((p) => p.object.objectId),
      proven.map((p) => p.object.kind),
      proven.map((p) => p.state),
    ],
  )
}

/** Writes what became of objects; those gone for good lose their memberships. */
export async function setStates(
  tx: Queries,
  owner: Owner,
  states: readonly { readonly key: number; readonly state: 'l' | 's' | 'x' }[],
): Promise<void> {
  if (states.length === 0) return
  const changed = await tx.query<{ key: number; object_id: string; state: string }>(
    `update mirror_objects o set state = n.state::"char" from unnest($2::int[], $3::text[]) as n (key, state)
     where o.source_id = $1 and o.key = n.key and o.state::text <> n.state returning o.key, o.object_id, o.state`,
    [owner.sourceId, states.map((s) => s.key), states.map((s) => s.state)],
  )
  await markObjects(
    tx,
    owner,
    changed.rows.map((row) => row.key),
  )
  await markManagedBy(
    tx,
    owner,
    changed.rows.map((row) => row.object_id),
  )
  await dropMembershipsOf(
    tx,
    owner,
    changed.rows.filter((row) => row.state === 'x').map((row) => row.key),
  )
}

interface AbsentRow {
  readonly key: number
  readonly object_id: ObjectId
  readonly kind: 'u' | 'g'
  readonly state: ObjectState
}

function toAbsent(row: AbsentRow): AbsentObject {
  return { key: row.key, objectId: row.object_id, kind: row.kind, state: row.state }
}

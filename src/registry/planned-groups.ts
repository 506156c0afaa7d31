// What planning asks of mirror and registry together about groups, through the temporary tables of `planning.ts`.
import { copyInto, copyRow } from '../database/copy.ts'
import { streamRows } from '../database/stream.ts'
import type { Transaction } from '../database/transaction.ts'
import type { Attributes } from '../directory/change.ts'

/** A mirror group as planning reads it. */
export interface MirrorGroupRow {
  readonly key: number
  readonly object_id: string
  readonly state: string
  readonly attributes: Attributes | null
  readonly members_unknown: boolean
}

const GROUP_CONDITIONS = {
  all: '',
  // Looked up one by one: two conditions joined by OR would read the whole mirror.
  marked: `and m.key = any(array(
         select key from mirror_marks where source_id = $1
         union select o.key from issues i join mirror_objects o on o.source_id = $1 and o.object_id = i.object_id
           where i.source_id = $1))`,
  only: 'and m.key in (select key from plan_group_keys)',
} as const

/** The groups to plan, by object id, in batches: all; the marked ones and those with an open issue; or those of single users. */
export function eachMirrorGroup(
  tx: Transaction,
  options: { readonly sourceId: number; readonly which: 'all' | 'marked' | 'only'; readonly batch: number },
): AsyncGenerator<readonly MirrorGroupRow[], void, undefined> {
  const condition = GROUP_CONDITIONS[options.which]
  return streamRows<MirrorGroupRow>(
    tx.client,
    `select m.key, m.object_id, m.state, m.attributes, m.members_unknown from mirror_objects m
     where m.source_id = $1 and m.kind = 'g' ${condition} order by m.object_id`,
    { params: [options.sourceId], batch: options.batch },
  )
}

/** What a source has read of these groups, by object id, in no order. */
export async function mirrorGroupsByObjectIds(
  tx: Transaction,
  objectIds: readonly string[],
  options: { readonly sourceId: number },
): Promise<readonly MirrorGroupRow[]> {
  if (objectIds.length === 0) return []
  const found = await tx.query<MirrorGroupRow>(
    `select m.key, m.object_id, m.state, m.attributes, m.members_unknown from mirror_objects m
     where m.source_id = $1 and m.kind = 'g' and m.object_id = any($2::uuid[])`,
    [options.sourceId, objectIds],
  )
  return found.rows
}

export interface PlannedGroupRow {
  /** Null for a group that the mirror does not know. */
  readonly key: number | null
  readonly groupId: number | null
  readonly objectId: string | null
  readonly wanted: boolean
  readonly frozen: boolean
}

export async function addPlannedGroups(tx: Transaction, rows: readonly PlannedGroupRow[]): Promise<void> {
  if (rows.length === 0) return
  await copyInto(tx.client, 'planned_groups (key, group_id, object_id, wanted, frozen)', {
    rows: rows.map((r) => copyRow([r.key, r.groupId, r.objectId, r.wanted, r.frozen])),
  })
}

/** Marks the users in these groups (mirror keys), and in groups nested there where memberships are flattened. */
export async function markBelow(
  tx: Transaction,
  sourceId: number,
  below: { readonly groupKeys: readonly number[]; readonly transitive: boolean },
): Promise<void> {
  if (below.groupKeys.length === 0) return
  await tx.query(
    `insert into mirror_marks (source_id, key, at)
     with recursive below (key) as (
       select unnest($2::int[])
       union select n.member_key from below b join mirror_nesting n on n.group_key = b.key where $3)
     select distinct $1::int, mm.member_key, s.fence from below b join mirror_members mm on mm.group_key = b.key
       join mirror_objects o on o.key = mm.member_key and o.kind = 'u' join sources s on s.id = $1
     on conflict do nothing`,
    [sourceId, below.groupKeys, below.transitive],
  )
}

/** Adds the users in these groups (mirror keys) to `plan_keys`; nested groups' too where memberships are flattened. */
export async function addPlanKeysBelow(
  tx: Transaction,
  groupKeys: readonly number[],
  transitive: boolean,
): Promise<void> {
  if (groupKeys.length === 0) return
  await tx.query(
    `insert into plan_keys
     with recursive below (key) as (
       select unnest($1::int[])
       union select n.member_key from below b join mirror_nesting n on n.group_key = b.key where $2)
     select distinct mm.member_key from below b join mirror_members mm on mm.group_key = b.key
       join mirror_objects o on o.key = mm.member_key and o.kind = 'u'
     on conflict do nothing`,
    [groupKeys, transitive],
  )
}

// The selected groups that decide who is imported, with those nested in them.
import type { Queries } from '../database/connect.ts'
import type { Transaction } from '../database/transaction.ts'

export interface ScopeGroups {
  /** Selected groups that Entra does not have any more, or that the mirror has never seen. */
  readonly missing: readonly string[]
  /** Selected groups, and groups nested in them, whose members Entra does not show. */
  readonly unreadable: readonly string[]
}

/** Fills the closure of the selected groups: they and the groups nested in them. */
export async function fillScopeGroups(
  tx: Transaction,
  sourceId: number,
  objectIds: readonly string[],
): Promise<ScopeGroups> {
  const found = await tx.query<{ object_id: string }>(
    `select object_id from mirror_objects where source_id = $1 and kind = 'g' and state = 'l' and object_id = any($2::uuid[])`,
    [sourceId, objectIds],
  )
  await tx.query(
    `insert into scope_groups
     with recursive below (key) as (
       select key from mirror_objects where source_id = $1 and kind = 'g' and state = 'l' and object_id = any($2::uuid[])
       union
       select n.member_key from below b join mirror_nesting n on n.group_key = b.key
         join mirror_objects o on o.key = n.member_key and o.state = 'l'
     )
     select key from below`,
    [sourceId, objectIds],
  )
  const known = new Set(found.rows.map((row) => row.object_id))
  const unreadable = await tx.query<{ object_id: string }>(
    `select o.object_id from scope_groups g join mirror_objects o on o.key = g.key where o.members_unknown order by o.object_id`,
  )
  return {
    missing: objectIds.filter((id) => !known.has(id)),
    unreadable: unreadable.rows.map((row) => row.object_id),
  }
}

/**
 * How many of these selected groups have lost all their users, nested ones counted, since a plan was last applied. Asked of the
 * mirror, for a selected group need not be imported itself.
 */
export async function countEmptiedScopeGroups(
  db: Queries,
  sourceId: number,
  objectIds: readonly string[],
): Promise<number> {
  const found = await db.query<{ count: number }>(
    `with recursive below (base, key) as (
       select key, key from mirror_objects where source_id = $1 and kind = 'g' and state = 'l' and object_id = any($2::uuid[])
       union
       select b.base, n.member_key from below b join mirror_nesting n on n.group_key = b.key
         join mirror_objects o on o.key = n.member_key and o.state = 'l')
     select count(*) as count from (select distinct base from below) g
     where exists (select from below b join mirror_member_marks m on m.source_id = $1 and m.group_key = b.key where b.base = g.base)
       and not exists (select from below b join mirror_members m on m.group_key = b.key where b.base = g.base)`,
    [sourceId, objectIds],
  )
  return found.rows[0]?.count ?? 0
}

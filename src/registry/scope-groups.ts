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

/** SQL: each selected group ($2) of a source ($1) with itself and the groups nested in it, as keys of the mirror. */
const BELOW = `
  recursive below (base, key) as (
    select key, key from mirror_objects where source_id = $1 and kind = 'g' and state = 'l' and object_id = any($2::uuid[])
    union
    select b.base, n.member_key from below b join mirror_nesting n on n.group_key = b.key
      join mirror_objects o on o.key = n.member_key and o.state = 'l')`

/** SQL: somebody is in the group \`base\`, or in one nested in it. Memberships that are kept for the recycle bin are none. */
const isPeopled = (base: string) => `
  exists (select from below b join mirror_members m on m.group_key = b.key
    join mirror_objects o on o.key = m.member_key and o.state = 'l' where b.base = ${base})`

/**
 * The selected groups that have lost all their users, nested ones counted, and from which the plan draws something: it ends
 * memberships in them, or puts somebody out of scope or into the hands of another source. Whom the source takes from another one is not drawn from that. Asked of the mirror, for a selected group
 * need not be imported itself.
 */
export async function emptiedScopeGroups(
  db: Queries,
  plan: { readonly runId: number; readonly sourceId: number; readonly objectIds: readonly string[] },
): Promise<readonly string[]> {
  const found = await db.query<{ object_id: string }>(
    `with ${BELOW}
     select g.object_id from (select distinct base from below) b join mirror_objects g on g.key = b.base
       join sources s on s.id = $1
     where (s.peopled_scope_groups is null or g.object_id = any(s.peopled_scope_groups))
       and not ${isPeopled('g.key')}
       and (exists (select from plan_items i where i.run_id = $3 and i.object = 'user'
           and ((i.action = 'deactivate' and i.rule = 'users.import') or (i.action = 'take over' and i.reason = 'dropped-by-owner')))
         or exists (select from below n join mirror_objects o on o.key = n.key join groups r on r.object_id = o.object_id
           join plan_memberships p on p.run_id = $3 and p.op = 'r' and p.group_id = r.id where n.base = g.key))
     order by g.object_id`,
    [plan.sourceId, plan.objectIds, plan.runId],
  )
  return found.rows.map((row) => row.object_id)
}

/**
 * Notes which of the selected groups have somebody, so that it is known which of them lose him. One that is empty by now stays among
 * them, whatever is applied meanwhile, until it is \`settled\`.
 */
export async function notePeopledScopeGroups(
  tx: Queries,
  noted: {
    readonly sourceId: number
    readonly objectIds: readonly string[]
    /** Groups of which a plan that was done whole has said that they are empty. */
    readonly settled: readonly string[]
  },
): Promise<void> {
  await tx.query(
    `with ${BELOW}, now as (
       select array(select distinct g.object_id from below b join mirror_objects g on g.key = b.base
         where ${isPeopled('g.key')}
         union
         select k from unnest(s.peopled_scope_groups) k where k = any($2::uuid[]) and k <> all($3::uuid[])
         order by 1) as ids
       from sources s where s.id = $1)
     update sources set peopled_scope_groups = now.ids from now where id = $1 and peopled_scope_groups is distinct from now.ids`,
    [noted.sourceId, noted.objectIds, noted.settled],
  )
}

// What planning asks of mirror and registry together about users, through temporary tables that live as long as its transaction.
// Everything here is set-based: its cost follows what changed, or the tenant when everybody is planned.
import type { Queries } from '../database/connect.ts'
import type { Transaction } from '../database/transaction.ts'
import { copyInto, copyRow } from '../database/copy.ts'
import { scratchTables } from '../database/scratch.ts'
import { streamRows } from '../database/stream.ts'
import type { Attributes } from '../directory/change.ts'
import { ATTRIBUTE_GROUP_TABLES } from './attribute-groups.ts'

const TABLES = {
  plan_keys: 'key int primary key',
  plan_group_keys: 'key int primary key',
  scope_groups: 'key int primary key',
  planned_users:
    'key int, user_id int, object_id uuid, existing boolean, follows boolean, gives boolean, keeps boolean',
  planned_groups:
    'key int, group_id int, object_id uuid, wanted boolean, frozen boolean, planned boolean not null default true',
  planned_claims: 'space text, name text collate "C", key int, rank text',
  present_memberships: 'group_id int, user_id int',
  ...ATTRIBUTE_GROUP_TABLES,
}

/** Makes the temporary tables of one planning; a transaction plans once. */
export function beginPlanning(tx: Transaction): Promise<void> {
  return scratchTables(tx, TABLES)
}

/**
 * Fills `plan_keys` with the users that have to be planned though not everybody is: the marked ones, those with an open issue,
 * and those whose memberships or scope changed.
 */
export async function fillPlanKeys(
  tx: Transaction,
  sourceId: number,
  options: { readonly transitive: boolean; readonly scoped: boolean },
): Promise<void> {
  await tx.query(
    `insert into plan_keys
     select m.key from mirror_marks m join mirror_objects o on o.key = m.key and o.kind = 'u' where m.source_id = $1
     union select o.key from issues i join mirror_objects o on o.source_id = $1 and o.object_id = i.object_id and o.kind = 'u'
       where i.source_id = $1 and i.object_id is not null and i.code <> 'owned-by-source'
     union select o.key from mirror_member_marks m join mirror_objects o on o.key = m.member_key and o.kind = 'u'
       where m.source_id = $1 and m.kind = 'u'`,
    [sourceId],
  )
  if (!options.transitive && !options.scoped) {
    await tx.query('analyze plan_keys')
    return
  }
  // Everybody below a nested group that came or went, and below a marked group where groups decide who is imported.
  await tx.query(
    `insert into plan_keys
     with recursive below (key) as (
       select member_key from mirror_member_marks where source_id = $1 and kind = 'g'
       union select m.key from mirror_marks m join mirror_objects o on o.key = m.key and o.kind = 'g' where m.source_id = $1 and $2
       union select n.member_key from below b join mirror_nesting n on n.group_key = b.key
     )
     select distinct mm.member_key from below b join mirror_members mm on mm.group_key = b.key
       join mirror_objects o on o.key = mm.member_key and o.kind = 'u'
     on conflict do nothing`,
    [sourceId, options.scoped],
  )
  await tx.query('analyze plan_keys')
}

/** Fills `plan_keys` with these users alone, and `plan_group_keys` with the groups that they are in. */
export async function fillOnlyKeys(tx: Transaction, keys: readonly number[], transitive: boolean): Promise<void> {
  await tx.query('insert into plan_keys select distinct unnest($1::int[])', [keys])
  await tx.query(
    `insert into plan_group_keys
     with recursive above (key) as (
       select group_key from mirror_members where member_key = any($1::int[])
       union
       select n.group_key from above a join mirror_nesting n on n.member_key = a.key where $2)
     select key from above`,
    [keys, transitive],
  )
}

/** A mirror user as planning reads him. */
export interface MirrorUserRow {
  readonly key: number
  readonly object_id: string
  readonly state: string
  readonly attributes: Attributes | null
  readonly sealed: Buffer | null
  readonly in_scope: boolean
  readonly manager_upn: string | null
}

export interface MirrorUserOptions {
  readonly sourceId: number
  /** False: only those in `plan_keys`. */
  readonly everybody: boolean
  /** Users are imported from selected groups only. */
  readonly scoped: boolean
  readonly withManager: boolean
  readonly batch: number
}

/** SQL: of the users `m`, those who were found to need planning. */
const PLANNED = 'and m.key in (select key from plan_keys)'

/** The users to plan, by object id, in batches. */
export function eachMirrorUser(
  tx: Transaction,
  options: MirrorUserOptions,
): AsyncGenerator<readonly MirrorUserRow[], void, undefined> {
  return streamRows<MirrorUserRow>(tx.client, mirrorUserSql(options, options.everybody ? '' : PLANNED), {
    params: [options.sourceId],
    batch: options.batch,
  })
}

/** How many {@link eachMirrorUser} gives. */
export async function countMirrorUsers(
  tx: Queries,
  options: Pick<MirrorUserOptions, 'sourceId' | 'everybody'>,
): Promise<number> {
  const found = await tx.query<{ count: number }>(
    `select count(*) as count from mirror_objects m where m.source_id = $1 and m.kind = 'u' ${options.everybody ? '' : PLANNED}`,
    [options.sourceId],
  )
  return found.rows[0]?.count ?? 0
}

/** The users of a source's mirror with these object ids, whatever its scope. */
export async function mirrorUsersByObjectIds(
  tx: Queries,
  objectIds: readonly string[],
  options: Pick<MirrorUserOptions, 'sourceId' | 'withManager'>,
): Promise<readonly MirrorUserRow[]> {
  const found = await tx.query<MirrorUserRow>(
    mirrorUserSql({ ...options, scoped: false }, 'and m.object_id = any($2::uuid[])'),
    [options.sourceId, objectIds],
  )
  return found.rows
}

/** These users, by object id. */
export async function mirrorUsersByKeys(
  tx: Transaction,
  keys: readonly number[],
  options: Omit<MirrorUserOptions, 'everybody' | 'batch'>,
): Promise<readonly MirrorUserRow[]> {
  const found = await tx.query<MirrorUserRow>(mirrorUserSql(options, 'and m.key = any($2::int[])'), [
    options.sourceId,
    keys,
  ])
  return found.rows
}

function mirrorUserSql(
  options: { readonly scoped: boolean; readonly withManager: boolean },
  condition: string,
): string {
  const scope = options.scoped
    ? 'exists (select from mirror_members mm where mm.member_key = m.key and mm.group_key in (select key from scope_groups))'
    : 'true'
  const manager = options.withManager
    ? `(select mu.attributes ->> 'userPrincipalName' from mirror_objects mu where mu.source_id = m.source_id and mu.object_id = m.manager and mu.state = 'l')`
    : 'null'
  return `select m.key, m.object_id, m.state, m.attributes, m.sealed, ${scope} as in_scope, ${manager} as manager_upn
    from mirror_objects m where m.source_id = $1 and m.kind = 'u' ${condition} order by m.object_id`
}

export interface PlannedUserRow {
  readonly key: number
  readonly userId: number | null
  readonly objectId: string
  readonly existing: boolean
  /** Memberships follow Entra; false: frozen. */
  readonly follows: boolean
  /** False: the source gives him no membership, whatever Entra says. */
  readonly gives: boolean
  /** An active user whom this plan leaves as he is: he keeps all that he has, against everybody. */
  readonly keeps: boolean
}

/** Notes what became of these users. */
export async function addPlannedUsers(tx: Transaction, rows: readonly PlannedUserRow[]): Promise<void> {
  if (rows.length === 0) return
  await copyInto(tx.client, 'planned_users (key, user_id, object_id, existing, follows, gives, keeps)', {
    rows: rows.map((r) => copyRow([r.key, r.userId, r.objectId, r.existing, r.follows, r.gives, r.keeps])),
  })
}

export interface PlannedClaimRow {
  readonly space: string
  readonly name: string
  readonly key: number
  readonly rank: string
}

/** Notes what these users claim. */
export async function addPlannedClaims(tx: Transaction, rows: readonly PlannedClaimRow[]): Promise<void> {
  if (rows.length === 0) return
  await copyInto(tx.client, 'planned_claims (space, name, key, rank)', {
    rows: rows.map((r) => copyRow([r.space, r.name, r.key, r.rank])),
  })
}

/** Forgets what was noted of these users. */
export async function removePlanned(tx: Transaction, keys: readonly number[]): Promise<void> {
  await tx.query('delete from planned_users where key = any($1::int[])', [keys])
  await tx.query('delete from planned_claims where key = any($1::int[])', [keys])
  await tx.query('delete from planned_attribute_members where key = any($1::int[])', [keys])
  await tx.query('delete from planned_attribute_keeps where key = any($1::int[])', [keys])
}

/** Whether anybody, or any group, was planned. Where changes are read every few minutes, mostly nothing is. */
export async function isAnythingPlanned(tx: Transaction): Promise<boolean> {
  const found = await tx.query<{ some: boolean }>(
    'select exists (select from planned_users) or exists (select from planned_groups) as some',
  )
  return found.rows[0]?.some === true
}

export async function analyzePlanned(tx: Transaction): Promise<void> {
  await tx.query('analyze planned_users; analyze planned_claims')
}

/** A registry user who holds a value that a planned user claims, and is not planned himself or stays as he is. */
export interface Holder {
  readonly space: string
  readonly name: string
  readonly userId: number
  /** `n` user name, `a` alias, null for others. */
  readonly nameKind: 'n' | 'a' | null
  /** Where this source owns him and has not judged him yet: his key in the mirror. */
  readonly key: number | null
}

/** Everybody outside the plan who holds, as an active user, what somebody in the plan claims. */
export async function holdersOutside(tx: Transaction, sourceId: number): Promise<readonly Holder[]> {
  const found = await tx.query<{
    space: string
    name: string
    user_id: number
    name_kind: 'n' | 'a' | null
    key: number | null
  }>(
    `with held as (
       select c.space, c.name, n.user_id, n.kind as name_kind from planned_claims c
         join user_names n on n.held and n.key = c.name where c.space = 'name'
       union
       select c.space, c.name, cr.user_id, null from planned_claims c
         join credentials cr on cr.held and cr.kind = c.space and cr.lookup = decode(c.name, 'hex') where c.space in ('card', 'pin')
       union
       select c.space, c.name, u.id, null from planned_claims c
         join users u on u.personal_number_key = c.name where c.space = 'number'
     )
     select h.space, h.name, h.user_id, h.name_kind, case when p.user_id is null then o.key end as key
     from held h join users u on u.id = h.user_id
       left join (select user_id, bool_and(keeps) as keeps from planned_users where user_id is not null group by user_id) p on p.user_id = h.user_id
       left join sources s on s.id = u.source_id and s.id = $1
       left join connections cn on cn.id = s.connection_id and cn.tenant_id = u.tenant_id
       left join mirror_objects o on cn.id is not null and o.source_id = s.id and o.object_id = u.object_id and o.kind = 'u'
     where p.user_id is null or p.keeps`,
    [sourceId],
  )
  return found.rows.map((r) => ({ space: r.space, name: r.name, userId: r.user_id, nameKind: r.name_kind, key: r.key }))
}

/** Planned users (mirror keys) who claim something that another planned user claims, or that `heldOutside` names. */
export async function contestedKeys(tx: Transaction, heldOutside: readonly Holder[]): Promise<readonly number[]> {
  const found = await tx.query<{ key: number }>(
    `with contested as (
       select space, name from planned_claims group by space, name having min(key) <> max(key)
       union select * from unnest($1::text[], $2::text[])
     )
     select distinct c.key from planned_claims c join contested x on x.space = c.space and x.name = c.name`,
    [heldOutside.map((h) => h.space), heldOutside.map((h) => h.name)],
  )
  return found.rows.map((row) => row.key)
}

/** Planned users (mirror keys) who are paired with a record with which another one is paired too. */
export async function keysPairedAlike(tx: Transaction): Promise<readonly number[]> {
  const found = await tx.query<{ key: number }>(
    `select distinct c.key from planned_claims c where c.space = 'record' and c.name in (
       select name from planned_claims where space = 'record' group by name having min(key) <> max(key))`,
  )
  return found.rows.map((row) => row.key)
}

/** Takes `count` fresh registry ids. */
export async function takeIds(tx: Transaction, count: number): Promise<number[]> {
  const found = await tx.query<{ id: number }>(
    `select nextval('registry_ids')::int as id from generate_series(1, $1::int)`,
    [count],
  )
  return found.rows.map((row) => row.id)
}

// Groups that attributes make: registry groups without object id, known by their path. What planning asks and notes of them
// lies in temporary tables as long as its transaction; applying a plan gives them their keys.
import { copyInto, copyRow } from '../database/copy.ts'
import { streamRows } from '../database/stream.ts'
import type { Transaction } from '../database/transaction.ts'
import { pathKeyOf, splitPath } from '../directory/group.ts'
import { isGivenBy } from './given.ts'

/** Temporary tables of one planning. */
export const ATTRIBUTE_GROUP_TABLES = {
  unkeyed_groups: 'path_key bytea primary key, group_id int',
  planned_nodes:
    'path_key bytea primary key, group_id int, parent_id int, name text, under text, saw_version int, is_there boolean, rule text',
  planned_attribute_members: 'key int, group_id int',
  planned_attribute_keeps: 'key int',
}

/** The key of a path as it is stored: paths can be longer than an index takes. */
const HASH = (key: string) => `sha256(convert_to(${key}, 'UTF8'))`

/** Finds out the keys of local groups that have none yet, for this planning only. They were made by hand, so they are few. */
export async function fillUnkeyedGroups(tx: Transaction): Promise<void> {
  for await (const keys of eachUnkeyedGroup(tx)) {
    await tx.query(
      `insert into unkeyed_groups select ${HASH('k.key')}, k.id from unnest($1::int[], $2::text[]) k (id, key) on conflict do nothing`,
      [keys.map((k) => k.id), keys.map((k) => k.key)],
    )
  }
}

/** Gives every local group its key. Of several with one path the oldest gets it; the others are found by nobody. */
async function writePathKeys(tx: Transaction): Promise<void> {
  for await (const keys of eachUnkeyedGroup(tx)) {
    await tx.query(
      `update groups g set path_key = n.path_key
       from (select distinct on (path_key) path_key, id from (
               select ${HASH('k.key')} as path_key, k.id from unnest($1::int[], $2::text[]) k (id, key)) k
             order by path_key, id) n
       where g.id = n.id and not exists (select from groups o where o.path_key = n.path_key)`,
      [keys.map((k) => k.id), keys.map((k) => k.key)],
    )
  }
}

async function* eachUnkeyedGroup(
  tx: Transaction,
): AsyncGenerator<readonly { readonly id: number; readonly key: string }[], void, undefined> {
  const rows = streamRows<{ id: number; name: string; under: string }>(
    tx.client,
    'select id, name, under from groups where object_id is null and path_key is null order by id',
    { batch: 1_000 },
  )
  for await (const batch of rows) {
    yield batch.map(({ id, name, under }) => ({ id, key: pathKeyOf([...splitPath(under), name]) }))
  }
}

/** A group of a tree, as the registry has it or as this plan would make it. */
export interface GroupNode {
  /** See `pathKeyOf`. */
  readonly key: string
  readonly groupId: number
  readonly name: string
  readonly under: string
}

/** A group that this planning meets for the first time. */
export interface NewNode extends GroupNode {
  /** The group above it, where that belongs to the tree too. */
  readonly parentId: number | null
  /** The template that wants it. */
  readonly rule: string
  /** Version of the registry row; null for what does not exist yet. */
  readonly sawVersion: number | null
  /** False: it has to be created, or a hidden one shown again. */
  readonly isThere: boolean
}

/** The nodes with these keys that this planning has met already. */
export async function plannedNodes(tx: Transaction, keys: readonly string[]): Promise<readonly GroupNode[]> {
  const found = await tx.query<{ key: string; group_id: number; name: string; under: string }>(
    `select k.key, n.group_id, n.name, n.under from unnest($1::text[]) k (key) join planned_nodes n on n.path_key = ${HASH('k.key')}`,
    [keys],
  )
  return found.rows.map((row) => ({ key: row.key, groupId: row.group_id, name: row.name, under: row.under }))
}

/** The registry's groups with these keys. */
export async function groupsByPathKeys(
  tx: Transaction,
  keys: readonly string[],
): Promise<readonly (GroupNode & { readonly version: number; readonly hidden: boolean })[]> {
  const found = await tx.query<{
    key: string
    id: number
    name: string
    under: string
    version: number
    hidden: boolean
  }>(
    `select k.key, g.id, g.name, g.under, g.version, g.hidden
     from (select key, ${HASH('key')} as hash from unnest($1::text[]) key) k
       cross join lateral (
         select * from groups where path_key = k.hash
         union all select g.* from unkeyed_groups u join groups g on g.id = u.group_id where u.path_key = k.hash
         limit 1) g`,
    [keys],
  )
  return found.rows.map(({ id, ...row }) => ({ ...row, groupId: id }))
}

/** Notes nodes that this planning has met. */
export async function addPlannedNodes(tx: Transaction, nodes: readonly NewNode[]): Promise<void> {
  if (nodes.length === 0) return
  await tx.query(
    `insert into planned_nodes (path_key, group_id, parent_id, name, under, rule, saw_version, is_there)
     select ${HASH('n.key')}, n.group_id, n.parent_id, n.name, n.under, n.rule, n.saw_version, n.is_there
     from unnest($1::text[], $2::int[], $3::int[], $4::text[], $5::text[], $6::text[], $7::int[], $8::boolean[])
       n (key, group_id, parent_id, name, under, rule, saw_version, is_there)`,
    [
      nodes.map((n) => n.key),
      nodes.map((n) => n.groupId),
      nodes.map((n) => n.parentId),
      nodes.map((n) => n.name),
      nodes.map((n) => n.under),
      nodes.map((n) => n.rule),
      nodes.map((n) => n.sawVersion),
      nodes.map((n) => n.isThere),
    ],
  )
}

/** The groups that attributes make one user a member of. */
export interface AttributeMembers {
  /** His key in the mirror. */
  readonly key: number
  readonly groupIds: readonly number[]
  /** He also keeps what attributes gave him before: a value that makes a group's name cannot be kept. */
  readonly keepsOthers: boolean
}

/** Notes whose attributes make which groups. */
export async function addAttributeMembers(tx: Transaction, rows: readonly AttributeMembers[]): Promise<void> {
  const members = rows.flatMap((row) => row.groupIds.map((groupId) => copyRow([row.key, groupId])))
  if (members.length > 0) await copyInto(tx.client, 'planned_attribute_members (key, group_id)', { rows: members })
  const keeps = rows.filter((row) => row.keepsOthers).map((row) => copyRow([row.key]))
  if (keeps.length > 0) await copyInto(tx.client, 'planned_attribute_keeps (key)', { rows: keeps })
}

/**
 * Adds to `planned_groups` the trees that somebody is in by this plan, and the local groups that planned users have of this
 * source, so that memberships are compared in both. Needs `planned_users`.
 */
export async function planUsedNodes(
  tx: Transaction,
  options: { readonly sourceId: number; readonly everybody: boolean },
): Promise<void> {
  await tx.query('analyze planned_attribute_members; analyze planned_nodes')
  await tx.query(
    `insert into planned_groups (key, group_id, object_id, wanted, frozen)
     with recursive used (group_id) as (
       select distinct m.group_id from planned_attribute_members m
         join planned_users u on u.key = m.key and u.follows and u.gives and u.user_id is not null
       union
       select n.parent_id from used u join planned_nodes n on n.group_id = u.group_id where n.parent_id is not null)
     select null, group_id, null, true, false from used`,
  )
  // Few are planned: their memberships are looked up one by one. Of everybody, every local group is looked at instead.
  const given = options.everybody
    ? `select g.id from groups g where g.tenant_id is null
         and exists (select from memberships m where m.group_id = g.id and ${isGivenBy('m', '$1')})`
    : `select distinct m.group_id from planned_users u
         cross join lateral (select m.group_id from memberships m where m.user_id = u.user_id and ${isGivenBy('m', '$1')} offset 0) m
         cross join lateral (select g.id from groups g where g.id = m.group_id and g.tenant_id is null offset 0) g`
  await tx.query(
    `insert into planned_groups (key, group_id, object_id, wanted, frozen, planned)
     select null, l.id, null, true, false, false from (${given}) l (id)
     where not exists (select from planned_groups p where p.group_id = l.id)`,
    [options.sourceId],
  )
}

/** The nodes of the plan that have to be created, by path, in batches. */
export async function* eachNodeToCreate(
  tx: Transaction,
): AsyncGenerator<readonly Omit<NewNode, 'key' | 'parentId' | 'isThere'>[], void, undefined> {
  const rows = streamRows<{
    group_id: number
    name: string
    under: string
    rule: string
    saw_version: number | null
  }>(
    tx.client,
    `select n.group_id, n.name, n.under, n.rule, n.saw_version from planned_nodes n
       join planned_groups g on g.group_id = n.group_id where not n.is_there
     order by n.path_key`,
    { batch: 1_000 },
  )
  for await (const batch of rows) {
    yield batch.map((row) => ({
      groupId: row.group_id,
      name: row.name,
      under: row.under,
      rule: row.rule,
      sawVersion: row.saw_version,
    }))
  }
}

/** SQL: the memberships that attributes give to planned users. */
export const PRESENT_BY_ATTRIBUTES = `select distinct m.group_id, u.user_id from planned_attribute_members m
  join planned_users u on u.key = m.key where u.follows and u.gives and u.user_id is not null`

/** SQL: those that they keep because a value could not be. `$2` is the source. */
export function keptByAttributes(sourceId: string): string {
  return `select m.group_id, u.user_id from planned_attribute_keeps k join planned_users u on u.key = k.key and u.follows and u.gives
    join memberships m on m.user_id = u.user_id and ${isGivenBy('m', sourceId)}
    join groups g on g.id = m.group_id and g.tenant_id is null`
}

/** Items of a plan that create a group which has come into being otherwise since: by another source or by hand. */
export async function leaveOutTakenPaths(tx: Transaction, runId: number): Promise<number> {
  const creates = await tx.query<{ seq: number; group_id: number; name: string; under: string }>(
    `select seq, group_id, new ->> 'name' as name, new ->> 'under' as under from plan_items
     where run_id = $1 and object = 'group' and action = 'create' and object_id is null and not left_out`,
    [runId],
  )
  if (creates.rows.length === 0) return 0
  // Two sources may apply at once, and each must see what the other one made.
  await keyLocalGroups(tx)
  const left = await tx.query(
    `update plan_items i set left_out = true
     from unnest($2::int[], $3::text[]) k (seq, key) join groups g on g.path_key = ${HASH('k.key')}
     where i.run_id = $1 and i.seq = k.seq and g.id <> i.group_id`,
    [runId, creates.rows.map((r) => r.seq), creates.rows.map((r) => pathKeyOf([...splitPath(r.under), r.name]))],
  )
  return left.rowCount ?? 0
}

/** Gives the groups that a plan has just created their keys. */
export async function keyCreatedGroups(tx: Transaction): Promise<void> {
  await writePathKeys(tx)
}

/** Gives every local group its key, while nobody else makes one: until the transaction ends each sees what the other made. */
export async function keyLocalGroups(tx: Transaction): Promise<void> {
  await tx.query(`select pg_advisory_xact_lock(hashtext('muster: paths of local groups'))`)
  await writePathKeys(tx)
}

/** The local group with this key, see `pathKeyOf`. Needs {@link keyLocalGroups} before it. */
export async function localGroupAt(
  tx: Transaction,
  key: string,
): Promise<{ readonly id: number; readonly name: string; readonly under: string } | undefined> {
  const found = await tx.query<{ id: number; name: string; under: string }>(
    `select id, name, under from groups where path_key = ${HASH('$1::text')}`,
    [key],
  )
  return found.rows[0]
}

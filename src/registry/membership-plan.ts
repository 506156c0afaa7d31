// The memberships that a plan adds and removes, by set difference between mirror and registry.
import { streamRows } from '../database/stream.ts'
import type { Transaction } from '../database/transaction.ts'

export interface MembershipPlanOptions {
  readonly runId: number
  readonly sourceId: number
  readonly transitive: boolean
}

/**
 * Fills `plan_memberships` for the planned users (all of their groups) and for the groups that go.
 *
 * `planned_users` and `planned_groups` must hold what was decided about both. Users that do not follow Entra, groups whose
 * members are unknown, and users or groups that the mirror does not know keep what they have.
 */
export async function planMemberships(tx: Transaction, options: MembershipPlanOptions): Promise<void> {
  const { runId, sourceId } = options
  await tx.query('analyze planned_users; analyze planned_groups')
  await addUnplannedGroups(tx, options)
  const present = options.transitive ? TRANSITIVE : DIRECT
  const has = await tx.query<{ some: boolean }>(
    'select exists (select from memberships where source_id = $1) as some',
    [sourceId],
  )
  if (has.rows[0]?.some !== true) {
    await tx.query(
      `insert into plan_memberships (run_id, op, group_id, user_id)
       ${present} select $1::int, 'a', group_id, user_id from present`,
      [runId],
    )
    return
  }
  await tx.query(
    `create temp table present_memberships on commit drop as ${present} select group_id, user_id from present`,
  )
  await tx.query('analyze present_memberships')
  await tx.query(
    `insert into plan_memberships (run_id, op, group_id, user_id)
     select $1::int, 'a', p.group_id, p.user_id from present_memberships p
     where not exists (select from memberships m where m.group_id = p.group_id and m.user_id = p.user_id and m.source_id = $2)`,
    [runId, sourceId],
  )
  await tx.query(
    `insert into plan_memberships (run_id, op, group_id, user_id)
     select $1::int, 'r', m.group_id, m.user_id from planned_users u
       join memberships m on m.user_id = u.user_id and m.source_id = $2
       join planned_groups g on g.group_id = m.group_id and g.wanted and not g.frozen
     where u.follows
       and not exists (select from present_memberships p where p.group_id = m.group_id and p.user_id = m.user_id)
     union all
     select $1::int, 'r', m.group_id, m.user_id from planned_groups g
       join memberships m on m.group_id = g.group_id and m.source_id = $2
     where not g.wanted and not g.frozen`,
    [runId, sourceId],
  )
}

const DIRECT = `with present as (
  select g.group_id, u.user_id from planned_users u
    join mirror_members mm on mm.member_key = u.key
    join planned_groups g on g.key = mm.group_key and g.wanted
  where u.follows and u.user_id is not null)`

const TRANSITIVE = `with recursive direct as (
    select mm.group_key, u.user_id from planned_users u join mirror_members mm on mm.member_key = u.key
    where u.follows and u.user_id is not null),
  above (base, key) as (
    select distinct group_key, group_key from direct
    union
    select a.base, n.group_key from above a join mirror_nesting n on n.member_key = a.key),
  present as (
    select distinct g.group_id, d.user_id from direct d join above a on a.base = d.group_key
      join planned_groups g on g.key = a.key and g.wanted)`

/** Groups of planned users that need no planning themselves: the registry has them as they should be. */
async function addUnplannedGroups(tx: Transaction, options: MembershipPlanOptions): Promise<void> {
  const above = options.transitive
    ? `union select n.group_key from groups_of a join mirror_nesting n on n.member_key = a.key`
    : ''
  await tx.query(
    `insert into planned_groups (key, group_id, object_id, wanted, frozen, planned)
     with recursive groups_of (key) as (
       select mm.group_key from planned_users u join mirror_members mm on mm.member_key = u.key
       ${above})
     select o.key, g.id, o.object_id, true, o.members_unknown or o.state = 'a', false
     from (select key from groups_of group by key) k
       join mirror_objects o on o.key = k.key and o.kind = 'g' and o.source_id = $1
       join sources s on s.id = $1 join connections c on c.id = s.connection_id
       join groups g on g.tenant_id = c.tenant_id and g.object_id = o.object_id and g.source_id = $1 and not g.hidden
     where not exists (select from planned_groups p where p.key = k.key)
     union
     select o.key, g.id, o.object_id, true, o.members_unknown or o.state = 'a', false
     from planned_users u join memberships m on m.user_id = u.user_id and m.source_id = $1
       join groups g on g.id = m.group_id and not g.hidden
       join mirror_objects o on o.source_id = $1 and o.object_id = g.object_id and o.kind = 'g'
     where not exists (select from planned_groups p where p.key = o.key)`,
    [options.sourceId],
  )
  if (!options.transitive) return
  // A group above one whose members cannot be read may have members through it that nobody can confirm.
  await tx.query(
    `with recursive above (key) as (
       select key from mirror_objects where source_id = $1 and kind = 'g' and members_unknown
       union
       select n.group_key from above a join mirror_nesting n on n.member_key = a.key)
     update planned_groups set frozen = true where not frozen and key in (select key from above)`,
    [options.sourceId],
  )
}

/** One group's additions or removals in a plan. */
export interface MembershipSum {
  readonly op: 'a' | 'r'
  readonly groupId: number
  readonly groupObjectId: string
  readonly rows: number
  /**
   * Independent of the order of the rows: two seeded 64-bit hashes of the members' object ids, each combined by xor.
   * Object ids are chosen by Microsoft, so nobody can aim for a collision; a sorted SHA-256 costs ten times as much.
   */
  readonly digest: string
}

/** The plan's memberships of groups that change by more than so many rows, summed by group. */
export function eachMembershipSum(
  tx: Transaction,
  options: { readonly runId: number; readonly moreThan: number },
): AsyncGenerator<readonly MembershipSum[], void, undefined> {
  return streamRows<MembershipSum>(
    tx.client,
    `select m.op, m.group_id as "groupId", g.object_id as "groupObjectId", count(*)::int as rows,
       bit_xor(uuid_hash_extended(coalesce(p.object_id, u.object_id), 1))::text || ':' ||
       bit_xor(uuid_hash_extended(coalesce(p.object_id, u.object_id), 2))::text as digest
     from plan_memberships m
       join (select distinct on (group_id) group_id, object_id from planned_groups where group_id is not null) g on g.group_id = m.group_id
       left join planned_users p on p.user_id = m.user_id
       left join users u on u.id = m.user_id
     where m.run_id = $1
     group by m.op, m.group_id, g.object_id having count(*) > $2 order by m.op, g.object_id`,
    { params: [options.runId, options.moreThan], batch: 1000 },
  )
}

/** One membership of a plan, for an item of its own. */
export interface PlannedMembership {
  readonly op: 'a' | 'r'
  readonly groupId: number
  readonly userId: number
  readonly groupObjectId: string
  readonly userObjectId: string | null
}

/** The single memberships of groups that change by at most `atMost` rows. */
export async function* eachSingleMembership(
  tx: Transaction,
  options: { readonly runId: number; readonly atMost: number },
): AsyncGenerator<readonly PlannedMembership[], void, undefined> {
  yield* streamRows<PlannedMembership>(
    tx.client,
    `with few as (select op, group_id from plan_memberships where run_id = $1 group by op, group_id having count(*) <= $2)
     select m.op, m.group_id as "groupId", m.user_id as "userId", g.object_id as "groupObjectId",
       coalesce(p.object_id, u.object_id) as "userObjectId"
     from plan_memberships m join few f on f.op = m.op and f.group_id = m.group_id
       join (select distinct on (group_id) group_id, object_id from planned_groups where group_id is not null) g on g.group_id = m.group_id
       left join planned_users p on p.user_id = m.user_id
       left join users u on u.id = m.user_id
     where m.run_id = $1 order by m.op, g.object_id, coalesce(p.object_id, u.object_id)`,
    { params: [options.runId, options.atMost], batch: 1000 },
  )
}

// The memberships that a plan adds and removes, by set difference between mirror and registry.
import { streamRows } from '../database/stream.ts'
import type { Transaction } from '../database/transaction.ts'
import { keptByAttributes, planUsedNodes, PRESENT_BY_ATTRIBUTES } from './attribute-groups.ts'
import { isGivenBy, tenantOf } from './given.ts'

export interface MembershipPlanOptions {
  readonly runId: number
  readonly sourceId: number
  readonly transitive: boolean
  /** Every user and group of the mirror was planned, so there are no others to look for. */
  readonly everybody: boolean
  /** False: none ends by this plan. Whoever is marked stays so, and a later one ends them. */
  readonly removalsAllowed: boolean
}

/**
 * Fills `plan_memberships` for the planned users (all of their groups) and for the groups that go.
 *
 * `planned_users` and `planned_groups` must hold what was decided about both. Users that do not follow Entra, groups whose
 * members are unknown, and users or groups that the mirror does not know keep what they have.
 */
export async function planMemberships(tx: Transaction, options: MembershipPlanOptions): Promise<void> {
  await tx.query('analyze planned_users')
  await planUsedNodes(tx, options)
  await tx.query('analyze planned_groups')
  await comparePresent(tx, options)
  // What this transaction wrote is unknown to the planner, who would join it row by row.
  if (options.everybody) {
    await tx.query('analyze plan_items (run_id, object, action, user_id, group_id); analyze plan_memberships')
  }
}

/** By `plan_memberships_place`: a million rows that come in its order cost half the processor time of as many in none. */
const AS_INDEXED = 'order by 3, 4'

async function comparePresent(tx: Transaction, options: MembershipPlanOptions): Promise<void> {
  const { runId, sourceId } = options
  if (!options.everybody) {
    await addUnplannedGroups(tx, options)
    await tx.query('analyze planned_groups')
  }
  if (options.transitive) await freezeAboveUnknown(tx, options.sourceId)
  const present = options.transitive ? TRANSITIVE : DIRECT
  const has = await tx.query<{ some: boolean }>('select exists (select from memberships) as some')
  if (has.rows[0]?.some !== true) {
    await tx.query(
      `insert into plan_memberships (run_id, op, group_id, user_id)
       ${present} select $1::int, 'a', group_id, user_id from present
       union all select $1, 'a', group_id, user_id from (${PRESENT_BY_ATTRIBUTES}) a
       ${AS_INDEXED}`,
      [runId],
    )
    return
  }
  await tx.query(
    `insert into present_memberships ${present} select group_id, user_id from present
     union all select group_id, user_id from (${PRESENT_BY_ATTRIBUTES}) a`,
  )
  await tx.query(`insert into present_memberships ${keptByAttributes('$1')}`, [sourceId])
  await tx.query('analyze present_memberships')
  // Beside what a removed source gave, too: that row goes with whoever ends it, this one stays as long as this source gives it.
  await tx.query(
    `insert into plan_memberships (run_id, op, group_id, user_id)
     select $1::int, 'a', p.group_id, p.user_id from present_memberships p
     where not exists (select from memberships m where m.group_id = p.group_id and m.user_id = p.user_id and m.source_id = $2)
     ${AS_INDEXED}`,
    [runId, sourceId],
  )
  if (options.removalsAllowed) await addRemovals(tx, options)
  // A membership exists while anybody gives it: such rows come and go without a word.
  await tx.query(
    `with shared as (
       delete from plan_memberships p where p.run_id = $1 and exists (
         select from memberships m where m.group_id = p.group_id and m.user_id = p.user_id
           and (p.op = 'a' or not ${isGivenBy('m', '$2')}))
       returning *)
     insert into plan_shared_memberships (run_id, op, group_id, user_id) select run_id, op, group_id, user_id from shared`,
    [runId, sourceId],
  )
}

/** Needs `present_memberships`. */
async function addRemovals(tx: Transaction, { runId, sourceId }: MembershipPlanOptions): Promise<void> {
  // Who does not link a removed source's group again does not answer for what that one gave to it. Of people of a removed source who
  // are gone for good a source ends what it gives alone.
  await tx.query(
    `insert into plan_memberships (run_id, op, group_id, user_id)
     select distinct $1::int, 'r'::"char", m.group_id, m.user_id from planned_users u
       join memberships m on m.user_id = u.user_id and ${isGivenBy('m', '$2')}
       join planned_groups g on g.group_id = m.group_id and g.wanted and not g.frozen
     where u.follows
       and not exists (select from present_memberships p where p.group_id = m.group_id and p.user_id = m.user_id)
     union
     select $1, 'r', m.group_id, m.user_id from planned_users u
       join memberships m on m.user_id = u.user_id and m.source_id = $2
       join planned_groups g on g.group_id = m.group_id and g.wanted and not g.frozen
     where not u.follows and not u.gives and not exists (select from memberships o where o.group_id = m.group_id and o.user_id = m.user_id
       and o.source_id <> $2 and ${isGivenBy('o', '$2')})
     union
     select $1::int, 'r', m.group_id, m.user_id from planned_groups g
       join memberships m on m.group_id = g.group_id and ${isGivenBy('m', '$2')}
     where not g.wanted and not g.frozen
       and (m.source_id = $2 or exists (select from groups o where o.id = m.group_id and o.source_id = $2))
     ${AS_INDEXED}`,
    [runId, sourceId],
  )
}

const DIRECT = `with present as (
  select g.group_id, u.user_id from planned_users u
    join mirror_members mm on mm.member_key = u.key
    join planned_groups g on g.key = mm.group_key and g.wanted
  where u.follows and u.gives and u.user_id is not null)`

const TRANSITIVE = `with recursive direct as (
    select mm.group_key, u.user_id from planned_users u join mirror_members mm on mm.member_key = u.key
    where u.follows and u.gives and u.user_id is not null),
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
  // Looked up one by one: few are planned, and joins of whole tables would make every delta cost what the tenant weighs.
  await tx.query(
    `insert into planned_groups (key, group_id, object_id, wanted, frozen, planned)
     with recursive groups_of (key) as (
       select mm.group_key from planned_users u join mirror_members mm on mm.member_key = u.key
       ${above}),
     has (key, object_id, is_frozen) as (
       select o.key, o.object_id, o.members_unknown or o.state = 'a' from (select key from groups_of group by key) k
         cross join lateral (select * from mirror_objects o where o.key = k.key and o.kind = 'g' and o.source_id = $1 offset 0) o)
     select h.key, g.id, h.object_id, true, h.is_frozen, false from has h
       cross join lateral (select id from groups g where g.object_id = h.object_id and not g.hidden
         and (g.source_id = $1 or exists (select from group_claims c where c.group_id = g.id and c.source_id = $1))
         and g.tenant_id = ${tenantOf('$1')} offset 0) g
     where not exists (select from planned_groups p where p.key = h.key)
     union
     select o.key, g.id, o.object_id, true, o.members_unknown or o.state = 'a', false
     from (select m.group_id, coalesce(bool_or(m.source_id = $1), false) as is_own from planned_users u
             cross join lateral (select m.group_id, m.source_id from memberships m
               where m.user_id = u.user_id and ${isGivenBy('m', '$1')} offset 0) m
           group by m.group_id) m
       cross join lateral (select * from groups g where g.id = m.group_id and not g.hidden offset 0) g
       cross join lateral (select * from mirror_objects o where o.source_id = $1 and o.object_id = g.object_id and o.kind = 'g' offset 0) o
     where not exists (select from planned_groups p where p.key = o.key)
       -- What a removed source gave, in a group that this one leaves out, it neither gives nor ends.
       and (m.is_own or g.source_id = $1 or exists (select from group_claims c where c.group_id = g.id and c.source_id = $1))`,
    [options.sourceId],
  )
}

/** A group above one whose members cannot be read may have members through it that nobody can confirm. */
async function freezeAboveUnknown(tx: Transaction, sourceId: number): Promise<void> {
  await tx.query(
    `with recursive above (key) as (
       select key from mirror_objects where source_id = $1 and members_unknown and kind = 'g'
       union
       select n.group_key from above a join mirror_nesting n on n.member_key = a.key)
     update planned_groups set frozen = true where not frozen and key in (select key from above)`,
    [sourceId],
  )
}

/**
 * Groups of the plan with what they are called, also those that it creates. Local ones are told apart by their path. Where the
 * source gives a group no more, the item that says so tells why; a group that others give as well has none, and only whether Entra
 * has it still is known of it.
 */
const GROUPS_OF_PLAN = `
  select pg.group_id, pg.object_id, pg.wanted, coalesce(known.name, item.name) as name,
    case when pg.object_id is null then coalesce(known.under, item.new ->> 'under') end as under,
    case when not pg.wanted then coalesce(item.rule, gone.rule) end as rule,
    case when not pg.wanted then coalesce(item.reason, gone.reason) end as reason
  from (select distinct on (group_id) group_id, key, object_id, wanted from planned_groups where group_id is not null
        order by group_id, wanted desc) pg
    left join (select key, 'groups' as rule, 'gone' as reason from mirror_objects where state in ('s', 'x')) gone on gone.key = pg.key
    left join groups known on known.id = pg.group_id
    left join plan_items item on item.run_id = $1 and item.object = 'group' and item.group_id = pg.group_id
      and item.action in ('create', 'delete', 'move')`

/** Why a source gives a membership no more, as far as the group or the person says it. */
export interface MembershipCause {
  /** False: the source does not give the group any more, to nobody. */
  readonly groupWanted: boolean
  /** Of the item by which the group goes, or of Entra having it no more; null where the group stays, or nothing is said of it. */
  readonly groupRule: string | null
  readonly groupReason: string | null
}

const CAUSE = 'g.wanted as "groupWanted", g.rule as "groupRule", g.reason as "groupReason"'

/** One group's additions or removals in a plan. */
export interface MembershipSum extends MembershipCause {
  readonly op: 'a' | 'r'
  readonly groupId: number
  /** Null for a local group, of which `groupUnder` tells where it is. */
  readonly groupObjectId: string | null
  readonly groupName: string | null
  readonly groupUnder: string | null
  readonly rows: number
  /** Of how many people the source does not want the person any more. */
  readonly unwanted: number
  /**
   * Independent of the order of the rows: two seeded 64-bit hashes of the members' object ids, each combined by xor.
   * Object ids are chosen by Microsoft, so nobody can aim for a collision; a sorted SHA-256 costs ten times as much.
   */
  readonly digest: string
}

/** From so many memberships on, a wrong plan of a query costs more than reading users and groups whole. */
const MANY = 1_000

async function hasMany(tx: Transaction, runId: number): Promise<boolean> {
  const found = await tx.query<{ many: boolean }>(
    'select exists (select from plan_memberships where run_id = $1 offset $2) as many',
    [runId, MANY - 1],
  )
  return found.rows[0]?.many === true
}

/** The plan's memberships of groups that change by more than so many rows, summed by group. */
export async function* eachMembershipSum(
  tx: Transaction,
  options: { readonly runId: number; readonly moreThan: number },
): AsyncGenerator<readonly MembershipSum[], void, undefined> {
  yield* streamRows<MembershipSum>(
    tx.client,
    `select s.op, s.group_id as "groupId", g.object_id as "groupObjectId", g.name as "groupName",
       g.under as "groupUnder", s.rows, s.unwanted, s.digest, ${CAUSE}
     from (
       select m.op, m.group_id, count(*)::int as rows, count(*) filter (where not p.gives)::int as unwanted,
         bit_xor(uuid_hash_extended(coalesce(p.object_id, u.object_id), 1))::text || ':' ||
         bit_xor(uuid_hash_extended(coalesce(p.object_id, u.object_id), 2))::text as digest
       from plan_memberships m
         left join planned_users p on p.user_id = m.user_id
         left join users u on u.id = m.user_id
       where m.run_id = $1
       group by m.op, m.group_id having count(*) > $2) s
       join (${GROUPS_OF_PLAN}) g on g.group_id = s.group_id
     order by s.op, g.object_id, g.under collate "C", g.name collate "C"`,
    {
      params: [options.runId, options.moreThan],
      batch: 1000,
      isOfManyUncounted: await hasMany(tx, options.runId),
    },
  )
}

/** One membership of a plan, for an item of its own. */
export interface PlannedMembership extends MembershipCause {
  readonly op: 'a' | 'r'
  readonly groupId: number
  readonly userId: number
  readonly groupObjectId: string | null
  readonly groupName: string | null
  readonly groupUnder: string | null
  readonly userObjectId: string | null
  readonly userName: string | null
  /** The source does not want the person any more. */
  readonly isUnwanted: boolean
}

/** The single memberships of groups that change by at most `atMost` rows. */
export async function* eachSingleMembership(
  tx: Transaction,
  options: { readonly runId: number; readonly atMost: number },
): AsyncGenerator<readonly PlannedMembership[], void, undefined> {
  yield* streamRows<PlannedMembership>(
    tx.client,
    `select m.op, m.group_id as "groupId", m.user_id as "userId", g.object_id as "groupObjectId", g.name as "groupName",
       g.under as "groupUnder", coalesce(p.object_id, u.object_id) as "userObjectId", coalesce(u.user_name, i.name) as "userName",
       coalesce(not p.gives, false) as "isUnwanted", ${CAUSE}
     from (select *, count(*) over (partition by op, group_id) as rows from plan_memberships where run_id = $1) m
       join (${GROUPS_OF_PLAN}) g on g.group_id = m.group_id
       left join planned_users p on p.user_id = m.user_id
       left join users u on u.id = m.user_id
       left join plan_items i on i.run_id = $1 and i.object = 'user' and i.action = 'create' and i.user_id = m.user_id
     where m.rows <= $2 order by m.op, g.object_id, g.under collate "C", g.name collate "C", coalesce(p.object_id, u.object_id)`,
    {
      params: [options.runId, options.atMost],
      batch: 1000,
      isOfManyUncounted: await hasMany(tx, options.runId),
    },
  )
}

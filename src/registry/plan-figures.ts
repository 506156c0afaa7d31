// Counts of a plan, for its report and for the safeguard.
import type { Queries } from '../database/connect.ts'
import { isGivenBy, tenantOf } from './given.ts'

export interface ActionCount {
  readonly object: string
  readonly action: string
  readonly count: number
}

/** How many items of each kind a plan has, those left out by applying it not counted. */
export async function countItems(db: Queries, runId: number): Promise<readonly ActionCount[]> {
  const found = await db.query<ActionCount>(
    'select object, action, count(*) as count from plan_items where run_id = $1 and not left_out group by object, action',
    [runId],
  )
  return found.rows
}

/** How many planned users there were that existed, and how many of those the plan changes. */
export async function countPlannedUsers(db: Queries, runId: number): Promise<{ existing: number; changed: number }> {
  const found = await db.query<{ existing: number; changed: number }>(
    `select (select count(*) from planned_users where existing) as existing,
       (select count(distinct i.user_id) from plan_items i join planned_users p on p.user_id = i.user_id and p.existing
        where i.run_id = $1 and i.object in ('user', 'credential') and i.action <> 'skip') as changed`,
    [runId],
  )
  return found.rows[0] ?? { existing: 0, changed: 0 }
}

export async function countPlanMemberships(db: Queries, runId: number): Promise<{ added: number; removed: number }> {
  const found = await db.query<{ added: number; removed: number }>(
    `select count(*) filter (where op = 'a') as added, count(*) filter (where op = 'r') as removed from plan_memberships where run_id = $1`,
    [runId],
  )
  return found.rows[0] ?? { added: 0, removed: 0 }
}

/** SQL: of a membership of a plan ($1), neither its user nor its group was left out. */
const NOT_LEFT_OUT = `
  not exists (select from plan_items i where i.run_id = $1 and i.left_out and i.group_id = m.group_id and i.object = 'group')
  and not exists (select from plan_items i where i.run_id = $1 and i.left_out and i.user_id = m.user_id and i.object = 'user')`

/** Like {@link countPlanMemberships}, without those of users and groups that were left out. */
export async function countAppliedMemberships(db: Queries, runId: number): Promise<{ added: number; removed: number }> {
  const found = await db.query<{ added: number; removed: number }>(
    `select count(*) filter (where op = 'a') as added, count(*) filter (where op = 'r') as removed from plan_memberships m
     where run_id = $1 and ${NOT_LEFT_OUT}`,
    [runId],
  )
  return found.rows[0] ?? { added: 0, removed: 0 }
}

/**
 * As {@link countAppliedMemberships}, once the plan is applied: a membership that somebody else gives by now has not ended, and
 * one that somebody else had given before has not begun.
 */
export async function countChangedMemberships(db: Queries, runId: number): Promise<{ added: number; removed: number }> {
  const found = await db.query<{ added: number; removed: number }>(
    `select count(*) filter (where op = 'a') as added, count(*) filter (where op = 'r') as removed from plan_memberships m
     where run_id = $1 and ${NOT_LEFT_OUT}
       and not exists (select from memberships o where o.group_id = m.group_id and o.user_id = m.user_id and (m.op = 'r' or o.run_id <> $1))`,
    [runId],
  )
  return found.rows[0] ?? { added: 0, removed: 0 }
}

/** What a source has, each counted no further than asked: beyond that a limit does not grow any more. */
export interface Before {
  readonly users: number
  readonly groups: number
  readonly memberships: number
  readonly credentials: number
}

/** SQL: the tenant that the source reads. Whom it left in a former one is not its to change (I11), so nothing is lost by them. */
const TENANT = tenantOf('$1')

/**
 * What the source had before the run in the tenant that it reads, of active people: what others have is without effect. `atMost`
 * bounds what it costs, whatever the size of the source; 0 looks at nothing.
 */
export async function countBefore(db: Queries, sourceId: number, atMost: Before): Promise<Before> {
  const found = await db.query<Before>(
    `select
       (select count(*) from (select from users where source_id = $1 and tenant_id = ${TENANT} and active limit $2) c) as users,
       (select count(*) from (select from groups where source_id = $1 and tenant_id = ${TENANT} and not hidden limit $3) c) as groups,
       (select count(*) from (select from memberships m join users u on u.id = m.user_id
          where m.source_id = $1 and u.tenant_id = ${TENANT} and u.active limit $4) c) as memberships,
       (select count(*) from (select from credentials c join users u on u.id = c.user_id
          where u.source_id = $1 and u.tenant_id = ${TENANT} and u.active limit $5) c) as credentials`,
    [sourceId, atMost.users, atMost.groups, atMost.memberships, atMost.credentials],
  )
  return found.rows[0] ?? { users: 0, groups: 0, memberships: 0, credentials: 0 }
}

export interface ItemsQuestion {
  readonly runId: number
  readonly laterRunId: number
  readonly object: string
  readonly actions: readonly string[]
  /** Only items that change this field. */
  readonly field?: string
  /** Only credentials of this kind. */
  readonly kind?: string
}

/** How many items of a plan a later one does not have in the same words. */
export async function countChangedItems(db: Queries, question: ItemsQuestion): Promise<number> {
  const found = await db.query<{ count: number }>(
    `select count(*) as count from plan_items i
     where i.run_id = $1 and i.object = $3 and i.action = any($4)
       and ($5::text is null or i.old ? $5 or i.new ? $5) and ($6::text is null or coalesce(i.new, i.old) ->> 'kind' = $6)
       and not exists (select from plan_items n where n.run_id = $2 and n.digest = i.digest)`,
    [
      question.runId,
      question.laterRunId,
      question.object,
      question.actions,
      question.field ?? null,
      question.kind ?? null,
    ],
  )
  return found.rows[0]?.count ?? 0
}

/** The shape in which a run keeps what its plan did; the safeguard's own. */
export interface SpentFigures {
  readonly usersRemoved: number
  readonly groupsDeleted: number
  readonly membershipsRemoved: number
  readonly credentialsRemoved: number
  readonly rewrites: {
    readonly userName: number
    readonly card: number
    readonly pin: number
    readonly personalNumber: number
    readonly email: number
  }
  readonly cleared: Readonly<Record<string, number>>
}

/** SQL: the runs of a source that were applied without approval in the last 24 hours. An approved plan ends as held. */
const unapprovedLately = (sourceId: string) => `
  from runs where source_id = ${sourceId} and kind = 'sync' and outcome = 'applied' and figures is not null
    and ended_at > now() - interval '24 hours'`

/** What the runs of a source did that were applied without approval in the last 24 hours. */
export async function spentLately(db: Queries, sourceId: number): Promise<readonly SpentFigures[]> {
  const found = await db.query<{ figures: SpentFigures }>(`select figures ${unapprovedLately('$1')}`, [sourceId])
  return found.rows.map((row) => row.figures)
}

/** How many users the source has in the tenant that it reads, all of them. */
export async function countUsersBefore(db: Queries, sourceId: number): Promise<number> {
  const found = await db.query<{ count: number }>(
    `select count(*) as count from users where source_id = $1 and tenant_id = ${TENANT} and active`,
    [sourceId],
  )
  return found.rows[0]?.count ?? 0
}

/** What items say of a person that is no value of his: who answers for him, and what is kept beside a value. */
const NO_VALUES = [
  'active',
  'objectId',
  'source',
  'protected',
  'administrator',
  'restoredByAdministrator',
  'givenEmails',
  'canonicalNumber',
]

/** SQL: an item of a user may carry values beside what its action says. One that brings back or away does in a revert alone. */
const WITH_VALUES = `(i.action in ('update', 'rename', 'adopt', 'take over')
  or i.rule = 'revert' and i.action in ('reactivate', 'deactivate'))`

/** By field: how many items replace a value, and how many clear one. Creations do neither. */
export async function countFieldChanges(
  db: Queries,
  runId: number,
): Promise<ReadonlyMap<string, { readonly rewritten: number; readonly cleared: number }>> {
  const found = await db.query<{ field: string; rewritten: number; cleared: number }>(
    `select field,
       count(*) filter (where now_value is not null and now_value not in ('null', '[]')) as rewritten,
       count(*) filter (where now_value is null or now_value in ('null', '[]')) as cleared
     from (
       select e.key as field, e.value as before, i.new -> e.key as now_value
       from plan_items i cross join jsonb_each(i.old) e
       where i.run_id = $1 and i.object = 'user' and ${WITH_VALUES}
         and jsonb_typeof(i.old) = 'object' and e.key <> 'own'
       union all
       select 'own.' || e.key, e.value, i.new -> 'own' -> e.key
       from plan_items i cross join jsonb_each(i.old -> 'own') e
       where i.run_id = $1 and i.object = 'user' and ${WITH_VALUES} and i.old ? 'own'
     ) c
     where before not in ('null', '[]') and field <> all ($2::text[]) group by field`,
    [runId, NO_VALUES],
  )
  return new Map(found.rows.map((row) => [row.field, row]))
}

/** How many users get another card or PIN in place of one that goes. */
export async function countCredentialRewrites(db: Queries, runId: number): Promise<{ card: number; pin: number }> {
  const found = await db.query<{ kind: string; count: number }>(
    `select kind, count(*) as count from (
       select user_id, coalesce(new, old) ->> 'kind' as kind from plan_items where run_id = $1 and object = 'credential'
       group by user_id, 2 having count(*) filter (where action = 'add') > 0 and count(*) filter (where action = 'remove') > 0
     ) c group by kind`,
    [runId],
  )
  const of = (kind: string) => found.rows.find((row) => row.kind === kind)?.count ?? 0
  return { card: of('card'), pin: of('pin') }
}

/** How many linked, active users of the source, in the tenant that it reads, have each of these one-valued fields (columns by allow-list). */
export async function countFieldUse(
  db: Queries,
  sourceId: number,
  columns: ReadonlyMap<string, string>,
): Promise<ReadonlyMap<string, number>> {
  if (columns.size === 0) return new Map()
  const list = [...columns]
  const found = await db.query<Record<string, number>>(
    `select ${list.map(([, expression], index) => `count(*) filter (where ${expression}) as c${index}`).join(', ')}
     from users where source_id = $1 and tenant_id = ${TENANT} and active`,
    [sourceId],
  )
  const row = found.rows[0]
  return new Map(list.map(([field], index) => [field, row?.[`c${index}`] ?? 0]))
}

/**
 * Groups of at least `size` active members of the source, but those in `except` (object ids), that this plan leaves without any.
 * Whom runs took away unapproved in the last 24 hours counts among the members still.
 */
export async function countEmptiedGroups(
  db: Queries,
  options: {
    readonly runId: number
    readonly sourceId: number
    readonly size: number
    readonly except: readonly string[]
  },
): Promise<number> {
  // Which groups are empty afterwards is asked first: of most, the first member tells.
  const found = await db.query<{ count: number }>(
    `with removed as (select distinct group_id from plan_memberships where run_id = $1 and op = 'r'),
     emptied as materialized (
       select r.group_id from removed r join groups g on g.id = r.group_id
       where (g.object_id is null or not g.object_id = any($4::uuid[]))
         and not exists (select from plan_memberships a left join users u on u.id = a.user_id
           where a.run_id = $1 and a.op = 'a' and a.group_id = r.group_id
             and (u.active or exists (select from plan_items i where i.run_id = $1 and i.object = 'user' and i.user_id = a.user_id
               and i.action in ('create', 'reactivate') and i.new ->> 'active' is distinct from 'false'))
             and not exists (select from plan_items i where i.run_id = $1 and i.object = 'user' and i.user_id = a.user_id
               and i.action in ('deactivate', 'delete')))
         and not exists (select from memberships m join users u on u.id = m.user_id and u.active
           where m.group_id = r.group_id and ${isGivenBy('m', '$2')}
             and not exists (select from plan_memberships p where p.run_id = $1 and p.op = 'r' and p.group_id = m.group_id and p.user_id = m.user_id)
             and not exists (select from plan_items i where i.run_id = $1 and i.object = 'user' and i.user_id = m.user_id
               and i.action in ('deactivate', 'delete')))),
     lately as materialized (select id ${unapprovedLately('$2')}),
     had as (
       select m.group_id, m.user_id from emptied e join memberships m on m.group_id = e.group_id and ${isGivenBy('m', '$2')}
         join users u on u.id = m.user_id
         where u.active or exists (select from plan_items i where i.run_id in (select id from lately) and i.object = 'user'
           and i.user_id = m.user_id and i.action = 'deactivate')
       union
       select p.group_id, p.user_id from emptied e join plan_memberships p on p.group_id = e.group_id and p.op = 'r'
         where p.run_id in (select id from lately))
     select count(*) as count from (select group_id from had group by group_id having count(*) >= $3) large`,
    [options.runId, options.sourceId, options.size, options.except],
  )
  return found.rows[0]?.count ?? 0
}

/** SHA-256 over the digests of everything that the plan changes, in an order that does not depend on when or how it was made. */
export async function digestOfPlan(db: Queries, runId: number): Promise<Buffer> {
  const found = await db.query<{ digest: Buffer }>(
    `select sha256(coalesce(string_agg(digest, ''::bytea order by object, action, object_id, digest), ''::bytea)) as digest
     from plan_items where run_id = $1 and action <> 'skip'`,
    [runId],
  )
  return found.rows[0]?.digest ?? Buffer.alloc(0)
}

// Plan items: the lines of a plan, which become the history of the registry when the run that made them is applied.
import type { Queries } from '../database/connect.ts'
import { copyInto, copyRow } from '../database/copy.ts'
import { streamRows } from '../database/stream.ts'
import type { Transaction } from '../database/transaction.ts'
import { canonical } from '../directory/canonical.ts'
import type { RegistryName } from '../directory/user.ts'

/** A plan item as it is stored. Membership items of many rows have `rows` in `new` and refer to {@link eachPlanMembership}. */
export interface PlanItem {
  readonly runId: number
  readonly seq: number
  readonly object: 'user' | 'group' | 'membership' | 'credential'
  readonly action: string
  readonly userId: number | null
  readonly groupId: number | null
  readonly objectId: string | null
  readonly name: string | null
  readonly old: Readonly<Record<string, unknown>> | null
  readonly new: Readonly<Record<string, unknown>> | null
  readonly rule: string
  readonly reason: string
  /** True: the registry row had moved when the plan was applied; planned again next time. */
  readonly leftOut: boolean
}

/** An item on its way into the plan, with the digest of its content. */
export interface NewPlanItem {
  readonly object: PlanItem['object']
  readonly action: string
  readonly userId: number | null
  readonly groupId: number | null
  readonly objectId: string | null
  readonly name: string | null
  readonly old: Readonly<Record<string, unknown>> | null
  readonly new: Readonly<Record<string, unknown>> | null
  readonly names: readonly RegistryName[] | null
  readonly rule: string
  readonly reason: string
  readonly sawVersion: number | null
  readonly numberKey?: string | null
  readonly givenEmails?: readonly string[]
  readonly digest: Buffer
}

/** Writes items with consecutive numbers from `firstSeq`. */
export async function insertPlanItems(
  tx: Transaction,
  items: readonly NewPlanItem[],
  place: { readonly runId: number; readonly firstSeq: number },
): Promise<void> {
  if (items.length === 0) return
  const rows = items.map((item, index) =>
    copyRow([
      place.runId,
      place.firstSeq + index,
      item.object,
      item.action,
      item.userId,
      item.groupId,
      item.objectId,
      item.name,
      item.old,
      item.new,
      item.names === null ? null : JSON.stringify(item.names.map(storedName)),
      numberKeyOf(item),
      item.givenEmails ?? null,
      item.rule,
      item.reason,
      item.sawVersion,
      item.digest,
    ]),
  )
  await copyInto(
    tx.client,
    'plan_items (run_id, seq, object, action, user_id, group_id, object_id, name, old, new, names, number_key, given_emails, rule, reason, saw_version, digest)',
    { rows },
  )
}

/** A fifth place, `false`, is there for a name that he does without. */
function storedName({ kind, value, key, origin, held }: RegistryName): readonly unknown[] {
  return held ? [kind, value, key, origin] : [kind, value, key, origin, false]
}

function numberKeyOf(item: NewPlanItem): string | null {
  if (item.numberKey !== undefined) return item.numberKey
  const number = item.object === 'user' ? item.new?.['personalNumber'] : undefined
  return typeof number === 'string' ? canonical(number) : null
}

/** Takes back the user and credential items of these objects, to be planned again without what others win. */
export async function deletePlanItemsOf(db: Queries, runId: number, objectIds: readonly string[]): Promise<void> {
  await db.query(
    `delete from plan_items where run_id = $1 and object in ('user', 'credential') and object_id = any($2::uuid[])`,
    [runId, objectIds],
  )
}

/** Takes away what a plan says about objects that it leaves alone; for one that changes nothing else. */
export async function deleteSkips(db: Queries, runId: number): Promise<void> {
  await db.query(`delete from plan_items where run_id = $1 and action = 'skip'`, [runId])
}

interface PlanItemRow {
  readonly run_id: number
  readonly seq: number
  readonly object: PlanItem['object']
  readonly action: string
  readonly user_id: number | null
  readonly group_id: number | null
  readonly object_id: string | null
  readonly name: string | null
  readonly old: Record<string, unknown> | null
  readonly new: Record<string, unknown> | null
  readonly rule: string
  readonly reason: string
  readonly left_out: boolean
}

/** The first items of a run in plan order; what changes nothing comes last. */
export async function firstPlanItems(db: Queries, runId: number, atMost: number): Promise<PlanItem[]> {
  const found = await db.query<PlanItemRow>(
    `select * from plan_items where run_id = $1 order by action = 'skip', seq limit $2`,
    [runId, atMost],
  )
  return found.rows.map(presentItem)
}

/** The items of a run about one person: himself, his cards and PINs, his memberships, also where one item stands for many members. */
export async function itemsAbout(
  db: Queries,
  runId: number,
  person: { readonly objectId: string; readonly userId: number | undefined },
): Promise<PlanItem[]> {
  const found = await db.query<PlanItemRow>(
    `select * from plan_items where run_id = $1 and (object_id = $2 or user_id = $3) order by seq`,
    [runId, person.objectId, person.userId ?? null],
  )
  const ids = [person.userId, ...found.rows.map((row) => row.user_id)].filter((id) => typeof id === 'number')
  const among = await db.query<PlanItemRow & { readonly member: number }>(
    `select i.*, m.user_id as member from plan_items i join plan_memberships m on m.run_id = $1 and m.group_id = i.group_id
       and m.op = (case when i.action = 'add' then 'a' when i.left_out then 'k' else 'r' end)::"char" and m.user_id = any($2::int[])
     where i.run_id = $1 and i.object = 'membership' and i.user_id is null and i.action in ('add', 'remove') order by i.seq`,
    [runId, ids],
  )
  const ofMany = among.rows.map((row): PlanItem => {
    const group = { group: row.name, groupObjectId: row.object_id }
    const isAdded = row.action === 'add'
    const { objectId } = person
    const one = { userId: row.member, objectId, name: null, old: isAdded ? null : group, new: isAdded ? group : null }
    return { ...presentItem(row), ...one }
  })
  return [...found.rows.map(presentItem), ...ofMany]
}

/** The items of a run in plan order. Holds one connection until it ends. */
export async function* eachPlanItem(tx: Transaction, runId: number): AsyncGenerator<PlanItem, void, undefined> {
  const rows = streamRows<PlanItemRow>(tx.client, 'select * from plan_items where run_id = $1 order by seq', {
    params: [runId],
    batch: 1000,
  })
  for await (const batch of rows) for (const row of batch) yield presentItem(row)
}

/** Removes the items of a plan that will never be applied, e.g. of an interrupted run. */
export async function deletePlan(db: Queries, runId: number): Promise<void> {
  await db.query('delete from plan_items where run_id = $1', [runId])
  await db.query('delete from plan_memberships where run_id = $1', [runId])
  await db.query('delete from plan_shared_memberships where run_id = $1', [runId])
  await db.query('delete from plan_claims where run_id = $1', [runId])
  await db.query('delete from plan_group_claims where run_id = $1', [runId])
}

function presentItem(row: PlanItemRow): PlanItem {
  return {
    runId: row.run_id,
    seq: row.seq,
    object: row.object,
    action: row.action,
    userId: row.user_id,
    groupId: row.group_id,
    objectId: row.object_id,
    name: row.name,
    old: row.old,
    new: row.new,
    rule: row.rule,
    reason: row.reason,
    leftOut: row.left_out,
  }
}

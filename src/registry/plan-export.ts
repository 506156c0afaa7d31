// Stored plans for people and other programs: every line, some at a time in constant memory. Cards and PINs stay masked.
import { Readable, type Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ExportFormat } from '../contract/exports.ts'
import { PLAN_ITEM_KEYS, type PlanItemLine } from '../contract/plan-items.ts'
import type { Database, Queries } from '../database/connect.ts'
import { streamRows } from '../database/stream.ts'
import { type Transaction, withTransaction } from '../database/transaction.ts'
import { canonical } from '../directory/canonical.ts'
import { writeCsv } from './csv.ts'

export interface PlanItemQuery {
  readonly runId: number
  /** Only items with this action, e.g. `deactivate`. */
  readonly action?: string | undefined
  /** Only items of this kind. */
  readonly object?: PlanItemLine['object'] | undefined
  /** Only those of this user: object id, user name or alias. */
  readonly user?: string | undefined
  /** Only lines with this in their name or their group's, or with this object id. */
  readonly search?: string | undefined
  /** The first so many; undefined: all. */
  readonly limit?: number | undefined
}

/** Writes the items of a run, at one moment, and leaves `destination` open. */
export async function writePlanItems(
  db: Database,
  query: PlanItemQuery,
  options: { readonly format: ExportFormat; readonly destination: Writable; readonly signal: AbortSignal },
): Promise<void> {
  const { format, destination, signal } = options
  await withTransaction(
    db,
    (tx) => pipeline(Readable.from(piecesOf(eachPlanLine(tx, query), format)), destination, { signal, end: false }),
    { isolation: 'repeatable read', readOnly: true },
  )
}

/** How many lines {@link eachPlanLine} gives without a limit. */
export async function countPlanLines(db: Queries, query: PlanItemQuery): Promise<number> {
  const { sql, params } = planLines(query)
  const found = await db.query<{ count: number }>(`select count(*) as count from (${sql}) c`, params)
  return found.rows[0]?.count ?? 0
}

/** The lines of a plan, in its order. */
export async function* eachPlanLine(
  tx: Transaction,
  query: PlanItemQuery,
): AsyncGenerator<readonly PlanItemLine[], void, undefined> {
  const { sql, params } = planLines(query)
  const limit = query.limit === undefined ? '' : `limit ${Math.trunc(query.limit)}`
  yield* streamRows<PlanItemLine>(tx.client, `${sql} order by seq, "objectId" ${limit}`, { params, batch: 1_000 })
}

/** Look-ups tell which cards are the same to whoever has the key, and sealed numbers which they are. */
const MASKED = (value: string) => `${value} - '{lookup,sealed,digest}'::text[]`

/**
 * SQL: a line of a plan, of an item `i` or of one of its memberships, which `member` names; `u` and `c` are the user and the item that makes
 * him.
 */
export function lineColumns({ member, i, u, c }: Readonly<Record<'member' | 'i' | 'u' | 'c', string>>): string {
  const what = `jsonb_build_object('group', ${i}.name, 'groupObjectId', ${i}.object_id, 'user', coalesce(${u}.user_name, ${c}.name))`
  const either = (ofItem: string, ofMember: string) => `case when ${member} is null then ${ofItem} else ${ofMember} end`
  return `${i}.run_id::text as run, ${i}.seq, ${i}.object, ${i}.action,
    ${either(`${i}.object_id`, `coalesce(${u}.object_id, ${c}.object_id)`)}::text as "objectId",
    ${either(`${i}.name`, `coalesce(${u}.user_name, ${c}.name)`)} as name, coalesce(${member}, ${i}.user_id)::text as "userId",
    ${i}.group_id::text as "groupId",
    ${either(`case when ${i}.object = 'membership' then coalesce(${i}.new, ${i}.old) ->> 'group' end`, `${i}.name`)} as "group",
    ${either(MASKED(`${i}.old`), `case when ${i}.action = 'remove' then ${what} end`)} as old,
    ${either(MASKED(`${i}.new`), `case when ${i}.action = 'add' then ${what} end`)} as new, ${i}.rule, ${i}.reason, ${i}.left_out as "leftOut"`
}

/** The lines of a whole plan in no order. */
function planLines({ runId, action, object, user, search }: PlanItemQuery): {
  readonly sql: string
  readonly params: readonly unknown[]
} {
  const name = user ?? null
  const bounds = '($5::text is null or i.object = $5)'
  return {
    params: [
      runId,
      action ?? null,
      name,
      name === null ? null : canonical(name),
      object ?? null,
      search === undefined ? null : search.toLowerCase(),
    ],
    sql: `
      select * from (
        select i.run_id::text as run, i.seq, i.object, i.action, i.object_id::text as "objectId", i.name, i.user_id::text as "userId",
          i.group_id::text as "groupId", case when i.object = 'membership' then coalesce(i.new, i.old) ->> 'group' end as "group",
          ${MASKED('i.old')} as old, ${MASKED('i.new')} as new, i.rule, i.reason, i.left_out as "leftOut"
        from plan_items i
        where i.run_id = $1 and ${bounds} and not (i.object = 'membership' and i.user_id is null and i.action in ('add', 'remove'))
        union all
        select i.run_id::text, i.seq, i.object, i.action, coalesce(u.object_id, c.object_id)::text, coalesce(u.user_name, c.name), m.user_id::text,
          i.group_id::text, i.name, case when i.action = 'remove' then w.what end, case when i.action = 'add' then w.what end,
          i.rule, i.reason, i.left_out
        from plan_items i
          join plan_memberships m on m.run_id = $1 and m.group_id = i.group_id and m.op = case when i.action = 'add' then 'a' when i.left_out then 'k' else 'r' end
          left join users u on u.id = m.user_id
          left join plan_items c on c.run_id = $1 and c.object = 'user' and c.action = 'create' and c.user_id = m.user_id
          cross join lateral (select jsonb_build_object('group', i.name, 'groupObjectId', i.object_id,
            'user', coalesce(u.user_name, c.name)) as what) w
        where i.run_id = $1 and ${bounds} and i.object = 'membership' and i.user_id is null and i.action in ('add', 'remove')
      ) l
      where ($2::text is null or l.action = $2)
        and ($3::text is null or lower(l."objectId") = lower($3) or lower(l.name) = lower($3) and l.object <> 'group'
          or l."userId" in (select user_id::text from user_names where key = $4))
        and ($6::text is null or strpos(lower(l.name), $6) > 0 or strpos(lower(l."group"), $6) > 0 or l."objectId" = $6)`,
  }
}

type Batches = AsyncIterable<readonly PlanItemLine[]>

async function* piecesOf(batches: Batches, format: ExportFormat): AsyncGenerator<string> {
  if (format === 'csv') yield writeCsv([PLAN_ITEM_KEYS])
  let before = '[\n'
  for await (const rows of batches) {
    if (format === 'csv') yield writeCsv(rows.map((row) => PLAN_ITEM_KEYS.map((key) => cell(row[key]))))
    else if (format === 'ndjson') yield rows.map((row) => `${JSON.stringify(row)}\n`).join('')
    else yield before + rows.map((row) => JSON.stringify(row)).join(',\n')
    before = ',\n'
  }
  if (format === 'json') yield before === ',\n' ? '\n]\n' : '[]\n'
}

function cell(value: PlanItemLine[keyof PlanItemLine]): unknown {
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : value
}

// Open issues: what the latest planning of an object could not do. Objects with one are planned in every run.
import type { Issue, IssueCode } from '../contract/runs.ts'
import type { Queries } from '../database/connect.ts'
import { copyInto, copyRow } from '../database/copy.ts'
import type { Transaction } from '../database/transaction.ts'

/** An open issue with where it came from. */
export interface OpenIssue extends Issue {
  readonly id: number
  readonly source: string
  readonly run: string | null
  readonly openedAt: Date
  /** In how many plannings in a row it was met, and when the last one was. */
  readonly tries: number
  readonly seenAt: Date
  /** When Graph is asked again at the earliest; null where every run plans the object again from what it has read. */
  readonly nextTryAt: Date | null
}

/** Issues of a reading of everybody, by which nobody is proven missing. */
const DOUBTS = ['listing-contradicted', 'listing-incomplete'] as const satisfies readonly IssueCode[]

/** Adds the issues that a planning found. */
export async function insertIssues(
  tx: Transaction,
  issues: readonly Issue[],
  place: { readonly sourceId: number; readonly runId: number },
): Promise<void> {
  if (issues.length === 0) return
  await copyInto(tx.client, 'issues (source_id, run_id, code, object_id, message)', {
    rows: issues.map((i) => copyRow([place.sourceId, place.runId, i.code, i.objectId, i.message])),
  })
}

/** Takes back the issues that this run noted for these objects. */
export async function deleteIssuesOf(db: Queries, runId: number, objectIds: readonly string[]): Promise<void> {
  await db.query('delete from issues where run_id = $1 and object_id = any($2::uuid[])', [runId, objectIds])
}

/**
 * Closes what earlier runs had noted and this one did not note again: for every object when everything was planned, else for
 * the planned ones and those of which the same is noted again; issues of the run as a whole always. An issue that stays keeps the
 * time at which it was opened.
 *
 * Objects with an open issue are planned in every run. One whose issue closes is marked instead, until a plan without the
 * issue was applied: this plan may be a preview, be held or be rejected.
 */
export async function closeOldIssues(
  db: Queries,
  options: {
    readonly sourceId: number
    readonly runId: number
    /** What was planned; `only`: single users, so that issues of the run as a whole and of reading everybody stay. */
    readonly which: 'all' | 'marked' | 'only'
  },
): Promise<void> {
  await db.query(
    `update issues n set opened_at = o.first, tries = o.tries + 1 from (
       select object_id, code, min(opened_at) as first, max(tries) as tries from issues where source_id = $1 and run_id is distinct from $2 group by object_id, code
     ) o where n.source_id = $1 and n.run_id = $2 and n.code = o.code and n.object_id is not distinct from o.object_id`,
    [options.sourceId, options.runId],
  )
  await db.query(
    `with closed as (
       delete from issues i where i.source_id = $1 and i.run_id is distinct from $2
         and ($3 <> 'only' or not i.code = any($4)) and ($3 = 'all' or (i.object_id is null and $3 <> 'only')
           or exists (select from issues n where n.source_id = $1 and n.run_id = $2 and n.code = i.code
             and n.object_id is not distinct from i.object_id)
           or exists (select from planned_users p where p.object_id = i.object_id)
           or exists (select from planned_groups p where p.object_id = i.object_id))
       returning i.object_id)
     insert into mirror_marks (source_id, key, at)
     select distinct s.id, o.key, s.fence from closed c join sources s on s.id = $1
       join mirror_objects o on o.source_id = s.id and o.object_id = c.object_id
     where not exists (select from issues n where n.source_id = $1 and n.run_id = $2 and n.object_id = c.object_id)
     on conflict do nothing`,
    [options.sourceId, options.runId, options.which, DOUBTS],
  )
}

/** The first of a run's issues, and how many there are. */
export async function issuesOfRun(
  db: Queries,
  runId: number,
  atMost: number,
): Promise<{ issues: Issue[]; total: number }> {
  const found = await db.query<{ code: IssueCode; object_id: string | null; message: string }>(
    'select code, object_id, message from issues where run_id = $1 order by object_id nulls first, code, id limit $2',
    [runId, atMost],
  )
  const total = await db.query<{ count: number }>('select count(*) as count from issues where run_id = $1', [runId])
  return {
    issues: found.rows.map((row) => ({ code: row.code, objectId: row.object_id, message: row.message })),
    total: total.rows[0]?.count ?? 0,
  }
}

/** Open issues of a source about these objects, about its run as a whole, and about what it reads being in doubt, whoever shows that. */
export async function issuesAbout(
  db: Queries,
  sourceId: number,
  about: { readonly objectIds: readonly string[] },
): Promise<readonly (Issue & { readonly openedAt: Date })[]> {
  const found = await db.query<{ code: IssueCode; object_id: string | null; message: string; opened_at: Date }>(
    `select code, object_id, message, opened_at from issues
     where source_id = $1 and (object_id is null or object_id = any($2::uuid[]) or code = any($3)) order by id`,
    [sourceId, about.objectIds, DOUBTS],
  )
  return found.rows.map((row) => ({
    code: row.code,
    objectId: row.object_id,
    message: row.message,
    openedAt: row.opened_at,
  }))
}

/** Why the last reading of a source proves nobody missing; undefined where it does. */
export async function doubtOf(db: Queries, sourceId: number): Promise<(typeof DOUBTS)[number] | undefined> {
  const found = await db.query<{ code: (typeof DOUBTS)[number] }>(
    'select code from issues where source_id = $1 and code = any($2) order by code limit 1',
    [sourceId, DOUBTS],
  )
  return found.rows[0]?.code
}

export interface IssueQuery {
  readonly source?: string | undefined
  readonly code?: IssueCode | undefined
  /** Only issues with a larger id; for paging. */
  readonly after?: number | undefined
  readonly limit: number
}

/** Open issues, oldest id first. */
export async function listIssues(db: Queries, query: IssueQuery): Promise<OpenIssue[]> {
  const found = await db.query<{
    id: number
    source: string
    run_id: number | null
    code: IssueCode
    object_id: string | null
    message: string
    opened_at: Date
    tries: number
    seen_at: Date
    next_try_at: Date | null
  }>(
    `select i.id, s.name as source, i.run_id, i.code, i.object_id, i.message, i.opened_at, i.tries, i.seen_at, r.next_try_at
     from issues i join sources s on s.id = i.source_id
       left join mirror_retries r on r.source_id = i.source_id and r.object_id = i.object_id
         and i.code in ('membership-unknown', 'scope-group-missing')
     where ($1::text is null or s.name = $1) and ($2::text is null or i.code = $2) and i.id > $3
     order by i.id limit $4`,
    [query.source ?? null, query.code ?? null, query.after ?? 0, query.limit],
  )
  return found.rows.map((row) => ({
    id: row.id,
    source: row.source,
    run: row.run_id === null ? null : String(row.run_id),
    code: row.code,
    objectId: row.object_id,
    message: row.message,
    openedAt: row.opened_at,
    tries: row.tries,
    seenAt: row.seen_at,
    nextTryAt: row.next_try_at,
  }))
}

/** How many open issues there are in all. */
export async function countIssues(db: Queries, query: Pick<IssueQuery, 'source' | 'code'>): Promise<number> {
  const found = await db.query<{ count: number }>(
    `select count(*)::int as count from issues i
     where ($1::text is null or i.source_id = (select id from sources where name = $1)) and ($2::text is null or i.code = $2)`,
    [query.source ?? null, query.code ?? null],
  )
  return found.rows[0]?.count ?? 0
}

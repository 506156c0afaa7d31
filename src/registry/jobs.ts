// Jobs: what somebody asked for and a server does. A row here is the truth; the queue only delivers its id, perhaps more than once.
import { ConflictError, NotFoundError } from '../base/errors.ts'
import type { Job } from '../contract/api/runs.ts'
import type { Queries } from '../database/connect.ts'
import type { Actor } from './audit.ts'

/** Code of a job that was begun too often. */
export const GIVEN_UP = 'given-up'

/** How often a job is begun before it is given up: whoever ran it died each time. */
const MOST_TRIES = 3

/** Ends of a run after which its job is taken up again: its process ended, or another run wrote the same at the same time. */
export const UNFINISHED_CODES = ['interrupted', 'server-stopped', 'registry-moved'] as const

/** A run `r` that says nothing about what became of its job. */
const IS_UNFINISHED = `r.state = 'ended' and r.summary -> 'error' ->> 'code' in ('${UNFINISHED_CODES.join("', '")}')`

export type JobKind = 'sync' | 'plan' | 'approve' | 'revert'

export interface NewJob {
  readonly id: string
  readonly sourceId: number
  readonly source: string
  readonly kind: JobKind
  readonly full?: boolean | undefined
  readonly user?: string | undefined
  readonly approval?: JobApproval | undefined
  readonly reversal?: JobReversal | undefined
  readonly trigger: 'manual' | 'schedule' | 'api'
  readonly actor: Actor
  /** When a schedule came due. */
  readonly slot?: Date | undefined
}

export interface JobApproval {
  readonly run: number
  readonly hash: string
  readonly reason: string
  readonly without?: 'removals' | 'rewrites' | undefined
}

export interface JobReversal {
  readonly run: number
  /** The only one of whom it is taken back, as he was named. */
  readonly user?: string | undefined
  readonly reason: string
  /** Also where it removes more than the safeguard lets a run remove. */
  readonly confirmed: boolean
}

/** A job as the server works on it. */
export interface StoredJob {
  readonly id: string
  readonly source: string
  readonly kind: JobKind
  readonly full: boolean
  readonly user: string | undefined
  readonly approval: JobApproval | undefined
  readonly reversal: JobReversal | undefined
  readonly trigger: 'manual' | 'schedule' | 'api'
  readonly actor: Actor
  /** Who asked for the same before, the first one first. */
  readonly alsoAsked: readonly Actor[]
}

/** SQL: whoever asked last does, but a schedule does for a person no more than he for it; who does not, stands among `also_asked`. */
const ASKER = (row: string) =>
  `jsonb_build_object('kind', ${row}.actor_kind, 'name', ${row}.actor_name, 'id', ${row}.actor_id)`
const EARLIER = `case when excluded.actor_kind = 'schedule' then ${ASKER('excluded')} else ${ASKER('jobs')} end`
const ACTOR_OF_BOTH = `
       also_asked = case when ${ASKER('excluded')} = ${ASKER('jobs')} or jobs.also_asked @> jsonb_build_array(${EARLIER})
         then jobs.also_asked else jobs.also_asked || jsonb_build_array(${EARLIER}) end,
       ${(['kind', 'name', 'id'] as const)
         .map(
           (part) =>
             `actor_${part} = case when excluded.actor_kind = 'schedule' then jobs.actor_${part} else excluded.actor_${part} end`,
         )
         .join(', ')}`

/**
 * Writes a job, or finds the one that waits already and makes it what both asked for: full when one of them wants that, and by
 * hand when one of them is a person. It is done for whoever asked last; the others are kept, should he be no longer allowed to.
 *
 * @returns its id, and whether it is new; undefined where a schedule's slot was fired before, or where a run waits to be approved with
 * another scope, reason or hash, or to be taken back for another reason: two of those do not become one
 */
export async function addJob(
  tx: Queries,
  job: NewJob,
): Promise<{ readonly id: string; readonly isNew: boolean } | undefined> {
  const { approval, reversal } = job
  const added = await tx.query<{ id: string }>(
    `insert into jobs (id, source_id, source_name, kind, is_full, subject, approves, approval, reversal, trigger, actor_kind, actor_name, actor_id, slot)
     select $1, $2, $3, $4, $5, $6, $7, $8, $14, $9, $10, $11, $12, $13
     where $13::timestamptz is null or not exists (select from jobs where source_id = $2 and slot = $13)
     on conflict (source_id, kind, subject, (coalesce(approves, (reversal ->> 'run')::int, 0))) where state = 'queued' do update set
       is_full = jobs.is_full or excluded.is_full,
       trigger = case when 'manual' in (jobs.trigger, excluded.trigger) then 'manual'
                      when 'api' in (jobs.trigger, excluded.trigger) then 'api' else 'schedule' end,
       slot = coalesce(excluded.slot, jobs.slot), ${ACTOR_OF_BOTH}
       where jobs.approval is not distinct from excluded.approval and jobs.reversal is not distinct from excluded.reversal
     returning id`,
    [
      job.id,
      job.sourceId,
      job.source,
      job.kind,
      job.full ?? false,
      job.user ?? reversal?.user ?? '',
      approval?.run ?? null,
      approval === undefined ? null : JSON.stringify(approval),
      job.trigger,
      job.actor.kind,
      job.actor.name,
      job.actor.id ?? null,
      job.slot ?? null,
      reversal === undefined ? null : JSON.stringify(reversal),
    ],
  )
  const [row] = added.rows
  return row === undefined ? undefined : { id: row.id, isNew: row.id === job.id }
}

interface JobRow {
  readonly id: string
  readonly source_name: string
  readonly kind: JobKind
  readonly is_full: boolean
  readonly subject: string
  readonly approval: JobApproval | null
  readonly reversal: JobReversal | null
  readonly trigger: 'manual' | 'schedule' | 'api'
  readonly actor_kind: Actor['kind']
  readonly actor_name: string
  readonly actor_id: number | null
  readonly also_asked: readonly { readonly kind: Actor['kind']; readonly name: string; readonly id: number | null }[]
  readonly tries: number
}

export type Taken =
  | { readonly kind: 'taken'; readonly job: StoredJob }
  /** Begun too often: refused just now. */
  | { readonly kind: 'given-up'; readonly job: StoredJob }
  /** Done, refused or removed. */
  | { readonly kind: 'over' }

/** Begins with a job that was delivered; each beginning counts, and one too many ends it. */
export async function takeJob(db: Queries, id: string): Promise<Taken> {
  await db.query(
    `update jobs j set state = 'ended', ended_at = now() from runs r
     where j.id = $1 and j.state = 'running' and r.id = j.run_id and r.state = 'ended' and not (${IS_UNFINISHED})`,
    [id],
  )
  const found = await db.query<JobRow>(
    `update jobs set tries = tries + 1 where id = $1 and state in ('queued', 'running')
     returning id, source_name, kind, is_full, subject, approval, reversal, trigger, actor_kind, actor_name, actor_id, also_asked, tries`,
    [id],
  )
  const [row] = found.rows
  if (row === undefined) return { kind: 'over' }
  if (row.tries <= MOST_TRIES) return { kind: 'taken', job: parseJob(row) }
  await refuseJob(db, id, {
    code: GIVEN_UP,
    detail: `It was begun ${MOST_TRIES} times and never came to its end. Look at the runs of the source and into the log of the servers, then ask for it again.`,
  })
  return { kind: 'given-up', job: parseJob(row) }
}

/** Makes `runId` the run of this job, in the transaction that begins the run: a job has one run that counts. */
export async function claimJob(tx: Queries, id: string, runId: number): Promise<void> {
  const claimed = await tx.query(
    `update jobs j set state = 'running', run_id = $2 where j.id = $1 and (j.state = 'queued'
       or j.state = 'running' and exists (select from runs r where r.id = j.run_id and ${IS_UNFINISHED}))`,
    [id, runId],
  )
  if (claimed.rowCount === 1) return
  throw new ConflictError('job-over', 'What was asked for was done already')
}

/** It was begun, but nothing came of that yet, through nobody's fault. */
export async function giveBackJob(db: Queries, id: string): Promise<void> {
  await db.query(`update jobs set tries = greatest(tries - 1, 0) where id = $1 and state in ('queued', 'running')`, [
    id,
  ])
}

/** Its run has ended. */
export async function finishJob(db: Queries, id: string): Promise<void> {
  await db.query(`update jobs set state = 'ended', ended_at = now() where id = $1 and state = 'running'`, [id])
}

/** There will be no run of it. */
export async function refuseJob(
  db: Queries,
  id: string,
  problem: { readonly code: string; readonly detail: string },
): Promise<void> {
  await db.query(
    `update jobs set state = 'refused', problem_code = $2, problem_detail = $3, ended_at = now()
     where id = $1 and state in ('queued', 'running')`,
    [id, problem.code, problem.detail],
  )
}

/**
 * Takes back a job that waits; no run comes of it.
 *
 * @throws NotFoundError; ConflictError `job-begun`, `job-over`
 */
export async function cancelJob(tx: Queries, id: string, by: Actor): Promise<{ readonly source: string }> {
  const cancelled = await tx.query<{ source_name: string }>(
    `update jobs j set state = 'refused', problem_code = 'cancelled', problem_detail = $2, ended_at = now()
     where j.id = $1 and (j.state = 'queued'
       or j.state = 'running' and exists (select from runs r where r.id = j.run_id and ${IS_UNFINISHED}))
     returning source_name`,
    [id, `${by.name} took it back before it was done.`],
  )
  const [row] = cancelled.rows
  if (row !== undefined) return { source: row.source_name }
  const job = await requireJob(tx, id)
  if (job.state === 'running')
    throw new ConflictError('job-begun', `It is being done by run ${job.run}; that run can be cancelled`)
  throw new ConflictError('job-over', 'What was asked for was done already, or refused')
}

/** Ids of what is still to be done, the oldest first. */
export async function listOpenJobs(db: Queries, limit: number): Promise<readonly string[]> {
  const found = await db.query<{ id: string }>(
    `select id from jobs where state in ('queued', 'running') order by asked_at limit $1`,
    [limit],
  )
  return found.rows.map((row) => row.id)
}

/** How many wait, and how many have a run. */
export async function countOpenJobs(db: Queries): Promise<{ readonly queued: number; readonly running: number }> {
  const found = await db.query<{ queued: number; running: number }>(
    `select count(*) filter (where j.state = 'queued' or ${IS_UNFINISHED}) as queued,
       count(*) filter (where r.state = 'running') as running
     from jobs j left join runs r on r.id = j.run_id where j.state in ('queued', 'running')`,
  )
  return found.rows[0] ?? { queued: 0, running: 0 }
}

/** Jobs over for longer than `days` go. */
export async function removeOldJobs(db: Queries, { now, days }: { now: Date; days: number }): Promise<number> {
  const gone = await db.query('delete from jobs where ended_at < $1', [new Date(now.getTime() - days * 86_400_000)])
  return gone.rowCount ?? 0
}

/** @throws NotFoundError */
export async function requireJob(db: Queries, id: string): Promise<Job> {
  const found = await db.query<{
    id: string
    source_name: string
    kind: JobKind
    state: Job['state']
    run: number | null
    problem_code: string | null
    problem_detail: string | null
    actor_name: string
    asked_at: Date
  }>(
    `select j.id, j.source_name, j.kind, case when j.state <> 'running' then j.state when ${IS_UNFINISHED} then 'queued'
         when r.state = 'ended' then 'ended' else 'running' end as state,
       case when j.state = 'running' and ${IS_UNFINISHED} then null else j.run_id end as run,
       j.problem_code, j.problem_detail, j.actor_name, j.asked_at
     from jobs j left join runs r on r.id = j.run_id where j.id = $1`,
    [id],
  )
  const [row] = found.rows
  if (row === undefined) throw new NotFoundError('job', id)
  const problem =
    row.problem_code === null || row.problem_detail === null
      ? null
      : { code: row.problem_code, detail: row.problem_detail }
  return {
    id: row.id,
    source: row.source_name,
    kind: row.kind,
    state: row.state,
    run: row.run === null ? null : String(row.run),
    problem,
    requestedBy: row.actor_name,
    requestedAt: row.asked_at.toISOString(),
  }
}

function parseJob(row: JobRow): StoredJob {
  return {
    id: row.id,
    source: row.source_name,
    kind: row.kind,
    full: row.is_full,
    user: row.subject === '' || row.reversal !== null ? undefined : row.subject,
    approval: row.approval ?? undefined,
    reversal: row.reversal ?? undefined,
    trigger: row.trigger,
    actor: { kind: row.actor_kind, name: row.actor_name, id: row.actor_id ?? undefined },
    alsoAsked: row.also_asked.map(({ id, ...actor }) => ({ ...actor, id: id ?? undefined })),
  }
}

// Jobs: what somebody asked for and a server does. A row here is the truth; the queue only delivers its id, perhaps more than once.
import { ConflictError, InvariantError, NotFoundError } from '../base/errors.ts'
import type { Job } from '../contract/api/runs.ts'
import type { Queries } from '../database/connect.ts'
import type { Actor } from './audit.ts'
import { type Asked, askedBy, type Asker, askerOf, withAsker, withoutAsker } from './job-askers.ts'

/** Code of a job that was begun too often. */
export const GIVEN_UP = 'given-up'

/** How often a job is begun before it is given up: whoever ran it died each time. */
const MOST_TRIES = 3

/** Ends of a run after which its job is taken up again: its process ended, or another run wrote the same at the same time. */
export const UNFINISHED_CODES = ['interrupted', 'server-stopped', 'registry-moved'] as const

/** Code of a job that somebody joined or left after it was taken. */
export const JOB_CHANGED = 'job-changed'

/** A run `r` that says nothing about what became of its job. */
const IS_UNFINISHED = `r.state = 'ended' and r.summary -> 'error' ->> 'code' in ('${UNFINISHED_CODES.join("', '")}')`

/** A job `j` that waits, perhaps again. */
const IS_WAITING = `(j.state = 'queued' or j.state = 'running' and exists (select from runs r where r.id = j.run_id and ${IS_UNFINISHED}))`

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
  /** Also where it removes or rewrites more than the safeguard lets a run. */
  readonly confirmed: boolean
}

/** A job as it was when it was taken: whoever asks for it later, or takes back what he asked for, changes the revision. */
export interface TakenJob {
  readonly id: string
  readonly revision: number
}

/** A job as the server works on it. */
export interface StoredJob extends TakenJob, Asked {
  readonly source: string
  readonly kind: JobKind
  readonly user: string | undefined
  readonly approval: JobApproval | undefined
  readonly reversal: JobReversal | undefined
}

/**
 * Writes a job, or joins the one that waits already, which becomes what all who asked for it want.
 *
 * @returns its id, and whether it is new; undefined where a schedule's slot was fired before, or where a run waits to be approved with
 * another scope, reason or hash, or to be taken back for another reason: two of those do not become one
 */
export async function addJob(
  tx: Queries,
  job: NewJob,
): Promise<{ readonly id: string; readonly isNew: boolean } | undefined> {
  if (job.slot !== undefined && (await isFired(tx, job.sourceId, job.slot))) return undefined
  for (;;) {
    if (await insertJob(tx, job)) return { id: job.id, isNew: true }
    const joined = await joinJob(tx, job)
    // What was in the way may have begun in between.
    if (joined !== 'gone') return joined
  }
}

async function isFired(tx: Queries, sourceId: number, slot: Date): Promise<boolean> {
  return (await tx.query('select from jobs where source_id = $1 and slot = $2', [sourceId, slot])).rowCount !== 0
}

/** False where one like it waits already. */
async function insertJob(tx: Queries, job: NewJob): Promise<boolean> {
  const { approval, reversal, actor } = job
  const full = job.full ?? false
  const askers = [askerOf(actor, full)]
  const added = await tx.query(
    `insert into jobs (id, source_id, source_name, kind, is_full, subject, approves, approval, reversal, trigger, actor_kind, actor_name, actor_id, askers, slot)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
     on conflict (source_id, kind, subject, (coalesce(approves, (reversal ->> 'run')::int, 0))) where state = 'queued' do nothing`,
    [
      job.id,
      job.sourceId,
      job.source,
      job.kind,
      full,
      subjectOf(job),
      approval?.run ?? null,
      approval === undefined ? null : JSON.stringify(approval),
      reversal === undefined ? null : JSON.stringify(reversal),
      askedBy(askers)?.trigger,
      actor.kind,
      actor.name,
      actor.id ?? null,
      JSON.stringify(askers),
      job.slot ?? null,
    ],
  )
  return added.rowCount === 1
}

async function joinJob(tx: Queries, job: NewJob): Promise<{ id: string; isNew: false } | 'gone' | undefined> {
  const { approval, reversal } = job
  const found = await tx.query<{ id: string; askers: readonly Asker[]; is_same: boolean }>(
    `select id, askers, approval is not distinct from $5::jsonb and reversal is not distinct from $6::jsonb as is_same from jobs
     where source_id = $1 and kind = $2 and subject = $3 and coalesce(approves, (reversal ->> 'run')::int, 0) = $4 and state = 'queued' for update`,
    [
      job.sourceId,
      job.kind,
      subjectOf(job),
      approval?.run ?? reversal?.run ?? 0,
      approval === undefined ? null : JSON.stringify(approval),
      reversal === undefined ? null : JSON.stringify(reversal),
    ],
  )
  const [row] = found.rows
  if (row === undefined) return 'gone'
  if (!row.is_same) return undefined
  await setAskers(tx, row.id, withAsker(row.askers, askerOf(job.actor, job.full ?? false)))
  if (job.slot !== undefined) await tx.query('update jobs set slot = $2 where id = $1', [row.id, job.slot])
  return { id: row.id, isNew: false }
}

/** Whoever has taken it before begins nothing with it: what he would do is not what is asked for any more. */
async function setAskers(tx: Queries, id: string, askers: readonly Asker[]): Promise<void> {
  const asked = askedBy(askers)
  if (asked === undefined) throw new InvariantError('a job that nobody asks for')
  await tx.query(
    `update jobs set askers = $2, is_full = $3, trigger = $4, actor_kind = $5, actor_name = $6, actor_id = $7, revision = revision + 1
     where id = $1 and askers <> $2`,
    [id, JSON.stringify(askers), asked.full, asked.trigger, asked.actor.kind, asked.actor.name, asked.actor.id ?? null],
  )
}

function subjectOf({ user, reversal }: NewJob): string {
  return user ?? reversal?.user ?? ''
}

interface JobRow {
  readonly id: string
  readonly revision: number
  readonly source_name: string
  readonly kind: JobKind
  readonly subject: string
  readonly approval: JobApproval | null
  readonly reversal: JobReversal | null
  readonly askers: readonly Asker[]
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
     returning id, revision, source_name, kind, subject, approval, reversal, askers, tries`,
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

/**
 * Makes `runId` the run of this job, in the transaction that begins the run: a job has one run that counts.
 *
 * @throws ConflictError `job-over`; `job-changed` where it is not what was taken any more, and has to be taken anew
 */
export async function claimJob(tx: Queries, { id, revision }: TakenJob, runId: number): Promise<void> {
  const claimed = await tx.query<{ revision: number }>(
    `update jobs j set state = 'running', run_id = $2 where j.id = $1 and ${IS_WAITING} returning revision`,
    [id, runId],
  )
  const [row] = claimed.rows
  if (row === undefined) throw new ConflictError('job-over', 'What was asked for was done already')
  if (row.revision !== revision) throw new ConflictError(JOB_CHANGED, 'More was asked for in the moment it began')
}

/** It was begun, but nothing came of that yet, through nobody's fault. */
export async function giveBackJob(db: Queries, id: string): Promise<void> {
  await db.query(`update jobs set tries = greatest(tries - 1, 0) where id = $1 and state in ('queued', 'running')`, [
    id,
  ])
}

/**
 * Ends it with its run.
 *
 * @returns false where that run has not ended as far as its row tells; whoever takes its source over ends it, and the job is open till then
 */
export async function finishJob(db: Queries, id: string): Promise<boolean> {
  await db.query(
    `update jobs j set state = 'ended', ended_at = now() from runs r
     where j.id = $1 and j.state = 'running' and r.id = j.run_id and r.state = 'ended'`,
    [id],
  )
  return (await db.query(`select from jobs where id = $1 and state in ('queued', 'running')`, [id])).rowCount === 0
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
 * Takes back what somebody asked for. Where others asked for the same it stays theirs, also when it has begun; of what waits and he
 * alone asked for, or others and not he, there will be no run.
 *
 * @param options.onlyOwn not where he did not ask
 * @returns whether it is over with that
 * @throws NotFoundError; ConflictError `job-begun`, `job-over`, `not-asked`
 */
export async function cancelJob(
  tx: Queries,
  id: string,
  { by, onlyOwn }: { readonly by: Actor; readonly onlyOwn: boolean },
): Promise<{ readonly source: string; readonly isOver: boolean }> {
  const found = await tx.query<{ source_name: string; askers: readonly Asker[]; is_waiting: boolean }>(
    `select source_name, askers, ${IS_WAITING} as is_waiting from jobs j where j.id = $1 and j.state in ('queued', 'running') for update`,
    [id],
  )
  const [row] = found.rows
  const job = await requireJob(tx, id)
  if (row === undefined || job.state === 'ended')
    throw new ConflictError('job-over', 'What was asked for was done already, or refused')
  const others = withoutAsker(row.askers, by)
  if (onlyOwn && others.length === row.askers.length) throw notAsked()
  if (others.length > 0 && others.length < row.askers.length) {
    await setAskers(tx, id, others)
    return { source: row.source_name, isOver: false }
  }
  if (!row.is_waiting)
    throw new ConflictError('job-begun', `It is being done by run ${job.run}; that run can be cancelled`)
  await refuseJob(tx, id, { code: 'cancelled', detail: `${by.name} took it back before it was done.` })
  return { source: row.source_name, isOver: true }
}

/**
 * That it is about one user, and that this one asked for it.
 *
 * @throws NotFoundError; ConflictError `not-asked`
 */
export async function requireAsker(db: Queries, id: string, actor: Actor): Promise<void> {
  const found = await db.query<{ askers: readonly Asker[] }>(
    `select askers from jobs where id = $1 and kind in ('sync', 'plan') and subject <> ''`,
    [id],
  )
  const [row] = found.rows
  if (row === undefined) throw new NotFoundError('job', id)
  if (withoutAsker(row.askers, actor).length === row.askers.length) throw notAsked()
}

function notAsked(): ConflictError {
  return new ConflictError('not-asked', 'Others asked for this; they, or whoever may run the source, can take it back')
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

/** @param viewer who looks at it. @throws NotFoundError */
export async function requireJob(db: Queries, id: string, viewer?: Actor): Promise<Job> {
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
    askers: readonly Asker[]
  }>(
    `select j.id, j.source_name, j.kind, case when j.state <> 'running' then j.state when ${IS_UNFINISHED} then 'queued'
         when r.state = 'ended' then 'ended' else 'running' end as state,
       case when j.state = 'running' and ${IS_UNFINISHED} then null else j.run_id end as run,
       j.problem_code, j.problem_detail, j.actor_name, j.asked_at, j.askers
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
    isYours: viewer !== undefined && withoutAsker(row.askers, viewer).length < row.askers.length,
  }
}

function parseJob(row: JobRow): StoredJob {
  const asked = askedBy(row.askers)
  if (asked === undefined) throw new InvariantError('a job that nobody asks for')
  return {
    id: row.id,
    revision: row.revision,
    source: row.source_name,
    kind: row.kind,
    user: row.subject === '' || row.reversal !== null ? undefined : row.subject,
    approval: row.approval ?? undefined,
    reversal: row.reversal ?? undefined,
    ...asked,
  }
}

// Asking for a run: the job, its delivery and its audit are written together, and any server may do it.
import { randomUUID } from 'node:crypto'
import { ConfigError, ConflictError } from '../base/errors.ts'
import type { Job } from '../contract/api/runs.ts'
import { withTransaction } from '../database/transaction.ts'
import type { Queue } from '../jobs/queue.ts'
import { type Actor, recordAudit } from '../registry/audit.ts'
import { addJob, cancelJob, type NewJob, requireAsker, requireJob } from '../registry/jobs.ts'
import { requireRevertible, requireUserOfRun } from '../registry/revertible.ts'
import { requireRun } from '../registry/runs.ts'
import { requireSource } from '../registry/sources.ts'
import { cancelRun } from './approve.ts'
import type { Engine } from './engine.ts'

/** What asking needs: where jobs are kept, and who delivers them. */
export interface Asking {
  readonly engine: Engine
  readonly queue: Pick<Queue, 'send' | 'wake'>
}

/**
 * Asks for a run of a source, or of one user of it.
 *
 * @throws NotFoundError; ConfigError where the source is disabled
 */
export async function askForRun(
  asking: Asking,
  request: {
    readonly source: string
    readonly kind: 'sync' | 'plan'
    readonly full: boolean
    readonly user?: string | undefined
    readonly actor: Actor
  },
): Promise<Job> {
  const { kind, full, user, actor } = request
  const source = await requireSource(asking.engine.db, request.source)
  if (!source.enabled) {
    throw new ConfigError([
      { at: `sources.${source.name}.enabled`, message: 'the source is disabled; enable it, then run it again' },
    ])
  }
  const details = { kind, full, ...(user === undefined ? {} : { one: true }) }
  return ask(asking, {
    job: { sourceId: source.id, source: source.name, kind, full, user, actor },
    audit: { action: 'run.start', subject: `source ${source.name}`, details },
  })
}

/**
 * Asks for a held plan to be applied.
 *
 * @throws NotFoundError; ConflictError `not-held`, and `already-asked` where another approval of it waits to be done
 */
export async function askForApproval(
  asking: Asking,
  request: {
    readonly run: number
    readonly hash: string
    readonly reason: string
    readonly without?: 'removals' | 'rewrites' | undefined
    readonly actor: Actor
  },
): Promise<Job> {
  const { actor, ...approval } = request
  const held = await requireRun(asking.engine.db, request.run)
  if (held.outcome !== 'held' || held.sourceId === null)
    throw new ConflictError('not-held', `Run ${request.run} is not held; only a held plan is approved`)
  const { reason, without, hash } = approval
  return ask(asking, {
    job: { sourceId: held.sourceId, source: held.source, kind: 'approve', approval, actor },
    audit: {
      action: 'run.approve',
      subject: `run ${request.run}`,
      details: { hash, reason, ...(without && { without }) },
    },
  })
}

/**
 * Asks for an applied run, or what it did to one user, to be taken back.
 *
 * @throws NotFoundError; ConflictError as for taking it back at once, and `already-asked`
 */
export async function askForRevert(
  asking: Asking,
  request: {
    readonly run: number
    readonly user?: string | undefined
    readonly reason: string
    readonly confirmed: boolean
    readonly actor: Actor
  },
): Promise<Job> {
  const { actor, ...reversal } = request
  const { db } = asking.engine
  const target = await requireRevertible(db, request.run)
  if (request.user !== undefined) await requireUserOfRun(db, target, request.user)
  return ask(asking, {
    job: { sourceId: target.sourceId, source: target.source, kind: 'revert', reversal, actor },
    audit: {
      action: 'run.revert.start',
      subject: `run ${request.run}`,
      details: {
        reason: request.reason,
        confirmed: request.confirmed,
        ...(request.user !== undefined && { one: true }),
      },
    },
  })
}

/**
 * Takes back what somebody asked for; for others who asked for the same it is done all the same.
 *
 * @param asked.onlyOwn not where he did not ask for it; else he takes it from all
 * @throws NotFoundError; ConflictError `job-begun`, `job-over`, `not-asked`
 */
export async function takeBackJob(
  { engine }: Pick<Asking, 'engine'>,
  { job, actor, onlyOwn = false }: { readonly job: string; readonly actor: Actor; readonly onlyOwn?: boolean },
): Promise<void> {
  await withTransaction(engine.db, async (tx) => {
    const { source, isOver } = await cancelJob(tx, job, { by: actor, onlyOwn })
    const details = { job, ...(isOver ? {} : { isOthersToo: true }) }
    await recordAudit(tx, engine, { actor, action: 'job.cancel', subject: `source ${source}`, details })
  })
}

/**
 * Takes back that one user is synchronized: whoever asked for that may, also where he may cancel nothing else. Where it has begun for
 * him alone, its run is cancelled.
 *
 * @throws NotFoundError; ConflictError `not-asked` where others asked and not he, `job-over`, `not-running`
 */
export async function takeBackUserRun(
  asking: Pick<Asking, 'engine'>,
  asked: { readonly job: string; readonly actor: Actor },
): Promise<void> {
  const { engine } = asking
  const { job, actor } = asked
  await requireAsker(engine.db, job, actor)
  try {
    await takeBackJob(asking, asked)
  } catch (error) {
    if (!(error instanceof ConflictError && error.code === 'job-begun')) throw error
    const { run } = await requireJob(engine.db, job)
    // Interrupted in between, it waits again.
    if (run === null) return takeBackJob(asking, asked)
    await cancelRun(engine, { run: Number(run), actor })
  }
}

async function ask(
  { engine, queue }: Asking,
  asked: {
    readonly job: Omit<NewJob, 'id'>
    readonly audit: { readonly action: string; readonly subject: string; readonly details: Record<string, unknown> }
  },
): Promise<Job> {
  const { actor } = asked.job
  const job = await withTransaction(engine.db, async (tx) => {
    const added = await addJob(tx, { ...asked.job, id: randomUUID() })
    if (added === undefined) {
      throw new ConflictError(
        'already-asked',
        'The same was asked for already, with another reason or scope; see first what becomes of that',
      )
    }
    await queue.send(tx, added.id)
    const details = { ...asked.audit.details, job: added.id }
    await recordAudit(tx, engine, { ...asked.audit, actor, details })
    return requireJob(tx, added.id, actor)
  })
  queue.wake()
  return job
}

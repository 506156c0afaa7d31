// Does a job that was delivered: begins a run of it, once, and says what became of it.
import { BusyError, CancelledError, ConfigError, ConflictError, NotFoundError, RunError } from '../base/errors.ts'
import type { RunDocument } from '../contract/runs.ts'
import { finishJob, giveBackJob, refuseJob, type StoredJob, takeJob, UNFINISHED_CODES } from '../registry/jobs.ts'
import type { approveRun } from './approve.ts'
import type { Engine } from './engine.ts'
import type { runSource } from './run.ts'

/** What a job may lead to. */
export interface Doing {
  readonly run: (request: Parameters<typeof runSource>[1]) => Promise<RunDocument>
  readonly approve: (request: Parameters<typeof approveRun>[1]) => Promise<RunDocument>
  /** Throws when whoever asked may not any more. */
  readonly requireStillAllowed: (job: StoredJob) => Promise<void>
}

/** Thrown to have the job delivered again. */
class NotYet extends Error {}

/**
 * Does the job with this id, unless it is done. Whoever delivers it twice, also at the same time, gets one run of it: the run and
 * the job are tied in the transaction that takes the source.
 *
 * @throws when it has to be delivered again
 */
export async function doJob(
  engine: Engine,
  doing: Doing,
  { id, signal }: { readonly id: string; readonly signal: AbortSignal },
): Promise<void> {
  if (signal.aborted) throw new NotYet('the server stops')
  const taken = await takeJob(engine.db, id)
  if (taken.kind === 'over') return
  let document: RunDocument
  try {
    await doing.requireStillAllowed(taken.job)
    document = await execute(doing, taken.job, signal)
  } catch (error) {
    return judge(engine, { id, error })
  }
  if (UNFINISHED_CODES.some((code) => code === document.error?.code)) {
    if (document.error?.code === 'server-stopped') await giveBackJob(engine.db, id)
    throw new NotYet(document.error?.message)
  }
  await finishJob(engine.db, id)
}

function execute(doing: Doing, job: StoredJob, signal: AbortSignal): Promise<RunDocument> {
  const common = { job: job.id, signal, onProgress: () => {} }
  if (job.approval !== undefined) return doing.approve({ ...job.approval, actor: job.actor, ...common })
  return doing.run({
    source: job.source,
    kind: job.kind === 'plan' ? 'plan' : 'sync',
    mode: job.full ? 'full' : 'auto',
    trigger: job.trigger,
    user: job.user,
    wait: false,
    ...common,
  })
}

/** No run came of it, this time. */
async function judge(
  { db, log }: Engine,
  { id, error }: { readonly id: string; readonly error: unknown },
): Promise<void> {
  if (error instanceof ConflictError && error.code === 'job-over') return finishJob(db, id)
  const isOurFault = !(
    error instanceof NotFoundError ||
    error instanceof ConfigError ||
    error instanceof ConflictError ||
    error instanceof RunError
  )
  // Waits its turn, or for the database.
  const isLater =
    error instanceof BusyError ||
    error instanceof CancelledError ||
    (error instanceof RunError && (error.code === 'database-unavailable' || error.code === 'commit-unknown'))
  if (isLater) {
    await giveBackJob(db, id)
    throw new NotYet(error.message)
  }
  // Counted: after three of these it is refused.
  if (isOurFault) {
    log.error('a job met a mistake of Muster', { requestId: id, code: error instanceof Error ? error.name : 'unknown' })
    throw new NotYet('it is tried again')
  }
  await refuseJob(db, id, { code: error.code, detail: error.message })
}

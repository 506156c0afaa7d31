// Does a job that was delivered: begins a run of it, once, and says what became of it.
import { BusyError, CancelledError, ConfigError, ConflictError, NotFoundError, RunError } from '../base/errors.ts'
import type { RunDocument } from '../contract/runs.ts'
import { withTransaction } from '../database/transaction.ts'
import { recordAudit } from '../registry/audit.ts'
import {
  finishJob,
  GIVEN_UP,
  giveBackJob,
  JOB_CHANGED,
  refuseJob,
  type StoredJob,
  takeJob,
  UNFINISHED_CODES,
} from '../registry/jobs.ts'
import { raiseForRefusal } from './alerting.ts'
import type { approveRun } from './approve.ts'
import type { Engine } from './engine.ts'
import { END_NOT_RECORDED, type revertRun } from './revert.ts'
import type { runSource } from './run.ts'

/** What a job may lead to. */
export interface Doing {
  readonly run: (request: Parameters<typeof runSource>[1]) => Promise<RunDocument>
  readonly approve: (request: Parameters<typeof approveRun>[1]) => Promise<RunDocument>
  readonly revert: (request: Parameters<typeof revertRun>[1]) => Promise<Pick<RunDocument, 'error'>>
  /** Throws when whoever asked may not any more. */
  readonly requireStillAllowed: (job: StoredJob) => Promise<void>
}

/** Codes of what the job waits for, as long as it takes: nobody's mistake, and over when somebody has seen to it. */
const WAITS: ReadonlySet<string> = new Set(['database-unavailable', 'commit-unknown', 'disk-full'])

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
  if (taken.kind === 'given-up')
    return noteRefused(engine, taken.job, {
      code: GIVEN_UP,
      reason: 'It was begun again and again and never came to its end.',
    })
  let document: Pick<RunDocument, 'error'>
  try {
    document = await execute(doing, await permitted(doing, taken.job), signal)
  } catch (error) {
    return judge(engine, { job: taken.job, error })
  }
  if (UNFINISHED_CODES.some((code) => code === document.error?.code)) {
    if (document.error?.code === 'server-stopped') await giveBackJob(engine.db, id)
    throw new NotYet(document.error?.message)
  }
  if (await finishJob(engine.db, id)) return
  if (document.error !== null && WAITS.has(document.error.code)) await giveBackJob(engine.db, id)
  throw new NotYet('the end of its run could not be recorded')
}

/** The job for the last one of those who asked for it that may still have it done. @throws what was said of the last one */
async function permitted(doing: Doing, job: StoredJob): Promise<StoredJob> {
  let refusal: unknown
  for (const actor of [job.actor, ...job.alsoAsked.toReversed()]) {
    const asked = { ...job, actor, trigger: actor.kind === 'schedule' ? ('schedule' as const) : job.trigger }
    try {
      await doing.requireStillAllowed(asked)
      return asked
    } catch (error) {
      if (!(error instanceof ConflictError || error instanceof ConfigError)) throw error
      refusal ??= error
    }
  }
  throw refusal
}

function execute(doing: Doing, job: StoredJob, signal: AbortSignal): Promise<Pick<RunDocument, 'error'>> {
  const common = { job: { id: job.id, revision: job.revision }, signal, onProgress: () => {} }
  if (job.approval !== undefined) return doing.approve({ ...job.approval, actor: job.actor, ...common })
  if (job.reversal !== undefined) return doing.revert({ ...job.reversal, actor: job.actor, ...common })
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
  engine: Engine,
  { job, error }: { readonly job: StoredJob; readonly error: unknown },
): Promise<void> {
  const { db, log } = engine
  const { id } = job
  if (error instanceof ConflictError && error.code === 'job-over') return void (await finishJob(db, id))
  const isOurFault =
    (error instanceof RunError && error.code === END_NOT_RECORDED) ||
    !(
      error instanceof NotFoundError ||
      error instanceof ConfigError ||
      error instanceof ConflictError ||
      error instanceof RunError
    )
  // Waits its turn, or for the database or room on its disk, or is more than what was taken.
  const isLater =
    (error instanceof ConflictError && error.code === JOB_CHANGED) ||
    error instanceof BusyError ||
    error instanceof CancelledError ||
    (error instanceof RunError && WAITS.has(error.code))
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
  await noteRefused(engine, job, { code: error.code, reason: reasonOf(error) })
}

/** For alerts, which name nobody: of the errors of asking only those of runs are made for them. */
function reasonOf(error: RunError | ConfigError | ConflictError | NotFoundError): string {
  if (error instanceof RunError) return error.message
  if (error.code === 'not-allowed') return 'Whoever asked for it may not have it done any more.'
  return `It was refused as ${error.code}; the audit (job.refused) and the log of the server have more.`
}

/** Whoever watches the job sees why; of what nobody watches the log, the audit and an alert tell. */
async function noteRefused(
  engine: Engine,
  job: StoredJob,
  { code, reason }: { readonly code: string; readonly reason: string },
): Promise<void> {
  const { id, source, kind, actor } = job
  engine.log.warn('what was asked for was refused', { requestId: id, source, code })
  const details = { job: id, kind, reason: code }
  const askers = [actor, ...job.alsoAsked].map((asker) => asker.kind)
  const isWhole = kind === 'sync' && job.user === undefined
  const askedBy = isWhole ? (['schedule', 'token'] as const).find((asker) => askers.includes(asker)) : undefined
  await withTransaction(engine.db, async (tx) => {
    await recordAudit(tx, engine, { actor, action: 'job.refused', subject: `source ${source}`, details })
    if (askedBy !== undefined) await raiseForRefusal(tx, { source, job: id, askedBy, code, reason }, engine.clock.now())
  })
}

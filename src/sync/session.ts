// A run under way: its lease and its connection to Graph, and the record of how it ended, whatever happens.
import { CancelledError, RunError } from '../base/errors.ts'
import type { Outcome, RunDocument } from '../contract/runs.ts'
import { type Transaction, withTransaction } from '../database/transaction.ts'
import type { GraphClient } from '../graph/client.ts'
import { wayBackOf } from '../registry/consent.ts'
import type { Connection } from '../registry/connections.ts'
import { isSameReading } from '../registry/made-with.ts'
import { getSettledRun } from '../registry/runs.ts'
import { requireSource, type Source } from '../registry/sources.ts'
import { type Conclusion, concludeRun } from './conclude.ts'
import { emptyDocument, endingOf } from './document.ts'
import type { Engine } from './engine.ts'
import type { Lease } from './lease.ts'
import type { ConsentPlace } from './trouble.ts'

/** A run under way. */
export interface Session {
  readonly engine: Engine
  readonly lease: Lease
  /** As it stood when the lease was taken. */
  readonly source: Source
  readonly graph: GraphClient
  document: RunDocument
}

/** How a session ends; `applied` has already been written in the transaction that applied. */
export interface SessionEnding {
  readonly outcome: Outcome
  readonly approveBy: Date | null
  readonly isRecorded: boolean
}

/** Runs `work` under a lease and records how it ended, whatever happens. */
export async function underLease(
  engine: Engine,
  run: { readonly lease: Lease; readonly source: string; readonly mode: 'full' | 'delta' },
  work: (session: Session) => Promise<SessionEnding>,
): Promise<RunDocument> {
  const { lease } = run
  let session: Session | undefined
  let document = emptyDocument(lease.runId, run.source, run.mode)
  try {
    const source = await requireSource(engine.db, run.source)
    lease.log.info('run begins', { runId: String(lease.runId), source: run.source, what: `${lease.kind}, ${run.mode}` })
    const graph = await engine.openGraph(source.connection, lease.log)
    session = { engine: { ...engine, log: lease.log }, lease, source, graph, document }
    const ending = await work(session)
    document = finished(session, ending.outcome)
    if (!ending.isRecorded) await record(engine, { lease, session, document, approveBy: ending.approveBy })
  } catch (caught) {
    const error = lease.signal.aborted ? lease.signal.reason : caught
    document = session === undefined ? document : session.document
    const known = await outcomeAfterAll(engine, { runId: lease.runId, sourceId: session?.source.id }, caught)
    if (known !== undefined) return known
    const ending = endingOf(error)
    document = {
      ...document,
      outcome: ending.outcome,
      error: ending.error,
      held: null,
      graph: session === undefined ? document.graph : usageOf(session.graph),
      ms: { ...document.ms, total: lease.elapsedMs() },
    }
    await recordFailure(engine, { lease, session, document, approveBy: null, cause: error })
  } finally {
    await lease.release()
    await session?.graph.stop()
  }
  engine.log.info('run ended', {
    runId: String(lease.runId),
    source: run.source,
    outcome: document.outcome,
    code: document.error?.code,
    ms: document.ms.total,
  })
  return document
}

/** Codes after which nobody knows whether the last transaction was committed. */
const UNSURE: ReadonlySet<string> = new Set(['commit-unknown', 'database-unavailable'])

/** A connection that broke at COMMIT leaves open whether it happened; the run's own row tells. */
async function outcomeAfterAll(
  engine: Engine,
  { runId, sourceId }: { readonly runId: number; readonly sourceId: number | undefined },
  error: unknown,
): Promise<RunDocument | undefined> {
  if (!(error instanceof RunError) || !UNSURE.has(error.code) || sourceId === undefined) return undefined
  try {
    const run = await getSettledRun(engine.db, { runId, sourceId })
    return run?.outcome === 'applied' && run.summary !== null ? run.summary : undefined
  } catch (again) {
    engine.log.warn('the database does not answer', {
      runId: String(runId),
      code: again instanceof RunError ? again.code : 'unknown',
    })
    return undefined
  }
}

interface Ended {
  readonly lease: Lease
  /** Undefined when it failed before there was one. */
  readonly session: Session | undefined
  readonly document: RunDocument
  readonly approveBy: Date | null
  readonly cause?: unknown
}

async function record(engine: Engine, ended: Ended): Promise<void> {
  await withTransaction(engine.db, (tx) => concludeRun(engine, tx, conclusionOf(engine, ended)))
}

export function conclusionOf(engine: ConsentParts, { lease, session, ...ended }: Ended): Conclusion {
  const { runId, sourceId, kind, isPartial, log } = lease
  const connection = session?.source.connection
  return {
    ...ended,
    runId,
    sourceId,
    kind,
    isPartial,
    log,
    place: connection && consentPlaceOf(engine, connection),
  }
}

type ConsentParts = Pick<Engine, 'redirectUri' | 'vault' | 'clock'>

/** With the way back where people sign in through the connection: then the application has the redirect URI that they come back by. */
function consentPlaceOf(engine: ConsentParts, connection: Connection): ConsentPlace {
  const { name, authorityUrl, tenantId, clientId, signInWithMicrosoft } = connection
  const back = () => (signInWithMicrosoft ? wayBackOf(engine, tenantId) : undefined)
  return { connection: name, authorityUrl, tenantId, clientId, back }
}

/** How soon it is seen that there is room again, and how long that is waited for. */
const ROOM_POLL_MS = 2_000
const WAIT_FOR_ROOM_MS = 15 * 60_000

/**
 * On a full disk not even the end of a run can be written: it is kept until there is room. Without that the run would be taken for
 * one that goes on, and later for one whose process died.
 */
async function recordFailure(engine: Engine, ended: Ended): Promise<void> {
  const { clock, log } = engine
  const { runId, signal } = ended.lease
  const since = clock.monotonicMs()
  for (let tries = 1; ; tries += 1) {
    try {
      return await record(engine, ended)
    } catch (error) {
      const code = error instanceof RunError ? error.code : 'unknown'
      if (tries === 1) log.error('the end of the run could not be recorded', { runId: String(runId), code })
      // The next run of this source finds that this one is gone and records the interruption.
      if (code !== 'disk-full' || signal.aborted || clock.monotonicMs() - since > WAIT_FOR_ROOM_MS) return
    }
    await clock.sleep(ROOM_POLL_MS, signal).catch(ignoreAbort)
  }
}

/** It is tried once more then, and given up. */
function ignoreAbort(error: unknown): void {
  if (!(error instanceof CancelledError || error instanceof RunError)) throw error
}

/**
 * The source as it is now; what was read and planned holds for the settings and the tenant that the run began with only.
 *
 * @throws RunError `settings-changed`
 */
export async function requireSameSettings(tx: Transaction, { source }: Session): Promise<Source> {
  const current = await requireSource(tx, source.name)
  const isSame =
    current.settingsVersion === source.settingsVersion && isSameReading(current.connection, source.connection)
  if (isSame) return current
  throw new RunError(
    'settings-changed',
    'The settings of the source, or tenant or application of its connection, were changed while it ran; nothing was written. Run it again.',
  )
}

export function finished(session: Session, outcome: Outcome): RunDocument {
  const { document, lease } = session
  return { ...document, outcome, graph: usageOf(session.graph), ms: { ...document.ms, total: lease.elapsedMs() } }
}

function usageOf(graph: GraphClient): RunDocument['graph'] {
  const { requests, retries, throttled, bytes, resourceUnits } = graph.usage
  return { requests, retries, throttled, bytes, resourceUnits }
}

export function since(session: Session, before: number): number {
  return Math.round(session.engine.clock.monotonicMs() - before)
}

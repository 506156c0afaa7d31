// What Muster can do, done by a server: the same methods as locally, over HTTP. Runs are jobs there, watched until they end.
import { randomUUID } from 'node:crypto'
import { PassThrough } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { App } from '../app.ts'
import type { Clock } from '../base/clock.ts'
import { BusyError, CancelledError, InvariantError, NotFoundError } from '../base/errors.ts'
import { API } from '../contract/api/api.ts'
import type { Job } from '../contract/api/runs.ts'
import { planItemLine, type PlanItemLine } from '../contract/plan-items.ts'
import type { RunDocument } from '../contract/runs.ts'
import { writeSettings } from '../contract/written-settings.ts'
import { AwayError, call, eachLine, errorOf, save, type Server } from './client.ts'
import { UsageError } from './failure.ts'
import { createPatience, type Patiently } from './patience.ts'

/** How soon the end of a job and of a run is seen. */
const POLL_MS = 300
/** How long `sync` waits for a source that is run already, as on the database itself. */
const WAIT_MS = 60_000
/** Most that a page of a list may have. */
const PAGE = 500

const IS_IT_BEGUN = 'whether it was begun is not known: look at the runs (muster runs) before you ask for it again'

type RunRequest = Parameters<App['run']>[0]
type Watch = Pick<RunRequest, 'signal' | 'onProgress'>

const KEYS_ARE_LOCAL =
  'this changes the key file, which no server hands out or takes: run it on the host of the server, without --url'

const LINKS_ARE_LOCAL =
  'whoever has such a link is let in, so no server hands one out: run it on the host of the server, without --url'

/** A server as an {@link App}. Nothing is sent before the first method is called. */
export function createRemoteApp(server: Server, { clock }: { readonly clock: Clock }): App {
  const patiently = createPatience(clock)
  /** Of something that is done once, however often it is asked for; until it is begun there is nothing to take back. */
  const begin = async (signal: AbortSignal, question: () => Promise<Job>): Promise<Job> => {
    try {
      return await patiently(question, signal)
    } catch (error) {
      if (signal.aborted && error instanceof CancelledError) throw new CancelledError(`Cancelled; ${IS_IT_BEGUN}`)
      if (isOneOf(error, 'idempotency-running'))
        throw new AwayError('server-unreachable', `The server went away; ${IS_IT_BEGUN}`, { cause: error })
      throw error
    }
  }
  const items = (query: Parameters<App['writePlanItems']>[0], format: string) => ({
    params: { run: String(query.runId) },
    query: { format, action: query.action, object: query.object, search: query.search, user: query.user },
  })
  async function* eachItem(query: Parameters<App['writePlanItems']>[0]): AsyncGenerator<PlanItemLine> {
    for await (const line of eachLine(server, API.exportPlan, items(query, 'ndjson')))
      if (line !== '') yield planItemLine.parse(JSON.parse(line))
  }
  return {
    hasRun: false,
    deliverAlerts: async () => {},
    close: async () => {},
    serve: async () => {
      throw new UsageError('muster serve is the server itself; start it without --url')
    },
    signInLink: () => Promise.reject(new UsageError(LINKS_ARE_LOCAL)),
    connectionNames: async () => {
      const { items: connections } = await call(server, API.listConnections, {})
      return new Set(connections.map((connection) => connection.name))
    },
    configure: async ({ document, secrets, prune, dryRun, signal }) => {
      const sent = [...secrets].map(([name, given]) => [
        name,
        { secret: [...given.secrets], certificate: given.certificates.map(({ text }) => text) },
      ])
      const body = { file: asBlock(document), secrets: Object.fromEntries(sent), prune, dryRun, plans: false }
      return call(server, API.applyConfiguration, { body, signal })
    },
    listSourceSettings: async ({ source }) =>
      (await call(server, API.listSourceSettings, { params: { source } })).items,
    getSourceSettings: ({ source, number }) =>
      call(server, API.getSourceSettings, { params: { source, number: String(number) } }),
    restoreSourceSettings: async ({ source, number, seen, signal }) => {
      const body = seen === undefined ? {} : { updatedAt: seen }
      return (
        await call(server, API.restoreSourceSettings, { params: { source, number: String(number) }, body, signal })
      ).warnings
    },
    preview: async ({ source, settings, newName, signal }) => {
      const body = { settings: writeSettings(settings), ...(newName === undefined ? {} : { name: newName }) }
      const told = await call(server, API.getImpact, { params: { source }, body, signal })
      return { ...told, items: told.items.map(asPlanItem) }
    },
    check: async ({ connection, signal }) =>
      // The contract says no more of the names of checks than that they are texts.
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion
      (await call(server, API.checkConnection, { params: { connection }, signal })).findings as Awaited<
        ReturnType<App['check']>
      >,
    writeCertificate: async ({ connection, ...options }) => {
      const { credentials } = await call(server, API.getConnection, { params: { connection } })
      const found = credentials.find(({ kind }) => kind === 'certificate')
      if (found === undefined)
        throw new NotFoundError('certificate of the connection', connection, 'certificate: generate makes one')
      await save(server, API.getCertificate, { params: { connection, credential: found.id }, ...options })
    },
    run: async ({ source, kind, mode, user, wait, signal, onProgress }) => {
      if (!wait) await refuseBusy(server, source)
      const asked = { params: { source }, key: randomUUID() }
      const job = await begin(signal, () =>
        user === undefined
          ? call(server, API.startRun, { ...asked, body: { kind, full: mode === 'full' } })
          : call(server, API.syncUser, { ...asked, body: { kind, user } }),
      )
      return follow(server, { job, isOfUser: user !== undefined, clock, patiently, signal, onProgress })
    },
    approve: async ({ run, hash, reason, without, signal, onProgress }) => {
      const body = { hash, reason, ...(without === undefined ? {} : { without }) }
      const asked = { params: { run: String(run) }, body, key: randomUUID() }
      const job = await begin(signal, () => call(server, API.approveRun, asked))
      return follow(server, { job, clock, patiently, signal, onProgress })
    },
    reject: ({ run, reason }) => call(server, API.rejectRun, { params: { run: String(run) }, body: { reason } }),
    cancel: ({ run }) => call(server, API.cancelRun, { params: { run: String(run) } }),
    revert: async ({ run, user, reason, confirmed, signal, onProgress }) => {
      const body = { reason, confirmed, ...(user === undefined ? {} : { user }) }
      const asked = { params: { run: String(run) }, body, key: randomUUID() }
      const job = await begin(signal, () => call(server, API.startRevert, asked))
      const done = await follow(server, { job, clock, patiently, signal, onProgress })
      return patiently(() => call(server, API.getRevert, { params: { run: done.run } }))
    },
    previewRevert: ({ run, user, signal }) => {
      const body = { reason: 'to see what it would do', dryRun: true, ...(user === undefined ? {} : { user }) }
      return call(server, API.revertRun, { params: { run: String(run) }, body, signal })
    },
    explain: ({ user, signal }) => call(server, API.explainUser, { query: { user }, signal }),
    // Memberships are told one by one here, also where the stored plan has one item for many.
    readPlan: (run, read) => read(eachItem({ runId: run })),
    getRun: async (run) => {
      const { line, document } = await call(server, API.getRun, { params: { run: String(run) } })
      return { line, document }
    },
    listPlanItems: async ({ limit, ...query }) => {
      const shown: PlanItemLine[] = []
      let total = 0
      for await (const item of eachItem(query)) if ((total += 1) <= limit) shown.push(item)
      return { items: shown, total }
    },
    writePlanItems: (query, { format, ...options }) =>
      save(server, API.exportPlan, { ...items(query, format), ...options }),
    listRuns: ({ source, outcome, limit }) =>
      upTo(limit, (cursor, most) => {
        const asked = { ...(cursor && { cursor }), ...(source && { source }), ...(outcome && { outcome }) }
        return call(server, API.listRuns, { query: { limit: most, ...asked } })
      }),
    readLog: async ({ run, after, signal }) => {
      const asked = { params: { run: String(run) }, query: { after } }
      const told = await patiently(() => call(server, API.listRunLog, asked), signal)
      return { lines: told.items, isEnded: told.isEnded }
    },
    listHealth: async () => {
      const { items: sources } = await call(server, API.listSources, {})
      return sources.map(({ name, health }) => ({ source: name, ...health }))
    },
    // What the server cannot deliver its own administrators see, in its settings.
    listUndelivered: async () => [],
    listKeys: () => call(server, API.getKeys, {}),
    rotateKeys: () => Promise.reject(new UsageError(KEYS_ARE_LOCAL)),
    retireKey: () => Promise.reject(new UsageError(KEYS_ARE_LOCAL)),
    listIssues: async ({ source, limit }) => {
      const found = await upTo(limit, (cursor, most) =>
        call(server, API.listIssues, { query: { limit: most, ...(cursor && { cursor }), ...(source && { source }) } }),
      )
      return found.map((line) => {
        const { remedy: _, ...issue } = line
        const nextTryAt = issue.nextTryAt === null ? null : new Date(issue.nextTryAt)
        const [openedAt, seenAt] = [new Date(issue.openedAt), new Date(issue.seenAt)]
        return { ...issue, id: Number(issue.id), openedAt, seenAt, nextTryAt }
      })
    },
    countIssues: async ({ source }) => {
      const page = await call(server, API.listIssues, { query: { limit: 1, ...(source && { source }) } })
      // Only pages after the first have none.
      return page.total ?? page.items.length
    },
    isCopy: async () => (await call(server, API.getOverview, {})).concerns.some(({ code }) => code === 'copied'),
    takeOver: async () => (await call(server, API.takeOver, {})).wasCopy,
    backup: async ({ destination, encryptFor, signal }) => {
      const createdAt = clock.now().toISOString()
      const encrypt =
        encryptFor === undefined ? undefined : (await import('../backup/encryption.ts')).encryptWith(encryptFor)
      if (encrypt === undefined) await save(server, API.getBackup, { destination, signal })
      else {
        const plain = new PassThrough()
        const sending = save(server, API.getBackup, { destination: plain, signal }).then(
          () => plain.end(),
          (error: unknown) => plain.destroy(error instanceof Error ? error : new Error(String(error))),
        )
        await pipeline(plain, encrypt, destination, { signal, end: false })
        await sending
      }
      return { createdAt, tables: null, rows: null }
    },
    export: ({ kind, format, dialect }, options) =>
      save(server, API.exportRegistry, { params: { kind }, query: { format, csvDialect: dialect }, ...options }),
  }
}

/** Pages of a list, until there are so many or no more. */
async function upTo<Line>(
  limit: number,
  read: (cursor: string | undefined, most: number) => Promise<{ items: readonly Line[]; next: string | null }>,
): Promise<readonly Line[]> {
  const found: Line[] = []
  for (let cursor: string | undefined; ; ) {
    const page = await read(cursor, Math.min(PAGE, limit - found.length))
    found.push(...page.items)
    if (page.next === null || found.length >= limit) return found
    cursor = page.next
  }
}

async function refuseBusy(server: Server, source: string): Promise<void> {
  const { running } = await call(server, API.getSource, { params: { source } })
  if (running !== null) throw new BusyError(`The source ${JSON.stringify(source)} is being run as run ${running.run}`)
}

interface Following extends Watch {
  readonly job: Job
  /** Asked for with the right to synchronize one user. */
  readonly isOfUser?: boolean
  readonly clock: Clock
  readonly patiently: Patiently
}

/** Waits for a job and its run; an interrupt takes the job back, or cancels the run and waits until it has ended. */
async function follow(
  server: Server,
  { job, isOfUser = false, clock, patiently, signal, onProgress }: Following,
): Promise<RunDocument> {
  let isCancelled = false
  let hasBegun = false
  const since = clock.monotonicMs()
  for (let now = job; ; now = await patiently(() => call(server, API.getJob, { params: { job: job.id } }))) {
    const { run } = now
    if (now.state === 'refused') throw errorOf(now.problem ?? { code: 'refused', detail: 'The server refused the run' })
    if (run !== null) {
      hasBegun = true
      const { document, progress } = await patiently(() => call(server, API.getRun, { params: { run } }))
      if (progress !== null) onProgress({ ...progress, total: progress.total ?? undefined })
      if (now.state === 'ended') return document ?? interrupted(run)
      if (signal.aborted && !isCancelled) {
        isCancelled = true
        await takeBack(server, { job: job.id, run, isOfUser, patiently })
      }
    } else if (signal.aborted) await takeBack(server, { job: job.id, run, isOfUser, patiently })
    else if (!hasBegun && clock.monotonicMs() - since >= WAIT_MS) {
      throw new BusyError(
        `The run of ${JSON.stringify(now.source)} did not begin within ${WAIT_MS / 1000} s: the source is being run, or all places of the servers are taken; what was asked for waits on the server (job ${job.id}) and is done then`,
      )
    } else onProgress({ phase: 'waiting', done: 0, total: undefined })
    await clock.sleep(POLL_MS)
  }
}

/** Returns where there is a run to be waited for: one that is cancelled now, or has begun or ended in between. */
async function takeBack(
  server: Server,
  {
    job,
    run,
    isOfUser,
    patiently,
  }: {
    readonly job: string
    readonly run: string | null
    readonly isOfUser: boolean
    readonly patiently: Patiently
  },
): Promise<void> {
  const params = { job }
  try {
    await patiently(() => call(server, isOfUser ? API.cancelUserRun : API.cancelJob, { params }))
  } catch (error) {
    if (!isOneOf(error, 'job-begun', 'job-over', 'not-running', 'not-asked')) throw error
    if (run !== null && isOneOf(error, 'job-begun')) await patiently(() => cancelRun(server, run))
    // It was taken back by a question whose answer was lost.
    if (!isOneOf(error, 'not-asked')) return
  }
  const now = await patiently(() => call(server, API.getJob, { params }))
  if (now.state === 'refused') throw new CancelledError('Cancelled while it waited; nothing was done')
  // Of one user it may be his own run that is cancelled.
  if (isOfUser && now.run !== null) return
  throw new CancelledError('Taken back; others asked for the same, and for them it is done')
}

async function cancelRun(server: Server, run: string): Promise<void> {
  try {
    await call(server, API.cancelRun, { params: { run } })
  } catch (error) {
    if (!isOneOf(error, 'not-running')) throw error
  }
}

function isOneOf(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && codes.some((code) => code === error.code)
}

function interrupted(run: string): never {
  throw new InvariantError(`run ${run} ended without a document`)
}

function asBlock(document: unknown): Record<string, unknown> {
  return typeof document === 'object' && document !== null ? { ...document } : {}
}

function asPlanItem(line: PlanItemLine) {
  const { run, userId, groupId, group: _, ...item } = line
  return {
    ...item,
    runId: Number(run),
    userId: userId === null ? null : Number(userId),
    groupId: groupId === null ? null : Number(groupId),
  }
}

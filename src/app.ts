// Composition root: builds database, vault, Graph clients and engine from the settings, and says what can be done with
// them. The command line and the server know Muster through this file only.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import type { Sink } from './alerts/alert.ts'
import { deliverAlerts } from './alerts/deliver.ts'
import { createMailSink } from './alerts/mail.ts'
import { listUndelivered } from './alerts/outbox.ts'
import { createWebhookSink } from './alerts/webhook.ts'
import type { Clock } from './base/clock.ts'
import { InvariantError, RunError } from './base/errors.ts'
import { machineMark } from './base/machine.ts'
import type { Log } from './base/log.ts'
import { thisProcess } from './base/process.ts'
import type { Config } from './config.ts'
import type { BackupProgress, RestoreSummary, Unlock } from './contract/backups.ts'
import { parseConfigFile } from './contract/config-file.ts'
import type { PlanItemLine } from './contract/plan-items.ts'
import type { RunDocument } from './contract/runs.ts'
import { warningsOfFile } from './contract/warnings.ts'
import { connect, type Database } from './database/connect.ts'
import { openEmbeddedDatabase } from './database/embedded.ts'
import { migrate } from './database/migrate.ts'
import { withTransaction } from './database/transaction.ts'
import { GraphClient, type GraphClientOptions } from './graph/client.ts'
import type { Sender } from './graph/request.ts'
import type { GraphAccess } from './http/parts.ts'
import { type Actor, recordAlone } from './registry/audit.ts'
import { configure } from './registry/configuration.ts'
import { type ConnectionSecrets, prepareConfiguration } from './registry/prepare-configuration.ts'
import type { Actions, PlanLine } from './http/actions.ts'
import { redirectUriOf } from './http/public-url.ts'
import { newestCertificate, noteOutcomes } from './registry/connection-credentials.ts'
import { type Connection, listConnections, openCredentials } from './registry/connections.ts'
import { listKeptSettings, presentKeptSettings } from './registry/earlier-settings.ts'
import { writeExport } from './registry/export-stream.ts'
import { listHealth } from './registry/health.ts'
import { isCopy, type LocalPlace, notePlace, takeOver } from './registry/installation.ts'
import { countIssues, listIssues } from './registry/issues.ts'
import { countPlanLines, eachPlanLine, writePlanItems } from './registry/plan-export.ts'
import { requirePlanUser } from './registry/plan-user.ts'
import { eachPlanItem } from './registry/plans.ts'
import { removeOldHistory } from './registry/retention.ts'
import { listRunLog } from './registry/run-log.ts'
import { presentHealthLine, presentRunLine } from './registry/present-runs.ts'
import { listKeys, retireKey, rotateKeys } from './registry/rotate-keys.ts'
import { listRuns, planRunOf, requireRun } from './registry/runs.ts'
import { listServerUrls } from './registry/servers.ts'
import { requireSource } from './registry/sources.ts'
import { raiseDue } from './sync/alerting.ts'
import { approveRun, cancelRun, rejectRun } from './sync/approve.ts'
import { checkSaved, notesOf } from './sync/check.ts'
import type { Engine, RunProgress } from './sync/engine.ts'
import { explainUser } from './sync/explain.ts'
import { previewSettings, type SettingsPreview } from './sync/preview.ts'
import { restoreSettings } from './sync/restore-settings.ts'
import { revertRun } from './sync/revert.ts'
import { previewRevert } from './sync/revert-preview.ts'
import { runSource } from './sync/run.ts'
import { requireAttributesOfFile } from './sync/unknown-attributes.ts'
import type { ServeOptions, Serving } from './serving.ts'
import { issueLinkCode, localUrl, signInLink } from './signin/console.ts'
import { createOidc, type Oidc } from './signin/oidc-exchange.ts'
import { createOidcSender } from './signin/oidc-transport.ts'
import { openKeyRing, openVault, type Vault } from './vault/keys.ts'

export type { ConnectionSecrets, PlanLine, RunProgress, Serving, SettingsPreview }

/** Everything that can be done. Methods throw the errors of `base/errors.ts`. */
export interface App extends Actions {
  /** Serves the web and the API, and does what is asked for or due, until it is stopped. */
  serve(options?: ServeOptions): Promise<Serving>
  /** A link that signs a local account in once, within 30 minutes. @throws NotFoundError */
  signInLink(options: { readonly name: string; readonly resetSecondFactor: boolean; readonly actor: Actor }): Promise<{
    readonly link: string
    /** Whether no server was found that runs, so that its address is the one of the settings here. */
    readonly isAssumed: boolean
  }>
  /** Ends everything; the embedded database stops when no other process uses it. */
  close(): Promise<void>
}

export interface AppOptions {
  readonly clock: Clock
  readonly log: Log
  /** Most connections to the database at once. */
  readonly connections?: number | undefined
}

/**
 * Opens the database (the embedded one unless a server is named), brings its schema up to date and opens the vault.
 *
 * @throws ConfigError, RunError
 */
export async function openApp(config: Config, options: AppOptions): Promise<App> {
  const { clock, log } = options
  const opened = await openDatabase(config, options)
  try {
    await migrate(opened.db, { log })
    await notePlace(opened.db, opened.local)
    const vault = await openVault({ keyFile: config.keyFile, db: opened.db, allowCreate: true, log })
    const openGraph = (connection: Connection, runLog: Log = log) =>
      createClient(connection, { clock, log: runLog, config, vault, db: opened.db })
    return createApp(
      { db: opened.db, local: opened.local, vault, clock, random: Math.random, log, openGraph },
      { config, close: opened.close, vault },
    )
  } catch (error) {
    await opened.close()
    throw error
  }
}

/**
 * Empties the database of a home, sealed values included. For the folder of the demo alone, which knows its own.
 *
 * @throws RunError when somebody works in it
 */
export async function resetDatabase(config: Config, options: AppOptions): Promise<void> {
  const { db, close } = await openDatabase(config, options)
  try {
    await withTransaction(
      db,
      async (tx) => {
        await tx.query('drop schema public cascade')
        await tx.query('create schema public')
        await tx.query('drop schema if exists pgboss cascade')
      },
      { lockTimeoutMs: 5_000 },
    )
  } finally {
    await close()
  }
}

export interface RestoreRequest {
  readonly file: string
  /** Only read and check it: the database is not even opened. */
  readonly checkOnly: boolean
  /** Put it in the place of what the database holds. */
  readonly replace: boolean
  /** The original is gone. */
  readonly takeOver: boolean
  readonly unlock: Unlock
  readonly actor: Actor
  readonly signal: AbortSignal
  readonly onProgress: (progress: BackupProgress) => void
}

/**
 * Restores a backup into the database of these settings, which no server may be working on. Not a method of {@link App}: what cannot be
 * opened any more can be restored.
 *
 * @throws ConfigError, ConflictError, BusyError, RunError
 */
export async function restoreInto(
  config: Config,
  options: AppOptions,
  { checkOnly, ...request }: RestoreRequest,
): Promise<RestoreSummary> {
  const { checkBackup, restoreBackup } = await import('./backup/restore.ts')
  if (checkOnly) return checkBackup({ ...request, keyFile: config.keyFile })
  const { db, local, close } = await openDatabase(config, options)
  try {
    return await restoreBackup(db, { ...request, local, keyFile: config.keyFile, clock: options.clock })
  } finally {
    await close()
  }
}

async function openDatabase(
  config: Config,
  { clock, log, connections }: AppOptions,
): Promise<{ db: Database; local: LocalPlace | undefined; close: () => Promise<void> }> {
  const common = { log, applicationName: 'muster', ...(connections === undefined ? {} : { max: connections }) }
  if (config.databaseUrl !== undefined) {
    const db = await connect({ url: config.databaseUrl.reveal(), ...common })
    return { db, local: undefined, close: () => db.close() }
  }
  const embedded = await openEmbeddedDatabase({ home: config.home, clock, log, user: config.databaseUser })
  try {
    const db = await connect({ embedded, ...common })
    return {
      db,
      local: { machine: machineMark(), directory: embedded.directory },
      close: async () => {
        await db.close()
        await embedded.release()
      },
    }
  } catch (error) {
    await embedded.release()
    throw error
  }
}

interface ClientParts extends AppOptions {
  readonly config: Config
  readonly vault: Vault
  readonly db: Database
}

async function createClient(connection: Connection, parts: ClientParts): Promise<GraphClient> {
  const { db, vault, clock, log } = parts
  const credentials = await openCredentials(db, { connectionId: connection.id, vault })
  return createClientWith({ ...connection, credentials }, parts, async (outcomes) => {
    try {
      await noteOutcomes(db, { notes: notesOf(outcomes), now: clock.now() })
    } catch (error) {
      // What the client was used for is done; the next one notes it.
      log.warn('what became of credentials could not be noted', {
        code: error instanceof RunError ? error.code : 'unknown',
      })
    }
  })
}

/** The OpenID side of the connections. */
function openOidc({ db, vault, clock, log }: Engine, sender: Sender): Oidc {
  return createOidc({
    clock,
    log,
    sender,
    userAgent: `muster/${VERSION}`,
    openCredentials: (connectionId) => openCredentials(db, { connectionId, vault }),
  })
}

/** How Microsoft is reached from here. */
function reachOf(config: Config): Pick<GraphClientOptions, 'proxy' | 'caFile'> {
  return {
    proxy: {
      ...(config.httpsProxy === undefined ? {} : { httpsProxy: config.httpsProxy.reveal() }),
      ...(config.noProxy === undefined ? {} : { noProxy: config.noProxy }),
    },
    ...(config.caFile === undefined ? {} : { caFile: config.caFile }),
  }
}

function createClientWith(
  access: GraphAccess,
  { config, clock, log }: Pick<ClientParts, 'config' | 'clock' | 'log'>,
  onStop?: GraphClientOptions['onStop'],
) {
  const { tenantId, clientId, authorityUrl, graphUrl, credentials } = access
  return new GraphClient({
    tenantId,
    clientId,
    authorityUrl,
    graphUrl,
    credentials,
    clock,
    random: Math.random,
    log,
    userAgent: `muster/${VERSION}`,
    ...reachOf(config),
    ...(onStop === undefined ? {} : { onStop }),
  })
}

/** What can be done with an engine. Keys can be rotated where its vault is given as a whole. */
export function createApp(
  engine: Engine,
  options: {
    readonly config: Config
    readonly close: () => Promise<void>
    readonly vault?: Vault
    /** In place of clients that go over the network. */
    readonly openGraphWith?: (access: GraphAccess) => GraphClient
  },
): App {
  const { config, close, openGraphWith = (access) => createClientWith(access, { ...engine, config }) } = options
  const { db, vault, clock } = engine
  const keyParts = () => {
    if (options.vault === undefined)
      throw new InvariantError('keys are rotated by an app that was opened with its vault')
    return { ...engine, vault: options.vault, keyFile: config.keyFile }
  }
  let hasRun = false
  const noted = async (running: Promise<RunDocument>) => {
    const document = await running
    hasRun = true
    await forgetOld()
    return document
  }
  const forgetOld = async () => {
    try {
      await removeOldHistory(db, { now: clock.now(), historyDays: config.historyDays })
    } catch (error) {
      // The run is done and told; the next one tries again.
      engine.log.warn('old history could not be removed', {
        code: error instanceof RunError ? error.code : 'unknown',
      })
    }
  }
  const app: App = {
    connectionNames: async () => new Set((await listConnections(db)).map((connection) => connection.name)),
    configure: async ({ document, secrets, signal, ...wantedOf }) => {
      const known = new Set((await listConnections(db)).map((connection) => connection.name))
      const file = parseConfigFile(document, known)
      const wanted = prepareConfiguration(file, secrets)
      const unchecked = await requireAttributesOfFile(engine, { wanted, openGraphWith, signal })
      const changes = await configure(db, { ...wantedOf, wanted, vault, clock })
      return { changes, warnings: [...warningsOfFile(file), ...unchecked] }
    },
    listSourceSettings: ({ source }) => listKeptSettings(db, source),
    getSourceSettings: (wanted) => presentKeptSettings(db, wanted),
    restoreSourceSettings: (request) => restoreSettings(engine, request),
    preview: (request) => previewSettings(engine, request),
    explain: (request) => explainUser(engine, request),
    check: (request) => checkSaved(engine, { redirectUri: redirectUriOf(config.publicUrl), ...request }),
    writeCertificate: async ({ connection, destination }) => {
      destination.write((await newestCertificate(db, { vault, connection })).pem)
    },
    run: (request) => noted(runSource(engine, request)),
    approve: (request) => noted(approveRun(engine, request)),
    reject: (request) => rejectRun(engine, request),
    cancel: (request) => cancelRun(engine, request),
    revert: (request) => revertRun(engine, request),
    previewRevert: (request) => previewRevert(engine, request),
    readPlan: (run, read) =>
      withTransaction(db, (tx) => read(eachPlanItem(tx, run)), { isolation: 'repeatable read', readOnly: true }),
    getRun: async (id) => {
      const run = await requireRun(db, id)
      // An interrupted run has no more than an error.
      return { line: presentRunLine(run), document: run.summary?.users === undefined ? null : run.summary }
    },
    listPlanItems: (query) =>
      withTransaction(
        db,
        async (tx) => {
          const items: PlanItemLine[] = []
          const asked = { ...query, runId: planRunOf(await requireRun(tx, query.runId)) }
          await requirePlanUser(tx, asked)
          for await (const lines of eachPlanLine(tx, asked)) items.push(...lines)
          return { items, total: await countPlanLines(tx, asked) }
        },
        { isolation: 'repeatable read', readOnly: true },
      ),
    writePlanItems: async (query, options) => {
      const asked = { ...query, runId: planRunOf(await requireRun(db, query.runId)) }
      await requirePlanUser(db, asked)
      await writePlanItems(db, asked, options)
    },
    listRuns: async (query) => {
      const runs = await listRuns(db, query)
      // A removed source has runs still; only a name that nobody ever had is a mistake.
      if (runs.length === 0 && query.source !== undefined) await requireSource(db, query.source)
      return runs.map(presentRunLine)
    },
    readLog: async ({ run, after }) => {
      // Asked before the lines: the last ones are written together with the end.
      const { state } = await requireRun(db, run)
      const lines = await listRunLog(db, run, { after, limit: LOG_LINES })
      return { lines, isEnded: state === 'ended' && lines.length < LOG_LINES }
    },
    listHealth: async () => (await listHealth(db)).map(presentHealthLine),
    get hasRun() {
      return hasRun
    },
    deliverAlerts: async ({ signal }) => {
      if (await isCopy(db, engine.local)) return
      await raiseDue(db, { now: clock.now(), silenceHours: config.alertSilenceHours })
      const sinks = openSinks(config, clock)
      try {
        await deliverAlerts(db, sinks, { ...engine, signal })
      } finally {
        for (const sink of sinks) await sink.stop()
      }
    },
    listUndelivered: async () =>
      (await listUndelivered(db, clock.now())).map((line) => ({
        ...line,
        nextTryAt: line.nextTryAt?.toISOString() ?? null,
      })),
    listKeys: () => listKeys(db, config.keyFile),
    rotateKeys: (request) => rotateKeys(keyParts(), request),
    retireKey: (request) => retireKey(keyParts(), request),
    listIssues: async (query) => {
      if (query.source !== undefined) await requireSource(db, query.source)
      return listIssues(db, query)
    },
    countIssues: (query) => countIssues(db, query),
    export: async (request, { actor, ...options }) => {
      if (actor !== undefined) {
        const { kind, format, dialect: csvDialect } = request
        const details = { format, csvDialect }
        await recordAlone(db, engine, { actor, action: 'registry.export', subject: kind, details })
      }
      await writeExport(db, request, { ...options, vault })
    },
    isCopy: () => isCopy(db, engine.local),
    takeOver: ({ actor }) => takeOver(db, { local: engine.local, vault, clock, actor }),
    backup: async ({ actor, ...options }) => {
      const { writeBackup } = await import('./backup/write.ts')
      const encrypted = options.encryptFor !== undefined
      await recordAlone(db, engine, { actor, action: 'backup.create', subject: null, details: { encrypted } })
      return writeBackup(db, { ...options, keys: await openKeyRing(config.keyFile), clock, version: VERSION })
    },
    serve: async (wanted = {}) => {
      // Loaded when needed: no other command pays for it.
      const { startServing } = await import('./serving.ts')
      const sender = createOidcSender({ clock, ...reachOf(config) })
      const serving = await startServing(engine, {
        ...wanted,
        actions: app,
        config,
        oidc: openOidc(engine, sender),
        version: VERSION,
        openGraphWith,
        checkKey: async () => {
          await openVault({ keyFile: config.keyFile, db, allowCreate: false })
        },
        refreshKeys: async () => options.vault?.refresh(),
      })
      return {
        ...serving,
        async stop() {
          await serving.stop()
          await sender.stop()
        },
      }
    },
    signInLink: async (wanted) => {
      const { base, isAssumed } = await baseOfLinks(db, config)
      return { link: signInLink(base, await issueLinkCode(engine, wanted)), isAssumed }
    },
    close,
  }
  return app
}

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/

/** MUSTER_PUBLIC_URL, or where a server runs that can be reached from here, or where one would listen that is started like this. */
async function baseOfLinks(
  db: Database,
  config: Config,
): Promise<{ readonly base: string; readonly isAssumed: boolean }> {
  if (config.publicUrl !== undefined) return { base: config.publicUrl, isAssumed: false }
  const running = await listServerUrls(db, thisProcess())
  const reached = running.find(({ url, isHere }) => isHere || !LOOPBACK.test(new URL(url).hostname))
  if (reached !== undefined) return { base: reached.url, isAssumed: false }
  const { host, port } = config.listen
  return { base: localUrl(`http://${host.includes(':') ? `[${host}]` : host}:${port}`), isAssumed: true }
}

/** Where alerts go. */
function openSinks(config: Config, clock: Clock): readonly Sink[] {
  const { alertFrom, alertTo, alertWebhook, alertWebhookSecret, smtpUrl, httpsProxy, noProxy, caFile } = config
  const ca = caFile === undefined ? undefined : readFileSync(caFile, 'utf8')
  const sinks: Sink[] = []
  if (smtpUrl !== undefined && alertFrom !== undefined && alertTo !== undefined)
    sinks.push(createMailSink({ url: smtpUrl, from: alertFrom, to: alertTo, ca }))
  if (alertWebhook !== undefined) {
    const proxy = httpsProxy === undefined ? undefined : { httpsProxy: httpsProxy.reveal(), noProxy }
    const userAgent = `muster/${VERSION}`
    sinks.push(createWebhookSink({ url: alertWebhook, secret: alertWebhookSecret, clock, userAgent, proxy, ca }))
  }
  return sinks
}

/** Lines of a log that are read at once. */
const LOG_LINES = 1_000

const VERSION = readVersion()

function readVersion(): string {
  const text = readFileSync(join(import.meta.dirname, '../package.json'), 'utf8')
  return z.object({ version: z.string() }).parse(JSON.parse(text)).version
}

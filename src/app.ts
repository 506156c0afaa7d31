// Composition root: everything that can be done with an engine. The command line and the server know Muster through this file, and
// through `open-app.ts`, which builds the engine from the settings.
import { deliverAlerts } from './alerts/deliver.ts'
import { listUndelivered } from './alerts/outbox.ts'
import type { Clock } from './base/clock.ts'
import { InvariantError, RunError } from './base/errors.ts'
import type { Log } from './base/log.ts'
import { thisProcess } from './base/process.ts'
import type { Config } from './config.ts'
import { parseConfigFile } from './contract/config-file.ts'
import type { PlanItemLine } from './contract/plan-items.ts'
import type { RunDocument } from './contract/runs.ts'
import { warningsOfFile } from './contract/warnings.ts'
import type { Database } from './database/connect.ts'
import { withTransaction } from './database/transaction.ts'
import type { GraphClient } from './graph/client.ts'
import type { GraphAccess } from './http/parts.ts'
import { type Actor, recordAlone } from './registry/audit.ts'
import { configure } from './registry/configuration.ts'
import { type ConnectionSecrets, prepareConfiguration } from './registry/prepare-configuration.ts'
import type { Actions, PlanLine } from './http/actions.ts'
import { redirectUriOf } from './http/public-url.ts'
import { newestCertificate } from './registry/connection-credentials.ts'
import { listConnections } from './registry/connections.ts'
import { listKeptSettings, presentKeptSettings } from './registry/earlier-settings.ts'
import { writeExport } from './registry/export-stream.ts'
import { listHealth } from './registry/health.ts'
import { isCopy, takeOver } from './registry/installation.ts'
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
import { checkSaved } from './sync/check.ts'
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
import { createOidcSender } from './signin/oidc-transport.ts'
import { openKeyRing, openVault, type Vault } from './vault/keys.ts'
import { createClientWith, openOidc, openSinks, reachOf } from './reach.ts'
import { VERSION } from './version.ts'

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

/** What can be done with an engine. Keys can be rotated where its vault is given as a whole. */
export function createApp(
  opened: Engine,
  options: {
    readonly config: Config
    readonly close: () => Promise<void>
    readonly vault?: Vault
    /** In place of clients that go over the network. */
    readonly openGraphWith?: (access: GraphAccess) => GraphClient
  },
): App {
  const { config, close, openGraphWith = (access) => createClientWith(access, { ...engine, config }) } = options
  const engine = { ...opened, redirectUri: redirectUriOf(config.publicUrl) }
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
    check: (request) => checkSaved(engine, { redirectUri: engine.redirectUri, ...request }),
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

/** Lines of a log that are read at once. */
const LOG_LINES = 1_000

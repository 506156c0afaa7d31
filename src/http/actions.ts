// What Muster can do, as command line and routes call it. The composition root makes it.
import type { Writable } from 'node:stream'
import type { KeptSettingsView, SavedSettings } from '../contract/api/sources.ts'
import type { BackupProgress, BackupSummary, EncryptFor } from '../contract/backups.ts'
import type { ConfigurationChange } from '../contract/configuration.ts'
import type { Explanation } from '../contract/explanation.ts'
import type { SourceHealthLine, UndeliveredLine } from '../contract/health.ts'
import type { PlanItemLine } from '../contract/plan-items.ts'
import type { KeysReport, RotationDocument } from '../contract/keys.ts'
import type { RevertDocument, RevertPreview } from '../contract/reverts.ts'
import type { RunLine } from '../contract/run-list.ts'
import type { RunLogLine } from '../contract/run-log.ts'
import type { RunDocument } from '../contract/runs.ts'
import type { SettingsWarning } from '../contract/warnings.ts'
import type { Finding } from '../graph/finding.ts'
import type { Actor } from '../registry/audit.ts'
import type { ExportRequest } from '../registry/export-stream.ts'
import type { IssueQuery, OpenIssue } from '../registry/issues.ts'
import type { PlanItemQuery, writePlanItems } from '../registry/plan-export.ts'
import type { PlanItem } from '../registry/plans.ts'
import type { ConnectionSecrets } from '../registry/prepare-configuration.ts'
import type { retireKey, rotateKeys } from '../registry/rotate-keys.ts'
import type { RunQuery } from '../registry/runs.ts'
import type { approveRun, cancelRun, rejectRun } from '../sync/approve.ts'
import type { CheckRequest } from '../sync/check.ts'
import type { explainUser } from '../sync/explain.ts'
import type { previewSettings, SettingsPreview } from '../sync/preview.ts'
import type { revertRun } from '../sync/revert.ts'
import type { previewRevert } from '../sync/revert-preview.ts'
import type { runSource } from '../sync/run.ts'

/** One line of a plan as it is shown. */
export type PlanLine = Pick<PlanItem, 'object' | 'action' | 'objectId' | 'name' | 'old' | 'new' | 'rule' | 'reason'>

/** Everything that can be done. Methods throw the errors of `base/errors.ts`. */
export interface Actions {
  /** Names of the connections that exist, for checking a config file. */
  connectionNames(): Promise<ReadonlySet<string>>
  /**
   * Creates and changes connections and sources as a config file says, and tells what is to be known about its settings, by their
   * place in the file. @throws ConfigError with every mistake of it
   */
  configure(options: {
    /** The file, parsed as YAML or JSON and no further. */
    readonly document: unknown
    /** By connection: what the file names by `env` or `file`. */
    readonly secrets: ReadonlyMap<string, ConnectionSecrets>
    readonly prune: boolean
    readonly dryRun: boolean
    readonly actor: Actor
    readonly signal: AbortSignal
  }): Promise<{ readonly changes: readonly ConfigurationChange[]; readonly warnings: readonly SettingsWarning[] }>
  /** The settings of a source as they were saved, the newest first. @throws NotFoundError */
  listSourceSettings(query: { readonly source: string }): Promise<readonly SavedSettings[]>
  /** Settings of a source as they were once. @throws NotFoundError */
  getSourceSettings(query: { readonly source: string; readonly number: number }): Promise<KeptSettingsView>
  /**
   * Gives a source settings that it had once.
   *
   * @param request.seen when the settings that were seen had been changed last, ISO 8601
   * @returns what is to be known about them
   * @throws NotFoundError; ConfigError with every mistake: what was right once need not be any more; ConflictError `changed-meanwhile`,
   * `connection-of-sign-in`
   */
  restoreSourceSettings(request: {
    readonly source: string
    readonly number: number
    readonly seen?: string | undefined
    readonly actor: Actor
    /** Throws where a session was not proved of late; called only where people would sign in otherwise than before. */
    readonly checkProof?: (() => void) | undefined
    readonly signal: AbortSignal
  }): Promise<readonly SettingsWarning[]>
  /** What a source's next plan would be with other settings, from what was read before. Writes nothing. */
  preview(request: Parameters<typeof previewSettings>[1]): Promise<SettingsPreview>
  /** Also keeps what was learnt of the credentials. @throws NotFoundError */
  check(request: CheckRequest): Promise<readonly Finding[]>
  /** Writes the public part of the newest certificate of a connection, PEM, and leaves `destination` open. @throws NotFoundError */
  writeCertificate(request: {
    readonly connection: string
    readonly destination: Writable
    readonly signal: AbortSignal
  }): Promise<void>
  run(request: Parameters<typeof runSource>[1]): Promise<RunDocument>
  approve(request: Parameters<typeof approveRun>[1]): Promise<RunDocument>
  reject(request: Parameters<typeof rejectRun>[1]): Promise<void>
  cancel(request: Parameters<typeof cancelRun>[1]): Promise<void>
  revert(request: Parameters<typeof revertRun>[1]): Promise<RevertDocument>
  /** What a revert would do. Stores nothing, and keeps no run waiting. */
  previewRevert(request: Parameters<typeof previewRevert>[1]): Promise<RevertPreview>
  /** Why somebody is as he is. @throws NotFoundError */
  explain(request: Parameters<typeof explainUser>[1]): Promise<Explanation>
  /** The items of a run's plan, in its order, as long as `read` runs. */
  readPlan(run: number, read: (items: AsyncIterable<PlanLine>) => Promise<void>): Promise<void>
  /** One run and the document that it ended with; null while it runs. @throws NotFoundError */
  getRun(run: number): Promise<{ readonly line: RunLine; readonly document: RunDocument | null }>
  /** The first items of a run's plan that are asked for, and how many there are in all. */
  listPlanItems(
    query: PlanItemQuery & { readonly limit: number },
  ): Promise<{ readonly items: readonly PlanItemLine[]; readonly total: number }>
  /** Writes the items of a run's plan to `destination` and leaves it open. */
  writePlanItems(query: PlanItemQuery, options: Parameters<typeof writePlanItems>[2]): Promise<void>
  /** @throws NotFoundError for a source that there never was, and below for one that there is not */
  listRuns(query: RunQuery): Promise<readonly RunLine[]>
  /** Lines of a run's log above a number, and whether more may come. @throws NotFoundError */
  readLog(query: { readonly run: number; readonly after: number; readonly signal?: AbortSignal }): Promise<{
    readonly lines: readonly RunLogLine[]
    readonly isEnded: boolean
  }>
  /** How every source has been doing, by name. */
  listHealth(): Promise<readonly SourceHealthLine[]>
  /**
   * Raises what time has brought about, and delivers what waits: bounded in time, and never throws for a sink's sake.
   * To be called by whoever has run something; a server calls it again and again.
   */
  deliverAlerts(options: { readonly signal: AbortSignal }): Promise<void>
  /** Whether something was run through this, so that there may be alerts to deliver. */
  readonly hasRun: boolean
  /** Alerts that could not be delivered so far; those of sinks that are not configured any more too. */
  listUndelivered(): Promise<readonly UndeliveredLine[]>
  /** The versions of the key, and how much is under each. */
  listKeys(): Promise<KeysReport>
  /** Takes a new version of the key into use and seals everything anew. Where the key file lies. */
  rotateKeys(options: Parameters<typeof rotateKeys>[1]): Promise<RotationDocument>
  /** Takes an older version out of use and out of the file. Where the key file lies. */
  retireKey(options: Parameters<typeof retireKey>[1]): Promise<void>
  listIssues(query: IssueQuery): Promise<readonly OpenIssue[]>
  /** How many there are in all. */
  countIssues(query: Pick<IssueQuery, 'source'>): Promise<number>
  /**
   * Writes to `destination` and leaves it open. Who reads it is audited before the first byte.
   *
   * @param options.actor left out where that was done already
   */
  export(
    request: ExportRequest,
    options: { readonly destination: Writable; readonly actor?: Actor; readonly signal: AbortSignal },
  ): Promise<void>
  /** Whether this database was restored or copied from another place: nothing is applied and nobody alerted until somebody takes over. */
  isCopy(): Promise<boolean>
  /** The original is gone, and this is the installation now. @returns false when it was no copy */
  takeOver(options: { readonly actor: Actor }): Promise<boolean>
  /** Writes a backup of everything to `destination` and leaves it open. Who asked for it is audited first, so that it stands in it. */
  backup(options: {
    readonly actor: Actor
    readonly destination: Writable
    readonly encryptFor?: EncryptFor | undefined
    readonly signal: AbortSignal
    readonly onProgress?: ((progress: BackupProgress) => void) | undefined
  }): Promise<BackupSummary>
}

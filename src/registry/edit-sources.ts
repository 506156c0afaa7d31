// Sources changed one at a time, as forms do it: each change audited in the transaction that makes it.
import { ConfigError, type ConfigProblem } from '../base/errors.ts'
import type { SourceSettings } from '../contract/sources.ts'
import type { Database, Queries } from '../database/connect.ts'
import { withTransaction } from '../database/transaction.ts'
import { recordAudit } from './audit.ts'
import { auditOf, lockConfiguration } from './configuration.ts'
import { listConnections } from './connections.ts'
import { detachSource } from './detach.ts'
import type { Editing } from './edit-connections.ts'
import { changedMeanwhile } from './meanwhile.ts'
import { putSource } from './put-source.ts'
import { scheduleProblems } from './schedules.ts'
import { listSources, requireSource, whenChanged } from './sources.ts'

type SourceEditing = Omit<Editing, 'vault'> & {
  readonly vault: Pick<Editing['vault'], 'lookup'>
  /** Throws where a session was not proved of late; called only where people would sign in otherwise than before. */
  readonly checkProof?: (() => void) | undefined
}

/**
 * What the schema of settings cannot know: schedules, time zone, and whether the connection exists.
 *
 * @throws ConfigError with every mistake
 */
export async function checkSourceSettings(db: Queries, settings: SourceSettings): Promise<void> {
  const problems = await problemsOf(db, settings)
  if (problems.length > 0) throw new ConfigError(problems)
}

/** @throws ConfigError with every mistake; a name that is taken is one; ConflictError `connection-of-sign-in` */
export async function createSource(
  db: Database,
  options: SourceEditing & { readonly name: string; readonly settings: SourceSettings },
): Promise<void> {
  const { name, settings, actor, checkProof } = options
  await withTransaction(db, async (tx) => {
    await lockConfiguration(tx)
    await requireGood(tx, { name, settings, before: undefined })
    const change = await putSource(tx, { name, settings, current: undefined, dryRun: false, actor, checkProof })
    await recordAudit(tx, options, auditOf(change, actor))
  })
}

/**
 * Gives a source other settings, and another name where `newName` is one. Writing the same again writes nothing.
 *
 * @throws NotFoundError; ConfigError with every mistake; ConflictError `changed-meanwhile`, `connection-of-sign-in`
 */
export async function changeSource(
  db: Database,
  options: SourceEditing & {
    readonly name: string
    readonly newName: string
    readonly settings: SourceSettings
    /** When the settings that were seen had been changed last, ISO 8601. */
    readonly seen?: string | undefined
    /** The number of the kept settings that these are, where somebody goes back to them. */
    readonly restored?: number | undefined
  },
): Promise<void> {
  const { name, newName, settings, actor, seen, restored, checkProof } = options
  await withTransaction(db, async (tx) => {
    await lockConfiguration(tx)
    const current = await requireSource(tx, name)
    await requireUnchanged(tx, { name, seen })
    await requireGood(tx, { name: newName, settings, before: name })
    const change = await putSource(tx, { name: newName, settings, current, dryRun: false, actor, checkProof })
    const audited = auditOf(change, actor)
    const details = restored === undefined ? audited.details : { ...audited.details, restored }
    if (change.action !== 'unchanged') await recordAudit(tx, options, { ...audited, subject: subject(name), details })
  })
}

/**
 * Removes a source; its people, groups and memberships stay as they are.
 *
 * @throws NotFoundError
 */
export async function removeSource(db: Database, options: SourceEditing & { readonly name: string }): Promise<void> {
  const { name, actor } = options
  await withTransaction(db, async (tx) => {
    await lockConfiguration(tx)
    const { id } = await requireSource(tx, name)
    await detachSource(tx, id)
    const change = { kind: 'source', name, action: 'remove', changes: [], replans: false } as const
    await recordAudit(tx, options, auditOf(change, actor))
  })
}

async function requireUnchanged(
  tx: Queries,
  { name, seen }: { readonly name: string; readonly seen: string | undefined },
): Promise<void> {
  if (seen === undefined) return
  const { updatedAt } = await whenChanged(tx, name)
  if (updatedAt.getTime() === new Date(seen).getTime()) return
  throw changedMeanwhile(`the source ${JSON.stringify(name)}`)
}

async function requireGood(
  tx: Queries,
  wanted: { readonly name: string; readonly settings: SourceSettings; readonly before: string | undefined },
): Promise<void> {
  const { name, settings, before } = wanted
  const problems: ConfigProblem[] = []
  if (name !== before && (await listSources(tx)).some((source) => source.name === name))
    problems.push({ at: 'name', message: `there is a source ${JSON.stringify(name)} already` })
  problems.push(...(await problemsOf(tx, settings)))
  if (problems.length > 0) throw new ConfigError(problems)
}

async function problemsOf(db: Queries, settings: SourceSettings): Promise<ConfigProblem[]> {
  const problems = scheduleProblems(settings)
  if (!(await listConnections(db)).some((connection) => connection.name === settings.connection))
    problems.unshift({ at: 'connection', message: `there is no connection ${JSON.stringify(settings.connection)}` })
  return problems
}

function subject(name: string): string {
  return `source ${name}`
}

// What every command is given: where it writes, how it was asked to, and the application on demand.
import type { App } from '../app.ts'
import { type Clock, systemClock } from '../base/clock.ts'
import { createLog, type Log } from '../base/log.ts'
import { type Config, environment, loadConfig, type Overrides } from '../config.ts'
import { SETTINGS } from '../settings.ts'
import { presentError } from './failure.ts'
import { type RemoteOptions, requireServer, trustAuthorities } from './remote.ts'
import type { Io } from './io.ts'
import { createTerminalLog } from './terminal-log.ts'

export interface Session {
  readonly io: Io
  readonly json: boolean
  readonly verbose: boolean
  /** Aborts with CancelledError at the first Ctrl-C. */
  readonly signal: AbortSignal
  readonly overrides: Overrides
  /** A server to do the work instead of this process. */
  readonly remote: RemoteOptions
  readonly clock: Clock
}

/** A command's work; its result is the exit code. */
export type Work = (session: Session) => Promise<number>

/** What a command hands its work to; `options` are all flags, those of every command included. */
export type Runner = (work: Work, options: Readonly<Record<string, unknown>>) => Promise<void>

/**
 * Reads the settings. Where nothing is said about it the log's level is `warn`, with --verbose `debug`: a person at a
 * terminal is told by the command itself what happens.
 */
export function readConfig(
  session: Session,
  more: { readonly defaults?: Readonly<Record<string, string>>; readonly without?: readonly string[] } = {},
): Config {
  const env: Record<string, string | undefined> = { MUSTER_LOG_LEVEL: 'warn', ...more.defaults, ...environment() }
  for (const name of more.without ?? []) delete env[name]
  const level = session.verbose ? { logLevel: 'debug' } : {}
  return loadConfig(env, { ...level, ...session.overrides })
}

/** Opens a server, where one is named; else database, vault and everything else for `work`, and closes them whatever happens. */
export async function withApp(
  session: Session,
  work: (app: App) => Promise<number>,
  options: {
    readonly defaults?: Readonly<Record<string, string>>
    readonly connections?: number
    /** What is logged is read by a program, also where it goes to a terminal: a container may have one. */
    readonly isService?: boolean
    /** A person at a terminal is told what the run is doing, beside the bar. */
    readonly tellsRun?: boolean
  } = {},
): Promise<number> {
  const { remote } = session
  if (remote.url !== undefined) {
    const { createRemoteApp } = await import('./remote-app.ts')
    const { caFile } = readConfig(session)
    if (caFile !== undefined) await trustAuthorities(caFile)
    return work(createRemoteApp(await requireServer(remote), session))
  }
  const isTold = options.tellsRun === true && isForPeople(session)
  const config = readConfig(session, isTold ? { defaults: { MUSTER_LOG_LEVEL: 'info' } } : options)
  // Loaded when needed: usage errors and help would pay half a second of processor time for it.
  const { openApp } = await import('../open-app.ts')
  const log = sessionLog(session, config, options)
  const app = await openApp(config, { clock: session.clock, log, connections: options.connections })
  try {
    const code = await work(app)
    if (app.hasRun) await deliverAlerts(session, { app, log })
    return code
  } finally {
    await app.close()
  }
}

/** How long a command that has done its work goes on for alerts' sake; what is left the next one delivers. */
const DELIVERY_MS = 15_000

/** What a run came to is told already; whatever becomes of its alerts changes nothing about it. */
async function deliverAlerts(session: Session, { app, log }: { app: App; log: Log }): Promise<void> {
  if (session.signal.aborted) return
  try {
    await app.deliverAlerts({ signal: AbortSignal.any([session.signal, AbortSignal.timeout(DELIVERY_MS)]) })
  } catch (error) {
    log.warn('alerts could not be delivered', { code: presentError(error).error.code })
  }
}

/** Sentences where a person reads them as they come, else JSON lines. */
export function sessionLog(
  session: Session,
  config: Config,
  { isService = false }: { readonly isService?: boolean } = {},
): Log {
  const { stderr } = session.io
  if (!isService && isForPeople(session)) return createTerminalLog(stderr, { level: config.logLevel })
  return createLog({ level: config.logLevel, stream: stderr })
}

function isForPeople({ io, json }: Session): boolean {
  return io.stderr.isTTY === true && !json
}

/** The values of flags that stand for settings, from what commander parsed. */
export function overridesFrom(options: Readonly<Record<string, unknown>>): Overrides {
  const overrides: Record<string, string> = {}
  for (const { key } of SETTINGS) {
    const value = options[key]
    if (typeof value === 'string') overrides[key] = value
  }
  return overrides
}

/** The clock of this process. */
export const sessionClock: Clock = systemClock

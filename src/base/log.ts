// Structured log with an allow-list of fields, so that no token, card, PIN, name or mail address can slip into it.
import { pino } from 'pino'

/** Fields that may be logged. Ids yes; names, addresses, cards, PINs and tokens never. */
export interface LogFields {
  readonly runId?: string | undefined
  readonly source?: string | undefined
  readonly tenantId?: string | undefined
  readonly objectId?: string | undefined
  readonly requestId?: string | undefined
  readonly path?: string | undefined
  readonly status?: number | undefined
  readonly code?: string | undefined
  readonly outcome?: string | undefined
  readonly count?: number | undefined
  readonly ms?: number | undefined
  readonly attempt?: number | undefined
  readonly phase?: string | undefined
  readonly port?: number | undefined
  readonly pid?: number | undefined
}

/** One of the four seams at which tests put a fake. */
export interface Log {
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
  debug(message: string, fields?: LogFields): void
}

const ALLOWED: ReadonlySet<string> = new Set([
  'runId',
  'source',
  'tenantId',
  'objectId',
  'requestId',
  'path',
  'status',
  'code',
  'outcome',
  'count',
  'ms',
  'attempt',
  'phase',
  'port',
  'pid',
])

/** JSON lines on `stream` (stderr by default; stdout belongs to what a command prints). */
export function createLog(options: { level: string; stream?: { write(line: string): void } }): Log {
  const out = pino({ level: options.level, base: null }, options.stream ?? pino.destination({ fd: 2, sync: true }))
  return {
    info: (message, fields) => out.info(pick(fields), message),
    warn: (message, fields) => out.warn(pick(fields), message),
    error: (message, fields) => out.error(pick(fields), message),
    debug: (message, fields) => out.debug(pick(fields), message),
  }
}

/** Discards everything. */
export const silentLog: Log = { info() {}, warn() {}, error() {}, debug() {} }

function pick(fields: LogFields | undefined): Record<string, unknown> {
  const kept: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(fields ?? {}))
    if (ALLOWED.has(key) && value !== undefined) kept[key] = value
  return kept
}

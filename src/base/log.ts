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
  /** One of Muster's own words: a rule, what is counted. Never a value. */
  readonly what?: string | undefined
  readonly limit?: number | undefined
  readonly port?: number | undefined
  readonly pid?: number | undefined
  /** Places in the code, without the error's message. */
  readonly stack?: string | undefined
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
  'what',
  'limit',
  'port',
  'pid',
  'stack',
])

/** JSON lines on `stream` (stderr by default; stdout belongs to what a command prints). */
export function createLog(options: { level: string; stream?: { write(line: string): void } }): Log {
  const out = pino({ level: options.level, base: null }, options.stream ?? pino.destination({ fd: 2, sync: true }))
  return {
    info: (message, fields) => out.info(allowedFields(fields), message),
    warn: (message, fields) => out.warn(allowedFields(fields), message),
    error: (message, fields) => out.error(allowedFields(fields), message),
    debug: (message, fields) => out.debug(allowedFields(fields), message),
  }
}

/** Discards everything. */
export const silentLog: Log = { info() {}, warn() {}, error() {}, debug() {} }

/** Those of the given fields that may be logged. */
export function allowedFields(fields: LogFields | undefined): Record<string, string | number> {
  const kept: Record<string, string | number> = {}
  for (const [key, value] of Object.entries<string | number | undefined>({ ...fields }))
    if (ALLOWED.has(key) && value !== undefined) kept[key] = value
  return kept
}

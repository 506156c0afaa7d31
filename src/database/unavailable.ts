// Tells a database that went away from a statement that was wrong.
import { RunError } from '../base/errors.ts'

/** SQLSTATE of a PostgreSQL error, or the errno of a socket's; empty for anything else. */
export function sqlState(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}

/** Class 08 are connection errors; 57P01-57P05 a server that shuts down, crashes, starts or closes idle sessions. */
const GONE = new Set(['57P01', '57P02', '57P03', '57P05', '53300', 'EPIPE', 'ENOENT', 'ENOTFOUND', 'EAI_AGAIN'])
const GONE_PREFIX = /^(08|ECONN|ENET|EHOST|ETIMEDOUT)/
/** pg says these without a code. */
const GONE_MESSAGE =
  /^(Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error|Client was closed|Client has already been connected)/

/** True when the database could not be reached, or went away during the statement. */
export function isUnavailable(error: unknown): boolean {
  if (!(error instanceof Error) || error instanceof RunError) return false
  const state = sqlState(error)
  return GONE.has(state) || GONE_PREFIX.test(state) || GONE_MESSAGE.test(error.message)
}

/** 53100: the disk is full; 53400: only what this session may use of it is, as temp_file_limit says. */
const NO_ROOM = new Set(['53100', '53400', 'ENOSPC', 'EDQUOT'])

/** The error as folders above know it: `database-unavailable` when the server is gone, `disk-full`, else the error itself. */
export function translate(error: unknown): unknown {
  if (error instanceof Error && NO_ROOM.has(sqlState(error)))
    return new RunError(
      'disk-full',
      `The database has no room left: ${error.message}; nothing was half-written. Make room on its disk or enlarge it; no restart is needed`,
      { cause: error },
    )
  if (!isUnavailable(error)) return error
  return new RunError(
    'database-unavailable',
    `Cannot reach the database: ${error instanceof Error ? error.message : String(error)}; nothing was half-written, try again`,
    { cause: error },
  )
}

/** Awaits `work` and lets errors out translated. */
export async function translated<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw translate(error)
  }
}

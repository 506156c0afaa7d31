// Errors as problem documents (RFC 9457). What is not known by its class is a mistake of ours: 500, nothing about it outward.
import { STATUS_CODES } from 'node:http'
import { BusyError, CancelledError, ConfigError, ConflictError, NotFoundError, RunError } from '../base/errors.ts'
import type { Problem } from '../contract/api/endpoint.ts'
import { GraphError } from '../graph/errors.ts'
import { HasherBusyError, SignInError, SlowDownError } from '../signin/errors.ts'

/** A request that is refused before any route is asked, or by a rule of HTTP. */
export class HttpError extends Error {
  readonly status: number
  readonly code: string
  readonly headers: Readonly<Record<string, string>>

  constructor(status: number, code: string, options: { message: string; headers?: Readonly<Record<string, string>> }) {
    super(options.message)
    this.name = 'HttpError'
    this.status = status
    this.code = code
    this.headers = options.headers ?? {}
  }
}

/** @param seconds whole ones, after which he may ask again */
export function tooManyRequests(seconds: number): HttpError {
  return new HttpError(429, 'too-many-requests', {
    message: `More was asked than one caller may; ask again in ${seconds} s, and more slowly`,
    headers: { 'retry-after': String(seconds) },
  })
}

/** What an address that there is not is answered with. */
export function nothingAt({ method, url }: { readonly method: string; readonly url: string }): HttpError {
  return new HttpError(404, 'not-found', { message: `There is nothing at ${method} ${url.split('?')[0] ?? ''}` })
}

/** A problem and how it is sent. */
export interface ProblemAnswer {
  readonly problem: Problem
  readonly headers: Readonly<Record<string, string>>
  /** Whether somebody should look at the server's log for it. */
  readonly isOurs: boolean
}

/** Codes of RunError that tell of the database or of this server, not of Microsoft. */
const UNAVAILABLE = new Set(['database-unavailable', 'disk-full', 'fence-lost'])
const OURS = new Set(['commit-unknown', 'vault-unreadable', 'schema-newer', 'schema-older', 'schema-altered'])

/** @param requestId names the request in the server's log */
export function presentProblem(error: unknown, requestId: string): ProblemAnswer {
  const { status, code, more, headers = {} } = describe(error)
  const isOurs = status >= 500 && (code === 'internal' || OURS.has(code))
  const detail =
    code === 'internal'
      ? 'Something went wrong in Muster. It is in the log of the server under the id of this request.'
      : messageOf(error)
  return {
    problem: {
      type: `urn:muster:problem:${code}`,
      title: STATUS_CODES[status] ?? 'Error',
      status,
      code,
      detail,
      ...more,
      requestId,
    },
    headers,
    isOurs,
  }
}

/** Refusals of somebody who has a session, which does not end by them. */
const SIGNED_IN: ReadonlySet<string> = new Set(['password-wrong', 'code-wrong'])

interface Described {
  readonly status: number
  readonly code: string
  readonly more?: Partial<Pick<Problem, 'problems' | 'microsoftRequestId'>>
  readonly headers?: Readonly<Record<string, string>>
}

function describe(error: unknown): Described {
  if (error instanceof HttpError) return { status: error.status, code: error.code, headers: error.headers }
  if (error instanceof ConfigError) return { status: 400, code: error.code, more: { problems: [...error.problems] } }
  if (error instanceof NotFoundError) return { status: 404, code: error.code }
  if (error instanceof ConflictError || error instanceof BusyError) return { status: 409, code: error.code }
  if (error instanceof CancelledError) return { status: 503, code: error.code }
  if (error instanceof SignInError) return { status: SIGNED_IN.has(error.code) ? 403 : 401, code: error.code }
  if (error instanceof SlowDownError || error instanceof HasherBusyError) {
    const status = error instanceof SlowDownError ? 429 : 503
    return { status, code: error.code, headers: { 'retry-after': String(error.retryAfterSeconds) } }
  }
  if (error instanceof RunError) return describeRunError(error)
  return describeFastify(error) ?? { status: 500, code: 'internal' }
}

function describeRunError(error: RunError): Described {
  if (UNAVAILABLE.has(error.code)) return { status: 503, code: error.code, headers: { 'retry-after': '5' } }
  if (OURS.has(error.code)) return { status: 500, code: error.code }
  const more = error.requestId === undefined ? {} : { microsoftRequestId: error.requestId }
  const isLater = error instanceof GraphError && error.retry === 'later'
  return { status: isLater ? 503 : 502, code: error.code, more }
}

/** Fastify's own refusals, of bodies mostly, have a status below 500 and a fixed text. */
function describeFastify(error: unknown): Described | undefined {
  if (!(error instanceof Error) || !('statusCode' in error) || !('code' in error)) return undefined
  const { statusCode, code } = error
  if (typeof statusCode !== 'number' || statusCode < 400 || statusCode > 499 || typeof code !== 'string')
    return undefined
  return {
    status: statusCode,
    code: code
      .replace(/^FST_(ERR_)?/, '')
      .replaceAll('_', '-')
      .toLowerCase(),
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

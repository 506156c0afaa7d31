// What can go wrong with Microsoft Graph and its token service, by what the receiver can do about it.
import { RunError } from '../base/errors.ts'

/**
 * Stable reasons. `forbidden`: an application permission lacks. `bad-request`: Graph refuses the query as such.
 * `bad-upstream`: the answer was not what Graph sends (HTML, truncated, too large, no `value`). `no-answer`: nothing
 * answered for the silence limit. `throttled-too-long`: Graph asks for a pause that a run does not wait out.
 */
export type GraphErrorCode =
  | 'auth-failed'
  | 'bad-request'
  | 'bad-upstream'
  | 'forbidden'
  | 'gone'
  | 'hostile-link'
  | 'no-answer'
  | 'not-found'
  | 'paging-loop'
  | 'throttled'
  | 'throttled-too-long'
  | 'timeout'
  | 'unreachable'

export interface GraphErrorDetails {
  /** HTTP status of the last answer; 0 when there was none. */
  readonly status?: number
  /** `error.code` of the last answer. Its message is dropped: it may carry names. */
  readonly graphCode?: string | undefined
  readonly requestId?: string | undefined
  /** Path below the Graph root, without query. */
  readonly path?: string
  /** The attribute that Graph does not know, where it said which one of those that were asked for. */
  readonly unknownAttribute?: string | undefined
  readonly retry: 'never' | 'later'
  readonly retryAfterMs?: number
  readonly cause?: unknown
}

/** Graph could not be read. `retry: 'later'` says that the same run may succeed unchanged at another time. */
export class GraphError extends RunError {
  override readonly code: GraphErrorCode
  readonly status: number
  readonly graphCode: string | undefined
  readonly path: string
  readonly unknownAttribute: string | undefined
  readonly retry: 'never' | 'later'
  readonly retryAfterMs: number | undefined

  constructor(code: GraphErrorCode, message: string, details: GraphErrorDetails) {
    super(code, message, { requestId: details.requestId, cause: details.cause })
    this.name = 'GraphError'
    this.code = code
    this.status = details.status ?? 0
    this.graphCode = details.graphCode
    this.path = details.path ?? ''
    this.unknownAttribute = details.unknownAttribute
    this.retry = details.retry
    this.retryAfterMs = details.retryAfterMs
  }
}

export interface TokenErrorDetails {
  /** Number of the AADSTS code, e.g. 7000215; undefined when the token service gave none. */
  readonly aadsts?: number | undefined
  /** What an administrator does about it, in plain words. */
  readonly remedy: string
  /** An administrator of the tenant has to consent to the application. */
  readonly needsConsent?: boolean
  readonly retry: 'never' | 'later'
  /** Trace id of the token service. */
  readonly requestId?: string | undefined
  readonly retryAfterMs?: number
  readonly cause?: unknown
}

/** No access token could be had. Message and remedy are plain language; nothing of the credential is in them. */
export class TokenError extends RunError {
  readonly aadsts: number | undefined
  readonly remedy: string
  readonly needsConsent: boolean
  readonly retry: 'never' | 'later'
  readonly retryAfterMs: number | undefined

  constructor(code: 'auth-failed' | 'unreachable', message: string, details: TokenErrorDetails) {
    super(code, message, { requestId: details.requestId, cause: details.cause })
    this.name = 'TokenError'
    this.aadsts = details.aadsts
    this.remedy = details.remedy
    this.needsConsent = details.needsConsent ?? false
    this.retry = details.retry
    this.retryAfterMs = details.retryAfterMs
  }

  /** The message without the remedy that it ends with, for whoever shows the remedy in a place of its own. */
  get reason(): string {
    return this.message.replace(` ${this.remedy}`, '')
  }
}

/** This credential does not work; another one of the same application may. */
export class CredentialRefused extends TokenError {}

/** An answer that cannot be Graph's: retried by the one place that sends, never taken for "empty" or "absent". */
export class BadAnswer extends Error {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.name = 'BadAnswer'
  }
}

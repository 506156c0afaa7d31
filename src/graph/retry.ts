// Asks Graph one question until it is answered: tokens, limits, retries and the verdict on each answer.
import { randomUUID } from 'node:crypto'
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import { backoffMs, clampRetryAfter, parseRetryAfter, pauseText } from './backoff.ts'
import { BadAnswer, GraphError, type GraphErrorCode } from './errors.ts'
import { codeOfBody, unknownPropertyOfBody } from './graphcode.ts'
import type { Limiter } from './limiter.ts'
import type { Limits } from './limits.ts'
import { type GraphRoot, pathOfLink } from './links.ts'
import { type Sender, TransportError, type WireAnswer } from './request.ts'
import { skewOf, type TokenSource } from './token.ts'
import type { UsageCounters } from './usage.ts'

export interface Question<T> {
  /** Absolute URL below the configured root: built by {@link Requester.url}, or a link of Graph, verbatim. */
  readonly url: string
  readonly method?: 'GET' | 'POST'
  /** JSON text. Only for requests that change nothing ($batch of GETs): they are repeated like any other. */
  readonly body?: string
  /** Sent with every try. Links do not carry them. */
  readonly headers?: Readonly<Record<string, string>>
  /** Resource units that the request is expected to cost. */
  readonly cost: number
  readonly accept: 'application/json' | 'text/plain'
  readonly signal: AbortSignal
  /** Reads a successful body; a thrown {@link BadAnswer} makes the request be tried again. */
  read(body: Buffer): T
}

export interface Answer<T> {
  readonly value: T
  /** 1 when the first try was answered. Links in the answer to a retried request may be invalid (graph paging page). */
  readonly tries: number
}

/** What everything that reads a tenant shares. */
export interface Requester {
  /** @throws GraphError, TokenError, or the signal's reason at once when it aborts */
  ask<T>(question: Question<T>): Promise<Answer<T>>
  /** Absolute URL of a path below the version, e.g. `users?$top=999`. */
  url(path: string): string
  readonly root: GraphRoot
  readonly limits: Limits
  readonly limiter: Limiter
  readonly tokens: TokenSource
  readonly usage: UsageCounters
  readonly clock: Clock
  readonly random: () => number
  readonly log: Log
  /** Milliseconds that Graph's clock was ahead of this machine's at the last answer. */
  readonly clockSkewMs: number | undefined
}

export interface RequesterOptions {
  readonly root: GraphRoot
  readonly limits: Limits
  readonly limiter: Limiter
  readonly tokens: TokenSource
  readonly sender: Sender
  readonly usage: UsageCounters
  readonly clock: Clock
  readonly random: () => number
  readonly log: Log
  readonly userAgent: string
}

/** Why a try failed and may be repeated. */
interface Setback {
  readonly code: GraphErrorCode
  readonly reason: string
  readonly status: number
  readonly graphCode: string | undefined
  readonly requestId: string | undefined
  /** `paused`: all requests wait already. */
  readonly wait: 'backoff' | 'paused'
  readonly cause?: unknown
}

/**
 * Retries 401 (with a new token), 429, 500, 502, 503, 504, 507, lost connections, time-outs and answers that are not
 * Graph's; never 400, 403, 404 with a Graph error in them.
 *
 * @see https://learn.microsoft.com/graph/throttling and /graph/errors
 */
export function createRequester(options: RequesterOptions): Requester {
  const { clock, limits, limiter, log, root, sender, tokens, usage } = options
  let clockSkewMs: number | undefined
  let asking = 0
  let aliveAtMs = 0
  let pausedAtAliveMs = 0

  function alive(): void {
    aliveAtMs = clock.monotonicMs()
    pausedAtAliveMs = limiter.pausedTotalMs()
  }

  const silentMs = () => clock.monotonicMs() - aliveAtMs - (limiter.pausedTotalMs() - pausedAtAliveMs)

  /** A slot, and a token fetched after every wait, so that neither is stale when the request goes out. */
  async function readyToSend(cost: number, signal: AbortSignal): Promise<string> {
    for (;;) {
      await limiter.acquire(cost, signal)
      try {
        const token = await tokens.get(signal)
        if (limiter.remainingPauseMs() === 0) return token
      } catch (error) {
        limiter.release('failed')
        throw error
      }
      // a pause began while the token was fetched
      limiter.release('failed')
    }
  }

  async function tryOnce<T>(question: Question<T>, path: string, lastSetback: Setback | undefined): Promise<Tried<T>> {
    const token = await readyToSend(question.cost, question.signal)
    let outcome: 'answered' | 'failed' = 'failed'
    try {
      usage.requests++
      const answer = await sender.send({
        method: question.method ?? 'GET',
        origin: root.origin,
        path,
        headers: {
          authorization: `Bearer ${token}`,
          accept: question.accept,
          'user-agent': options.userAgent,
          'client-request-id': randomUUID(),
          'x-ms-throttle-priority': 'Low',
          ...(question.body === undefined ? {} : { 'content-type': 'application/json' }),
          ...question.headers,
        },
        ...(question.body === undefined ? {} : { body: question.body }),
        signal: question.signal,
        // Microsoft's advice for 503: come back on a new connection, to meet another server
        lastOnConnection: lastSetback?.status === 503,
      })
      usage.bytes += answer.receivedBytes
      clockSkewMs = skewOf(answer, clock) ?? clockSkewMs
      const tried = judge(question, answer)
      if (tried.kind === 'answered') outcome = 'answered'
      if (tried.kind === 'unauthorized') tokens.reject(token)
      return tried
    } catch (error) {
      return { kind: 'setback', setback: setbackOf(error) }
    } finally {
      limiter.release(outcome)
    }
  }

  function judge<T>(question: Question<T>, answer: WireAnswer): Tried<T> {
    limiter.nearLimit(Number(answer.header('x-ms-throttle-limit-percentage') ?? 0))
    const { status } = answer
    if (status >= 200 && status < 300) {
      if (!isExpectedType(answer.header('content-type'), question.accept))
        throw new BadAnswer(`the answer is not ${question.accept}`)
      const value = question.read(answer.body)
      // a $batch is charged for what is inside: batch.ts counts it
      if (question.method !== 'POST') usage.resourceUnits += unitsOf(answer) ?? question.cost
      return { kind: 'answered', value }
    }
    if (question.method !== 'POST') usage.resourceUnits += unitsOf(answer) ?? 0
    const graphCode = codeOfBody(answer.body)
    const requestId = answer.header('request-id') ?? answer.header('client-request-id')
    if (status === 401) return { kind: 'unauthorized', graphCode, requestId }
    if (status === 429) usage.throttled++
    if (status === 429 || (status >= 500 && status !== 501)) return { kind: 'setback', setback: toSetback(answer) }
    if (status >= 300 && status < 400)
      throw new Refused('bad-upstream', `Graph answered with a redirect (${status}), which is never followed`, {
        status,
        requestId,
      })
    // a reset of delta state needs no body to be one
    if (graphCode === undefined && status !== 410) throw new BadAnswer(`Graph answered ${status} without a Graph error`)
    const unknown = status === 400 ? unknownPropertyOfBody(answer.body, question.url) : undefined
    throw new Refused(
      codeOfStatus(status),
      `Graph answered ${status}${graphCode === undefined ? '' : ` ${graphCode}`}${unknown === undefined ? '' : `; it does not know the attribute ${unknown}`}`,
      { status, graphCode, requestId, unknownAttribute: unknown },
    )
  }

  function toSetback(answer: WireAnswer): Setback {
    const { status } = answer
    const times = { date: answer.header('date'), nowMs: clock.now().getTime() }
    const wanted = parseRetryAfter(answer.header('retry-after'), times)
    const graphCode = codeOfBody(answer.body)
    const requestId = answer.header('request-id')
    const found = { status, graphCode, requestId, reason: `Graph answered ${status}` }
    const code = status === 429 ? 'throttled' : 'bad-upstream'
    const clamped = wanted === undefined ? undefined : clampRetryAfter(wanted, limits)
    if (clamped === 'tooLong' && wanted !== undefined)
      throw new Refused('throttled-too-long', `Graph asks for a pause of ${pauseText(wanted, times.nowMs)}`, {
        status,
        graphCode,
        requestId,
        retryAfterMs: wanted,
      })
    if (typeof clamped === 'number') {
      limiter.pauseFor(clamped)
      log.info('Graph asks for a pause', { status, ms: clamped })
    }
    if (status === 429) limiter.throttled()
    return { ...found, code, wait: clamped === undefined ? 'backoff' : 'paused' }
  }

  return {
    async ask<T>(question: Question<T>): Promise<Answer<T>> {
      const path = pathOfLink(root, question.url)
      const shown = shownPath(root, path)
      let unauthorized = 0
      let setback: Setback | undefined
      if (asking++ === 0) alive()
      try {
        for (let attempt = 1; ; attempt++) {
          question.signal.throwIfAborted()
          if (attempt > 1) usage.retries++
          const tried = await tryOnce(question, path, setback).catch((error: unknown) => {
            throw error instanceof Refused ? error.toGraphError(shown) : error
          })
          if (tried.kind === 'answered') {
            alive()
            return { value: tried.value, tries: attempt }
          }
          if (tried.kind === 'unauthorized') {
            unauthorized++
            setback = unauthorizedSetback(tried)
            if (unauthorized >= limits.maxUnauthorized) throw failure(setback, shown, 'never')
          } else {
            unauthorized = 0
            setback = tried.setback
          }
          if (attempt >= limits.maxTries) throw failure(setback, shown, 'later')
          if (silentMs() >= limits.silenceMs) throw silence(setback, shown)
          log.debug('request is tried again', { path: shown, attempt, status: setback.status, code: setback.code })
          // the first 401 is most likely an expired token: a new one helps at once
          if (unauthorized !== 1 && setback.wait === 'backoff')
            await clock.sleep(backoffMs(attempt, limits, options.random), question.signal)
        }
      } catch (error) {
        if (error instanceof GraphError && error.status !== 0 && error.retry === 'never') alive()
        throw error
      } finally {
        asking--
      }
    },
    url: (path) => `${root.versionUrl}${path}`,
    root,
    limits,
    limiter,
    tokens,
    usage,
    clock,
    random: options.random,
    log,
    get clockSkewMs() {
      return clockSkewMs
    },
  }

  function silence(setback: Setback, path: string): GraphError {
    const seconds = Math.round(limits.silenceMs / 1000)
    return new GraphError('no-answer', `No successful answer from Graph for ${seconds} s: ${setback.reason}`, {
      ...setback,
      path,
      retry: 'later',
    })
  }
}

type Tried<T> =
  | { readonly kind: 'answered'; readonly value: T }
  | { readonly kind: 'unauthorized'; readonly graphCode: string | undefined; readonly requestId: string | undefined }
  | { readonly kind: 'setback'; readonly setback: Setback }

/** An answer that ends the request at once; told with its path by the caller. */
class Refused extends Error {
  readonly code: GraphErrorCode
  readonly details: {
    status: number
    graphCode?: string | undefined
    requestId?: string | undefined
    unknownAttribute?: string | undefined
    retryAfterMs?: number
  }

  constructor(code: GraphErrorCode, message: string, details: Refused['details']) {
    super(message)
    this.code = code
    this.details = details
  }

  toGraphError(path: string): GraphError {
    const retry = this.code === 'throttled-too-long' ? 'later' : 'never'
    return new GraphError(this.code, `Cannot read ${path}: ${this.message}`, { ...this.details, path, retry })
  }
}

function setbackOf(error: unknown): Setback {
  const none = { status: 0, graphCode: undefined, requestId: undefined, wait: 'backoff' as const, cause: error }
  if (error instanceof BadAnswer) return { ...none, code: 'bad-upstream', reason: error.message }
  if (error instanceof TransportError) {
    if (error.lasting) throw new Refused('unreachable', error.message, { status: 0 })
    return { ...none, code: error.kind, reason: error.message }
  }
  throw error
}

function unauthorizedSetback(tried: { graphCode: string | undefined; requestId: string | undefined }): Setback {
  const reason = 'Graph answered 401 to a new token'
  return { ...tried, code: 'auth-failed', reason, status: 401, wait: 'backoff' as const }
}

function failure(setback: Setback, path: string, retry: 'never' | 'later'): GraphError {
  return new GraphError(setback.code, `Cannot read ${path}: ${setback.reason}`, { ...setback, path, retry })
}

/** Path below the root without its query, which holds long tokens and filters with names. */
function shownPath(root: GraphRoot, path: string): string {
  return `/${path.slice(root.base.length).split('?', 1)[0] ?? ''}`
}

function codeOfStatus(status: number): GraphErrorCode {
  if (status === 403) return 'forbidden'
  if (status === 404) return 'not-found'
  return status === 410 ? 'gone' : 'bad-request'
}

function isExpectedType(header: string | undefined, accept: string): boolean {
  const type = (header ?? '').toLowerCase()
  return accept === 'application/json' ? /^application\/([\w.-]+\+)?json\b/.test(type) : type.startsWith('text/plain')
}

function unitsOf(answer: WireAnswer): number | undefined {
  const units = Number(answer.header('x-ms-resource-unit') ?? NaN)
  return Number.isFinite(units) ? units : undefined
}

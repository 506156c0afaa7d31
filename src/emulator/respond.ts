// The two ends of every Graph call: what comes in, what goes out, and Graph's error bodies.
import type { Behaviour } from './behaviour.ts'
import type { Tenant } from './tenant.ts'

/** A call that has passed authentication. */
export interface GraphRequest {
  readonly method: string
  /** After `/v1.0`, still percent-encoded, e.g. `/users/delta`. */
  readonly path: string
  readonly query: URLSearchParams
  /** Without the question mark, as it was sent. */
  readonly rawQuery: string
  readonly headers: Headers
  /** Parsed JSON; `undefined` without a body. */
  readonly body: unknown
  /** Application permissions in the token; `*` stands for all. */
  readonly roles: ReadonlySet<string>
  readonly appId: string
  /** E.g. `http://127.0.0.1:4000/v1.0`; next links and contexts begin with it. */
  readonly graphRoot: string
  /** Usually the tenant's own. */
  readonly behaviour: Behaviour
}

export interface GraphResponse {
  readonly status: number
  /** Among them `request-id`, and `client-request-id` when the caller sent one. */
  readonly headers: Readonly<Record<string, string>>
  /** JSON or text, serialized. */
  readonly body: string | undefined
  /** Cost by graph.md 14.2; 0 for a `$batch` itself, whose inner requests are charged each. */
  readonly resourceUnits: number
}

/** What a handler needs: the call and the tenant that it reads. */
export interface Call extends GraphRequest {
  readonly tenant: Tenant
  readonly requestId: string
}

/** Answers a call with one of Graph's errors. Caught by the router only. */
export class GraphRefusal extends Error {
  readonly status: number
  readonly code: string
  readonly headers: Readonly<Record<string, string>>

  constructor(status: number, code: string, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message)
    this.name = 'GraphRefusal'
    this.status = status
    this.code = code
    this.headers = headers
  }
}

/** 400 `Request_UnsupportedQuery`. */
export function unsupportedQuery(message: string): GraphRefusal {
  return new GraphRefusal(400, 'Request_UnsupportedQuery', message)
}

/** 400 `BadRequest`. */
export function badRequest(message: string): GraphRefusal {
  return new GraphRefusal(400, 'BadRequest', message)
}

/** 404 `Request_ResourceNotFound`, with Graph's wording (graph.md 6.3). */
export function resourceNotFound(id: string): GraphRefusal {
  const message = `Resource '${id}' does not exist or one of its queried reference-property objects are not present.`
  return new GraphRefusal(404, 'Request_ResourceNotFound', message)
}

/** 403 `Authorization_RequestDenied`. */
export function requestDenied(): GraphRefusal {
  return new GraphRefusal(403, 'Authorization_RequestDenied', 'Insufficient privileges to complete the operation.')
}

const JSON_TYPE = 'application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8'

/** 200 with a JSON body. */
export function jsonAnswer(
  call: Call,
  body: object,
  options: { readonly units: number; readonly headers?: Readonly<Record<string, string>> },
): GraphResponse {
  return textAnswer(call, JSON.stringify(body), options)
}

/** 200 with JSON that is text already. */
export function textAnswer(
  call: Call,
  body: string,
  options: { readonly units: number; readonly headers?: Readonly<Record<string, string>> },
): GraphResponse {
  return {
    status: 200,
    headers: { 'Content-Type': JSON_TYPE, ...idHeaders(call), ...options.headers },
    body,
    resourceUnits: options.units,
  }
}

/** 200 with a bare number, as `/$count` answers. */
export function countAnswer(call: Call, count: number, units: number): GraphResponse {
  return {
    status: 200,
    headers: { 'Content-Type': 'text/plain', ...idHeaders(call) },
    body: String(count),
    resourceUnits: units,
  }
}

/** Graph's error body; `innerError.date` has no time zone (graph.md 6.3). */
export function errorAnswer(call: Call, refusal: GraphRefusal, units = 1): GraphResponse {
  const innerError = {
    date: call.tenant.clock.now().toISOString().slice(0, 19),
    'request-id': call.requestId,
    'client-request-id': call.headers.get('client-request-id') ?? call.requestId,
  }
  return {
    status: refusal.status,
    headers: { 'Content-Type': 'application/json', ...idHeaders(call), ...refusal.headers },
    body: JSON.stringify({ error: { code: refusal.code, message: refusal.message, innerError } }),
    resourceUnits: units,
  }
}

function idHeaders(call: Call): Record<string, string> {
  const clientRequestId = call.headers.get('client-request-id')
  return { 'request-id': call.requestId, ...(clientRequestId !== null && { 'client-request-id': clientRequestId }) }
}

/** Whether a JSON value is an object, not a list. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

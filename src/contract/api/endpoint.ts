// What an endpoint of the HTTP API is: one declaration that the server checks requests and answers with, that says who may
// ask, that the OpenAPI document is made of, and that the web and the command line call it by.
import { z } from 'zod'

/** What a person may do; each one may do all that those before it may. */
export const ROLES = ['viewer', 'helpdesk', 'operator', 'administrator'] as const
export type Role = (typeof ROLES)[number]

/** What an API token may be used for. A token has no role: it may what its scopes name and nothing else. */
export const SCOPES = ['read', 'people', 'runs', 'export', 'configure', 'administer'] as const
export type Scope = (typeof SCOPES)[number]

/** Whether a role is at least another one. */
export function mayAct(role: Role, needed: Role): boolean {
  return ROLES.indexOf(role) >= ROLES.indexOf(needed)
}

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
type Fields = z.ZodObject

/** How an endpoint answers. */
export type Answer =
  /** A JSON document. */
  | { readonly kind: 'json'; readonly status: 200 | 201 | 202; readonly body: z.ZodType }
  /** Nothing but the status 204. */
  | { readonly kind: 'nothing' }
  /** Server-sent events; each event's data is one of these. */
  | { readonly kind: 'events'; readonly body: z.ZodType }
  /** A file to be saved. */
  | { readonly kind: 'file'; readonly types: readonly string[] }

/**
 * Who may ask whatever his role is. `anyone`: also who has not signed in. `signed-in`: everybody with a session, about himself;
 * `account`: local accounts only, about themselves; `person`: people who signed in with Microsoft only, about themselves.
 * `terminal`: devices with a token for terminals, and nobody else.
 */
export type Audience = 'anyone' | 'signed-in' | 'account' | 'person' | 'terminal'

export interface Endpoint {
  readonly method: Method
  /** With `:name` where a parameter stands. */
  readonly path: `/api/v1/${string}`
  /** The heading under which the documentation lists it. */
  readonly tag: string
  /** What it does, as the first line of its documentation. */
  readonly summary: string
  readonly role: Role | Audience
  /** What an API token must have; null: not for API tokens. */
  readonly scope: Scope | null
  readonly params?: Fields
  readonly query?: Fields
  readonly body?: z.ZodType
  readonly answer: Answer
  /** How the audit calls it. Every endpoint that changes something has one; `null` where nothing is changed. */
  readonly audit: string | null
  /**
   * Whoever asks with a session has proved who he is within some minutes, or is refused with `proof-needed`. API tokens are not asked: they are
   * no session that somebody left open. `unless-dry-run`: not of whoever only looks, by `dryRun` in the body. `where-sign-in-changes`: of
   * whoever changes through which connection people sign in, and `where-a-terminal-gets-more`: of whoever gives a terminal a way, a field or
   * cards that it had not; the handlers find that out.
   */
  readonly needsProof?: true | 'unless-dry-run' | 'where-sign-in-changes' | 'where-a-terminal-gets-more'
  /** A repeated `Idempotency-Key` gives the first answer once more instead of doing it twice. */
  readonly isIdempotent?: true
}

/** Checks a declaration and keeps its exact type. */
export function endpoint<const E extends Endpoint>(declared: E): E {
  return declared
}

type OutputOf<S> = S extends z.ZodType ? z.output<S> : undefined
type InputOf<S> = S extends z.ZodType ? z.input<S> : undefined
type Part<E, Key extends string> = E extends { readonly [K in Key]: infer S } ? S : undefined

/** What a handler is given: parsed, with defaults filled in. */
export interface Asked<E extends Endpoint> {
  readonly params: OutputOf<Part<E, 'params'>>
  readonly query: OutputOf<Part<E, 'query'>>
  readonly body: OutputOf<Part<E, 'body'>>
}

type Given<Key extends string, S> = S extends z.ZodType
  ? Record<string, never> extends z.input<S>
    ? { readonly [K in Key]?: InputOf<S> }
    : { readonly [K in Key]: InputOf<S> }
  : { readonly [K in Key]?: undefined }

/** What a caller gives. */
export type Asking<E extends Endpoint> = Given<'params', Part<E, 'params'>> &
  Given<'query', Part<E, 'query'>> &
  Given<'body', Part<E, 'body'>>

/** What a caller gets, and a handler returns: the document, an event, or nothing. */
export type Answered<E extends Endpoint> = E['answer'] extends { readonly body: infer S } ? OutputOf<S> : undefined

/** An id of the registry or of a run, as it stands in addresses and documents. */
export const id = z
  .string()
  .regex(/^[1-9]\d{0,9}$/, 'must be a number')
  .refine((text) => Number(text) <= 2_147_483_647, 'is larger than any number that is given out')
export const name = z.string().min(1).max(200)
/** ISO 8601, UTC. */
export const time = z.iso.datetime()

/** A page of a list: at most `limit` entries after the place that `cursor` names, which an earlier page gave as `next`. */
export const paging = z.object({
  cursor: z.string().max(4000).optional(),
  limit: z.coerce.number().int().min(1).max(500).default(50),
})

/** A page: `next` is the cursor of the page after it, null on the last one. */
export function pageOf<Line extends z.ZodType>(line: Line) {
  return z.object({ items: z.array(line), next: z.string().nullable() })
}

/** true and false as they stand in an address. */
export const flag = z.enum(['true', 'false']).transform((text) => text === 'true')

/** Errors of the API, RFC 9457. `code` is stable; `detail` is for people: what was tried on what, what was met, what to do. */
export const problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  code: z.string(),
  detail: z.string(),
  /** Mistakes of what was sent, each with its place. */
  problems: z.array(z.object({ at: z.string(), message: z.string() })).optional(),
  /** The run that it is about. */
  run: z.string().optional(),
  /** Names the request in the server's log. */
  requestId: z.string().optional(),
  /** Where Microsoft refused something: names that request to its support. */
  microsoftRequestId: z.string().optional(),
})
export type Problem = z.infer<typeof problem>

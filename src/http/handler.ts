// What a route is: a function from what was asked, parsed and allowed already, to the answer. Authentication, roles, CSRF, limits,
// validation and the audit of refusals happen before it, in server.ts; errors become problem documents after it.
import type { Writable } from 'node:stream'
import type { z } from 'zod'
import type { API, EndpointName } from '../contract/api/api.ts'
import type { Asked, Endpoint } from '../contract/api/endpoint.ts'
import type { Actor } from '../registry/audit.ts'
import type { Identity } from '../signin/identity.ts'
import type { HttpParts } from './parts.ts'
import type { Refusal } from './refusals.ts'

/** A file to be saved, written while it is sent. */
export interface FileAnswer {
  /** One of the types that the endpoint declares. */
  readonly type: string
  /** Under which name a browser saves it. */
  readonly fileName: string
  /** Leaves `destination` open. */
  write(destination: Writable, signal: AbortSignal): Promise<void>
}

export type AnswerOf<E extends Endpoint> = E['answer'] extends { readonly kind: 'file' }
  ? FileAnswer
  : E['answer'] extends { readonly kind: 'events'; readonly body: infer S extends z.ZodType }
    ? AsyncIterable<z.input<S>>
    : E['answer'] extends { readonly kind: 'json'; readonly body: infer S extends z.ZodType }
      ? z.input<S>
      : undefined

/** The browser or program that asks; only the routes of signing in care. */
export interface Client {
  readonly address: string
  readonly userAgent: string
  /** What a browser that signed in before brings along. */
  readonly device: string | undefined
  /** The mark of a browser in which a sign-in with Microsoft is under way. */
  readonly flow: string | undefined
  /** Scheme, host and port as it sees this server. */
  readonly origin: string
  /** Sets the cookies of an answer; `undefined` ends the session in the browser, with all that it keeps. */
  setSession(token: string | undefined): void
  setDevice(device: string): void
  /** Marks the browser that a sign-in with Microsoft was begun in. */
  setFlow(begun: { readonly browser: string; readonly sealed: string | undefined }): void
}

/** One request as a route gets it. */
export interface Call<E extends Endpoint> extends Asked<E> {
  /** Who asks, as the audit names him. Changes are audited by the function that makes them, in its transaction. */
  readonly actor: Actor
  /** Who asks, with what he may. */
  readonly identity: Identity
  readonly client: Client
  /** Where `needsProof` leaves it to what is asked. @throws HttpError `proof-needed` where a session was not proved of late */
  readonly checkProof: () => void
  /** Has the audit keep that what was asked was looked at and refused, with what else is known; equal ones of one person once a minute. */
  readonly noteRefused: (reason: string, known?: Pick<Refusal, 'facts' | 'about'>) => Promise<void>
  /** Aborted when the client has gone, or the server stops. */
  readonly signal: AbortSignal
  /** Aborted when the server stops, and not by a client that has gone: for what has to be ended though nobody waits for it. */
  readonly stopping: AbortSignal
}

export type Handler<E extends Endpoint> = (parts: HttpParts, call: Call<E>) => Promise<AnswerOf<E>>

/** Routes by the names of their endpoints. */
export type Handlers<Name extends EndpointName = EndpointName> = { readonly [N in Name]: Handler<(typeof API)[N]> }

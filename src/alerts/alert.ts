// What administrators are alerted to, as facts: no names of people, addresses, cards or other values of theirs.

/** A plan waits for approval. */
export interface HeldAlert {
  readonly kind: 'held'
  readonly source: string
  readonly run: number
  readonly planHash: string
  readonly reasons: readonly { readonly rule: string; readonly count: number; readonly limit: number }[]
  /** ISO 8601, UTC, as all times here. */
  readonly approveBy: string
}

/** `failed`: the first failed run in a row, or one that fails of something else. `quarantined`: it goes on failing. */
export interface FailedAlert {
  readonly kind: 'failed' | 'quarantined'
  readonly source: string
  readonly run: number
  readonly code: string
  readonly reason: string
  readonly remedy: string
  readonly requestId: string | null
  /** Failed runs in a row. */
  readonly failures: number
  readonly nextTryAt: string | null
}

/** A source has not brought the registry up to date for long. */
export interface SilentAlert {
  readonly kind: 'silent'
  readonly source: string
  readonly hours: number
  readonly lastSuccessAt: string | null
}

/** What a schedule or a program asked for was refused before a run came of it, so that no run tells why nothing happens. */
export interface RefusedAlert {
  readonly kind: 'refused'
  readonly source: string
  readonly code: string
  readonly reason: string
  /** The job that was refused. */
  readonly job: string
  /** By whose asking: `schedule`, or an API token. */
  readonly askedBy: 'schedule' | 'token'
}

/** A credential of a connection ends. */
export interface ExpiringAlert {
  readonly kind: 'expiring'
  readonly connection: string
  readonly thumbprint: string | null
  readonly expiresAt: string
  /** Whole days left when it was noticed; below 0 it has expired. */
  readonly days: number
}

/** Tokens of terminals end, all on one day. */
export interface TerminalsAlert {
  readonly kind: 'terminals'
  /** By name, the soonest first; the first ones of many. */
  readonly terminals: readonly string[]
  readonly count: number
  /** Of the first one. */
  readonly expiresAt: string
  /** Whole days left of the first one when it was noticed; below 0 it has ended. */
  readonly days: number
}

/** A group or app role of the tenant gave somebody a role here that he did not have before. */
export interface RoleAlert {
  readonly kind: 'role'
  /** Id of the user. */
  readonly user: number
  readonly role: string
  readonly connection: string
}

/** At a terminal, or over all of them, more is tried in vain than mistakes account for. */
export interface GuessingAlert {
  readonly kind: 'guessing'
  /** By name; null: over all terminals. */
  readonly terminal: string | null
  /** `secret`: whatever is typed. */
  readonly tried: 'card' | 'secret'
  /** In vain and not forgiven yet when it was noticed. */
  readonly misses: number
}

/** Somebody has the password of a local account and tries codes of its second factor. */
export interface CodesAlert {
  readonly kind: 'codes'
  /** Id of the account; the audit names it. */
  readonly account: number
  /** Wrong ones and not forgiven yet when it was noticed. */
  readonly wrong: number
}

export type AlertFacts =
  | HeldAlert
  | FailedAlert
  | SilentAlert
  | RefusedAlert
  | ExpiringAlert
  | TerminalsAlert
  | RoleAlert
  | GuessingAlert
  | CodesAlert

/** An alert as it is handed to a sink. */
export interface Alert {
  /** The same for every try, so that who gets one twice can tell. */
  readonly id: number
  readonly raisedAt: Date
  readonly facts: AlertFacts
}

/** Somewhere that alerts are sent to. */
export interface Sink {
  /** `mail` or `webhook`. */
  readonly name: string
  /** @throws SinkError when the alert was not taken, or that is not known; the signal's reason when it aborts */
  send(alert: Alert, signal: AbortSignal): Promise<void>
  stop(): Promise<void>
}

/** Why an alert could not be delivered; the message is shown, and carries neither addresses nor secrets. */
export class SinkError extends Error {
  readonly code = 'alert-undelivered'

  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.name = 'SinkError'
  }
}

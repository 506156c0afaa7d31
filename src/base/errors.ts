// Errors by what the receiver can do about them. Codes are for programs, messages for people.

/** One mistake in settings or in a configuration file, told with the place where it stands. */
export interface ConfigProblem {
  /** The setting's name or the path inside the file, e.g. `sources.staff.users.import`. */
  readonly at: string
  readonly message: string
}

/** Settings or a configuration file cannot be used. Carries every mistake found, not only the first. Exit code 2. */
export class ConfigError extends Error {
  readonly code = 'config-invalid'
  readonly problems: readonly ConfigProblem[]

  constructor(problems: readonly ConfigProblem[]) {
    super(problems.map((p) => (p.at === '' ? p.message : `${p.at}: ${p.message}`)).join('\n'))
    this.name = 'ConfigError'
    this.problems = problems
  }
}

/** The caller asked for something that does not exist. Exit code 2, HTTP 404. */
export class NotFoundError extends Error {
  readonly code = 'not-found'
  readonly kind: string
  readonly id: string

  constructor(kind: string, id: string, hint?: string) {
    super(`There is no ${kind} ${JSON.stringify(id)}${hint === undefined ? '' : `; ${hint}`}`)
    this.name = 'NotFoundError'
    this.kind = kind
    this.id = id
  }
}

/** What was asked does not fit the present state, e.g. approving a plan that has lapsed. HTTP 409. */
export class ConflictError extends Error {
  readonly code: string

  constructor(code: string, message: string) {
    super(message)
    this.name = 'ConflictError'
    this.code = code
  }
}

/** A source is being run by somebody else. Exit code 75. */
export class BusyError extends Error {
  readonly code = 'busy'

  constructor(message: string) {
    super(message)
    this.name = 'BusyError'
  }
}

/** A run was cancelled by an administrator or by a signal, or its server stops and another one goes on. Exit code 130. */
export class CancelledError extends Error {
  readonly code: 'cancelled' | 'server-stopped'

  constructor(message = 'cancelled', code: 'cancelled' | 'server-stopped' = 'cancelled') {
    super(message)
    this.name = 'CancelledError'
    this.code = code
  }
}

/** Something outside answered in a way that ends a run; the code is stable and shown in the run's `error`. */
export class RunError extends Error {
  readonly code: string
  readonly requestId: string | undefined

  constructor(code: string, message: string, options: { requestId?: string | undefined; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'RunError'
    this.code = code
    this.requestId = options.requestId
  }
}

/** A bug of ours: something that the code around it promises did not hold. */
export class InvariantError extends Error {
  readonly code = 'invariant'

  constructor(message: string) {
    super(message)
    this.name = 'InvariantError'
  }
}

/** Throws {@link InvariantError} unless `condition` holds. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new InvariantError(message)
}

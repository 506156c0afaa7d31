// Why somebody is not let in.

/** Signing in was refused. The message never tells whether the name or the password was wrong. */
export class SignInError extends Error {
  readonly code:
    | 'sign-in-failed'
    | 'code-invalid'
    | 'password-wrong'
    /** The password was right. */
    | 'second-factor-needed'
    | 'second-factor-wrong'
    /** Of somebody who has signed in. */
    | 'code-wrong'
    /** An API token whose maker may nothing any more. */
    | 'token-suspended'
  /** Name of the account or token that was tried, for the audit; undefined where there is none of that name. */
  readonly account: string | undefined

  constructor(code: SignInError['code'], message: string, account?: string) {
    super(message)
    this.name = 'SignInError'
    this.code = code
    this.account = account
  }
}

/** Too many attempts in vain: not looked at before the wait is over. */
export class SlowDownError extends Error {
  readonly code = 'slow-down'
  readonly retryAfterSeconds: number

  /** @param why what was tried too often, and how else to get in; for local accounts unless told */
  constructor(retryAfterSeconds: number, why?: string) {
    super(
      why === undefined
        ? `There were too many attempts; try again in ${retryAfterSeconds} s, or sign in by a link from the console`
        : `Not looked at: ${why}; try again in ${retryAfterSeconds} s`,
    )
    this.name = 'SlowDownError'
    this.retryAfterSeconds = retryAfterSeconds
  }
}

/** More passwords are being checked than this server takes on at once. */
export class HasherBusyError extends Error {
  readonly code = 'busy'
  readonly retryAfterSeconds = 2

  constructor() {
    super('Too many are signing in at this moment; try again in a few seconds')
    this.name = 'HasherBusyError'
  }
}

// What a tenant keeps about its people beside the directory, for signing in: passwords, second factors, what policies say,
// failed attempts, and from when on earlier sign-ins count no more. State and its rules; authenticate.ts asks it.

/** Everybody's password in a new tenant; written in the help of `muster emulator` and on its page. Nothing real is behind it. */
export const DEFAULT_PASSWORD = 'Emulator-2026'

/** How one person signs in. Plain mutable data: tests and the administration interface assign to it. */
export interface Account {
  /** `undefined`: the tenant's default; `null`: none in the directory (AADSTS50056). */
  password: string | null | undefined
  /** AADSTS50055. */
  passwordExpired: boolean
  /** `required`: approves a notification (AADSTS50076 where nobody can); `enrol`: has to set that up first (50079). */
  mfa: 'none' | 'required' | 'enrol'
  /** Conditional Access refuses every token (AADSTS53003). */
  blockedByPolicy: boolean
  /** Sessions and refresh tokens from before are dead (AADSTS50173). Wall clock, milliseconds. */
  revokedAtMs: number
}

interface Attempts {
  /** The last three wrong passwords: the same mistake twice is counted once. */
  wrong: readonly string[]
  failed: number
  lockouts: number
  lockedUntilMs: number
}

export class Accounts {
  /** `null`: who has no password of his own has none. */
  defaultPassword: string | null = DEFAULT_PASSWORD
  /** Smart lockout: after so many wrong passwords an account is locked, each time twice as long. */
  lockout = { threshold: 10, seconds: 60 }
  readonly #accounts = new Map<string, Account>()
  readonly #attempts = new Map<string, Attempts>()

  /** The account of a user by object id, made when first asked for. */
  of(objectId: string): Account {
    const known = this.#accounts.get(objectId) ?? {
      password: undefined,
      passwordExpired: false,
      mfa: 'none',
      blockedByPolicy: false,
      revokedAtMs: 0,
    }
    this.#accounts.set(objectId, known)
    return known
  }

  isLocked(objectId: string, nowMs: number): boolean {
    return (this.#attempts.get(objectId)?.lockedUntilMs ?? 0) > nowMs
  }

  /** Forgets failed attempts and ends a lockout. */
  unlock(objectId: string): void {
    this.#attempts.delete(objectId)
  }

  /**
   * Compares, and counts a wrong password for the lockout.
   *
   * @returns `none` when there is no password to compare with
   */
  tryPassword(objectId: string, password: string, nowMs: number): 'right' | 'wrong' | 'none' {
    const own = this.of(objectId).password
    const expected = own === undefined ? this.defaultPassword : own
    if (expected === null) return 'none'
    if (password === expected) {
      this.#attempts.delete(objectId)
      return 'right'
    }
    this.#countWrong(objectId, password, nowMs)
    return 'wrong'
  }

  #countWrong(objectId: string, password: string, nowMs: number): void {
    const known = this.#attempts.get(objectId) ?? { wrong: [], failed: 0, lockouts: 0, lockedUntilMs: 0 }
    this.#attempts.set(objectId, known)
    if (known.wrong.includes(password)) return
    known.wrong = [password, ...known.wrong].slice(0, 3)
    known.failed++
    if (known.failed < this.lockout.threshold) return
    known.lockedUntilMs = nowMs + this.lockout.seconds * 1000 * 2 ** known.lockouts
    known.lockouts++
    known.failed = 0
  }
}

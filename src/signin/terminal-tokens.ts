// Looks up tokens of terminals for one process, many at once: whatever number of tokens somebody makes up, the database is asked one
// question at a time, and a token that is one is found with the next of them.
import type { TerminalIdentity } from './identity.ts'
import type { SignInParts } from './parts.ts'
import { findTerminals } from './terminals.ts'

/** Tokens in one question. */
const MOST_AT_ONCE = 500

interface Waiting {
  readonly digest: Buffer
  readonly resolve: (found: TerminalIdentity | undefined) => void
  readonly reject: (error: unknown) => void
}

export class TerminalTokens {
  readonly #parts: Pick<SignInParts, 'db' | 'clock'>
  #waiting: Waiting[] = []
  #isAsking = false

  constructor(parts: Pick<SignInParts, 'db' | 'clock'>) {
    this.#parts = parts
  }

  /** Whose token this is, as of after it was asked; undefined where it never was, has ended or was revoked. */
  find(digest: Buffer): Promise<TerminalIdentity | undefined> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ digest, resolve, reject })
      void this.#ask()
    })
  }

  async #ask(): Promise<void> {
    if (this.#isAsking) return
    this.#isAsking = true
    while (this.#waiting.length > 0) {
      const asked = this.#waiting.slice(0, MOST_AT_ONCE)
      this.#waiting = this.#waiting.slice(MOST_AT_ONCE)
      try {
        const found = await findTerminals(
          this.#parts,
          asked.map(({ digest }) => digest),
        )
        for (const { digest, resolve } of asked) resolve(found.find((terminal) => terminal.digest.equals(digest)))
      } catch (error) {
        for (const { reject } of asked) reject(error)
      }
    }
    this.#isAsking = false
  }
}

// How many Microsoft passwords may be asked at terminals, right ones as well: each is a question to the token service with the connection's
// credential, and Microsoft throttles the application whoever asks. Tries in vain are counted elsewhere, for all servers.
import type { Clock } from '../base/clock.ts'
import { AtOnce, type AtOnceLimit } from './at-once.ts'
import { Flood, type FloodLimit } from './flood.ts'
import { tooManyRequests } from './problem.ts'

/** Of one terminal: thirty a minute for as long as it likes, where codes on another device are ten. */
export const PASSWORD_LIMIT: FloodLimit = { perSecond: 0.5, burst: 60 }
/** Of one terminal and of all, in this process. */
export const PASSWORDS_AT_ONCE: AtOnceLimit = { ofOne: 10, ofAll: 50 }

export class PasswordGate {
  readonly #flood: Flood
  readonly #atOnce: AtOnce

  constructor(
    clock: Pick<Clock, 'monotonicMs'>,
    limits: { readonly rate?: FloodLimit; readonly atOnce?: AtOnceLimit } = {},
  ) {
    this.#flood = new Flood(clock, limits.rate ?? PASSWORD_LIMIT)
    this.#atOnce = new AtOnce(limits.atOnce ?? PASSWORDS_AT_ONCE)
  }

  /** Does `ask` where one more password of this terminal may be asked. @throws HttpError `too-many-requests` */
  async pass<T>(terminalId: number, ask: () => Promise<T>): Promise<T> {
    const terminal = String(terminalId)
    const leave = this.#atOnce.enter(terminal)
    if (leave === undefined) throw tooManyRequests(1)
    try {
      const seconds = this.#flood.take(terminal)
      if (seconds > 0) throw tooManyRequests(seconds)
      return await ask()
    } finally {
      leave()
    }
  }
}

// Requests of one asker take turns: so many are answered at the same moment, the others wait in their order. Who waits for his own holds no
// connection to the database, so that one asker never has them all, whatever each of his requests waits for.
import { tooManyRequests } from './problem.ts'

export interface TurnsLimit {
  readonly atOnce: number
  /** That may wait; of more, each is refused. */
  readonly waiting: number
}

/** Of one account, person or API token, in this process. The pool has ten connections; a browser asks some six things at once. */
export const TURNS_OF_ONE = { atOnce: 6, waiting: 600 } as const satisfies TurnsLimit

interface Own {
  running: number
  readonly waiting: (() => void)[]
}

export class Turns {
  readonly #limit: TurnsLimit
  readonly #of = new Map<string, Own>()

  constructor(limit: TurnsLimit) {
    this.#limit = limit
  }

  /**
   * Waits for a turn.
   *
   * @returns what to call at its end, once
   * @throws HttpError `too-many-requests`; the reason of `signal` where it is aborted while this waits
   */
  async take(asker: string, signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted()
    const own = this.#of.get(asker) ?? { running: 0, waiting: [] }
    this.#of.set(asker, own)
    if (own.running < this.#limit.atOnce) own.running += 1
    else if (own.waiting.length >= this.#limit.waiting) throw tooManyRequests(1)
    else await waitIn(own.waiting, signal)
    return () => {
      // A turn passes on to the next one without being anybody's in between.
      const next = own.waiting.shift()
      if (next !== undefined) return next()
      own.running -= 1
      if (own.running === 0) this.#of.delete(asker)
    }
  }
}

async function waitIn(waiting: (() => void)[], signal: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const leave = () => {
    const at = waiting.indexOf(resolve)
    if (at === -1) return
    waiting.splice(at, 1)
    reject(signal.reason)
  }
  waiting.push(resolve)
  signal.addEventListener('abort', leave, { once: true })
  try {
    await promise
  } finally {
    signal.removeEventListener('abort', leave)
  }
}

// Requests of one asker take turns: so many are answered at the same moment, the others wait in their order. Who waits for his own holds no
// connection to the database, so that one asker never has them all, whatever each of his requests waits for.

export interface TurnsLimit {
  readonly atOnce: number
  /** That may wait; of more, each is refused. */
  readonly waiting: number
}

interface Own {
  running: number
  readonly waiting: (() => void)[]
}

export class Turns {
  readonly #limit: TurnsLimit
  readonly #refusal: () => Error
  readonly #of = new Map<string, Own>()

  /** @param refusal what is thrown where too many wait already */
  constructor(limit: TurnsLimit, refusal: () => Error) {
    this.#limit = limit
    this.#refusal = refusal
  }

  /**
   * Waits for a turn.
   *
   * @param options.isGoingOn with what had a turn before: it comes before all that begin, and is never refused
   * @param options.onWait called where it has to wait, before it does
   * @returns what to call at its end, once
   * @throws the refusal; the reason of `signal` where it is aborted while this waits
   */
  async take(
    asker: string,
    {
      signal,
      isGoingOn = false,
      onWait,
    }: { readonly signal?: AbortSignal; readonly isGoingOn?: boolean; readonly onWait?: (() => void) | undefined } = {},
  ): Promise<() => void> {
    signal?.throwIfAborted()
    const own = this.#of.get(asker) ?? { running: 0, waiting: [] }
    this.#of.set(asker, own)
    if (own.running < this.#limit.atOnce) own.running += 1
    else if (!isGoingOn && own.waiting.length >= this.#limit.waiting) throw this.#refusal()
    else {
      onWait?.()
      await waitIn(own.waiting, { signal, isGoingOn })
    }
    return () => {
      // A turn passes on to the next one without being anybody's in between.
      const next = own.waiting.shift()
      if (next !== undefined) return next()
      own.running -= 1
      if (own.running === 0) this.#of.delete(asker)
    }
  }
}

async function waitIn(
  waiting: (() => void)[],
  { signal, isGoingOn }: { readonly signal: AbortSignal | undefined; readonly isGoingOn: boolean },
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const leave = () => {
    const at = waiting.indexOf(resolve)
    if (at === -1) return
    waiting.splice(at, 1)
    reject(signal?.reason)
  }
  if (isGoingOn) waiting.unshift(resolve)
  else waiting.push(resolve)
  signal?.addEventListener('abort', leave, { once: true })
  try {
    await promise
  } finally {
    signal?.removeEventListener('abort', leave)
  }
}

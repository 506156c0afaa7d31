// Work that goes on side by side inside a pull.

/**
 * Runs tasks side by side. When one fails the others are told through their signal, and the first failure is thrown
 * after all have ended, so that nothing of them goes on behind the caller's back.
 */
export async function together(
  signal: AbortSignal,
  tasks: readonly ((signal: AbortSignal) => Promise<void>)[],
): Promise<void> {
  const failed = new AbortController()
  const both = AbortSignal.any([signal, failed.signal])
  const failures: unknown[] = []
  const guarded = tasks.map(async (task) => {
    try {
      await task(both)
    } catch (error) {
      failures.push(error)
      failed.abort(error)
    }
  })
  await Promise.all(guarded)
  if (failures.length > 0) throw failures[0]
}

/** Handles items side by side, at most `width` at a time; fails like {@link together}. */
export async function inPool<T>(
  signal: AbortSignal,
  items: readonly T[],
  options: { readonly width: number; readonly handle: (item: T, signal: AbortSignal) => Promise<void> },
): Promise<void> {
  // One iterator for all: each item is taken once.
  const rest = items.values()
  const worker = async (both: AbortSignal) => {
    for (const item of rest) {
      both.throwIfAborted()
      await options.handle(item, both)
    }
  }
  const width = Math.min(options.width, items.length)
  await together(
    signal,
    Array.from({ length: width }, () => worker),
  )
}

/** Lets one caller in at a time, in order of arrival. */
export function createTurns(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve()
  return (work) => {
    const turn = last.then(work, work)
    last = turn.catch(() => undefined)
    return turn
  }
}

/** A queue between one producer and one consumer; `end` lets the consumer finish, `push` after it is a mistake. */
export interface Channel<T> extends AsyncIterable<T> {
  push(items: readonly T[]): void
  end(): void
}

export function createChannel<T>(): Channel<T> {
  let items: T[] = []
  let ended = false
  let wake: (() => void) | undefined
  return {
    push(more) {
      for (const item of more) items.push(item)
      wake?.()
    },
    end() {
      ended = true
      wake?.()
    },
    async *[Symbol.asyncIterator]() {
      for (;;) {
        const taken = items
        items = []
        yield* taken
        if (items.length > 0) continue
        if (ended) return
        await new Promise<void>((resolve) => {
          wake = resolve
        })
        wake = undefined
      }
    },
  }
}

// The only place that reads the machine's clock; everything else is handed a Clock, so that tests never wait.

/** Wall time for what people read, monotonic time for durations, and a sleep that an abort ends at once. */
export interface Clock {
  /** Wall-clock time. For stored instants only; never for measuring how long something took. */
  now(): Date
  /** Milliseconds on a clock that never goes backwards. For durations, deadlines and token expiry. */
  monotonicMs(): number
  /** Resolves after `ms`; rejects with the signal's reason as soon as it aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

/** The real clock of this machine. */
export const systemClock: Clock = {
  now: () => new Date(),
  monotonicMs: () => performance.now(),
  sleep(ms, signal) {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(toError(signal.reason))
        return
      }
      const onAbort = () => {
        clearTimeout(timer)
        reject(toError(signal?.reason))
      }
      const timer = setTimeout(() => {
        signal?.removeEventListener('abort', onAbort)
        resolve()
      }, ms)
      signal?.addEventListener('abort', onAbort, { once: true })
    })
  },
}

function toError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error('aborted', { cause: reason })
}

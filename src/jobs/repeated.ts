// Work that is done again and again for as long as a server runs.
import type { Clock } from '../base/clock.ts'
import { RunError } from '../base/errors.ts'
import type { Log } from '../base/log.ts'

export interface RepeatedWork {
  /** For the log. */
  readonly name: string
  /** Between the end of one time and the beginning of the next. */
  readonly pauseMs: number
  readonly work: (signal: AbortSignal) => Promise<void>
}

/** One piece of repeated work. A time that fails is logged, and the next one tries again. */
export class Repeated {
  readonly #options: RepeatedWork & { readonly clock: Clock; readonly log: Log }
  readonly #stopping = new AbortController()
  #going: Promise<void> | undefined

  constructor(options: RepeatedWork & { readonly clock: Clock; readonly log: Log }) {
    this.#options = options
  }

  start(): void {
    this.#going ??= this.#go()
  }

  /** Waits for the time that is going on. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#going
  }

  async #go(): Promise<void> {
    const { name, pauseMs, work, log } = this.#options
    const { signal } = this.#stopping
    while (!signal.aborted) {
      try {
        await work(signal)
      } catch (error) {
        if (!signal.aborted)
          log.warn('repeated work failed and is tried again', {
            what: name,
            code: error instanceof RunError ? error.code : error instanceof Error ? error.name : 'unknown',
          })
      }
      await this.#pause(pauseMs)
    }
  }

  async #pause(ms: number): Promise<void> {
    const { signal } = this.#stopping
    try {
      await this.#options.clock.sleep(ms, signal)
    } catch (error) {
      if (!signal.aborted) throw error
    }
  }
}

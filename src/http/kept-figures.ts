// Counts of the registry as the overview shows them. Counting a million people takes its time, and every open overview asks again twice a
// minute: so what was counted is good for fifty times as long as counting took, and whoever asks meanwhile waits for the same count.
import type { Clock } from '../base/clock.ts'
import type { Queries } from '../database/connect.ts'
import { type Figures, readFigures } from '../registry/overview.ts'

/** Counting takes no more than a fiftieth of the time. */
const GOOD_FOR = 50
/** However long it took. */
const LONGEST_MS = 60_000

export class KeptFigures {
  readonly #db: Queries
  readonly #clock: Pick<Clock, 'monotonicMs'>
  #figures: Promise<Figures> | undefined
  #goodUntilMs = 0

  constructor(db: Queries, clock: Pick<Clock, 'monotonicMs'>) {
    this.#db = db
    this.#clock = clock
  }

  /** Figures that were right some seconds ago at most; of a small registry, now. */
  read(): Promise<Figures> {
    if (this.#figures === undefined || this.#clock.monotonicMs() >= this.#goodUntilMs) this.#figures = this.#count()
    return this.#figures
  }

  async #count(): Promise<Figures> {
    const since = this.#clock.monotonicMs()
    // Until it is known how long it takes.
    this.#goodUntilMs = Infinity
    try {
      const figures = await readFigures(this.#db)
      const now = this.#clock.monotonicMs()
      this.#goodUntilMs = now + Math.min(LONGEST_MS, GOOD_FOR * (now - since))
      return figures
    } catch (error) {
      this.#figures = undefined
      throw error
    }
  }
}

// Counts of the registry as the overview shows them. Counting a million people takes a third of a second and more, and every open overview asks
// again twice a minute: so what was counted is good for fifty times as long as counting took, whoever asks meanwhile waits for the same
// count, and where counting is slow nobody waits for it who can have figures of some minutes ago.
import type { Clock } from '../base/clock.ts'
import type { Queries } from '../database/connect.ts'
import { type Figures, readFigures } from '../registry/overview.ts'

/** Counting takes no more than a fiftieth of the time. */
const GOOD_FOR = 50
/** However long it took. */
const LONGEST_MS = 60_000
/** What took longer is counted behind the back of whoever asks. */
const SLOW_MS = 50
/** Older figures nobody is shown: he waits. */
const OLDEST_MS = 5 * 60_000

interface Counted {
  readonly figures: Figures
  readonly atMs: number
  readonly tookMs: number
}

export class KeptFigures {
  readonly #db: Queries
  readonly #clock: Pick<Clock, 'monotonicMs'>
  #last: Counted | undefined
  #counting: Promise<Figures> | undefined

  constructor(db: Queries, clock: Pick<Clock, 'monotonicMs'>) {
    this.#db = db
    this.#clock = clock
  }

  /** Of a small registry, now; of a large one those of a minute ago, or of up to five where nobody has asked since. */
  async read(): Promise<Figures> {
    const last = this.#last
    const age = last === undefined ? Infinity : this.#clock.monotonicMs() - last.atMs
    if (last !== undefined && age < Math.min(LONGEST_MS, GOOD_FOR * last.tookMs)) return last.figures
    this.#counting ??= this.#count()
    if (last === undefined || last.tookMs <= SLOW_MS || age >= OLDEST_MS) return this.#counting
    // Whoever asks after this one meets the failure, if there is one.
    this.#counting.catch(() => undefined)
    return last.figures
  }

  async #count(): Promise<Figures> {
    const since = this.#clock.monotonicMs()
    try {
      const figures = await readFigures(this.#db)
      const atMs = this.#clock.monotonicMs()
      this.#last = { figures, atMs, tookMs: atMs - since }
      return figures
    } finally {
      this.#counting = undefined
    }
  }
}

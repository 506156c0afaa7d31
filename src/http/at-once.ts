// How much of something goes on at once in this process, for one asker and for all.

export interface AtOnceLimit {
  readonly ofOne: number
  readonly ofAll: number
}

/**
 * Browsers that are back from Microsoft and wait for its token service, of one network and of all: anybody can bring a code that is none,
 * and each asks with our credential. A thousand people of one office who come within a minute are seldom ten at the same moment.
 */
export const CALLBACKS_AT_ONCE: AtOnceLimit = { ofOne: 20, ofAll: 100 }

export class AtOnce {
  readonly #limit: AtOnceLimit
  readonly #of = new Map<string, number>()
  #all = 0

  constructor(limit: AtOnceLimit) {
    this.#limit = limit
  }

  /** @returns what to call at the end; undefined: too much goes on already */
  enter(asker: string): (() => void) | undefined {
    const own = this.#of.get(asker) ?? 0
    if (own >= this.#limit.ofOne || this.#all >= this.#limit.ofAll) return undefined
    this.#of.set(asker, own + 1)
    this.#all += 1
    return () => {
      const left = (this.#of.get(asker) ?? 1) - 1
      if (left === 0) this.#of.delete(asker)
      else this.#of.set(asker, left)
      this.#all -= 1
    }
  }
}

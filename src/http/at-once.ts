// How much of something goes on at once in this process, for one asker, for those who belong together, and for all.

export interface AtOnceLimit {
  readonly ofOne: number
  /** Of several askers of one group, where they have one. */
  readonly ofGroup?: number
  readonly ofAll: number
}

/**
 * Browsers that are back from Microsoft and wait for its token service, of one network, of one site and of all: anybody can bring a code that
 * is none, and each asks with our credential. A thousand people of one office who come within a minute are seldom ten at the same moment.
 * Whoever has a site of IPv6 has as many networks as he likes, and must not take every place.
 */
export const CALLBACKS_AT_ONCE = { ofOne: 20, ofGroup: 40, ofAll: 100 } as const satisfies AtOnceLimit

export class AtOnce {
  readonly #limit: AtOnceLimit
  readonly #of = new Map<string, number>()
  readonly #ofGroup = new Map<string, number>()
  #all = 0

  constructor(limit: AtOnceLimit) {
    this.#limit = limit
  }

  /** @returns what to call at the end; undefined: too much goes on already */
  enter(asker: string, group: string = asker): (() => void) | undefined {
    const { ofOne, ofGroup = Infinity, ofAll } = this.#limit
    if ((this.#of.get(asker) ?? 0) >= ofOne || (this.#ofGroup.get(group) ?? 0) >= ofGroup || this.#all >= ofAll)
      return undefined
    add(this.#of, asker, 1)
    add(this.#ofGroup, group, 1)
    this.#all += 1
    return () => {
      add(this.#of, asker, -1)
      add(this.#ofGroup, group, -1)
      this.#all -= 1
    }
  }
}

function add(counts: Map<string, number>, key: string, more: number): void {
  const count = (counts.get(key) ?? 0) + more
  if (count === 0) counts.delete(key)
  else counts.set(key, count)
}

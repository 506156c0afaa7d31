// Seeded randomness, so that a tenant, its request ids and its faults are the same in every run with the same seed.

/** A small fast generator (sfc32). Not for secrets. */
export interface Random {
  /** In [0, 1). */
  next(): number
  /** An integer in [0, below). */
  int(below: number): number
  /** A random version 4 GUID in lower case. */
  guid(): string
  /** One element of a list that is not empty. */
  pick<T>(list: readonly T[]): T
}

const HEX: readonly string[] = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, '0'))

/** Two generators with the same seed give the same sequence. */
export function createRandom(seed: number): Random {
  let a = 0x9e3779b9
  let b = 0x243f6a88
  let c = seed >>> 0
  let d = (Math.floor(seed / 0x1_0000_0000) >>> 0) + 1
  const uint32 = (): number => {
    const t = (((a + b) | 0) + d) | 0
    d = (d + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = ((c << 21) | (c >>> 11)) + t
    c |= 0
    return t >>> 0
  }
  for (let i = 0; i < 15; i++) uint32()
  const hex = (word: number): string =>
    `${HEX[word >>> 24]}${HEX[(word >>> 16) & 255]}${HEX[(word >>> 8) & 255]}${HEX[word & 255]}`
  const next = (): number => uint32() / 0x1_0000_0000
  const int = (below: number): number => Math.floor(next() * below)
  return {
    next,
    int,
    guid() {
      const first = hex(uint32())
      const second = hex((uint32() & 0xffff0fff) | 0x4000)
      const third = hex((uint32() & 0x3fffffff) | 0x80000000)
      const fourth = hex(uint32())
      return `${first}-${second.slice(0, 4)}-${second.slice(4)}-${third.slice(0, 4)}-${third.slice(4)}${fourth}`
    },
    pick(list) {
      const found = list[int(list.length)]
      if (found === undefined) throw new RangeError('nothing to pick from')
      return found
    },
  }
}

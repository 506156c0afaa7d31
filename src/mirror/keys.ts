// Integer keys of the objects of one source: memberships are pairs of them, a quarter of the size of pairs of UUIDs.
import type { Database, Queries } from '../database/connect.ts'
import { withTransaction } from '../database/transaction.ts'
import { streamRows } from '../database/stream.ts'

/** What the table that a walk writes to holds of an object: nothing, a placeholder (kind `?`), or the object itself. */
export const ROW = { none: 0, placeholder: 1, full: 2 } as const
export type Row = (typeof ROW)[keyof typeof ROW]

/**
 * From object id to key, for walks, which meet every id many times. 21 bytes a slot and at most 60 % full: 44 MB
 * at a million objects, where a Map of strings takes 130. Ids and keys only; attributes and memberships are never
 * held. A slot is valid until the next `insert`.
 */
export class KeyIndex {
  #words: Uint32Array
  #keys: Int32Array
  #rows: Uint8Array
  #slots: number
  #size = 0
  // the id that was parsed last
  #a = 0
  #b = 0
  #c = 0
  #d = 0

  constructor(expected = 1000) {
    this.#slots = 1 << Math.max(10, Math.ceil(Math.log2(expected / 0.6)))
    this.#words = new Uint32Array(this.#slots * 4)
    this.#keys = new Int32Array(this.#slots)
    this.#rows = new Uint8Array(this.#slots)
  }

  get size(): number {
    return this.#size
  }

  /** The slot of an object id, or -1. */
  find(objectId: string): number {
    this.#parse(objectId)
    const slot = this.#probe()
    return this.#keys[slot] === 0 ? -1 : slot
  }

  /** Adds an object id that `find` did not know. Keys begin at 1. */
  insert(objectId: string, key: number): number {
    if (this.#size >= this.#slots * 0.6) this.#grow()
    this.#parse(objectId)
    const slot = this.#probe()
    this.#put(slot, key)
    this.#size += 1
    return slot
  }

  key(slot: number): number {
    return this.#keys[slot] ?? 0
  }

  row(slot: number): Row {
    const row = (this.#rows[slot] ?? 0) & ~SEEN
    return row === ROW.full || row === ROW.placeholder ? row : ROW.none
  }

  setRow(slot: number, row: Row): void {
    this.#rows[slot] = ((this.#rows[slot] ?? 0) & SEEN) | row
  }

  /** @returns true the first time: counts the distinct objects of one listing */
  see(slot: number): boolean {
    const before = this.#rows[slot] ?? 0
    this.#rows[slot] = before | SEEN
    return (before & SEEN) === 0
  }

  /** Begins a new listing for `see`. */
  forgetSeen(): void {
    for (let slot = 0; slot < this.#slots; slot += 1) this.#rows[slot] = (this.#rows[slot] ?? 0) & ~SEEN
  }

  #put(slot: number, key: number): void {
    const at = slot * 4
    this.#words[at] = this.#a
    this.#words[at + 1] = this.#b
    this.#words[at + 2] = this.#c
    this.#words[at + 3] = this.#d
    this.#keys[slot] = key
  }

  #probe(): number {
    const mask = this.#slots - 1
    let hash =
      this.#a ^ Math.imul(this.#b, 0x9e3779b1) ^ Math.imul(this.#c, 0x85ebca6b) ^ Math.imul(this.#d, 0xc2b2ae35)
    hash ^= hash >>> 15
    hash = Math.imul(hash, 0x2c1b3c6d)
    hash ^= hash >>> 13
    let slot = hash & mask
    while (this.#keys[slot] !== 0) {
      const at = slot * 4
      if (
        this.#words[at] === this.#a &&
        this.#words[at + 1] === this.#b &&
        this.#words[at + 2] === this.#c &&
        this.#words[at + 3] === this.#d
      ) {
        return slot
      }
      slot = (slot + 1) & mask
    }
    return slot
  }

  #grow(): void {
    const [words, keys, rows, slots] = [this.#words, this.#keys, this.#rows, this.#slots]
    this.#slots = slots * 2
    this.#words = new Uint32Array(this.#slots * 4)
    this.#keys = new Int32Array(this.#slots)
    this.#rows = new Uint8Array(this.#slots)
    for (let slot = 0; slot < slots; slot += 1) {
      const key = keys[slot] ?? 0
      if (key === 0) continue
      this.#a = words[slot * 4] ?? 0
      this.#b = words[slot * 4 + 1] ?? 0
      this.#c = words[slot * 4 + 2] ?? 0
      this.#d = words[slot * 4 + 3] ?? 0
      const at = this.#probe()
      this.#put(at, key)
      this.#rows[at] = rows[slot] ?? 0
    }
  }

  #parse(id: string): void {
    this.#a = hex(id, 0, 8)
    this.#b = (hex(id, 9, 13) << 16) | hex(id, 14, 18)
    this.#c = (hex(id, 19, 23) << 16) | hex(id, 24, 28)
    this.#d = hex(id, 28, 36)
    this.#b >>>= 0
    this.#c >>>= 0
  }
}

const SEEN = 4

const NIBBLES = new Uint8Array(128)
for (let value = 0; value < 16; value += 1) NIBBLES['0123456789abcdef'.charCodeAt(value)] = value

function hex(text: string, from: number, to: number): number {
  let value = 0
  for (let at = from; at < to; at += 1) value = (value << 4) | (NIBBLES[text.charCodeAt(at) & 127] ?? 0)
  return value >>> 0
}

/** Hands out new keys, reserved in blocks so that most requests cost nothing. */
export interface KeyReserve {
  /** Keys of which the borrower takes from the end what he needs. */
  borrow(count: number): Promise<number[]>
  /** What he has not used. */
  giveBack(keys: readonly number[]): void
}

/** A delta needs few keys, a first load many: each block is twice the last one. */
const FIRST_BLOCK = 100
const LARGEST_BLOCK = 10_000

/** Keys that nobody else gets. What is reserved and not used is lost, which two thousand million keys can bear. */
export function reserveKeys(db: Queries): KeyReserve {
  const free: number[] = []
  let block = FIRST_BLOCK
  let refilling: Promise<void> | undefined
  const refill = async () => {
    const rows = await db.query<{ keys: number[] }>(
      `select array_agg(nextval('mirror_keys')::int order by n desc) as keys from generate_series(1, $1::int) n`,
      [block],
    )
    block = Math.min(2 * block, LARGEST_BLOCK)
    free.unshift(...(rows.rows[0]?.keys ?? []))
    refilling = undefined
  }
  return {
    async borrow(count) {
      while (free.length < count) {
        refilling ??= refill()
        await refilling
      }
      return free.splice(free.length - count)
    },
    giveBack(keys) {
      free.push(...keys)
    },
  }
}

/** Loads the keys of a source and, for an unfinished walk, what it has written so far. */
export async function loadKeys(db: Database, sourceId: number, options: { walk: 'first' | 'full' }): Promise<KeyIndex> {
  return withTransaction(
    db,
    async (tx) => {
      const counted = await tx.query<{ count: number }>(
        'select count(*) as count from mirror_objects where source_id = $1',
        [sourceId],
      )
      const index = new KeyIndex(Math.max(1000, (counted.rows[0]?.count ?? 0) * 1.1))
      const live = `select key, object_id, kind = '?' as placeholder from mirror_objects where source_id = $1`
      for await (const rows of streamRows<KeyRow>(tx.client, live, { params: [sourceId], batch: 5000 })) {
        for (const row of rows) {
          const slot = index.insert(row.object_id, row.key)
          if (options.walk === 'first') index.setRow(slot, row.placeholder ? ROW.placeholder : ROW.full)
        }
      }
      if (options.walk === 'first') return index
      const staged = `select key, object_id, kind = '?' as placeholder from mirror_staged_objects where source_id = $1`
      for await (const rows of streamRows<KeyRow>(tx.client, staged, { params: [sourceId], batch: 5000 })) {
        for (const row of rows) {
          const known = index.find(row.object_id)
          const slot = known === -1 ? index.insert(row.object_id, row.key) : known
          index.setRow(slot, row.placeholder ? ROW.placeholder : ROW.full)
        }
      }
      return index
    },
    { readOnly: true },
  )
}

interface KeyRow {
  readonly key: number
  readonly object_id: string
  readonly placeholder: boolean
}

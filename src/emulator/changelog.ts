// What happened in a tenant, numbered: the source of both deltas and of the lagging index. Nothing is kept of the
// time before the first request, because nobody can hold a token from then.
import type { Presence, Properties } from './object.ts'

/** What an object looked like before a change. Properties are never altered in place, so keeping a reference is enough. */
export interface Snapshot {
  readonly presence: Presence
  readonly properties: Properties
  readonly managerNo: number
}

/** One change. `no` is the object it happened to; for memberships the group. */
export interface Change {
  readonly seq: number
  /** Wall clock, milliseconds. */
  readonly atMs: number
  readonly what: 'created' | 'updated' | 'manager' | 'deleted' | 'restored' | 'purged' | 'memberAdded' | 'memberRemoved'
  readonly no: number
  /** Absent for membership changes. */
  readonly before: Snapshot | undefined
  /** Names of the properties that changed. */
  readonly names: readonly string[]
  /** The member of a membership change, else -1. */
  readonly memberNo: number
}

export class ChangeLog {
  /** Whether changes are kept at all; see {@link start}. */
  isOn = false
  readonly #changes: Change[] = []
  #lastSeq = 0
  #droppedSeq = 0

  get lastSeq(): number {
    return this.#lastSeq
  }

  /** Changes up to this number are forgotten; a token that starts before it cannot be served. */
  get droppedSeq(): number {
    return this.#droppedSeq
  }

  /** Begins to keep changes. Idempotent. */
  start(): void {
    if (!this.isOn) this.#droppedSeq = this.#lastSeq
    this.isOn = true
  }

  add(change: Omit<Change, 'seq'>): void {
    this.#lastSeq += 1
    if (this.isOn) this.#changes.push({ seq: this.#lastSeq, ...change })
  }

  /** Changes with `from < seq <= to`, in order. */
  between(from: number, to: number): readonly Change[] {
    return this.#changes.slice(Math.max(0, from - this.#droppedSeq), Math.max(0, to - this.#droppedSeq))
  }

  /** The last number whose change happened at or before `ms`. */
  seqAt(ms: number): number {
    let low = 0
    let high = this.#changes.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#changes[middle]?.atMs ?? 0) <= ms) low = middle + 1
      else high = middle
    }
    return this.#droppedSeq + low
  }

  /** Forgets what happened before `ms`, when that is worth the copying. */
  forgetBefore(ms: number): void {
    const count = this.seqAt(ms) - this.#droppedSeq
    if (count < 1000 && count < this.#changes.length) return
    this.#changes.splice(0, count)
    this.#droppedSeq += count
  }
}

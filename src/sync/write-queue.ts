// Between fetching and writing: pages wait here in order, and those that wait are written together.
import type { WalkBatch } from '../mirror/load.ts'

/** Part of a batch; `weight` is in memberships, which are the lightest rows. */
export type WalkPiece = Partial<WalkBatch> & { readonly weight: number }

export interface WriteQueue {
  /** Resolves when the piece is taken in, which is later when writing cannot keep up. Throws what writing threw. */
  push(piece: WalkPiece): Promise<void>
  /** Resolves when everything that was pushed is written. Throws what writing threw. */
  flush(): Promise<void>
  /** Resolves when nothing is being written any more, whatever became of it. */
  settled(): Promise<void>
}

/** What a user or group weighs, who is a kilobyte of JSON. */
export const OBJECT_WEIGHT = 6
/** A transaction holds at most so much: long ones are lost whole by a kill, short ones cost more each. */
const MOST_WRITTEN = 30_000
/** Fetching stops while more than this waits: the bound of memory. */
const MOST_WAITING = 60_000

/** One writer at a time, in the order of the pushes. After a failure nothing more is written. */
export function createWriteQueue(write: (batch: WalkBatch) => Promise<void>): WriteQueue {
  const queue: Queue = { waiting: [], weight: 0, writing: undefined, failure: undefined, awaken: [] }
  const throwFailure = () => {
    if (queue.failure !== undefined) throw queue.failure.error
  }
  const run = async () => {
    while (queue.waiting.length > 0 && queue.failure === undefined) {
      try {
        await write(joined(takeBatch(queue)))
      } catch (error) {
        queue.failure = { error }
      }
      for (const resume of queue.awaken.splice(0)) resume()
    }
    queue.writing = undefined
  }
  const settled = async () => {
    while (queue.writing !== undefined) await queue.writing
  }
  return {
    async push(piece) {
      throwFailure()
      while (queue.weight > MOST_WAITING) {
        await new Promise<void>((resolve) => queue.awaken.push(resolve))
        throwFailure()
      }
      queue.waiting.push(piece)
      queue.weight += piece.weight
      queue.writing ??= run()
    },
    async flush() {
      await settled()
      throwFailure()
    },
    settled,
  }
}

interface Queue {
  waiting: WalkPiece[]
  weight: number
  writing: Promise<void> | undefined
  failure: { readonly error: unknown } | undefined
  /** Those whose push waits for room. */
  readonly awaken: (() => void)[]
}

function takeBatch(queue: Queue): readonly WalkPiece[] {
  let taken = 0
  let count = 0
  for (const piece of queue.waiting) {
    if (taken > 0 && count + piece.weight > MOST_WRITTEN) break
    taken += 1
    count += piece.weight
  }
  const batch = queue.waiting.slice(0, taken)
  queue.waiting = queue.waiting.slice(taken)
  queue.weight -= count
  return batch
}

function joined(pieces: readonly WalkPiece[]): WalkBatch {
  return {
    created: pieces.flatMap((p) => p.created ?? []),
    repeated: pieces.flatMap((p) => p.repeated ?? []),
    groupsToList: pieces.flatMap((p) => p.groupsToList ?? []),
    members: pieces.flatMap((p) => p.members ?? []),
    groupsListed: pieces.flatMap((p) => p.groupsListed ?? []),
    listings: pieces.flatMap((p) => p.listings ?? []),
  }
}

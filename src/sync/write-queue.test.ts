import { describe, expect, it } from 'vitest'
import type { WalkBatch } from '../mirror/load.ts'
import { createWriteQueue, type WalkPiece } from './write-queue.ts'

const piece = (weight: number, listing: string): WalkPiece => ({
  weight,
  listings: [{ listing, link: undefined, done: false }],
})

/** A writer that writes when told to. */
function aWriter() {
  const batches: string[][] = []
  const waiting: PromiseWithResolvers<void>[] = []
  return {
    batches,
    write: (batch: WalkBatch) => {
      batches.push(batch.listings.map((l) => l.listing))
      const pending = Promise.withResolvers<void>()
      waiting.push(pending)
      return pending.promise
    },
    finish: () => waiting.shift()!.resolve(),
    fail: (error: Error) => waiting.shift()!.reject(error),
  }
}

describe('the write queue', () => {
  it('writes pages in order, together those that waited', async () => {
    const writer = aWriter()
    const queue = createWriteQueue(writer.write)

    await queue.push(piece(10, 'a'))
    await queue.push(piece(10, 'b'))
    await queue.push(piece(10, 'c'))
    writer.finish()
    await Promise.resolve()
    const flushed = queue.flush()
    while (writer.batches.length < 2) await Promise.resolve()
    writer.finish()
    await flushed

    expect(writer.batches).toEqual([['a'], ['b', 'c']])
  })

  it('lets nobody push while too much waits', async () => {
    const writer = aWriter()
    const queue = createWriteQueue(writer.write)
    await queue.push(piece(1, 'a'))
    await queue.push(piece(70_000, 'b'))
    let pushed = false
    const pushing = (async () => {
      await queue.push(piece(1, 'c'))
      pushed = true
    })()
    for (let i = 0; i < 20; i += 1) await Promise.resolve()
    expect(pushed).toBe(false)

    writer.finish()
    await pushing

    expect(writer.batches).toEqual([['a'], ['b']])
  })

  it('tells a failure to whoever pushes or flushes, and writes no more', async () => {
    const writer = aWriter()
    const queue = createWriteQueue(writer.write)
    await queue.push(piece(1, 'a'))
    await queue.push(piece(1, 'b'))

    writer.fail(new Error('no room'))

    await expect(queue.flush()).rejects.toThrow('no room')
    await expect(queue.push(piece(1, 'c'))).rejects.toThrow('no room')
    await queue.settled()
    expect(writer.batches).toEqual([['a']])
  })
})

import { describe, expect, it } from 'vitest'
import { createChannel, createTurns, inPool, together } from './tasks.ts'

const open = new AbortController().signal

describe('tasks side by side', () => {
  it('tell the others when one fails, and end when all have ended', async () => {
    const ended: string[] = []
    const running = together(open, [
      () => Promise.reject(new Error('first')),
      async (signal) => {
        await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
        ended.push('second')
        throw new Error('of no interest')
      },
    ])

    await expect(running).rejects.toThrow('first')
    expect(ended).toEqual(['second'])
  })

  it('take each item once, so many at a time', async () => {
    let now = 0
    let most = 0
    const taken: number[] = []
    const items = Array.from({ length: 20 }, (_, i) => i)

    await inPool(open, items, {
      width: 3,
      handle: async (item) => {
        now += 1
        most = Math.max(most, now)
        await Promise.resolve()
        taken.push(item)
        now -= 1
      },
    })

    expect(taken.sort((a, b) => a - b)).toEqual(items)
    expect(most).toBe(3)
  })

  it('go in turns, also after a failure', async () => {
    const inTurn = createTurns()
    const order: string[] = []
    const first = inTurn(async () => {
      await Promise.resolve()
      order.push('first')
      throw new Error('no')
    })
    const second = inTurn(() => Promise.resolve(order.push('second')))

    await expect(first).rejects.toThrow('no')
    await second
    expect(order).toEqual(['first', 'second'])
  })
})

describe('a channel', () => {
  it('hands over what is pushed before and while it is read, and ends', async () => {
    const channel = createChannel<number>()
    channel.push([1, 2])
    const read: number[] = []
    const reading = (async () => {
      for await (const item of channel) read.push(item)
    })()
    for (let i = 0; i < 10; i += 1) await Promise.resolve()
    channel.push([3])
    channel.end()

    await reading
    expect(read).toEqual([1, 2, 3])
  })
})

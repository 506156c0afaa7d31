import { describe, expect, it } from 'vitest'
import { systemClock } from '../base/clock.ts'
import { CancelledError } from '../base/errors.ts'
import { AwayError } from './client.ts'
import { createPatience } from './patience.ts'

const away = () => Promise.reject(new AwayError('server-unreachable', 'away', { retryAfterMs: 50_000 }))

describe('a server that is away', () => {
  it('is not waited for any longer by whoever cancels meanwhile, and is asked nothing more', async () => {
    const cancel = new AbortController()
    let asked = 0
    const waiting = createPatience(systemClock)(() => {
      asked += 1
      return away()
    }, cancel.signal)
    // It waits by now.
    await new Promise((resolve) => setImmediate(resolve))
    cancel.abort(new CancelledError())

    await expect(waiting).rejects.toThrow(CancelledError)
    expect(asked).toBe(1)
  })

  it('is not asked by whoever has cancelled while the answer was under way', async () => {
    const cancel = new AbortController()
    let asked = 0
    const asking = createPatience(systemClock)(() => {
      asked += 1
      cancel.abort(new CancelledError())
      return away()
    }, cancel.signal)

    await expect(asking).rejects.toThrow(CancelledError)
    expect(asked).toBe(1)
  })
})

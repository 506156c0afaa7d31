// Waiting for a server that was killed: whoever shares it starts it again, or it recovers by itself.
import { systemClock } from '../../src/base/clock.ts'
import { RunError } from '../../src/base/errors.ts'
import type { Database } from '../../src/database/connect.ts'

const GIVE_UP_MS = 60_000

/** Does it as soon as the server answers. */
export async function whenServed<T>(work: () => Promise<T>): Promise<T> {
  const since = systemClock.monotonicMs()
  for (;;) {
    try {
      return await work()
    } catch (error) {
      const isAway = error instanceof RunError && error.code === 'database-unavailable'
      if (!isAway || systemClock.monotonicMs() - since > GIVE_UP_MS) throw error
      await systemClock.sleep(50)
    }
  }
}

export async function untilServed(db: Database): Promise<void> {
  await whenServed(() => db.query('select 1'))
}

// Asks a server again that is away for a moment: it is restarted, another one takes its place, or it is asked too much.
import type { Clock } from '../base/clock.ts'
import { CancelledError } from '../base/errors.ts'
import { AwayError } from './client.ts'

/** How soon it is asked again where it does not say. */
const PAUSE_MS = 300
/** How long a server may be away while something is watched. */
const PATIENCE_MS = 60_000

/**
 * Asks a question until it is answered, for a minute at most. The question is one that may be asked twice.
 *
 * @param signal ends the waiting between two questions, where whoever asks has begun nothing that he would have to take back
 */
export type Patiently = <T>(question: () => Promise<T>, signal?: AbortSignal) => Promise<T>

/** A server where nobody has ever answered is not waited for: its address is wrong, or it does not run. */
export function createPatience(clock: Clock): Patiently {
  let wasThere = false
  return async (question, signal) => {
    const since = clock.monotonicMs()
    for (;;) {
      let pauseMs = PAUSE_MS
      try {
        const answer = await question()
        wasThere = true
        return answer
      } catch (error) {
        signal?.throwIfAborted()
        // A server that stops answers what it has begun as cancelled; no other cancelling reaches these questions.
        if (!(error instanceof AwayError || error instanceof CancelledError)) throw error
        if (error instanceof AwayError) {
          if (error.isUnconnected && !wasThere) throw error
          pauseMs = Math.max(PAUSE_MS, error.retryAfterMs)
        }
        if (clock.monotonicMs() - since + pauseMs >= PATIENCE_MS) throw error
        wasThere = true
      }
      await clock.sleep(pauseMs, signal)
    }
  }
}

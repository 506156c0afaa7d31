// Growing pauses between tries of what keeps failing: sources as a whole, and questions about single objects.

const MINUTE_MS = 60_000
const FIRST_PAUSE_MS = 15 * MINUTE_MS
const LONGEST_PAUSE_MS = 24 * 60 * MINUTE_MS
/** A time to come back that is further away is nobody's serious wish, and may not even be a date. */
const LONGEST_WISH_MS = 30 * LONGEST_PAUSE_MS

/** 15 minutes after the first failure, twice as long after each further one, at most a day; in milliseconds. */
export function growingPauseMs(failures: number): number {
  return Math.min(FIRST_PAUSE_MS * 2 ** (failures - 1), LONGEST_PAUSE_MS)
}

/**
 * How long a schedule waits after so many failures in a row, in milliseconds.
 *
 * @param options.random 0 ≤ x < 1: the pause is between 80 and 100 % of its length, so that sources which failed together
 * do not come back together
 * @param options.wishedMs what Microsoft asked for: never less than that
 */
export function pauseMs(
  failures: number,
  { random, wishedMs }: { readonly random: () => number; readonly wishedMs?: number | undefined },
): number {
  return Math.max(growingPauseMs(failures) * (0.8 + 0.2 * random()), Math.min(wishedMs ?? 0, LONGEST_WISH_MS))
}

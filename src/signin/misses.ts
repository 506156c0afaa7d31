// How attempts in vain add up, are forgiven, and make the next one wait. Pure.

/** A rule for one place where attempts are counted. */
export interface MissRule {
  /** Attempts in vain that cost nothing. */
  readonly free: number
  /** Seconds to wait after the first one beyond those; doubled with each further one. */
  readonly firstWait: number
  readonly longestWait: number
  /** Seconds after which one is forgiven. What is tried for long cannot be tried oftener than this. */
  readonly forgiveAfter: number
}

/** What has been tried in vain and is not forgiven yet, as of the last time. */
export interface Misses {
  readonly misses: number
  readonly missedAt: Date | null
}

/** How many are not forgiven now. */
export function standing({ misses, missedAt }: Misses, rule: Pick<MissRule, 'forgiveAfter'>, now: Date): number {
  return Math.max(0, misses - passed(missedAt, now) / rule.forgiveAfter)
}

/** Seconds until the next attempt may be looked at, rounded up; 0: now. */
export function waitOf(misses: Misses, rule: MissRule, now: Date): number {
  const beyond = Math.ceil(standing(misses, rule, now)) - rule.free
  if (beyond < 0) return 0
  const wait = Math.min(rule.longestWait, rule.firstWait * 2 ** Math.min(beyond, 30))
  return Math.max(0, Math.ceil(wait - passed(misses.missedAt, now)))
}

/** Seconds; a clock that was set back must not make anybody wait longer. */
function passed(since: Date | null, now: Date): number {
  return since === null ? Infinity : Math.max(0, now.getTime() - since.getTime()) / 1_000
}

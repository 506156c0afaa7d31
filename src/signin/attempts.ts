// Attempts in vain make the next one wait, longer each time: by account, by address and over all; wrong codes of a second factor by
// account, longer. Kept in the database, so that they count for all servers and outlive a restart. Nobody can lock an account: a browser
// that signed in before is counted by itself, the waits of accounts and of all together stay so short that others get their turn, and
// whom wrong codes keep waiting takes a recovery code or a link of the console.
import type { Queries } from '../database/connect.ts'
import { type Transaction, withTransaction } from '../database/transaction.ts'
import { SlowDownError } from './errors.ts'
import { type Misses, type MissRule, standing, waitOf } from './misses.ts'
import { networkOf } from './network.ts'
import type { SignInParts } from './parts.ts'

export const ATTEMPT_RULES = {
  /** An address, or a browser that signed in before: what an attacker makes wait is himself. */
  own: { free: 5, firstWait: 1, longestWait: 900, forgiveAfter: 900 },
  /** All unknown browsers together that try one account. */
  account: { free: 20, firstWait: 1, longestWait: 10, forgiveAfter: 60 },
  /** All unknown browsers together. */
  overall: { free: 200, firstWait: 1, longestWait: 1, forgiveAfter: 10 },
  /**
   * Codes of an authenticator app, by account. Of a million three are right at a time, so that somebody who has the password and guesses from
   * everywhere may not be let off with short waits. Nobody but him can make the owner wait here.
   */
  codes: { free: 5, firstWait: 30, longestWait: 3_600, forgiveAfter: 3_600 },
} as const satisfies Record<string, MissRule>

/** Who tries. */
export interface Attempt {
  /** The account's name as it counts as equal, or what else is guessed, e.g. `setup`. */
  readonly target: string
  readonly address: string
  /** The mark of a browser that signed in to this account before; undefined otherwise. */
  readonly device: string | undefined
}

/** An attempt that is being looked at, counted already. */
export interface CountedAttempt {
  /**
   * Takes it back as if it had not been, and no other: whoever has an account of his own, or the right password without the code, could
   * buy himself tries with it. Where somebody is let in, in that transaction.
   */
  undo(db: Queries): Promise<void>
}

/**
 * Counts an attempt before it is looked at, so that many at once are counted as many.
 *
 * @throws SlowDownError when it comes too early; it is neither looked at nor counted then
 */
export function countAttempt(parts: SignInParts, attempt: Attempt): Promise<CountedAttempt> {
  return count(parts, bucketsOf(attempt), (wait) => new SlowDownError(wait))
}

/**
 * Counts a code of an authenticator app before it is looked at. To be asked once the password was right: nobody else may make an
 * account wait so long.
 *
 * @throws SlowDownError as {@link countAttempt}
 */
export function countCode(parts: SignInParts, administratorId: number): Promise<CountedAttempt> {
  const why = 'too many codes of this account were wrong; sign in with a recovery code, or by a link from the console'
  const bucket = { name: `codes of ${administratorId}`, rule: ATTEMPT_RULES.codes }
  return count(parts, [bucket], (wait) => new SlowDownError(wait, why))
}

interface Bucket {
  readonly name: string
  readonly rule: MissRule
}

/** Always in this order, so that two attempts do not wait for each other in a circle. */
function bucketsOf({ target, address, device }: Attempt): readonly Bucket[] {
  if (device !== undefined) return [{ name: `device ${device}`, rule: ATTEMPT_RULES.own }]
  return [
    { name: `address ${networkOf(address)}`, rule: ATTEMPT_RULES.own },
    { name: `account ${target}`, rule: ATTEMPT_RULES.account },
    { name: 'overall', rule: ATTEMPT_RULES.overall },
  ]
}

async function count(
  parts: SignInParts,
  buckets: readonly Bucket[],
  refusal: (waitSeconds: number) => SlowDownError,
): Promise<CountedAttempt> {
  const now = parts.clock.now()
  const counted = await withTransaction(
    parts.db,
    async (tx) => {
      const all: Counted[] = []
      for (const { name, rule } of buckets) {
        const one = await countIn(tx, { key: parts.vault.lookup('sign-in attempts', name), rule, now })
        // What was counted in other buckets is rolled back.
        if (typeof one === 'number') throw refusal(one)
        all.push(one)
      }
      return all
    },
    { lockTimeoutMs: 5_000 },
  )
  return {
    async undo(db) {
      for (const one of counted) await takeBack(db, one)
    },
  }
}

interface Counted {
  readonly key: Buffer
  readonly before: Misses
  readonly after: Misses
}

/** @returns for how many seconds it comes too early where it does */
async function countIn(
  tx: Transaction,
  { key, rule, now }: { readonly key: Buffer; readonly rule: MissRule; readonly now: Date },
): Promise<Counted | number> {
  await tx.query(
    `insert into signin_attempts (bucket, failures, last_at) values ($1, 0, $2) on conflict (bucket) do nothing`,
    [key, now],
  )
  const { rows } = await tx.query<Misses>(
    'select failures as misses, last_at as "missedAt" from signin_attempts where bucket = $1 for update',
    [key],
  )
  const before = rows[0] ?? { misses: 0, missedAt: now }
  const wait = waitOf(before, rule, now)
  if (wait > 0) return wait
  const after = { misses: Math.min(mostOf(rule), standing(before, rule, now) + 1), missedAt: now }
  await tx.query('update signin_attempts set failures = $2, last_at = $3 where bucket = $1', [
    key,
    after.misses,
    after.missedAt,
  ])
  return { key, before, after }
}

/** As it was where nobody else counted since; otherwise one less. */
async function takeBack(db: Queries, { key, before, after }: Counted): Promise<void> {
  await db.query(
    `update signin_attempts
        set failures = case when failures = $2::float8 and last_at = $3::timestamptz then $4::float8 else greatest(0, failures - 1) end,
          last_at = case when failures = $2::float8 and last_at = $3::timestamptz then $5::timestamptz else last_at end
      where bucket = $1`,
    [key, after.misses, after.missedAt, before.misses, before.missedAt],
  )
}

/** As many as make the longest wait: more would make somebody wait for days after it is over. */
function mostOf({ free, firstWait, longestWait }: MissRule): number {
  return free + Math.ceil(Math.log2(longestWait / firstWait)) + 1
}

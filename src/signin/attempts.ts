// Attempts in vain make the next one wait, longer each time: by account, by address and over all. Kept in the database, so that they
// count for all servers and outlive a restart. Nobody can lock an account: a browser that signed in before is counted by itself, and
// the waits of accounts and of all together stay so short that others get their turn.
import type { Queries } from '../database/connect.ts'
import { type Transaction, withTransaction } from '../database/transaction.ts'
import { SlowDownError } from './errors.ts'
import { networkOf } from './network.ts'
import type { SignInParts } from './parts.ts'

interface Rule {
  /** Attempts that cost nothing. */
  readonly free: number
  /** Seconds to wait after the first one beyond those; doubled with each further one. */
  readonly firstWait: number
  readonly longestWait: number
}

const RULES = {
  /** An address, or a browser that signed in before: what an attacker makes wait is himself. */
  own: { free: 5, firstWait: 1, longestWait: 900 },
  /** All unknown browsers together that try one account. */
  account: { free: 20, firstWait: 1, longestWait: 10 },
  /** All unknown browsers together. */
  overall: { free: 200, firstWait: 1, longestWait: 1 },
} as const satisfies Record<string, Rule>

/** After so long without an attempt all is forgotten. */
const FORGET_HOURS = 24

/** Who tries. */
export interface Attempt {
  /** The account's name as it counts as equal, or what else is guessed, e.g. `setup`. */
  readonly target: string
  readonly address: string
  /** The mark of a browser that signed in to this account before; undefined otherwise. */
  readonly device: string | undefined
}

/** An attempt that is being looked at. */
export interface CountedAttempt {
  /** Takes it back: it was not in vain. In the transaction that lets somebody in. */
  succeed(tx: Queries): Promise<void>
  /** Takes this one back and leaves what there was before: it was right, and is not all that is asked for. */
  undo(db: Queries): Promise<void>
}

/**
 * Counts an attempt before it is looked at, so that many at once are counted as many.
 *
 * @throws SlowDownError when it comes too early; it is neither looked at nor counted then
 */
export async function countAttempt(parts: SignInParts, attempt: Attempt): Promise<CountedAttempt> {
  const now = parts.clock.now()
  const [own, ...shared] = bucketsOf(parts, attempt)
  await withTransaction(
    parts.db,
    async (tx) => {
      for (const bucket of [own, ...shared]) {
        const wait = await countIn(tx, { ...bucket, now })
        // What was counted in other buckets is rolled back.
        if (wait > 0) throw new SlowDownError(wait)
      }
    },
    { lockTimeoutMs: 5_000 },
  )
  const takeOne = async (db: Queries, { key }: Bucket) =>
    void (await db.query('update signin_attempts set failures = failures - 1 where bucket = $1 and failures > 0', [
      key,
    ]))
  return {
    async succeed(tx) {
      await tx.query('delete from signin_attempts where bucket = $1', [own.key])
      // What others tried stays.
      for (const bucket of shared) await takeOne(tx, bucket)
    },
    async undo(db) {
      for (const bucket of [own, ...shared]) await takeOne(db, bucket)
    },
  }
}

interface Bucket {
  readonly key: Buffer
  readonly rule: Rule
}

/** Always in this order, so that two attempts do not wait for each other in a circle. */
function bucketsOf({ vault }: SignInParts, attempt: Attempt): readonly [Bucket, ...Bucket[]] {
  const key = (text: string) => vault.lookup('sign-in attempts', text)
  if (attempt.device !== undefined) return [{ key: key(`device ${attempt.device}`), rule: RULES.own }]
  return [
    { key: key(`address ${networkOf(attempt.address)}`), rule: RULES.own },
    { key: key(`account ${attempt.target}`), rule: RULES.account },
    { key: key('overall'), rule: RULES.overall },
  ]
}

/** @returns for how many seconds it comes too early; 0: counted */
async function countIn(tx: Transaction, { key, rule, now }: Bucket & { readonly now: Date }): Promise<number> {
  await tx.query(
    `insert into signin_attempts (bucket, failures, last_at) values ($1, 0, $2) on conflict (bucket) do nothing`,
    [key, now],
  )
  const { rows } = await tx.query<{ failures: number; last_at: Date }>(
    'select failures, last_at from signin_attempts where bucket = $1 for update',
    [key],
  )
  const { failures, last_at: lastAt } = rows[0] ?? { failures: 0, last_at: now }
  // A clock that was set back must not make anybody wait longer.
  const passed = Math.max(0, now.getTime() - lastAt.getTime())
  const isForgotten = passed > FORGET_HOURS * 3_600_000
  const wait = isForgotten ? 0 : waitAfter(failures, rule) * 1_000 - passed
  if (wait > 0) return Math.ceil(wait / 1_000)
  await tx.query('update signin_attempts set failures = $2, last_at = $3 where bucket = $1', [
    key,
    isForgotten ? 1 : failures + 1,
    now,
  ])
  return 0
}

/** Seconds between an attempt and the next one, after so many in vain. */
function waitAfter(failures: number, { free, firstWait, longestWait }: Rule): number {
  return failures < free ? 0 : Math.min(longestWait, firstWait * 2 ** Math.min(failures - free, 30))
}

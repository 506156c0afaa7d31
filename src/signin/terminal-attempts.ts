// Attempts in vain at terminals: by terminal, by user there and at all of them, over all. Kept in the database, so that they count for all servers and outlive
// a restart; how they add up is in misses.ts and terminal-misses.ts.
import type { Queries } from '../database/connect.ts'
import { type Transaction, withTransaction } from '../database/transaction.ts'
import { SlowDownError } from './errors.ts'
import { type Misses, type MissRule, standing, waitOf } from './misses.ts'
import type { SignInParts } from './parts.ts'
import { TOLD_FROM_WAIT_SECONDS, tellGuessing } from './terminal-guessing.ts'
import { type MissKind, OVERALL_RULES, ruleOf } from './terminal-misses.ts'

/** Key of the bucket over all terminals; tells nothing, so that it is no digest. */
export function overallBucket(kind: MissKind): Buffer {
  return Buffer.from(`overall ${kind}`)
}

/** An attempt that is being looked at, counted already. */
export interface CountedMiss {
  /** Takes it back as if it had not been. */
  succeed(): Promise<void>
  /** Counts it over all terminals too, and tells administrators where it is no mistake any more. */
  fail(): Promise<void>
}

/** Whom an attempt is about, and how misses about him add up: of each bucket by itself. */
export type CountedUser = readonly { readonly bucket: string; readonly rule: MissRule }[]

/**
 * Counts an attempt before it is looked at, so that many at once are counted as many.
 *
 * @param attempt.user where it is said whom it is about; in the same order in all attempts
 * @throws SlowDownError when it comes too early; it is neither looked at nor counted then
 */
export async function countAttempt(
  parts: SignInParts,
  attempt: {
    readonly terminalId: number
    readonly kind: MissKind
    readonly user?: CountedUser
  },
): Promise<CountedMiss> {
  const { terminalId, kind, user = [] } = attempt
  const now = parts.clock.now()
  const counted = await withTransaction(
    parts.db,
    async (tx) => {
      const rule = ruleOf(kind, await readBucket(tx, overallBucket(kind)), now)
      const before = await readTerminal(tx, { terminalId, kind })
      const ofTerminal = add(before, rule, now)
      await writeTerminal(tx, { terminalId, kind, to: ofTerminal })
      const ofUser: CountedBucket[] = []
      // What was counted before is rolled back where one of them throws.
      for (const { bucket, rule: userRule } of user)
        ofUser.push(await countIn(tx, { bucket: parts.vault.lookup('terminal attempts', bucket), rule: userRule, now }))
      return { rule, before, ofTerminal, ofUser }
    },
    { lockTimeoutMs: 5_000 },
  )
  return {
    async succeed() {
      const { before, ofTerminal, ofUser } = counted
      await withTransaction(parts.db, async (tx) => {
        await tx.query(
          `update terminals set ${restored(kind === 'card' ? 'card_misses' : 'secret_misses', kind === 'card' ? 'card_missed_at' : 'secret_missed_at')}
           where id = $1`,
          [terminalId, ...values(ofTerminal), ...values(before)],
        )
        for (const one of ofUser) {
          await tx.query(`update terminal_misses set ${restored('misses', 'missed_at')} where bucket = $1`, [
            one.bucket,
            ...values(one.after),
            ...values(one.before),
          ])
        }
      })
    },
    async fail() {
      const { rule, ofTerminal } = counted
      if (waitOf(ofTerminal, rule, now) >= TOLD_FROM_WAIT_SECONDS)
        await tellGuessing(parts, { terminalId, kind, misses: Math.ceil(ofTerminal.misses) })
      await addOverall(parts, kind)
    },
  }
}

interface CountedBucket {
  readonly bucket: Buffer
  readonly before: Misses
  readonly after: Misses
}

/** @throws SlowDownError */
async function countIn(
  tx: Transaction,
  { bucket, rule, now }: { readonly bucket: Buffer; readonly rule: MissRule; readonly now: Date },
): Promise<CountedBucket> {
  await tx.query(
    `insert into terminal_misses (bucket, misses, missed_at) values ($1, 0, $2) on conflict (bucket) do nothing`,
    [bucket, now],
  )
  const before = await readBucket(tx, bucket, 'for update')
  const after = add(before, rule, now)
  await tx.query('update terminal_misses set misses = $2, missed_at = $3 where bucket = $1', [bucket, ...values(after)])
  return { bucket, before, after }
}

/** Counts a card that nobody has, after it was looked up. */
export async function addCardMiss(
  parts: SignInParts,
  { terminalId, rule }: { readonly terminalId: number; readonly rule: MissRule },
): Promise<void> {
  await parts.db.query(
    `update terminals set card_misses = ${forgiven('card_misses', 'card_missed_at')} + 1, card_missed_at = greatest(card_missed_at, $2)
     where id = $1`,
    [terminalId, parts.clock.now(), rule.forgiveAfter],
  )
  await addOverall(parts, 'card')
}

async function addOverall(parts: SignInParts, kind: MissKind): Promise<void> {
  const { db, clock } = parts
  const { rows } = await db.query<{ misses: number }>(
    `insert into terminal_misses as m (bucket, misses, missed_at) values ($1, 1, $2)
     on conflict (bucket) do update
       set misses = ${forgiven('m.misses', 'm.missed_at')} + 1, missed_at = greatest(m.missed_at, excluded.missed_at)
     returning m.misses`,
    [overallBucket(kind), clock.now(), OVERALL_RULES[kind].forgiveAfter],
  )
  const misses = rows[0]?.misses ?? 0
  if (misses > OVERALL_RULES[kind].free)
    await tellGuessing(parts, { terminalId: null, kind, misses: Math.ceil(misses) })
}

/** @throws SlowDownError */
function add(before: Misses, rule: MissRule, now: Date): Misses {
  const wait = waitOf(before, rule, now)
  if (wait > 0) throw slowDown(wait)
  return { misses: standing(before, rule, now) + 1, missedAt: now }
}

export function slowDown(seconds: number): SlowDownError {
  return new SlowDownError(seconds, 'this terminal, or this user, was tried in vain too often')
}

const values = ({ misses, missedAt }: Misses) => [misses, missedAt] as const

/** SQL: how many are not forgiven at `$2`, where one is every `$3` seconds. */
function forgiven(misses: string, at: string): string {
  return `greatest(0, ${misses} - coalesce(greatest(0, extract(epoch from $2::timestamptz - ${at})), 0) / $3::float8)`
}

/** SQL: as it was before (`$4`, `$5`) where nobody else counted since (`$2`, `$3`); otherwise one less. */
function restored(misses: string, at: string): string {
  const isOurs = `${misses} = $2::float8 and ${at} = $3::timestamptz`
  return `${misses} = case when ${isOurs} then $4::float8 else greatest(0, ${misses} - 1) end,
    ${at} = case when ${isOurs} then $5::timestamptz else ${at} end`
}

interface MissesRow {
  readonly misses: number
  readonly missed_at: Date | null
}

async function readBucket(tx: Queries, bucket: Buffer, lock = ''): Promise<Misses> {
  const { rows } = await tx.query<MissesRow>(
    `select misses, missed_at from terminal_misses where bucket = $1 ${lock}`,
    [bucket],
  )
  return parseMisses(rows[0])
}

async function readTerminal(
  tx: Transaction,
  of: { readonly terminalId: number; readonly kind: MissKind },
): Promise<Misses> {
  const { rows } = await tx.query<MissesRow>(
    of.kind === 'card'
      ? 'select card_misses as misses, card_missed_at as missed_at from terminals where id = $1 for update'
      : 'select secret_misses as misses, secret_missed_at as missed_at from terminals where id = $1 for update',
    [of.terminalId],
  )
  return parseMisses(rows[0])
}

async function writeTerminal(
  tx: Transaction,
  { terminalId, kind, to }: { readonly terminalId: number; readonly kind: MissKind; readonly to: Misses },
): Promise<void> {
  await tx.query(
    kind === 'card'
      ? 'update terminals set card_misses = $2, card_missed_at = $3 where id = $1'
      : 'update terminals set secret_misses = $2, secret_missed_at = $3 where id = $1',
    [terminalId, ...values(to)],
  )
}

function parseMisses(row: MissesRow | undefined): Misses {
  return { misses: row?.misses ?? 0, missedAt: row?.missed_at ?? null }
}

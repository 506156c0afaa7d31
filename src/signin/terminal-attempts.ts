// Attempts in vain at terminals: by terminal, by name there and at all of them, over all. Kept in the database, so that they count for all servers and outlive
// a restart; how they add up is in misses.ts and terminal-misses.ts.
import type { Queries } from '../database/connect.ts'
import { type Transaction, withTransaction } from '../database/transaction.ts'
import { SlowDownError } from './errors.ts'
import { type Misses, type MissRule, standing, waitOf } from './misses.ts'
import type { SignInParts } from './parts.ts'
import type { TerminalMemory } from './terminal-memory.ts'
import { TOLD_FROM_WAIT_SECONDS, tellGuessing } from './terminal-guessing.ts'
import { type MissKind, OVERALL_RULES, PIN_CEILING, ruleOf } from './terminal-misses.ts'

/** Key of the bucket over all terminals; tells nothing, so that it is no digest. */
export function overallBucket(kind: MissKind): Buffer {
  return Buffer.from(`overall ${kind}`)
}

/** Of PINs alone over all terminals. */
const PINS_EVERYWHERE = Buffer.from('overall pin')

export interface CountingParts extends SignInParts {
  readonly terminals: Pick<TerminalMemory, 'inTurn'>
}

/** An attempt that is being looked at, counted already. */
export interface CountedMiss {
  /** Takes it back as if it had not been. */
  succeed(): Promise<void>
  /** Counts it over all terminals too, and tells administrators where it is no mistake any more. */
  fail(): Promise<void>
}

/** Somebody or nobody whom an attempt is about, by what was typed beside it. */
export interface CountedUser {
  readonly bucket: string
  /** At one terminal; undefined: as for PINs. */
  readonly atTerminal?: MissRule
  /** At all terminals together. */
  readonly overall: MissRule
}

export interface Attempt {
  readonly terminalId: number
  /** A card or a PIN alone, or something beside a name. */
  readonly shown: 'card' | 'pin' | CountedUser
}

interface Counted {
  /** Whose next wait tells that somebody goes on. */
  readonly told: readonly { readonly rule: MissRule; readonly after: Misses }[]
  /** Of cards and PINs alone, which are counted with the terminal. */
  readonly ofTerminal: { readonly counter: 'card' | 'pin'; readonly before: Misses; readonly after: Misses } | undefined
  readonly buckets: readonly CountedBucket[]
}

/**
 * Counts an attempt before it is looked at, so that many at once are counted as many.
 *
 * @throws SlowDownError when it comes too early; it is neither looked at nor counted then
 */
export async function countAttempt(parts: CountingParts, attempt: Attempt): Promise<CountedMiss> {
  const { terminalId, shown } = attempt
  const now = parts.clock.now()
  const kind = shown === 'card' ? 'card' : 'secret'
  const counted = await parts.terminals.inTurn(terminalId, () =>
    withTransaction(
      parts.db,
      (tx) =>
        typeof shown === 'string'
          ? countWithTerminal(tx, { terminalId, counter: shown, now })
          : countWithName(parts, tx, { terminalId, user: shown, now }),
      { lockTimeoutMs: 5_000 },
    ),
  )
  return {
    succeed: () =>
      parts.terminals.inTurn(terminalId, () => withTransaction(parts.db, (tx) => takeBack(tx, terminalId, counted)), {
        isGoingOn: true,
      }),
    async fail() {
      for (const { rule, after } of counted.told) {
        if (waitOf(after, rule, now) < TOLD_FROM_WAIT_SECONDS) continue
        await tellGuessing(parts, { terminalId, kind, misses: Math.ceil(after.misses) })
        break
      }
      await addOverall(parts, kind)
      if (shown === 'pin') await addMiss(parts, PINS_EVERYWHERE, PIN_CEILING)
    },
  }
}

async function countWithTerminal(
  tx: Transaction,
  { terminalId, counter, now }: { readonly terminalId: number; readonly counter: 'card' | 'pin'; readonly now: Date },
): Promise<Counted> {
  const overall = await readBucket(tx, overallBucket(counter === 'card' ? 'card' : 'secret'))
  const pins = counter === 'pin' ? await readBucket(tx, PINS_EVERYWHERE) : undefined
  const rule = ruleOf(counter, { overall, ...(pins === undefined ? {} : { pins }) }, now)
  const before = await readTerminal(tx, { terminalId, counter })
  const after = add(before, rule, now)
  await writeTerminal(tx, { terminalId, counter, to: after })
  return { told: [{ rule, after }], ofTerminal: { counter, before, after }, buckets: [] }
}

/** In the same order always, so that two attempts do not wait for each other in a circle. What was counted before one that throws is rolled back. */
async function countWithName(
  { vault }: SignInParts,
  tx: Transaction,
  { terminalId, user, now }: { readonly terminalId: number; readonly user: CountedUser; readonly now: Date },
): Promise<Counted> {
  const overall = await readBucket(tx, overallBucket('secret'))
  const countBy = (bucket: string, rule: MissRule) =>
    countIn(tx, { bucket: vault.lookup('terminal attempts', bucket), rule, now })
  const ruleOfAll = ruleOf('named', { overall }, now)
  const ruleThere = user.atTerminal ?? ruleOf('user', { overall }, now)
  const all = await countBy(`named at ${terminalId}`, ruleOfAll)
  const there = await countBy(`${user.bucket} at ${terminalId}`, ruleThere)
  const everywhere = await countBy(user.bucket, user.overall)
  const told = [{ rule: ruleOfAll, after: all.after }]
  // Whose waits are long from the first one says nothing yet with it.
  if (user.atTerminal === undefined) told.push({ rule: ruleThere, after: there.after })
  return { told, ofTerminal: undefined, buckets: [all, there, everywhere] }
}

async function takeBack(tx: Transaction, terminalId: number, { ofTerminal, buckets }: Counted): Promise<void> {
  if (ofTerminal !== undefined) {
    const [misses, missedAt] = COLUMNS[ofTerminal.counter]
    await tx.query(`update terminals set ${restored(misses, missedAt)} where id = $1`, [
      terminalId,
      ...values(ofTerminal.after),
      ...values(ofTerminal.before),
    ])
  }
  for (const one of buckets) {
    await tx.query(`update terminal_misses set ${restored('misses', 'missed_at')} where bucket = $1`, [
      one.bucket,
      ...values(one.after),
      ...values(one.before),
    ])
  }
}

const COLUMNS = {
  card: ['card_misses', 'card_missed_at'],
  pin: ['secret_misses', 'secret_missed_at'],
} as const satisfies Record<'card' | 'pin', readonly [string, string]>

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
  parts: CountingParts,
  { terminalId, rule }: { readonly terminalId: number; readonly rule: MissRule },
): Promise<void> {
  await parts.terminals.inTurn(
    terminalId,
    () =>
      parts.db.query(
        `update terminals set card_misses = ${forgiven('card_misses', 'card_missed_at')} + 1, card_missed_at = greatest(card_missed_at, $2)
       where id = $1`,
        [terminalId, parts.clock.now(), rule.forgiveAfter],
      ),
    { isGoingOn: true },
  )
  await addOverall(parts, 'card')
}

async function addOverall(parts: SignInParts, kind: MissKind): Promise<void> {
  const rule = OVERALL_RULES[kind]
  const misses = await addMiss(parts, overallBucket(kind), rule)
  if (misses > rule.free) await tellGuessing(parts, { terminalId: null, kind, misses: Math.ceil(misses) })
}

/** @returns how many are not forgiven */
async function addMiss(
  { db, clock }: SignInParts,
  bucket: Buffer,
  rule: { readonly forgiveAfter: number; readonly most?: number },
): Promise<number> {
  const { rows } = await db.query<{ misses: number }>(
    `insert into terminal_misses as m (bucket, misses, missed_at) values ($1, 1, $2)
     on conflict (bucket) do update
       set misses = least($4::float8, ${forgiven('m.misses', 'm.missed_at')} + 1), missed_at = greatest(m.missed_at, excluded.missed_at)
     returning m.misses`,
    [bucket, clock.now(), rule.forgiveAfter, rule.most ?? 'Infinity'],
  )
  return rows[0]?.misses ?? 0
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
  of: { readonly terminalId: number; readonly counter: 'card' | 'pin' },
): Promise<Misses> {
  const [misses, missedAt] = COLUMNS[of.counter]
  const { rows } = await tx.query<MissesRow>(
    `select ${misses} as misses, ${missedAt} as missed_at from terminals where id = $1 for update`,
    [of.terminalId],
  )
  return parseMisses(rows[0])
}

async function writeTerminal(
  tx: Transaction,
  { terminalId, counter, to }: { readonly terminalId: number; readonly counter: 'card' | 'pin'; readonly to: Misses },
): Promise<void> {
  const [misses, missedAt] = COLUMNS[counter]
  await tx.query(`update terminals set ${misses} = $2, ${missedAt} = $3 where id = $1`, [terminalId, ...values(to)])
}

function parseMisses(row: MissesRow | undefined): Misses {
  return { misses: row?.misses ?? 0, missedAt: row?.missed_at ?? null }
}

// Tells administrators that somebody is guessing at a terminal, or at all of them: once an hour each, as an alert and in the audit.
import type { GuessingAlert } from '../alerts/alert.ts'
import { isRaised, listRaised, raiseAlert } from '../alerts/outbox.ts'
import type { Queries } from '../database/connect.ts'
import { withTransaction } from '../database/transaction.ts'
import { recordAudit } from '../registry/audit.ts'
import type { SignInParts } from './parts.ts'
import type { MissKind } from './terminal-misses.ts'

/** Whose next try has to wait for so long goes on although he was made to wait: that is no mistyping any more. */
export const TOLD_FROM_WAIT_SECONDS = 30
const HOUR_MS = 3_600_000
/** So long it concerns whoever looks at the overview. */
const CONCERNS_MS = 24 * HOUR_MS

export interface Guessed {
  /** Null: over all terminals. */
  readonly terminalId: number | null
  readonly kind: MissKind
  /** Tried in vain and not forgiven. */
  readonly misses: number
}

/** Costs one short look while it goes on. */
export async function tellGuessing(parts: SignInParts, { terminalId, kind, misses }: Guessed): Promise<void> {
  const { db, clock } = parts
  const now = clock.now()
  const key = `guessing:${terminalId ?? 'all'}:${kind}:${Math.floor(now.getTime() / HOUR_MS)}`
  // An insert that meets a conflict would use up a number of the table, thousands a second in a storm.
  if (await isRaised(db, key)) return
  await withTransaction(db, async (tx) => {
    const terminal = terminalId === null ? null : await nameOf(tx, terminalId)
    const facts: GuessingAlert = { kind: 'guessing', terminal, tried: kind, misses }
    if (!(await raiseAlert(tx, { key, facts }, now))) return
    const actor =
      terminal === null || terminalId === null
        ? ({ kind: 'nobody', name: 'nobody' } as const)
        : ({ kind: 'terminal', name: terminal, id: terminalId } as const)
    const subject = terminal === null ? null : `terminal ${terminal}`
    await recordAudit(tx, parts, { actor, action: 'terminal.guessed', subject, details: { tried: kind, misses } })
  })
}

async function nameOf(tx: Queries, terminalId: number): Promise<string | null> {
  const { rows } = await tx.query<{ name: string }>('select name from terminals where id = $1', [terminalId])
  return rows[0]?.name ?? null
}

/** What was told within a day, one line for each terminal and kind, the latest first. */
export async function listGuessing(db: Queries, now: Date): Promise<readonly (GuessingAlert & { raisedAt: Date })[]> {
  const raised = await listRaised(db, 'guessing', new Date(now.getTime() - CONCERNS_MS))
  const latest = new Map(raised.map((one) => [JSON.stringify([one.facts.terminal, one.facts.tried]), one]))
  return [...latest.values()].map(({ facts, raisedAt }) => ({ ...facts, raisedAt })).toReversed()
}

// Tells administrators that somebody has the password of a local account and tries codes of its second factor: as an alert and in the
// audit, once a day for each account, and on the overview for a day.
import { isRaised, listRaised, raiseAlert } from '../alerts/outbox.ts'
import type { Queries } from '../database/connect.ts'
import { withTransaction } from '../database/transaction.ts'
import { recordAudit } from '../registry/audit.ts'
import type { SignInParts } from './parts.ts'

/** So many are not mistyped any more. One is forgiven a day, and none by a right code: the owner goes on while somebody guesses. */
const TOLD_FROM = 10
const DAY_MS = 86_400_000

/** A local account. */
export interface CodeOwner {
  readonly id: number
  readonly name: string
}

/** To be asked after a right password and a wrong code, wherever that was. */
export async function noteWrongCode(parts: SignInParts, { id, name }: CodeOwner): Promise<void> {
  const { db, clock } = parts
  const now = clock.now()
  const { rows } = await db.query<{ wrong: number }>(
    `update second_factors
        set wrong_at = greatest(wrong_at, $2), wrong_codes = 1 + greatest(0, wrong_codes
          - coalesce(greatest(0, extract(epoch from $2::timestamptz - wrong_at)), 0) / $3::float8)
      where administrator_id = $1 and confirmed_at is not null
      returning wrong_codes as wrong`,
    [id, now, DAY_MS / 1_000],
  )
  const wrong = Math.ceil(rows[0]?.wrong ?? 0)
  if (wrong < TOLD_FROM) return
  const key = `codes:${id}:${Math.floor(now.getTime() / DAY_MS)}`
  if (await isRaised(db, key)) return
  await withTransaction(db, async (tx) => {
    if (!(await raiseAlert(tx, { key, facts: { kind: 'codes', account: id, wrong } }, now))) return
    const actor = { kind: 'nobody', name: 'nobody' } as const
    const subject = `administrator ${name}`
    await recordAudit(tx, parts, { actor, action: 'second-factor.guessed', subject, details: { wrong } })
  })
}

/** Names of the accounts that were told of within a day. */
export async function listCodesTried(db: Queries, now: Date): Promise<readonly string[]> {
  const raised = await listRaised(db, 'codes', new Date(now.getTime() - DAY_MS))
  const { rows } = await db.query<{ name: string }>(
    'select name from administrators where id = any($1) order by name_key',
    [raised.map(({ facts }) => facts.account)],
  )
  return rows.map(({ name }) => name)
}

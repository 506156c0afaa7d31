// Codes that work once: for making the first administrator, and for signing in by a link that the console has shown.
import type { Queries } from '../database/connect.ts'
import { NotFoundError } from '../base/errors.ts'
import { canonicalName } from './accounts.ts'
import { SignInError } from './errors.ts'
import type { SignInParts } from './parts.ts'
import { digestOf, drawToken } from './random.ts'

const VALID_MS = 30 * 60_000

/**
 * A code that makes the first administrator, for 30 minutes. For the console alone.
 *
 * @returns undefined where there has been an administrator: there is no other way in then
 */
export async function issueSetupCode(parts: SignInParts): Promise<string | undefined> {
  return (await isSetUp(parts.db)) ? undefined : issue(parts, null)
}

/** A code that signs an account in once, within 30 minutes. For the console alone. @throws NotFoundError */
export async function issueSignInCode(parts: SignInParts, name: string): Promise<string> {
  const { rows } = await parts.db.query<{ id: number }>(
    'select id from administrators where name_key = $1 and enabled',
    [canonicalName(name)],
  )
  const found = rows[0]
  if (found === undefined) throw new NotFoundError('administrator', name)
  return issue(parts, found.id)
}

async function issue({ db, clock }: SignInParts, administratorId: number | null): Promise<string> {
  const code = drawToken()
  const now = clock.now()
  await db.query('delete from one_time_codes where expires_at < $1', [now])
  await db.query('insert into one_time_codes (digest, administrator_id, expires_at) values ($1, $2, $3)', [
    digestOf(code),
    administratorId,
    new Date(now.getTime() + VALID_MS),
  ])
  return code
}

/** Whether there has ever been an administrator. */
export async function isSetUp(db: Queries): Promise<boolean> {
  const { rows } = await db.query<{ done: boolean }>('select done_at is not null as done from setup')
  return rows[0]?.done ?? false
}

/**
 * Uses a code up; of several at once one gets it.
 *
 * @returns whose it is; null: for the first administrator
 * @throws SignInError `code-invalid`
 */
export async function useCode(
  tx: Queries,
  { code, kind, now }: { readonly code: string; readonly kind: 'setup' | 'sign-in'; readonly now: Date },
): Promise<number | null> {
  const { rows } = await tx.query<{ administrator_id: number | null }>(
    `delete from one_time_codes where digest = $1 and expires_at > $2 and (administrator_id is null) = $3
     returning administrator_id`,
    [digestOf(code), now, kind === 'setup'],
  )
  const used = rows[0]
  if (used === undefined) {
    throw new SignInError(
      'code-invalid',
      'This link does not work: it works once and for 30 minutes; have another one printed',
    )
  }
  return used.administrator_id
}

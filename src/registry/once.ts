// What was answered to requests that carried a key, so that a repeated one is not done twice.
import type { Queries } from '../database/connect.ts'

/** After so long an unfinished first request is not waited for: its server died. */
const LONGEST_MS = 15 * 60_000
const KEPT_MS = 24 * 3_600_000

interface Place {
  readonly actor: string
  readonly key: string
}

export type Begun =
  | { readonly kind: 'first' }
  | { readonly kind: 'answered'; readonly answer: unknown }
  | { readonly kind: 'another' | 'running' | 'unknown' }

/** Takes the place of a first request, or tells what became of it. */
export async function beginOnce(
  db: Queries,
  { actor, key, request, now }: Place & { readonly request: Buffer; readonly now: Date },
): Promise<Begun> {
  await db.query('delete from idempotency_keys where actor = $1 and key = $2 and began_at < $3', [
    actor,
    key,
    new Date(now.getTime() - KEPT_MS),
  ])
  const made = await db.query(
    `insert into idempotency_keys (actor, key, request, began_at) values ($1, $2, $3, $4)
     on conflict (actor, key) do nothing`,
    [actor, key, request, now],
  )
  if (made.rowCount === 1) return { kind: 'first' }
  const { rows } = await db.query<{ request: Buffer; began_at: Date; answer: string | null }>(
    'select request, began_at, answer from idempotency_keys where actor = $1 and key = $2',
    [actor, key],
  )
  const found = rows[0]
  // It failed just now.
  if (found === undefined) return { kind: 'running' }
  if (!found.request.equals(request)) return { kind: 'another' }
  if (found.answer !== null) return { kind: 'answered', answer: JSON.parse(found.answer) }
  return { kind: now.getTime() - found.began_at.getTime() > LONGEST_MS ? 'unknown' : 'running' }
}

export async function endOnce(
  db: Queries,
  { actor, key, answer }: Place & { readonly answer: unknown },
): Promise<void> {
  await db.query('update idempotency_keys set answer = $3, status = 200 where actor = $1 and key = $2', [
    actor,
    key,
    JSON.stringify(answer ?? null),
  ])
}

/** It is not known what became of it: whoever sends it again is told so at once. */
export async function doubtOnce(db: Queries, { actor, key, now }: Place & { readonly now: Date }): Promise<void> {
  await db.query('update idempotency_keys set began_at = $3 where actor = $1 and key = $2', [
    actor,
    key,
    new Date(now.getTime() - LONGEST_MS - 1),
  ])
}

export async function forgetOnce(db: Queries, { actor, key }: Place): Promise<void> {
  await db.query('delete from idempotency_keys where actor = $1 and key = $2', [actor, key])
}

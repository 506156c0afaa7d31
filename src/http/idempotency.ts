// A repeated request gives the first answer once more instead of doing it twice (E21): for whoever does not know whether his request
// arrived. https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/
import type { FastifyRequest } from 'fastify'
import { BusyError, ConfigError, ConflictError, RunError } from '../base/errors.ts'
import { noteCommits } from '../database/transaction.ts'
import type { Actor } from '../registry/audit.ts'
import { beginOnce, doubtOnce, endOnce, forgetOnce } from '../registry/once.ts'
import type { Engine } from '../sync/engine.ts'
import { HttpError } from './problem.ts'

/** The header, where it was sent. @throws HttpError `idempotency-key` */
export function readIdempotencyKey(request: FastifyRequest): string | undefined {
  const key = request.headers['idempotency-key']
  if (key === undefined) return undefined
  if (typeof key === 'string' && /^[\x21-\x7e]{1,200}$/.test(key)) return key
  throw new HttpError(400, 'idempotency-key', { message: 'Idempotency-Key must be 1 to 200 visible characters' })
}

/** @throws HttpError `idempotency-unsupported`: whoever sends one relies on it when he sends the request again */
export function refuseIdempotencyKey(request: FastifyRequest): void {
  if (request.method !== 'POST' || request.headers['idempotency-key'] === undefined) return
  throw new HttpError(400, 'idempotency-unsupported', {
    message:
      'This endpoint keeps no Idempotency-Key; send the request without, and look what became of it before sending it again',
  })
}

/**
 * Does `work`, or answers what it answered when the same actor sent the same key before.
 *
 * @param options.asked everything that was asked: another request under the same key is a mistake
 * @throws HttpError `idempotency-reused` (422), `idempotency-running`, `idempotency-unknown` (409); what `work` throws
 */
export async function doOnce(
  engine: Pick<Engine, 'db' | 'vault' | 'clock'>,
  options: { readonly actor: Actor; readonly key: string; readonly asked: readonly unknown[] },
  work: () => Promise<unknown>,
): Promise<unknown> {
  const { db, vault, clock } = engine
  const request = vault.lookup('idempotency', JSON.stringify(options.asked))
  const place = { actor: `${options.actor.kind} ${options.actor.id ?? options.actor.name}`, key: options.key }
  const begun = await beginOnce(db, { ...place, request, now: clock.now() })
  switch (begun.kind) {
    case 'answered':
      return begun.answer
    case 'another':
      throw new HttpError(422, 'idempotency-reused', {
        message: 'This Idempotency-Key was sent with another request; take a new one for each thing that is to be done',
      })
    case 'running':
      throw new HttpError(409, 'idempotency-running', {
        message: 'The first request with this Idempotency-Key is still being done; ask again in a moment',
        headers: { 'retry-after': '2' },
      })
    case 'unknown':
      throw new HttpError(409, 'idempotency-unknown', {
        message:
          'It is not known whether the first request with this Idempotency-Key was done; look, and take another key',
      })
    case 'first':
      break
    default:
      begun satisfies never
  }
  const done = await noteCommits(work)
  if ('error' in done) {
    // Nothing was done, so it may be tried again; but where it was, or that is not known, it may not.
    const { error } = done
    const isUnknown = error instanceof RunError && error.code === 'commit-unknown'
    if (isUnknown || (done.hasCommitted && !isRefusal(error))) await doubtOnce(db, { ...place, now: clock.now() })
    else await forgetOnce(db, place)
    throw error
  }
  const answer = done.value
  await endOnce(db, { ...place, answer })
  return answer
}

/** Said instead of doing it; what was written then is about the try. */
function isRefusal(error: unknown): boolean {
  return (
    error instanceof BusyError ||
    error instanceof ConflictError ||
    error instanceof ConfigError ||
    error instanceof HttpError
  )
}

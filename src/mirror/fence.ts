// Writing to the mirror: only by the run that owns the source.
import { RunError } from '../base/errors.ts'
import type { Database } from '../database/connect.ts'
import { type Transaction, withTransaction } from '../database/transaction.ts'

/** The source, and the fence that this run was given when it took the source. */
export interface Owner {
  readonly sourceId: number
  readonly fence: number
}

/**
 * One transaction that writes the mirror of a source, all or nothing. The source's row stays locked against a new
 * fence until it ends, so a run that lost its source can never commit (SPEC S8).
 *
 * With a signal the running statement is cancelled when it aborts: for transactions that may be long.
 *
 * @throws RunError `fence-lost` when another run has taken the source, or the source is gone
 */
export async function writeMirror<T>(
  db: Database,
  owner: Owner & { readonly signal?: AbortSignal },
  work: (tx: Transaction) => Promise<T>,
): Promise<T> {
  const { sourceId, fence, signal } = owner
  return withTransaction(
    db,
    async (tx) => {
      const held = await tx.query('select 1 from sources where id = $1 and fence = $2 for share', [sourceId, fence])
      if (held.rowCount !== 1) {
        throw new RunError('fence-lost', 'Another run has taken over this source; nothing more was written by this one')
      }
      return work(tx)
    },
    { signal },
  )
}

// Transactions: all or nothing, and the caller knows which of the two it was.
import { AsyncLocalStorage } from 'node:async_hooks'
import type { PoolClient } from 'pg'
import type { Clock } from '../base/clock.ts'
import { InvariantError, RunError } from '../base/errors.ts'
import { type Database, kyselyOver, type Queries } from './connect.ts'
import { isUnavailable, sqlState, translate, translated } from './unavailable.ts'

/** One open transaction. `client` is its session, for COPY and cursors; do not begin, commit or release on it. */
export interface Transaction extends Queries {
  readonly client: PoolClient
}

export interface TransactionOptions {
  /** `read committed` by default. */
  readonly isolation?: 'read committed' | 'repeatable read' | 'serializable'
  readonly readOnly?: boolean
  readonly lockTimeoutMs?: number
  readonly statementTimeoutMs?: number
  /** When it aborts before the commit, the server ends the session at once and nothing is written. */
  readonly signal?: AbortSignal | undefined
}

const noting = new AsyncLocalStorage<{ commits: number }>()

/**
 * Runs `work` and tells, also where it throws, whether a transaction that may write was committed meanwhile in it: then not all of it
 * is undone.
 */
export async function noteCommits<T>(
  work: () => Promise<T>,
): Promise<{ readonly hasCommitted: boolean } & ({ readonly value: T } | { readonly error: unknown })> {
  const noted = { commits: 0 }
  try {
    const value = await noting.run(noted, work)
    return { hasCommitted: noted.commits > 0, value }
  } catch (error) {
    return { hasCommitted: noted.commits > 0, error }
  }
}

/**
 * Runs `work` in a transaction; commits when it returns, rolls back when it throws.
 *
 * @throws whatever `work` throws; the signal's reason; RunError `database-unavailable` when the server went away before
 * the commit was sent (nothing was written), `commit-unknown` when it went away during the commit (look whether the
 * work is there before doing it again)
 */
export async function withTransaction<T>(
  db: Database,
  work: (tx: Transaction) => Promise<T>,
  options: TransactionOptions = {},
): Promise<T> {
  options.signal?.throwIfAborted()
  const client = await translated(() => db.pool.connect())
  let isBroken = true
  const watch = watchSignal(db, { client, signal: options.signal })
  try {
    await translated(() => client.query(beginStatement(options)))
    const result = await work(makeTransaction(client))
    // From here on an abort comes too late: a commit must not be made doubtful.
    await watch.end()
    options.signal?.throwIfAborted()
    await commit(client)
    const noted = options.readOnly === true ? undefined : noting.getStore()
    if (noted !== undefined) noted.commits += 1
    isBroken = false
    return result
  } catch (error) {
    await watch.end()
    isBroken = !(await rollBack(client))
    const isLost = isUnavailable(error) || (error instanceof RunError && error.code === 'database-unavailable')
    if (options.signal?.aborted && isLost) throw options.signal.reason
    throw translate(error)
  } finally {
    client.release(isBroken)
  }
}

/**
 * Runs `work` in a transaction and, when the database asks for it (serialization failure 40001, deadlock 40P01), again.
 * `work` must be safe to repeat. The wait between attempts grows and is drawn at random, so that two do not meet again.
 */
export async function withRetriedTransaction<T>(
  db: Database,
  work: (tx: Transaction) => Promise<T>,
  options: TransactionOptions & { clock: Clock; random: () => number; attempts?: number },
): Promise<T> {
  const attempts = options.attempts ?? 5
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await withTransaction(db, work, options)
    } catch (error) {
      if (attempt >= attempts || !['40001', '40P01'].includes(sqlState(error))) throw error
      await options.clock.sleep(options.random() * 20 * 2 ** attempt, options.signal)
    }
  }
}

function makeTransaction(client: PoolClient): Transaction {
  return {
    client,
    kysely: kyselyOver(() => Promise.resolve({ query: client.query.bind(client), release: () => undefined })),
    query: (sql, params) => translated(() => client.query(sql, params === undefined ? [] : [...params])),
  }
}

function beginStatement(options: TransactionOptions): string {
  const statements = [
    `begin isolation level ${options.isolation ?? 'read committed'} ${options.readOnly ? 'read only' : 'read write'}`,
  ]
  if (options.lockTimeoutMs !== undefined) statements.push(`set local lock_timeout = ${options.lockTimeoutMs}`)
  if (options.statementTimeoutMs !== undefined)
    statements.push(`set local statement_timeout = ${options.statementTimeoutMs}`)
  return statements.join('; ')
}

async function commit(client: PoolClient): Promise<void> {
  let command: string
  try {
    command = (await client.query('commit')).command
  } catch (error) {
    if (!isUnavailable(error)) throw error
    throw new RunError(
      'commit-unknown',
      'Lost the database during a commit: whether the work was written is not known yet; look before repeating it',
      { cause: error },
    )
  }
  // PostgreSQL answers COMMIT of a failed transaction with ROLLBACK and no error.
  if (command !== 'COMMIT') throw new InvariantError('a failed statement was ignored inside a transaction')
}

/** @returns false when the session cannot be used again */
async function rollBack(client: PoolClient): Promise<boolean> {
  try {
    await client.query('rollback')
    return true
  } catch (error) {
    if (isUnavailable(error)) return false
    throw error
  }
}

/**
 * Ends the session rather than its statement: a cancel that arrives between two statements is lost, and the next one
 * would run to its end.
 */
function watchSignal(
  db: Database,
  { client, signal }: { client: PoolClient; signal: AbortSignal | undefined },
): { end(): Promise<void> } {
  let ending: Promise<void> | undefined
  const onAbort = () => {
    // Not part of pg's types; the pid that the server gave this session.
    const processId = 'processID' in client ? Number(client.processID) : Number.NaN
    if (Number.isInteger(processId)) ending = db.endSession(processId).catch(ignoreUnavailable)
  }
  signal?.addEventListener('abort', onAbort, { once: true })
  return {
    async end() {
      signal?.removeEventListener('abort', onAbort)
      await ending
    },
  }
}

function ignoreUnavailable(error: unknown): void {
  if (!(error instanceof RunError && error.code === 'database-unavailable')) throw error
}

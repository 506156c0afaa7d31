// The one place where connections are made, so that every session has the same types, timeouts and error handling.
import { Kysely, PostgresDialect } from 'kysely'
import {
  Client,
  type ClientConfig,
  Pool,
  type PoolClient,
  type QueryResult,
  type QueryResultRow,
  TypeOverrides,
} from 'pg'
import { ConfigError, InvariantError } from '../base/errors.ts'
import type { Log } from '../base/log.ts'
import type { EmbeddedDatabase } from './embedded.ts'
import { PreparedStatements } from './prepared.ts'
import type { Tables } from './tables.ts'
import { sqlState, translated } from './unavailable.ts'

/**
 * What store functions take: a database or a transaction, whichever the caller has.
 * `int8` (so also `count(*)`) arrives as number and throws beyond 2^53; `numeric` and `date` as string;
 * `timestamptz` as Date; `jsonb` parsed; `bytea` as Buffer.
 */
export interface Queries {
  readonly kysely: Kysely<Tables>
  /** Throws RunError `database-unavailable` when the server is gone, else pg's DatabaseError with its SQLSTATE in `code`. */
  query<Row extends QueryResultRow>(sql: string, params?: readonly unknown[]): Promise<QueryResult<Row>>
}

/** A pool of connections to Muster's database. */
export interface Database extends Queries {
  readonly pool: Pool
  /** As `query`, planned once in each session: for statements that only read and are asked all the time. Outside of transactions. */
  prepared<Row extends QueryResultRow>(sql: string, params: readonly unknown[]): Promise<QueryResult<Row>>
  /** Ends another session of ours with whatever it is doing, e.g. on cancellation. Opens a connection of its own. */
  endSession(processId: number): Promise<void>
  close(): Promise<void>
}

export type ConnectOptions = ({ readonly url: string } | { readonly embedded: Pick<EmbeddedDatabase, 'address'> }) & {
  readonly log: Log
  /** Shown in pg_stat_activity. */
  readonly applicationName?: string
  /** Most connections at once, 10 by default. */
  readonly max?: number
  /** How long to wait for a connection. With `max: 1` a query that escapes its transaction runs into this. */
  readonly acquireTimeoutMs?: number
  /** Longest wait for a lock; none by default. */
  readonly lockTimeoutMs?: number
  /** Longest time of one statement; none by default. */
  readonly statementTimeoutMs?: number
}

/** The oldest server whose SQL the migrations use (`nulls not distinct`, `merge`). */
const OLDEST_SERVER = 15

/**
 * Connects and checks that the server can be used.
 *
 * @throws RunError `database-unavailable`; ConfigError when the server refuses us, is too old or not UTF-8
 */
export async function connect(options: ConnectOptions): Promise<Database> {
  const config: ClientConfig = {
    ...('url' in options ? { connectionString: options.url } : options.embedded.address),
    application_name: options.applicationName ?? 'muster',
    types: makeTypes(),
    keepAlive: true,
    ...(options.lockTimeoutMs === undefined ? {} : { lock_timeout: options.lockTimeoutMs }),
    ...(options.statementTimeoutMs === undefined ? {} : { statement_timeout: options.statementTimeoutMs }),
  }
  const pool = new Pool({
    ...config,
    max: options.max ?? 10,
    connectionTimeoutMillis: options.acquireTimeoutMs ?? 30_000,
    idleTimeoutMillis: 30_000,
  })
  // A connection that dies in anybody's hands tells it by an event, which would end the process if nobody listened.
  pool.on('connect', (client) => client.on('error', ignore))
  let isClosing = false
  pool.on('error', (error) => {
    // The pool has ended before its sockets have, and the embedded server may stop in between.
    if (!isClosing) options.log.warn('a database connection was lost', { code: sqlState(error) })
  })
  const statements = new PreparedStatements(pool)
  const db: Database = {
    pool,
    kysely: kyselyOver(() => pool.connect()),
    query: (sql, params) => translated(() => pool.query(sql, params === undefined ? [] : [...params])),
    prepared: (sql, params) => translated(() => statements.query(sql, params)),
    endSession: (processId) => endSession(config, processId),
    close: () => {
      isClosing = true
      return pool.end()
    },
  }
  try {
    await checkServer(db)
  } catch (error) {
    await db.close()
    throw error
  }
  return db
}

/** Kysely on connections of ours. Its errors are translated like everybody's. */
export function kyselyOver(acquire: () => Promise<Pick<PoolClient, 'query' | 'release'>>): Kysely<Tables> {
  const connectTranslated = async () => {
    const client = await translated(acquire)
    return {
      query: (sql: string, params: readonly unknown[]) => translated<QueryResult>(() => client.query(sql, [...params])),
      release: (error?: Error | boolean) => client.release(error),
    }
  }
  // Kysely asks for a pg.Pool but uses `connect` and `end` alone, and of a client `query` and `release`.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  const pool = { connect: connectTranslated, end: () => Promise.resolve(), options: {} } as unknown as Pool
  return new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) })
}

function makeTypes(): TypeOverrides {
  const INT8 = 20
  const DATE = 1082
  const types = new TypeOverrides()
  types.setTypeParser(INT8, parseInt8)
  // A day has no time zone; as a Date it would depend on the machine's.
  types.setTypeParser(DATE, (text: string) => text)
  return types
}

function parseInt8(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value)) throw new InvariantError(`int8 beyond 2^53 read as a number: ${text}`)
  return value
}

async function checkServer(db: Database): Promise<void> {
  const where = 'MUSTER_DATABASE_URL'
  const found = await db
    .query<{ version: number; encoding: string }>(
      `select current_setting('server_version_num')::int as version, current_setting('server_encoding') as encoding`,
    )
    .catch((error: unknown) => {
      // 28: the server refuses us; 3D000: no such database.
      if (error instanceof Error && /^(28|3D000)/.test(sqlState(error)))
        throw new ConfigError([{ at: where, message: `cannot open the database: ${error.message}` }])
      throw error
    })
  const { version, encoding } = found.rows[0] ?? { version: 0, encoding: '' }
  const problems = [
    ...(Math.floor(version / 10_000) < OLDEST_SERVER
      ? [{ at: where, message: `the server is PostgreSQL ${version / 10_000}; ${OLDEST_SERVER} or newer is needed` }]
      : []),
    ...(encoding === 'UTF8' ? [] : [{ at: where, message: `the database is encoded in ${encoding}; UTF8 is needed` }]),
  ]
  if (problems.length > 0) throw new ConfigError(problems)
}

async function endSession(config: ClientConfig, processId: number): Promise<void> {
  const client = new Client(config)
  client.on('error', ignore)
  await translated(async () => {
    await client.connect()
    try {
      await client.query('select pg_terminate_backend($1)', [processId])
    } finally {
      await client.end()
    }
  })
}

/** The statement that was running, or the next one, fails with the same error. */
function ignore(): void {}

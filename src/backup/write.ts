// Makes a backup: everything that the database holds at one moment, in memory that does not grow with it.
import { createHash } from 'node:crypto'
import type { Writable } from 'node:stream'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createZstdCompress } from 'node:zlib'
import type { Clock } from '../base/clock.ts'
import type { BackupManifest, BackupProgress, BackupSummary, EncryptFor } from '../contract/backups.ts'
import type { Database } from '../database/connect.ts'
import { copyOut } from '../database/copy.ts'
import { readApplied } from '../database/migrate.ts'
import { type Transaction, withTransaction } from '../database/transaction.ts'
import type { KeyRing } from '../vault/keys.ts'
import { keptTables, listColumns, listSequences, tableTarget } from './contents.ts'
import { encryptWith } from './encryption.ts'
import { encodeFrame } from './frames.ts'

/** The first line of a backup that is not encrypted: what it is, in which version of the format, and how it is compressed. */
export const MAGIC = 'muster backup 1 zstd\n'
/** Its last line: what is cut off, even by a byte that nobody needs, is not whole. */
export const LAST_LINE = '\nend of muster backup\n'
/** Rows are gathered into frames of about this size. */
const FRAME_BYTES = 256 * 1024

export interface BackupOptions {
  readonly keys: Pick<KeyRing, 'newest' | 'vouch'>
  readonly clock: Clock
  /** Of this Muster. */
  readonly version: string
  /** Is written to and left open. */
  readonly destination: Writable
  readonly encryptFor?: EncryptFor | undefined
  readonly signal: AbortSignal
  readonly onProgress?: ((progress: BackupProgress) => void) | undefined
}

/**
 * Writes a backup as the database is at one moment; others go on reading and writing meanwhile.
 *
 * @throws ConfigError for what nothing can be encrypted for; the signal's reason; what the destination fails with
 */
export async function writeBackup(db: Database, options: BackupOptions): Promise<BackupSummary> {
  const { destination, encryptFor, signal } = options
  const encrypt = encryptFor === undefined ? passOn : encryptWith(encryptFor)
  const summary = { createdAt: options.clock.now().toISOString(), tables: 0, rows: 0 }
  await withTransaction(
    db,
    (tx) =>
      pipeline(
        Readable.from(framesOf(tx, options, summary), { objectMode: true, highWaterMark: 1 }),
        createZstdCompress(),
        wrapped,
        encrypt,
        destination,
        { signal, end: false },
      ),
    { isolation: 'repeatable read', readOnly: true },
  )
  return summary
}

async function* wrapped(compressed: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield Buffer.from(MAGIC)
  yield* compressed
  yield Buffer.from(LAST_LINE)
}

async function* passOn(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* chunks
}

/** `summary` is filled while it goes. */
async function* framesOf(
  tx: Transaction,
  { keys, version, onProgress }: BackupOptions,
  summary: { readonly createdAt: string; tables: number; rows: number },
): AsyncGenerator<Buffer> {
  const digest = createHash('sha256')
  const sealed = (frame: Buffer) => {
    digest.update(frame)
    return frame
  }
  // What a session or server has been told otherwise must not change how values are written.
  await tx.query(`set local datestyle = 'ISO, YMD'; set local timezone = 'UTC'; set local intervalstyle = 'postgres';
    set local bytea_output = 'hex'; set local extra_float_digits = 1`)
  const manifest = await manifestOf(tx, { createdAt: summary.createdAt, version })
  yield sealed(encodeFrame('manifest', manifest))
  const total = await expectedRows(tx)
  for (const name of keptTables()) {
    const columns = await listColumns(tx, name)
    yield sealed(encodeFrame('table', { name, columns }))
    const content = createHash('sha256')
    let rows = 0
    for await (const chunk of gathered(copyOut(tx.client, tableTarget(name, columns)), (count) => (rows = count))) {
      content.update(chunk)
      yield sealed(encodeFrame('rows', chunk))
    }
    yield sealed(encodeFrame('end', { name, rows, sha256: content.digest('hex') }))
    summary.tables += 1
    summary.rows += rows
    onProgress?.({ phase: 'copying', done: summary.rows, total: Math.max(total, summary.rows) })
  }
  // Read after the rows: a number that was given out meanwhile is above theirs, never below.
  yield sealed(encodeFrame('sequences', await listSequences(tx)))
  const sha256 = digest.digest('hex')
  const seal = keys.vouch(keys.newest, sha256).toString('hex')
  yield encodeFrame('trailer', { tables: summary.tables, rows: summary.rows, sha256, keyVersion: keys.newest, seal })
}

async function manifestOf(
  tx: Transaction,
  { createdAt, version }: { readonly createdAt: string; readonly version: string },
): Promise<BackupManifest> {
  const keys = await tx.query<{ version: number; fingerprint: string }>(
    `select key_version as version, encode(fingerprint, 'hex') as fingerprint from vault_state where retired_at is null order by 1`,
  )
  const installation = await tx.query<{ id: string }>('select id from installation')
  return {
    muster: version,
    createdAt,
    installation: installation.rows[0]?.id ?? '',
    migrations: [...(await readApplied(tx))],
    keys: keys.rows,
  }
}

/** As the planner has it, for a bar that shows how far it is. */
async function expectedRows(tx: Transaction): Promise<number> {
  const found = await tx.query<{ rows: number }>(
    'select coalesce(sum(greatest(reltuples, 0)), 0)::float8 as rows from pg_class where oid = any($1::regclass[])',
    [keptTables()],
  )
  return Math.round(found.rows[0]?.rows ?? 0)
}

/** The server sends a row at a time; a frame for each would double the size. */
async function* gathered(
  chunks: AsyncGenerator<Buffer, number>,
  onEnd: (rows: number) => void,
): AsyncGenerator<Buffer> {
  let held: Buffer[] = []
  let size = 0
  let isOver = false
  try {
    for (;;) {
      const next = await chunks.next()
      if (next.done === true) {
        isOver = true
        onEnd(next.value)
        break
      }
      held.push(next.value)
      size += next.value.length
      if (size < FRAME_BYTES) continue
      yield Buffer.concat(held)
      held = []
      size = 0
    }
    if (size > 0) yield Buffer.concat(held)
  } finally {
    if (!isOver) await chunks.return(0)
  }
}

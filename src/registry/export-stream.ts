// Writes an export to a stream as NDJSON, JSON or CSV, some rows at a time.
import { Readable, type Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type CsvDialect, EXPORT_KEYS, type ExportFormat, type ExportKind } from '../contract/exports.ts'
import type { Database } from '../database/connect.ts'
import { type Transaction, withTransaction } from '../database/transaction.ts'
import type { Vault } from '../vault/keys.ts'
import { joinValues, writeCsv } from './csv.ts'
import { exportGroups, exportMemberships, exportUsers } from './export.ts'
import { MYQ_COLUMNS, myqCells } from './myq.ts'

export interface ExportRequest {
  readonly kind: ExportKind
  readonly format: ExportFormat
  /** For CSV of users. */
  readonly dialect: CsvDialect
}

/**
 * Writes everything that `request` asks for, as it is at one moment, in memory that does not grow with it.
 *
 * @param destination is written to and left open
 * @throws the signal's reason; what the destination fails with
 */
export async function writeExport(
  db: Database,
  request: ExportRequest,
  options: { readonly vault: Pick<Vault, 'open'>; readonly destination: Writable; readonly signal: AbortSignal },
): Promise<void> {
  const { vault, destination, signal } = options
  await withTransaction(
    db,
    (tx) => pipeline(Readable.from(piecesOf(tx, { ...request, vault })), destination, { signal, end: false }),
    { isolation: 'repeatable read', readOnly: true },
  )
}

interface Reading extends ExportRequest {
  readonly vault: Pick<Vault, 'open'>
}

/** Text, a batch of rows at a time: a write for each row would cost more than reading it. */
function piecesOf(tx: Transaction, reading: Reading): AsyncIterable<string> {
  const { kind } = reading
  if (reading.format === 'csv' && reading.dialect === 'myq') return myq(tx, reading)
  const batches = batchesOf(tx, reading)
  switch (reading.format) {
    case 'ndjson':
      return ndjson(batches, kind)
    case 'json':
      return json(batches, kind)
    case 'csv':
      return csv(batches, kind)
  }
}

type Batches = AsyncIterable<readonly object[]>

function batchesOf(tx: Transaction, { kind, vault }: Reading): Batches {
  switch (kind) {
    case 'users':
      return exportUsers(tx, { vault })
    case 'groups':
      return exportGroups(tx)
    case 'memberships':
      return exportMemberships(tx)
  }
}

/** The keys of the contract and no others, in its order. */
function present(row: object, kind: ExportKind): Record<string, unknown> {
  const shown: Record<string, unknown> = {}
  for (const key of EXPORT_KEYS[kind]) shown[key] = Reflect.get(row, key)
  return shown
}

async function* ndjson(batches: Batches, kind: ExportKind): AsyncGenerator<string> {
  for await (const rows of batches) yield rows.map((row) => `${JSON.stringify(present(row, kind))}\n`).join('')
}

async function* json(batches: Batches, kind: ExportKind): AsyncGenerator<string> {
  let before = '[\n'
  for await (const rows of batches) {
    yield before + rows.map((row) => JSON.stringify(present(row, kind))).join(',\n')
    before = ',\n'
  }
  yield before === ',\n' ? '\n]\n' : '[]\n'
}

async function* csv(batches: Batches, kind: ExportKind): AsyncGenerator<string> {
  yield writeCsv([EXPORT_KEYS[kind]])
  for await (const rows of batches) yield writeCsv(rows.map((row) => Object.values(present(row, kind)).map(cell)))
}

function cell(value: unknown): unknown {
  return Array.isArray(value) ? joinValues(value.map(String)) : value
}

async function* myq(tx: Transaction, { vault }: Reading): AsyncGenerator<string> {
  yield writeCsv([MYQ_COLUMNS])
  for await (const users of exportUsers(tx, { vault, activeOnly: true })) yield writeCsv(users.map(myqCells))
}

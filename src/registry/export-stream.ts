// Writes an export to a stream as NDJSON, JSON or CSV, a row at a time.
import { Readable, type Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type CsvDialect, EXPORT_KEYS, type ExportFormat, type ExportKind } from '../contract/exports.ts'
import type { Database } from '../database/connect.ts'
import { type Transaction, withTransaction } from '../database/transaction.ts'
import type { Vault } from '../vault/keys.ts'
import { createCsv, joinValues } from './csv.ts'
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
    async (tx) => {
      if (request.format === 'csv') {
        const rows = Readable.from(csvRows(tx, { ...request, vault }))
        await pipeline(rows, createCsv(), destination, { signal, end: false })
      } else {
        const rows = rowsOf(tx, { ...request, vault })
        const lines = request.format === 'ndjson' ? ndjson(rows, request.kind) : json(rows, request.kind)
        await pipeline(Readable.from(lines), destination, { signal, end: false })
      }
    },
    { isolation: 'repeatable read', readOnly: true },
  )
}

interface Reading extends ExportRequest {
  readonly vault: Pick<Vault, 'open'>
}

function rowsOf(tx: Transaction, { kind, vault }: Pick<Reading, 'kind' | 'vault'>): AsyncIterable<object> {
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

/** Rows are handed on in pieces of this many characters: a write for each row would cost more than reading it. */
const PIECE = 64 * 1024

async function* ndjson(rows: AsyncIterable<object>, kind: ExportKind): AsyncGenerator<string> {
  let piece = ''
  for await (const row of rows) {
    piece += `${JSON.stringify(present(row, kind))}\n`
    if (piece.length < PIECE) continue
    yield piece
    piece = ''
  }
  if (piece !== '') yield piece
}

async function* json(rows: AsyncIterable<object>, kind: ExportKind): AsyncGenerator<string> {
  let piece = '['
  let separator = '\n'
  for await (const row of rows) {
    piece += `${separator}${JSON.stringify(present(row, kind))}`
    separator = ',\n'
    if (piece.length < PIECE) continue
    yield piece
    piece = ''
  }
  yield `${piece}\n]\n`
}

async function* csvRows(tx: Transaction, reading: Reading): AsyncGenerator<readonly unknown[]> {
  if (reading.dialect === 'myq') {
    yield MYQ_COLUMNS
    for await (const user of exportUsers(tx, { vault: reading.vault, activeOnly: true })) yield myqCells(user)
    return
  }
  yield EXPORT_KEYS[reading.kind]
  for await (const row of rowsOf(tx, reading)) yield Object.values(present(row, reading.kind)).map(cell)
}

function cell(value: unknown): unknown {
  return Array.isArray(value) ? joinValues(value.map(String)) : value
}

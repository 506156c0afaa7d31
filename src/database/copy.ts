// COPY in text format: the cheapest way of many rows into a table.
// https://www.postgresql.org/docs/current/sql-copy.html#SQL-COPY-FILE-FORMATS
import { Socket } from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ClientBase } from 'pg'
import { from as copyFrom, to as copyTo } from 'pg-copy-streams'
import { InvariantError } from '../base/errors.ts'
import { sqlState, translate, translated } from './unavailable.ts'

/** Objects are written as JSON; arrays as PostgreSQL arrays of text or numbers. `undefined` is not a value: say null. */
export type CopyValue = string | number | bigint | boolean | Date | Buffer | null | readonly CopyItem[] | CopyObject
type CopyItem = string | number | null
interface CopyObject {
  readonly [key: string]: unknown
}

/** Large enough that a message costs nothing beside its rows, small enough that the server works meanwhile. */
const CHUNK_CHARS = 64 * 1024

/**
 * Copies rows into a table. Each item of `rows` is one or more whole lines as {@link copyRow} makes them.
 * The session is busy until it ends; when `rows` throws, nothing is copied and its error comes out.
 *
 * @param target table and columns, e.g. `mirror_users (object_id, data)`; not escaped
 * @returns how many rows the server took
 */
export async function copyInto(
  client: ClientBase,
  target: string,
  options: {
    readonly rows: AsyncIterable<string | Buffer> | Iterable<string | Buffer>
    /** For a table that was made or emptied in this transaction: nobody has to look at its rows again to find that all may see them. */
    readonly freeze?: boolean
  },
): Promise<number> {
  return translated(async () => {
    const stream = client.query(copyFrom(`copy ${target} from stdin${options.freeze === true ? ' (freeze)' : ''}`))
    await pipeline(Readable.from(chunks(options.rows), { objectMode: true, highWaterMark: 2 }), stream)
    return stream.rowCount
  })
}

/**
 * Yields the rows of a table as lines of COPY's text format, cut anywhere, and returns how many there were. The session is busy until
 * it ends. Whoever stops early ends the session with it: the server cannot be told to be quiet.
 *
 * @param source table and columns, e.g. `users (id, user_name)`, or a query in parentheses; not escaped
 */
export async function* copyOut(client: ClientBase, source: string): AsyncGenerator<Buffer, number> {
  const stream = client.query(copyTo(`copy ${source} to stdout`))
  let isOver = false
  try {
    for await (const chunk of stream) yield asBuffer(chunk)
    isOver = true
    return stream.rowCount
  } catch (error) {
    // The server has said why, and listens again.
    isOver = sqlState(error) !== ''
    throw translate(error)
  } finally {
    if (!isOver) socketOf(client)?.destroy()
  }
}

function asBuffer(chunk: unknown): Buffer {
  if (!Buffer.isBuffer(chunk)) throw new InvariantError('COPY gave something else than bytes')
  return chunk
}

/** Not part of pg's types. */
function socketOf(client: ClientBase): Socket | undefined {
  const connection: unknown = Reflect.get(client, 'connection')
  if (typeof connection !== 'object' || connection === null) return undefined
  const socket: unknown = Reflect.get(connection, 'stream')
  return socket instanceof Socket ? socket : undefined
}

/** One line of COPY's text format, with its line feed. */
export function copyRow(values: readonly CopyValue[]): string {
  let line = ''
  for (let index = 0; index < values.length; index += 1) {
    if (index > 0) line += '\t'
    const value = values[index]
    line += typeof value === 'string' ? escapeField(value) : encode(value)
  }
  return `${line}\n`
}

function encode(value: CopyValue | undefined): string {
  if (value === null) return '\\N'
  if (typeof value === 'string') return escapeField(value)
  if (typeof value === 'number' || typeof value === 'bigint') return String(value)
  if (typeof value === 'boolean') return value ? 't' : 'f'
  if (value === undefined) throw new InvariantError('COPY has no undefined; say null')
  if (value instanceof Date) return value.toISOString()
  if (Buffer.isBuffer(value)) return `\\\\x${value.toString('hex')}`
  if (isList(value)) return escapeField(encodeArray(value))
  return escapeField(JSON.stringify(value))
}

function isList(value: readonly CopyItem[] | CopyObject): value is readonly CopyItem[] {
  return Array.isArray(value)
}

function encodeArray(items: readonly CopyItem[]): string {
  const encoded = items.map((item) => {
    if (item === null) return 'NULL'
    return typeof item === 'number' ? String(item) : `"${item.replace(/["\\]/g, '\\$&')}"`
  })
  return `{${encoded.join(',')}}`
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: exactly the characters that COPY gives a meaning, and NUL
const SPECIAL = /[\\\t\n\r\0]/
const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' }

function escapeField(text: string): string {
  if (!SPECIAL.test(text)) return text
  return text.replace(/[\\\t\n\r\0]/g, (char) => {
    const escape = ESCAPES[char]
    if (escape === undefined) throw new InvariantError('PostgreSQL text cannot hold the character U+0000')
    return escape
  })
}

async function* chunks(rows: AsyncIterable<string | Buffer> | Iterable<string | Buffer>): AsyncGenerator<Buffer> {
  let text = ''
  for await (const row of rows) {
    if (typeof row !== 'string') {
      if (text !== '') yield Buffer.from(text)
      text = ''
      yield row
      continue
    }
    text += row
    if (text.length < CHUNK_CHARS) continue
    yield Buffer.from(text)
    text = ''
  }
  if (text !== '') yield Buffer.from(text)
}

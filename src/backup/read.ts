// Reads a backup from its file and vouches for it: what comes out is what was written, up to the place that was read.
import { createHash, timingSafeEqual } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createZstdDecompress } from 'node:zlib'
import { z } from 'zod'
import { ConfigError, RunError } from '../base/errors.ts'
import { type BackupManifest, backupManifest, type Unlock } from '../contract/backups.ts'
import { parseWithProblems } from '../contract/problems.ts'
import type { KeyRing } from '../vault/keys.ts'
import { AGE_HEADER, decrypt } from './encryption.ts'
import { damaged, decodeFrames } from './frames.ts'
import { LAST_LINE, MAGIC } from './write.ts'

const tableFrame = z.object({ name: z.string(), columns: z.array(z.string()).min(1) })
const endFrame = z.object({ name: z.string(), rows: z.int(), sha256: z.string() })
const sequencesFrame = z.array(z.object({ name: z.string(), value: z.int(), isCalled: z.boolean() }))
const trailerFrame = z.object({
  tables: z.int(),
  rows: z.int(),
  sha256: z.string(),
  keyVersion: z.int(),
  seal: z.string(),
})

/** What a backup tells, in its order; `end` comes last, when all of it was found to be as it was written. */
export type BackupPart =
  | { readonly kind: 'manifest'; readonly manifest: BackupManifest }
  | { readonly kind: 'table'; readonly name: string; readonly columns: readonly string[] }
  | { readonly kind: 'rows'; readonly bytes: Buffer }
  | { readonly kind: 'table end'; readonly name: string; readonly rows: number }
  | { readonly kind: 'sequences'; readonly sequences: z.infer<typeof sequencesFrame> }
  | { readonly kind: 'end'; readonly tables: number; readonly rows: number }

export interface ReadOptions {
  readonly keys: KeyRing
  readonly unlock: Unlock
  /** Bytes of the file that were read, and how many it has. */
  readonly onBytes?: ((done: number, total: number) => void) | undefined
}

/**
 * @throws ConfigError where the file cannot be read, is no backup, or needs another key; RunError `backup-damaged`, `backup-newer`
 */
export async function* readBackup(path: string, options: ReadOptions): AsyncGenerator<BackupPart> {
  const digest = createHash('sha256')
  let manifest: BackupManifest | undefined
  let table: { readonly name: string; readonly content: ReturnType<typeof createHash>; tables: number } | undefined
  let [tables, rows] = [0, 0]
  let hasSequences = false
  let isOver = false
  for await (const { kind, payload, bytes } of decodeFrames(plainOf(path, options))) {
    if (isOver) throw damaged('something follows its end')
    if ((kind === 'manifest') !== (manifest === undefined)) throw damaged('its beginning is missing')
    if ((kind === 'rows' || kind === 'end') !== (table !== undefined)) throw damaged('its parts are in disorder')
    if (kind !== 'trailer') digest.update(bytes)
    switch (kind) {
      case 'manifest':
        manifest = parse(backupManifest, payload)
        requireKeys(manifest, options.keys)
        yield { kind: 'manifest', manifest }
        break
      case 'table': {
        const { name, columns } = parse(tableFrame, payload)
        table = { name, content: createHash('sha256'), tables }
        yield { kind: 'table', name, columns }
        break
      }
      case 'rows':
        table?.content.update(payload)
        yield { kind: 'rows', bytes: payload }
        break
      case 'end': {
        const end = parse(endFrame, payload)
        if (end.name !== table?.name || end.sha256 !== table.content.digest('hex'))
          throw damaged(`the rows of the table ${JSON.stringify(end.name)} are not those that were written`)
        table = undefined
        tables += 1
        rows += end.rows
        yield { kind: 'table end', name: end.name, rows: end.rows }
        break
      }
      case 'sequences':
        hasSequences = true
        yield { kind: 'sequences', sequences: parse(sequencesFrame, payload) }
        break
      case 'trailer': {
        const trailer = parse(trailerFrame, payload)
        const sha256 = digest.digest('hex')
        if (!hasSequences || trailer.sha256 !== sha256 || trailer.tables !== tables || trailer.rows !== rows)
          throw damaged('its checksum does not fit what is in it')
        requireSeal(options.keys, trailer)
        isOver = true
      }
    }
  }
  if (!isOver) throw damaged('its end is missing')
  yield { kind: 'end', tables, rows }
}

/** A checksum anybody can make anew; this only who has the key. */
function requireSeal(
  keys: KeyRing,
  { keyVersion, sha256, seal }: Pick<z.infer<typeof trailerFrame>, 'keyVersion' | 'sha256' | 'seal'>,
): void {
  const expected = keys.vouch(keyVersion, sha256)
  const given = Buffer.from(seal, 'hex')
  if (given.length !== expected.length || !timingSafeEqual(given, expected))
    throw damaged('it was changed by somebody who does not have the key that it was made with')
}

function requireKeys({ keys: made }: BackupManifest, ring: KeyRing): void {
  const lacking = made.filter(({ version, fingerprint }) => ring.fingerprints.get(version) !== fingerprint)
  if (lacking.length === 0) return
  const versions = lacking.map(({ version, fingerprint }) => `version ${version} (${fingerprint.slice(0, 12)}…)`)
  const message =
    `the backup was made with another key: ${versions.join(', ')} is not in the key file; ` +
    'put the key file of that installation in its place, from where it is kept apart'
  throw new ConfigError([{ at: 'MUSTER_KEY_FILE', message }])
}

function parse<S extends z.ZodType>(schema: S, payload: Buffer): z.output<S> {
  let value: unknown
  try {
    value = JSON.parse(payload.toString())
  } catch (error) {
    throw damaged('a part of it makes no sense', error)
  }
  const parsed = parseWithProblems(schema, value)
  if (parsed.kind !== 'ok') throw damaged('a part of it has not the form that it should have')
  return parsed.value
}

/** The frames' bytes, whatever is around them. */
async function* plainOf(path: string, { unlock, onBytes }: ReadOptions): AsyncGenerator<Uint8Array> {
  const total = await sizeOf(path)
  const file = createReadStream(path, { highWaterMark: 256 * 1024 })
  const counted = async function* () {
    let done = 0
    for await (const chunk of file) {
      if (!Buffer.isBuffer(chunk)) continue
      done += chunk.length
      onBytes?.(done, total)
      yield chunk
    }
  }
  const container = (await beginsWith(path, AGE_HEADER)) ? decrypt(counted(), unlock) : counted()
  const plain = createZstdDecompress()
  // What goes wrong comes out where it is read.
  const reading = pipeline(Readable.from(unwrapped(container), { objectMode: false }), plain).catch(() => undefined)
  try {
    for await (const chunk of plain) if (Buffer.isBuffer(chunk)) yield chunk
    await reading
  } catch (error) {
    const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined
    if (typeof code === 'string' && /^(ZSTD_|Z_|ERR_ZLIB)/.test(code))
      throw damaged('a part of it was changed, or its end is missing', error)
    throw error
  } finally {
    file.destroy()
  }
}

/** What stands between the first and the last line. */
async function* unwrapped(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let isBegun = false
  let held: Buffer = Buffer.alloc(0)
  for await (const chunk of chunks) {
    held = Buffer.concat([held, chunk])
    if (!isBegun) {
      if (held.length < MAGIC.length) continue
      requireMagic(held)
      held = held.subarray(MAGIC.length)
      isBegun = true
    }
    if (held.length <= LAST_LINE.length) continue
    yield held.subarray(0, -LAST_LINE.length)
    held = held.subarray(-LAST_LINE.length)
  }
  if (!isBegun) requireMagic(held)
  if (held.toString('latin1') !== LAST_LINE) throw damaged('its end is missing, or something follows it')
}

function requireMagic(head: Buffer): void {
  const line = head.toString('latin1', 0, MAGIC.length)
  if (line === MAGIC) return
  const newer = /^muster backup (\d+) /.exec(line)
  if (newer !== null && newer[1] !== '1')
    throw new RunError(
      'backup-newer',
      `This backup has the form ${newer[1]}, which a newer Muster writes; use that one`,
    )
  if (MAGIC.startsWith(line)) throw damaged('it ends in the middle')
  throw notOurs('this file is no backup of Muster')
}

async function beginsWith(path: string, text: string): Promise<boolean> {
  const file = await open(path, 'r')
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(text.length), 0, text.length, 0)
    return buffer.toString('latin1', 0, bytesRead) === text
  } finally {
    await file.close()
  }
}

async function sizeOf(path: string): Promise<number> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    throw notOurs(`cannot read ${path}: ${error.code === 'ENOENT' ? 'there is no such file' : error.code}`)
  })
  if (!found.isFile()) throw notOurs(`${path} is no file; a backup is read twice, so it cannot come through a pipe`)
  return found.size
}

function notOurs(message: string): ConfigError {
  return new ConfigError([{ at: 'FILE', message }])
}

// Writing a file that is whole or not there, or a document that is too long to be made first.
import { access, constants, open, rename, rm, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { Writable } from 'node:stream'
import { finished } from 'node:stream/promises'
import { ConfigError, RunError } from '../base/errors.ts'
import { CutOffError } from './failure.ts'
import type { Io } from './io.ts'

/**
 * Writes beside the file and renames, so that nobody ever reads half of it. Only its owner may read it.
 *
 * @throws ConfigError when the place cannot be written to, before `write` is called
 */
export async function writeWholeFile(path: string, write: (destination: Writable) => Promise<void>): Promise<void> {
  const partial = `${path}.${process.pid}.partial`
  const file = await open(partial, 'w', 0o600).catch((error: unknown) => refuse(path, error))
  // Flushed before it is closed, so that the name never stands for less than the whole after a power cut.
  const destination = file.createWriteStream({ flush: true })
  try {
    await write(destination)
    await finished(destination.end())
    await rename(partial, path).catch((error: unknown) => refuse(path, error))
  } catch (error) {
    // What is still being written fails by that; the error that is told is the first one.
    destination.on('error', () => {})
    destination.destroy()
    await rm(partial, { force: true })
    throw told(path, error)
  }
}

/**
 * Writes one document to standard output as it comes.
 *
 * @throws CutOffError where it failed when a part of it stood there already
 */
export async function writeDocument({ stdout }: Io, write: (destination: Writable) => Promise<void>): Promise<void> {
  let hasBegun = false
  const destination = new Writable({
    write(chunk, encoding, done) {
      hasBegun = true
      stdout.write(chunk, encoding, done)
    },
  })
  try {
    await write(destination)
    await finished(destination.end())
  } catch (error) {
    throw hasBegun ? new CutOffError(error) : error
  }
}

/**
 * Whether a file can be written there, for whoever has much to do before it is written.
 *
 * @throws ConfigError
 */
export async function requireWritable(path: string): Promise<void> {
  const folder = dirname(resolve(path))
  const found = await stat(folder).catch((error: unknown) => refuse(path, error))
  if (!found.isDirectory()) refuse(path, Object.assign(new Error('no folder'), { code: 'ENOTDIR' }))
  await access(folder, constants.W_OK).catch((error: unknown) => refuse(path, error))
}

const REASONS: ReadonlyMap<unknown, string> = new Map([
  ['ENOENT', 'its folder does not exist; make it first'],
  ['ENOTDIR', 'a part of its path is a file and no folder'],
  ['EACCES', 'this user may not write there'],
  ['EPERM', 'this user may not write there'],
  ['EROFS', 'the file system is read-only'],
  ['EISDIR', 'it is a folder'],
  ['ENAMETOOLONG', 'its name is too long'],
])

/** What a disk refused while it was written to. */
function told(path: string, error: unknown): unknown {
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined
  const reason = code === 'ENOSPC' ? 'the disk is full' : code === 'EDQUOT' ? 'the quota is used up' : undefined
  if (reason === undefined) return error
  return new RunError('output-failed', `Cannot write ${path}: ${reason}; what was there before is as it was`, {
    cause: error,
  })
}

function refuse(path: string, error: unknown): never {
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined
  const reason = REASONS.get(code)
  if (reason === undefined) throw error
  throw new ConfigError([{ at: '--output', message: `cannot write ${path}: ${reason}` }])
}

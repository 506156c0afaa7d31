// The key file: a line for each version of the key. It is only ever replaced as a whole, so that a kill leaves the old or the new one.
import { createSecretKey, hkdfSync, type KeyObject, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { chown, link, mkdir, open as openFile, readFile, realpath, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { ConfigError } from '../base/errors.ts'

/** One version of the key. The bytes are in the {@link KeyObject} alone. */
export interface Key {
  readonly version: number
  readonly master: KeyObject
}

const KEY_BYTES = 32
const SETTING = 'MUSTER_KEY_FILE'
const HEAD = `# Muster's key. Whoever has it can read what the database seals; without it nobody can. Keep a copy apart.\n`

/** One key per purpose, so that what is known of one tells nothing of another. RFC 5869. */
export function derive(key: Key, purpose: 'sealing' | 'look-up' | 'fingerprint' | 'backup'): KeyObject {
  return createSecretKey(Buffer.from(hkdfSync('sha256', key.master, '', `muster/${purpose}/1`, KEY_BYTES)))
}

/** 16 bytes that tell one key from another and nothing about either. */
export function fingerprint(key: Key): Buffer {
  return derive(key, 'fingerprint').export().subarray(0, 16)
}

/** @returns undefined when there is no file @throws ConfigError when it cannot be read, or is damaged */
export async function readKeys(keyFile: string): Promise<readonly Key[] | undefined> {
  try {
    return parseKeys(keyFile, await readFile(keyFile, 'utf8'))
  } catch (error) {
    return absentOrThrow(keyFile, error)
  }
}

/** As {@link readKeys}, at once: for whoever has met a value of a version that he does not know and cannot wait. */
export function readKeysNow(keyFile: string): readonly Key[] | undefined {
  try {
    return parseKeys(keyFile, readFileSync(keyFile, 'utf8'))
  } catch (error) {
    return absentOrThrow(keyFile, error)
  }
}

/** Whether somebody beside its owner may read the file. A group is none where systems mount secrets for it. */
export async function isReadableByOthers(keyFile: string): Promise<boolean> {
  return ((await stat(keyFile)).mode & 0o007) !== 0
}

/** Made beside its place and linked there: of several first starts one wins and the others read its key. */
export async function createKeys(keyFile: string): Promise<readonly Key[]> {
  try {
    await mkdir(dirname(keyFile), { recursive: true, mode: 0o711 })
    await writeBeside(keyFile, { text: `${HEAD}${lineOf(1)}`, mode: 0o600, place: link })
  } catch (error) {
    if (codeOf(error) !== 'EEXIST')
      throw problem(`cannot make the key file ${keyFile}: ${codeOf(error)}; make its folder writable`)
  }
  const keys = await readKeys(keyFile)
  if (keys === undefined) throw problem(`${keyFile} was removed while Muster started`)
  return keys
}

/**
 * Adds a version with a new key. The file is replaced as a whole and keeps its mode, never wider than its owner's group.
 *
 * @throws ConfigError where it cannot be written, saying how to add the line by hand
 */
export async function addVersion(keyFile: string, version: number): Promise<void> {
  await change(keyFile, {
    what: `add version ${version} to ${keyFile}`,
    instead:
      `add this line to it yourself, the same one on every host, and run this again: ` +
      `${version} and 32 random bytes in base64, e.g. printf '${version} %s\\n' "$(openssl rand -base64 32)"`,
    edit: (text) => `${text.replace(/\n*$/, '\n')}${lineOf(version)}`,
  })
}

/** Removes a version, where it is there. @throws ConfigError where the file cannot be written */
export async function removeVersion(keyFile: string, version: number): Promise<void> {
  await change(keyFile, {
    what: `remove version ${version} from ${keyFile}`,
    instead: `remove the line that begins with ${version} yourself, on every host`,
    edit: (text) =>
      text
        .split('\n')
        .filter((line) => !line.trim().startsWith(`${version} `))
        .join('\n'),
  })
}

async function change(
  keyFile: string,
  { what, instead, edit }: { readonly what: string; readonly instead: string; edit: (text: string) => string },
): Promise<void> {
  try {
    // Where the file is a link, what it leads to is replaced.
    const target = await realpath(keyFile)
    const before = await readFile(target, 'utf8')
    const after = edit(before)
    if (after === before) return
    const { mode, uid, gid } = await stat(target)
    await writeBeside(target, {
      text: after,
      mode: mode & 0o640,
      place: async (from, to) => {
        // Under root it stays readable for whoever Muster runs as.
        if (process.geteuid?.() === 0) await chown(from, uid, gid)
        await rename(from, to)
      },
    })
  } catch (error) {
    throw problem(`cannot ${what}: ${codeOf(error)}; ${instead}`)
  }
}

/** The whole file beside its place, on disk before it is put there: whoever reads meets the old one or the new one. */
async function writeBeside(
  path: string,
  options: { readonly text: string; readonly mode: number; place: (from: string, to: string) => Promise<void> },
): Promise<void> {
  const temporary = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`
  try {
    const file = await openFile(temporary, 'wx', options.mode)
    try {
      await file.writeFile(options.text)
      await file.sync()
    } finally {
      await file.close()
    }
    await options.place(temporary, path)
  } finally {
    await rm(temporary, { force: true })
  }
  const folder = await openFile(dirname(path), 'r')
  await folder.sync()
  await folder.close()
}

function lineOf(version: number): string {
  return `${version} ${randomBytes(KEY_BYTES).toString('base64')}\n`
}

function parseKeys(keyFile: string, text: string): readonly Key[] {
  const keys = text
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.startsWith('#'))
    .map(parseKey)
  const versions = new Set(keys.map((key) => key?.version))
  if (keys.length === 0 || keys.includes(undefined) || versions.size < keys.length)
    throw problem(`${keyFile} is damaged: each line must be a version and a key; put it back from its backup`)
  return keys.filter((key) => key !== undefined).sort((a, b) => a.version - b.version)
}

function parseKey(line: string): Key | undefined {
  const [, version, encoded] = /^([1-9]\d{0,8}) ([A-Za-z0-9+/]{43}=)$/.exec(line.trim()) ?? []
  if (version === undefined || encoded === undefined) return undefined
  const bytes = Buffer.from(encoded, 'base64')
  const key = { version: Number(version), master: createSecretKey(bytes) }
  bytes.fill(0)
  return key
}

function absentOrThrow(keyFile: string, error: unknown): undefined {
  if (error instanceof ConfigError) throw error
  const code = codeOf(error)
  if (code === 'ENOENT') return undefined
  throw problem(`cannot read ${keyFile}: ${code}; make it readable for the user that Muster runs as`)
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : String(error)
}

/** A mistake about the key file. */
export function problem(message: string): ConfigError {
  return new ConfigError([{ at: SETTING, message }])
}

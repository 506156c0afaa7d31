// The key file, and the vault that it opens.
import { createSecretKey, hkdfSync, type KeyObject, randomBytes } from 'node:crypto'
import { link, mkdir, open as openFile, readFile, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { ConfigError } from '../base/errors.ts'
import type { Queries } from '../database/connect.ts'
import { lookUp } from './lookup.ts'
import { currentVersion, open, randomNonces, seal } from './seal.ts'

/** Seals, opens and looks up; synchronous, some microseconds each. */
export interface Vault {
  /** Seals for the place that `context` names, e.g. `card:17`. Two calls give different results. */
  seal(plain: string, context: string): Buffer
  /** Opens for the same context. Throws RunError `vault-unreadable`. */
  open(sealed: Buffer, context: string): string
  /** 16 bytes, equal for equal values of one space. Changes with the key's version: rotating makes all of them anew. */
  lookup(space: string, canonical: string): Buffer
  /** The key version that seals and looks up. */
  readonly currentVersion: number
}

export interface VaultOptions {
  /** Absolute path. */
  readonly keyFile: string
  readonly db: Queries
  /** Whether a missing key may be made, where the database knows of none. */
  readonly allowCreate: boolean
}

/** The version of the key that this database was filled with last; 0 where it holds nothing sealed yet. */
export async function keyVersionOf(db: Queries): Promise<number> {
  const { rows } = await db.query<{ version: number }>(
    'select coalesce(max(key_version), 0) as version from vault_state',
  )
  return rows[0]?.version ?? 0
}

interface Key {
  readonly version: number
  readonly bytes: Buffer
}

const KEY_BYTES = 32
const SETTING = 'MUSTER_KEY_FILE'

/**
 * Reads the key file, or makes it at the first start (mode 0600, whole or not at all), and checks that it is the one
 * that this database was filled with: its fingerprints are kept in `vault_state`.
 *
 * @throws ConfigError when the key is missing though the database knows of one, is another one, or cannot be read
 */
export async function openVault(options: VaultOptions): Promise<Vault> {
  const { keyFile, db, allowCreate } = options
  const known = await readState(db)
  let keys = await readKeys(keyFile)
  if (keys === undefined) {
    if (known.length > 0)
      throw problem(
        `there is no key file ${keyFile}, but the database holds values that were sealed with one; ` +
          'put the file back from its backup',
      )
    if (!allowCreate) throw problem(`there is no key file ${keyFile}; it is made when Muster first writes`)
    keys = await createKeys(keyFile)
  }
  for (const state of known) {
    const key = keys.find((candidate) => candidate.version === state.key_version)
    if (key === undefined || !fingerprint(key).equals(state.fingerprint))
      throw problem(
        `${keyFile} ${key === undefined ? `lacks version ${state.key_version} of the key` : 'holds another key'} ` +
          'than the one that this database was filled with; put the right file back from its backup',
      )
  }
  await writeState(db, { keys, keyFile })
  return makeVault(keys)
}

function makeVault(keys: readonly Key[]): Vault {
  const sealing = new Map(keys.map((key) => [key.version, derive(key, 'sealing')]))
  const version = currentVersion(sealing)
  const newest = new Map(keys.map((key) => [key.version, derive(key, 'look-up')])).get(version)
  if (newest === undefined) throw problem('the key file is empty')
  const takeNonce = randomNonces()
  return {
    currentVersion: version,
    seal: (plain, context) => seal(sealing, { plain, context, takeNonce }),
    open: (sealed, context) => open(sealing, { sealed, context }),
    lookup: (space, canonical) => lookUp(newest, { space, canonical }),
  }
}

/** One key per purpose, so that what is known of one tells nothing of another. RFC 5869. */
function derive(key: Key, purpose: 'sealing' | 'look-up' | 'fingerprint'): KeyObject {
  return createSecretKey(Buffer.from(hkdfSync('sha256', key.bytes, '', `muster/${purpose}/1`, KEY_BYTES)))
}

function fingerprint(key: Key): Buffer {
  return derive(key, 'fingerprint').export().subarray(0, 16)
}

interface VaultState {
  readonly key_version: number
  readonly fingerprint: Buffer
}

async function readState(db: Queries): Promise<readonly VaultState[]> {
  return db.kysely.selectFrom('vault_state').select(['key_version', 'fingerprint']).orderBy('key_version').execute()
}

async function writeState(db: Queries, { keys, keyFile }: { keys: readonly Key[]; keyFile: string }): Promise<void> {
  for (const key of keys)
    await db.kysely
      .insertInto('vault_state')
      .values({ key_version: key.version, fingerprint: fingerprint(key) })
      .onConflict((conflict) => conflict.doNothing())
      .execute()
  // Two first starts with two key files: the database keeps one, the other must not go on.
  const state = new Map((await readState(db)).map((row) => [row.key_version, row.fingerprint]))
  for (const key of keys)
    if (!state.get(key.version)?.equals(fingerprint(key)))
      throw problem(
        `another Muster has just filled this database with a key that is not in ${keyFile}; share one key file`,
      )
}

/** @returns undefined when there is no file */
async function readKeys(keyFile: string): Promise<readonly Key[] | undefined> {
  let text: string
  try {
    text = await readFile(keyFile, 'utf8')
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    if (code === 'ENOENT') return undefined
    throw problem(`cannot read ${keyFile}: ${code}; make it readable for the user that Muster runs as`)
  }
  const keys = text
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.startsWith('#'))
    .map(parseKey)
  const versions = new Set(keys.map((key) => key?.version))
  if (keys.length === 0 || keys.includes(undefined) || versions.size < keys.length)
    throw problem(`${keyFile} is damaged: each line must be a version and a key; put it back from its backup`)
  return keys.filter((key) => key !== undefined)
}

function parseKey(line: string): Key | undefined {
  const [, version, encoded] = /^([1-9]\d{0,8}) ([A-Za-z0-9+/]{43}=)$/.exec(line.trim()) ?? []
  if (version === undefined || encoded === undefined) return undefined
  return { version: Number(version), bytes: Buffer.from(encoded, 'base64') }
}

/** Made beside its place and linked there: of several first starts one wins and the others read its key. */
async function createKeys(keyFile: string): Promise<readonly Key[]> {
  const temporary = `${keyFile}.${process.pid}.${randomBytes(4).toString('hex')}`
  try {
    await mkdir(dirname(keyFile), { recursive: true, mode: 0o711 })
    const file = await openFile(temporary, 'wx', 0o600)
    await file.writeFile(
      `# Muster's key. Whoever has it can read what the database seals; without it nobody can. Keep a copy apart.\n` +
        `1 ${randomBytes(KEY_BYTES).toString('base64')}\n`,
    )
    await file.sync()
    await file.close()
    await link(temporary, keyFile)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    if (code !== 'EEXIST') throw problem(`cannot make the key file ${keyFile}: ${code}; make its folder writable`)
  } finally {
    await rm(temporary, { force: true })
  }
  const folder = await openFile(dirname(keyFile), 'r')
  await folder.sync()
  await folder.close()
  const keys = await readKeys(keyFile)
  if (keys === undefined) throw problem(`${keyFile} was removed while Muster started`)
  return keys
}

function problem(message: string): ConfigError {
  return new ConfigError([{ at: SETTING, message }])
}

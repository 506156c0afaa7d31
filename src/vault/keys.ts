// The vault: seals under the newest version of the key that this database uses, opens under all, looks up under a key of its own.
// What the database knows of keys: fingerprints of versions, when they came into use and were retired, and the look-up key, sealed.
import { createHmac, createSecretKey, type KeyObject, randomBytes } from 'node:crypto'
import { RunError } from '../base/errors.ts'
import type { Log } from '../base/log.ts'
import type { Queries } from '../database/connect.ts'
import {
  createKeys,
  derive,
  fingerprint,
  isReadableByOthers,
  type Key,
  problem,
  readKeys,
  readKeysNow,
} from './key-file.ts'
import { lookUp } from './lookup.ts'
import { open, randomNonces, seal, versionOf } from './seal.ts'
import { LOOK_UP_KEY_CONTEXT } from './places.ts'

/** Seals, opens and looks up; synchronous, some microseconds each. */
export interface Vault {
  /** Seals for the place that `context` names, e.g. `card:17`. Two calls give different results. */
  seal(plain: string, context: string): Buffer
  /**
   * Opens for the same context. A value of a version that came into use since is opened too: the key file is read again then.
   *
   * @throws RunError `vault-unreadable`
   */
  open(sealed: Buffer, context: string): string
  /** 16 bytes, equal for equal values of one space, for as long as this database lives. */
  lookup(space: string, canonical: string): Buffer
  /** The key version that seals. */
  readonly currentVersion: number
  /**
   * Learns what other processes have done to the keys. A server calls it again and again, so that what it seals is under the newest
   * version soon.
   *
   * @throws ConfigError when the file lacks a version that is in use; nothing is sealed from then on until it is there
   */
  refresh(): Promise<void>
}

export interface VaultOptions {
  /** Absolute path. */
  readonly keyFile: string
  readonly db: Queries
  /** Whether a missing key may be made, where the database knows of none. */
  readonly allowCreate: boolean
  /** Told where others may read the key file. */
  readonly log?: Log
}

/** A version of the key as the database knows it. */
export interface KnownVersion {
  readonly version: number
  readonly fingerprint: Buffer
  /** When it came into use. */
  readonly createdAt: Date
  readonly retiredAt: Date | null
}

/** The versions that this database knows, oldest first. */
export async function listKnownVersions(db: Queries): Promise<readonly KnownVersion[]> {
  const { rows } = await db.query<KnownVersion>(
    `select key_version as version, fingerprint, created_at as "createdAt", retired_at as "retiredAt" from vault_state order by key_version`,
  )
  return rows
}

/** The version of the key that this database is sealed with now; 0 where it holds nothing sealed yet. */
export async function keyVersionOf(db: Queries): Promise<number> {
  return (await listKnownVersions(db)).at(-1)?.version ?? 0
}

/**
 * Reads the key file, or makes it at the first start (mode 0600, whole or not at all), and checks that it is the one
 * that this database was filled with: its fingerprints are kept in `vault_state`. Versions in the file that the database does not
 * know wait there until `muster keys rotate` takes them into use.
 *
 * @throws ConfigError when the key is missing though the database knows of one, is another one, or cannot be read
 */
export async function openVault(options: VaultOptions): Promise<Vault> {
  const { keyFile, db, allowCreate, log } = options
  const known = await listKnownVersions(db)
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
  if (await isReadableByOthers(keyFile))
    log?.warn('the key file can be read by every user; make its mode 0600', { path: keyFile })
  requireKnown(keyFile, { keys, known })
  const newest = await requireState(db, { keyFile, keys, known })
  const held = new HeldKeys({ keyFile, db, keys, newest })
  const derived = keys.find((key) => key.version === newest)
  if (derived === undefined) throw problem(`${keyFile} lacks version ${newest} of the key`)
  const first = known.length === 0 ? randomBytes(LOOK_UP_KEY_BYTES) : derive(derived, 'look-up').export()
  return held.vault(await requireLookUpKey(db, held, first))
}

const LOOK_UP_KEY_BYTES = 32

/** Every version in use must be in the file, and be the one that the database was filled with. */
export function requireKnown(
  keyFile: string,
  { keys, known }: { readonly keys: readonly Key[]; readonly known: readonly KnownVersion[] },
): void {
  for (const state of known) {
    const key = keys.find((candidate) => candidate.version === state.version)
    if (key === undefined && state.retiredAt !== null) continue
    if (key === undefined || !fingerprint(key).equals(state.fingerprint))
      throw problem(
        `${keyFile} ${key === undefined ? `lacks version ${state.version} of the key` : `holds another key as version ${state.version}`} ` +
          'than the one that this database was filled with; put the right file back from its backup',
      )
  }
}

/** The keys of a key file without a database: for telling whether they are those of a backup. */
export interface KeyRing {
  /** In hex, by version. */
  readonly fingerprints: ReadonlyMap<number, string>
  readonly newest: number
  /** A keyed digest that only who has this version of the key can make. @throws ConfigError where it is not in the file */
  vouch(version: number, text: string): Buffer
}

/** @throws ConfigError when there is no key file, or it cannot be read */
export async function openKeyRing(keyFile: string): Promise<KeyRing> {
  const keys = await readKeys(keyFile)
  if (keys === undefined)
    throw problem(`there is no key file ${keyFile}; put the one of the installation there that the backup was made of`)
  return {
    fingerprints: new Map(keys.map((key) => [key.version, fingerprint(key).toString('hex')])),
    newest: Math.max(...keys.map(({ version }) => version)),
    vouch(version, text) {
      const key = keys.find((candidate) => candidate.version === version)
      if (key === undefined) throw problem(`${keyFile} lacks version ${version} of the key`)
      return createHmac('sha256', derive(key, 'backup')).update(text).digest()
    },
  }
}

/** The keys of this process. They change when another process rotates them. */
class HeldKeys {
  readonly #options: Pick<VaultOptions, 'keyFile' | 'db'>
  #sealing: ReadonlyMap<number, KeyObject>
  #newest: number
  /** Why nothing may be sealed. */
  #missing: Error | undefined
  readonly #takeNonce = randomNonces()

  constructor(
    options: Pick<VaultOptions, 'keyFile' | 'db'> & { readonly keys: readonly Key[]; readonly newest: number },
  ) {
    this.#options = options
    this.#sealing = sealingKeys(options.keys)
    this.#newest = options.newest
  }

  seal(plain: string, context: string): Buffer {
    if (this.#missing !== undefined)
      throw new RunError('vault-unreadable', `Cannot seal: ${this.#missing.message}`, { cause: this.#missing })
    return seal(this.#sealing, { version: this.#newest, plain, context, takeNonce: this.#takeNonce })
  }

  open(sealed: Buffer, context: string): string {
    const version = versionOf(sealed)
    if (version !== undefined && !this.#sealing.has(version)) {
      const keys = readKeysNow(this.#options.keyFile)
      if (keys !== undefined) this.#sealing = sealingKeys(keys)
    }
    const plain = open(this.#sealing, { sealed, context })
    // It opened, so this version is in use.
    if (version !== undefined && version > this.#newest) this.#newest = version
    return plain
  }

  async refresh(): Promise<void> {
    const { keyFile, db } = this.#options
    const known = await listKnownVersions(db)
    const newest = known.at(-1)?.version ?? this.#newest
    if (newest === this.#newest && this.#missing === undefined) return
    try {
      const keys = await readKeys(keyFile)
      requireKnown(keyFile, { keys: keys ?? [], known })
      this.#sealing = sealingKeys(keys ?? [])
      this.#newest = newest
      this.#missing = undefined
    } catch (error) {
      this.#missing = error instanceof Error ? error : new Error('the key file cannot be read')
      throw error
    }
  }

  vault(lookUpKey: KeyObject): Vault {
    const newest = () => this.#newest
    return {
      get currentVersion() {
        return newest()
      },
      seal: (plain, context) => this.seal(plain, context),
      open: (sealed, context) => this.open(sealed, context),
      lookup: (space, canonical) => lookUp(lookUpKey, { space, canonical }),
      refresh: () => this.refresh(),
    }
  }
}

function sealingKeys(keys: readonly Key[]): ReadonlyMap<number, KeyObject> {
  return new Map(keys.map((key) => [key.version, derive(key, 'sealing')]))
}

/** Notes the newest version of the file where the database knows none yet. @returns the version in use */
async function requireState(
  db: Queries,
  { keyFile, keys, known }: { keyFile: string; keys: readonly Key[]; known: readonly KnownVersion[] },
): Promise<number> {
  const inUse = known.at(-1)?.version
  if (inUse !== undefined) return inUse
  const first = keys.at(-1)
  if (first === undefined) throw problem(`${keyFile} is empty`)
  await db.query('insert into vault_state (key_version, fingerprint) values ($1, $2) on conflict do nothing', [
    first.version,
    fingerprint(first),
  ])
  // Two first starts with two key files: the database keeps one, the other must not go on.
  const [state] = await listKnownVersions(db)
  if (state?.version !== first.version || !state.fingerprint.equals(fingerprint(first)))
    throw problem(
      `another Muster has just filled this database with a key that is not in ${keyFile}; share one key file`,
    )
  return first.version
}

/**
 * The key of look-ups: random, sealed beside what it finds. A database from before it had a key of its own keeps the one that was
 * derived from the key file, because PINs, which nobody has, are kept as look-ups alone.
 */
async function requireLookUpKey(db: Queries, held: HeldKeys, first: Buffer): Promise<KeyObject> {
  const read = async () => (await db.query<{ sealed: Buffer }>('select sealed from look_up_key')).rows[0]?.sealed
  let sealed = await read()
  if (sealed === undefined) {
    // Of several first starts one wins.
    await db.query('insert into look_up_key (sealed) values ($1) on conflict do nothing', [
      held.seal(first.toString('base64'), LOOK_UP_KEY_CONTEXT),
    ])
    sealed = await read()
  }
  if (sealed === undefined) throw problem('the key of look-ups was removed while Muster started; start it again')
  return createSecretKey(Buffer.from(held.open(sealed, LOOK_UP_KEY_CONTEXT), 'base64'))
}

// Versions of the key: what is under them, a new one taken into use, an old one retired. See docs/keys.md.
import type { Clock } from '../base/clock.ts'
import { ConflictError, NotFoundError } from '../base/errors.ts'
import { type KeysReport, LEARNT_SECONDS, RETIRABLE_MINUTES, type RotationDocument } from '../contract/keys.ts'
import type { Database, Queries } from '../database/connect.ts'
import { withTransaction } from '../database/transaction.ts'
import { addVersion, fingerprint, type Key, problem, readKeys, removeVersion } from '../vault/key-file.ts'
import { type KnownVersion, listKnownVersions, requireKnown, type Vault } from '../vault/keys.ts'
import { countSealed, fleetingUntil, rewrap, type SealedCount } from '../vault/rewrap.ts'
import { type Actor, recordAudit } from './audit.ts'

export interface KeyParts {
  readonly db: Database
  readonly vault: Vault
  readonly clock: Clock
  readonly random: () => number
  /** Absolute path. */
  readonly keyFile: string
}

/** Every version that the database or the file knows, oldest first. */
export async function listKeys(db: Queries, keyFile: string): Promise<KeysReport> {
  const [known, keys] = [await listKnownVersions(db), (await readKeys(keyFile)) ?? []]
  const counts = await countSealed(db)
  const { rows } = await db.query<{ pins: number }>(`select count(*) as pins from credentials where kind = 'pin'`)
  const newest = known.at(-1)?.version
  const waiting = keys.filter(({ version }) => version > (newest ?? 0))
  const lines = known.map((state) => ({
    version: state.version,
    state: stateOf(state, newest),
    fingerprint: state.fingerprint.toString('hex'),
    isInFile: keys.some((key) => key.version === state.version && fingerprint(key).equals(state.fingerprint)),
    since: state.createdAt.toISOString(),
    retiredAt: state.retiredAt?.toISOString() ?? null,
    ...placesOf(counts, state.version),
  }))
  const rest = waiting.map((key) => ({
    version: key.version,
    state: 'waiting' as const,
    fingerprint: fingerprint(key).toString('hex'),
    isInFile: true,
    since: null,
    retiredAt: null,
    ...placesOf(counts, key.version),
  }))
  return { keys: [...lines, ...rest], pins: rows[0]?.pins ?? 0 }
}

function stateOf(state: KnownVersion, newest: number | undefined): 'sealing' | 'opening' | 'retired' {
  if (state.version === newest) return 'sealing'
  return state.retiredAt === null ? 'opening' : 'retired'
}

function placesOf(counts: readonly SealedCount[], version: number) {
  const places = counts.filter((c) => c.version === version).map(({ place, count }) => ({ place, count }))
  return { count: places.reduce((sum, { count }) => sum + count, 0), places }
}

/**
 * Takes a new version of the key into use and seals everything anew with it; where an earlier call was interrupted, goes on with that
 * instead. The new key is in the file, on disk, before the database names it; a kill at any point leaves both readable.
 *
 * @throws ConfigError where the file cannot be written; ConflictError `keys-elsewhere`; RunError `keys-busy`
 */
export async function rotateKeys(
  parts: KeyParts,
  options: {
    readonly actor: Actor
    /** The administrator says that every host has the new file. */
    readonly isEverywhere: boolean
    readonly signal: AbortSignal
    readonly onProgress?: (done: number) => void
  },
): Promise<RotationDocument> {
  const { db, vault } = parts
  const go = async (isForced: boolean) => {
    const began = await takeIntoUse(parts, { ...options, isForced })
    await vault.refresh()
    return { began, ...(await rewrap({ ...parts, ...options })) }
  }
  let round = await go(false)
  // What is left of earlier versions is damaged: it must not stand in the way for ever.
  if (!round.began && round.done === 0) round = await go(true)
  const { began: isNew, done, unreadable } = round
  const version = vault.currentVersion
  if (done > 0) {
    const details = { resealed: done, unreadable }
    await withTransaction(db, (tx) =>
      recordAudit(tx, parts, { actor: options.actor, action: 'keys.reseal', subject: subjectOf(version), details }),
    )
  }
  const { keys } = await listKeys(db, parts.keyFile)
  const retirable = keys.filter((key) => key.state === 'opening' && key.count === 0).map((key) => key.version)
  return { version, isNew, resealed: done, unreadable: [...unreadable], retirable }
}

/** @returns false where there is something to go on with */
async function takeIntoUse(
  parts: KeyParts,
  options: { readonly actor: Actor; readonly isEverywhere: boolean; readonly isForced: boolean },
): Promise<boolean> {
  const { actor, isEverywhere, isForced } = options
  const { db, keyFile } = parts
  return withTransaction(db, async (tx) => {
    // One at a time: two would make two versions.
    await tx.query('lock table vault_state in share row exclusive mode')
    const known = await listKnownVersions(tx)
    const newest = known.at(-1)?.version ?? 0
    const isUnderway = (await countSealed(tx)).some(({ version, count }) => version < newest && count > 0)
    if (isUnderway && !isForced) return false
    const key = await nextKey(keyFile, known)
    const elsewhere = isEverywhere ? [] : await otherHosts(tx)
    if (elsewhere.length > 0)
      throw new ConflictError(
        'keys-elsewhere',
        `Version ${key.version} is in ${keyFile}, and not in use yet: Muster also works on this database from ` +
          `${elsewhere.join(', ')}. Put the same file there, then run this again with --on-every-host`,
      )
    await tx.query('insert into vault_state (key_version, fingerprint) values ($1, $2)', [
      key.version,
      fingerprint(key),
    ])
    const details = { fingerprint: fingerprint(key).toString('hex') }
    await recordAudit(tx, parts, { actor, action: 'keys.rotate', subject: subjectOf(key.version), details })
    return true
  })
}

/** The version after the newest one in use: one that waits in the file, else one that is made. */
async function nextKey(keyFile: string, known: readonly KnownVersion[]): Promise<Key> {
  const newest = known.at(-1)?.version ?? 0
  const read = async () => {
    const keys = (await readKeys(keyFile)) ?? []
    requireKnown(keyFile, { keys, known })
    return { keys, waiting: keys.find(({ version }) => version > newest) }
  }
  const { keys, waiting } = await read()
  if (waiting !== undefined) return waiting
  await addVersion(keyFile, Math.max(newest, ...keys.map(({ version }) => version)) + 1)
  const added = (await read()).waiting
  if (added === undefined) throw problem(`${keyFile} was changed by somebody else meanwhile; run this again`)
  return added
}

/** Addresses of other machines that Muster works from on this database. The embedded one is on a socket and has none. */
async function otherHosts(db: Queries): Promise<readonly string[]> {
  const { rows } = await db.query<{ address: string }>(
    `select distinct host(a.client_addr) as address from pg_stat_activity a
     where a.datname = current_database() and a.application_name like 'muster%' and a.client_addr is not null
       and a.client_addr is distinct from (select client_addr from pg_stat_activity where pid = pg_backend_pid()) order by 1`,
  )
  return rows.map((row) => row.address)
}

/**
 * Takes an older version out of use, and out of the file. Backups from before still need it.
 *
 * @throws NotFoundError; ConflictError `key-in-use`; ConfigError where the file cannot be written (the version is retired then)
 */
export async function retireKey(
  parts: KeyParts,
  { version, actor }: { readonly version: number; readonly actor: Actor },
): Promise<void> {
  const { db, keyFile } = parts
  await withTransaction(db, async (tx) => {
    await tx.query('lock table vault_state in share row exclusive mode')
    const known = await listKnownVersions(tx)
    const state = known.find((candidate) => candidate.version === version)
    if (state === undefined)
      throw new NotFoundError('version of the key in use', String(version), 'muster keys lists them')
    if (state.retiredAt !== null) return
    const reason = await reasonToKeep(tx, { version, newest: known.at(-1)?.version ?? version, now: parts.clock.now() })
    if (reason !== undefined)
      throw new ConflictError('key-in-use', `Cannot retire version ${version} of the key: ${reason}`)
    await tx.query('update vault_state set retired_at = now() where key_version = $1', [version])
    await recordAudit(tx, parts, { actor, action: 'keys.retire', subject: subjectOf(version), details: {} })
  })
  // Afterwards: the other way round a kill in between would leave a file that the database refuses.
  await removeVersion(keyFile, version)
}

async function reasonToKeep(
  tx: Queries,
  { version, newest, now }: { readonly version: number; readonly newest: number; readonly now: Date },
): Promise<string | undefined> {
  if (version === newest) return 'it is the one that seals; make a newer one with muster keys rotate'
  const count = (await countSealed(tx)).reduce((sum, c) => sum + (c.version === version ? c.count : 0), 0)
  if (count > 0) return `${count} values are under it; muster keys rotate seals them anew`
  const { rows } = await tx.query<{ seconds: number; runs: number }>(
    `select extract(epoch from now() - v.created_at)::int as seconds,
       (select count(*) from runs r where r.state = 'running' and r.started_at < v.created_at + $2 * interval '1 second') as runs
     from vault_state v where v.key_version = $1`,
    [newest, LEARNT_SECONDS],
  )
  const { seconds, runs } = rows[0] ?? { seconds: 0, runs: 0 }
  if (seconds < LEARNT_SECONDS)
    return `version ${newest} came into use ${seconds} s ago, and not every process may know of it; wait for ${RETIRABLE_MINUTES} minutes`
  if (runs > 0)
    return `${runs} runs have been going on since before version ${newest}, and may seal with it; wait for their end`
  if (seconds < RETIRABLE_MINUTES * 60)
    return `version ${newest} came into use ${seconds} s ago, and browsers of people who are signing in with Microsoft may bring back what is under version ${version}; wait for ${RETIRABLE_MINUTES} minutes`
  const fleeting = await fleetingUntil(tx, { version, now })
  if (fleeting !== undefined)
    return `people are signing in, and what is kept of that until ${fleeting.until.toISOString()} is under it (${fleeting.names.join(', ')}); wait until then`
  return undefined
}

function subjectOf(version: number): string {
  return `key version ${version}`
}

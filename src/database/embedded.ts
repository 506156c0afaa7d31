// The embedded PostgreSQL of one MUSTER_HOME, shared by its processes.
//
// Who takes part is known to the server itself: each process keeps one session with a shared advisory lock, which
// ends with the process however that ends. The last one out is the one that gets the exclusive lock. Starting is
// guarded by a lock on MUSTER_HOME/database.lock that the server inherits, so its files are never opened twice.
import { chmod, mkdir, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { Client } from 'pg'
import type { Clock } from '../base/clock.ts'
import { RunError } from '../base/errors.ts'
import type { Log } from '../base/log.ts'
import { prepareBinaries } from './binaries.ts'
import { tryLock } from './filelock.ts'
import { inheritOwner, prepareFiles, readFiles } from './files.ts'
import { endOrphans, initialise, isServing, readServerState, startServer, stopServer, SUPERUSER } from './server.ts'

/** How to reach the embedded server; `host` is the folder of its socket. */
export interface EmbeddedAddress {
  readonly host: string
  readonly user: string
  readonly database: string
}

/** This process's share in the embedded server. */
export interface EmbeddedDatabase {
  readonly address: EmbeddedAddress
  /** The same as a URL that pg and libpq understand. Carries no secret: the socket's folder is the protection. */
  readonly connectionString: string
  /** Where PostgreSQL's files lie. */
  readonly directory: string
  /**
   * Gives the share back; the last process stops the server and waits for it. Close own connections first.
   * @returns `stopped` when this was the last one, else `left`
   */
  release(): Promise<'stopped' | 'left'>
}

export interface EmbeddedOptions {
  /** MUSTER_HOME; made when missing. */
  readonly home: string
  readonly clock: Clock
  readonly log: Log
  /** The user that PostgreSQL runs as under root; `nobody` when not given. Ignored otherwise. */
  readonly user?: string | undefined
}

const DATABASE = 'muster'
/** Any number; only processes of Muster take it, and only in the server's own database. */
const PRESENCE_LOCK = 7_203_514_001
const POLL_MS = 15
const ORPHANS_AFTER_MS = 1_000
/** How long somebody may hold the files without a server that answers, before we say so. */
const GIVE_UP_MS = 60_000
const STOP_TIMEOUT_MS = 120_000
const REJOIN_MAX_MS = 5_000

/**
 * Joins the running server of this home, or recovers and starts it. When the server dies later it is started again
 * in the background; until then connections fail as `database-unavailable`.
 *
 * @throws RunError `database-unsupported`, `database-files`, `database-user-unknown`, `database-start`
 */
export async function openEmbeddedDatabase(options: EmbeddedOptions): Promise<EmbeddedDatabase> {
  const home = await makeHome(options.home)
  const share = new Share({ ...options, home })
  return share.open()
}

async function makeHome(home: string): Promise<string> {
  const made = await mkdir(home, { recursive: true })
  // The account that PostgreSQL runs as must be able to pass, nobody needs to list; the key file has its own mode.
  if (made !== undefined) await chmod(home, 0o711)
  return realpath(home)
}

class Share {
  readonly #options: EmbeddedOptions
  readonly #ending = new AbortController()
  #presence: Client | undefined
  #rejoining: Promise<void> | undefined

  constructor(options: EmbeddedOptions) {
    this.#options = options
  }

  async open(): Promise<EmbeddedDatabase> {
    const host = await this.#join()
    const files = await readFiles(this.#options.home)
    return {
      address: { host, user: SUPERUSER, database: DATABASE },
      connectionString: `postgresql://${SUPERUSER}@${encodeURIComponent(host)}/${DATABASE}`,
      directory: files?.directory ?? '',
      release: () => this.#release(),
    }
  }

  /** Returns the socket's folder once this process is counted. */
  async #join(): Promise<string> {
    const { clock } = this.#options
    let quietSince = clock.monotonicMs()
    let isOurs = false
    for (;;) {
      const entered = await this.#enter()
      if (entered.kind === 'entered') return entered.host
      if (entered.kind === 'later') quietSince = clock.monotonicMs()
      else if (await this.#start()) {
        isOurs = true
        continue
      }
      const quietMs = clock.monotonicMs() - quietSince
      if (quietMs > ORPHANS_AFTER_MS) await this.#endOrphans()
      if (quietMs > GIVE_UP_MS)
        throw new RunError(
          'database-start',
          `Cannot start the embedded database of ${this.#options.home}: something holds ` +
            `${join(this.#options.home, 'database.lock')} and does not answer; is another machine or container using this folder?`,
        )
      // A server that we started is entered in any case: nobody else may be there to stop it.
      await clock.sleep(POLL_MS, isOurs ? undefined : this.#ending.signal)
    }
  }

  /** `absent`: nobody answers. `later`: a server answers that it is starting or stopping. */
  async #enter(): Promise<{ kind: 'entered'; host: string } | { kind: 'absent' | 'later' }> {
    const files = await readFiles(this.#options.home)
    const state = files === undefined ? undefined : await readServerState(files.data)
    if (state === undefined || state.socketDirectory === '') return { kind: 'absent' }
    const client = new Client({
      host: state.socketDirectory,
      user: SUPERUSER,
      database: 'postgres',
      application_name: `muster presence ${process.pid}`,
    })
    const life = { isOver: false }
    client.on('error', () => (life.isOver = true))
    client.on('end', () => {
      life.isOver = true
      this.#onPresenceEnd(client)
    })
    try {
      await client.connect()
      // Waits here while the last one out holds the exclusive lock; its stop then ends this session.
      await client.query('select pg_advisory_lock_shared($1)', [PRESENCE_LOCK])
      const found = await client.query('select 1 from pg_database where datname = $1', [DATABASE])
      if (found.rowCount === 0) await createDatabase(client)
    } catch (error) {
      await client.end().catch(() => undefined)
      return classify(error)
    }
    if (life.isOver) return { kind: 'absent' }
    this.#presence = client
    return { kind: 'entered', host: state.socketDirectory }
  }

  /** @returns true when this call started the server */
  async #start(): Promise<boolean> {
    const { home, user, clock, log } = this.#options
    const lock = await tryLock(join(home, 'database.lock'))
    if (lock === undefined) return false
    try {
      await inheritOwner(join(home, 'database.lock'))
      const known = await readFiles(home)
      if (known !== undefined && (await isServing(known.data))) return false
      const { files, account } = await prepareFiles(home, user)
      const binaries = await prepareBinaries(account, files.directory)
      await initialise(files, { account, binaries, lockFd: lock.fd })
      const startedAt = clock.monotonicMs()
      const state = await startServer(files, { account, binaries, clock, lockFd: lock.fd })
      log.debug('embedded database started', { pid: state.pid, ms: Math.round(clock.monotonicMs() - startedAt) })
      return true
    } finally {
      await lock.close()
    }
  }

  async #endOrphans(): Promise<void> {
    const files = await readFiles(this.#options.home)
    const count = files === undefined ? 0 : await endOrphans(files.data)
    if (count > 0) this.#options.log.warn('ended processes of a killed database server', { count })
  }

  #onPresenceEnd(client: Client): void {
    if (client !== this.#presence || this.#ending.signal.aborted) return
    this.#presence = undefined
    this.#options.log.warn('lost the embedded database; starting it again')
    this.#rejoining = this.#rejoin()
  }

  async #rejoin(): Promise<void> {
    const { clock, log } = this.#options
    for (let waitMs = 50; !this.#ending.signal.aborted; waitMs = Math.min(waitMs * 2, REJOIN_MAX_MS)) {
      try {
        await this.#join()
        return
      } catch (error) {
        if (this.#ending.signal.aborted) return
        log.error('cannot start the embedded database again', {
          code: error instanceof RunError ? error.code : 'unknown',
        })
        await clock.sleep(waitMs, this.#ending.signal).catch(() => undefined)
      }
    }
  }

  async #release(): Promise<'stopped' | 'left'> {
    if (this.#ending.signal.aborted) return 'left'
    this.#ending.abort(new Error('released'))
    // A start that is under way is waited for, so that the server it makes is stopped again.
    await this.#rejoining
    const client = this.#presence
    this.#presence = undefined
    if (client === undefined) return 'left'
    try {
      await client.query('select pg_advisory_unlock_shared($1)', [PRESENCE_LOCK])
      const last = await client.query<{ alone: boolean }>('select pg_try_advisory_lock($1) as alone', [PRESENCE_LOCK])
      if (!last.rows[0]?.alone) return 'left'
      const files = await readFiles(this.#options.home)
      if (files === undefined) return 'left'
      const isGone = await stopServer(files, { clock: this.#options.clock, timeoutMs: STOP_TIMEOUT_MS })
      if (!isGone) this.#options.log.warn('the embedded database is still stopping')
      return 'stopped'
    } catch (error) {
      // The server went away by itself: nothing is left to give back.
      if (classify(error).kind === 'absent') return 'left'
      throw error
    } finally {
      await client.end().catch(() => undefined)
    }
  }
}

async function createDatabase(client: Client): Promise<void> {
  try {
    await client.query(`create database ${DATABASE}`)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    // Made by another process at this moment.
    if (code !== '42P04' && code !== '23505') throw error
  }
}

/** Says what a failed connection means; anything but "nobody there" and "not now" is thrown on. */
function classify(error: unknown): { kind: 'absent' | 'later' } {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  if (code === '57P03') return { kind: 'later' }
  if (['57P01', '57P02', 'ENOENT', 'ECONNREFUSED', 'ECONNRESET', 'EPIPE'].includes(code)) return { kind: 'absent' }
  // pg's own words, without a code: the line broke now, or it was found broken when it was used.
  if (error instanceof Error && /^Connection terminated|is not queryable$/.test(error.message))
    return { kind: 'absent' }
  throw error
}

// One PostgreSQL server on files of ours: make the files, start it, tell how it is, stop it.
// Who may do so when is decided in embedded.ts; every function here expects the home's lock or the last presence.
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  chmod,
  chown,
  lstat,
  mkdir,
  open,
  readdir,
  readFile,
  readlink,
  realpath,
  rename,
  rm,
  rmdir,
  stat,
} from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Clock } from '../base/clock.ts'
import { RunError } from '../base/errors.ts'
import { type Account, identity, PLAIN_ENVIRONMENT, runAs } from './account.ts'
import type { Binaries } from './binaries.ts'
import { APPEND } from './filelock.ts'
import { type DatabaseFiles, inheritOwner, syncDirectory } from './files.ts'

/** The superuser of the embedded server. Reaching the socket, which lies in a folder of mode 0700, is the authentication. */
export const SUPERUSER = 'muster'

const POLL_MS = 4
const LOG_LIMIT_BYTES = 10_000_000

/** Given on the command line, so that a newer Muster's settings hold for files that an older one made. */
const SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: '',
  unix_socket_permissions: '0700',
  max_connections: '200',
  fsync: 'on',
  full_page_writes: 'on',
  synchronous_commit: 'on',
  // No replicas read this server, so a table that is made and filled in one transaction need not be logged twice.
  wal_level: 'minimal',
  max_wal_senders: '0',
  max_wal_size: '2GB',
  checkpoint_timeout: '15min',
  shared_buffers: '256MB',
  effective_cache_size: '1GB',
  work_mem: '32MB',
  maintenance_work_mem: '256MB',
  random_page_cost: '1.1',
  jit: 'off',
  // Parallel hash joins keep their tables in /dev/shm, which containers cap at 64 MB.
  enable_parallel_hash: 'off',
  autovacuum: 'on',
  timezone: 'UTC',
  // Statements and details of errors hold names, mail addresses and cards.
  log_min_error_statement: 'panic',
  log_error_verbosity: 'terse',
  log_line_prefix: '%m [%p] ',
}

/** What postmaster.pid says. The server is `isReady` once it takes connections. */
export interface ServerState {
  readonly pid: number
  readonly socketDirectory: string
  readonly isReady: boolean
}

/** The server's own note about itself, which outlives a server that was killed; undefined when it was stopped cleanly. */
export async function readServerState(data: string): Promise<ServerState | undefined> {
  const text = await readFile(join(data, 'postmaster.pid'), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    if (error.code !== 'EACCES') throw error
    throw new RunError(
      'database-files',
      `Cannot open ${data}: it belongs to another user of this machine; run Muster as its owner or as root`,
      { cause: error },
    )
  })
  const lines = text?.split('\n') ?? []
  const pid = Number(lines[0])
  if (!Number.isInteger(pid) || pid <= 0) return undefined
  return { pid, socketDirectory: lines[4] ?? '', isReady: lines[7]?.trim() === 'ready' }
}

/**
 * Makes the data directory, whole or not at all. Nothing to do where it exists.
 * initdb holds the home's lock too: when we are killed, the next start waits for its end instead of working beside it.
 */
export async function initialise(
  files: DatabaseFiles,
  options: { account: Account; binaries: Binaries; lockFd: number },
): Promise<void> {
  const { account, binaries, lockFd } = options
  const version = await readFile(join(files.data, 'PG_VERSION'), 'utf8').catch(() => undefined)
  if (version !== undefined && Number(version) !== binaries.major)
    throw new RunError(
      'database-files',
      `Cannot open ${files.data}: PostgreSQL ${version.trim()} made it and this Muster brings ${binaries.major}; ` +
        'export with the Muster that made it, then restore',
    )
  if (version !== undefined) return
  const fresh = `${files.data}.new`
  await rm(fresh, { recursive: true, force: true })
  await mkdir(fresh, { mode: 0o700 })
  if (account.switch) await chown(fresh, account.uid, account.gid)
  const ended = await runAs(account, {
    file: binaries.initdb,
    args: [
      `--pgdata=${fresh}`,
      `--username=${SUPERUSER}`,
      '--auth=trust',
      '--encoding=UTF8',
      // Text compares the same on every machine, whatever locales it has.
      '--locale=C',
      '--locale-provider=builtin',
      '--builtin-locale=C.UTF-8',
    ],
    fds: [lockFd],
  })
  if (ended.code !== 0)
    throw new RunError('database-start', `Cannot make a database in ${fresh}: initdb said: ${lastLines(ended.output)}`)
  await rename(fresh, files.data)
  await syncDirectory(dirname(files.data))
}

/**
 * Starts the server in its own session and waits until it takes connections; recovery after a crash may take minutes.
 * The server inherits `lockFd` and so holds the home's lock until its last process is gone.
 *
 * @throws RunError `database-start`
 */
export async function startServer(
  files: DatabaseFiles,
  options: { account: Account; binaries: Binaries; lockFd: number; clock: Clock },
): Promise<ServerState> {
  const { account, binaries, lockFd, clock } = options
  const socketDirectory = await makeSocketDirectory(files.id, account)
  const stranger = await findStranger(files.data)
  const before = await stat(files.log).catch(() => undefined)
  if ((before?.size ?? 0) > LOG_LIMIT_BYTES) await rename(files.log, `${files.log}.1`)
  const log = await open(files.log, APPEND, 0o600)
  await inheritOwner(files.log)
  const logStart = (await log.stat()).size
  const child = spawn(
    binaries.postgres,
    ['-D', files.data, '-k', socketDirectory].concat(
      Object.entries(SETTINGS).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ),
    {
      ...identity(account),
      cwd: '/',
      detached: true,
      env: { ...PLAIN_ENVIRONMENT, ...(stranger === undefined ? {} : { PG_GRANDPARENT_PID: String(stranger) }) },
      stdio: ['ignore', log.fd, log.fd, lockFd],
    },
  )
  const life: { ended: string | undefined } = { ended: undefined }
  child.on('error', (error) => (life.ended = error.message))
  child.on(
    'exit',
    (code, signal) => (life.ended = signal === null ? `it exited with ${code}` : `it ended by ${signal}`),
  )
  child.unref()
  await log.close()
  while (life.ended === undefined) {
    const state = await readServerState(files.data)
    if (state !== undefined && state.pid === child.pid && state.isReady) return state
    await clock.sleep(POLL_MS)
  }
  await rmdir(socketDirectory).catch(ignoreMissingOrFull)
  const said = (await readFile(files.log, 'utf8')).slice(logStart)
  throw new RunError(
    'database-start',
    `Cannot start the embedded database in ${files.data} as user ${account.name}: ${life.ended}; ` +
      `${files.log} says: ${lastLines(said)}`,
  )
}

/**
 * Stops the server and waits until it is gone: open transactions are rolled back, everything committed is on disk.
 * @returns false when it was still there after `timeoutMs`; it then goes on stopping by itself
 */
export async function stopServer(files: DatabaseFiles, options: { clock: Clock; timeoutMs: number }): Promise<boolean> {
  const state = await readServerState(files.data)
  if (state === undefined || !(await isAlive(state.pid))) return true
  process.kill(state.pid, 'SIGINT')
  const deadline = options.clock.monotonicMs() + options.timeoutMs
  while (await isAlive(state.pid)) {
    if (options.clock.monotonicMs() > deadline) return false
    await options.clock.sleep(POLL_MS)
  }
  await rmdir(state.socketDirectory).catch(ignoreMissingOrFull)
  return true
}

/** True when the process that postmaster.pid names is a server on these files. */
export async function isServing(data: string): Promise<boolean> {
  const state = await readServerState(data)
  return state !== undefined && (await isAlive(state.pid)) && (await worksIn(state.pid, data))
}

/**
 * Ends what a killed server left behind: its sessions notice the death only between statements, and until then
 * neither they nor the kernel let a new server have the files.
 * @returns how many were told to end
 */
export async function endOrphans(data: string): Promise<number> {
  if (await isServing(data)) return 0
  let count = 0
  for (const name of await readdir('/proc')) {
    const pid = Number(name)
    if (!Number.isInteger(pid) || !(await isOrphan(pid, data))) continue
    try {
      process.kill(pid, 'SIGQUIT')
      count += 1
    } catch (error) {
      // It ended by itself meanwhile.
      if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
    }
  }
  return count
}

/**
 * A crashed server's pid that is in use though no server is there: by another program, or by the dead server itself
 * where nobody collects it. PostgreSQL would take it for a server; the pid of its grandparent it does not.
 */
async function findStranger(data: string): Promise<number | undefined> {
  const state = await readServerState(data)
  if (state === undefined || (await worksIn(state.pid, data))) return undefined
  const exists = await stat(`/proc/${state.pid}`).then(
    () => true,
    () => false,
  )
  return exists ? state.pid : undefined
}

async function isAlive(pid: number): Promise<boolean> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined)
  // A process whose parent does not collect it stays as a zombie, e.g. under a container's first process.
  return text !== undefined && !/^[ZX]/.test(text.slice(text.lastIndexOf(')') + 2))
}

/** A session or worker whose server is gone. A server that is just starting is none: it bears the program's own name. */
async function isOrphan(pid: number, data: string): Promise<boolean> {
  if (!(await worksIn(pid, data))) return false
  const title = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  const parent = Number(/^PPid:\s+(\d+)/m.exec(status)?.[1])
  return title.startsWith('postgres: ') && !(await worksIn(parent, data))
}

/** Every PostgreSQL process works in its data directory. */
async function worksIn(pid: number, data: string): Promise<boolean> {
  const cwd = await readlink(`/proc/${pid}/cwd`).catch(() => undefined)
  return cwd !== undefined && cwd === (await realpath(data).catch(() => data))
}

/**
 * A folder of mode 0700 for the socket, whose path must stay under 107 bytes however deep the home lies.
 * Names in /tmp can be taken by anybody, so one that is not ours is passed over.
 */
async function makeSocketDirectory(id: string, account: Account): Promise<string> {
  const isRoot = process.getuid?.() === 0
  const candidates = [`/tmp/muster-${id}`, `/tmp/muster-${id}-${randomBytes(4).toString('hex')}`]
  for (const path of isRoot ? [`/run/muster-${id}`, ...candidates] : candidates) {
    try {
      await mkdir(path, { mode: 0o700 })
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined
      if (code !== 'EEXIST') continue
    }
    const found = await lstat(path)
    if (!found.isDirectory() || (found.uid !== account.uid && !(isRoot && found.uid === 0))) continue
    if (found.uid !== account.uid) await chown(path, account.uid, account.gid)
    await chmod(path, 0o700)
    // Left by a killed server, and PostgreSQL would believe the pid in them. That no server is there we know.
    for (const name of await readdir(path)) await rm(join(path, name))
    return path
  }
  throw new RunError(
    'database-start',
    `Cannot make a folder for the embedded database's socket in ${isRoot ? '/run or /tmp' : '/tmp'}; make /tmp writable`,
  )
}

function ignoreMissingOrFull(error: NodeJS.ErrnoException): void {
  if (!['ENOENT', 'ENOTEMPTY', 'EPERM', 'EACCES'].includes(error.code ?? '')) throw error
}

function lastLines(text: string): string {
  return text.trim().split('\n').slice(-6).join(' | ')
}

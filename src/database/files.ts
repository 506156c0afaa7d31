// Where the embedded database lies: below MUSTER_HOME, or below /var/lib/muster when PostgreSQL's account cannot get there.
import { randomBytes } from 'node:crypto'
import { chmod, chown, cp, lchown, lstat, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { RunError } from '../base/errors.ts'
import { type Account, accountOf, chooseAccount, runAs } from './account.ts'

/** The places of one embedded database. All paths are absolute. */
export interface DatabaseFiles {
  /** Names the database on this machine; part of the socket's path, which must stay under about 100 bytes. */
  readonly id: string
  readonly directory: string
  /** PostgreSQL's data directory; exists once it is complete. */
  readonly data: string
  readonly log: string
}

const SYSTEM_DIRECTORY = '/var/lib/muster'

/** What `MUSTER_HOME/database.json` names, or undefined before the first start. */
export async function readFiles(home: string): Promise<DatabaseFiles | undefined> {
  const path = join(home, 'database.json')
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (text === undefined) return undefined
  const parsed: unknown = JSON.parse(text)
  const { id, directory } = (parsed ?? {}) as { id?: unknown; directory?: unknown }
  if (typeof id !== 'string' || !/^[0-9a-f]{12}$/.test(id) || typeof directory !== 'string')
    throw new RunError(
      'database-files',
      `Cannot use ${path}: it does not name the database's id and directory; restore it, ` +
        `e.g. {"id":"0123456789ab","directory":"database"}`,
    )
  return filesIn(id, resolve(home, directory))
}

/**
 * Finds or chooses the places and makes them usable for the account that PostgreSQL will run as.
 * Call it under the home's lock and with no server running: it may move the files and change their owner.
 *
 * @throws RunError `database-files` where no place can be used
 */
export async function prepareFiles(
  home: string,
  user: string | undefined,
): Promise<{ files: DatabaseFiles; account: Account }> {
  const known = await readFiles(home)
  const owner = known === undefined ? undefined : await ownerOf(known.data)
  // Under root, the home or the files of an ordinary user are served as that user, so that both can use them.
  const present = [owner, await ownerOf(home)].find((candidate) => candidate !== undefined && candidate.uid !== 0)
  const account = present !== undefined && user === undefined ? accountOf(present) : await chooseAccount(user)
  const files = known ?? (await chooseFiles(home, account))
  const usable = (await isReachable(files.directory, account)) ? files : await relocate(home, { files, account })
  if (account.switch && owner !== undefined && owner.uid !== account.uid) await changeOwner(usable.data, account)
  return { files: usable, account }
}

async function chooseFiles(home: string, account: Account): Promise<DatabaseFiles> {
  const id = randomBytes(6).toString('hex')
  const local = filesIn(id, join(home, 'database'))
  await makeDirectory(local.directory)
  const isLocal = await isReachable(local.directory, account)
  const files = isLocal ? local : filesIn(id, join(SYSTEM_DIRECTORY, id))
  await writeFiles(home, files)
  if (!isLocal) await rm(local.directory, { recursive: true })
  return files
}

/** A parent folder was closed to the account after the database was made: everything goes to the system's place. */
async function relocate(
  home: string,
  { files, account }: { files: DatabaseFiles; account: Account },
): Promise<DatabaseFiles> {
  const target = filesIn(files.id, join(SYSTEM_DIRECTORY, files.id))
  await makeDirectory(target.directory)
  if (files.directory === target.directory || !(await isReachable(target.directory, account)))
    throw new RunError(
      'database-files',
      `Cannot keep the embedded database in ${files.directory}: user ${account.name}, as which PostgreSQL runs, ` +
        'cannot reach it; open the folders above it (chmod a+x) or set MUSTER_DATABASE_USER',
    )
  if ((await ownerOf(files.data)) !== undefined) {
    const copy = `${target.data}.moving`
    await rm(copy, { recursive: true, force: true })
    await cp(files.data, copy, { recursive: true, preserveTimestamps: true, verbatimSymlinks: true })
    await changeOwner(copy, account)
    await chmod(copy, 0o700)
    await rm(target.data, { recursive: true, force: true })
    await rename(copy, target.data)
  }
  await writeFiles(home, target)
  await rm(files.data, { recursive: true, force: true })
  return target
}

function filesIn(id: string, directory: string): DatabaseFiles {
  return { id, directory, data: join(directory, 'data'), log: join(directory, 'server.log') }
}

/** Written whole: a home has either no database.json or one that names the database. */
async function writeFiles(home: string, files: DatabaseFiles): Promise<void> {
  await makeDirectory(files.directory)
  const relative = files.directory === join(home, 'database') ? 'database' : files.directory
  const path = join(home, 'database.json')
  const file = await open(`${path}.new`, 'w', 0o644)
  await file.writeFile(`${JSON.stringify({ id: files.id, directory: relative })}\n`)
  await file.sync()
  await file.close()
  await inheritOwner(`${path}.new`)
  await rename(`${path}.new`, path)
  await syncDirectory(home)
}

/** The folders of ours on the way to the data must let the account pass; PostgreSQL closes its own one itself. */
async function makeDirectory(directory: string): Promise<void> {
  await mkdir(dirname(directory), { recursive: true })
  const isNew = await mkdir(directory).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error
      return false
    },
  )
  if (!isNew) return
  await chmod(directory, 0o711)
  await inheritOwner(directory)
}

/** Under root, gives what was just made to the owner of the folder that it is in; does nothing otherwise. */
export async function inheritOwner(path: string): Promise<void> {
  if (process.getuid?.() !== 0) return
  const folder = await lstat(dirname(path))
  await lchown(path, folder.uid, folder.gid)
}

/** Asked by doing it as that account: modes alone miss ACLs, mount options and user namespaces. */
async function isReachable(directory: string, account: Account): Promise<boolean> {
  if (!account.switch) return true
  const ended = await runAs(account, { file: '/bin/sh', args: ['-c', 'cd -- "$0"', directory] })
  return ended.code === 0
}

/** Makes the entry of a renamed file survive a power failure. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r')
  await handle.sync()
  await handle.close()
}

async function ownerOf(path: string): Promise<{ uid: number; gid: number } | undefined> {
  return lstat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
}

async function changeOwner(directory: string, account: Account): Promise<void> {
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true }))
    await lchown(join(entry.parentPath, entry.name), account.uid, account.gid)
  await chown(directory, account.uid, account.gid)
}

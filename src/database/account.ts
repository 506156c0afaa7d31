// Which user of this machine PostgreSQL runs as, and how to run a program as that user.
// PostgreSQL refuses to run as root; under root it gets an unprivileged account of its own.
import { execFile, spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { RunError } from '../base/errors.ts'

/** A user of this machine. `switch` says that programs must be started under it because we run as root. */
export interface Account {
  readonly name: string
  readonly uid: number
  readonly gid: number
  readonly switch: boolean
}

const DEFAULT_USER = 'nobody'
/** Linux's overflow ids, which is what `nobody` is wherever it has no line of its own. */
const OVERFLOW_ID = 65534

/**
 * The account for a new server: ourselves, or under root the named user (`nobody` where none is named).
 *
 * @throws RunError `database-user-unknown`
 */
export async function chooseAccount(user: string | undefined): Promise<Account> {
  const uid = process.getuid?.() ?? -1
  if (uid !== 0) return { name: String(uid), uid, gid: process.getgid?.() ?? -1, switch: false }
  const found = await findUser(user ?? DEFAULT_USER)
  if (found === undefined && user === undefined)
    return { name: DEFAULT_USER, uid: OVERFLOW_ID, gid: OVERFLOW_ID, switch: true }
  if (found === undefined || found.uid === 0)
    throw new RunError(
      'database-user-unknown',
      `Cannot run the embedded database as user ${JSON.stringify(user)}: ` +
        `${found === undefined ? 'this machine has no such user' : 'PostgreSQL refuses to run as root'}; ` +
        'set MUSTER_DATABASE_USER to an existing unprivileged user',
    )
  return found
}

/** The account that owns existing files, so that root and the owner of a home can share one server. */
export function accountOf(owner: { readonly uid: number; readonly gid: number }): Account {
  return { name: String(owner.uid), uid: owner.uid, gid: owner.gid, switch: process.getuid?.() === 0 }
}

/** Spawn options that make a program run as `account`; its supplementary groups are dropped by Node. */
export function identity(account: Account): { uid?: number; gid?: number } {
  return account.switch ? { uid: account.uid, gid: account.gid } : {}
}

/** The whole environment of a started program: nothing of ours leaks in, messages stay in English. */
export const PLAIN_ENVIRONMENT: Readonly<Record<string, string>> = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  LC_ALL: 'C',
}

/** How a program ended; `code` is -1 when it could not be started or was killed. */
export interface Ended {
  readonly code: number
  readonly output: string
}

/** Runs a program to its end as `account`. Never rejects: what went wrong is in the output. */
export function runAs(
  account: Account,
  options: { readonly file: string; readonly args: readonly string[]; readonly fds?: readonly number[] },
): Promise<Ended> {
  return new Promise((resolve) => {
    const child = spawn(options.file, options.args, {
      ...identity(account),
      cwd: '/',
      env: PLAIN_ENVIRONMENT,
      stdio: ['ignore', 'pipe', 'pipe', ...(options.fds ?? [])],
    })
    const chunks: Buffer[] = []
    child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk))
    child.stderr?.on('data', (chunk: Buffer) => chunks.push(chunk))
    child.on('error', (error) => resolve({ code: -1, output: error.message }))
    child.on('close', (code, signal) => {
      const output = Buffer.concat(chunks).toString('utf8').trim()
      resolve({ code: code ?? -1, output: signal === null ? output : `${output} (ended by ${signal})` })
    })
  })
}

async function findUser(name: string): Promise<Account | undefined> {
  const line =
    entry(await readFile('/etc/passwd', 'utf8').catch(() => ''), name) ??
    entry((await promisify(execFile)('getent', ['passwd', name]).catch(() => ({ stdout: '' }))).stdout, name)
  if (line === undefined) return undefined
  const [found, , uid, gid] = line.split(':')
  return { name: found ?? name, uid: Number(uid), gid: Number(gid), switch: true }
}

function entry(passwd: string, name: string): string | undefined {
  return passwd.split('\n').find((line) => line.startsWith(`${name}:`) || line.split(':')[2] === name)
}

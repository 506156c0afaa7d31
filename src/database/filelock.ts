// An exclusive lock that the kernel drops when its last holder is gone, however it went.
// Node has no flock(2); flock(1) locks the open file that we hand it, and the lock then belongs to that open file.
import { spawn } from 'node:child_process'
import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { RunError } from '../base/errors.ts'
import { PLAIN_ENVIRONMENT } from './account.ts'

/** Made when missing. Links are not followed: under root the folder may belong to somebody else. */
export const APPEND = constants.O_APPEND | constants.O_CREAT | constants.O_WRONLY | constants.O_NOFOLLOW

/**
 * Tries once, never waits. The caller closes the file; whoever inherited its descriptor keeps the lock, so a server
 * that was started with it holds it as long as any of its processes lives.
 *
 * @returns undefined when somebody else has the lock
 * @throws RunError `database-unsupported` where the machine has no flock(1)
 */
export async function tryLock(path: string): Promise<FileHandle | undefined> {
  const file = await open(path, APPEND, 0o600)
  try {
    if ((await lock(file)) === 0) return file
  } catch (error) {
    await file.close()
    throw error
  }
  await file.close()
  return undefined
}

function lock(file: FileHandle): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn('flock', ['-x', '-n', '3'], {
      env: PLAIN_ENVIRONMENT,
      cwd: '/',
      stdio: ['ignore', 'ignore', 'ignore', file.fd],
    })
    child.on('error', (error) =>
      reject(
        new RunError(
          'database-unsupported',
          `Cannot lock the embedded database: ${error.message}; install flock (package util-linux), or set MUSTER_DATABASE_URL`,
          { cause: error },
        ),
      ),
    )
    child.on('exit', (code) => resolve(code ?? 1))
  })
}

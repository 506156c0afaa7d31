// An exclusive lock that the kernel drops when its last holder is gone, however it went.
// Node has no flock(2); flock(1) locks the open file that we hand it, and the lock then belongs to that open file.
import { spawn } from 'node:child_process'
import { type FileHandle, open } from 'node:fs/promises'
import { PLAIN_ENVIRONMENT } from './account.ts'

/**
 * `held`: we have it; whoever inherits `file.fd` keeps it after we close ours, so a server that was started with it
 * holds it as long as any of its processes lives. `busy`: somebody else has it.
 * `unavailable`: this machine has no flock(1); PostgreSQL's own postmaster.pid is then the only guard.
 */
export type FileLock =
  | { readonly kind: 'held'; readonly file: FileHandle }
  | { readonly kind: 'busy' }
  | { readonly kind: 'unavailable'; readonly file: FileHandle }

/** Tries once, never waits. The caller closes `file`. */
export async function tryLock(path: string): Promise<FileLock> {
  const file = await open(path, 'a', 0o600)
  const code = await new Promise<number>((resolve, reject) => {
    const child = spawn('flock', ['-x', '-n', '3'], {
      env: PLAIN_ENVIRONMENT,
      cwd: '/',
      stdio: ['ignore', 'ignore', 'ignore', file.fd],
    })
    child.on('error', (error: NodeJS.ErrnoException) => (error.code === 'ENOENT' ? resolve(-1) : reject(error)))
    child.on('exit', (code) => resolve(code ?? 1))
  })
  if (code === 0) return { kind: 'held', file }
  if (code === -1) return { kind: 'unavailable', file }
  await file.close()
  return { kind: 'busy' }
}

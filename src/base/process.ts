// Who runs something, so that another process can tell whether he still does.
import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'

/** A process, told apart from a later one with the same number by the time at which it began. */
export interface ProcessIdentity {
  readonly host: string
  readonly pid: number
  /** Start time in clock ticks since the machine booted, with the boot's id; opaque. */
  readonly started: string
}

/** The identity of this process. */
export function thisProcess(): ProcessIdentity {
  return { host: hostname(), pid: process.pid, started: startOf(process.pid) ?? 'unknown' }
}

/**
 * Whether a process of this host still runs. Where the machine does not tell start times (no /proc), the number alone decides.
 * Source: proc(5), field 22 of /proc/pid/stat.
 */
export function isRunning(identity: Pick<ProcessIdentity, 'pid' | 'started'>): boolean {
  const started = startOf(identity.pid)
  if (started !== undefined) return started === identity.started
  if (identity.started !== 'unknown') return false
  try {
    process.kill(identity.pid, 0)
    return true
  } catch (error) {
    // EPERM: it runs, but belongs to somebody else.
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

function startOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    // A zombie has ended; only nobody has asked for its exit code yet.
    if (fields[0] === 'Z') return undefined
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}:${fields[19]}`
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ESRCH'))
      return undefined
    throw error
  }
}

// `muster serve` as a process of its own, on a port of its own.
import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import { once } from 'node:events'
import { startMuster } from './muster.ts'
import { requireNoSecrets } from './secret-shapes.ts'

export interface RunningServer {
  readonly child: ChildProcessWithoutNullStreams
  readonly url: string
  /** All that it said. */
  output(): string
  /** As a supervisor does it. @returns its exit code */
  stop(): Promise<number | null>
  /** Without a chance to tidy up. */
  kill(): Promise<void>
}

export interface ServerPlace {
  readonly home: string
  /** The embedded database of `home` where nothing is said. */
  readonly databaseUrl?: string
  readonly args?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

/** Waits until it listens. @throws with all that it said, where it ends before that */
export async function startServer({ home, databaseUrl, args = [], env = {} }: ServerPlace): Promise<RunningServer> {
  const child = startMuster(['serve', ...args], {
    env: {
      MUSTER_HOME: home,
      MUSTER_LISTEN: '127.0.0.1:0',
      ...(databaseUrl === undefined ? {} : { MUSTER_DATABASE_URL: databaseUrl }),
      ...env,
    },
  })
  let output = ''
  child.stderr.on('data', (data) => (output += String(data)))
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout.on('data', (data) => {
      output += String(data)
      const found = /serves at (http:\S+)/.exec(output)?.[1]
      if (found !== undefined) resolve(found)
    })
    child.once('close', () => reject(new Error(output)))
  })
  const end = async (signal: 'SIGTERM' | 'SIGKILL') => {
    if (child.exitCode === null && child.signalCode === null) {
      const ended = once(child, 'close')
      child.kill(signal)
      await ended
      requireNoSecrets('what the server said', output)
    }
    return child.exitCode
  }
  return {
    child,
    url,
    output: () => output,
    stop: () => end('SIGTERM'),
    kill: async () => {
      await end('SIGKILL')
    },
  }
}

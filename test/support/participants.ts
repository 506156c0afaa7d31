// Starts and steers processes that share an embedded database, under this user or another one.
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'

export type Answer = Readonly<Record<string, unknown>>

export interface Participant {
  readonly pid: number
  /** What it said first: where its database is, or the error that it met. */
  readonly opened: Promise<Answer>
  /** Rows of a statement, or the error as `{error, message}`. */
  sql(text: string): Promise<readonly Answer[]>
  /** Inserts numbers from `first` on until the database is gone; resolves with the last one whose commit it was told. */
  fill(first: number): Promise<number>
  release(): Promise<Answer>
  /** kill -9 */
  kill(): Promise<void>
}

/** Below a checkout. */
export const PARTICIPANT = join('test', 'support', 'participant.ts')

export interface Identity {
  readonly uid: number
  readonly gid: number
}

/** @param options.script what it runs: `PARTICIPANT` of a checkout, or that in one file */
export function startParticipant(
  home: string,
  options: { readonly script: string; readonly identity?: Identity; readonly user?: string },
): Participant {
  const { script } = options
  const child: ChildProcessByStdio<Writable, Readable, null> = spawn(
    process.execPath,
    [script, home, ...(options.user === undefined ? [] : [options.user])],
    { ...options.identity, cwd: '/', stdio: ['pipe', 'pipe', 'inherit'] },
  )
  const ended = once(child, 'exit')
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  const next = async (): Promise<Answer> => {
    const line = await lines.next()
    // What participant.ts says is JSON objects and arrays of them.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    return line.done ? { error: 'ended' } : (JSON.parse(line.value) as Answer)
  }
  const opened = next()
  return {
    pid: child.pid ?? 0,
    opened,
    async sql(text) {
      const first = await opened
      if (first['error'] !== undefined) return [first]
      child.stdin.write(`sql ${text.replaceAll('\n', ' ')}\n`)
      const answer: unknown = await next()
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- rows, as participant.ts says them
      return (Array.isArray(answer) ? answer : [answer]) as readonly Answer[]
    },
    async fill(first) {
      await opened
      child.stdin.write(`fill ${first}\n`)
      for (let last = first - 1; ; ) {
        const answer = await next()
        if (typeof answer['acknowledged'] !== 'number') return last
        last = answer['acknowledged']
      }
    },
    async release() {
      child.stdin.end('release\n')
      let answer = await next()
      while (answer['released'] === undefined && answer['error'] !== 'ended') answer = await next()
      await ended
      return answer
    },
    async kill() {
      child.kill('SIGKILL')
      await ended
    },
  }
}

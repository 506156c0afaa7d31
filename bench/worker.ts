// What is measured runs in a process of its own, so that its CPU time and memory are nobody else's.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'

/** What a piece of work cost the process that did it. */
export interface Cost {
  readonly seconds: number
  /** User and system time. */
  readonly cpuSeconds: number
  /** Highest resident set of the process so far, in MB (10^6 bytes). */
  readonly peakMb: number
}

/** A started process and how to ask it. */
export interface Worker {
  readonly pid: number
  /** Asks and waits for the answer. Rejects when the process ends or the work throws. */
  ask<Answer>(request: object): Promise<Answer>
  /** Closes the channel, at which the process ends, and waits for that. */
  stop(): Promise<void>
}

type Reply = { readonly kind: 'done'; readonly value: unknown } | { readonly kind: 'failed'; readonly message: string }

/** Starts a file of this folder. Its first message, sent when it is ready, is the returned `ready`. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- names what the other end sends
export async function startWorker<Ready>(
  file: string,
  args: readonly (string | number)[],
): Promise<{ worker: Worker; ready: Ready }> {
  const child = fork(file, args.map(String), { serialization: 'advanced' })
  const ready = await answerOf<Ready>(child)
  const worker: Worker = {
    pid: child.pid ?? 0,
    async ask<Answer>(request: object) {
      const answer = answerOf<Answer>(child)
      child.send(request)
      return answer
    },
    async stop() {
      if (child.exitCode !== null) return
      const ended = once(child, 'exit')
      child.disconnect()
      await ended
    },
  }
  return { worker, ready }
}

async function answerOf<Answer>(child: ChildProcess): Promise<Answer> {
  const left = new AbortController()
  try {
    const ended = once(child, 'exit', { signal: left.signal }).then(([code]) => {
      throw new Error(`a process of the benchmark ended with code ${String(code)}`)
    })
    const [message] = await Promise.race([once(child, 'message', { signal: left.signal }), ended])
    const reply = message as Reply // oxlint-disable-line typescript/no-unsafe-type-assertion -- `serve` is the other end
    if (reply.kind === 'failed') throw new Error(reply.message)
    return reply.value as Answer // oxlint-disable-line typescript/no-unsafe-type-assertion -- as above
  } finally {
    left.abort()
  }
}

/** Answers requests one after the other until the channel closes; then `close` runs and the process ends. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- names what the other end sends
export function serve<Request>(options: {
  readonly ready: object
  readonly handle: (request: Request) => Promise<unknown>
  readonly close?: () => Promise<void>
}): void {
  const reply = (message: Reply) => process.send?.(message)
  const answer = async (request: Request) => {
    try {
      reply({ kind: 'done', value: await options.handle(request) })
    } catch (error) {
      reply({ kind: 'failed', message: error instanceof Error ? (error.stack ?? error.message) : String(error) })
    }
  }
  process.on('message', (request: Request) => void answer(request))
  process.on('disconnect', () => void (options.close?.() ?? Promise.resolve()).finally(() => process.exit(0)))
  reply({ kind: 'done', value: options.ready })
}

/** Does the work and measures this process. */
export async function measured<T>(work: () => Promise<T>): Promise<{ readonly value: T; readonly cost: Cost }> {
  const cpu = process.cpuUsage()
  const startedAt = performance.now()
  const value = await work()
  const seconds = (performance.now() - startedAt) / 1000
  const used = process.cpuUsage(cpu)
  return {
    value,
    cost: {
      seconds,
      cpuSeconds: (used.user + used.system) / 1e6,
      peakMb: (process.resourceUsage().maxRSS * 1024) / 1e6,
    },
  }
}

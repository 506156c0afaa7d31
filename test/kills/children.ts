// Processes that do one run each. They are started ahead, so that a case does not wait for Node to load the engine.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Outcome } from '../../src/contract/runs.ts'
import type { EmbeddedAddress } from '../../src/database/embedded.ts'
import { type Bundle, bundleScript } from '../support/bundle.ts'
import type { Work } from './engine.ts'
import type { Aim } from './failpoints.ts'

/** What a child is to do, and where it is to end. */
export interface Errand {
  readonly address: EmbeddedAddress
  /** The child takes part in the embedded database of this home, as every process of the product does. */
  readonly home?: string
  readonly keyFile: string
  readonly work: Work
  readonly aim?: Aim
  /** At the failpoint: SIGKILL itself, or SIGSTOP until somebody goes on. */
  readonly strike?: 'die' | 'stop'
}

/** What a child that was not killed says last. */
export interface ChildReport {
  readonly outcome: Outcome | null
  readonly error: string | null
  readonly run: number | null
  readonly ms: number
  readonly reached: readonly (readonly [failpoint: string, count: number])[]
}

export interface Child {
  readonly pid: number
  /** Its report; undefined when it was killed. Rejects when it ended in any other way. */
  readonly ended: Promise<ChildReport | undefined>
  /** Resolves with true when it has stopped at its failpoint, false when it ended without. */
  readonly stopped: Promise<boolean>
  signal(name: 'SIGKILL' | 'SIGCONT'): void
}

/** Starts children; keeps `spare` ready. */
export class Nursery implements AsyncDisposable {
  readonly #spare: number
  readonly #ready: Promise<Newborn>[] = []
  readonly #place = makePlace()

  constructor(options: { readonly spare: number }) {
    this.#spare = options.spare
    this.#refill()
  }

  /** The cost of loading the engine was paid before; the errand begins at once. */
  async send(errand: Errand): Promise<Child> {
    const newborn = await (this.#ready.shift() ?? this.#start())
    this.#refill()
    return dispatch(newborn, errand)
  }

  /** What children have left in their folder for temporary files. */
  async leftovers(): Promise<readonly string[]> {
    return readdir((await this.#place).temporary)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { child } of await Promise.all(this.#ready)) {
      const gone = once(child, 'exit')
      child.kill('SIGKILL')
      await gone
    }
    await (await this.#place).bundle[Symbol.asyncDispose]()
  }

  #refill(): void {
    while (this.#ready.length < this.#spare) this.#ready.push(this.#start())
  }

  async #start(): Promise<Newborn> {
    const { bundle, temporary } = await this.#place
    const child = fork(bundle.script, {
      cwd: temporary,
      env: { PATH: process.env['PATH'], TMPDIR: temporary, NODE_COMPILE_CACHE: join(bundle.folder, 'compile-cache') },
      execArgv: [],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    })
    const said: string[] = []
    child.stderr?.on('data', (chunk: Buffer) => said.push(chunk.toString()))
    const exit = once(child, 'exit').then(([code, signal]): Exit => ({ code, signal }))
    const isReady = await Promise.race([once(child, 'message').then(() => true), exit.then(() => false)])
    if (!isReady) throw new Error(`a child did not start: ${said.join('')}`)
    return { child, exit, said }
  }
}

interface Place {
  /** What is compiled once is kept in its folder. */
  readonly bundle: Bundle
  /** Of the children, for whatever they put down and must not leave. */
  readonly temporary: string
}

async function makePlace(): Promise<Place> {
  const bundle = await bundleScript(join(import.meta.dirname, 'child.ts'))
  const temporary = join(bundle.folder, 'temporary')
  await mkdir(temporary)
  return { bundle, temporary }
}

interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

interface Newborn {
  readonly child: ChildProcess
  readonly exit: Promise<Exit>
  readonly said: readonly string[]
}

function dispatch({ child, exit, said }: Newborn, errand: Errand): Child {
  let report: ChildReport | undefined
  child.on('message', (message) => (report = message as ChildReport))
  const ended = exit.then(({ code, signal }) => {
    if (signal === 'SIGKILL') return undefined
    if (code === 0 && report !== undefined) return report
    throw new Error(`a child ended with ${code ?? signal}: ${said.join('')}`)
  })
  const stopped = Promise.race([once(child.stdout!, 'data').then(() => true), exit.then(() => false)])
  child.send(errand)
  return { pid: child.pid!, ended, stopped, signal: (name) => child.kill(name) }
}

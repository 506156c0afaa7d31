// node bench/cards.ts [--seconds N] [--connections N] [--alone]
//
// Card look-ups over HTTP by one Muster process, alone and while it runs a full synchronization, and beside them in the same run the least
// that such an answer can cost: fastify and one indexed query, planned once. Who asks runs in a process of its own on the same machine. What
// counts is the CPU of an answer, in Node and in PostgreSQL, and its ratio to the least: other work on the machine changes answers a second
// more than those. One JSON line for every measurement, then whether each goal was met; exit code 1 where one was missed on a quiet machine.
import { mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { fileURLToPath } from 'node:url'
import type { Asked, AskRequest } from './cards-asker.ts'
import { type CardMeasurement, cardGoals, printCardGoals } from './cards-report.ts'
import type { CardServer, CardServerRequest } from './cards-server.ts'
import { cpuSecondsOfProcess, joinServer } from './postgres.ts'
import type { Access, TenantRequest } from './tenant.ts'
import { startWorker, type Worker } from './worker.ts'

const USERS = 10_000
const CHANGES = 100
const IDLE_MS = 4_000
/** Code is compiled by how often it ran, not by how long: on a busy machine some seconds are too few. */
const WARM_ANSWERS = 20_000
const WARM_ROUNDS = 8

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '10' },
    connections: { type: 'string', default: '24' },
    alone: { type: 'boolean', default: false },
  },
})
const seconds = Number(values.seconds)
const connections = Number(values.connections)
/** What else runs on the machine shows in the load before. */
const machine = { cores: availableParallelism(), loadBefore: loadavg()[0] ?? 0 }
const home = await mkdtemp(join(tmpdir(), 'muster-bench-home-'))
const { worker: tenant, ready: access } = await startWorker<Access>(fileOf('tenant.ts'), [USERS, 1_000, 60_000])
const { worker: muster, ready: served } = await startWorker<CardServer>(fileOf('cards-server.ts'), [
  home,
  JSON.stringify(access),
])
const { worker: asker } = await startWorker(fileOf('cards-asker.ts'), [])
const postgres = await joinServer(home)
const { worker: least, ready: leastAt } = await startWorker<{ url: string }>(fileOf('cards-least.ts'), [home])

interface Measured extends Asked {
  /** Of one answer. While synchronizing, what the run costs is in it. */
  readonly nodeCpuMs: number
  readonly databaseCpuMs: number
}

const measurements: CardMeasurement[] = []

try {
  for (const isRunning of values.alone ? [false] : [false, true]) {
    for (const [what, url, pid] of [
      ['muster', served.url, muster.pid],
      ['least', leastAt.url, least.pid],
    ] as const) {
      await warmUp({ url, pid })
      const syncing = isRunning ? keepSyncing() : undefined
      let measured: Measured
      let runs: number | undefined
      try {
        measured = await ask({ url, pid, seconds })
      } finally {
        runs = await syncing?.stop()
      }
      const measurement = { what, whileSyncing: isRunning, ...measured }
      measurements.push(measurement)
      console.log(JSON.stringify({ kind: 'cards', runs: runs ?? 0, ...measurement }))
    }
  }
  const goals = cardGoals(measurements, machine)
  console.log(JSON.stringify({ kind: 'cards-goals', ...machine, loadAfter: loadavg()[0], goals }))
  if (printCardGoals(goals, machine)) process.exitCode = 1
} finally {
  for (const worker of [asker, least, muster, tenant]) await worker.stop()
  await postgres.stop()
  await rm(postgres.embedded.directory, { recursive: true, force: true })
  await rm(home, { recursive: true, force: true })
}

async function warmUp(of: { readonly url: string; readonly pid: number }): Promise<void> {
  let answers = 0
  for (let round = 0; round < WARM_ROUNDS && answers < WARM_ANSWERS; round += 1)
    answers += (await ask({ ...of, seconds: 4 })).answers
}

/**
 * What answering costs, without what the processes do all the time: that is measured just before.
 *
 * @param options.pid of the process that answers
 */
async function ask(options: {
  readonly url: string
  readonly pid: number
  readonly seconds: number
}): Promise<Measured> {
  const idle = await costOf(options.pid, () => new Promise<void>((resolve) => setTimeout(resolve, IDLE_MS)))
  const { value: asked, ...cost } = await costOf(options.pid, () =>
    asker.ask<Asked>({
      url: options.url,
      seconds: options.seconds,
      connections,
      tokens: served.tokens,
      lookups: options.url === served.url ? served.cards : served.lookups,
      isMuster: options.url === served.url,
    } satisfies AskRequest),
  )
  const perAnswer = (of: 'node' | 'database') => {
    const ours = cost[of] - (idle[of] * cost.ms) / idle.ms
    return Number(((ours * 1_000) / asked.answers).toFixed(3))
  }
  return { ...asked, nodeCpuMs: perAnswer('node'), databaseCpuMs: perAnswer('database') }
}

/** Seconds of CPU, of the process and of PostgreSQL as a whole. */
async function costOf<Value>(pid: number, work: () => Promise<Value>) {
  const [node, database, startedAt] = [cpuSecondsOfProcess(pid), postgres.cpuSeconds(), performance.now()]
  const value = await work()
  return {
    value,
    ms: performance.now() - startedAt,
    node: cpuSecondsOfProcess(pid) - node,
    database: postgres.cpuSeconds() - database,
  }
}

/** Full synchronizations of a tenant that changes, one after the other, in the process that answers. */
function keepSyncing(): { stop(): Promise<number> } {
  const stopping = new AbortController()
  let runs = 0
  const going = (async () => {
    while (!stopping.signal.aborted) {
      await change(tenant)
      await muster.ask({ kind: 'run' } satisfies CardServerRequest)
      runs += 1
    }
  })()
  // It is awaited when the measuring has ended, and may fail before.
  const ended = Promise.allSettled([going])
  return {
    async stop() {
      stopping.abort()
      await ended
      await going
      return runs
    },
  }
}

/** Nobody leaves: a card that is gone would be answered as a miss, and a terminal with many misses is slowed. */
async function change(worker: Worker): Promise<void> {
  await worker.ask({ kind: 'change', count: CHANGES, nobodyLeaves: true } satisfies TenantRequest)
}

function fileOf(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url))
}

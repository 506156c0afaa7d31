// npm run bench [-- --size 1k|10k|100k|all] [--only least,load,sdk,delta,copy] [--rounds N]
//
// What Muster costs, and beside it in the same run the least that the same work can cost. One JSON line for every
// measurement on standard output, then a table of the ratios of docs/performance.md.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { fileURLToPath } from 'node:url'
import type { LeastRead } from './least.ts'
import type { MeasuredRun, MusterRequest } from './muster.ts'
import { joinServer, measureCopy, type CopyCost, type Server } from './postgres.ts'
import { median, printReport } from './report.ts'
import type { SdkRead, SdkRequest } from './sdk.ts'
import type { Access, TenantRequest, Traffic } from './tenant.ts'
import { startWorker, type Worker } from './worker.ts'

const SIZES: Readonly<Record<string, readonly [users: number, groups: number, memberships: number]>> = {
  '1k': [1_000, 100, 10_000],
  '10k': [10_000, 1_000, 60_000],
  '100k': [100_000, 10_000, 1_000_000],
}
const CHANGES = 100
/** One group after the other: of a large tenant a part is enough to know the rest. */
const SDK_GROUPS_AT_ONCE = 1_000

export interface LoadMeasurement {
  readonly kind: 'load'
  readonly size: string
  readonly latencyMs: number
  readonly seconds: number
  readonly pullSeconds: number
  readonly planSeconds: number
  readonly applySeconds: number
  readonly nodeCpu: number
  readonly databaseCpu: number
  readonly peakMb: number
  readonly requests: number
  readonly resourceUnits: number
  readonly users: number
  readonly memberships: number
}

export interface ReadMeasurement {
  readonly kind: 'least' | 'sdk'
  readonly size: string
  readonly latencyMs: number
  readonly seconds: number
  readonly nodeCpu: number
  readonly peakMb: number
  readonly requests: number
  readonly resourceUnits: number
  readonly users: number
  readonly memberships: number
  /** Seconds and CPU are of a part of the groups, multiplied. */
  readonly isExtrapolated: boolean
}

export interface CopyMeasurement extends Pick<CopyCost, 'seconds' | 'rows'> {
  readonly kind: 'copy'
  readonly size: string
  readonly nodeCpu: number
  readonly databaseCpu: number
}

export interface DeltaMeasurement {
  readonly kind: 'delta'
  readonly size: string
  readonly changes: number
  readonly seconds: number
  readonly nodeCpu: number
  readonly databaseCpu: number
  readonly requests: number
  readonly resourceUnits: number
  readonly outcome: string
}

export type Measurement = LoadMeasurement | ReadMeasurement | CopyMeasurement | DeltaMeasurement

const { values } = parseArgs({
  options: {
    size: { type: 'string', default: 'all' },
    only: { type: 'string', default: 'least,load,sdk,delta,copy' },
    rounds: { type: 'string', default: '3' },
    latency: { type: 'string', default: '0,50' },
  },
})
const only = new Set(values.only.split(','))
const rounds = Number(values.rounds)
const latencies = values.latency.split(',').map(Number)
const found: Measurement[] = []
const note = (measurement: Measurement) => {
  found.push(measurement)
  console.log(JSON.stringify(measurement))
}

const sizes = values.size === 'all' ? Object.keys(SIZES) : values.size.split(',')
for (const size of sizes) await measureSize(size)
printReport(found)

async function measureSize(size: string): Promise<void> {
  const shape = SIZES[size]
  if (shape === undefined) throw new Error(`no such size: ${size}; there are ${Object.keys(SIZES).join(', ')}`)
  const folder = await mkdtemp(join(tmpdir(), 'muster-bench-'))
  const { worker: tenant, ready: access } = await startWorker<Access>(fileOf('tenant.ts'), shape)
  try {
    const bench: Bench = { size, tenant, access, folder, groups: shape[1] }
    for (const latencyMs of latencies) {
      await ask(tenant, { kind: 'latency', ms: latencyMs })
      if (only.has('least')) await measureLeast(bench, latencyMs)
      if (only.has('load')) await measureLoads(bench, latencyMs)
      if (only.has('sdk')) await measureSdk(bench, latencyMs)
    }
    await ask(tenant, { kind: 'latency', ms: 0 })
    if (only.has('delta')) await measureDeltas(bench)
  } finally {
    await tenant.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

interface Bench {
  readonly size: string
  readonly tenant: Worker
  readonly access: Access
  readonly folder: string
  readonly groups: number
}

/** Large tenants are measured once: their time is long against the noise. */
function roundsOf(bench: Bench): number {
  return bench.size === '100k' ? 1 : rounds
}

async function measureLeast(bench: Bench, latencyMs: number): Promise<void> {
  const reads: ReadMeasurement[] = []
  for (let round = 0; round < roundsOf(bench); round++) {
    const { worker } = await startWorker(fileOf('least.ts'), [JSON.stringify(bench.access)])
    await ask(bench.tenant, { kind: 'reset' })
    const read = await worker.ask<LeastRead>({})
    await worker.stop()
    reads.push(await readMeasurement(bench, { kind: 'least', latencyMs, read, factor: 1 }))
  }
  note(median(reads))
}

async function measureSdk(bench: Bench, latencyMs: number): Promise<void> {
  const { worker } = await startWorker(fileOf('sdk.ts'), [JSON.stringify(bench.access)])
  await ask(bench.tenant, { kind: 'reset' })
  const request: SdkRequest = { atMostGroups: SDK_GROUPS_AT_ONCE }
  const read = await worker.ask<SdkRead>(request)
  await worker.stop()
  const factor = read.groups / read.groupsRead
  note(await readMeasurement(bench, { kind: 'sdk', latencyMs, read, factor }))
}

async function readMeasurement(
  bench: Bench,
  options: {
    readonly kind: 'least' | 'sdk'
    readonly latencyMs: number
    readonly read: LeastRead | SdkRead
    readonly factor: number
  },
): Promise<ReadMeasurement> {
  const { kind, latencyMs, read, factor } = options
  const traffic = await bench.tenant.ask<Traffic>({ kind: 'traffic' })
  return {
    kind,
    size: bench.size,
    latencyMs,
    seconds: read.cost.seconds * factor,
    nodeCpu: read.cost.cpuSeconds * factor,
    peakMb: read.cost.peakMb,
    requests: Math.round(traffic.requests * factor),
    resourceUnits: Math.round(traffic.resourceUnits * factor),
    users: read.users,
    memberships: Math.round(read.members * factor),
    isExtrapolated: factor !== 1,
  }
}

async function measureLoads(bench: Bench, latencyMs: number): Promise<void> {
  const loads: LoadMeasurement[] = []
  for (let round = 0; round < roundsOf(bench); round++) {
    await withMuster(bench, async ({ worker, server }) => {
      const { run, traffic, databaseCpu } = await measureRun({ bench, worker, server }, 'full')
      loads.push({
        kind: 'load',
        size: bench.size,
        latencyMs,
        seconds: run.cost.seconds,
        pullSeconds: run.document.ms.pull / 1000,
        planSeconds: run.document.ms.plan / 1000,
        applySeconds: run.document.ms.apply / 1000,
        nodeCpu: run.cost.cpuSeconds,
        databaseCpu,
        peakMb: run.cost.peakMb,
        requests: traffic.requests,
        resourceUnits: traffic.resourceUnits,
        users: run.document.users.created,
        memberships: run.document.memberships.added,
      })
      const isLast = round === roundsOf(bench) - 1 && latencyMs === latencies[0]
      if (isLast && only.has('copy')) {
        const cost = await measureCopy(server, bench.folder)
        note({
          kind: 'copy',
          size: bench.size,
          seconds: cost.seconds,
          rows: cost.rows,
          nodeCpu: cost.cpuSeconds,
          databaseCpu: cost.databaseCpuSeconds,
        })
      }
    })
  }
  note(median(loads))
}

async function measureDeltas(bench: Bench): Promise<void> {
  await withMuster(bench, async ({ worker, server }) => {
    await worker.ask<MeasuredRun>({ kind: 'run', mode: 'full' } satisfies MusterRequest)
    for (const changes of [0, CHANGES]) {
      const deltas: DeltaMeasurement[] = []
      // The first one warms the code up, which no later run pays for.
      for (let round = 0; round <= rounds; round++) {
        await ask(bench.tenant, { kind: 'change', count: changes })
        const { run, traffic, databaseCpu } = await measureRun({ bench, worker, server }, 'auto')
        if (round === 0) continue
        deltas.push({
          kind: 'delta',
          size: bench.size,
          changes,
          seconds: run.cost.seconds,
          nodeCpu: run.cost.cpuSeconds,
          databaseCpu,
          requests: traffic.requests,
          resourceUnits: traffic.resourceUnits,
          outcome: run.document.outcome,
        })
      }
      note(median(deltas))
    }
  })
}

interface Running {
  readonly worker: Worker
  readonly server: Server
}

/** A fresh home and a process that works in it. */
async function withMuster(bench: Bench, work: (running: Running) => Promise<void>): Promise<void> {
  const home = await mkdtemp(join(tmpdir(), 'muster-bench-home-'))
  const { worker } = await startWorker(fileOf('muster.ts'), [home, JSON.stringify(bench.access)])
  const server = await joinServer(home)
  try {
    await work({ worker, server })
  } finally {
    await worker.stop()
    await server.stop()
    await rm(server.embedded.directory, { recursive: true, force: true })
    await rm(home, { recursive: true, force: true })
  }
}

async function measureRun(running: Running & { readonly bench: Bench }, mode: MusterRequest['mode']) {
  const { bench, worker, server } = running
  await server.db.query('checkpoint')
  await ask(bench.tenant, { kind: 'reset' })
  const before = server.cpuSeconds()
  const run = await worker.ask<MeasuredRun>({ kind: 'run', mode } satisfies MusterRequest)
  const databaseCpu = server.cpuSeconds() - before
  const { outcome, error } = run.document
  if (error !== null) throw new Error(`the run ended as ${outcome}: ${error.code} ${error.message}`)
  return { run, databaseCpu, traffic: await bench.tenant.ask<Traffic>({ kind: 'traffic' }) }
}

async function ask(tenant: Worker, request: TenantRequest): Promise<void> {
  await tenant.ask(request)
}

function fileOf(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url))
}

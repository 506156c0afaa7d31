// Turns measurements into the ratios that Muster sets itself, one line each.
import Table from 'cli-table3'
import type { DeltaMeasurement, LoadMeasurement, Measurement, ReadMeasurement } from './main.ts'

/** The one in the middle by seconds. */
export function median<M extends { readonly seconds: number }>(measurements: readonly M[]): M {
  const sorted = measurements.toSorted((a, b) => a.seconds - b.seconds)
  const middle = sorted[Math.floor((sorted.length - 1) / 2)]
  if (middle === undefined) throw new Error('nothing was measured')
  return middle
}

/** Prints what was measured, and every goal that can be judged from it. */
export function printReport(measurements: readonly Measurement[]): void {
  const table = new Table({
    style: { head: [], border: [], compact: true },
    head: ['what', 'size', 'latency', 'requests', 'units', 'seconds', 'CPU Node', 'CPU PG', 'MB'],
  })
  for (const m of measurements) table.push(lineOf(m))
  console.log(table.toString())
  const goals = new Table({ style: { head: [], border: [], compact: true }, head: ['goal', 'reached', 'at most', ''] })
  for (const goal of goalsOf(measurements)) {
    goals.push([goal.name, goal.value.toFixed(2), goal.limit ?? '', verdictOf(goal)])
  }
  console.log(goals.toString())
}

function verdictOf({ value, limit }: Goal): string {
  if (limit === undefined) return ''
  return value <= limit ? 'met' : 'missed'
}

function lineOf(m: Measurement): string[] {
  const latency = 'latencyMs' in m ? `${m.latencyMs} ms` : ''
  const requests = 'requests' in m ? String(m.requests) : ''
  const units = 'resourceUnits' in m ? String(m.resourceUnits) : ''
  const database = 'databaseCpu' in m ? m.databaseCpu.toFixed(2) : ''
  const peak = 'peakMb' in m ? m.peakMb.toFixed(0) : ''
  return [nameOf(m), m.size, latency, requests, units, m.seconds.toFixed(2), m.nodeCpu.toFixed(2), database, peak]
}

function nameOf(m: Measurement): string {
  switch (m.kind) {
    case 'least':
      return 'least: fetch and parse'
    case 'copy':
      return `least: COPY of ${m.rows} rows`
    case 'sdk':
      return `one at a time, SDK${m.isExtrapolated ? ' (extrapolated)' : ''}`
    case 'load':
      return `first load (${m.pullSeconds.toFixed(2)} + ${m.planSeconds.toFixed(2)} + ${m.applySeconds.toFixed(2)} s)`
    case 'delta':
      return m.changes === 0 ? 'idle delta' : `delta of ${m.changes} changes`
  }
}

interface Goal {
  readonly name: string
  readonly value: number
  /** Undefined where no goal is set. */
  readonly limit: number | undefined
}

const MEMORY_MB = 512
/** One unit for each page of 999 users or groups, two for each page of members. */
const LEAST_UNITS: Readonly<Record<string, number>> = { '10k': 11 + 2 + 2 * 1_000, '100k': 101 + 11 + 2 * 10_000 }

/** Goals name a size; what they say is printed for the other sizes too, without a verdict. */
function* goalsOf(all: readonly Measurement[]): Generator<Goal> {
  for (const load of all.filter((m): m is LoadMeasurement => m.kind === 'load')) yield* loadGoals(load, all)
  const deltas = all.filter((m): m is DeltaMeasurement => m.kind === 'delta')
  for (const idle of deltas.filter((m) => m.changes === 0)) {
    yield { name: `${idle.size}: requests of an idle delta`, value: idle.requests, limit: 2 }
  }
  const changed = deltas.filter((m) => m.changes > 0)
  const small = changed.find((m) => m.size === '1k')
  if (small === undefined) return
  for (const large of changed.filter((m) => m !== small)) {
    const cost = (m: DeltaMeasurement) => m.nodeCpu + m.databaseCpu
    const name = `delta of ${large.changes} changes, ${large.size} over 1k`
    yield { name: `${name}: CPU`, value: cost(large) / cost(small), limit: 2 }
    yield { name: `${name}: seconds`, value: large.seconds / small.seconds, limit: 2 }
  }
}

function* loadGoals(load: LoadMeasurement, all: readonly Measurement[]): Generator<Goal> {
  const at = `${load.size}, ${load.latencyMs} ms`
  const reads = all.filter(
    (m): m is ReadMeasurement =>
      (m.kind === 'least' || m.kind === 'sdk') && m.size === load.size && m.latencyMs === load.latencyMs,
  )
  const least = reads.find((m) => m.kind === 'least')
  const sdk = reads.find((m) => m.kind === 'sdk')
  const copy = all.filter((m) => m.kind === 'copy').find((m) => m.size === load.size)
  const units = LEAST_UNITS[load.size]
  if (units !== undefined) {
    yield { name: `${at}: resource units over ${units}`, value: load.resourceUnits / units, limit: 1.2 }
  }
  const forSize = (size: string, limit: number) => (load.size === size ? limit : undefined)
  if (load.latencyMs > 0) {
    if (least !== undefined) {
      yield { name: `${at}: pull over the least`, value: load.pullSeconds / least.seconds, limit: forSize('10k', 1.5) }
      yield { name: `${at}: first load over the least`, value: load.seconds / least.seconds, limit: forSize('10k', 3) }
    }
    if (sdk !== undefined) {
      const value = load.seconds / sdk.seconds
      yield { name: `${at}: first load over one at a time`, value, limit: forSize('10k', 0.1) }
    }
  }
  if (least !== undefined && copy !== undefined) {
    const value = (load.nodeCpu + load.databaseCpu) / (least.nodeCpu + copy.nodeCpu + copy.databaseCpu)
    yield { name: `${at}: CPU over fetch, parse and COPY`, value, limit: forSize('100k', 2) }
  }
  yield { name: `${at}: peak memory in MB`, value: load.peakMb, limit: MEMORY_MB }
}

// Carries cases out, two at a time, and adds up what they came to.
import { systemClock } from '../../src/base/clock.ts'
import { type Case, momentCases, momentOf, type Trace } from './cases.ts'
import type { Nursery } from './children.ts'
import { type Found, judge } from './judge.ts'
import type { Bench, Lab, Ready } from './lab.ts'

/** Cores of the smallest machine that this is meant for. */
const LANES = 2

export interface CaseResult {
  readonly name: string
  /** Whether the process was killed; a run may be over before its moment comes. */
  readonly isKilled: boolean
  /** Absent when something did not hold; then `problem` says what. */
  readonly found?: Found
  readonly problem?: string
}

/** A run that is still going after this share of the time that it should take will take longer. */
const LATE = 0.9

/** What there is to work with. */
export interface Site {
  readonly lab: Lab
  readonly nursery: Nursery
}

/** How long a scenario's run takes when nobody disturbs it, in a process that has just begun; a run that is over too early corrects it. */
export type Durations = Map<string, number>

/** Lets every scenario's run happen once, watched. */
export async function watchRuns(
  site: Site,
): Promise<{ readonly traces: readonly Trace[]; readonly durations: Durations }> {
  const durations = new Map<string, number>()
  const traces = await inLanes(site.lab.ready, async (ready): Promise<Trace> => {
    await using bench = await site.lab.bench(ready)
    const child = await send(site, { ready, bench })
    const report = await child.ended
    if (report?.outcome !== ready.scenario.ends)
      throw new Error(`${ready.scenario.name}: the watched run ended as ${report?.outcome} (${report?.error})`)
    durations.set(ready.scenario.name, report.ms)
    return { scenario: ready.scenario.name, reached: new Map(report.reached) }
  })
  return { traces, durations }
}

/** Kills as each case says and judges what is left. Nothing that does not hold ends the others. */
export async function runCases(
  site: Site,
  options: {
    readonly cases: readonly Case[]
    readonly durations: Durations
    readonly onResult?: (result: CaseResult) => void
  },
): Promise<readonly CaseResult[]> {
  return inLanes(options.cases, async (one) => {
    const result = await runCase(site, one, options.durations)
    options.onResult?.(result)
    return result
  })
}

/** Kills at random moments until so many processes were killed; the others had done by their moment, and are judged too. */
export async function runMoments(
  site: Site,
  options: {
    readonly scenarios: readonly string[]
    readonly durations: Durations
    readonly firstSeed: number
    readonly kills: number
    readonly onResult?: (result: CaseResult) => void
  },
): Promise<readonly CaseResult[]> {
  const results: CaseResult[] = []
  const { kills, firstSeed } = options
  for (let missing = kills; missing > 0 && results.length < kills * 3; ) {
    const cases = momentCases(options.scenarios, { from: firstSeed + results.length, count: missing })
    results.push(...(await runCases(site, { ...options, cases })))
    missing = kills - results.filter((result) => result.isKilled).length
  }
  return results
}

async function runCase(site: Site, one: Case, durations: Durations): Promise<CaseResult> {
  const ready = site.lab.ready.find((candidate) => candidate.scenario.name === one.scenario)
  if (ready === undefined) throw new Error(`no such scenario: ${one.scenario}`)
  await using bench = await site.lab.bench(ready)
  let isKilled = false
  try {
    if (one.kill.kind === 'failpoint') {
      const child = await send(site, { ready, bench, aim: one.kill.aim })
      isKilled = (await child.ended) === undefined
    } else {
      const { share, secondShare } = momentOf(one.kill.seed)
      isKilled = await killAt(site, { ready, bench, share, durations })
      if (secondShare !== undefined) await killAt(site, { ready, bench, share: secondShare, durations })
    }
    return { name: one.name, isKilled, found: await judge(ready, bench) }
  } catch (error) {
    return {
      name: one.name,
      isKilled,
      problem: error instanceof Error ? (error.stack ?? error.message) : String(error),
    }
  }
}

async function killAt(
  site: Site,
  options: { readonly ready: Ready; readonly bench: Bench; readonly share: number; readonly durations: Durations },
): Promise<boolean> {
  const { durations, share } = options
  const { name } = options.ready.scenario
  const expectedMs = durations.get(name) ?? 500
  const child = await send(site, options)
  await Promise.race([systemClock.sleep(share * expectedMs), child.ended])
  child.signal('SIGKILL')
  const report = await child.ended
  // How busy the machine is changes. Without this a third of all moments would come too late.
  if (report !== undefined) durations.set(name, (Math.min(report.ms, expectedMs) + expectedMs) / 2)
  else if (share > LATE) durations.set(name, expectedMs * 1.2)
  return report === undefined
}

function send(
  { lab, nursery }: Site,
  options: { readonly ready: Ready; readonly bench: Bench; readonly aim?: Parameters<Nursery['send']>[0]['aim'] },
) {
  return nursery.send({
    address: options.bench.address,
    keyFile: lab.keyFile,
    work: options.ready.scenario.work,
    ...(options.aim === undefined ? {} : { aim: options.aim, strike: 'die' }),
  })
}

/** Handles all of them, a few at a time; results in their order. */
export async function inLanes<T, R>(items: readonly T[], handle: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  let next = 0
  await Promise.all(
    Array.from({ length: LANES }, async () => {
      for (let index = next++; index < items.length; index = next++) results[index] = await handle(items[index]!)
    }),
  )
  return results
}

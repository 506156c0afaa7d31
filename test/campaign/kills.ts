// The long kill test: every failpoint three times, a thousand random moments, every COMMIT cut in three ways, and the embedded
// server struck in every way. `npm run campaign -- kills [--failpoints 9999] [--moments 1000] [--seed 1000] [--blows 20]`
import { execFileSync } from 'node:child_process'
import { parseArgs } from 'node:util'
import { systemClock } from '../../src/base/clock.ts'
import { hitsOf, listFailpoints } from '../kills/cases.ts'
import { openEmbeddedSite } from '../kills/embedded.ts'
import { cutRun } from '../kills/lines.ts'
import { CUTS } from '../kills/proxy.ts'
import { type CaseResult, runCases, runMoments, watchRuns } from '../kills/rounds.ts'
import { SCENARIOS } from '../kills/scenarios.ts'
import { BLOWS, strike } from '../kills/servers.ts'

interface Row {
  readonly what: string
  readonly tried: number
  /** The others had done before their moment came, and were judged as well. */
  readonly hit: number
  readonly before: number
  readonly after: number
  readonly problems: number
}

export interface KillFigures {
  readonly commit: string
  readonly date: string
  readonly failpoints: number
  readonly firstSeed: number
  readonly minutes: number
  readonly rows: readonly Row[]
  readonly problems: readonly { readonly name: string; readonly problem: string }[]
}

export async function run(): Promise<KillFigures> {
  const { values } = parseArgs({
    args: process.argv.slice(3),
    options: {
      failpoints: { type: 'string', default: '9999' },
      moments: { type: 'string', default: '1000' },
      seed: { type: 'string', default: '1000' },
      blows: { type: 'string', default: '20' },
    },
  })
  const firstSeed = Number(values.seed)
  const startedAt = systemClock.monotonicMs()
  const found = new Map<string, readonly CaseResult[]>()
  const failpoints = await killProcesses(found, {
    firstSeed,
    moments: Number(values.moments),
    failpoints: Number(values.failpoints),
  })
  await killServers(found, { firstSeed, blows: Number(values.blows) })
  const figures = {
    commit: execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim(),
    date: systemClock.now().toISOString().slice(0, 10),
    failpoints,
    firstSeed,
    minutes: Math.round((systemClock.monotonicMs() - startedAt) / 60_000),
    rows: [...found].map(([what, results]) => addUp(what, results)),
    problems: [...found.values()]
      .flat()
      .flatMap(({ name, problem }) => (problem === undefined ? [] : [{ name, problem }])),
  }
  print(figures)
  return figures
}

async function killProcesses(
  found: Map<string, readonly CaseResult[]>,
  options: { readonly firstSeed: number; readonly moments: number; readonly failpoints: number },
): Promise<number> {
  await using site = await openEmbeddedSite({ scenarios: SCENARIOS, isShared: false })
  const { traces, durations } = await watchRuns(site)
  const names = listFailpoints(traces).slice(0, options.failpoints)
  const cases = names.flatMap((name) => hitsOf(name, traces))
  found.set('SIGKILL at failpoints', await runCases(site, { cases, durations, onResult: progress(cases.length) }))
  const scenarios = SCENARIOS.map((scenario) => scenario.name)
  const { firstSeed, moments } = options
  found.set(
    'SIGKILL at random moments',
    await runMoments(site, { scenarios, durations, firstSeed, kills: moments, onResult: progress(moments) }),
  )
  const cuts: CaseResult[] = []
  for (const ready of site.lab.ready) {
    const { commits } = await cutRun(site.lab, ready, undefined)
    for (let commit = 1; commit <= commits; commit += 1) {
      for (const cut of CUTS) {
        const { isCut, problem, found: left } = await cutRun(site.lab, ready, { commit, cut })
        const name = `${ready.scenario.name} / commit ${commit} of ${commits} / ${cut}`
        cuts.push({
          name,
          isKilled: isCut,
          ...(left === undefined ? {} : { found: left }),
          ...(problem === undefined ? {} : { problem }),
        })
      }
    }
  }
  found.set('the line cut at every COMMIT', cuts)
  return names.length
}

async function killServers(
  found: Map<string, readonly CaseResult[]>,
  options: { readonly firstSeed: number; readonly blows: number },
): Promise<void> {
  await using site = await openEmbeddedSite({ scenarios: SCENARIOS, isShared: true })
  const { durations } = await watchRuns(site)
  for (const blow of BLOWS) {
    const results: CaseResult[] = []
    for (let index = 0; index < options.blows; index += 1) {
      const ready = site.lab.ready[index % site.lab.ready.length]!
      results.push(await strike(site, ready, { blow, seed: options.firstSeed + index, durations }))
    }
    found.set(blow, results)
  }
}

function addUp(what: string, results: readonly CaseResult[]): Row {
  const count = (test: (result: CaseResult) => boolean) => results.filter(test).length
  return {
    what,
    tried: results.length,
    hit: count((r) => r.isKilled),
    before: count((r) => r.isKilled && r.found === 'before'),
    after: count((r) => r.isKilled && r.found === 'after'),
    problems: count((r) => r.problem !== undefined),
  }
}

function progress(total: number): (result: CaseResult) => void {
  let done = 0
  return (result) => {
    done += 1
    if (result.problem !== undefined) console.error(`${result.name}\n${result.problem}`)
    if (done % 100 === 0) console.error(`${done} of ${total}`)
  }
}

function print(figures: KillFigures): void {
  console.log(
    `${figures.date}, commit ${figures.commit}, ${figures.failpoints} failpoints, seeds from ${figures.firstSeed}, ${figures.minutes} minutes\n`,
  )
  console.log('| what | tried | hit | registry as before | as after | did not hold |\n|---|---|---|---|---|---|')
  for (const row of figures.rows)
    console.log(`| ${row.what} | ${row.tried} | ${row.hit} | ${row.before} | ${row.after} | ${row.problems} |`)
  for (const { name, problem } of figures.problems) console.log(`\n${name}\n${problem}`)
}

// The long kill test: every failpoint three times, a thousand random moments, every COMMIT cut in three ways, and the embedded
// server struck in every way. `npm run campaign -- kills [--failpoints 9999] [--moments 1000] [--seed 1000] [--blows 20]`;
// `--part failpoints`, `moments`, `commits` or `servers`, which may be repeated, does only that.
import { execFileSync } from 'node:child_process'
import { parseArgs } from 'node:util'
import { systemClock } from '../../src/base/clock.ts'
import { hitsOf, listFailpoints } from '../kills/cases.ts'
import { openEmbeddedSite } from '../kills/embedded.ts'
import { cutRun } from '../kills/lines.ts'
import { CUTS } from '../kills/proxy.ts'
import { type CaseResult, inLanes, runCases, runMoments, type Site, watchRuns } from '../kills/rounds.ts'
import { SCENARIOS } from '../kills/scenarios.ts'
import { BLOWS, strike } from '../kills/servers.ts'

const PARTS = ['failpoints', 'moments', 'commits', 'servers'] as const

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
      part: { type: 'string', multiple: true, default: [...PARTS] },
    },
  })
  const parts = new Set(values.part)
  const firstSeed = Number(values.seed)
  const startedAt = systemClock.monotonicMs()
  const found = new Map<string, readonly CaseResult[]>()
  const failpoints = await killProcesses(found, {
    parts,
    firstSeed,
    moments: Number(values.moments),
    failpoints: Number(values.failpoints),
  })
  if (parts.has('servers')) await killServers(found, { firstSeed, blows: Number(values.blows) })
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
  options: {
    readonly parts: ReadonlySet<string>
    readonly firstSeed: number
    readonly moments: number
    readonly failpoints: number
  },
): Promise<number> {
  const { parts, firstSeed, moments } = options
  if (!PARTS.some((part) => part !== 'servers' && parts.has(part))) return 0
  await using site = await openEmbeddedSite({ scenarios: SCENARIOS, isShared: false, onDisk: false })
  const { traces, durations } = await watchRuns(site)
  const names = listFailpoints(traces)
  const chosen = parts.has('failpoints') ? names.slice(0, options.failpoints) : []
  if (chosen.length > 0) {
    const cases = chosen.flatMap((name) => hitsOf(name, traces))
    const onResult = progress(`hits of ${chosen.length} of ${names.length} failpoints`, cases.length)
    found.set('SIGKILL at failpoints', await runCases(site, { cases, durations, onResult }))
  }
  if (parts.has('moments')) {
    const scenarios = SCENARIOS.map((scenario) => scenario.name)
    const onResult = progress('random moments', moments)
    const results = await runMoments(site, { scenarios, durations, firstSeed, kills: moments, onResult })
    found.set('SIGKILL at random moments', results)
  }
  if (parts.has('commits')) found.set('the line cut at every COMMIT', await cutLines(site))
  return chosen.length
}

async function cutLines({ lab }: Site): Promise<readonly CaseResult[]> {
  const onResult = progress('lines cut', 0)
  const counted = await inLanes(lab.ready, async (ready) => {
    const { commits } = await cutRun(lab, ready, undefined)
    return Array.from({ length: commits }, (_, index) =>
      CUTS.map((cut) => ({ ready, commits, commit: index + 1, cut })),
    ).flat()
  })
  return inLanes(counted.flat(), async ({ ready, commits, commit, cut }) => {
    const { isCut, problem, found } = await cutRun(lab, ready, { commit, cut })
    const result = {
      name: `${ready.scenario.name} / commit ${commit} of ${commits} / ${cut}`,
      isKilled: isCut,
      ...(found === undefined ? {} : { found }),
      ...(problem === undefined ? {} : { problem }),
    }
    onResult(result)
    return result
  })
}

async function killServers(
  found: Map<string, readonly CaseResult[]>,
  options: { readonly firstSeed: number; readonly blows: number },
): Promise<void> {
  await using site = await openEmbeddedSite({ scenarios: SCENARIOS, isShared: true, onDisk: true })
  const { durations } = await watchRuns(site)
  for (const blow of BLOWS) {
    const results: CaseResult[] = []
    const onResult = progress(blow, options.blows)
    for (let index = 0; index < options.blows; index += 1) {
      const ready = site.lab.ready[index % site.lab.ready.length]!
      const result = await strike(site, ready, { blow, seed: options.firstSeed + index, durations })
      results.push(result)
      onResult(result)
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

/** A campaign that is stopped leaves what it had found. */
function progress(what: string, total: number): (result: CaseResult) => void {
  const results: CaseResult[] = []
  return (result) => {
    results.push(result)
    if (result.problem !== undefined) console.error(`${result.name}\n${result.problem}`)
    if (results.length % 100 !== 0 && results.length !== total) return
    const { tried, hit, before, after, problems } = addUp(what, results)
    console.error(
      `${what}: ${tried}${total === 0 ? '' : ` of ${total}`}: ${hit} hit, ${before} as before, ${after} as after, ${problems} did not hold`,
    )
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

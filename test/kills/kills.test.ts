// E1: real processes killed by SIGKILL, at failpoints and at random moments, on one server that goes on.
// One case alone:  KILL='<its name>' npx vitest run test/kills/kills.test.ts
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { type Case, hitsOf, listFailpoints, parseCase, type Trace } from './cases.ts'
import { Nursery } from './children.ts'
import { Lab } from './lab.ts'
import { type CaseResult, type Durations, runCases, runMoments, type Site, watchRuns } from './rounds.ts'
import { SCENARIOS } from './scenarios.ts'

const FAILPOINTS = Number(process.env['FAILPOINTS'] ?? 60)
const MOMENTS = Number(process.env['MOMENTS'] ?? 100)
const alone = process.env['KILL']

let folder: string
let site: Site
let traces: readonly Trace[]
let durations: Durations
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), `muster-test-${process.pid}-lab-`))
  const nursery = new Nursery({ spare: 2 })
  const scenarios = SCENARIOS.filter((s) => alone === undefined || alone.startsWith(`${s.name} / `))
  const lab = await Lab.open({ ...inject('testServer'), prefix: `kills_${process.pid}`, folder, scenarios })
  site = { lab, nursery }
  ;({ traces, durations } = await watchRuns(site))
}, 300_000)
afterAll(async () => {
  await site.nursery[Symbol.asyncDispose]()
  await site.lab[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})

async function killed(cases: readonly Case[]): Promise<readonly CaseResult[]> {
  const results = await runCases(site, { cases, durations })
  expectNoProblems(results)
  return results
}

function expectNoProblems(results: readonly CaseResult[]): void {
  const problems = results.filter((result) => result.problem !== undefined)
  expect(
    problems.map((p) => `KILL=${JSON.stringify(p.name)} npx vitest run test/kills/kills.test.ts\n${p.problem}`),
  ).toEqual([])
}

describe.skipIf(alone !== undefined)(
  'E1: what a process killed by SIGKILL leaves is as before or as after its run, and the next run ends as if nothing had been',
  () => {
    it('at failpoints of pull, plan and apply, three hits each', async () => {
      const failpoints = listFailpoints(traces).slice(0, FAILPOINTS)

      const results = await killed(failpoints.flatMap((failpoint) => hitsOf(failpoint, traces)))

      expect(failpoints.length).toBe(FAILPOINTS)
      // Where people and groups are read at once, the last time that something is said is not always reached.
      expect(results.filter((result) => result.isKilled).length).toBeGreaterThan(results.length * 0.95)
      // Both: a kill after the commit that applies is one, too.
      expect(new Set(results.map((result) => result.found)).size).toBe(2)
    }, 900_000)

    it('at random moments', async () => {
      const scenarios = SCENARIOS.map((scenario) => scenario.name)

      const results = await runMoments(site, { scenarios, durations, firstSeed: 1, kills: MOMENTS })

      expectNoProblems(results)
      expect(results.filter((result) => result.isKilled).length).toBeGreaterThanOrEqual(MOMENTS)
    }, 900_000)

    it('and puts nothing down outside of the database', async () => {
      expect(await site.nursery.leftovers()).toEqual([])
      expect(await site.lab.temporaryFiles()).toEqual([])
    })
  },
)

describe.runIf(alone !== undefined)('one case alone', () => {
  it('holds', async () => {
    const results = await killed([parseCase(alone!)])

    expect(results.map((result) => result.isKilled)).toEqual([true])
  }, 300_000)
})

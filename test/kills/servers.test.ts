// E1, E2: the embedded server ends in the middle of a run, in every way, alone and with the process that runs.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openEmbeddedSite } from './embedded.ts'
import { type Durations, watchRuns } from './rounds.ts'
import { SCENARIOS } from './scenarios.ts'
import { BLOWS, strike } from './servers.ts'

/** Fewer than scenarios: another one is left out for each blow. */
const ROUNDS = 3
const TRIED = ['first load', 'changes', 'approval', 'held']

let site: Awaited<ReturnType<typeof openEmbeddedSite>>
let durations: Durations
beforeAll(async () => {
  const scenarios = SCENARIOS.filter((scenario) => TRIED.includes(scenario.name))
  site = await openEmbeddedSite({ scenarios, isShared: true, onDisk: false })
  ;({ durations } = await watchRuns(site))
}, 300_000)
afterAll(() => site[Symbol.asyncDispose]())

describe('in the middle of a run', () => {
  it.each(BLOWS)(
    'E1, E2: %s, and nothing is half done',
    async (blow) => {
      for (let round = 0; round < ROUNDS; round += 1) {
        const ready = site.lab.ready[(round + BLOWS.indexOf(blow)) % site.lab.ready.length]!

        const result = await strike(site, ready, { blow, seed: round + 1, durations })

        expect(result.problem, result.name).toBeUndefined()
      }
    },
    300_000,
  )
})

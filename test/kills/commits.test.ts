// E2: the line to the database is cut exactly at a COMMIT, and the process lives on: what it says of its run must be true.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { Lab } from './lab.ts'
import { cutRun } from './lines.ts'
import { CUTS } from './proxy.ts'
import { SCENARIOS } from './scenarios.ts'

const TRIED = ['changes', 'approval', 'delta state lost']

let folder: string
let lab: Lab
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), `muster-test-${process.pid}-lines-`))
  const scenarios = SCENARIOS.filter((scenario) => TRIED.includes(scenario.name))
  lab = await Lab.open({ ...inject('testServer'), prefix: `lines_${process.pid}`, folder, scenarios })
}, 300_000)
afterAll(async () => {
  await lab[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})

describe('E2: the line to the database cut at a COMMIT', () => {
  it.each(TRIED)(
    'of %s: the run knows what became of it, and the next one ends as if nothing had been',
    async (name) => {
      const ready = lab.ready.find((candidate) => candidate.scenario.name === name)!
      const { commits } = await cutRun(lab, ready, undefined)
      expect(commits).toBeGreaterThan(1)
      // The last ones apply, the first take the source.
      const tried = new Set([1, Math.min(2, commits), Math.ceil(commits / 2), commits - 1, commits])

      for (const commit of tried) {
        for (const cut of CUTS) {
          const result = await cutRun(lab, ready, { commit, cut })
          expect(result.problem, `commit ${commit} of ${commits}, cut ${cut}`).toBeUndefined()
        }
      }
    },
    300_000,
  )
})

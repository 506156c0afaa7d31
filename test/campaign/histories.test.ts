// Random histories of tenants, settings, runs, faults and edits by hand, compared with the reference model after every run.
// One history has one seed. A failing one prints the command that plays it alone.
import { writeFileSync } from 'node:fs'
import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { newTally, playHistory } from './history.ts'
import { history } from './steps.ts'

const env = process.env
/** First seed and how many; SEED plays a single one. */
const from = Number(env['SEED'] ?? env['FROM'] ?? 1)
const count = env['SEED'] === undefined ? Number(env['COUNT'] ?? 25) : 1
/** The campaign goes on after a failure and tells all of them at the end. */
const goesOn = env['SUMMARY'] !== undefined

let test: TestDatabase
beforeAll(async () => {
  test = await createTestDatabase()
  await test.db.query(
    `do $$ begin execute format('alter database %I set synchronous_commit = off', current_database()); end $$`,
  )
})
afterAll(async () => {
  await test.drop()
})

describe('I1, I5, I6, I7, I8, I13, I15, I18: whatever happens', () => {
  it(`the registry is what the model says (${count} histories from seed ${from})`, async () => {
    const tally = newTally()
    const startedCpu = process.cpuUsage()
    const failures: { readonly seed: number; readonly error: string }[] = []
    for (let seed = from; seed < from + count; seed++) {
      const property = fc.asyncProperty(history, (played) => playHistory(test.db, { history: played, tally }))
      const details = await fc.check(property, {
        seed,
        numRuns: 1,
        unbiased: true,
        endOnFailure: env['SHRINK'] === undefined,
        ...(env['SHRINK'] !== undefined && { interruptAfterTimeLimit: 90_000 }),
      })
      if (!details.failed) continue
      const told =
        details.errorInstance instanceof Error ? details.errorInstance.message : String(details.errorInstance)
      const shown = env['SHRINK'] === undefined ? '' : `\n${JSON.stringify(details.counterexample?.[0])}`
      failures.push({ seed, error: `${told}${shown}` })
      if (!goesOn) break
    }
    if (env['SUMMARY'] !== undefined)
      writeFileSync(
        env['SUMMARY'],
        JSON.stringify({ from, count, tally, failures, cpuMs: process.cpuUsage(startedCpu).user / 1000 }),
      )
    const told = failures.map(
      (f) =>
        `${f.error}\n\nreplay: SEED=${f.seed} npx vitest run test/campaign/histories.test.ts\nshorter: add SHRINK=1`,
    )
    expect(told.join('\n\n')).toBe('')
  }, 7_200_000)
})

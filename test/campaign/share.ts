// Plays a range of random histories as one test. One history has one seed; a failing one prints the command that plays it alone.
import { writeFileSync } from 'node:fs'
import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { playHistory } from './history.ts'
import { newTally } from './scene.ts'
import { history } from './steps.ts'

/** Histories of each push, in as many files as spread well over the workers of a test run. */
const SHARES = 10
const EACH = 6
const env = process.env
/** The campaign goes on after a failure and tells all of them at the end. */
const goesOn = env['SUMMARY'] !== undefined

/** @param share from 0; the first also plays what SEED (one, or several with commas), or FROM and COUNT, ask for instead */
export function playShare(share: number): void {
  const asked = ['SEED', 'FROM', 'COUNT'].some((name) => env[name] !== undefined)
  const from = Number(env['FROM'] ?? 1)
  const own = { from: 1 + share * EACH, count: EACH }
  const range = asked ? { from, count: Number(env['COUNT'] ?? SHARES * EACH) } : own
  const seeds = env['SEED']?.split(',').map(Number) ?? Array.from({ length: range.count }, (_, n) => range.from + n)
  describe.skipIf(asked && share > 0)(
    'I1, I2, I4, I5, I6, I7, I8, I10, I12, I13, I14, I15, I16, I18: whatever happens',
    () => {
      let test: TestDatabase
      beforeAll(async () => {
        test = await createTestDatabase()
        await test.db.query(
          `do $$ begin execute format('alter database %I set synchronous_commit = off', current_database()); end $$`,
        )
      })
      afterAll(() => test.drop())

      it(`the registry is what the model says (${seeds.length} histories from seed ${seeds[0]})`, async () => {
        const failures = await playAll(test, seeds)
        const told = failures.map(
          (f) =>
            `${f.error}\n\nreplay: SEED=${f.seed} npx vitest run test/campaign/histories.test.ts\nshorter: add SHRINK=1`,
        )
        expect(told.join('\n\n')).toBe('')
      }, 7_200_000)
    },
  )
}

async function playAll(
  test: TestDatabase,
  seeds: readonly number[],
): Promise<readonly { readonly seed: number; readonly error: string }[]> {
  const tally = newTally()
  const startedCpu = process.cpuUsage()
  const failures: { readonly seed: number; readonly error: string }[] = []
  for (const seed of seeds) {
    const property = fc.asyncProperty(history, (played) => playHistory(test.db, { history: played, tally }))
    const details = await fc.check(property, {
      seed,
      numRuns: 1,
      unbiased: true,
      endOnFailure: env['SHRINK'] === undefined,
      ...(env['SHRINK'] !== undefined && { interruptAfterTimeLimit: 90_000 }),
    })
    if (!details.failed) continue
    const told = details.errorInstance instanceof Error ? details.errorInstance.message : String(details.errorInstance)
    const shown = env['SHRINK'] === undefined ? '' : `\n${JSON.stringify(details.counterexample?.[0])}`
    failures.push({ seed, error: `${told}${shown}` })
    if (!goesOn) break
  }
  if (env['SUMMARY'] !== undefined)
    writeFileSync(
      env['SUMMARY'],
      JSON.stringify({
        from: seeds[0],
        count: seeds.length,
        tally,
        failures,
        cpuMs: process.cpuUsage(startedCpu).user / 1000,
      }),
    )
  return failures
}

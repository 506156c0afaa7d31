// The campaign of restore drills.
//
//   npm run campaign -- restores                       50 drills from seed 1
//   npm run campaign -- restores --from 51 --count 10  others
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { DrillTally } from './drill.ts'

interface Figures {
  readonly from: number
  readonly count: number
  readonly tally: DrillTally
  readonly failures: readonly { readonly seed: number; readonly error: string }[]
}

/** Sets the exit code when one failed. */
export async function run(): Promise<Figures> {
  const { values } = parseArgs({
    args: process.argv.slice(3),
    options: { from: { type: 'string', default: '1' }, count: { type: 'string', default: '50' } },
  })
  const file = join(tmpdir(), `muster-restores-${process.pid}.json`)
  const child = spawn('npx', ['vitest', 'run', 'test/campaign/restores.test.ts'], {
    env: { ...process.env, FROM: values.from, COUNT: values.count, SUMMARY: file },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  await once(child, 'exit')
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by restores.test.ts a moment ago
  const figures = JSON.parse(await readFile(file, 'utf8')) as Figures
  await rm(file)
  const rows = Object.entries(figures.tally).map(([name, value]) => `| ${name} | ${value} |\n`)
  process.stdout.write(`| | |\n|---|---|\n${rows.join('')}| failures | ${figures.failures.length} |\n`)
  for (const { seed, error } of figures.failures) process.stdout.write(`\nseed ${seed}: ${error}\n`)
  if (figures.failures.length > 0) process.exitCode = 1
  return figures
}

// `npm run campaign -- mutation`: changes the deciding modules one operator at a time and counts the changes that the tests
// without a database do not notice (Stryker, stryker.config.json). More arguments go to Stryker, e.g. `--mutate src/sync/judge.ts`.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from '../support/generated.ts'

interface FileFigures {
  readonly file: string
  readonly mutants: number
  readonly killed: number
  readonly survived: number
  /** Per cent. */
  readonly score: number
}

/** What Stryker's report says of each file, as far as it is used. */
interface Report {
  readonly files: Readonly<Record<string, { readonly mutants: readonly { readonly status: string }[] }>>
}

const NOTICED: ReadonlySet<string> = new Set(['Killed', 'Timeout'])
const MISSED: ReadonlySet<string> = new Set(['Survived', 'NoCoverage'])

export async function run(): Promise<readonly FileFigures[]> {
  const stryker = join(ROOT, 'node_modules', '.bin', 'stryker')
  const ended = spawnSync(stryker, ['run', ...process.argv.slice(3)], { cwd: ROOT, stdio: 'inherit' })
  const report: Report = JSON.parse(readFileSync(join(ROOT, '.stryker-tmp', 'mutation.json'), 'utf8'))
  const figures = Object.entries(report.files).map(([file, { mutants }]) => {
    const killed = mutants.filter((m) => NOTICED.has(m.status)).length
    const survived = mutants.filter((m) => MISSED.has(m.status)).length
    return { file, mutants: killed + survived, killed, survived, score: (100 * killed) / (killed + survived) }
  })
  console.log('| file | mutants | noticed | missed | score |\n|---|---|---|---|---|')
  for (const f of figures)
    console.log(`| ${f.file} | ${f.mutants} | ${f.killed} | ${f.survived} | ${f.score.toFixed(1)} % |`)
  process.exitCode = ended.status ?? 1
  return figures
}

// `npm run campaign -- mutation`: changes the deciding modules one operator at a time and counts the changes that the tests
// without a database do not notice (Stryker, stryker.config.json). More arguments go to Stryker, e.g. `--mutate src/sync/judge.ts`.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from '../support/generated.ts'

interface Figures {
  readonly what: string
  readonly mutants: number
  readonly noticed: number
  readonly missed: number
  /** Per cent. */
  readonly score: number
}

/** What Stryker's report says of each file, as far as it is used. */
interface Report {
  readonly files: Readonly<Record<string, { readonly mutants: readonly { readonly status: string }[] }>>
}

const REPORT = join(ROOT, '.stryker-tmp', 'mutation.json')
const NOTICED: ReadonlySet<string> = new Set(['Killed', 'Timeout'])
const MISSED: ReadonlySet<string> = new Set(['Survived', 'NoCoverage'])

/** Stryker's own limit is for all files together; a strong group must not cover a weak one. */
const LEAST = 85

/** The first that fits. */
const GROUPS: readonly { readonly name: string; readonly files: RegExp }[] = [
  { name: 'map', files: /^src\/sync\/map\// },
  {
    name: 'match: who is whom, who is in scope, who owns whom',
    files: /^src\/sync\/(match|judge|owner|conflicts)\.ts$/,
  },
  { name: 'safeguard', files: /^src\/sync\/safeguard\.ts$/ },
  { name: 'plan', files: /^src\/sync\// },
]

export async function run(): Promise<readonly Figures[]> {
  // One of an earlier run would be taken for this one's when Stryker stops before it writes any.
  rmSync(REPORT, { force: true })
  const stryker = join(ROOT, 'node_modules', '@stryker-mutator', 'core', 'bin', 'stryker.js')
  // With this Node: the first one of the PATH may not read TypeScript.
  const ended = spawnSync(process.execPath, [stryker, 'run', ...process.argv.slice(3)], { cwd: ROOT, stdio: 'inherit' })
  process.exitCode = ended.status ?? 1
  if (!existsSync(REPORT)) {
    const how = ended.signal ?? ended.error?.message ?? `exit code ${ended.status}`
    console.error(
      `Stryker ended with ${how} before it wrote ${REPORT}: there are no figures; what it said last is above`,
    )
    process.exitCode ||= 1
    return []
  }
  const report: Report = JSON.parse(readFileSync(REPORT, 'utf8'))
  const files = Object.entries(report.files)
  const groups = GROUPS.map(({ name }) => {
    const own = files.filter(([file]) => GROUPS.find((group) => group.files.test(file))?.name === name)
    return addUp(
      name,
      own.flatMap(([, { mutants }]) => mutants),
    )
  }).filter(({ mutants }) => mutants > 0)
  const figures = [...groups, ...files.map(([file, { mutants }]) => addUp(file, mutants))]
  console.log('| what | changes | noticed | missed | score |\n|---|---|---|---|---|')
  for (const f of figures)
    console.log(`| ${f.what} | ${f.mutants} | ${f.noticed} | ${f.missed} | ${f.score.toFixed(1)} % |`)
  const weak = groups.filter(({ score }) => score < LEAST)
  for (const { what } of weak) console.error(`below ${LEAST} %: ${what}`)
  if (weak.length > 0) process.exitCode = 1
  return figures
}

function addUp(what: string, mutants: readonly { readonly status: string }[]): Figures {
  const noticed = mutants.filter((m) => NOTICED.has(m.status)).length
  const missed = mutants.filter((m) => MISSED.has(m.status)).length
  return { what, mutants: noticed + missed, noticed, missed, score: (100 * noticed) / (noticed + missed) }
}

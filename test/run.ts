// `npm test`: runs vitest with its usual output, and ends with one line of real counts: `N passed, N failed`.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ROOT } from './support/generated.ts'
import { countTests, presentCounts } from './support/counts.ts'

const folder = mkdtempSync(join(tmpdir(), 'muster-report-'))
const report = join(folder, 'report.json')
const vitest = join(ROOT, 'node_modules', 'vitest', 'vitest.mjs')
const args = ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`, ...process.argv.slice(2)]
const ended = spawnSync(process.execPath, [vitest, ...args], { cwd: ROOT, stdio: 'inherit' })

let text: string | undefined
try {
  text = readFileSync(report, 'utf8')
} catch (error) {
  console.error(`vitest left no report: ${error instanceof Error ? error.message : String(error)}`)
}
rmSync(folder, { recursive: true, force: true })
const counts = countTests(text, ended.status)
console.log(presentCounts(counts))
// A run that passes nothing proves nothing.
process.exitCode = counts.failed === 0 && counts.passed > 0 ? 0 : 1

// `npm run check`: everything that can be said about the code without running the product. One line a step.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { ROOT } from './support/generated.ts'

const STEPS: readonly { readonly name: string; readonly program: string; readonly args: readonly string[] }[] = [
  { name: 'types (node)', program: 'tsc', args: ['-p', 'tsconfig.node.json'] },
  { name: 'types (browser)', program: 'tsc', args: ['-p', 'tsconfig.web.json'] },
  { name: 'lint', program: 'oxlint', args: ['--type-aware', '--deny-warnings'] },
  { name: 'format', program: 'biome', args: ['format', '.'] },
  { name: 'dead code', program: 'knip', args: ['--no-progress'] },
  {
    name: 'architecture and generated files',
    program: 'vitest',
    args: ['run', 'test/architecture.test.ts', 'test/generated.test.ts'],
  },
]

let failures = 0
for (const step of STEPS) {
  const startedAt = performance.now()
  const ended = spawnSync(join(ROOT, 'node_modules', '.bin', step.program), step.args, {
    cwd: ROOT,
    encoding: 'utf8',
    maxBuffer: 64_000_000,
  })
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
  if (ended.status === 0) {
    console.log(`ok      ${step.name} (${seconds} s)`)
    continue
  }
  failures += 1
  console.log(`failed  ${step.name} (${seconds} s)`)
  console.log([ended.stdout, ended.stderr, ended.error?.message].filter(Boolean).join('\n').trimEnd())
}
if (failures > 0) console.log(`${failures} of ${STEPS.length} steps failed`)
process.exitCode = failures === 0 ? 0 : 1

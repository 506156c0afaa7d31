// `npm run campaign -- NAME`: the long proofs, too slow for every push. Each prints a table for docs/reliability.md and
// leaves its figures as JSON in .campaign/, outside of git.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from './support/generated.ts'

type Campaign = () => Promise<unknown>

const CAMPAIGNS: Readonly<Record<string, Campaign>> = {
  histories: async () => (await import('./campaign/histories.ts')).run(),
  kills: async () => (await import('./campaign/kills.ts')).run(),
  safeguard: async () => (await import('./campaign/safeguard.ts')).run(),
  restores: async () => (await import('./campaign/restores.ts')).run(),
  hostile: async () => (await import('./campaign/hostile.ts')).run(),
  mutation: async () => (await import('./campaign/mutation.ts')).run(),
}

const [name = ''] = process.argv.slice(2)
const campaign = Object.hasOwn(CAMPAIGNS, name) ? CAMPAIGNS[name] : undefined
if (campaign === undefined) {
  console.error(`usage: npm run campaign -- ${Object.keys(CAMPAIGNS).join(' | ')}`)
  process.exitCode = 2
} else {
  const figures = await campaign()
  mkdirSync(join(ROOT, '.campaign'), { recursive: true })
  writeFileSync(join(ROOT, '.campaign', `${name}.json`), `${JSON.stringify(figures, null, 2)}\n`)
}

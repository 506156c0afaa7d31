// Muster as it runs from the command line, in a process of its own, on the embedded database of a home.
// Arguments: home, and the access to the tenant as JSON.
import { openApp } from '../src/open-app.ts'
import { keepHeapSmall } from '../src/base/heap.ts'
import { systemClock } from '../src/base/clock.ts'
import { silentLog } from '../src/base/log.ts'
import { loadConfig } from '../src/config.ts'
import { parseConfigFile } from '../src/contract/config-file.ts'
import type { RunDocument } from '../src/contract/runs.ts'
import { configFile, SOURCE } from './settings.ts'
import type { Access } from './tenant.ts'
import { type Cost, measured, serve } from './worker.ts'

export interface MeasuredRun {
  readonly document: RunDocument
  readonly cost: Cost
}

export interface MusterRequest {
  readonly kind: 'run'
  readonly mode: 'auto' | 'full'
}

keepHeapSmall()
const [home = '', accessJson = ''] = process.argv.slice(2)
const access = JSON.parse(accessJson) as Access // oxlint-disable-line typescript/no-unsafe-type-assertion -- main.ts wrote it
const app = await openApp(loadConfig({}, { home, logLevel: 'silent' }), { clock: systemClock, log: silentLog })
const document = configFile(access)
const file = parseConfigFile(document, await app.connectionNames())
const secrets = new Map(
  Object.keys(file.connections).map((name) => [name, { secrets: [access.clientSecret], certificates: [] }]),
)
const actor = { kind: 'command line' as const, name: 'bench' }
await app.configure({ document, secrets, prune: false, dryRun: false, actor, signal: new AbortController().signal })

serve<MusterRequest>({
  ready: {},
  handle: async ({ mode }): Promise<MeasuredRun> => {
    const { value, cost } = await measured(() =>
      app.run({
        source: SOURCE,
        kind: 'sync',
        mode,
        trigger: 'manual',
        wait: true,
        signal: new AbortController().signal,
        onProgress: () => undefined,
      }),
    )
    return { document: value, cost }
  },
  close: () => app.close(),
})

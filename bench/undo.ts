// node bench/undo.ts USERS GROUPS MEMBERSHIPS: what showing the undo of a first load costs, beside that load.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openApp } from '../src/open-app.ts'
import { systemClock } from '../src/base/clock.ts'
import { silentLog } from '../src/base/log.ts'
import { loadConfig } from '../src/config.ts'
import { parseConfigFile } from '../src/contract/config-file.ts'
import { joinServer } from './postgres.ts'
import { configFile, SOURCE } from './settings.ts'
import type { Access } from './tenant.ts'
import { measured, startWorker } from './worker.ts'

const shape = process.argv.slice(2).map(Number)
const signal = new AbortController().signal
const home = await mkdtemp(join(tmpdir(), 'muster-bench-'))
const tenant = await startWorker<Access>(fileURLToPath(new URL('tenant.ts', import.meta.url)), shape)
const app = await openApp(loadConfig({}, { home, logLevel: 'silent' }), { clock: systemClock, log: silentLog })
const server = await joinServer(home)
try {
  const document = configFile(tenant.ready)
  const file = parseConfigFile(document, await app.connectionNames())
  const { clientSecret } = tenant.ready
  const secrets = new Map(
    Object.keys(file.connections).map((name) => [name, { secrets: [clientSecret], certificates: [] }]),
  )
  const actor = { kind: 'command line' as const, name: 'bench' }
  await app.configure({ document, secrets, prune: false, dryRun: false, actor, signal })
  const run = await told('first load', () =>
    app.run({
      source: SOURCE,
      kind: 'sync',
      mode: 'full',
      trigger: 'manual',
      wait: true,
      signal,
      onProgress: () => undefined,
    }),
  )
  await tenant.worker.stop()
  const shown = await told('dry run of its undo', () =>
    app.previewRevert({ run: Number(run.run), user: undefined, signal }),
  )
  console.log(JSON.stringify({ users: shown.users.deleted, memberships: shown.memberships.removed }))
} finally {
  await tenant.worker.stop()
  await server.stop()
  await app.close()
  await rm(home, { recursive: true, force: true })
}

async function told<T>(what: string, work: () => Promise<T>): Promise<T> {
  const before = server.cpuSeconds()
  const { value, cost } = await measured(work)
  const databaseCpu = server.cpuSeconds() - before
  console.log(
    JSON.stringify({ what, seconds: cost.seconds, nodeCpu: cost.cpuSeconds, databaseCpu, peakMb: cost.peakMb }),
  )
  return value
}

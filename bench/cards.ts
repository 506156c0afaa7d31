// node bench/cards.ts [--seconds N] [--connections N]
//
// Card look-ups a second over HTTP by one Muster process, alone and while it runs a full synchronization, and beside them in the same run
// the least that such an answer can cost: fastify and one indexed query. Who asks runs in a process of its own on the same machine.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { fileURLToPath } from 'node:url'
import type { Asked, AskRequest } from './cards-asker.ts'
import type { CardServer, CardServerRequest } from './cards-server.ts'
import { joinServer } from './postgres.ts'
import type { Access, TenantRequest } from './tenant.ts'
import { startWorker, type Worker } from './worker.ts'

const USERS = 10_000
const CHANGES = 100

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '10' }, connections: { type: 'string', default: '24' } },
})
const seconds = Number(values.seconds)
const connections = Number(values.connections)
const home = await mkdtemp(join(tmpdir(), 'muster-bench-home-'))
const { worker: tenant, ready: access } = await startWorker<Access>(fileOf('tenant.ts'), [USERS, 1_000, 60_000])
const { worker: muster, ready: served } = await startWorker<CardServer>(fileOf('cards-server.ts'), [
  home,
  JSON.stringify(access),
])
const { worker: asker } = await startWorker(fileOf('cards-asker.ts'), [])
const postgres = await joinServer(home)
const { worker: least, ready: leastAt } = await startWorker<{ url: string }>(fileOf('cards-least.ts'), [home])

try {
  for (const isRunning of [false, true]) {
    for (const [what, url] of [
      ['muster', served.url],
      ['least', leastAt.url],
    ] as const) {
      await ask({ what: 'warm-up', url, seconds: 2 })
      const syncing = isRunning ? keepSyncing() : undefined
      const measured = await ask({ what, url, seconds })
      const runs = await syncing?.stop()
      console.log(JSON.stringify({ kind: 'cards', what, whileSyncing: isRunning, runs: runs ?? 0, ...measured }))
    }
  }
} finally {
  for (const worker of [asker, least, muster, tenant]) await worker.stop()
  await postgres.stop()
  await rm(postgres.embedded.directory, { recursive: true, force: true })
  await rm(home, { recursive: true, force: true })
}

async function ask(options: { readonly what: string; readonly url: string; readonly seconds: number }) {
  const before = postgres.cpuSeconds()
  const asked = await asker.ask<Asked>({
    url: options.url,
    seconds: options.seconds,
    connections,
    token: served.token,
    lookups: options.url === served.url ? served.cards : served.lookups,
    isMuster: options.url === served.url,
  } satisfies AskRequest)
  return { ...asked, databaseCpu: postgres.cpuSeconds() - before }
}

/** Full synchronizations of a tenant that changes, one after the other, in the process that answers. */
function keepSyncing(): { stop(): Promise<number> } {
  const stopping = new AbortController()
  let runs = 0
  const going = (async () => {
    while (!stopping.signal.aborted) {
      await change(tenant)
      await muster.ask({ kind: 'run' } satisfies CardServerRequest)
      runs += 1
    }
  })()
  return {
    async stop() {
      stopping.abort()
      await going
      return runs
    },
  }
}

async function change(worker: Worker): Promise<void> {
  await worker.ask({ kind: 'change', count: CHANGES } satisfies TenantRequest)
}

function fileOf(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url))
}

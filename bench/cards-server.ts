// A serving Muster with everybody loaded and a terminal made. Arguments: home, and the access to the tenant as JSON.
import { openApp } from '../src/open-app.ts'
import { keepHeapSmall } from '../src/base/heap.ts'
import { systemClock } from '../src/base/clock.ts'
import { silentLog } from '../src/base/log.ts'
import { loadConfig } from '../src/config.ts'
import { parseConfigFile } from '../src/contract/config-file.ts'
import { createTerminal } from '../src/signin/terminals.ts'
import { openVault } from '../src/vault/keys.ts'
import { joinServer } from './postgres.ts'
import { configFile, SOURCE } from './settings.ts'
import type { Access } from './tenant.ts'
import { serve } from './worker.ts'

export interface CardServer {
  readonly url: string
  /** Of two terminals: one is slowed beyond 3,000 a second, which a fast machine reaches. */
  readonly tokens: readonly string[]
  readonly cards: readonly string[]
  /** The keyed look-ups of the cards, hexadecimal: what the least is asked for. */
  readonly lookups: readonly string[]
}

export interface CardServerRequest {
  readonly kind: 'run'
}

const MOST_CARDS = 5_000

keepHeapSmall()
const [home = '', accessJson = ''] = process.argv.slice(2)
const access = JSON.parse(accessJson) as Access // oxlint-disable-line typescript/no-unsafe-type-assertion -- cards.ts wrote it
const config = loadConfig({ MUSTER_LISTEN: '127.0.0.1:0' }, { home, logLevel: 'silent' })
const app = await openApp(config, { clock: systemClock, log: silentLog })
const document = configFile(access)
const file = parseConfigFile(document, await app.connectionNames())
const secrets = new Map(
  Object.keys(file.connections).map((name) => [name, { secrets: [access.clientSecret], certificates: [] }]),
)
const actor = { kind: 'command line' as const, name: 'bench' }
await app.configure({ document, secrets, prune: false, dryRun: false, actor, signal: new AbortController().signal })
await run('full')
const serving = await app.serve()
const postgres = await joinServer(home)
const { db } = postgres
const vault = await openVault({ keyFile: config.keyFile, db, allowCreate: false })
await db.query('update setup set done_at = now()')
const settings = {
  may: ['card'],
  tells: ['groups', 'language'],
  unknownCard: 'refuse',
  cardTransform: null,
} as const
const tokens: string[] = []
for (const name of ['one', 'two']) {
  const wanted = { ...settings, name, days: null }
  tokens.push((await createTerminal({ db, vault, clock: systemClock }, wanted, actor)).token)
}
const { rows } = await db.query<{ sealed: Buffer; lookup: Buffer }>(
  `select sealed, lookup from credentials where kind = 'card' and held limit ${MOST_CARDS}`,
)

serve<CardServerRequest>({
  ready: {
    url: serving.url,
    tokens,
    cards: rows.map((row) => vault.open(row.sealed, 'card')),
    lookups: rows.map((row) => row.lookup.toString('hex')),
  } satisfies CardServer,
  handle: () => run('full'),
  async close() {
    await serving.stop()
    await postgres.stop()
    await app.close()
  },
})

async function run(mode: 'full'): Promise<void> {
  const { outcome, error } = await app.run({
    source: SOURCE,
    kind: 'sync',
    mode,
    trigger: 'manual',
    wait: true,
    signal: new AbortController().signal,
    onProgress: () => undefined,
  })
  if (error !== null) throw new Error(`the run ended as ${outcome}: ${error.code} ${error.message}`)
}

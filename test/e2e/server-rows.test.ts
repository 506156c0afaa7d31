// Failure rows that tests below HTTP cover, met by a running server: a pooler before its database, yesterday's backup, a clone, and a
// rotation of the key that is killed half-way.
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import type { Job, RunView } from '../../src/contract/api/runs.ts'
import type { KeysReport } from '../../src/contract/keys.ts'
import type { Scope } from '../../src/contract/api/endpoint.ts'
import { generateTenant } from '../../src/emulator/generator.ts'
import { hire, remove, update } from '../../src/emulator/operations.ts'
import { Emulator, type HostedTenant } from '../../src/emulator/server.ts'
import { createTerminal } from '../../src/signin/terminals.ts'
import { createToken } from '../../src/signin/tokens.ts'
import { openVault } from '../../src/vault/keys.ts'
import { apiCaller } from '../support/api-caller.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { callMuster, startMuster } from '../support/muster.ts'
import { Pooler } from '../support/pooler.ts'
import { type RunningServer, startServer } from '../support/serving.ts'
import { SIGNING } from '../support/world.ts'

/** A machine that others work on as well. */
const PATIENCE_MS = 180_000
const DAY_MS = 86_400_000
const MAKER = { kind: 'command line', name: 'test' } as const
const SCOPES: readonly Scope[] = ['read', 'people', 'runs', 'export', 'administer']

let database: TestDatabase
let home: string
let emulator: Emulator
let contoso: HostedTenant
let token: string
let running: RunningServer[] = []

beforeEach(async () => {
  database = await createTestDatabase()
  home = await mkdtemp(join(tmpdir(), `muster-test-${process.pid}-rows-`))
  emulator = new Emulator({ seed: 7, signingCertificate: SIGNING })
  contoso = emulator.host(generateTenant({ users: 40, groups: 4, memberships: 80, seed: 4, clock: emulator.clock }))
  const { graphUrl } = await emulator.listen()
  const { tenantId, clientId, clientSecret } = contoso
  await writeFile(join(home, 'secret'), clientSecret)
  const roots = { cloud: 'custom', authorityUrl: graphUrl, graphUrl }
  const connections = { contoso: { tenantId, clientId, clientSecret: { file: 'secret' }, ...roots } }
  const properties = { cards: ['onPremisesExtensionAttributes.extensionAttribute5'] }
  const sources = { staff: { connection: 'contoso', schedule: { delta: null, full: null }, users: { properties } } }
  await writeFile(join(home, 'muster.yaml'), JSON.stringify({ connections, sources }))
  await must('apply', '-f', join(home, 'muster.yaml'))
  token = await tokenIn(database)
}, PATIENCE_MS)
afterEach(async () => {
  for (const server of running.splice(0)) await server.kill()
  await emulator.stop()
  await database.drop()
  await rm(home, { recursive: true })
})

const at = (url = database.url) => ['--home', home, '--database-url', url]
async function must(...args: readonly string[]): Promise<string> {
  const result = await callMuster([...args, ...at()])
  expect(result, args.join(' ')).toMatchObject({ code: 0 })
  return result.stdout
}

const tokenIn = async ({ db }: TestDatabase) =>
  (await createToken(db, { name: 'test', scopes: SCOPES, maker: MAKER, now: systemClock.now(), expiresAt: null })).token

async function serve(databaseUrl = database.url): Promise<RunningServer> {
  const server = await startServer({ home, databaseUrl })
  running.push(server)
  return server
}
async function stop(server: RunningServer): Promise<void> {
  running = running.filter((one) => one !== server)
  expect(await server.stop()).toBe(0)
}

const call = apiCaller(() => token)

async function until<T>(what: string, look: () => Promise<T | undefined | false>): Promise<T> {
  const end = performance.now() + PATIENCE_MS
  for (;;) {
    const found = await look()
    if (found !== undefined && found !== false) return found
    if (performance.now() > end)
      throw new Error(`waited in vain until ${what}\n${running.map((server) => server.output()).join('\n')}`)
    await sleep(100)
  }
}

/** Asks for a run, and for what it came to. */
async function sync(server: RunningServer): Promise<Job & { readonly view: RunView | undefined }> {
  const asked = await call<Job>(server, '/sources/staff/runs', { kind: 'sync' })
  const job = await until('the job is over', async () => {
    const now = await call<Job>(server, `/jobs/${asked.id}`)
    return (now.state === 'ended' || now.state === 'refused') && now
  })
  return { ...job, view: job.run === null ? undefined : await call<RunView>(server, `/runs/${job.run}`) }
}

/** Of the registry, over the API: who is active, by object id and user name. */
async function people(server: RunningServer): Promise<readonly string[]> {
  const answer = await fetch(`${server.url}/api/v1/exports/users?format=ndjson`, {
    headers: { authorization: `Bearer ${token}` },
  })
  expect(answer.status).toBe(200)
  const lines = (await answer.text()).trim().split('\n')
  return lines
    .map((line) => JSON.parse(line) as { objectId: string; userName: string; active: boolean })
    .filter(({ active }) => active)
    .map(({ objectId, userName }) => `${objectId} ${userName}`)
    .sort()
}
/** Of the tenant, as the registry should have it. */
const wanted = () =>
  [...contoso.tenant.live('user')]
    .filter(({ properties }) => properties['accountEnabled'] !== false)
    .map(({ id, properties }) => `${id} ${String(properties['userPrincipalName'])}`)
    .sort()

async function backUp(server: RunningServer): Promise<string> {
  const answer = await fetch(`${server.url}/api/v1/backup`, { headers: { authorization: `Bearer ${token}` } })
  expect(answer.status).toBe(200)
  const file = join(home, 'yesterday.backup')
  await writeFile(file, Buffer.from(await answer.arrayBuffer()))
  return file
}

/** A working day: somebody comes, goes, and is called otherwise. */
function live(name: string): void {
  const [first, second] = [...contoso.tenant.live('user')].filter((u) => u.properties['accountEnabled'] !== false)
  hire(contoso.tenant, { userPrincipalName: `${name}.came@contoso.com`, displayName: name })
  remove(contoso.tenant, first!.id)
  update(contoso.tenant, second!.id, { userPrincipalName: `${name}.renamed@contoso.com` })
}

it('E6: two servers behind a pooler in transaction mode share work, run a source once at a time, and look cards up', {
  timeout: PATIENCE_MS,
}, async () => {
  await using pooler = await Pooler.open(database.url, 6)
  const servers = await Promise.all([serve(pooler.url), serve(pooler.url)])
  const [one, two] = servers
  const runs = await Promise.all([sync(one), sync(two), sync(one)])
  expect(runs.map(({ state }) => state)).toEqual(['ended', 'ended', 'ended'])
  expect(await people(two)).toEqual(wanted())
  const overlapping = await database.db.query(
    `select 1 from runs a join runs b on a.source_id = b.source_id and a.id < b.id and a.ended_at > b.started_at`,
  )
  expect(overlapping.rowCount).toBe(0)

  const vault = await openVault({ keyFile: join(home, 'key'), db: database.db, allowCreate: false })
  const parts = { db: database.db, vault, clock: systemClock }
  const settings = { name: 'door', may: ['card'], tells: [], unknownCard: 'refuse', cardTransform: null } as const
  const terminal = await createTerminal(parts, { ...settings, days: null }, MAKER)
  const held = await database.db.query<{ id: number; user_id: number }>(
    `select id, user_id from credentials where kind = 'card' and held order by id limit 20`,
  )
  expect(held.rowCount).toBe(20)
  const found = await Promise.all(
    held.rows.flatMap(({ id, user_id: user }) =>
      servers.map(async (server) => {
        const { card } = await call<{ card: string }>(server, `/users/${user}/cards/${id}/reveal`, {})
        const answer = await fetch(`${server.url}/api/v1/terminal/authenticate`, {
          method: 'POST',
          headers: { authorization: `Bearer ${terminal.token}`, 'content-type': 'application/json' },
          body: JSON.stringify({ by: 'card', card }),
        })
        const told = (await answer.json()) as { kind: string; user?: { id: string } }
        return [told.kind, told.user?.id === String(user)]
      }),
    ),
  )
  expect(found).toEqual(found.map(() => ['identified', true]))
  // It was no pooler that gave each client a session of its own.
  expect(pooler.switches).toBeGreaterThan(50)
  for (const server of servers) await stop(server)
})

it('E14: with the backup of yesterday in its place a server goes on from there, and after a week reads everything', {
  timeout: PATIENCE_MS,
}, async () => {
  const first = await serve()
  expect((await sync(first)).view?.line).toMatchObject({ outcome: 'applied', mode: 'full' })
  const yesterday = await people(first)
  const file = await backUp(first)
  live('monday')
  expect((await sync(first)).view?.line.outcome).toBe('applied')
  expect(await people(first)).toEqual(wanted())
  await stop(first)

  await must('restore', file, '--replace', '--yes')
  const second = await serve()
  expect(await people(second)).toEqual(yesterday)
  expect((await sync(second)).view?.line).toMatchObject({ outcome: 'applied', mode: 'delta' })
  expect(await people(second)).toEqual(wanted())
  await stop(second)

  await must('restore', file, '--replace', '--yes')
  live('tuesday')
  // Microsoft has forgotten the link by then.
  emulator.clock.advance(8 * DAY_MS)
  const third = await serve()
  expect((await sync(third)).view?.line).toMatchObject({ outcome: 'applied', mode: 'full' })
  expect(await people(third)).toEqual(wanted())
})

it('E15: a clone on another database serves, and synchronizes nothing until somebody takes over; the original goes on', {
  timeout: PATIENCE_MS,
}, async () => {
  const original = await serve()
  expect((await sync(original)).view?.line.outcome).toBe('applied')
  const file = await backUp(original)
  const other = await createTestDatabase({ schema: 'empty' })
  try {
    const restored = await callMuster(['restore', file, ...at(other.url)])
    expect(restored).toMatchObject({ code: 0 })
    const clone = await serve(other.url)
    live('clone')
    const refused = await sync(clone)

    expect(refused).toMatchObject({ state: 'refused', run: null, problem: { code: 'copied' } })
    expect(await people(clone)).toEqual(await people(original))
    const concerns = async () =>
      (await call<{ concerns: { code: string }[] }>(clone, '/overview')).concerns.map(({ code }) => code)
    expect(await concerns()).toContain('copied')
    expect((await sync(original)).view?.line.outcome).toBe('applied')
    expect(await people(original)).toEqual(wanted())

    expect(await call(clone, '/take-over', {})).toEqual({ wasCopy: true })
    expect((await sync(clone)).view?.line.outcome).toBe('applied')
    expect(await people(clone)).toEqual(wanted())
    expect(await concerns()).not.toContain('copied')
    await stop(clone)
  } finally {
    await other.drop()
  }
})

it('E17: a rotation of the key that is killed half-way leaves a running server everything, and is ended by the next one', {
  timeout: PATIENCE_MS,
}, async () => {
  const server = await serve()
  expect((await sync(server)).view?.line.outcome).toBe('applied')
  const { rows } = await database.db.query<{ id: number; user_id: number }>(
    `select id, user_id from credentials where kind = 'card' and held order by id`,
  )
  const reveal = async () => {
    const cards: string[] = []
    for (const { id, user_id: user } of [rows[0]!, rows.at(-1)!])
      cards.push((await call<{ card: string }>(server, `/users/${user}/cards/${id}/reveal`, {})).card)
    return cards
  }
  const cards = await reveal()
  const counts = async () =>
    (await call<KeysReport>(server, '/keys')).keys.map(({ version, count }) => [version, count] as const)
  const [[, all]] = (await counts()) as [readonly [number, number]]
  const holder = await database.db.pool.connect()
  try {
    // Whoever holds one value keeps the rotation from its end.
    await holder.query('begin')
    await holder.query('select 1 from credentials where id = $1 for update', [rows[0]!.id])
    const rotating = startMuster(['keys', 'rotate'], { env: { MUSTER_HOME: home, MUSTER_DATABASE_URL: database.url } })
    const ended = once(rotating, 'close')
    await until('all but one value are under the new version', async () => (await counts())[0]?.[1] === 1)
    rotating.kill('SIGKILL')
    await ended
  } finally {
    await holder.query('rollback')
    holder.release()
  }

  expect(await counts()).toEqual([
    [1, 1],
    [2, all - 1],
  ])
  expect(await reveal()).toEqual(cards)
  live('between two keys')
  expect((await sync(server)).view?.line.outcome).toBe('applied')
  await must('keys', 'rotate')
  const [one, two] = await counts()
  expect(one).toEqual([1, 0])
  expect(two?.[0]).toBe(2)
  expect(await reveal()).toEqual(cards)
  expect(await people(server)).toEqual(wanted())
})

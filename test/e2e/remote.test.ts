// The same commands here and with --url on a server of the same database: the same words, documents and exit codes.
import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { generateTenant } from '../../src/emulator/generator.ts'
import { Emulator } from '../../src/emulator/server.ts'
import { createToken } from '../../src/signin/tokens.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { type MusterResult, runMuster, startMuster } from '../support/muster.ts'
import { SIGNING } from '../support/world.ts'

let database: TestDatabase
let home: string
let emulator: Emulator
let server: ChildProcessWithoutNullStreams
let url: string
let token: string
let file: string
let wrong: string

const environment = () => ({ MUSTER_HOME: home, MUSTER_DATABASE_URL: database.url, MUSTER_LISTEN: '127.0.0.1:0' })
const here = (...args: string[]) => runMuster(args, { env: environment() })
/** With nothing of the database: all that it knows is the server. */
const there = (...args: string[]) => runMuster(args, { env: { MUSTER_URL: url, MUSTER_TOKEN: token } })

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), `muster-test-${process.pid}-remote-`))
  database = await createTestDatabase()
  emulator = new Emulator({ seed: 7, signingCertificate: SIGNING })
  const tenant = generateTenant({ users: 40, groups: 4, memberships: 80, seed: 4, clock: emulator.clock })
  const { tenantId, clientId, clientSecret } = emulator.host(tenant)
  const { graphUrl } = await emulator.listen()
  await writeFile(join(home, 'contoso.secret'), clientSecret)
  const connection = { tenantId, clientId, cloud: 'custom', authorityUrl: graphUrl, graphUrl }
  const schedule = { delta: null, full: null }
  const sources = { one: { connection: 'contoso', schedule }, off: { connection: 'contoso', schedule, enabled: false } }
  file = join(home, 'muster.yaml')
  wrong = join(home, 'wrong.yaml')
  const connections = { contoso: { ...connection, clientSecret: { file: 'contoso.secret' } } }
  await writeFile(file, JSON.stringify({ connections, sources }))
  await writeFile(wrong, JSON.stringify({ sources: { one: { connection: 'nowhere', schedule: { delta: 'often' } } } }))
  const scopes = ['read', 'runs', 'configure'] as const
  const made = { name: 'test', scopes: [...scopes], createdBy: 'test', now: systemClock.now(), expiresAt: null }
  token = (await createToken(database.db, made)).token
  server = startMuster(['serve'], { env: environment() })
  url = await new Promise<string>((resolve, reject) => {
    let output = ''
    server.stderr.on('data', (data) => (output += String(data)))
    server.stdout.on('data', (data) => {
      output += String(data)
      const found = /serves at (http:\S+)/.exec(output)?.[1]
      if (found !== undefined) resolve(found)
    })
    server.once('close', () => reject(new Error(output)))
  })
})
afterAll(async () => {
  const ended = once(server, 'close')
  server.kill('SIGKILL')
  await ended
  await emulator.stop()
  await database.drop()
  await rm(home, { recursive: true })
})

/** Without what differs from one run to the next: ids, times, durations and what Microsoft was asked. */
function told({ code, stdout, stderr }: MusterResult): unknown {
  return { code, stdout: isDocument(stdout) ? withoutIds(JSON.parse(stdout)) : words(stdout), stderr: words(stderr) }
}

const words = (text: string) =>
  text
    .replace(/\bmanual\b|\bapi\b/g, 'TRIGGER')
    .replace(/\d{4}-\d\d-\d\d[T ][\d:.]+Z?/g, 'TIME')
    .replace(/\b[Rr]un \d+/g, 'RUN')
    .replace(/\d+ requests to .*/g, '')

const isDocument = (text: string) => text.startsWith('{')

/** A document means the same whatever the order of its keys. */
function withoutIds(value: unknown): unknown {
  if (typeof value === 'string') return words(value)
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(withoutIds)
  const kept = Object.entries(value).filter(
    ([key, inner]) => !['graph', 'ms', 'trigger'].includes(key) && !(key === 'run' && typeof inner === 'string'),
  )
  return Object.fromEntries(kept.map(([key, inner]) => [key, withoutIds(inner)]))
}

async function compare(...args: string[]): Promise<MusterResult> {
  const [local, remote] = [await here(...args), await there(...args)]
  expect(told(remote)).toEqual(told(local))
  return remote
}

describe('with --url', () => {
  it('a file is applied with the secrets read here, and again changes nothing', async () => {
    const applied = await there('apply', '-f', file)
    expect(applied.stdout + applied.stderr).toContain('source one: created')
    expect(applied.code).toBe(0)

    expect((await compare('apply', '-f', file)).stdout).toContain('Nothing to change.')
    await compare('apply', '-f', file, '--dry-run', '--json')
    expect((await compare('apply', '-f', wrong)).code).toBe(2)
    expect((await compare('apply', '-f', wrong, '--json')).code).toBe(2)
  })

  it('a connection is checked, and one that there is not is told', async () => {
    expect((await compare('check', 'contoso')).code).toBe(0)
    await compare('check', 'contoso', '--json')
    expect((await compare('check', 'fabrikam')).code).toBe(2)
  })

  it('a source is planned and synchronized, and its runs are shown', async () => {
    // The first one reads everything, the others what changed since.
    expect((await here('plan', 'one')).code).toBe(0)
    expect((await compare('plan', 'one', '--json')).code).toBe(0)
    const synced = await there('sync', 'one', '--json')
    expect(synced.code, synced.stderr).toBe(0)
    expect(JSON.parse(synced.stdout)).toMatchObject({ source: 'one', outcome: 'applied' })

    const { run } = JSON.parse(synced.stdout) as { run: string }
    await compare('sync', 'one')
    await compare('plan', 'one')
    await compare('sync', 'one', '--json')
    await compare('runs', run)
    await compare('runs', run, '--json')
    await compare('runs', run, '--items', '--format', 'csv')
    await compare('runs', '--limit', '2', '--json')
    await compare('runs', run, '--log', '--json')
  })

  it.each([
    [2, ['sync', 'off']],
    [2, ['sync', 'nobody']],
    [1, ['approve', '1', '--hash', 'x', '--reason', 'y']],
    [1, ['reject', '1', '--reason', 'y']],
    [2, ['reject', '999', '--reason', 'y']],
    [1, ['cancel', '1']],
    [2, ['runs', '999']],
    [2, ['runs', '--source', 'nobody', '--json']],
  ])('exit code %i: %j', async (code, args) => {
    expect((await compare(...args)).code).toBe(code)
  })

  it('a token is needed, goes to no plain address, and is not read from the command line', async () => {
    const withoutToken = await runMuster(['runs', '--url', url])
    const elsewhere = await runMuster(['runs', '--url', 'http://muster.example.com'], { env: { MUSTER_TOKEN: token } })
    const refused = await runMuster(['runs', '--url', url], { env: { MUSTER_TOKEN: 'mst_wrong' } })
    const flag = await runMuster(['runs', '--url', url, '--token', token])
    const gone = await runMuster(['runs', '--url', 'http://127.0.0.1:1'], { env: { MUSTER_TOKEN: token } })
    await writeFile(join(home, 'token'), `${token}\n`)
    const fromFile = await runMuster(['runs', '--url', url, '--token-file', join(home, 'token'), '--json'])

    expect([withoutToken, elsewhere, refused, flag, gone, fromFile].map(({ code }) => code)).toEqual([2, 2, 1, 2, 1, 0])
    expect(withoutToken.stderr).toContain('MUSTER_TOKEN')
    expect(elsewhere.stderr).toContain('https:')
    expect(gone.stderr).toContain('Cannot reach the server')
    expect(refused.stderr).toContain('API token')
  })
})

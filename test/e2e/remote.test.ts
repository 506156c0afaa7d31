// The same commands here and with --url on a server of the same database: the same words, documents and exit codes.
import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer as createProxy, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { BusyError, CancelledError } from '../../src/base/errors.ts'
import { silentLog } from '../../src/base/log.ts'
import { createProgram } from '../../src/cli/program.ts'
import { createRemoteApp } from '../../src/cli/remote-app.ts'
import type { SavedSettings } from '../../src/contract/api/sources.ts'
import { SCOPES } from '../../src/contract/api/endpoint.ts'
import { loadConfig } from '../../src/config.ts'
import type { RunDocument } from '../../src/contract/runs.ts'
import { createCertificate } from '../../src/emulator/certificate.ts'
import { generateTenant } from '../../src/emulator/generator.ts'
import { Emulator } from '../../src/emulator/server.ts'
import { openApp } from '../../src/open-app.ts'
import { emptyDocument } from '../../src/sync/document.ts'
import { createToken } from '../../src/signin/tokens.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { callMuster, documentOf, type MusterResult, runMuster, startMuster } from '../support/muster.ts'
import { SIGNING } from '../support/world.ts'

let database: TestDatabase
let home: string
let emulator: Emulator
let server: ChildProcessWithoutNullStreams
let url: string
let token: string
let file: string
let wrong: string
let connections: object
/** The user principal name of one of them. */
let somebody: string

const environment = () => ({ MUSTER_HOME: home, MUSTER_DATABASE_URL: database.url, MUSTER_LISTEN: '127.0.0.1:0' })
/** In this process, as starting Node for each of them would take most of the time. */
const here = (...args: string[]) => callMuster([...args, '--home', home, '--database-url', database.url])
/** With nothing of the database: all that it knows is the server. */
const there = (...args: string[]) => callMuster([...args, '--url', url, '--token-file', join(home, 'token')])
const schedule = { delta: null, full: null }

/** The config file, with these attributes mapped. */
async function write(properties: object): Promise<void> {
  const one = { connection: 'contoso', schedule, users: { properties } }
  const sources = { one, off: { connection: 'contoso', schedule, enabled: false } }
  await writeFile(file, JSON.stringify({ connections, sources }))
}

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), `muster-test-${process.pid}-remote-`))
  database = await createTestDatabase()
  emulator = new Emulator({ seed: 7, signingCertificate: SIGNING })
  const tenant = generateTenant({ users: 40, groups: 4, memberships: 80, seed: 4, clock: emulator.clock })
  const { tenantId, clientId, clientSecret } = emulator.host(tenant)
  const { graphUrl } = await emulator.listen()
  await writeFile(join(home, 'contoso.secret'), clientSecret)
  const connection = { tenantId, clientId, cloud: 'custom', authorityUrl: graphUrl, graphUrl }
  file = join(home, 'muster.yaml')
  wrong = join(home, 'wrong.yaml')
  connections = { contoso: { ...connection, clientSecret: { file: 'contoso.secret' } } }
  await write({})
  await writeFile(wrong, JSON.stringify({ sources: { one: { connection: 'nowhere', schedule: { delta: 'often' } } } }))
  const made = {
    name: 'test',
    scopes: [...SCOPES],
    maker: { kind: 'command line', name: 'test' } as const,
    now: systemClock.now(),
    expiresAt: null,
  }
  token = (await createToken(database.db, made)).token
  await writeFile(join(home, 'token'), `${token}\n`)
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

interface Met {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** Has the server answer. */
  readonly ask: () => Promise<{ readonly status: number; readonly type: string; readonly body: Buffer }>
}

/** Stands before the server as a proxy does. What `meet` has not dealt with is answered by the server. */
async function aProxy(meet: (met: Met) => Promise<boolean>) {
  const pass = async (request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const { authorization, 'idempotency-key': key } = request.headers
    const ask = async () => {
      const answer = await fetch(`${url}${request.url}`, {
        method: request.method!,
        headers: {
          authorization: authorization!,
          'content-type': 'application/json',
          ...(typeof key === 'string' ? { 'idempotency-key': key } : {}),
        },
        ...(chunks.length === 0 ? {} : { body: Buffer.concat(chunks) }),
      })
      const type = answer.headers.get('content-type') ?? 'text/plain'
      return { status: answer.status, type, body: Buffer.from(await answer.arrayBuffer()) }
    }
    if (await meet({ request, response, ask })) return
    const { status, type, body } = await ask()
    response.writeHead(status, status === 204 ? {} : { 'content-type': type }).end(body)
  }
  const proxy = createProxy((request, response) => {
    pass(request, response).catch((error: unknown) => response.destroy(error as Error))
  })
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  const at = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`
  return {
    url: at,
    flags: ['--url', at, '--token-file', join(home, 'token')],
    [Symbol.asyncDispose]: async () => void proxy.close(),
  }
}

/** Begins an answer, and breaks off. */
function cut(response: ServerResponse, begun: Buffer): void {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': begun.length + 1_000 })
  response.write(begun, () => response.destroy())
}

const TOO_MANY = {
  type: 'urn:muster:problem:too-many-requests',
  title: 'Too Many Requests',
  status: 429,
  code: 'too-many-requests',
  detail: 'More was asked than one caller may',
  requestId: '1',
}

/** As a server does when it is due. */
async function runBySchedule(): Promise<RunDocument> {
  const settings = { MUSTER_HOME: home, MUSTER_DATABASE_URL: database.url }
  const app = await openApp(loadConfig(settings), { clock: systemClock, log: silentLog })
  const { signal } = new AbortController()
  const request = { source: 'one', kind: 'sync', mode: 'auto', trigger: 'schedule', wait: true } as const
  try {
    return await app.run({ ...request, signal, onProgress: () => {} })
  } finally {
    await app.close()
  }
}

/** Without what differs from one run to the next: ids, times, durations and what Microsoft was asked. */
function told({ code, stdout, stderr }: MusterResult): unknown {
  return { code, stdout: isDocument(stdout) ? withoutIds(JSON.parse(stdout)) : words(stdout), stderr: words(stderr) }
}

const words = (text: string) =>
  text
    .replace(/\bmanual\b|\bapi\b/g, 'TRIGGER')
    .replace(/\d{4}-\d\d-\d\d[T ][\d:.]+Z?/g, 'TIME')
    .replace(/\b[Rr]un[ -]\d+/g, 'RUN')
    .replace(/\d+ requests to .*/g, '')
    // A server says how many bytes came, not how many rows are in them.
    .replace(/([\d,]+ rows, )?[\d,]+ bytes/g, 'SIZE')

/** Lines of JSON are many. */
const isDocument = (text: string) => text.startsWith('{') && !text.trimEnd().includes('\n{')

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

/** What was done both here and there. */
const compared = new Set<string>()

async function compare(...args: string[]): Promise<MusterResult> {
  compared.add(args[0] ?? '')
  const [local, remote] = [await here(...args), await there(...args)]
  expect(told(remote)).toEqual(told(local))
  return remote
}

/** What no server does, and how an address is answered. */
const HERE_ONLY: readonly (readonly [command: string, answer: 'refused' | 'no server asked', why: string])[] = [
  ['serve', 'no server asked', 'it is the server'],
  ['demo', 'no server asked', 'it makes a database and a tenant of its own'],
  ['emulator', 'no server asked', 'it is a server itself, and knows no database'],
  ['restore file', 'refused', 'nobody may work on the database meanwhile'],
  ['sign-in-link Ann', 'refused', 'whoever has the link is let in'],
  ['keys rotate', 'refused', 'the key file is on the host'],
  ['keys retire 1', 'refused', 'the key file is on the host'],
]

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

  it('a file with a new connection that people sign in through is applied on the host alone, and the refusal says so', async () => {
    const path = join(home, 'sign-in.yaml')
    const people = { ...Object.values(connections)[0], signInWithMicrosoft: true }
    await writeFile(path, JSON.stringify({ connections: { ...connections, people } }))

    const refused = await there('apply', '-f', path)
    expect([refused.code, refused.stdout]).toEqual([1, ''])
    expect(refused.stderr).toContain(
      'An API token cannot make the connection "people" with signInWithMicrosoft: people would sign in through it.',
    )
    expect(refused.stderr).toContain('muster apply without --url on the host of the server')
    expect(documentOf(await there('apply', '-f', path, '--json'))).toMatchObject({
      error: { code: 'connection-of-sign-in' },
    })

    const applied = await here('apply', '-f', path)
    expect(applied.stdout + applied.stderr).toContain('connection people: created')
    expect(applied.code).toBe(0)
    // What is as it was before is nobody's business.
    expect((await there('apply', '-f', path)).stdout).toContain('Nothing to change.')
    expect((await here('apply', '-f', file, '--prune', '--yes')).code).toBe(0)
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
    for (const as of [[], ['--items'], ['--json'], ['--items', '--format', 'csv']]) {
      const nobody = await compare('runs', run, '--user', 'nobody@nowhere.example', ...as)
      expect(nobody.code).toBe(2)
      expect(nobody.stdout + nobody.stderr).toContain('There is no user')
    }
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

  it('everybody is exported, listed and explained alike', async () => {
    for (const what of ['users --format json', 'users --format csv', 'groups --format csv', 'memberships']) {
      const exported = await compare('export', ...what.split(' '))
      expect(exported.code).toBe(0)
      expect(exported.stdout.length).toBeGreaterThan(200)
    }
    await compare('export', 'users', '--format', 'csv', '--csv-dialect', 'myq')
    await compare('export', 'users', '--json')
    expect((await compare('export', 'users', '--json', '--format', 'csv')).code).toBe(2)
    expect((await compare('export', 'cards')).code).toBe(2)
    const saved = await Promise.all(
      [here, there].map(async (muster, at) => {
        const output = join(home, `users-${at}.csv`)
        expect((await muster('export', 'users', '--format', 'csv', '--output', output)).code).toBe(0)
        return readFile(output, 'utf8')
      }),
    )
    expect(saved[1]).toBe(saved[0])

    const { stdout } = await here('export', 'users')
    somebody = (JSON.parse(stdout.split('\n')[0] ?? '') as { userName: string }).userName
    expect((await compare('explain', somebody)).stdout).toContain(somebody)
    await compare('explain', somebody, '--json')
    expect((await compare('explain', 'nobody@nowhere.example')).code).toBe(2)
    await compare('explain', 'nobody@nowhere.example', '--json')
    await compare('keys')
    await compare('keys', '--json')
  }, 120_000)

  it('what could not be done for somebody is listed alike', async () => {
    expect((await compare('issues')).stdout).toBe('There are no open issues.\n')
    await write({ cards: ['companyName'] })
    await there('apply', '-f', file)
    const { outcome } = documentOf(await here('sync', 'one', '--json'))
    expect(outcome).toBe('applied')

    const issues = await compare('issues')
    expect(issues.stdout).toContain('card-conflict')
    await compare('issues', '--json')
    const all = JSON.parse((await here('issues', '--json')).stdout) as { issues: unknown[]; issuesTotal: number }
    expect(all.issues).toHaveLength(all.issuesTotal)
    const first = JSON.parse((await compare('issues', '--source', 'one', '--limit', '1', '--json')).stdout) as object
    expect(first).toEqual({ issues: all.issues.slice(0, 1), issuesTotal: all.issuesTotal })
    expect((await compare('issues', '--limit', '1')).stdout).toContain(
      `These are the oldest 1 of ${all.issuesTotal}; --limit shows more, up to 10,000.\n`,
    )
    await compare('issues', '--source', 'off')
    expect((await compare('issues', '--source', 'nobody')).code).toBe(2)
  })

  it('one person is synchronized alike', async () => {
    const { code, stdout } = await compare('sync', 'one', '--user', somebody)
    expect(code).toBe(0)
    expect(stdout).toContain(' of one (delta): ')
    await compare('sync', 'one', '--user', somebody, '--json')
    await compare('plan', 'one', '--user', somebody, '--json')
    expect((await compare('sync', 'one', '--user', 'nobody@nowhere.example')).code).toBeGreaterThan(0)
    expect((await compare('sync', 'one', '--user', somebody, '--full')).code).toBe(2)
  })

  it('a run is taken back, its plan held, rejected and approved alike', async () => {
    await write({ fullName: 'mail' })
    await there('apply', '-f', file)
    let { run, outcome } = documentOf(await there('sync', 'one', '--json'))
    expect(outcome).toBe('applied')
    expect((await compare('revert', String(run), '--reason', 'wrong', '--dry-run')).code).toBe(0)
    await compare('revert', String(run), '--reason', 'wrong', '--dry-run', '--json')
    await compare('revert', String(run), '--reason', 'wrong', '--dry-run', '--user', somebody)
    expect((await compare('revert', '999', '--reason', 'wrong')).code).toBe(2)

    const ways: Record<'revert' | 'rejected' | 'approve', unknown>[] = []
    for (const muster of [here, there]) {
      const revert = await muster('revert', String(run), '--reason', 'wrong')
      const rejected = documentOf(await muster('sync', 'one', '--json'))
      expect(rejected['outcome']).toBe('held')
      const reject = await muster('reject', String(rejected['run']), '--reason', 'not now')
      await muster('sync', 'one')
      // Asked for again, it is planned anew, and that plan is the one that waits.
      const held = documentOf(await muster('sync', 'one', '--json'))
      const wrongHash = await muster('approve', String(held['run']), '--hash', 'x', '--reason', 'y')
      expect(wrongHash.code).toBe(1)
      const approval = ['--hash', String(held['planHash']), '--reason', 'meant so']
      const approve = await muster('approve', String(held['run']), ...approval)
      expect([revert, reject, approve].map(({ code }) => code)).toEqual([0, 0, 0])
      ways.push({ revert: told(revert), rejected: told(reject), approve: [told(wrongHash), told(approve)] })
      const [last] = documentOf(await here('runs', '--limit', '1', '--json'))['runs'] as { run: string }[]
      run = last?.run
    }
    expect(ways[1]).toEqual(ways[0])
    expect(JSON.stringify(ways[0])).toContain('applied')

    // What a schedule leaves waiting is shown under its run too, and approved under its own.
    await here('revert', String(run), '--reason', 'wrong')
    const held = documentOf(await there('sync', 'one', '--json'))
    const later = await runBySchedule()
    expect(later).toMatchObject({ outcome: 'held', planHash: held['planHash'] })
    const shown = await compare('runs', later.run)
    expect(shown.stdout).toContain(`It left the plan of run ${String(held['run'])} waiting`)
    expect(shown.stdout).not.toContain('muster approve')
    expect(shown.stdout).not.toContain('the plan waits for approval')
    await compare('runs', later.run, '--json')
    expect((await here('reject', String(held['run']), '--reason', 'seen')).code).toBe(0)
  }, 240_000)

  it('E21: a run that is asked for is begun once and watched to its end, whatever becomes of an answer on the way', async () => {
    let away = 0
    const keys: unknown[] = []
    await using proxy = await aProxy(async ({ request, response, ask }) => {
      if (request.method === 'POST') {
        keys.push(request.headers['idempotency-key'])
        // It arrived, and nobody hears of it.
        if (keys.length === 1) request.socket.destroy(void (await ask()))
        return keys.length === 1
      }
      away += 1
      if (away === 1) request.socket.destroy()
      else if (away === 2) response.writeHead(502, { 'content-type': 'text/html' }).end('<h1>Bad Gateway</h1>')
      else if (away === 3) cut(response, Buffer.from('{"id":"'))
      else if (away === 4) response.writeHead(429, { 'retry-after': '1' }).end(JSON.stringify(TOO_MANY))
      return away <= 4
    })
    const jobs = async () => (await database.db.query('select from jobs')).rowCount!
    const before = await jobs()
    const since = performance.now()
    const done = await callMuster(['plan', 'one', ...proxy.flags, '--json'])

    expect(done.code, done.stderr + done.stdout).toBe(0)
    expect(away).toBeGreaterThan(4)
    expect(performance.now() - since).toBeGreaterThan(1_000)
    expect(documentOf(done)).toMatchObject({ source: 'one', error: null })
    expect(keys).toEqual([expect.stringMatching(/^[\w-]{36}$/), keys[0]])
    expect((await jobs()) - before).toBe(1)

    const { run } = documentOf(done)
    away = 0
    const log = await callMuster(['runs', String(run), '--log', '--follow', ...proxy.flags])
    expect(told(log)).toEqual(told(await here('runs', String(run), '--log')))
  })

  it('what breaks off is told as what it is, and kept nowhere as if it were whole', async () => {
    await using proxy = await aProxy(async ({ response, ask }) => {
      const { body } = await ask()
      cut(response, body.subarray(0, body.length / 2))
      return true
    })
    const output = join(home, 'cut.csv')
    const shown = await callMuster(['export', 'users', '--json', ...proxy.flags])
    const saved = await callMuster(['export', 'users', '--format', 'csv', '--output', output, ...proxy.flags])
    const backup = await callMuster(['backup', '--output', output, '--json', ...proxy.flags])

    expect([shown, saved, backup].map(({ code }) => code)).toEqual([1, 1, 1])
    // Half of a document, and no other one behind it.
    expect(shown.stdout).toMatch(/^\[/)
    expect(shown.stdout).not.toContain('"error"')
    expect(shown.stderr).toContain('is not whole')
    for (const { stderr } of [shown, saved]) {
      expect(stderr).toContain('broke off')
      expect(stderr).not.toContain('mistake in Muster')
    }
    expect(documentOf(backup)).toMatchObject({ error: { code: 'server-unreachable' } })
    expect((await readdir(home)).filter((name) => name.startsWith('cut.csv'))).toEqual([])
  })

  it('75: a source that is run for more than a minute is not waited for any longer; what was asked for stays', async () => {
    await database.db.query(
      `insert into runs (source_id, source_name, kind, mode, trigger, fence, host, pid, process_started, settings_version, heartbeat_at)
       select id, name, 'sync', 'full', 'manual', 0, 'elsewhere', 1, 'x', 1, now() + interval '1 hour' from sources where name = 'one'`,
    )
    let elapsed = 0
    const clock = {
      ...systemClock,
      monotonicMs: () => elapsed,
      sleep: (ms: number) => {
        elapsed += ms * 20
        return systemClock.sleep(10)
      },
    }
    const app = createRemoteApp({ url, token }, { clock })
    const phases = new Set<string>()
    const request = { source: 'one', kind: 'plan', mode: 'auto', trigger: 'manual', wait: true } as const
    const stop = new AbortController()
    const watch = { onProgress: ({ phase }: { phase: string }) => void phases.add(phase) }
    const given = await app.run({ ...request, ...watch, signal: stop.signal }).catch((error: unknown) => error)
    expect(given).toBeInstanceOf(BusyError)
    expect(String(given)).toContain('or all places of the servers are taken')
    expect([...phases]).toEqual(['waiting'])
    const waiting = async () =>
      (await database.db.query(`select 1 from jobs where source_name = 'one' and state = 'queued'`)).rowCount
    expect(await waiting()).toBe(1)

    // Interrupted while it waits, nothing is left to be done.
    const soon = { onProgress: () => stop.abort() }
    await expect(app.run({ ...request, ...soon, signal: stop.signal })).rejects.toBeInstanceOf(CancelledError)
    expect(await waiting()).toBe(0)
    await database.db.query(`update runs set state = 'ended', outcome = 'cancelled' where host = 'elsewhere'`)
  })

  describe('130: interrupted', () => {
    const ask = { source: 'one', kind: 'plan', mode: 'auto', trigger: 'manual', wait: true } as const
    /** The source is run by another host. */
    const hold = async () => {
      const { rows } = await database.db.query<{ id: number }>(
        `insert into runs (source_id, source_name, kind, mode, trigger, fence, host, pid, process_started, settings_version, heartbeat_at)
         select id, name, 'plan', 'full', 'manual', 0, 'elsewhere', 1, 'x', 1, now() + interval '1 hour' from sources where name = 'one' returning id`,
      )
      return rows[0]!.id
    }
    const ended = (run: number) =>
      database.db.query(
        `update runs set state = 'ended', outcome = 'cancelled', ended_at = now(), summary = $2 where id = $1`,
        [run, JSON.stringify({ ...emptyDocument(run, 'one', 'full'), outcome: 'cancelled' })],
      )
    /** Interrupts as soon as it waits; before what it is taken back with reaches the server, this happens. */
    const interrupt = async (
      request: Parameters<ReturnType<typeof createRemoteApp>['run']>[0] | typeof ask,
      options: { readonly token?: string; readonly before?: (job: string) => Promise<void> } = {},
    ) => {
      const given = options.token ?? token
      let happens = options.before
      await using proxy = await aProxy(async ({ request: { method, url: path } }) => {
        if (method !== 'DELETE' || happens === undefined) return false
        const first = happens
        happens = undefined
        await first(/\/([\w-]+)\??$/.exec(path!)![1]!)
        return false
      })
      const stop = new AbortController()
      const app = createRemoteApp({ url: proxy.url, token: given }, { clock: systemClock })
      return await app.run({ ...request, signal: stop.signal, onProgress: () => stop.abort() })
    }
    afterEach(() =>
      database.db.query(
        `update runs set state = 'ended', outcome = 'cancelled' where state = 'running' and host = 'elsewhere'`,
      ),
    )
    const states = async () =>
      (
        await database.db.query(
          `select state, actor_name from jobs where source_name = 'one' order by asked_at desc limit 1`,
        )
      ).rows

    it('in the moment its run begins, that run is cancelled', async () => {
      const run = await hold()
      const document = await interrupt(ask, {
        before: async (job) => {
          await database.db.query(`update jobs set state = 'running', run_id = $2 where id = $1`, [job, run])
          void (async () => {
            const asked = () => database.db.query('select from runs where id = $1 and cancel_requested', [run])
            while ((await asked()).rowCount === 0) await systemClock.sleep(20)
            await ended(run)
          })()
        },
      })

      expect(document).toMatchObject({ outcome: 'cancelled' })
    })

    it('in the moment it ends, how it ended is told', async () => {
      const run = await hold()
      const document = await interrupt(ask, {
        before: async (job) => {
          await database.db.query(`update jobs set state = 'ended', run_id = $2, ended_at = now() where id = $1`, [
            job,
            run,
          ])
          await ended(run)
        },
      })

      expect(document).toMatchObject({ run: String(run), outcome: 'cancelled' })
    })

    it('while others wait for the same, it stays theirs', async () => {
      await hold()
      const other = await createToken(database.db, {
        name: 'other',
        scopes: [...SCOPES],
        maker: { kind: 'command line', name: 'other' },
        now: systemClock.now(),
        expiresAt: null,
      })
      const watching = new AbortController()
      const second = createRemoteApp({ url, token: other.token }, { clock: systemClock })
      const waits = Promise.withResolvers<void>()
      const others = second.run({ ...ask, signal: watching.signal, onProgress: () => waits.resolve() })
      await waits.promise
      await expect(interrupt(ask)).rejects.toThrow('others asked for the same')

      expect(await states()).toEqual([{ state: 'queued', actor_name: 'other' }])
      watching.abort()
      await expect(others).rejects.toBeInstanceOf(CancelledError)
      expect(await states()).toMatchObject([{ state: 'refused' }])
    })

    it('one user who was asked for with a token for people alone is not synchronized', async () => {
      await hold()
      const made = await createToken(database.db, {
        name: 'people',
        scopes: ['read', 'people'],
        maker: { kind: 'command line', name: 'people' },
        now: systemClock.now(),
        expiresAt: null,
      })
      await expect(interrupt({ ...ask, user: somebody }, { token: made.token })).rejects.toBeInstanceOf(CancelledError)

      expect(await states()).toEqual([{ state: 'refused', actor_name: 'people' }])
    })
  })

  it('a backup is made alike, and taking over says alike that there is nothing to take', async () => {
    const output = join(home, 'muster.backup')
    expect((await compare('backup', '--output', output)).code).toBe(0)
    expect((await here('restore', output, '--check')).code).toBe(0)
    expect((await compare('backup')).code).toBe(2)
    await compare('take-over')
    await compare('take-over', '--json')
  })

  it.each(HERE_ONLY.filter(([, refuses]) => refuses === 'refused'))(
    '%s is for the host of the server, and says so',
    async (command) => {
      const refused = await there(...command.split(' '))
      expect(refused.code).toBe(2)
      expect(refused.stderr).toContain('without --url')
    },
  )

  it.each(HERE_ONLY.filter(([, refuses]) => refuses === 'no server asked'))(
    '%s is the server itself and refuses the address of another one',
    async (command) => {
      const refused = await runMuster(['--url', url, ...command.split(' ')], {
        env: { MUSTER_HOME: join(home, 'none') },
      })
      expect(refused.code).toBe(2)
      expect(refused.stderr).toContain('leave --url away')
    },
  )

  it('O4: earlier settings are listed, looked at and taken up again alike', async () => {
    await write({ phone: 'faxNumber' })
    await there('apply', '-f', file)
    await write({ phone: 'mobilePhone' })
    await there('apply', '-f', file)

    const listed = documentOf(await compare('settings', 'one', '--json')).settings as SavedSettings[]
    const [now, earlier] = listed.map(({ number }) => String(number)) as [string, string]
    expect(listed.slice(0, 2).map(({ savedBy }) => savedBy?.kind)).toEqual(['token', 'token'])
    expect((await compare('settings', 'one')).stdout).toContain('users.properties.phone')
    expect((await compare('settings', 'one', earlier)).stdout).toContain(`muster settings one ${earlier} --restore`)
    await compare('settings', 'one', earlier, '--json')
    const tried = await compare('settings', 'one', earlier, '--restore', '--dry-run')
    expect(tried.stdout).toContain('Nothing was written')
    expect((await compare('settings', 'one', '9999')).code).toBe(2)
    const restored = await there('settings', 'one', earlier, '--restore')
    expect(restored.stdout).toContain(`one has the settings of number ${earlier} again`)
    expect((await here('settings', 'one', now, '--restore', '--json')).code).toBe(0)
    const same = await compare('settings', 'one', now, '--restore')
    expect(same.stdout).toContain('These are the settings that one has now')
  })

  it('every command is compared above, or it is said why a server cannot do it', () => {
    const io = { stdout: new PassThrough(), stderr: new PassThrough() }
    const { commands } = createProgram({ io, version: '0', json: false, run: async () => {} })
    const names = commands.flatMap((command) => [
      command.name(),
      ...command.commands.map((inner) => `${command.name()} ${inner.name()}`),
    ])
    const reasons = HERE_ONLY.map(([command]) => command.replace(/ \d+$| file$| Ann$/, ''))

    expect(names.filter((name) => !compared.has(name) && !reasons.includes(name))).toEqual([])
    expect(reasons.filter((name) => !names.includes(name))).toEqual([])
  })

  it('a server with a certificate of an own authority is reached with --ca-file', async () => {
    const now = systemClock.now().getTime()
    const dates = { notBefore: new Date(now - 3_600_000), notAfter: new Date(now + 3_600_000), key: 'p256' } as const
    const authority = createCertificate({ commonName: 'Contoso', authority: true, ...dates })
    const own = createCertificate({ commonName: '127.0.0.1', hosts: ['127.0.0.1'], issuer: authority, ...dates })
    await writeFile(join(home, 'ca.pem'), authority.certificatePem)
    // As a proxy of the organization stands before it.
    const proxy = createServer({ key: own.privateKeyPem, cert: own.certificatePem }, (request, response) => {
      void fetch(`${url}${request.url}`, { headers: { authorization: request.headers.authorization ?? '' } })
        .then(async (answer) => response.writeHead(answer.status).end(await answer.text()))
        .catch(() => response.destroy())
    })
    proxy.listen(0, '127.0.0.1')
    await once(proxy, 'listening')
    const address = proxy.address()
    const at = `https://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`
    const ask = (...args: string[]) => runMuster(['runs', '--url', at, ...args], { env: { MUSTER_TOKEN: token } })
    try {
      expect((await ask('--ca-file', join(home, 'ca.pem'), '--json')).code).toBe(0)
      expect((await ask('--json')).code).toBe(1)
      const unreadable = await ask('--ca-file', join(home, 'none.pem'))
      expect(unreadable.code).toBe(2)
      expect(unreadable.stderr).toContain('none.pem cannot be used: ENOENT')
    } finally {
      proxy.close()
      proxy.closeAllConnections()
    }
  })

  it('a token is needed, goes to no plain address, and is not read from the command line', async () => {
    const withoutToken = await runMuster(['runs', '--url', url])
    const elsewhere = await runMuster(['runs', '--url', 'http://muster.example.com'], { env: { MUSTER_TOKEN: token } })
    const refused = await runMuster(['runs', '--url', url], { env: { MUSTER_TOKEN: 'mst_wrong' } })
    const flag = await runMuster(['runs', '--url', url, '--token', token])
    // Where nobody has ever answered, nobody is waited for.
    const gone = await runMuster(['sync', 'one', '--url', 'http://127.0.0.1:1'], { env: { MUSTER_TOKEN: token } })
    const named = { MUSTER_URL: url, MUSTER_TOKEN_FILE: join(home, 'token') }
    expect((await runMuster(['runs', '--json'], { env: named })).code).toBe(0)
    const fromFile = await runMuster(['runs', '--url', url, '--token-file', join(home, 'token'), '--json'])

    expect([withoutToken, elsewhere, refused, flag, gone, fromFile].map(({ code }) => code)).toEqual([2, 2, 1, 2, 1, 0])
    expect(withoutToken.stderr).toContain('MUSTER_TOKEN')
    expect(elsewhere.stderr).toContain('https:')
    expect(gone.stderr).toContain('Cannot reach the server')
    expect(refused.stderr).toContain('API token')
  })
})

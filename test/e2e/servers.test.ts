// Two `muster serve` on one database: they share work, and what one was doing goes on when it dies, is paused or is told to end.
import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { silentLog } from '../../src/base/log.ts'
import type { Job } from '../../src/contract/api/runs.ts'
import { withTransaction } from '../../src/database/transaction.ts'
import { generateTenant } from '../../src/emulator/generator.ts'
import { Emulator, type HostedTenant } from '../../src/emulator/server.ts'
import { Queue } from '../../src/jobs/queue.ts'
import { createToken } from '../../src/signin/tokens.ts'
import { apiCaller } from '../support/api-caller.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { runMuster, startMuster } from '../support/muster.ts'
import { SIGNING } from '../support/world.ts'

/** A machine that others work on as well. */
const PATIENCE_MS = 150_000

interface Server {
  readonly child: ChildProcessWithoutNullStreams
  readonly url: string
  /** All that it said. */
  output(): string
}

let database: TestDatabase
let home: string
let emulator: Emulator
let contoso: HostedTenant
let token: string
let servers: Server[] = []

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), `muster-test-${process.pid}-servers-`))
})
beforeEach(async () => {
  database = await createTestDatabase()
  emulator = new Emulator({ seed: 7, signingCertificate: SIGNING })
  contoso = emulator.host(generateTenant({ users: 60, groups: 6, memberships: 150, seed: 4, clock: emulator.clock }))
  const { graphUrl } = await emulator.listen()
  const { tenantId, clientId } = contoso
  const connection = { tenantId, clientId, cloud: 'custom', authorityUrl: graphUrl, graphUrl }
  await writeFile(join(home, 'contoso.secret'), contoso.clientSecret)
  const clientSecret = { file: 'contoso.secret' }
  const sources = Object.fromEntries(
    ['one', 'two', 'three'].map((name, i) => [
      name,
      { connection: 'contoso', priority: 100 + i, schedule: { delta: null, full: null } },
    ]),
  )
  const file = join(home, 'muster.yaml')
  await writeFile(file, JSON.stringify({ connections: { contoso: { ...connection, clientSecret } }, sources }))
  const applied = await runMuster(['apply', '-f', file], { env: environment() })
  if (applied.code !== 0) throw new Error(applied.stderr)
  token = (
    await createToken(database.db, {
      name: 'test',
      scopes: ['read', 'runs'],
      maker: { kind: 'command line', name: 'test' },
      now: systemClock.now(),
      expiresAt: null,
    })
  ).token
})
afterEach(async () => {
  for (const { child } of servers) {
    if (child.exitCode !== null || child.signalCode !== null) continue
    const ended = once(child, 'close')
    child.kill('SIGKILL')
    await ended
  }
  servers = []
  await emulator.stop()
  await database.drop()
})
afterAll(() => rm(home, { recursive: true }))

const environment = () => ({ MUSTER_HOME: home, MUSTER_DATABASE_URL: database.url, MUSTER_LISTEN: '127.0.0.1:0' })

async function serve(env: Readonly<Record<string, string>> = {}): Promise<Server> {
  const child = startMuster(['serve'], { env: { ...environment(), ...env } })
  let output = ''
  child.stderr.on('data', (data) => (output += String(data)))
  const url = await new Promise<string>((resolve, reject) => {
    child.stdout.on('data', (data) => {
      output += String(data)
      const found = /serves at (http:\S+)/.exec(output)?.[1]
      if (found !== undefined) resolve(found)
    })
    child.once('close', () => reject(new Error(output)))
  })
  const server = { child, url, output: () => output }
  servers.push(server)
  return server
}

/** A promise of the process that nobody waits for is rejected with this message. */
async function mistakeAt(signal: string, message: string): Promise<{ readonly NODE_OPTIONS: string }> {
  const script = join(home, 'mistake.mjs')
  await writeFile(
    script,
    `process.on('${signal}', () => void Promise.reject(new TypeError(${JSON.stringify(message)})))`,
  )
  return { NODE_OPTIONS: `--import ${script}` }
}

const call = apiCaller(() => token)

const ask = (server: Server, source = 'one') => call<Job>(server, `/sources/${source}/runs`, { kind: 'sync' })

async function until<T>(what: string, look: () => Promise<T | undefined | false>): Promise<T> {
  const end = performance.now() + PATIENCE_MS
  for (;;) {
    const found = await look()
    if (found !== undefined && found !== false) return found
    if (performance.now() > end)
      throw new Error(`waited in vain until ${what}\n${servers.map((s) => s.output()).join('\n')}`)
    await sleep(200)
  }
}

const over = (server: Server, { id }: Job) =>
  until('the job is over', async () => {
    const job = await call<Job>(server, `/jobs/${id}`)
    return (job.state === 'ended' || job.state === 'refused') && job
  })

/** The server that runs the job, once it reads. */
const holderOf = ({ id }: Job) =>
  until('the job is run', async () => {
    const found = await database.db.query<{ pid: number; phase: string | null }>(
      `select r.pid, r.phase from jobs j join runs r on r.id = j.run_id where j.id = $1 and r.state = 'running'`,
      [id],
    )
    const [row] = found.rows
    return row !== undefined && row.phase !== null && servers.find(({ child }) => child.pid === row.pid)
  })

const otherThan = (one: Server) => servers.find((server) => server !== one)!

const runs = async () =>
  (
    await database.db.query<{ outcome: string; code: string | null }>(
      `select outcome, summary -> 'error' ->> 'code' as code from runs where source_name = 'one' order by id`,
    )
  ).rows

describe('two servers on one database', () => {
  it('E3: share what is asked for; a source is run by one of them at a time', async () => {
    const [a, b] = await Promise.all([serve(), serve()])
    emulator.latencyMs = 300
    const jobs = await Promise.all([a, b, a, b, a, b].map((server, i) => ask(server, ['one', 'two', 'three'][i % 3])))
    for (const job of jobs) expect((await over(b, job)).state).toBe('ended')

    const overlapping = await database.db.query(
      `select 1 from runs a join runs b on a.source_id = b.source_id and a.id < b.id and a.ended_at > b.started_at`,
    )
    expect(overlapping.rowCount).toBe(0)
    // Three first loads of one tenant at once: where two would make the same group, one of them plans anew.
    const failed = await database.db.query(
      `select source_name, summary -> 'error' as error from runs
       where outcome = 'failed' and summary -> 'error' ->> 'code' <> 'registry-moved'`,
    )
    expect(failed.rows).toEqual([])
    const health = await database.db.query(`select distinct state from source_health`)
    expect(health.rows).toEqual([{ state: 'healthy' }])
  })

  it('are where links lead that the command line makes, and not where the settings say', async () => {
    await database.db.query(
      `insert into administrators (name, name_key, role, password, created_at) values ('Lea', 'lea', 'viewer', 'none', now())`,
    )
    const link = async () => {
      const env = { ...environment(), MUSTER_LISTEN: '127.0.0.1:8080' }
      const { stdout } = await runMuster(['sign-in-link', 'Lea', '--json'], { env })
      return JSON.parse(stdout) as { link: string; isAssumed: boolean }
    }
    const [first, second] = [await serve(), await serve()]
    const both = await link()
    const closed = once(second.child, 'close')
    second.child.kill('SIGTERM')
    await closed
    const one = await link()

    expect([first.url, second.url]).toContain(new URL(both.link).origin)
    expect([both.isAssumed, one.isAssumed]).toEqual([false, false])
    expect(new URL(one.link).origin).toBe(first.url)
  })

  it('E13: a run whose server is killed is done by the other one', async () => {
    await Promise.all([serve(), serve()])
    emulator.latencyMs = 3_000
    const job = await ask(servers[0]!)
    const holder = await holderOf(job)
    const killed = performance.now()
    holder.child.kill('SIGKILL')
    const other = otherThan(holder)
    await until('the other one has it', async () => {
      const found = await database.db.query('select 1 from runs where pid = $1', [other.child.pid])
      return (found.rowCount ?? 0) > 0
    })
    const seconds = (performance.now() - killed) / 1_000
    emulator.latencyMs = 0

    expect((await over(other, job)).state).toBe('ended')
    expect(await runs()).toEqual([
      { outcome: 'failed', code: 'interrupted' },
      { outcome: 'applied', code: null },
    ])
    // 35 s on a machine of its own.
    expect(seconds).toBeLessThan(90)
  })

  it('E4: a server that is paused loses its run to the other one, and writes nothing when it goes on', async () => {
    await Promise.all([serve(), serve()])
    emulator.latencyMs = 3_000
    const job = await ask(servers[0]!)
    const holder = await holderOf(job)
    const other = otherThan(holder)
    holder.child.kill('SIGSTOP')
    await until('the other one has it', async () => {
      const found = await database.db.query('select 1 from runs where pid = $1', [other.child.pid])
      return (found.rowCount ?? 0) > 0
    })
    emulator.latencyMs = 0
    const done = await over(other, job)
    holder.child.kill('SIGCONT')
    const again = await ask(holder)
    await over(holder, again)

    expect(done.state).toBe('ended')
    expect(await runs()).toEqual([
      { outcome: 'failed', code: 'interrupted' },
      { outcome: 'applied', code: null },
      { outcome: 'no-change', code: null },
    ])
  })

  it('E21: a request that is sent again, to either of them, is done once; E5: so is a job that is delivered again and again', async () => {
    const [a, b] = await Promise.all([serve(), serve()])
    const send = async (server: Server, key: string, kind: 'sync' | 'plan' = 'sync') => {
      const response = await fetch(`${server.url}/api/v1/sources/one/runs`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'idempotency-key': key },
        body: JSON.stringify({ kind }),
      })
      return { status: response.status, body: (await response.json()) as Job & { code?: string } }
    }
    const first = await send(a, 'one')
    expect(first.status).toBe(202)
    await over(a, first.body)

    const again = [await send(a, 'one'), await send(b, 'one')]
    expect(again.map(({ body }) => body.id)).toEqual([first.body.id, first.body.id])
    expect(await send(b, 'one', 'plan')).toMatchObject({ status: 422, body: { code: 'idempotency-reused' } })
    const atOnce = await Promise.all([send(a, 'two'), send(b, 'two'), send(a, 'two'), send(b, 'two')])
    const ids = new Set(atOnce.filter(({ status }) => status === 202).map(({ body }) => body.id))
    expect(ids.size).toBe(1)
    for (const { status, body } of atOnce) if (status !== 202) expect(body.code).toBe('idempotency-running')
    const [second = ''] = ids
    await over(a, { ...first.body, id: second })
    expect((await runs()).length).toBe(2)

    const queue = new Queue(database.db, { log: silentLog, clock: systemClock })
    await queue.start()
    for (const id of [first.body.id, second, first.body.id]) {
      await withTransaction(database.db, (tx) => queue.send(tx, id))
      await until('it was delivered once more', async () => {
        const { rows } = await database.db.query<{ open: number }>(
          `select count(*) as open from pgboss.job where data ->> 'id' = $1 and state not in ('completed', 'cancelled', 'failed')`,
          [id],
        )
        return rows[0]?.open === 0
      })
    }
    await queue.stop({ reason: new Error('done'), withinMs: 1_000 })
    expect((await runs()).length).toBe(2)
  })

  it('E19: SIGTERM ends a server within 10 s and with code 0; its run goes on in the other one', async () => {
    await Promise.all([serve(), serve()])
    emulator.latencyMs = 3_000
    const job = await ask(servers[0]!)
    const holder = await holderOf(job)
    const other = otherThan(holder)
    const closed = once(holder.child, 'close')
    const before = performance.now()
    holder.child.kill('SIGTERM')
    const [code] = await closed
    const seconds = (performance.now() - before) / 1_000
    emulator.latencyMs = 0

    expect(code).toBe(0)
    expect(seconds).toBeLessThan(10)
    expect((await over(other, job)).state).toBe('ended')
    expect(await runs()).toEqual([
      { outcome: 'cancelled', code: 'server-stopped' },
      { outcome: 'applied', code: null },
    ])
  })

  it('E7: fire a schedule once; E18: their logs carry no secret, name or mail, also where one (E13) ends on a mistake of its own', async () => {
    const [somebody] = contoso.tenant.live('user')
    const told = `${contoso.clientSecret} of ${String(somebody?.properties['mail'])}`
    const [a, b] = await Promise.all([serve(), serve(await mistakeAt('SIGUSR2', told))])
    await over(a, await ask(a))
    await database.db.query(
      `update sources set settings = jsonb_set(settings, '{schedule}', '{"delta": "* * * * *", "full": null}') where name = 'one'`,
    )
    await until('its schedule is seen', async () => {
      // As if that had been some minutes ago: the last slot is due now.
      const found = await database.db.query(
        `update schedules set delta_through = delta_through - interval '5 minutes' where terms like '%"* * * * *"%'`,
      )
      return found.rowCount === 1
    })
    await until('it was fired', async () => {
      const found = await database.db.query(`select 1 from runs where trigger = 'schedule' and state = 'ended'`)
      return (found.rowCount ?? 0) > 0
    })
    const slots = await database.db.query<{ slots: number; jobs: number }>(
      `select count(distinct slot) as slots, count(*) as jobs from jobs where trigger = 'schedule'`,
    )
    expect(slots.rows[0]!.jobs).toBe(slots.rows[0]!.slots)
    await call(a, '/runs')
    const ended = once(b.child, 'close')
    b.child.kill('SIGUSR2')
    expect(await ended).toEqual([1, null])
    expect(b.output()).toContain('Muster met a mistake of its own (TypeError) and ends.')

    const said = servers.map((server) => server.output()).join('\n')
    const people = [...contoso.tenant.live('user')].flatMap(({ properties: p }) => [
      p['userPrincipalName'],
      p['displayName'],
      p['mail'],
    ])
    for (const canary of [contoso.clientSecret, token, ...people]) {
      if (typeof canary === 'string' && canary.length > 3) expect(said).not.toContain(canary)
    }
    expect(said).toContain('run ended')
  })
})

// A plan whose application takes long, beside people who read, sign in and edit over `muster serve`.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { generateTenant } from '../../src/emulator/generator.ts'
import { rename } from '../../src/emulator/operations.ts'
import { Emulator, type HostedTenant } from '../../src/emulator/server.ts'
import { createToken } from '../../src/signin/tokens.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { callMuster } from '../support/muster.ts'
import { type RunningServer, startServer } from '../support/serving.ts'
import { SIGNING } from '../support/world.ts'

/** A machine that others work on as well. */
const PATIENCE_MS = 240_000

let folder: string
let emulator: Emulator
let contoso: HostedTenant
let database: TestDatabase
let server: RunningServer
let token: string
/** Signs Ann in, once. */
let code: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), `muster-test-${process.pid}-apply-`))
  emulator = new Emulator({ seed: 5, signingCertificate: SIGNING })
  contoso = emulator.host(generateTenant({ users: 30, groups: 3, memberships: 40, seed: 5, clock: emulator.clock }))
  const { graphUrl } = await emulator.listen()
  const { tenantId, clientId } = contoso
  await writeFile(join(folder, 'secret'), contoso.clientSecret)
  const roots = { cloud: 'custom', authorityUrl: graphUrl, graphUrl }
  const connections = { contoso: { tenantId, clientId, ...roots, clientSecret: { file: 'secret' } } }
  const sources = { staff: { connection: 'contoso', schedule: { delta: null, full: null } } }
  await writeFile(join(folder, 'muster.yaml'), JSON.stringify({ connections, sources }))
  database = await createTestDatabase()
  const on = ['--home', folder, '--database-url', database.url]
  for (const command of [
    ['apply', '-f', join(folder, 'muster.yaml')],
    ['sync', 'staff'],
  ]) {
    const done = await callMuster([...command, ...on])
    if (done.code !== 0) throw new Error(done.stderr)
  }
  const now = systemClock.now()
  const scopes = ['read', 'runs', 'people'] as const
  token = (
    await createToken(database.db, {
      name: 'test',
      scopes,
      maker: { kind: 'command line', name: 'test' },
      now,
      expiresAt: null,
    })
  ).token
  await database.db.query(
    `insert into administrators (name, name_key, role, password, created_at) values ('Ann', 'ann', 'viewer', 'none', now())`,
  )
  server = await startServer({ home: folder, databaseUrl: database.url })
  const { stdout } = await callMuster(['sign-in-link', 'Ann', '--json', ...on])
  code = new URL((JSON.parse(stdout) as { link: string }).link).hash.slice(1)
}, PATIENCE_MS)
afterAll(async () => {
  await server.kill()
  await emulator.stop()
  await database.drop()
  await rm(folder, { recursive: true })
})

const SIGN_IN = '/api/v1/session/link'

async function ask(
  path: string,
  body?: unknown,
): Promise<{ readonly status: number; readonly told: Readonly<Record<string, unknown>> }> {
  const response = await fetch(`${server.url}${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: {
      ...(path === SIGN_IN ? { origin: server.url } : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  return { status: response.status, told: JSON.parse(await response.text()) }
}

async function until(what: string, look: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + PATIENCE_MS / 2
  while (!(await look())) {
    if (performance.now() > end) throw new Error(`waited in vain until ${what}\n${server.output()}`)
    await sleep(200)
  }
}

it(
  'E11: while an application is stuck, reads go on, somebody signs in, an edit gives up with a sentence instead of waiting for ever, and both are done afterwards',
  async () => {
    const [user] = [...contoso.tenant.live('user')].filter(({ properties }) => properties['accountEnabled'] !== false)
    rename(contoso.tenant, user!.id, 'renamed.while.stuck@contoso.com')
    // Somebody else's long transaction has the row that the run has to change.
    const stranger = await database.db.pool.connect()
    await stranger.query('begin')
    const { rows: own } = await stranger.query<{ pid: number }>('select pg_backend_pid() as pid')
    await stranger.query('select from users where object_id = $1 for update', [user!.id])
    const asked = await ask('/api/v1/sources/staff/runs', { kind: 'sync' })
    const job = String(asked.told['id'])
    await until('the run waits for the row', async () => {
      const waiting = await database.db.query(
        `select from pg_stat_activity where $1 = any(pg_blocking_pids(pid)) and datname = current_database()`,
        [own[0]!.pid],
      )
      return (waiting.rowCount ?? 0) > 0
    })

    const reads = await Promise.all(
      ['/api/v1/users?limit=5', '/api/v1/overview', '/api/v1/groups', '/readyz'].map((path) => ask(path)),
    )
    const signIn = await ask(SIGN_IN, { code })
    const edit = await ask('/api/v1/users', { userName: 'made.meanwhile@contoso.com' })
    await stranger.query('rollback')
    stranger.release()
    await until('the job is over', async () => (await ask(`/api/v1/jobs/${job}`)).told['state'] === 'ended')
    const again = await ask('/api/v1/users', { userName: 'made.meanwhile@contoso.com' })

    expect(reads.map(({ status }) => status)).toEqual([200, 200, 200, 200])
    expect(signIn).toMatchObject({ status: 201, told: { account: { name: 'Ann' } } })
    expect(edit.told).toMatchObject({ code: 'busy', detail: expect.stringMatching(/is being applied/) })
    const { told } = await ask(`/api/v1/jobs/${job}`)
    expect((await ask(`/api/v1/runs/${String(told['run'])}`)).told['line']).toMatchObject({ outcome: 'applied' })
    expect(again.status).toBe(201)
    const renamed = await database.db.query('select user_name from users where object_id = $1', [user!.id])
    expect(renamed.rows).toEqual([{ user_name: 'renamed.while.stuck@contoso.com' }])
  },
  PATIENCE_MS,
)

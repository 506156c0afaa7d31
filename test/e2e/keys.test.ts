// The key's whole life on the command line, beside a server that goes on: listed, rotated, interrupted, retired, lost and put back.
import { copyFile, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { generateTenant } from '../../src/emulator/generator.ts'
import { Emulator } from '../../src/emulator/server.ts'
import { createToken } from '../../src/signin/tokens.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { callMuster, documentOf, type MusterResult, runMuster } from '../support/muster.ts'
import { type RunningServer, startServer } from '../support/serving.ts'
import { SIGNING } from '../support/world.ts'

/** A machine that others work on as well. */
const PATIENCE_MS = 180_000

let test: TestDatabase
let home: string
let emulator: Emulator
let server: RunningServer
let token: string
beforeAll(async () => {
  test = await createTestDatabase()
  home = await mkdtemp(join(tmpdir(), `muster-test-${process.pid}-keys-`))
  emulator = new Emulator({ seed: 17, signingCertificate: SIGNING })
  const tenant = generateTenant({ users: 60, groups: 2, memberships: 20, seed: 17, clock: emulator.clock })
  const { tenantId, clientId, clientSecret } = emulator.host(tenant)
  const { graphUrl } = await emulator.listen()
  await writeFile(join(home, 'secret'), clientSecret)
  const roots = { cloud: 'custom', authorityUrl: graphUrl, graphUrl }
  const connections = { contoso: { tenantId, clientId, clientSecret: { file: 'secret' }, ...roots } }
  const properties = { cards: ['onPremisesExtensionAttributes.extensionAttribute5'], pin: 'generate' }
  const sources = { staff: { connection: 'contoso', schedule: { delta: null, full: null }, users: { properties } } }
  await writeFile(join(home, 'muster.yaml'), JSON.stringify({ connections, sources }))
  await must('apply', '-f', join(home, 'muster.yaml'))
  await must('sync', 'staff')
  const made = {
    name: 'test',
    maker: { kind: 'command line', name: 'test' } as const,
    now: systemClock.now(),
    expiresAt: null,
  }
  token = (await createToken(test.db, { ...made, scopes: ['read', 'people', 'administer'] })).token
  server = await startServer({ home, databaseUrl: test.url })
}, PATIENCE_MS)
afterAll(async () => {
  await server.kill()
  await emulator.stop()
  await test.drop()
  await rm(home, { recursive: true })
})

const muster = (...args: string[]) => callMuster([...args, '--home', home, '--database-url', test.url])

async function must(...args: string[]): Promise<MusterResult> {
  const result = await muster(...args)
  expect(result, args.join(' ')).toMatchObject({ code: 0 })
  return result
}

const report = async () =>
  documentOf(await must('keys', '--json')) as unknown as {
    keys: {
      version: number
      state: string
      count: number
      isInFile: boolean
      places: { place: string; count: number }[]
    }[]
    pins: number
  }
const states = async () =>
  (await report()).keys.map(({ version, state, count, isInFile }) => [version, state, count > 0, isInFile])
const versions = async () => (await readFile(join(home, 'key'), 'utf8')).match(/^\d+/gm)

/** The newest version came into use long ago. */
const letTimePass = () => test.db.query(`update vault_state set created_at = created_at - interval '1 hour'`)

/** What the running server can still open: a card's number. */
async function reveal(): Promise<string> {
  const { rows } = await test.db.query<{ id: number; user_id: number }>(
    `select id, user_id from credentials where kind = 'card' and held order by id limit 1`,
  )
  const { id, user_id: user } = rows[0]!
  const answer = await fetch(`${server.url}/api/v1/users/${user}/cards/${id}/reveal`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}` },
  })
  const { card, detail } = (await answer.json()) as { card?: string; detail?: string }
  return card ?? detail ?? ''
}

describe('muster keys', { timeout: PATIENCE_MS }, () => {
  it('lists the one version that there is, what is under it, and how many PINs are not', async () => {
    const { stdout } = await must('keys')
    const told = await report()

    expect(told.keys).toMatchObject([{ version: 1, state: 'sealing', isInFile: true }])
    expect(told.keys[0]!.places.map(({ place }) => place)).toEqual(
      expect.arrayContaining(['cards', 'secrets and certificates of connections', 'the key of look-ups']),
    )
    expect(told.pins).toBeGreaterThan(50)
    expect(stdout).toMatch(/version .* state .* since .* in the file .* values .* fingerprint/)
    for (const { place, count } of told.keys[0]!.places) expect(stdout).toContain(`  1: ${count} ${place}`)
    expect(stdout).toContain(`${told.pins} PINs are kept as look-ups only`)
  })

  it('keys rotate seals everything anew beside a server, which goes on without a restart, and says what to do next', async () => {
    const before = (await report()).keys[0]!.count
    const card = await reveal()

    const { stdout } = await must('keys', 'rotate')

    expect(stdout).toBe(
      `Version 2 of the key is in use: back up the key file. ${before} values were sealed anew.\n` +
        'Nothing is under version 1 any more: in 12 minutes it can go, with muster keys retire 1.\n',
    )
    expect(await states()).toEqual([
      [1, 'opening', false, true],
      [2, 'sealing', true, true],
    ])
    expect(await versions()).toEqual(['1', '2'])
    expect((await stat(join(home, 'key'))).mode & 0o777).toBe(0o600)
    expect(await reveal()).toBe(card)
    expect(card).toMatch(/^[\w:]+$/)
    expect((await must('check', 'contoso')).stdout).toContain('Microsoft accepts')
    const synced = documentOf(await must('sync', 'staff', '--full', '--json'))
    expect(synced).toMatchObject({ outcome: 'no-change' })
  })

  it('keys retire is refused as long as the version may be needed, with the reason, and then takes it out of the file', async () => {
    // However long it took to come here.
    await test.db.query(`update vault_state set created_at = now()`)
    const newest = await muster('keys', 'retire', '2')
    const early = await muster('keys', 'retire', '1', '--json')
    const unknown = await muster('keys', 'retire', '7')
    const word = await muster('keys', 'retire', 'first')
    await letTimePass()
    const card = await reveal()
    const done = await must('keys', 'retire', '1')
    const again = await must('keys', 'retire', '1', '--json')

    expect([newest, early, unknown, word].map(({ code }) => code)).toEqual([1, 1, 2, 2])
    expect(newest.stderr).toContain('it is the one that seals; make a newer one with muster keys rotate')
    expect(documentOf(early)['error']).toMatchObject({
      code: 'key-in-use',
      message: expect.stringContaining('wait for 12 minutes'),
    })
    expect(unknown.stderr).toContain('muster keys lists them')
    expect(done.stdout).toBe(
      'Version 1 is out of the key file. Keep a copy of it for as long as you keep backups from before.\n',
    )
    expect(documentOf(again)).toEqual({ version: 1, state: 'retired' })
    expect(await states()).toEqual([
      [1, 'retired', false, false],
      [2, 'sealing', true, true],
    ])
    expect(await versions()).toEqual(['2'])
    expect(await reveal()).toBe(card)
  })

  it('a key file that lacks what is in use is refused by every command with words, and so is that of another installation', async () => {
    const key = join(home, 'key')
    await copyFile(key, join(home, 'kept'))
    await writeFile(key, `2 ${Buffer.alloc(32, 7).toString('base64')}\n`)
    const another = await muster('keys')
    await rm(key)
    const gone = await muster('runs', '--json')
    const ready = await fetch(`${server.url}/readyz`)
    await copyFile(join(home, 'kept'), key)

    expect([another.code, gone.code, ready.status]).toEqual([2, 2, 503])
    expect(another.stderr).toContain('holds another key as version 2')
    expect(JSON.stringify(documentOf(gone))).toContain('put the file back from its backup')
    expect((await fetch(`${server.url}/readyz`)).status).toBe(200)
    expect((await must('keys')).code).toBe(0)
  })

  it('ends with 1 and says where a damaged value is; everything else is done', async () => {
    await test.db.query(
      `update credentials set sealed = set_byte(sealed, 20, get_byte(sealed, 20) # 1)
        where id = (select min(id) from credentials where sealed is not null)`,
    )

    const rotated = await muster('keys', 'rotate')
    const told = await muster('keys', 'rotate', '--json')

    expect([rotated.code, told.code]).toEqual([1, 1])
    expect(rotated.stdout).toContain('1 values cannot be opened and stay as they are: cards.')
    expect(documentOf(told)).toMatchObject({ unreadable: [{ place: 'cards', count: 1 }] })
    expect((await report()).keys.at(-1)).toMatchObject({ state: 'sealing' })
  })

  it('over a server is read as here, and neither rotated nor retired', async () => {
    const env = { MUSTER_URL: server.url, MUSTER_TOKEN: token }
    const listed = await runMuster(['keys', '--json'], { env })
    const [rotate, retire] = [
      await runMuster(['keys', 'rotate'], { env }),
      await runMuster(['keys', 'retire', '1'], { env }),
    ]

    expect(documentOf(listed)).toEqual(await report())
    expect([rotate.code, retire.code]).toEqual([2, 2])
    expect(rotate.stderr).toMatch(/host|key file/)
  })

  it('is in the audit, with the account of the machine', async () => {
    const { rows } = await test.db.query<{ action: string; actor_kind: string; details: string }>(
      `select action, actor_kind, details from audit where action like 'keys.%' order by id`,
    )
    expect(rows.map(({ action }) => action).slice(0, 3)).toEqual(['keys.rotate', 'keys.reseal', 'keys.retire'])
    expect(new Set(rows.map((row) => row.actor_kind))).toEqual(new Set(['command line']))
    const key = (await readFile(join(home, 'key'), 'utf8')).split(/\s+/)[1]!
    expect(JSON.stringify(rows)).not.toContain(key)
  })
})

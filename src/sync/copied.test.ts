// A copy of an installation does not synchronize beside the original.
import { createWriteStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { finished } from 'node:stream/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { restoreBackup } from '../backup/restore.ts'
import { writeBackup } from '../backup/write.ts'
import { RunError } from '../base/errors.ts'
import { systemClock } from '../base/clock.ts'
import { notePlace, takeOver } from '../registry/installation.ts'
import { verifyAudit } from '../registry/audit.ts'
import { openKeyRing, openVault, type Vault } from '../vault/keys.ts'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { aServer } from '../../test/support/server.ts'
import { aSyncWorld, type SyncWorld } from '../../test/support/world.ts'
import { readExpiries } from './read-expiry.ts'
import { fireDue } from './scheduling.ts'
import { runSource } from './run.ts'

const ACTOR = { kind: 'command line', name: 'test' } as const
const never = new AbortController().signal

let folder: string
let original: TestDatabase
let copy: TestDatabase
let world: SyncWorld
let vault: Vault

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'muster-copied-'))
  original = await createTestDatabase()
  copy = await createTestDatabase({ schema: 'empty' })
  vault = await openVault({ keyFile: join(folder, 'key'), db: original.db, allowCreate: true })
  await notePlace(original.db, undefined)
  world = await aSyncWorld(original.db, { users: 20, settings: { schedule: { delta: '* * * * *', full: null } } })
  Object.assign(world.engine, { vault })
  await world.sync()
  const destination = createWriteStream(join(folder, 'backup'))
  await writeBackup(original.db, {
    keys: await openKeyRing(join(folder, 'key')),
    clock: systemClock,
    version: '1',
    destination,
    signal: never,
  })
  await finished(destination.end())
  await restoreBackup(copy.db, {
    file: join(folder, 'backup'),
    keyFile: join(folder, 'key'),
    unlock: {},
    replace: false,
    takeOver: false,
    local: undefined,
    clock: systemClock,
    actor: ACTOR,
    signal: never,
    onProgress: () => {},
  })
})
afterAll(async () => {
  await world.stop()
  await original.drop()
  await copy.drop()
  await rm(folder, { recursive: true })
})

const onCopy = () => ({ ...world.engine, db: copy.db })
const run = (kind: 'sync' | 'plan') =>
  runSource(onCopy(), {
    source: world.source,
    kind,
    mode: 'auto',
    trigger: 'manual',
    wait: false,
    signal: never,
    onProgress: () => {},
  })
const queue = { send: () => Promise.resolve(), wake() {} }
const tomorrow = () => new Date(systemClock.now().getTime() + 86_400_000)

describe('a restored copy', () => {
  it('E15: applies nothing and fires no schedule, and tells why; the original goes on', async () => {
    const before = await copy.db.query('select count(*) as runs from runs')
    await fireDue({ engine: onCopy(), queue })

    await expect(run('sync')).rejects.toMatchObject({
      code: 'copied',
      message: expect.stringMatching(/muster take-over/),
    })
    expect(await fireDue({ engine: onCopy(), queue }, tomorrow())).toEqual([])

    expect((await copy.db.query('select count(*) as runs from runs')).rows).toEqual(before.rows)
    expect(await world.sync()).toMatchObject({ outcome: 'no-change' })
  })

  it('E15: does not ask Microsoft when the secrets of the original end', async () => {
    await copy.db.query(
      `insert into connection_credentials (connection_id, kind, sealed, fingerprint) select id, 'secret', '', '' from connections`,
    )
    const opened: string[] = []
    const engine = {
      ...onCopy(),
      openGraph: (connection: { readonly name: string }) => {
        opened.push(connection.name)
        return Promise.reject(new RunError('unreachable', 'nothing is there'))
      },
    }
    expect(await readExpiries(engine, never)).toBe(0)

    expect(opened).toEqual([])
    await copy.db.query('delete from connection_credentials')
  })

  it('E15: makes plans', async () => {
    expect((await run('plan')).outcome).toBe('no-change')
  })

  it('E15: says so on its overview, until an administrator takes over; then it synchronizes, and that is audited', async () => {
    const server = await aServer(onCopy())
    try {
      const administrator = await server.as('administrator')
      const operator = await server.as('operator')
      const concerns = async () =>
        (await administrator('GET', '/api/v1/overview')).json<{ concerns: { code: string }[] }>().concerns

      expect((await concerns()).map(({ code }) => code)).toContain('copied')
      expect((await operator('POST', '/api/v1/take-over', {})).statusCode).toBe(403)
      expect((await administrator('POST', '/api/v1/take-over', {})).json()).toEqual({ wasCopy: true })
      expect((await administrator('POST', '/api/v1/take-over', {})).json()).toEqual({ wasCopy: false })

      expect((await concerns()).map(({ code }) => code)).not.toContain('copied')
      expect((await run('sync')).outcome).toBe('no-change')
      await fireDue({ engine: onCopy(), queue })
      expect(await fireDue({ engine: onCopy(), queue }, tomorrow())).toHaveLength(1)
      const audit = await copy.db.query(`select actor_name from audit where action = 'installation.take-over'`)
      expect(audit.rows).toEqual([{ actor_name: 'administrator' }])
      expect(await verifyAudit(copy.db, vault)).toMatchObject({ isWhole: true })
    } finally {
      await server.stop()
    }
  })

  it('E15: one that is taken over twice at once is taken over once', async () => {
    await copy.db.query(`update installation set place = '{"system":"1","database":"1","machine":"","directory":""}'`)

    const took = await Promise.all(
      [1, 2].map(() => takeOver(copy.db, { local: undefined, vault, clock: systemClock, actor: ACTOR })),
    )

    expect(took.filter((isTaken) => isTaken)).toHaveLength(1)
  })
})

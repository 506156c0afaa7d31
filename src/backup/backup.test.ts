import { createHash } from 'node:crypto'
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createWriteStream } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { finished } from 'node:stream/promises'
import { Writable } from 'node:stream'
import { generateX25519Identity, identityToRecipient } from 'age-encryption'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '../base/clock.ts'
import { BusyError, ConfigError, ConflictError, RunError } from '../base/errors.ts'
import type { EncryptFor, Unlock } from '../contract/backups.ts'
import type { Database } from '../database/connect.ts'
import { readMigrations } from '../database/migrate.ts'
import { TABLES } from '../database/names.ts'
import { verifyAudit, recordAlone } from '../registry/audit.ts'
import { openKeyRing, openVault, type Vault } from '../vault/keys.ts'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { sessionOf } from '../../test/support/server.ts'
import { aSyncWorld, impliedView, registryView, type SyncWorld } from '../../test/support/world.ts'
import { dumpSchema } from '../../test/support/schema.ts'
import { LEFT_OUT } from './contents.ts'
import { checkBackup, restoreBackup } from './restore.ts'
import { writeBackup } from './write.ts'

const never = new AbortController().signal
/** A server's database, where the original may still be. */
const HERE = { takeOver: false, local: undefined } as const
const ACTOR = { kind: 'command line', name: 'test' } as const

let folder: string
let origin: TestDatabase
let world: SyncWorld
let vault: Vault
let whole: string
let targets: TestDatabase[] = []

const keyFile = () => join(folder, 'key')

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'muster-backup-'))
  origin = await createTestDatabase()
  vault = await openVault({ keyFile: keyFile(), db: origin.db, allowCreate: true })
  world = await aSyncWorld(origin.db, {
    users: 40,
    groups: 6,
    memberships: 90,
    settings: {
      users: {
        properties: { cards: [{ from: 'employeeId' }] },
      },
    },
  })
  const { outcome } = await runWith(world, vault)
  if (outcome !== 'applied') throw new Error(outcome)
  await sessionOf(world.engine, 'administrator')
  // What COPY has to escape.
  await origin.db.query(
    `insert into users (user_name, full_name, notes, own) values ($1, $2, $3, '{"a":"b\\\\\\"c"}')`,
    ['tab\tand\\backslash', 'line\nfeed', '\\N'],
  )
  await recordAlone(
    origin.db,
    { vault, clock: systemClock },
    {
      actor: ACTOR,
      action: 'test',
      subject: null,
      details: {},
    },
  )
  whole = await backUp('whole.backup')
})
afterAll(async () => {
  for (const target of targets) await target.drop()
  await world.stop()
  await origin.drop()
  await rm(folder, { recursive: true })
})

function runWith(of: SyncWorld, sealing: Vault) {
  Object.assign(of.engine, { vault: sealing })
  return of.sync()
}

async function backUp(name: string, encryptFor?: EncryptFor, from: Database = origin.db): Promise<string> {
  const path = join(folder, name)
  const destination = createWriteStream(path)
  await writeBackup(from, {
    keys: await openKeyRing(keyFile()),
    clock: systemClock,
    version: '1.2.3',
    destination,
    encryptFor,
    signal: never,
  })
  await finished(destination.end())
  return path
}

async function target(schema: 'empty' | 'migrated' = 'empty'): Promise<Database> {
  const made = await createTestDatabase({ schema })
  targets.push(made)
  return made.db
}

const options = (file: string, unlock: Unlock = {}) => ({
  file,
  keyFile: keyFile(),
  unlock,
  signal: never,
  onProgress: () => {},
})

const restoreInto = (db: Database, file: string, more: { replace?: boolean; unlock?: Unlock } = {}) =>
  restoreBackup(db, {
    ...options(file, more.unlock),
    replace: more.replace ?? false,
    ...HERE,
    clock: systemClock,
    actor: ACTOR,
  })

/** Every row of every table, as text; without what a restore is meant to change. */
async function contentOf(db: Database): Promise<Record<string, readonly string[]>> {
  const content: Record<string, readonly string[]> = {}
  for (const table of TABLES) {
    if (LEFT_OUT.has(table)) continue
    const { rows } = await db.query<{ row: string }>(
      `select (to_jsonb(t) - '{fence,heartbeat_at}'::text[])::text as row from ${table} t order by 1`,
    )
    content[table] = rows.map((row) => row.row)
  }
  return content
}

const withoutAudit = (content: Awaited<ReturnType<typeof contentOf>>) => ({ ...content, audit: [], audit_head: [] })

/** Whether anything in a database has changed. */
const digestOf = async (db: Database) =>
  createHash('sha256')
    .update(JSON.stringify([await contentOf(db), await dumpSchema(db)]))
    .digest('hex')

describe('a backup', () => {
  it('restored into an empty database gives every row, the same schema, and a registry that equals the tenant', async () => {
    const db = await target()

    const summary = await restoreInto(db, whole)

    expect(withoutAudit(await contentOf(db))).toEqual(withoutAudit(await contentOf(origin.db)))
    expect(await dumpSchema(db)).toBe(await dumpSchema(origin.db))
    expect(summary).toMatchObject({ muster: '1.2.3', restored: true, migrated: [] })
    const implied = impliedView(world.tenant)
    const view = await registryView(db)
    expect(view.memberships).toEqual(implied.memberships)
    expect(Object.fromEntries(Object.entries(view.users).filter(([, user]) => user.active))).toEqual(
      implied.activeUsers,
    )
  })

  it('has nothing in it that lets somebody in, and no key', async () => {
    const db = await target()
    await restoreInto(db, whole)
    const digests = await db.query<{ table: string }>(
      `select table_name as "table" from information_schema.columns where table_schema = 'public'
       and (column_name = 'digest' or column_name like '%secret%' or column_name like '%token%')
       and table_name in (select table_name from information_schema.columns where column_name = 'expires_at')`,
    )

    expect((await origin.db.query('select from sessions')).rowCount).toBe(1)
    expect((await db.query('select from sessions')).rowCount).toBe(0)
    // Programs and devices cannot be asked to sign in again.
    const kept = digests.rows.map(({ table }) => table).filter((table) => !LEFT_OUT.has(table))
    expect(new Set(kept)).toEqual(new Set(['api_tokens', 'terminals']))
    const key = /^1 (.+)$/m.exec(await readFile(keyFile(), 'utf8'))![1]!
    const bytes = await readFile(whole)
    for (const form of [key, Buffer.from(key, 'base64'), Buffer.from(key, 'base64').toString('hex')])
      expect(bytes.includes(form)).toBe(false)
  })

  it('goes on with its audit, which tells of the restore and verifies', async () => {
    const db = await target()
    const before = await verifyAudit(origin.db, vault)

    await restoreInto(db, whole)

    expect(await verifyAudit(db, vault)).toEqual({ isWhole: true, entries: before.entries + 1, brokenAt: null })
    const last = await db.query<{ action: string; subject: string }>(
      'select action, subject from audit order by id desc limit 1',
    )
    expect(last.rows[0]).toEqual({ action: 'backup.restored', subject: expect.stringMatching(/^backup of 20/) })
  })

  it('gives out no number again that may have been given out since, and no fence', async () => {
    const db = await target()
    const next = async (of: Database) =>
      (
        await of.query<{ id: number; fence: number }>(
          `select nextval('registry_ids')::int as id, (select max(fence) from sources) as fence`,
        )
      ).rows[0]!
    const before = await next(origin.db)

    await restoreInto(db, whole)

    const after = await next(db)
    expect(after.id).toBeGreaterThan(before.id + 50_000)
    expect(after.fence).toBeGreaterThan(before.fence + 500_000)
    const run = await db.query<{ id: number }>(
      `insert into connections (name, tenant_id, client_id, cloud) values ('next', gen_random_uuid(), gen_random_uuid(), 'global') returning id`,
    )
    expect(run.rows[0]!.id).toBe(2)
  })

  it('is of one moment, whatever is written while it is made', async () => {
    const path = join(folder, 'moment.backup')
    const destination = createWriteStream(path)
    let hasWritten: Promise<unknown> | undefined
    await writeBackup(origin.db, {
      keys: await openKeyRing(keyFile()),
      clock: systemClock,
      version: '1.2.3',
      destination,
      signal: never,
      onProgress: () => {
        // After the first table; users come much later.
        hasWritten ??= origin.db.query(`insert into users (user_name) values ('came meanwhile')`)
      },
    })
    await hasWritten
    await finished(destination.end())
    await origin.db.query(`delete from users where user_name = 'came meanwhile'`)
    const db = await target()

    await restoreInto(db, path)

    expect(hasWritten).toBeDefined()
    expect((await db.query(`select from users where user_name = 'came meanwhile'`)).rowCount).toBe(0)
  })

  it('that nobody takes leaves the database as usable as before', async () => {
    const full = Object.assign(new Error('no space'), { code: 'ENOSPC' })
    const destination = new Writable({ write: (_chunk, _encoding, done) => done(full) })

    await expect(
      writeBackup(origin.db, {
        keys: await openKeyRing(keyFile()),
        clock: systemClock,
        version: '1',
        destination,
        signal: never,
      }),
    ).rejects.toThrow('no space')

    expect((await origin.db.query('select 1 as one')).rows).toEqual([{ one: 1 }])
  })
})

describe('an encrypted backup', () => {
  it('is opened by its passphrase, and by nothing else', async () => {
    const path = await backUp('passphrase.age', { passphrase: 'correct horse battery staple' })

    expect((await readFile(path)).toString('latin1', 0, 21)).toBe('age-encryption.org/v1')
    await expect(checkBackup(options(path, { passphrase: 'correct horse battery staple' }))).resolves.toMatchObject({
      tables: TABLES.length - LEFT_OUT.size,
    })
    await expect(checkBackup(options(path, { passphrase: 'another passphrase' }))).rejects.toThrow(/does not open/)
    await expect(checkBackup(options(path))).rejects.toThrow(/--passphrase-file or --identity/)
  })

  it('for a public key is restored with the secret one', async () => {
    const identity = await generateX25519Identity()
    const path = await backUp('recipient.age', { recipients: [await identityToRecipient(identity)] })
    const db = await target()

    await restoreInto(db, path, { unlock: { identities: [identity] } })

    expect(withoutAudit(await contentOf(db))).toEqual(withoutAudit(await contentOf(origin.db)))
  })

  it('for what is no public key is not made', async () => {
    await expect(backUp('nobody.age', { recipients: ['age1nobody'] })).rejects.toThrow(ConfigError)
  })
})

describe('a file that is not as it was written', () => {
  it('is refused wherever it was cut off, and the database is not touched', async () => {
    const db = await target('migrated')
    const before = await digestOf(db)
    const bytes = await readFile(whole)
    const path = join(folder, 'cut.backup')

    for (const share of [0.001, 0.2, 0.5, 0.9, 0.999]) {
      await writeFile(path, bytes.subarray(0, Math.floor(bytes.length * share)))
      await expect(restoreInto(db, path)).rejects.toThrow(/damaged|no backup/)
    }
    for (const other of [bytes.subarray(0, -1), Buffer.concat([bytes, Buffer.from('x')])]) {
      await writeFile(path, other)
      await expect(restoreInto(db, path)).rejects.toMatchObject({ code: 'backup-damaged' })
    }

    expect(await digestOf(db)).toBe(before)
  })

  it('is refused wherever a bit was turned, encrypted or not', async () => {
    const identity = await generateX25519Identity()
    const sealed = await backUp('bits.age', { recipients: [await identityToRecipient(identity)] })
    const path = join(folder, 'bit.backup')
    const accepted: string[] = []
    for (const file of [whole, sealed]) {
      const bytes = await readFile(file)
      for (let n = 0; n < 60; n += 1) {
        const changed = Buffer.from(bytes)
        const at = Math.floor((n / 60) * bytes.length)
        changed[at]! ^= 1 << (n % 8)
        await writeFile(path, changed)
        const outcome = await checkBackup(options(path, { identities: [identity] })).then(
          () => 'accepted',
          (error: unknown) =>
            error instanceof ConfigError || (error instanceof RunError && error.code.startsWith('backup-'))
              ? 'refused'
              : String(error),
        )
        if (outcome !== 'refused') accepted.push(`${file} byte ${at}: ${outcome}`)
      }
    }

    expect(accepted).toEqual([])
  })

  it('is refused where somebody without the key made it anew, checksums and all', async () => {
    const other = await createTestDatabase()
    targets.push(other)
    await openVault({ keyFile: keyFile(), db: other.db, allowCreate: false })
    const path = join(folder, 'forged.backup')
    const destination = createWriteStream(path)
    const forger = { newest: 1, vouch: (_version: number, text: string) => createHash('sha256').update(text).digest() }
    await writeBackup(other.db, { keys: forger, clock: systemClock, version: '1', destination, signal: never })
    await finished(destination.end())

    await expect(checkBackup(options(path))).rejects.toThrow(/does not have the key/)
  })

  it('or that is no backup at all, or of a newer form, is told as such', async () => {
    const path = join(folder, 'other.backup')
    await writeFile(path, 'PK\x03\x04 something else that is longer than a line')
    await expect(checkBackup(options(path))).rejects.toThrow(/no backup of Muster/)
    await writeFile(path, 'muster backup 2 zstd\nwhatever')
    await expect(checkBackup(options(path))).rejects.toMatchObject({ code: 'backup-newer' })
    await expect(checkBackup(options(join(folder, 'nowhere')))).rejects.toThrow(/there is no such file/)
    await expect(checkBackup(options(folder))).rejects.toThrow(/is no file/)
  })
})

describe('a restore', () => {
  it('is refused into a database that is in use, until it is to be replaced', async () => {
    const db = await target()
    await restoreInto(db, whole)
    await db.query(`insert into users (user_name) values ('made later')`)

    await expect(restoreInto(db, whole)).rejects.toMatchObject({ code: 'not-empty' })
    expect((await db.query(`select from users where user_name = 'made later'`)).rowCount).toBe(1)
    await restoreInto(db, whole, { replace: true })

    expect((await db.query(`select from users where user_name = 'made later'`)).rowCount).toBe(0)
    expect(withoutAudit(await contentOf(db))).toEqual(withoutAudit(await contentOf(origin.db)))
  })

  it('is refused while a server or a run works on the database', async () => {
    const db = await target('migrated')
    await db.query(`insert into servers (id, host, pid) values (gen_random_uuid(), 'host', 7)`)
    const busy = restoreInto(db, whole, { replace: true })
    await expect(busy).rejects.toThrow(BusyError)
    await expect(busy).rejects.toThrow(/process 7 on host/)
    await db.query(`update servers set seen_at = now() - interval '31 seconds'`)

    await expect(restoreInto(db, whole, { replace: true })).resolves.toMatchObject({ restored: true })
    await db.query(`update runs set state = 'running', outcome = null, ended_at = null, heartbeat_at = now()`)
    await expect(restoreInto(db, whole, { replace: true })).rejects.toThrow(/is going on/)
  })

  it('is refused with another key file, and without one', async () => {
    const db = await target()
    const other = join(folder, 'other-key')
    await copyFile(keyFile(), other)
    await writeFile(other, (await readFile(other, 'utf8')).replace(/^1 .{4}/m, '1 AAAA'))

    await expect(
      restoreBackup(db, {
        ...options(whole),
        keyFile: other,
        replace: false,
        ...HERE,
        clock: systemClock,
        actor: ACTOR,
      }),
    ).rejects.toThrow(/made with another key/)
    await expect(checkBackup({ ...options(whole), keyFile: join(folder, 'none') })).rejects.toThrow(
      /there is no key file/,
    )
    expect((await db.query(`select from pg_class where relnamespace = 'public'::regnamespace`)).rowCount).toBe(0)
  })

  it('leaves the database as it was when it fails in the middle', async () => {
    const db = await target()
    await restoreInto(db, whole)
    const before = await digestOf(db)
    // A row that the origin should never have had: only the constraint that is put back after loading finds it.
    await origin.db.query(
      'alter table connection_credentials drop constraint connection_credentials_connection_id_fkey',
    )
    await origin.db.query(
      `insert into connection_credentials (connection_id, kind, sealed, fingerprint) values (4711, 'secret', '', '')`,
    )
    const broken = await backUp('broken.backup')
    await origin.db.query('delete from connection_credentials where connection_id = 4711')
    await origin.db.query(
      'alter table connection_credentials add constraint connection_credentials_connection_id_fkey foreign key (connection_id) references connections(id) on delete cascade',
    )

    await expect(restoreInto(db, broken, { replace: true })).rejects.toThrow(/foreign key/)

    expect(await digestOf(db)).toBe(before)
  })

  it('does not touch what is not of Muster in the same database, and refuses a database where its own names are taken', async () => {
    const db = await target('migrated')
    await db.query(`create table guests (name text); insert into guests values ('stays')`)
    await restoreInto(db, whole)
    expect((await db.query('select name from guests')).rows).toEqual([{ name: 'stays' }])
    const foreign = await target()
    await foreign.query('create table users (id int)')

    const refused = restoreInto(foreign, whole, { replace: true })

    await expect(refused).rejects.toThrow(ConflictError)
    await expect(refused).rejects.toMatchObject({ code: 'not-muster' })
  })

  it('brings a backup of an older Muster up to date, and refuses one of a newer', async () => {
    const migrations = await readMigrations()
    const sql = `alter table users add column shoes text; update users set shoes = 'none'; create table boots (size int)`
    const next = { number: migrations.length + 1, name: 'later.sql', sql, checksum: 'later' }
    const db = await target()

    const summary = await restoreBackup(db, {
      ...options(whole),
      replace: false,
      ...HERE,
      clock: systemClock,
      actor: ACTOR,
      migrations: [...migrations, next],
    })

    expect(summary.migrated).toEqual(['later.sql'])
    const shoes = await db.query(`select count(*) filter (where shoes = 'none') as shod, count(*) as all from users`)
    expect(shoes.rows[0]!['shod']).toBe(shoes.rows[0]!['all'])
    await expect(checkBackup({ ...options(whole), migrations: migrations.slice(0, -1) })).rejects.toMatchObject({
      code: 'schema-newer',
    })
  })
})

import { createHmac, createSecretKey, hkdfSync } from 'node:crypto'
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { assert, property, string } from 'fast-check'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { ConfigError } from '../base/errors.ts'
import { type LogFields, silentLog } from '../base/log.ts'
import { fingerprint } from './key-file.ts'
import { openVault, type Vault } from './keys.ts'
import { SEALED_PLACES } from './places.ts'

let database: TestDatabase
let folder: string
let keyFile: string
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.drop())
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'muster-vault-'))
  keyFile = join(folder, 'home', 'key')
})
afterEach(async () => {
  await rm(folder, { recursive: true })
  await forgetKeys()
})

/** As if the database had never been filled. */
async function forgetKeys(): Promise<void> {
  await database.db.query('delete from vault_state')
  await database.db.query('delete from look_up_key')
}

/** Adds a version that waits in the file, and takes it into use where that is said. */
async function addVersion(version: number, { isInUse }: { readonly isInUse: boolean }): Promise<void> {
  const key = createSecretKey(Buffer.alloc(32, version))
  await writeFile(keyFile, `${await readFile(keyFile, 'utf8')}${version} ${key.export().toString('base64')}\n`)
  if (isInUse)
    await database.db.query('insert into vault_state (key_version, fingerprint) values ($1, $2)', [
      version,
      fingerprint({ version, master: key }),
    ])
}

function openIt(file = keyFile, allowCreate = true): Promise<Vault> {
  return openVault({ keyFile: file, db: database.db, allowCreate })
}

async function sealedLookUpKey(): Promise<Buffer> {
  return (await database.db.query<{ sealed: Buffer }>('select sealed from look_up_key')).rows[0]!.sealed
}

async function refusal(attempt: Promise<Vault>): Promise<string> {
  const error: unknown = await attempt.then(
    () => undefined,
    (error: unknown) => error,
  )
  expect(error).toBeInstanceOf(ConfigError)
  return error instanceof ConfigError ? `${error.problems[0]?.at}: ${error.problems[0]?.message}` : ''
}

describe('the key file', () => {
  it('is made at the first start, for its owner only, and leaves nothing beside it', async () => {
    await openIt()

    expect((await stat(keyFile)).mode & 0o777).toBe(0o600)
    expect(await readdir(join(folder, 'home'))).toEqual(['key'])
  })

  it('is not made where that is not allowed', async () => {
    expect(await refusal(openIt(keyFile, false))).toContain('MUSTER_KEY_FILE: there is no key file')
  })

  it('is the same for several first starts at one time', async () => {
    const vaults = await Promise.all(Array.from({ length: 8 }, () => openIt()))

    const found = new Set(vaults.map((vault) => vault.lookup('card', '123').toString('hex')))
    expect(found.size).toBe(1)
  })

  it('missing where the database holds sealed values: start is refused and no other key is made', async () => {
    await openIt()
    await rm(keyFile)

    expect(await refusal(openIt())).toContain('put the file back')
    expect(await readdir(join(folder, 'home'))).toEqual([])
  })

  it('of another database is refused', async () => {
    await openIt()
    const other = join(folder, 'other')
    await writeFile(other, `1 ${Buffer.alloc(32, 7).toString('base64')}\n`)

    expect(await refusal(openIt(other))).toContain('holds another key')
  })

  it('that lacks a version which the database knows is refused', async () => {
    await openIt()
    const first = await readFile(keyFile, 'utf8')
    await addVersion(2, { isInUse: true })
    await openIt()
    await writeFile(keyFile, first)

    expect(await refusal(openIt())).toContain('lacks version 2')
  })

  it('may lack a version that is retired', async () => {
    const before = await openIt()
    const first = await readFile(keyFile, 'utf8')
    await addVersion(2, { isInUse: true })
    const now = await openIt()
    await database.db.query('update look_up_key set sealed = $1', [
      now.seal(now.open(await sealedLookUpKey(), 'look-up key'), 'look-up key'),
    ])
    await database.db.query('update vault_state set retired_at = now() where key_version = 1')
    await writeFile(keyFile, (await readFile(keyFile, 'utf8')).replace(first.split('\n')[1]!, ''))

    const after = await openIt()

    expect(after.currentVersion).toBe(2)
    expect(after.lookup('pin', '482913')).toEqual(before.lookup('pin', '482913'))
  })

  it('that every user may read is warned of, and one of a group is not', async () => {
    const warnings: unknown[] = []
    const log = { ...silentLog, warn: (message: string, fields?: LogFields) => warnings.push([message, fields]) }
    const options = { keyFile, db: database.db, allowCreate: true, log }
    await openVault(options)
    await chmod(keyFile, 0o640)
    await openVault(options)
    expect(warnings).toEqual([])

    await chmod(keyFile, 0o644)
    await openVault(options)

    expect(warnings).toEqual([['the key file can be read by every user; make its mode 0600', { path: keyFile }]])
  })

  it.each(['', 'rubbish', '1 c2hvcnQ=', `0 ${Buffer.alloc(32).toString('base64')}`])(
    'that is damaged is refused: %j',
    async (text) => {
      const damaged = join(folder, 'damaged')
      await writeFile(damaged, text)

      expect(await refusal(openIt(damaged))).toContain('damaged')
    },
  )
})

describe('a vault', () => {
  it('opens what it sealed, for any text and place, also after a restart', async () => {
    const [before, after] = [await openIt(), await openIt()]

    assert(
      property(string({ unit: 'grapheme' }), string(), (plain, context) => {
        expect(after.open(before.seal(plain, context), context)).toBe(plain)
      }),
    )
  })

  it('never seals twice alike and does not show the text', async () => {
    const vault = await openIt()

    const sealed = Array.from({ length: 100 }, () => vault.seal('04A1B2C3D4', 'card:1').toString('latin1'))

    expect(new Set(sealed).size).toBe(100)
    for (const text of sealed) expect(text).not.toContain('04A1B2C3D4')
  })

  it('opens nothing that was altered in any byte, cut, or moved to another place', async () => {
    const vault = await openIt()
    const sealed = vault.seal('04A1B2C3D4', 'card:1')

    const attempts: [Buffer, string][] = [[sealed, 'card:2']]
    for (let index = 0; index < sealed.length; index += 1) {
      const altered = Buffer.from(sealed)
      altered[index]! ^= 1
      attempts.push([altered, 'card:1'], [sealed.subarray(0, index), 'card:1'])
    }

    for (const [value, context] of attempts)
      expect(() => vault.open(value, context)).toThrow(expect.objectContaining({ code: 'vault-unreadable' }))
  })

  it('seals with the newest version that is in use, not with one that only waits in the file', async () => {
    await openIt()
    await addVersion(2, { isInUse: false })

    expect((await openIt()).currentVersion).toBe(1)
  })

  it('E17: opens both versions, and learns of a newer one from the first value that it meets', async () => {
    const old = await openIt()
    const sealed = old.seal('secret', 'x')
    await addVersion(2, { isInUse: true })
    const rotated = await openIt()
    const anew = rotated.seal('secret', 'x')

    expect([old.currentVersion, rotated.currentVersion]).toEqual([1, 2])
    expect([old, rotated].flatMap((vault) => [vault.open(sealed, 'x'), vault.open(anew, 'x')])).toEqual(
      Array.from({ length: 4 }, () => 'secret'),
    )
    expect(old.currentVersion).toBe(2)
    expect(old.lookup('pin', '482913')).toEqual(rotated.lookup('pin', '482913'))
  })

  it('learns of a newer version when it is asked to, and seals nothing where its file lacks it', async () => {
    const [here, elsewhere] = [await openIt(), await openIt()]
    const first = await readFile(keyFile, 'utf8')
    await addVersion(2, { isInUse: true })
    const second = await readFile(keyFile, 'utf8')
    await here.refresh()
    await writeFile(keyFile, first)

    await expect(elsewhere.refresh()).rejects.toThrow(/lacks version 2/)
    expect(() => elsewhere.seal('secret', 'x')).toThrow(/lacks version 2/)
    await writeFile(keyFile, second)
    await elsewhere.refresh()

    expect([here.currentVersion, elsewhere.currentVersion]).toEqual([2, 2])
    expect(here.open(elsewhere.seal('secret', 'x'), 'x')).toBe('secret')
  })

  it('keeps the look-ups of a database from before they had a key of their own', async () => {
    await openIt()
    const master = (await readFile(keyFile, 'utf8')).split('\n')[1]!.split(' ')[1]!
    await database.db.query('delete from look_up_key')

    const found = (await openIt()).lookup('pin', '482913')

    const key = Buffer.from(hkdfSync('sha256', Buffer.from(master, 'base64'), '', 'muster/look-up/1', 32))
    expect(found).toEqual(createHmac('sha256', key).update('pin\u0000482913').digest().subarray(0, 16))
  })

  it('looks up equal values as equal, and keeps values, spaces and keys apart', async () => {
    const vault = await openIt()
    await forgetKeys()
    const other = await openIt(join(folder, 'other'))

    const looked = [
      vault.lookup('card', '1234'),
      vault.lookup('card', '1235'),
      vault.lookup('pin', '1234'),
      other.lookup('card', '1234'),
    ].map((value) => value.toString('hex'))

    expect(new Set(looked).size).toBe(4)
    expect(vault.lookup('card', '1234').toString('hex')).toBe(looked[0])
    expect(vault.lookup('card', '1234').length).toBe(16)
  })
})

describe('the places of sealed values', () => {
  it('are all columns that are called so, and the copies in plans and in what runs overwrote', async () => {
    const { rows } = await database.db.query<{ table: string }>(
      `select table_name as table from information_schema.columns where table_schema = 'public' and column_name = 'sealed'`,
    )

    expect(SEALED_PLACES.map((place) => place.table).sort()).toEqual(
      [...rows.map((row) => row.table), 'plan_items', 'undo_users'].sort(),
    )
  })
})

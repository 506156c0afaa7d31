import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { assert, property, string } from 'fast-check'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { ConfigError } from '../base/errors.ts'
import { openVault, type Vault } from './keys.ts'

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
  await database.db.query('delete from vault_state')
})

function openIt(file = keyFile, allowCreate = true): Promise<Vault> {
  return openVault({ keyFile: file, db: database.db, allowCreate })
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
    await writeFile(keyFile, `${first}2 ${Buffer.alloc(32, 7).toString('base64')}\n`)
    await openIt()
    await writeFile(keyFile, first)

    expect(await refusal(openIt())).toContain('lacks version 2')
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

  it('seals with the newest version of the key and still opens older ones', async () => {
    const old = await openIt()
    const sealed = old.seal('secret', 'x')
    await writeFile(keyFile, `${await readFile(keyFile, 'utf8')}2 ${Buffer.alloc(32, 7).toString('base64')}\n`)

    const rotated = await openIt()

    expect([old.currentVersion, rotated.currentVersion]).toEqual([1, 2])
    expect(rotated.open(sealed, 'x')).toBe('secret')
    expect(() => old.open(rotated.seal('secret', 'x'), 'x')).toThrow(/version 2 of the key/)
  })

  it('looks up equal values as equal, and keeps values, spaces and keys apart', async () => {
    const vault = await openIt()
    await database.db.query('delete from vault_state')
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

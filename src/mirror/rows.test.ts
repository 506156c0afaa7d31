import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { createTestVault } from '../../test/support/vault.ts'
import type { Vault } from '../vault/keys.ts'
import { openSecrets, part, resealed, sealSecrets, toJson } from './rows.ts'

let test: TestDatabase
let vault: Vault
beforeAll(async () => {
  test = await createTestDatabase()
  vault = await createTestVault(test.db)
})
afterAll(() => test.drop())

const CONTEXT = 'mirror:1:x'

describe('attributes of a row', () => {
  it('are parted by where they are kept', () => {
    const parted = part({ a: 1, card: 'c', manager: null, b: null }, new Set(['card']))

    expect(parted).toEqual({ plain: { a: 1, b: null }, secret: { card: 'c' }, manager: null })
    expect(part({ a: 1 }, new Set(['card']))).toEqual({ plain: { a: 1 }, secret: undefined, manager: undefined })
  })

  it('D10: of any text become JSON that the database takes', async () => {
    const texts = ['\0', '\ud800', '\udc00x', 'a\\u0000', '😀', '\u2028', '\\', '"', '\t\r\n', '\x7f', '\x01']
    for (const text of texts) {
      const rows = await test.db.query<{ value: { a: string; b: string[] } }>('select $1::jsonb as value', [
        toJson({ a: text, b: [text, text] }),
      ])
      const kept = text.replace('\0', '�').toWellFormed()
      expect(rows.rows[0]!.value).toEqual({ a: kept, b: [kept, kept] })
    }
  })
})

describe('sealed attributes', () => {
  const names = new Set(['card', 'pin'])

  it('keep their bytes as long as their content stays', () => {
    const before = sealSecrets(vault, { card: '12', pin: null }, CONTEXT)

    expect(resealed(vault, { before, said: { card: '12' }, names, context: CONTEXT })).toBe(before)
    expect(resealed(vault, { before, said: undefined, names, context: CONTEXT })).toBe(before)
  })

  it('S10: take what is said and keep what is not', () => {
    const before = sealSecrets(vault, { card: '12', pin: '99' }, CONTEXT)

    const after = resealed(vault, { before, said: { card: null }, names, context: CONTEXT })

    expect(openSecrets(vault, after, CONTEXT)).toEqual({ card: null, pin: '99' })
  })

  it('lose what nobody needs any more', () => {
    const before = sealSecrets(vault, { card: '12', pin: '99' }, CONTEXT)

    const after = resealed(vault, { before, said: undefined, names: new Set(['pin']), context: CONTEXT })

    expect(openSecrets(vault, after, CONTEXT)).toEqual({ pin: '99' })
    expect(resealed(vault, { before, said: undefined, names: new Set(), context: CONTEXT })).toBeNull()
  })
})

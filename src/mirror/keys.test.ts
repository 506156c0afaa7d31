import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { createRandom } from '../emulator/random.ts'
import { KeyIndex, reserveKeys, ROW } from './keys.ts'

let test: TestDatabase
beforeAll(async () => {
  test = await createTestDatabase()
})
afterAll(() => test.drop())

describe('the index of keys', () => {
  it('finds what was inserted and nothing else, however often it grows', () => {
    const random = createRandom(3)
    const ids = Array.from({ length: 20_000 }, () => random.guid())
    const index = new KeyIndex(10)

    for (const [i, id] of ids.entries()) index.setRow(index.insert(id, i + 1), i % 2 === 0 ? ROW.full : ROW.placeholder)

    expect(index.size).toBe(ids.length)
    for (const [i, id] of ids.entries()) {
      const slot = index.find(id)
      expect(index.key(slot)).toBe(i + 1)
      expect(index.row(slot)).toBe(i % 2 === 0 ? ROW.full : ROW.placeholder)
    }
    for (let i = 0; i < 1000; i += 1) expect(index.find(random.guid())).toBe(-1)
  })

  it('tells ids apart that differ in any one digit', () => {
    const base = '00000000-0000-4000-8000-000000000000'
    const ids = [base]
    for (let at = 0; at < base.length; at += 1) {
      if (base[at] !== '-') ids.push(`${base.slice(0, at)}f${base.slice(at + 1)}`)
    }
    const index = new KeyIndex()

    for (const [i, id] of ids.entries()) index.insert(id, i + 1)

    expect(ids.map((id) => index.key(index.find(id)))).toEqual(ids.map((_, i) => i + 1))
  })

  it('counts the objects of one listing once each, also beside their rows', () => {
    const index = new KeyIndex()
    const slot = index.insert('11111111-1111-4111-8111-111111111111', 1)
    index.setRow(slot, ROW.full)

    expect([index.see(slot), index.see(slot)]).toEqual([true, false])
    index.forgetSeen()
    expect(index.see(slot)).toBe(true)
    index.setRow(slot, ROW.full)
    expect(index.row(slot)).toBe(ROW.full)
    expect(index.see(slot)).toBe(false)
  })
})

describe('reserved keys', () => {
  it('are never given to two, also when many ask at once', async () => {
    const keys = reserveKeys(test.db)
    const others = reserveKeys(test.db)

    const loans = await Promise.all(
      Array.from({ length: 200 }, async (_, i) => {
        const loan = await (i % 3 === 0 ? others : keys).borrow(999)
        const taken = loan.splice(0, 200 + i)
        if (i % 3 !== 0) keys.giveBack(loan)
        return taken
      }),
    )

    const all = loans.flat()
    expect(new Set(all).size).toBe(all.length)
    expect(Math.min(...all.slice(0, 1000))).toBeGreaterThan(0)
  })
})

import { afterAll, beforeAll, expect, it } from 'vitest'
import { disagreements, textsToCompare } from '../support/canonical-check.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'

let test: TestDatabase
beforeAll(async () => {
  test = await createTestDatabase()
})
afterAll(() => test.drop())

it('D8: JavaScript and the database agree about 100,000 texts, and folding twice changes nothing', async () => {
  const texts = textsToCompare(8, 100_000)

  const found = await disagreements(test.db, texts)

  expect(found.slice(0, 5)).toEqual([])
  expect(new Set(texts).size).toBeGreaterThan(50_000)
}, 240_000)

// The rules for passwords of local accounts against the list of those that are tried first.
import { randomUUID } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { readCommonPasswords } from './common-words.ts'
import { commonSpelled, passwordProblem, requireGoodPassword, spellCommon } from './password.ts'

let test: TestDatabase

beforeAll(async () => {
  test = await createTestDatabase()
})
afterAll(() => test.drop())

const isGood = (password: string) =>
  requireGoodPassword(test.db, password, { name: 'Ann' }).then(
    () => true,
    () => false,
  )

it('the list is spelled once, and others get their turn meanwhile', async () => {
  const words = await readCommonPasswords()
  const done = new AbortController()
  let turns = 0
  // Not the one that is kept: another test of this process may have asked for it before.
  const spelling = spellCommon(words).finally(() => done.abort())
  while (!done.signal.aborted) {
    await setImmediate()
    turns += 1
  }

  // 49,000 words, a thousand at a time, in two spellings.
  expect(turns).toBeGreaterThan(90)
  expect(await commonSpelled()).toEqual(await spelling)
  expect(commonSpelled()).toBe(commonSpelled())
})

it('none of the 3,000 most common passwords becomes a good one by being made longer', async () => {
  const read = await readCommonPasswords()
  const common = await commonSpelled()
  const good: string[] = []
  for (const word of read.whole.slice(0, 3_000)) {
    // Said again and dressed up, as people do who are asked for more characters.
    const long = `${word[0]?.toUpperCase()}${word.slice(1)}!${word.repeat(Math.ceil(9 / word.length))}-2026`
    if (passwordProblem(long, { names: [], common }) === undefined) good.push(long)
  }

  expect(good).toEqual([])
})

it('every password of the list that is long enough is refused, however rare', async () => {
  const { whole } = await readCommonPasswords()
  const long = whole.filter((word) => word.length >= 15)

  expect(long.length).toBeGreaterThan(20)
  for (const word of long) expect(await isGood(word), word).toBe(false)
})

it('what connections and sources are called is no password', async () => {
  expect(await isGood('Kestrelworks Kestrelworks')).toBe(true)
  await test.db.query(
    `insert into connections (name, tenant_id, client_id, cloud) values ('kestrelworks', $1, $1, 'global')`,
    [randomUUID()],
  )
  expect(await isGood('Kestrelworks Kestrelworks')).toBe(false)
})

it.each([
  'kestrel umbrella radish plinth',
  'tunnel gravel osprey mitten',
  'ledger willow anvil cobalt',
  'quartz nimbus ferret lathe',
])('words that do not belong together are taken: %s', async (password) => {
  expect(await isGood(password)).toBe(true)
})

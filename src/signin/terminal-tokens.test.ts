// Looking up tokens of terminals: many made-up ones cost few questions, and hide none that is one.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts'
import { listening } from '../../test/support/registry.ts'
import { createTestVault } from '../../test/support/vault.ts'
import { systemClock } from '../base/clock.ts'
import type { SignInParts } from './parts.ts'
import { digestOf } from './random.ts'
import { TerminalTokens } from './terminal-tokens.ts'
import { createTerminal, revokeTerminal } from './terminals.ts'

const ACTOR = { kind: 'command line', name: 'test' } as const
const SETTINGS = {
  name: 'Door',
  may: ['card'],
  tells: [],
  unknownCard: 'refuse',
  cardTransform: null,
  days: null,
} as const
let test: TestDatabase
let parts: SignInParts
beforeAll(async () => {
  test = await createTestDatabase()
  parts = { db: test.db, vault: await createTestVault(test.db), clock: systemClock }
})
afterAll(() => test.drop())

describe('tokens of terminals', () => {
  it('are looked up together when many are asked for, each found or not by itself', async () => {
    const { token, listed } = await createTerminal(parts, SETTINGS, ACTOR)
    const { db, asked } = listening(test.db)
    const tokens = new TerminalTokens({ db, clock: systemClock })
    const madeUp = Array.from({ length: 1_200 }, (_, nth) => tokens.find(digestOf(`mtt_${nth}`)))
    const found = await Promise.all([...madeUp, tokens.find(digestOf(token)), tokens.find(digestOf(token))])

    expect(found.slice(0, 1_200).filter((terminal) => terminal !== undefined)).toEqual([])
    expect(found.slice(1_200).map((terminal) => terminal?.id)).toEqual([listed.id, listed.id])
    // The first by itself, and 500 in each of the others.
    expect(asked).toHaveLength(4)
  })

  it('that were revoked are none, also where the same process has found them before', async () => {
    const { token, listed } = await createTerminal(parts, { ...SETTINGS, name: 'Revoked' }, ACTOR)
    const tokens = new TerminalTokens(parts)
    const before = await tokens.find(digestOf(token))
    await revokeTerminal(parts, listed.id, ACTOR)

    expect(before?.id).toBe(listed.id)
    expect(await tokens.find(digestOf(token))).toBeUndefined()
  })

  it('that cannot be looked up are an error for whoever asked, and the next question is asked all the same', async () => {
    const db = { ...test.db, query: () => Promise.reject(new Error('the database is away')) }
    const failing = new TerminalTokens({ db, clock: systemClock })

    await expect(failing.find(digestOf('mtt_1'))).rejects.toThrow('the database is away')
    await expect(failing.find(digestOf('mtt_2'))).rejects.toThrow('the database is away')
  })
})

// Tokens that somebody else made, altered, kept or caught: nobody is signed in by one, and the reason is told.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Attacked, attacked } from '../support/attacked.ts'
import { FORGED_TOKENS } from '../support/forged-tokens.ts'
import { SOUND_TOKENS } from '../support/sound-tokens.ts'

let target: Attacked
beforeAll(async () => {
  target = await attacked()
})
afterAll(async () => target.stop())

describe('a token that is wrong', () => {
  it('is one of at least 150 kinds, each by a name of its own', () => {
    expect(FORGED_TOKENS.length).toBeGreaterThanOrEqual(150)
    expect(new Set(FORGED_TOKENS.map(([name]) => name)).size).toBe(FORGED_TOKENS.length)
  })

  it.each(FORGED_TOKENS)('%s is refused as %s', async (_name, reason, forge) => {
    expect(await target.attempt(forge)).toEqual({ kind: 'refused', reason })
  })
})

describe('a token that is unusual and right', () => {
  it('is one of at least 40 kinds', () => {
    expect(SOUND_TOKENS.length).toBeGreaterThanOrEqual(40)
  })

  it.each(SOUND_TOKENS)('%s signs in', async (_name, make) => {
    expect(await target.attempt(make)).toMatchObject({
      kind: 'verified',
      person: { objectId: target.annId, tenantId: expect.any(String) },
    })
  })
})

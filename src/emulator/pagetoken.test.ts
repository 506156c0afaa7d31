import { describe, expect, it } from 'vitest'
import { TokenSeal } from './pagetoken.ts'

describe('opaque tokens (graph.md 19)', () => {
  const seal = new TokenSeal('7b3c1f60-0d1e-4c55-9b1f-2a7de5c1a001')

  it('19: a token is URL-safe and 300 to 1,500 characters long', () => {
    const short = seal.seal({ a: 1 })
    const long = seal.seal({ select: 'onPremisesExtensionAttributes,'.repeat(30) })

    for (const token of [short, long]) {
      expect(token).toMatch(/^[\w-]+$/)
      expect(token.length).toBeGreaterThanOrEqual(300)
      expect(token.length).toBeLessThanOrEqual(1500)
    }
  })

  it('19: a token opens to what was sealed, shows nothing of it, and is never the same twice', () => {
    const data = { select: 'displayName', after: 17 }

    const [first, second] = [seal.seal(data), seal.seal(data)]

    expect(seal.open(first)).toEqual(data)
    expect(seal.open(second)).toEqual(data)
    expect(first).not.toBe(second)
    expect(Buffer.from(first, 'base64url').toString('latin1')).not.toContain('displayName')
  })

  it('19: an altered, cut or foreign token does not open', () => {
    const token = seal.seal({ a: 1 })
    const flipped = `${token.slice(0, 100)}${token[100] === 'A' ? 'B' : 'A'}${token.slice(101)}`
    const foreign = new TokenSeal('00000000-0000-4000-8000-000000000000').seal({ a: 1 })

    for (const bad of [flipped, token.slice(0, -8), foreign, '', 'x', 'latest']) expect(seal.open(bad)).toBeUndefined()
  })
})

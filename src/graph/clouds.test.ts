import { describe, expect, it } from 'vitest'
import { ConfigError } from '../base/errors.ts'
import { CLOUD_ROOTS } from '../directory/clouds.ts'
import { checkRoots, isMicrosoftRoot, scopeOf } from './clouds.ts'

const clouds = Object.entries(CLOUD_ROOTS)

describe('clouds', () => {
  it.each(clouds)('T18: %s asks for tokens of its own Graph', (_, roots) => {
    expect(checkRoots(roots)).toEqual(roots)
    expect(scopeOf(roots.graphUrl)).toBe(`${roots.graphUrl}/.default`)
  })

  it('T18: the Graph of one cloud is never read with tokens of another', () => {
    for (const [nameA, a] of clouds)
      for (const [nameB, b] of clouds) {
        if (nameA === nameB || a.authorityUrl === b.authorityUrl) continue
        const mixed = () => checkRoots({ authorityUrl: a.authorityUrl, graphUrl: b.graphUrl })
        expect(mixed, `${nameA} with ${nameB}`).toThrow(ConfigError)
      }
  })

  it.each([
    ['https://login.microsoftonline.com', 'https://graph.example.org'],
    ['https://login.example.org', 'https://graph.microsoft.com'],
    ['https://login.microsoftonline.com/', 'https://graph.microsoft.us/'],
    ['https://LOGIN.microsoftonline.com', 'https://graph.microsoft.us'],
  ])('T18: a custom endpoint may not borrow half of a Microsoft cloud: %s with %s', (authorityUrl, graphUrl) => {
    expect(() => checkRoots({ authorityUrl, graphUrl })).toThrow(ConfigError)
  })

  it.each([
    ['http://127.0.0.1:4000', true],
    ['http://localhost:4000/', true],
    ['http://[::1]:4000', true],
    ['https://graph.example.org', true],
    ['http://graph.example.org', false],
    ['http://127.0.0.1.example.org', false],
    ['http://10.0.0.1', false],
    ['ftp://127.0.0.1', false],
    ['https://user:pass@graph.example.org', false],
    ['https://graph.example.org/v1.0', false],
    ['graph.example.org', false],
    ['', false],
  ])('plain http is for loopback only: %s is usable: %s', (root, usable) => {
    const check = () => checkRoots({ authorityUrl: root, graphUrl: root })

    if (usable) expect(check).not.toThrow()
    else expect(check).toThrow(ConfigError)
  })

  it("Microsoft's roots are known whatever their spelling", () => {
    expect(isMicrosoftRoot('https://GRAPH.microsoft.com/')).toBe(true)
    expect(isMicrosoftRoot('https://graph.microsoft.com.example.org')).toBe(false)
  })
})

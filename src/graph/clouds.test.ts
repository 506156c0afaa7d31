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
        expect(mixed).toThrow(ConfigError)
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

  it.each(['http://127.0.0.1:4000', 'http://localhost:4000/', 'http://[::1]:4000', 'https://graph.example.org'])(
    '%s is a usable root',
    (root) => {
      expect(() => checkRoots({ authorityUrl: root, graphUrl: root })).not.toThrow()
    },
  )

  it.each([
    'http://graph.example.org',
    'http://127.0.0.1.example.org',
    'http://10.0.0.1',
    'ftp://127.0.0.1',
    'https://user:pass@graph.example.org',
    'https://graph.example.org/v1.0',
    'graph.example.org',
    '',
  ])('plain http is for loopback only, and a root is a root: %j is refused', (root) => {
    expect(() => checkRoots({ authorityUrl: root, graphUrl: root })).toThrow(ConfigError)
  })

  it("Microsoft's roots are known whatever their spelling", () => {
    expect(isMicrosoftRoot('https://GRAPH.microsoft.com/')).toBe(true)
    expect(isMicrosoftRoot('https://graph.microsoft.com.example.org')).toBe(false)
  })
})

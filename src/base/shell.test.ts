import { execFileSync } from 'node:child_process'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { shellWord } from './shell.ts'

describe('a word for a shell', () => {
  it('is the text itself where that is one word', () => {
    expect(['contoso-staff', 'a.b/c', 'ann@x'].map(shellWord)).toEqual(['contoso-staff', 'a.b/c', 'ann@x'])
  })

  it.each([`l'école "A"`, '', '-rf', '$(date)', '`date`', 'a;b', 'a\nb', '~', '*'])(
    'reaches a program as %j',
    (text) => {
      const words = execFileSync('/bin/sh', ['-c', `printf '<%s>' ${shellWord(text)}`], { encoding: 'utf8' })
      expect(words).toBe(`<${text}>`)
    },
  )

  it('never ends before its end', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const word = shellWord(text)
        expect(word === text || /^'(?:[^']|'\\'')*'$/.test(word)).toBe(true)
      }),
    )
  })
})

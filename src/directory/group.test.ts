import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { pathKeyOf, pathOf, splitPath } from './group.ts'

const path = (names: readonly string[]) => {
  let under = ''
  for (const name of names) under = pathOf(under, name)
  return under
}

describe('paths of groups', () => {
  it.each([
    [['Contoso', 'Sales'], 'Contoso|Sales'],
    [['a|b', 'c'], String.raw`a\|b|c`],
    [['a\\', 'b'], String.raw`a\\|b`],
    [[String.raw`CONTOSO\staff`], String.raw`CONTOSO\staff`],
    [[], ''],
  ])('%j is written %s', (names, text) => {
    expect(path(names)).toBe(text)
    expect(splitPath(text)).toEqual(names)
  })

  it('every path has one reading, whatever the names are', () => {
    const name = fc.oneof(fc.string({ minLength: 1 }), fc.stringMatching(/^[\\|a]{1,6}$/))
    fc.assert(
      fc.property(fc.array(name), (names) => {
        expect(splitPath(path(names))).toEqual(names)
      }),
    )
  })

  it('a single backslash at the end, as people write it, is one', () => {
    expect(splitPath('a\\')).toEqual(['a\\'])
  })

  it('are one key where every name is the same in canonical form, and only there', () => {
    expect(pathKeyOf(['CONTOSO ', 'Straße'])).toBe(pathKeyOf(['contoso', 'STRASSE']))
    expect(pathKeyOf(['a', 'b'])).not.toBe(pathKeyOf(['a|b']))
    expect(pathKeyOf(['a\\', 'b'])).not.toBe(pathKeyOf(['a|b']))
  })
})

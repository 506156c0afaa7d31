import { describe, expect, it } from 'vitest'
import { isUnambiguous } from './json-names.ts'

describe('JSON of a token', () => {
  it.each([
    '{}',
    '{"a":1,"b":1}',
    '{"a":{"a":1},"b":[{"a":1},{"a":2}]}',
    '{"a":"\\"a\\":1,\\"a\\":2"}',
    '{"a":"{","b":"}","c":"\\\\"}',
    '{ "a" : "a:" , "b" :\n["a","a"] }',
    '{"a":["x",{"y":{}}],"y":{"a":1}}',
  ])('%s says one thing', (json) => {
    expect(JSON.parse(json)).toBeDefined()
    expect(isUnambiguous(json)).toBe(true)
  })

  it.each([
    '{"a":1,"a":1}',
    '{"a":1,"b":{},"a":2}',
    '{"a":1,"\\u0061":2}',
    '{"b":[{"a":1,"a":2}]}',
    '{"":1,"":2}',
    '{"__proto__":1,"__proto__":2}',
    `{"a":${'['.repeat(16)}${']'.repeat(16)}}`,
  ])('%s does not', (json) => {
    expect(JSON.parse(json)).toBeDefined()
    expect(isUnambiguous(json)).toBe(false)
  })
})

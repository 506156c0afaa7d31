import { describe, expect, it } from 'vitest'
import { oddityOf } from './lookalike.ts'

describe('D9: a name that could be mistaken for another', () => {
  it.each([
    ['\u0430nn@contoso.com', 'mixes Latin and Cyrillic letters in one word'],
    ['ann@cont\u03bfso.com', 'mixes Latin and Greek letters in one word'],
    ['ann\u200b@contoso.com', 'has characters that nobody sees'],
    ['\u202eann@contoso.com', 'has characters that nobody sees'],
  ])('D9: %j %s', (name, oddity) => {
    expect(oddityOf(name)).toBe(oddity)
  })

  it.each([
    'ann.lee@contoso.com',
    'José.Šťastný@x.cz',
    'иван@contoso.com',
    '山田taro@contoso.com',
    'ΑΒΓ-abc',
    '1:2_3',
    '',
  ])('D9: %j is nothing of the kind', (name) => {
    expect(oddityOf(name)).toBe(undefined)
  })
})

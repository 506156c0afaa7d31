import { describe, expect, it } from 'vitest'
import { merged } from './merge.ts'

const before = { priority: 100, users: { guests: 'import', properties: { fullName: 'displayName', notes: 'none' } } }

describe('settings that two people changed at the same time', () => {
  it('are what both wanted', () => {
    const mine = { ...before, users: { ...before.users, properties: { fullName: 'mail', notes: 'none' } } }
    const theirs = { ...before, priority: 5, users: { ...before.users, guests: 'ignore' } }

    expect(merged(before, mine, theirs)).toEqual({
      priority: 5,
      users: { guests: 'ignore', properties: { fullName: 'mail', notes: 'none' } },
    })
  })

  it('are mine where both changed one of them, lists whole', () => {
    expect(merged({ ignore: ['a'] }, { ignore: ['a', 'b'] }, { ignore: ['c'] })).toEqual({ ignore: ['a', 'b'] })
  })

  it('keep what either of them took out or put in', () => {
    expect(merged({ one: 1, two: 2 }, { two: 2 }, { one: 1, two: 2, three: 3 })).toEqual({ two: 2, three: 3 })
    expect(merged({ one: 1, two: 2 }, { one: 7, two: 2 }, { one: 1 })).toEqual({ one: 7 })
  })
})

import { describe, expect, it } from 'vitest'
import { AtOnce } from './at-once.ts'

describe('what goes on at once', () => {
  it('is bounded for each asker and for all, and who leaves makes room once', () => {
    const atOnce = new AtOnce({ ofOne: 2, ofAll: 3 })
    const [first, second] = [atOnce.enter('a'), atOnce.enter('a')]
    const beyond = atOnce.enter('a')
    const other = atOnce.enter('b')
    const full = atOnce.enter('c')
    first?.()

    expect([second, other].map((leave) => typeof leave)).toEqual(['function', 'function'])
    expect([beyond, full]).toEqual([undefined, undefined])
    expect(atOnce.enter('c')).toBeDefined()
    expect(atOnce.enter('a')).toBeUndefined()
  })

  it('is bounded for those of one group, however many they are', () => {
    const atOnce = new AtOnce({ ofOne: 2, ofGroup: 3, ofAll: 9 })
    const [first] = ['a', 'a', 'b'].map((asker) => atOnce.enter(asker, 'group'))
    const beyond = ['b', 'c'].map((asker) => atOnce.enter(asker, 'group'))
    const other = atOnce.enter('d', 'other')
    first?.()

    expect(beyond).toEqual([undefined, undefined])
    expect(other).toBeDefined()
    expect(atOnce.enter('c', 'group')).toBeDefined()
    expect(atOnce.enter('e', 'group')).toBeUndefined()
  })
})

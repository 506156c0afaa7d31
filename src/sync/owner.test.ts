import { describe, expect, it } from 'vitest'
import { aRank } from '../../test/support/people.ts'
import { claimantsOf, compareRank, strongerClaimant } from './owner.ts'

const ME = aRank({ id: 1, name: 'm', priority: 100 })
const LOW = aRank({ id: 2, name: 'z', priority: 50 })
const A = aRank({ id: 3, name: 'a', priority: 100 })
const HIGH = aRank({ id: 4, name: 'a', priority: 200 })

describe('which source comes first', () => {
  it('is the one with the lower priority number, then by name', () => {
    expect([HIGH, ME, A, LOW].sort(compareRank)).toEqual([LOW, A, ME, HIGH])
    expect(compareRank(A, ME)).toBeLessThan(0)
    expect(compareRank(ME, A)).toBeGreaterThan(0)
    expect(compareRank(ME, { ...ME, id: 9 })).toBe(0)
  })

  it('only enabled ones that claim him count, strongest first', () => {
    expect(claimantsOf([HIGH, LOW, A], [2, 4])).toEqual([LOW, HIGH])
    expect(claimantsOf([HIGH, { ...LOW, enabled: false }], [2, 4])).toEqual([HIGH])
    expect(claimantsOf([HIGH, LOW], [])).toEqual([])
  })

  it('somebody’s stronger claimant is the strongest that comes before the asking source', () => {
    expect(strongerClaimant({ me: ME, rivals: [HIGH, A, LOW], claims: [1, 2, 3, 4] })).toBe(LOW)
    expect(strongerClaimant({ me: ME, rivals: [HIGH, A, LOW], claims: [1, 3, 4] })).toBe(A)
    expect(strongerClaimant({ me: ME, rivals: [HIGH, A, LOW], claims: [1, 4] })).toBe(undefined)
    expect(strongerClaimant({ me: ME, rivals: [{ ...ME, id: 9 }], claims: [9] })).toBe(undefined)
  })
})

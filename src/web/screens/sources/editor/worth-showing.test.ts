import { describe, expect, it } from 'vitest'
import { isWorthShowing } from './worth-showing.ts'

const nothing = { isUnread: false, unreadAttributes: [], document: { outcome: 'no-change' as const } }

describe('what saving a source changes is shown', () => {
  it('where the plan changes somebody', () => {
    expect(isWorthShowing({ ...nothing, document: { outcome: 'planned' } }, { people: 4 })).toBe(true)
  })

  it('where the plan is empty because attributes were never read', () => {
    expect(isWorthShowing({ ...nothing, unreadAttributes: ['companyName'] }, { people: 4 })).toBe(true)
  })

  it('where there are people, and nothing was read of the tenant', () => {
    expect(isWorthShowing({ ...nothing, isUnread: true }, { people: 4 })).toBe(true)
  })

  it('nowhere else', () => {
    expect(isWorthShowing(nothing, { people: 4 })).toBe(false)
    expect(isWorthShowing({ ...nothing, isUnread: true }, { people: 0 })).toBe(false)
  })
})

import { describe, expect, it } from 'vitest'
import { REMEDIES } from './remedies.ts'
import { ISSUE_CODES } from './runs.ts'

describe('remedies', () => {
  it.each(ISSUE_CODES)('%s has one of its own, a sentence that says what to do', (code) => {
    expect(REMEDIES[code]).toMatch(/^[A-Z].{30,}\.$/)
    expect(Object.values(REMEDIES).filter((text) => text === REMEDIES[code])).toHaveLength(1)
  })

  it('there is none for a code that there is not', () => {
    expect(Object.keys(REMEDIES).sort()).toEqual([...ISSUE_CODES].sort())
  })
})

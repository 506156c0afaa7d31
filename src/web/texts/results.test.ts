import { describe, expect, it } from 'vitest'
import { outcomeInWords } from './results.ts'

describe('what became of a run', () => {
  it('does not promise that people and groups are as in Entra where some are an issue', () => {
    expect(outcomeInWords({ outcome: 'applied', issuesTotal: 0 })).toContain('as in Entra')
    expect(outcomeInWords({ outcome: 'applied', issuesTotal: 3 })).not.toContain('as in Entra')
    expect(outcomeInWords({ outcome: 'applied', issuesTotal: 3 })).toContain('issue')
    expect(outcomeInWords({ outcome: 'held', issuesTotal: 3 })).toContain('Held')
  })
})

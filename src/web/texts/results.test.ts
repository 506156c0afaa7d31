import { describe, expect, it } from 'vitest'
import { outcomeInWords } from './results.ts'

describe('what became of a run', () => {
  it('does not promise that people and groups are as in Entra where some are an issue', () => {
    expect(outcomeInWords({ kind: 'sync', outcome: 'applied', issuesTotal: 0 })).toContain('as in Entra')
    expect(outcomeInWords({ kind: 'sync', outcome: 'applied', issuesTotal: 3 })).not.toContain('as in Entra')
    expect(outcomeInWords({ kind: 'sync', outcome: 'applied', issuesTotal: 3 })).toContain('issue')
    expect(outcomeInWords({ kind: 'sync', outcome: 'held', issuesTotal: 3 })).toContain('Held')
  })

  it('says of Undo that something was taken back only where it was', () => {
    const words = (['applied', 'no-change', 'planned', 'cancelled', 'failed'] as const).map((outcome) =>
      outcomeInWords({ kind: 'revert', outcome, issuesTotal: null }),
    )

    expect(words.filter((word) => word.startsWith('Taken back'))).toEqual([words[0]])
    expect(new Set(words).size).toBe(words.length)
  })
})

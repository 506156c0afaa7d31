import { describe, expect, it } from 'vitest'
import { whyNotTakenBack } from './undo-outcome.ts'

describe('Undo says that a run was taken back', () => {
  it('where it was', () => {
    expect(whyNotTakenBack({ outcome: 'applied', error: null })).toBeUndefined()
  })

  it('nowhere else, and why', () => {
    const error = { code: 'disk-full', message: 'The disk of the database is full.', requestId: null }
    const answers = [
      whyNotTakenBack({ outcome: 'planned', error: null }),
      whyNotTakenBack({ outcome: 'no-change', error: null }),
      whyNotTakenBack({ outcome: 'cancelled', error: null }),
      whyNotTakenBack({ outcome: 'failed', error: null }),
    ]

    expect(answers.every((answer) => answer !== undefined && answer !== '')).toBe(true)
    expect(new Set(answers).size).toBe(4)
    expect(whyNotTakenBack({ outcome: 'failed', error })).toBe(error.message)
  })
})

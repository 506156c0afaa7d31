import { describe, expect, it } from 'vitest'
import { askForEach } from './asking.ts'

describe('asking for runs of several sources', () => {
  it('gives those that are taken, and names those that are refused', async () => {
    const off = new Error('the source is off')

    const answers = await askForEach(['staff', 'pupils', 'guests'], async (source) => {
      if (source === 'pupils') throw off
      return { id: `job of ${source}` }
    })

    expect(answers).toEqual({
      jobs: ['job of staff', 'job of guests'],
      refused: [{ source: 'pupils', error: off }],
    })
  })
})
